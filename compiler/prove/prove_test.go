package prove_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/codegen"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
	"github.com/seccompc/seccompc/compiler/resolve/resolvetest"
)

type (
	in      = bpf.RawInstruction
	program []in
)

// TestTargetDiagram holds the package's own reading of a target against Decide, also for targets that resolve would
// not make: rules for numbers that are not known, the number of a cancelled call, constants wider than the register.
func TestTargetDiagram(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 400 {
		target := resolvetest.Target(r, resolvetest.ABIs(r)...)
		values := resolvetest.Values(target)
		if i%2 == 0 {
			for _, f := range target.Filters {
				f.Known = slices.DeleteFunc(f.Known, func(uint32) bool { return r.IntN(4) == 0 })
				f.Known = append(f.Known, resolve.NoCall)
				for j := range f.Rules {
					f.Rules[j].Numbers = append(f.Rules[j].Numbers, resolve.NoCall)
					if f.ABI.RegBits == 32 && r.IntN(2) == 0 {
						c := resolve.Compare{Arg: r.IntN(6), Bits: 32, Mask: 1<<33 - 1, Op: resolve.Op(r.IntN(6)), Value: 1<<32 | r.Uint64()&7}
						f.Rules[j].Cond = resolve.Any{f.Rules[j].Cond, c}
					}
				}
			}
		}
		d := prove.TargetDiagram(target)
		for _, c := range resolvetest.Calls(r, target, values, 300) {
			if got, want := d.Decide(c), target.Decide(c); got != want {
				t.Fatalf("call %#x: the diagram says %v, Decide %v", c, got, want)
			}
		}
	}
}

// subjects are programs with the targets they were made from: random ones, and those of the policies.
func subjects(t *testing.T, r *rand.Rand, n int) (targets []*resolve.Target, progs []program) {
	for range n {
		target := resolvetest.Target(r, resolvetest.ABIs(r)...)
		prog, err := codegen.Program(target)
		if err != nil {
			t.Fatal(err)
		}
		targets, progs = append(targets, target), append(progs, prog)
	}
	files, err := filepath.Glob("../../policies/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no policies: %v", err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		res, diags := compiler.Compile(file, src, compiler.Options{Targets: []string{"x86_64+i386+x32", "s390x"}})
		if res == nil {
			t.Fatal(diags)
		}
		for i, target := range res.Targets {
			targets, progs = append(targets, target), append(progs, res.Programs[i])
		}
	}
	return targets, progs
}

// mutate returns a copy of a program in which one bit, number or pair of jumps is another, and where.
func mutate(r *rand.Rand, prog program) (program, int) {
	m := slices.Clone(prog)
	at := r.IntN(len(m))
	i := &m[at]
	conditional := i.Op == 0x15 || i.Op == 0x25 || i.Op == 0x35 || i.Op == 0x45
	for {
		switch r.IntN(7) {
		case 0:
			i.Op ^= []uint16{0x10, 0x20, 0x30, 0x60, 1 << r.IntN(16)}[r.IntN(5)]
		case 1, 2:
			i.K ^= 1 << r.IntN(32)
		case 3:
			i.K += uint32(r.IntN(3)) - 1
		case 4:
			i.Jt ^= 1 << r.IntN(8)
		case 5:
			i.Jf += uint8(r.IntN(3)) - 1
		case 6:
			i.Jt, i.Jf = i.Jf, i.Jt
		}
		if *i != prog[at] && (conditional || i.Jt == prog[at].Jt && i.Jf == prog[at].Jf) {
			return m, at
		}
		*i = prog[at]
	}
}

