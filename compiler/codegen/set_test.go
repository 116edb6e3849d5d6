package codegen

import (
	"math/rand/v2"
	"slices"
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

// hollow reports whether a condition has an empty list in it, which is about nothing.
func hollow(c resolve.Cond) bool {
	var parts []resolve.Cond
	switch c := c.(type) {
	case resolve.Not:
		return hollow(c.Cond)
	case resolve.All:
		parts = c
	case resolve.Any:
		parts = c
	default:
		return false
	}
	return len(parts) == 0 || slices.ContainsFunc(parts, hollow)
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
				about, ok := subjectOf(cond)
				if !ok && hollow(cond) {
					continue
				}
				if !ok || about != (subject{2, 64, c.top}) {
					t.Fatalf("%v: subject %v, %v", cond, about, ok)
				}
				s := about.values(cond)
				for i, x := range s {
					if x.first > x.last || i > 0 && x.first-s[i-1].last < 2 {
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

func TestSubject(t *testing.T) {
	of := func(arg, bits int) resolve.Cond { return resolve.Compare{Arg: arg, Bits: bits, Mask: all} }
	masked := resolve.Compare{Arg: 1, Bits: 64, Mask: 1}
	for _, c := range []struct {
		name      string
		cond      resolve.Cond
		arg, bits int
		ok        bool
	}{
		{"two masks", resolve.Any{of(1, 64), masked}, 0, 0, false},
		{"two masks deep", resolve.All{of(1, 64), resolve.Not{Cond: resolve.All{of(1, 64), masked}}}, 0, 0, false},
		{"comparison", of(3, 32), 3, 32, true},
		{"not", resolve.Not{Cond: of(3, 64)}, 3, 64, true},
		{"all of one", resolve.All{of(0, 64), resolve.Any{of(0, 64)}}, 0, 64, true},
		{"two arguments", resolve.Any{of(0, 64), of(1, 64)}, 0, 0, false},
		{"two widths", resolve.Any{of(0, 64), of(0, 32)}, 0, 0, false},
		{"two arguments deep", resolve.All{of(1, 64), resolve.Not{Cond: resolve.Any{of(1, 64), of(2, 64)}}}, 0, 0, false},
		{"nothing", resolve.All(nil), 0, 0, false},
		{"nothing inside", resolve.Any{of(1, 64), resolve.All(nil)}, 0, 0, false},
	} {
		if s, ok := subjectOf(c.cond); s.arg != c.arg || s.bits != c.bits || ok != c.ok {
			t.Errorf("%s: %+v, %v", c.name, s, ok)
		}
	}
	if s, ok := subjectOf(resolve.Not{Cond: masked}); s != (subject{1, 64, 1}) || !ok {
		t.Errorf("masked: %+v, %v", s, ok)
	}
}
