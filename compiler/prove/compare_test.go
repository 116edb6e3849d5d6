package prove_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/codegen"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
	"github.com/seccompc/seccompc/compiler/resolve/resolvetest"
)

// registers are the views of a condition on whole registers.
var registers = [6]prove.View{{Bits: 64}, {Bits: 64}, {Bits: 64}, {Bits: 64}, {Bits: 64}, {Bits: 64}}

// compare compares what two targets' programs decide.
func compare(t *testing.T, a, b *resolve.Target) []prove.Part {
	t.Helper()
	var programs [2][]bpf.RawInstruction
	for i, target := range []*resolve.Target{a, b} {
		var err error
		if programs[i], err = codegen.Program(target); err != nil {
			t.Fatal(err)
		}
	}
	bigEndian := a.Filters[0].ABI.BigEndian
	before, err := prove.Read(programs[0], bigEndian)
	if err != nil {
		t.Fatal(err)
	}
	after, err := before.Beside(programs[1], bigEndian)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := prove.Compare(before, after)
	if err != nil {
		t.Fatal(err)
	}
	same := !slices.ContainsFunc(parts, func(p prove.Part) bool { return p.Before != p.After })
	if proven := before.Equal(b) == nil; proven != same {
		t.Fatalf("no difference: %v, proven equal: %v", same, proven)
	}
	return parts
}

func contains(list []prove.Range, n uint32) bool {
	return slices.ContainsFunc(list, func(r prove.Range) bool { return r.First <= n && n <= r.Last })
}

// TestCompareDecide: on calls at boundaries each of two random targets decides what the one part says that the call is in.
func TestCompareDecide(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 1))
	moved, forms := 0, 0
	for range 40 {
		abis := resolvetest.ABIs(r)
		a, b := resolvetest.Target(r, abis...), resolvetest.Target(r, abis...)
		if r.IntN(2) == 0 { // alike but for some rules
			for i, f := range b.Filters {
				one := *a.Filters[i]
				one.Rules = slices.Concat(one.Rules[:r.IntN(len(one.Rules)+1)], f.Rules)
				one.Known = slices.Compact(slices.Sorted(slices.Values(slices.Concat(one.Known, f.Known))))
				b.Filters[i] = &one
			}
		}
		parts := compare(t, a, b)
		conds := make([]resolve.Cond, len(parts))
		for i, p := range parts {
			var err error
			if conds[i], err = p.Cond.Form(registers); err != nil {
				t.Fatal(err)
			}
			forms++
			if p.Before != a.Decide(p.Call) || p.After != b.Decide(p.Call) {
				t.Errorf("%#x is no witness of %v -> %v", p.Call, p.Before, p.After)
			}
		}
		calls := resolvetest.Calls(r, a, append(resolvetest.Values(a), resolvetest.Values(b)...), 300)
		for _, c := range append(calls, resolvetest.Calls(r, b, resolvetest.Values(b), 300)...) {
			in := 0
			for i, p := range parts {
				if !contains(p.Arches, c.Arch) || !contains(p.Numbers, c.NR) || !conds[i].Holds(c.Args) {
					continue
				}
				in++
				if p.Before != a.Decide(c) || p.After != b.Decide(c) {
					t.Fatalf("%#x meets %v and %v, not %v and %v", c, a.Decide(c), b.Decide(c), p.Before, p.After)
				}
				if p.Before != p.After {
					moved++
				}
			}
			if in != 1 {
				t.Fatalf("%#x is in %d parts", c, in)
			}
		}
	}
	if moved < 1000 || forms < 500 {
		t.Errorf("%d calls that differ, %d conditions: too few to tell", moved, forms)
	}
}

// TestComparePlanted plants a difference of one number, or of one bit of one argument, and finds exactly it.
func TestComparePlanted(t *testing.T) {
	r := rand.New(rand.NewPCG(12, 1))
	planted := 0
	for range 200 {
		a := resolvetest.Target(r, resolvetest.ABIs(r)...)
		at := r.IntN(len(a.Filters))
		f := *a.Filters[at]
		c := resolve.Call{Arch: f.ABI.Audit, NR: f.Known[r.IntN(len(f.Known))]}
		for i := range c.Args {
			c.Args[i] = r.Uint64() >> (64 - f.ABI.RegBits)
		}
		action := resolve.Trace | 77 // nobody's
		rule := resolve.Rule{Numbers: []uint32{c.NR}, Cond: resolve.All(nil), Action: action}
		arg := r.IntN(6)
		bit := uint64(1) << r.IntN(f.ABI.RegBits)
		switch r.IntN(3) {
		case 0:
			rule.Cond = resolve.Compare{Arg: arg, Bits: f.ABI.RegBits, Mask: bit, Op: resolve.NE}
		case 1: // a single call
			var all resolve.All
			for i, v := range c.Args {
				all = append(all, resolve.Compare{Arg: i, Bits: f.ABI.RegBits, Mask: ^uint64(0) >> (64 - f.ABI.RegBits), Value: v})
			}
			rule.Cond = all
		}
		f.Rules = append([]resolve.Rule{rule}, f.Rules...)
		b := *a
		b.Filters = slices.Clone(a.Filters)
		b.Filters[at] = &f
		var found []resolve.Rule
		for _, p := range compare(t, a, &b) {
			if p.Before == p.After {
				continue
			}
			one := []prove.Range{{First: c.NR, Last: c.NR}}
			if p.After != action || !slices.Equal(p.Numbers, one) || !slices.Equal(p.Arches, []prove.Range{{First: c.Arch, Last: c.Arch}}) {
				t.Fatalf("planted in number %d of %#x, found %+v", c.NR, c.Arch, p)
			}
			if p.Call.NR != c.NR || !rule.Cond.Holds(p.Call.Args) {
				t.Errorf("%#x is no such call", p.Call)
			}
			form, err := p.Cond.Form(registers)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, resolve.Rule{Numbers: rule.Numbers, Cond: prove.Plainly(form), Action: action})
		}
		if len(found) == 0 {
			t.Fatalf("not found: %+v", rule)
		}
		// What was found, planted in turn, is proven to be the same.
		g := *a.Filters[at]
		g.Rules = append(found, g.Rules...)
		again := b
		again.Filters = slices.Clone(b.Filters)
		again.Filters[at] = &g
		prog, err := codegen.Program(&b)
		if err != nil {
			t.Fatal(err)
		}
		d, err := prove.Read(prog, f.ABI.BigEndian)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Equal(&again); err != nil {
			t.Fatal(err)
		}
		planted++
	}
	if planted != 200 {
		t.Errorf("%d planted", planted)
	}
}