// TestMutants changes programs in one place each. What is proven equal nevertheless must agree with Decide on calls
// that go through the place; what is found to differ must do so in the VM, on the witness.
func TestMutants(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	targets, progs := subjects(t, r, 60)
	refused, equal, different, sampled := 0, 0, 0, 0
	for i, target := range targets {
		big := target.Filters[0].ABI.BigEndian
		values := resolvetest.Values(target)
		for range 15 {
			m, at := mutate(r, progs[i])
			d, err := prove.Read(m, big)
			if err != nil {
				if errors.Is(err, prove.ErrNotProven) {
					t.Fatal(err)
				}
				refused++
				continue
			}
			calls := resolvetest.Calls(r, target, values, 40)
			for range 40 {
				calls = append(calls, path(r, m, big, at), path(r, progs[i], big, at))
			}
			found := slices.ContainsFunc(calls, func(c resolve.Call) bool {
				got, _, err := inspect.Run(m, big, c)
				return err != nil || got != target.Decide(c)
			})
			err = d.Equal(target)
			var diff *prove.Difference
			switch {
			case err == nil && found:
				t.Fatalf("instruction %d changed from %v to %v: proven equal, and is not", at, progs[i][at], m[at])
			case err == nil:
				equal++
			case !errors.As(err, &diff):
				t.Fatal(err)
			default:
				different++
				if found {
					sampled++
				}
				witness(t, target, m, diff)
			}
		}
	}
	t.Logf("%d mutants: %d refused, %d equal, %d different, of which calls found %d", refused+equal+different, refused, equal, different, sampled)
	if refused < 50 || equal < 15 || different < 400 || sampled < different*9/10 {
		t.Errorf("too few of a kind: %d refused, %d equal, %d different, %d of them found by calls", refused, equal, different, sampled)
	}
}

// witness checks a difference: the VM gives what the program is said to do, Decide what the policy says.
func witness(t *testing.T, target *resolve.Target, prog program, d *prove.Difference) {
	t.Helper()
	got, _, err := inspect.Run(prog, target.Filters[0].ABI.BigEndian, d.Call)
	if want := target.Decide(d.Call); err != nil || got != d.Got || want != d.Want || got == want {
		t.Fatalf("%v: the VM says %v, error %v, Decide %v", d, got, err, want)
	}
	if msg := d.Error(); !strings.Contains(msg, d.Got.String()) || !strings.Contains(msg, d.Want.String()) {
		t.Errorf("the error %q does not show both actions", msg)
	}
}

// needle is a program in front of another that gives one more answer: where three words of the arguments have exactly
// these values, each told by masks that share the word's bits among them, in turn.
func needle(r *rand.Rand, offsets [3]uint32, values [3]uint32, prog program, answer uint32) program {
	var tests program
	for round := range 4 {
		for i, offset := range offsets {
			mask := uint32(0x11111111) << round
			if r.IntN(2) == 0 { // overlapping with what other rounds tell
				mask |= 1 << r.IntN(32)
			}
			tests = append(tests, in{Op: 0x20, K: offset}, in{Op: 0x54, K: mask}, in{Op: 0x15, K: values[i] & mask, Jf: 255})
		}
	}
	for pc := range tests {
		if tests[pc].Op == 0x15 {
			tests[pc].Jf = uint8(len(tests) - pc) // over the answer to the program
		}
	}
	return slices.Concat(tests, program{{Op: 0x06, K: answer}}, prog)
}

// TestNeedles: a program that is wrong at one point, in three words at once, is found to be wrong at that point.
func TestNeedles(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for range 60 {
		target := resolvetest.Target(r, resolvetest.ABIs(r)...)
		prog, err := codegen.Program(target)
		if err != nil {
			t.Fatal(err)
		}
		big := target.Filters[0].ABI.BigEndian
		offsets := [3]uint32{16 + 4*r.Uint32N(4), 32 + 4*r.Uint32N(4), 48 + 4*r.Uint32N(4)}
		values := [3]uint32{r.Uint32(), r.Uint32(), r.Uint32()}
		answer := resolve.Trap | 99 // not among the targets' own
		wrong := needle(r, offsets, values, prog, uint32(answer))
		diff := difference(t, target, wrong)
		witness(t, target, wrong, diff)
		if diff.Got != answer {
			t.Errorf("the difference found is another: %v", diff)
		}
		for i, offset := range offsets {
			if get, _ := word(&diff.Call, big, offset); get() != values[i] {
				t.Errorf("the word at %d is %#x in the witness, the needle is at %#x", offset, get(), values[i])
			}
		}
		// With two of its tests at odds the needle is never met, and the program is right again.
		harmless := needle(r, offsets, values, prog, uint32(answer))
		for pc := len(harmless) - len(prog) - 2; ; pc-- { // the last word's last test: tell another bit than the first one's
			if harmless[pc].Op == 0x15 {
				harmless[pc-1].K |= 1
				harmless[pc].K = harmless[pc].K&^1 | ^values[2]&1
				break
			}
		}
		d, err := prove.Read(harmless, big)
		if err == nil {
			err = d.Equal(target)
		}
		if err != nil {
			t.Errorf("a needle that can't be met: %v", err)
		}
	}
}

