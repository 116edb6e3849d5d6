package exporter

import (
	"math/rand/v2"
	"testing"

	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// small makes a comparison of the low 4 bits of one of two arguments; the bits above are looked at too, where there is no mask.
func small(r *rand.Rand) prove.Comparison {
	c := prove.Comparison{Arg: r.IntN(2), View: prove.View{Bits: 32 << r.IntN(2)}, Op: resolve.Op(r.IntN(6)), Values: []uint64{r.Uint64N(16)}}
	if r.IntN(2) == 0 {
		c.Mask = 1 + r.Uint64N(15)
	}
	if c.Op == resolve.EQ && r.IntN(2) == 0 {
		c.Values = append(c.Values, r.Uint64N(16), r.Uint64N(16))
	}
	return c
}

func form(r *rand.Rand, deep int) resolve.Cond {
	if deep == 0 || r.IntN(4) == 0 {
		return small(r)
	}
	list := make([]resolve.Cond, 1+r.IntN(3))
	for i := range list {
		list[i] = form(r, deep-1)
	}
	switch r.IntN(3) {
	case 0:
		return resolve.All(list)
	case 1:
		return resolve.Any(list)
	}
	return resolve.Not{Cond: list[0]}
}

// holds is what the OCI runtime specification says of an argument.
func (a argument) holds(args [6]uint64) bool {
	v := args[a.Index]
	switch a.Op {
	case "SCMP_CMP_EQ":
		return v == a.Value
	case "SCMP_CMP_NE":
		return v != a.Value
	case "SCMP_CMP_LT":
		return v < a.Value
	case "SCMP_CMP_LE":
		return v <= a.Value
	case "SCMP_CMP_GT":
		return v > a.Value
	case "SCMP_CMP_GE":
		return v >= a.Value
	case "SCMP_CMP_MASKED_EQ":
		return v&a.Value == a.ValueTwo
	}
	panic(a.Op)
}

// TestAlternatives has random forms written as rules and tries both on the values that they are about, and on others with bits
// above. On 64-bit registers a view of 32 bits ignores those; the forms that Cond.Form makes have one view for each argument.
func TestAlternatives(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	written, denied := 0, 0
	for range 1000 {
		f := form(r, 3)
		list, err := written64(f)
		if err != nil {
			denied++
			continue
		}
		written++
		for _, args := range list {
			for i := range args {
				for j := range i {
					if args[i].Index == args[j].Index {
						t.Fatalf("%#v: argument twice: %v", f, args)
					}
				}
			}
		}
		for _, above := range []uint64{0, 1 << 4, 1 << 31, 1 << 32, 1 << 63} {
			for v := range uint64(256) {
				call := [6]uint64{above | v&15, v >> 4}
				got := false
				for _, args := range list {
					all := true
					for _, a := range args {
						all = all && a.holds(call)
					}
					got = got || all
				}
				if got != f.Holds(call) {
					t.Fatalf("%#v: %v for %#x, %v", f, got, call, list)
				}
			}
		}
	}
	if written < 500 {
		t.Errorf("%d conditions written, %d too long", written, denied)
	}
}

func written64(f resolve.Cond) (list [][]argument, err error) {
	terms, err := terms(f, false)
	for _, t := range terms {
		more, err := t.split(64)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, err
}
