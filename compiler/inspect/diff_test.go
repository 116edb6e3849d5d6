package inspect

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// TestKinds compares all actions by their place in the kernel's order, and errno(0), which fakes success, with each.
func TestKinds(t *testing.T) {
	order := []resolve.Action{resolve.KillProcess, resolve.KillThread, resolve.Trap | 1, resolve.Errno | 1, resolve.Notify, resolve.Trace | 5, resolve.Log, resolve.Allow}
	for i, a := range order {
		for j, b := range order {
			want := Changed
			switch {
			case i < j:
				want = Widened
			case i > j:
				want = Narrowed
			default:
				b |= 2
			}
			if got := kindOf(a, b); got != want {
				t.Errorf("%v -> %v is %s, want %s", a, b, got, want)
			}
		}
		if got := kindOf(a, resolve.Errno); got != Widened {
			t.Errorf("%v -> errno(0) is %s", a, got)
		}
	}
	for to, want := range map[resolve.Action]Kind{resolve.Errno | 1: Narrowed, resolve.KillThread: Narrowed, resolve.Allow: Widened} {
		if got := kindOf(resolve.Errno, to); got != want {
			t.Errorf("errno(0) -> %v is %s, want %s", to, got, want)
		}
	}
	if got := kindOf(0x12340000, resolve.KillThread); got != Widened { // the kernel takes an unknown one for kill_process
		t.Errorf("unknown -> kill_thread is %s", got)
	}
}

// program is a target of x86_64 with some instructions.
func program(abis []blob.ABI, instructions ...uint64) *blob.Blob {
	t := blob.Target{Label: "t", ABIs: abis, Order: blob.LittleEndian}
	for _, in := range instructions {
		t.Program = binary.LittleEndian.AppendUint64(t.Program, in)
	}
	return &blob.Blob{Targets: []blob.Target{t}}
}

func word(op, jt, jf uint8, k uint32) uint64 {
	return uint64(op) | uint64(jt)<<16 | uint64(jf)<<24 | uint64(k)<<32
}

// TestDiffNumbers finds numbers at the ends of the number space and of ABIs, on a program that looks at no architecture.
func TestDiffNumbers(t *testing.T) {
	x86 := []blob.ABI{{Audit: resolve.X86_64}}
	allow := word(0x06, 0, 0, uint32(resolve.Allow))
	kill := word(0x06, 0, 0, uint32(resolve.KillProcess))
	for _, nr := range []uint32{0, 0x3fffffff, 0x40000000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff} {
		_, targets, err := Diff(program(x86, allow), program(x86, word(0x20, 0, 0, 0), word(0x15, 0, 1, nr), kill, allow))
		if err != nil || len(targets) != 1 {
			t.Fatal(targets, err)
		}
		name := "x86_64"
		if nr&0x40000000 != 0 && nr != resolve.NoCall {
			name = "x32"
		}
		list := targets[0].Changes
		if len(list) != 2 || list[0].ABI != arch.Lookup(name) || list[1].ABI != nil {
			t.Fatalf("number %#x: %+v", nr, list)
		}
		for _, c := range list {
			calls, isNamed := []string(nil), false
			if c.ABI != nil {
				if n, ok := c.ABI.SyscallName(nr); ok {
					calls, isNamed = []string{n}, true
				}
			}
			one := []prove.Range{{First: nr, Last: nr}}
			if c.Kind != Narrowed || c.Rest != SomeNumbers || c.Witness.NR != nr || c.If != "" || !slices.Equal(c.Calls, calls) || isNamed == slices.Equal(c.Numbers, one) {
				t.Errorf("number %#x: %+v", nr, c)
			}
		}
		// The foreign ones are all but x86_64's architecture.
		if want := []prove.Range{{Last: resolve.X86_64 - 1}, {First: resolve.X86_64 + 1, Last: 0xffffffff}}; !slices.Equal(list[1].Arches, want) {
			t.Errorf("foreign are %+v", list[1].Arches)
		}
	}
}

// TestDiffNothing: programs that decide alike have no change, and no filter is one that allows all.
func TestDiffNothing(t *testing.T) {
	x86 := []blob.ABI{{Audit: resolve.X86_64}}
	allow, load := word(0x06, 0, 0, uint32(resolve.Allow)), word(0x20, 0, 0, 0)
	for _, b := range []*blob.Blob{program(x86, allow), program(x86, load, allow), nil} {
		_, targets, err := Diff(b, program(x86, load, word(0x15, 0, 0, 7), allow))
		if err != nil || len(targets) != 1 || len(targets[0].Changes) > 0 || targets[0].Only != "" {
			t.Errorf("%+v, %v", targets, err)
		}
	}
	if _, targets, err := Diff(nil, nil); len(targets) > 0 || err != nil {
		t.Errorf("%+v, %v", targets, err)
	}
	_, targets, err := Diff(program([]blob.ABI{{Audit: 0x40000003}}, allow), program(x86, allow))
	if err != nil || len(targets) != 2 || targets[0].Only != "before" || targets[1].Only != "after" {
		t.Errorf("%+v, %v", targets, err)
	}
	if _, _, err := Diff(program(x86, word(0x16, 0, 0, 0)), program(x86, allow)); err == nil {
		t.Error("a return of the accumulator is compared")
	}
}

// TestDiffMany: numbers that are too many to list are one change with a witness.
func TestDiffMany(t *testing.T) {
	x86 := []blob.ABI{{Audit: resolve.X86_64}}
	allow := word(0x06, 0, 0, uint32(resolve.Allow))
	_, targets, err := Diff(program(x86, allow), program(x86, word(0x20, 0, 0, 0), word(0x45, 0, 1, 1), word(0x06, 0, 0, 0), allow))
	if err != nil || len(targets[0].Changes) != 1 {
		t.Fatal(targets, err)
	}
	if c := targets[0].Changes[0]; !c.Entangled || c.Kind != Narrowed || c.Witness.NR != 1 || c.After != resolve.KillThread {
		t.Errorf("%+v", c)
	}
}
