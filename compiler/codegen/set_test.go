package codegen

import (
	"math/rand/v2"
	"testing"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// randomCond is a condition on argument 2 alone, comparing it with one of the values.
func randomCond(r *rand.Rand, values []uint64, top uint64, depth int) resolve.Cond {
	parts := func() (list []resolve.Cond) {
		for range r.IntN(4) {
			list = append(list, randomCond(r, values, top, depth-1))
		}
		return list
	}
	if depth > 0 {
		switch r.IntN(4) {
		case 0:
			return resolve.All(parts())
		case 1:
			return resolve.Any(parts())
		case 2:
			return resolve.Not{Cond: randomCond(r, values, top, depth-1)}
		}
	}
	return resolve.Compare{Arg: 2, Bits: 64, Mask: top, Op: resolve.Op(r.IntN(6)), Value: values[r.IntN(len(values))]}
}

func (s set) contains(v uint64) bool {
	for _, x := range s {
		if x.first <= v && v <= x.last {
			return true
		}
	}
	return false
}

// TestSpans compares sets with the conditions they are of: over every value of 4 bits, and over the values beside
// each constant in 32 and 64.
func TestSpans(t *testing.T) {
	small := make([]uint64, 16)
	for i := range small {
		small[i] = uint64(i)
	}
	r := rand.New(rand.NewPCG(3, 3))
	for _, c := range []struct {
		name   string
		top    uint64
		values []uint64 // of the constants
		probe  []uint64
	}{
		{"4 bits", 15, small, small},
		{"32 bits", all, []uint64{0, 1, 2, 3, 1<<31 - 1, 1 << 31, all - 1, all}, []uint64{0, 1, 2, 3, 4, 1<<31 - 2, 1<<31 - 1, 1 << 31, 1<<31 + 1, all - 2, all - 1, all}},
		{"64 bits", 1<<64 - 1, []uint64{0, 1, all - 1, all, all + 1, 1 << 63, 1<<64 - 2, 1<<64 - 1},
			[]uint64{0, 1, 2, all - 2, all - 1, all, all + 1, all + 2, 1<<63 - 1, 1 << 63, 1<<63 + 1, 1<<64 - 3, 1<<64 - 2, 1<<64 - 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 3000 {
				cond := randomCond(r, c.values, c.top, 4)
				s, ok := spans(cond, 2, c.top)
				if !ok {
					t.Fatalf("%v: no set", cond)
				}
				for i, x := range s {
					if x.first > x.last || x.last > c.top || i > 0 && x.first-s[i-1].last < 2 {
						t.Fatalf("%v: the spans %x do not ascend with gaps between them", cond, s)
					}
				}
				for _, v := range c.probe {
					if got, want := s.contains(v), cond.Holds([6]uint64{2: v}); got != want {
						t.Fatalf("%v: the set %x holds %#x: %v, the condition says %v", cond, s, v, got, want)
					}
				}
			}
		})
	}
}

func TestSpansRefuses(t *testing.T) {
	eq := func(arg int, mask uint64) resolve.Cond {
		return resolve.Compare{Arg: arg, Bits: 64, Mask: mask, Op: resolve.EQ, Value: 1}
	}
	plain, masked, other := eq(2, 1<<64-1), eq(2, 1), eq(3, 1<<64-1)
	for name, c := range map[string]resolve.Cond{
		"mask": masked, "other argument": other, "not mask": resolve.Not{Cond: masked},
		"any with mask": resolve.Any{plain, masked}, "all with mask": resolve.All{plain, masked},
		"nested other argument": resolve.Any{plain, resolve.Not{Cond: resolve.All{plain, other}}},
	} {
		if s, ok := spans(c, 2, 1<<64-1); ok {
			t.Errorf("%s: the set %x", name, s)
		}
	}
}

func TestSubject(t *testing.T) {
	of := func(arg, bits int) resolve.Cond { return resolve.Compare{Arg: arg, Bits: bits} }
	for _, c := range []struct {
		name      string
		cond      resolve.Cond
		arg, bits int
		ok        bool
	}{
		{"comparison", of(3, 32), 3, 32, true},
		{"not", resolve.Not{Cond: of(3, 64)}, 3, 64, true},
		{"all of one", resolve.All{of(0, 64), resolve.Any{of(0, 64)}}, 0, 64, true},
		{"two arguments", resolve.Any{of(0, 64), of(1, 64)}, 0, 0, false},
		{"two widths", resolve.Any{of(0, 64), of(0, 32)}, 0, 0, false},
		{"two arguments deep", resolve.All{of(1, 64), resolve.Not{Cond: resolve.Any{of(1, 64), of(2, 64)}}}, 0, 0, false},
		{"nothing", resolve.All(nil), 0, 0, false},
		{"nothing inside", resolve.Any{of(1, 64), resolve.All(nil)}, 0, 0, false},
	} {
		if arg, bits, ok := subject(c.cond); arg != c.arg || bits != c.bits || ok != c.ok {
			t.Errorf("%s: argument %d, %d bits, %v", c.name, arg, bits, ok)
		}
	}
}
