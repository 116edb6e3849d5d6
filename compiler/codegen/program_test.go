package codegen

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
	"github.com/seccompc/seccompc/compiler/resolve/resolvetest"
)

// check compares a program's answer to a call with the target's.
func check(t *testing.T, target *resolve.Target, prog []bpf.RawInstruction, c resolve.Call) {
	t.Helper()
	got, _, err := inspect.Run(prog, target.Filters[0].ABI.BigEndian, c)
	if want := target.Decide(c); err != nil || got != want {
		t.Fatalf("call %#x: the program answers %v, error %v; Decide says %v", c, got, err, want)
	}
}

// verify holds a program against its target: the proof, then n calls around every constant of both.
func verify(t *testing.T, r *rand.Rand, target *resolve.Target, prog []bpf.RawInstruction, n int) {
	t.Helper()
	d, err := prove.Read(prog, target.Filters[0].ABI.BigEndian)
	if err == nil {
		err = d.Equal(target)
	}
	if err != nil {
		t.Fatal(err)
	}
	var constants []uint32
	for _, in := range prog {
		constants = append(constants, in.K)
	}
	for _, c := range resolvetest.Calls(r, target, resolvetest.Values(target, constants...), n) {
		check(t, target, prog, c)
	}
}

func program(t *testing.T, target *resolve.Target) []bpf.RawInstruction {
	t.Helper()
	prog, err := Program(target)
	if err != nil {
		t.Fatal(err)
	}
	return prog
}

func TestRandomTargets(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 400 {
		target := resolvetest.Target(r, resolvetest.ABIs(r)...)
		verify(t, r, target, program(t, target), 100)
	}
}

func TestEveryABI(t *testing.T) {
	for _, abi := range arch.All() {
		t.Run(abi.Name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(4, uint64(abi.Audit)))
			for range 4 {
				target := resolvetest.Target(r, abi)
				verify(t, r, target, program(t, target), 200)
			}
		})
	}
}

// TestVocabulary: programs use only what the kernel's constant-allow analysis follows, and the analysis finds every
// number that is allowed without a condition.
func TestVocabulary(t *testing.T) {
	allowed := 0
	r := rand.New(rand.NewPCG(6, 6))
	for range 300 {
		target := resolvetest.Target(r, resolvetest.ABIs(r)...)
		prog := program(t, target)
		for pc, in := range prog {
			switch in.Op {
			case 0x20: // LD W ABS
				if in.K >= 64 || in.K%4 != 0 || in.K == 8 || in.K == 12 {
					t.Fatalf("instruction %d loads from %d", pc, in.K)
				}
			case 0x54, 0x05, 0x15, 0x25, 0x35, 0x45, 0x06: // AND K, JA, JEQ K, JGT K, JGE K, JSET K, RET K
			default:
				t.Fatalf("instruction %d has the opcode %#x", pc, in.Op)
			}
		}
		for _, f := range target.Filters {
			for _, nr := range append(f.Known, 0, resolve.NoCall, 0x3ffffffe, 0x7ffffffe, 0x80000005) {
				if !f.Serves(f.ABI.Audit, nr) {
					continue
				}
				got := constAllow(t, prog, f.ABI.Audit, nr)
				want := unconditional(f, nr)
				if want {
					allowed++
				}
				if got && target.Decide(resolve.Call{Arch: f.ABI.Audit, NR: nr}) != resolve.Allow {
					t.Fatalf("%s, number %#x: the analysis finds an allow that is none", f.ABI.Name, nr)
				}
				if nr != resolve.NoCall && want && !got {
					t.Fatalf("%s, number %#x: always allowed, but not on a path that the kernel can cache", f.ABI.Name, nr)
				}
			}
		}
	}
	if allowed < 1000 {
		t.Errorf("only %d numbers were allowed without a condition", allowed)
	}
}

// unconditional reports whether a number is allowed by rules none of which could make an exception.
func unconditional(f *resolve.Filter, nr uint32) bool {
	for _, r := range f.Rules {
		if slices.Contains(r.Numbers, nr) {
			if r.Action != resolve.Allow {
				return false
			}
			if all, ok := r.Cond.(resolve.All); ok && len(all) == 0 {
				return true
			}
		}
	}
	if slices.Contains(f.Known, nr) {
		return f.Default == resolve.Allow
	}
	return f.Unknown == resolve.Allow
}

// constAllow does what seccomp_is_const_allow of kernel/seccomp.c does when a filter is installed: it follows the
// program with nr and arch known and gives up where something else is needed.
func constAllow(t *testing.T, prog []bpf.RawInstruction, audit, nr uint32) bool {
	a := uint32(0)
	for pc := 0; pc < len(prog); pc++ {
		in := prog[pc]
		taken := false
		switch in.Op {
		case 0x20:
			switch in.K {
			case 0:
				a = nr
			case 4:
				a = audit
			default:
				return false
			}
			continue
		case 0x06:
			return in.K == 0x7fff0000
		case 0x05:
			pc += int(in.K)
			continue
		case 0x54:
			a &= in.K
			continue
		case 0x15:
			taken = a == in.K
		case 0x35:
			taken = a >= in.K
		case 0x25:
			taken = a > in.K
		case 0x45:
			taken = a&in.K != 0
		default:
			return false
		}
		if taken {
			pc += int(in.Jt)
		} else {
			pc += int(in.Jf)
		}
	}
	t.Fatal("the program runs over its end")
	return false
}

