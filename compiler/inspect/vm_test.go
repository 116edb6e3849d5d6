package inspect

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/compiler/resolve"
)

type in = bpf.RawInstruction

func TestInstructions(t *testing.T) {
	want := []in{{Op: 0x1520, Jt: 3, Jf: 4, K: 0x05060708}, {Op: 6, K: 0x7fff0000}}
	for _, c := range []struct {
		name string
		raw  []byte
		big  bool
	}{
		{"little-endian", []byte{0x20, 0x15, 3, 4, 8, 7, 6, 5, 6, 0, 0, 0, 0, 0, 0xff, 0x7f}, false},
		{"big-endian", []byte{0x15, 0x20, 3, 4, 5, 6, 7, 8, 0, 6, 0, 0, 0x7f, 0xff, 0, 0}, true},
	} {
		if got, err := Instructions(c.raw, c.big); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, error %v", c.name, got, err)
		}
	}
	for _, c := range []struct {
		length int
		want   string
	}{
		{0, "no instructions"},
		{4, "4 bytes are no whole number of instructions, which have 8 each"},
		{8*4096 + 8, "4097 instructions: the kernel takes 4096"},
		{8*4096 + 1, "32769 bytes are no whole number"},
	} {
		if got, err := Instructions(make([]byte, c.length), false); got != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d bytes: %d instructions, error %v", c.length, len(got), err)
		}
	}
	if got, err := Instructions(bytes.Repeat([]byte{6, 0, 0, 0, 0, 0, 0, 0}, 4096), false); err != nil || len(got) != 4096 {
		t.Errorf("the longest program: %d instructions, error %v", len(got), err)
	}
}

var retA = in{Op: 0x16}

// TestWords loads every word of struct seccomp_data.
func TestWords(t *testing.T) {
	call := resolve.Call{NR: 0x11111111, Arch: 0x22222222}
	for i := range call.Args {
		call.Args[i] = uint64(0xa0+i)<<32 | uint64(0xb0+i)
	}
	want := map[bool][]uint32{
		false: {0x11111111, 0x22222222, 0, 0, 0xb0, 0xa0, 0xb1, 0xa1, 0xb2, 0xa2, 0xb3, 0xa3, 0xb4, 0xa4, 0xb5, 0xa5},
		true:  {0x11111111, 0x22222222, 0, 0, 0xa0, 0xb0, 0xa1, 0xb1, 0xa2, 0xb2, 0xa3, 0xb3, 0xa4, 0xb4, 0xa5, 0xb5},
	}
	for big, words := range want {
		for i, w := range words {
			a, steps, err := Run([]in{{Op: 0x20, K: uint32(4 * i)}, retA}, big, call)
			if err != nil || a != resolve.Action(w) || steps != 2 {
				t.Errorf("offset %d, big-endian %v: %#x in %d steps, error %v, want %#x", 4*i, big, uint32(a), steps, err, w)
			}
		}
	}
}