func difference(t *testing.T, target *resolve.Target, prog program) *prove.Difference {
	t.Helper()
	d, err := prove.Read(prog, target.Filters[0].ABI.BigEndian)
	if err != nil {
		t.Fatal(err)
	}
	var diff *prove.Difference
	if err := d.Equal(target); !errors.As(err, &diff) {
		t.Fatalf("error %v, want a difference", err)
	}
	return diff
}

// TestSinglePoint: one call of all there are, every word of it told, is the witness.
func TestSinglePoint(t *testing.T) {
	abi := arch.Lookup("x86_64")
	target := &resolve.Target{Foreign: resolve.KillProcess, Filters: []*resolve.Filter{{ABI: abi, Known: []uint32{5}, Default: resolve.Allow, Unknown: resolve.Errno | 38}}}
	prog, err := codegen.Program(target)
	if err != nil {
		t.Fatal(err)
	}
	point := resolve.Call{Arch: abi.Audit, NR: 5, Args: [6]uint64{1 << 63, 0xffffffff00000000, 1, 0x123456789abcdef0, 0, ^uint64(0)}}
	var tests program
	for _, offset := range []uint32{60, 0, 16, 24, 4, 32, 40, 48, 56, 20, 28, 36, 44, 52} {
		get, _ := word(&point, false, offset)
		tests = append(tests, in{Op: 0x20, K: offset}, in{Op: 0x15, K: get()})
	}
	for pc := 1; pc < len(tests); pc += 2 {
		tests[pc].Jf = uint8(len(tests) - pc)
	}
	diff := difference(t, target, slices.Concat(tests, program{{Op: 0x06, K: 0x50000 | 7}}, prog))
	if diff.Call != point || diff.Got != resolve.Errno|7 || diff.Want != resolve.Allow {
		t.Errorf("%v, want the call %#x", diff, point)
	}
	want := "the program decides errno(7) where the policy says allow, for arch 0xc000003e, number 5, arguments [0x8000000000000000 0xffffffff00000000 0x1 0x123456789abcdef0 0x0 0xffffffffffffffff]"
	if diff.Error() != want {
		t.Errorf("error %q", diff)
	}
}

// TestForeignOnly: what differs for one architecture, or one number, is found wherever it lies.
func TestForeignOnly(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for range 40 {
		target := resolvetest.Target(r, resolvetest.ABIs(r)...)
		prog, err := codegen.Program(target)
		if err != nil {
			t.Fatal(err)
		}
		for _, offset := range []uint32{0, 4} {
			value := r.Uint32()
			if r.IntN(2) == 0 {
				value = resolve.NoCall
			}
			wrong := append(program{{Op: 0x20, K: offset}, {Op: 0x15, K: value, Jf: 1}, {Op: 0x06, K: 0x30000 | 99}}, prog...)
			diff := difference(t, target, wrong)
			witness(t, target, wrong, diff)
			if get, _ := word(&diff.Call, false, offset); get() != value || diff.Got != resolve.Trap|99 {
				t.Errorf("%v, want offset %d to be %#x", diff, offset, value)
			}
		}
	}
}