// TestX32 asks for every boundary of the number space where two ABIs share it.
func TestX32(t *testing.T) {
	x86 := resolve.Filter{ABI: arch.Lookup("x86_64"), Default: resolve.Errno | 1, Unknown: resolve.Errno | 2}
	x32 := resolve.Filter{ABI: arch.Lookup("x32"), Default: resolve.Errno | 3, Unknown: resolve.Errno | 4}
	i386 := resolve.Filter{ABI: arch.Lookup("i386"), Default: resolve.Errno | 5, Unknown: resolve.Errno | 6, Known: []uint32{1, 5, 0x40000001, 0xfffffffe}}
	arg := resolve.Compare{Arg: 1, Bits: 64, Mask: 1<<64 - 1, Op: resolve.GT, Value: 1 << 32}
	for _, c := range []struct {
		name      string
		low, high []uint32 // known to x86_64, to x32
	}{
		{"tables", []uint32{0, 1, 5, 334}, []uint32{0x40000000, 0x40000001, 0x40000005, 0x40000223}},
		{"ends", []uint32{0x3fffffff, 0x80000000, 0xbfffffff}, []uint32{0x7fffffff, 0xc0000000, 0xfffffffe}},
		{"native above", []uint32{1, 0x80000001}, []uint32{0x40000001}},
		{"x32 above", []uint32{1}, []uint32{0x40000001, 0xc0000001}},
		{"empty tables", nil, nil},
		{"no table but native", []uint32{1, 2, 3}, nil},
		{"no table but x32", nil, []uint32{0x40000001, 0x40000002}},
	} {
		for _, abis := range []string{"x86_64", "x32", "x86_64+x32", "x32+x86_64", "x86_64+i386", "i386+x32", "i386+x32+x86_64", "i386+x86_64"} {
			for _, alike := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/%v", c.name, abis, alike), func(t *testing.T) {
					target := &resolve.Target{Foreign: resolve.KillProcess}
					known := map[string][]uint32{"x86_64": c.low, "x32": c.high, "i386": i386.Known}
					for name := range bytes.SplitSeq([]byte(abis), []byte("+")) {
						f := map[string]resolve.Filter{"x86_64": x86, "x32": x32, "i386": i386}[string(name)]
						f.Known = known[string(name)]
						if alike {
							f.Unknown = resolve.KillProcess
						}
						if len(f.Known) > 0 && f.ABI.RegBits == 64 {
							f.Rules = []resolve.Rule{{Numbers: f.Known[len(f.Known)-1:], Cond: arg, Action: resolve.Allow}}
						}
						target.Filters = append(target.Filters, &f)
					}
					prog := program(t, target)
					verify(t, rand.New(rand.NewPCG(7, 7)), target, prog, 100)
					for _, n := range slices.Concat(c.low, c.high, i386.Known, []uint32{0, 0x40000000, 0x80000000, 0xc0000000, all}) {
						for _, nr := range []uint32{n - 1, n, n + 1, n ^ resolve.X32Bit, n ^ 1<<31} {
							for _, audit := range []uint32{resolve.X86_64, 0x40000003, 0, resolve.X86_64 - 1, resolve.X86_64 ^ 1<<31} {
								check(t, target, prog, resolve.Call{Arch: audit, NR: nr})
								check(t, target, prog, resolve.Call{Arch: audit, NR: nr, Args: [6]uint64{1: 1<<32 + 1}})
							}
						}
					}
				})
			}
		}
	}
}

// TestNativeFirst: calls of the native ABI, the frequent ones, pay for one test of the architecture.
func TestNativeFirst(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 11))
	for _, names := range resolvetest.Combinations {
		var abis []*arch.ABI
		for _, name := range names {
			abis = append(abis, arch.Lookup(name))
		}
		prog := program(t, resolvetest.Target(r, abis...))
		if prog[0].K != offArch || prog[1].Op != 0x15 || prog[1].K != abis[0].Audit {
			t.Errorf("%v: the program starts with %v", names, prog[:2])
		}
	}
}

// TestX32Cost: what lies above the table needs one test of the bit, and one for the call that is none.
func TestX32Cost(t *testing.T) {
	f := &resolve.Filter{ABI: arch.Lookup("x86_64"), Known: []uint32{0, 1, 2, 3}, Default: resolve.Errno | 1, Unknown: resolve.Errno | 2}
	prog := program(t, &resolve.Target{Foreign: resolve.KillProcess, Filters: []*resolve.Filter{f}})
	if len(prog) != 9 { // two loads, four tests, three returns
		t.Errorf("%d instructions", len(prog))
	}
}