// TestCompareMany: where ranges are too many to list, what met what and a call of each is still told.
func TestCompareMany(t *testing.T) {
	odd := []bpf.RawInstruction{{Op: 0x20}, {Op: 0x45, Jf: 1, K: 1}, {Op: 0x06, K: uint32(resolve.Errno)}, {Op: 0x06, K: uint32(resolve.Allow)}}
	before, err := prove.Read(odd, false)
	if err != nil {
		t.Fatal(err)
	}
	after, err := before.Beside(odd[3:], false)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := prove.Compare(before, after)
	if err != nil || len(parts) != 2 || parts[0].Arches != nil || parts[0].Before != resolve.Errno || parts[0].After != resolve.Allow || parts[0].Call.NR != 1 || parts[1].Before != resolve.Allow {
		t.Errorf("%+v, %v", parts, err)
	}
}

// TestFormEntangled: a condition that does not come out short is refused, and the diagram can be used further.
func TestFormEntangled(t *testing.T) {
	var bits resolve.All // bits of one argument equal those of another
	for i := range 10 {
		one := resolve.Compare{Bits: 64, Mask: 1 << i, Op: resolve.EQ}
		other := one
		other.Arg = 1
		bits = append(bits, resolve.Any{resolve.All{one, other}, resolve.Not{Cond: resolve.Any{one, other}}})
	}
	f := &resolve.Filter{ABI: arch.Lookup("x86_64"), Known: []uint32{0}, Rules: []resolve.Rule{{Numbers: []uint32{0}, Cond: bits, Action: resolve.Allow}}}
	prog, err := codegen.Program(&resolve.Target{Filters: []*resolve.Filter{f}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := prove.Read(prog, false)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		parts, err := d.Split(resolve.Call{Arch: f.ABI.Audit})
		if err != nil || len(parts) != 2 {
			t.Fatal(parts, err)
		}
		if form, err := parts[0].Cond.Form(registers); !errors.Is(err, prove.ErrEntangled) {
			t.Errorf("%v, %v", form, err)
		}
	}
}

// TestFormRaw reads conditions back from random programs, which look at what no compiler would, under views of each kind. That they
// mean the same is checked by Form itself, and here on values.
func TestFormRaw(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 1))
	forms, entangled := 0, 0
	for range 300 {
		prog := []bpf.RawInstruction{{Op: 0x20, K: 16 + 4*r.Uint32N(12)}}
		ks := []uint32{0, 1, 3, 0x80000000, 0xffffffff, r.Uint32(), 1 << r.IntN(32)}
		n := 3 + r.IntN(14)
		for i := range n {
			in := bpf.RawInstruction{Op: []uint16{0x20, 0x54, 0x15, 0x25, 0x35, 0x45}[r.IntN(6)], K: ks[r.IntN(len(ks))]}
			switch in.Op {
			case 0x20:
				in.K = 16 + 4*r.Uint32N(12)
			case 0x54:
			default:
				in.Jt, in.Jf = uint8(r.IntN(n-i+2)), uint8(r.IntN(n-i+2))
			}
			prog = append(prog, in)
		}
		for _, a := range []resolve.Action{resolve.Allow, resolve.Errno | 1, resolve.Trap} {
			prog = append(prog, bpf.RawInstruction{Op: 0x06, K: uint32(a)})
		}
		d, err := prove.Read(prog, r.IntN(2) == 0)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := d.Split(resolve.Call{})
		if err != nil {
			t.Fatal(err)
		}
		conds := map[resolve.Action]resolve.Cond{}
		for _, p := range parts {
			views := registers
			used := p.Cond.Bits()
			for i := range views {
				views[i].Signed = r.IntN(2) == 0
				if used[i]>>32 == 0 && r.IntN(2) == 0 {
					views[i].Bits = 32
				}
			}
			forms++
			if conds[p.Before], err = p.Cond.Form(views); err != nil {
				entangled++
				conds[p.Before] = nil
			}
		}
		for range 200 {
			var c resolve.Call
			for i := range c.Args {
				c.Args[i] = uint64(ks[r.IntN(len(ks))]+r.Uint32N(3)-1)<<32 | uint64(ks[r.IntN(len(ks))]+r.Uint32N(3)-1)
			}
			got := d.Decide(c)
			for a, cond := range conds {
				if cond != nil && cond.Holds(c.Args) != (a == got) {
					t.Fatalf("%#x meets %v; of %v is said %+v", c.Args, got, a, cond)
				}
			}
		}
	}
	if forms < 500 || entangled > forms/100 {
		t.Errorf("%d of %d conditions are too entangled", entangled, forms)
	}
}