// TestRun runs short programs that end in the value of a register.
func TestRun(t *testing.T) {
	imm, ldx, ret := func(k uint32) in { return in{Op: 0x00, K: k} }, func(k uint32) in { return in{Op: 0x01, K: k} }, func(k uint32) in { return in{Op: 0x06, K: k} }
	txa, tax := in{Op: 0x87}, in{Op: 0x07}
	for _, c := range []struct {
		name  string
		prog  []in
		want  uint32
		steps int
	}{
		{"return", []in{ret(0x7fff0000)}, 0x7fff0000, 1},
		{"A is 0 at first", []in{retA}, 0, 1},
		{"X is 0 at first", []in{imm(5), txa, retA}, 0, 3},
		{"TAX", []in{imm(5), tax, imm(0), txa, retA}, 5, 5},
		{"length in A", []in{{Op: 0x80}, retA}, 64, 2},
		{"length in X", []in{{Op: 0x81}, txa, retA}, 64, 3},
		{"memory of A", []in{imm(7), {Op: 0x02, K: 15}, imm(0), {Op: 0x60, K: 15}, retA}, 7, 5},
		{"memory of X", []in{ldx(7), {Op: 0x03, K: 3}, {Op: 0x61, K: 3}, txa, retA}, 7, 5},
		{"memory of A into X", []in{imm(7), {Op: 0x02, K: 3}, {Op: 0x61, K: 3}, txa, retA}, 7, 5},
		{"negate", []in{imm(1), {Op: 0x84}, retA}, 0xffffffff, 3},
		{"jump", []in{{Op: 0x05, K: 2}, ret(1), ret(2), ret(3)}, 3, 2},
		{"jump of 0", []in{{Op: 0x05}, ret(1), ret(2)}, 1, 2},
		{"division by X = 0", []in{imm(1), {Op: 0x3c}, ret(0x7fff0000)}, 0, 2},
		{"shift by X modulo 32", []in{imm(3), ldx(33), {Op: 0x6c}, retA}, 6, 4},
		{"shift right by X modulo 32", []in{imm(6), ldx(33), {Op: 0x7c}, retA}, 3, 4},
	} {
		a, steps, err := Run(c.prog, false, resolve.Call{})
		if err != nil || a != resolve.Action(c.want) || steps != c.steps {
			t.Errorf("%s: %#x in %d steps, error %v, want %#x in %d", c.name, uint32(a), steps, err, c.want, c.steps)
		}
	}
	for _, c := range []struct {
		name string
		op   uint16
		a, k uint32
		want uint32
	}{
		{"add", 0x04, 0xffffffff, 2, 1}, {"subtract", 0x14, 1, 2, 0xffffffff}, {"multiply", 0x24, 0x10001, 0x10000, 0x10000},
		{"divide", 0x34, 0xfffffffe, 2, 0x7fffffff}, {"or", 0x44, 5, 3, 7}, {"and", 0x54, 5, 3, 1}, {"xor", 0xa4, 5, 3, 6},
		{"shift left", 0x64, 0x80000003, 31, 0x80000000}, {"shift right", 0x74, 0x80000003, 31, 1},
	} {
		for _, x := range []bool{false, true} {
			prog := []in{ldx(99), imm(c.a), {Op: c.op, K: c.k}, retA}
			if x {
				prog = []in{ldx(c.k), imm(c.a), {Op: c.op | 0x08, K: 99}, retA}
			}
			if a, _, err := Run(prog, false, resolve.Call{}); err != nil || a != resolve.Action(c.want) {
				t.Errorf("%s, X %v: %#x, error %v, want %#x", c.name, x, uint32(a), err, c.want)
			}
		}
	}
	for _, c := range []struct {
		name  string
		op    uint16
		a, k  uint32
		taken bool
	}{
		{"equal", 0x15, 7, 7, true}, {"not equal", 0x15, 7, 8, false},
		{"greater", 0x25, 0x80000000, 0x7fffffff, true}, {"not greater", 0x25, 7, 7, false},
		{"greater or equal", 0x35, 7, 7, true}, {"less", 0x35, 0x7fffffff, 0x80000000, false},
		{"a bit set", 0x45, 6, 2, true}, {"no bit set", 0x45, 6, 9, false}, {"no bit asked for", 0x45, 6, 0, false},
	} {
		for _, x := range []bool{false, true} {
			prog := []in{ldx(99), imm(c.a), {Op: c.op, K: c.k, Jt: 1, Jf: 2}, ret(0), ret(1), ret(2)}
			if x {
				prog[0], prog[2].Op, prog[2].K = ldx(c.k), c.op|0x08, 99
			}
			want := resolve.Action(2)
			if c.taken {
				want = 1
			}
			if a, steps, err := Run(prog, false, resolve.Call{}); err != nil || a != want || steps != 4 {
				t.Errorf("%s, X %v: %v in %d steps, error %v", c.name, x, a, steps, err)
			}
		}
	}
}

func TestRunRefuses(t *testing.T) {
	ret := in{Op: 0x06}
	for _, c := range []struct {
		name string
		prog []in
		want string
	}{
		{"nothing", nil, "the program runs over its end"},
		{"no return", []in{{Op: 0x20}}, "the program runs over its end"},
		{"a jump to the end", []in{{Op: 0x05, K: 1}, ret}, "the program runs over its end"},
		{"a jump far behind the end", []in{{Op: 0x05, K: 0xffffffff}, ret}, "the program runs over its end"},
		{"a conditional jump behind the end", []in{{Op: 0x15, Jt: 255}, ret}, "the program runs over its end"},
		{"a load behind the arguments", []in{{Op: 0x20, K: 64}, ret}, "instruction 0: load from offset 64"},
		{"a load between words", []in{{Op: 0x20, K: 2}, ret}, "instruction 0: load from offset 2"},
		{"a memory cell too many", []in{{Op: 0x02, K: 16}, ret}, "instruction 0: memory cell 16"},
		{"division by 0", []in{{Op: 0x34}, ret}, "instruction 0: division by zero"},
		{"shift by 32", []in{{Op: 0x64, K: 32}, ret}, "instruction 0: shift by 32"},
		{"shift right by 32", []in{{Op: 0x74, K: 32}, ret}, "instruction 0: shift by 32"},
	} {
		if _, _, err := Run(c.prog, false, resolve.Call{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestOpcodes: the VM knows what seccomp_check_filter of kernel/seccomp.c lists, and nothing else.
func TestOpcodes(t *testing.T) {
	known := map[uint16]bool{0x20: true, 0x80: true, 0x81: true, 0x06: true, 0x16: true, 0x84: true, 0x00: true, 0x01: true, 0x07: true, 0x87: true,
		0x60: true, 0x61: true, 0x02: true, 0x03: true, 0x05: true}
	for _, op := range []uint16{0x04, 0x14, 0x24, 0x34, 0x54, 0x44, 0xa4, 0x64, 0x74, 0x15, 0x35, 0x25, 0x45} { // K and X
		known[op], known[op|0x08] = true, true
	}
	for op := range 1 << 16 {
		_, _, err := Run([]in{{Op: uint16(op), K: 4}, {Op: 0x06}, {Op: 0x06}, {Op: 0x06}, {Op: 0x06}, {Op: 0x06}}, false, resolve.Call{})
		if known[uint16(op)] != (err == nil) {
			t.Errorf("opcode %#x: error %v", op, err)
		}
		if err != nil && err.Error() != fmt.Sprintf("instruction 0: opcode %#04x", op) {
			t.Errorf("opcode %#x: error %v", op, err)
		}
	}
}