// TestRelays proves whole programs that are full of both kinds of relays.
func TestRelays(t *testing.T) {
	for _, name := range shapes {
		for _, n := range []int{254, 255, 256, 257, 300, 700} {
			t.Run(fmt.Sprintf("%s/%d", name, n), func(t *testing.T) {
				abi := arch.Lookup(name)
				masked := func(arg int, mask, v uint64) resolve.Compare {
					return resolve.Compare{Arg: arg, Bits: abi.RegBits, Mask: mask, Op: resolve.EQ, Value: v}
				}
				var any resolve.Any
				for i := range n {
					any = append(any, masked(1, uint64(4*i+3), 0))
				}
				target := &resolve.Target{Foreign: resolve.KillProcess, Filters: []*resolve.Filter{{
					ABI: abi, Known: []uint32{5, 7, 9}, Default: resolve.Errno | 1, Unknown: resolve.Errno | 38,
					Rules: []resolve.Rule{
						{Numbers: []uint32{7}, Cond: resolve.All{any, masked(0, 0xf0, 0x10)}, Action: resolve.Allow},
						{Numbers: []uint32{7, 9}, Cond: resolve.All{any, resolve.Not{Cond: masked(2, 0xf0, 0x20)}}, Action: resolve.Log},
					},
				}}}
				prog := program(t, target)
				if n > 256 && (count(prog, opJA) == 0 || count(prog, opRet) <= 5) {
					t.Errorf("%d JA and %d returns", count(prog, opJA), count(prog, opRet))
				}
				verify(t, rand.New(rand.NewPCG(8, uint64(n))), target, prog, 300)
			})
		}
	}
}

// TestGrowth: a set is searched in logarithmic time, and making the search takes memory in proportion to the set.
func TestGrowth(t *testing.T) {
	type growth struct{ steps, length, memory int }
	grow := func(t *testing.T, name string, n int, step uint64, nested bool) growth {
		abi := arch.Lookup(name)
		var any resolve.Any
		for i := range n {
			any = append(any, resolve.Compare{Arg: 1, Bits: abi.RegBits, Mask: ^uint64(0) >> (64 - abi.RegBits), Op: resolve.EQ, Value: uint64(i) * step})
		}
		var cond resolve.Cond = any
		if nested { // a || b || c, as the parser has it
			cond = any[0]
			for _, c := range any[1:] {
				cond = resolve.Any{cond, c}
			}
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		b := newBuilder()
		prog := emit(b.lower(cond, b.ret(resolve.Allow), b.ret(resolve.KillProcess), abi))
		runtime.ReadMemStats(&after)
		g := growth{length: len(prog), memory: int(after.TotalAlloc - before.TotalAlloc)}
		for i := range n {
			for _, v := range []uint64{uint64(i) * step, uint64(i)*step + 1} {
				want := resolve.KillProcess
				if v%step == 0 {
					want = resolve.Allow
				}
				a, steps, err := inspect.Run(prog, abi.BigEndian, resolve.Call{Args: [6]uint64{1: v}})
				if err != nil || a != want {
					t.Fatalf("value %#x: %v, error %v, want %v", v, a, err, want)
				}
				g.steps = max(g.steps, steps)
			}
		}
		return g
	}
	for _, c := range []struct {
		name   string
		abi    string
		step   uint64
		around int // loads and a return on each way; with two words, also what tells the high words apart
		many   int
	}{
		{"32 bits", "i386", 3, 2, 3000},
		{"one high word", "x86_64", 3, 4, 3000},
		{"a few high words", "s390x", 1<<26 + 1, 4, 3000},
		{"a high word each", "x86_64", 1<<32 + 7, 4, 1200},
	} {
		for _, nested := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/nested=%v", c.name, nested), func(t *testing.T) {
				few, many := grow(t, c.abi, 800, c.step, nested), grow(t, c.abi, c.many, c.step, nested)
				if few.steps > 14+c.around {
					t.Errorf("a search in 800 values executes %d instructions", few.steps)
				}
				if many.steps > few.steps+5 {
					t.Errorf("a search in %d values executes %d instructions, in 800 %d", c.many, many.steps, few.steps)
				}
				more := float64(c.many) / 800
				if float64(many.length) > 1.1*more*float64(few.length) || float64(many.memory) > 2*more*float64(few.memory) {
					t.Errorf("from 800 to %d values the program grows from %d to %d instructions, its making from %d to %d bytes",
						c.many, few.length, many.length, few.memory, many.memory)
				}
				t.Logf("800 values: %+v, %d values: %+v", few, c.many, many)
			})
		}
	}
}

// TestDeterministic: the same target gives the same program, whatever the order of maps.
func TestDeterministic(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for range 20 {
		target := resolvetest.Target(r, resolvetest.ABIs(r)...)
		var first []byte
		for range 10 {
			var raw []byte
			for _, in := range program(t, target) {
				raw = binary.LittleEndian.AppendUint32(append(binary.LittleEndian.AppendUint16(raw, in.Op), in.Jt, in.Jf), in.K)
			}
			if first == nil {
				first = raw
			}
			if !bytes.Equal(raw, first) {
				t.Fatal("two programs of one target")
			}
		}
	}
}
