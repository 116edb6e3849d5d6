package exporter

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// maxAlternatives bounds the rules that one condition may take.
const maxAlternatives = 512

var errMany = fmt.Errorf("it takes more than %d rules", maxAlternatives)

// alternatives writes a condition as a profile's rules have it: one of the lists must hold, of which all arguments must,
// none of them twice.
func alternatives(c prove.Cond, regBits int) (list [][]argument, err error) {
	var views [6]prove.View
	for i, bits := range c.Bits() {
		if regBits == 32 && bits>>32 != 0 {
			return nil, errors.New("it looks at bits above the registers'")
		}
		views[i].Bits = regBits
	}
	form, err := c.Form(views)
	if err != nil {
		return nil, err
	}
	terms, err := terms(form, false)
	if err != nil {
		return nil, err
	}
	for _, t := range terms {
		more, err := t.split(regBits)
		if err != nil {
			return nil, err
		}
		for _, args := range more {
			if !slices.ContainsFunc(list, func(l []argument) bool { return slices.Equal(l, args) }) {
				list = append(list, args)
			}
		}
		if len(list) > maxAlternatives {
			return nil, errMany
		}
	}
	return list, nil
}

// A term is comparisons that must all hold, each with one value.
type term []prove.Comparison

var inverse = [...]resolve.Op{resolve.EQ: resolve.NE, resolve.NE: resolve.EQ, resolve.LT: resolve.GE, resolve.LE: resolve.GT, resolve.GT: resolve.LE, resolve.GE: resolve.LT}

// terms writes a condition, or its opposite, as terms of which one must hold.
func terms(c resolve.Cond, not bool) (list []term, err error) {
	var parts []resolve.Cond
	all := not
	switch c := c.(type) {
	case resolve.Not:
		return terms(c.Cond, !not)
	case resolve.All:
		parts, all = c, !not
	case resolve.Any:
		parts = c
	case prove.Comparison:
		if len(c.Values) == 1 {
			if not {
				c.Op = inverse[c.Op]
			}
			return []term{{c}}, nil
		}
		for _, v := range c.Values {
			one := c
			one.Values = []uint64{v}
			parts = append(parts, one)
		}
	}
	if all {
		list = []term{{}}
	}
	for _, p := range parts {
		more, err := terms(p, not)
		if err != nil {
			return nil, err
		}
		if !all {
			list = append(list, more...)
		} else {
			var both []term
			for _, a := range list {
				for _, b := range more {
					both = append(both, slices.Concat(a, b))
				}
			}
			list = both
		}
		if len(list) > maxAlternatives {
			return nil, errMany
		}
	}
	return list, nil
}

// split writes a term as alternatives in which no argument is there twice.
func (t term) split(regBits int) ([][]argument, error) {
	list := [][]argument{nil}
	for arg := range 6 {
		var on []prove.Comparison
		for _, c := range t {
			if c.Arg == arg {
				on = append(on, c)
			}
		}
		if len(on) == 0 {
			continue
		}
		values, err := argumentOf(on, regBits)
		if err != nil {
			return nil, err
		}
		var both [][]argument
		for _, args := range list {
			for _, v := range values {
				both = append(both, append(slices.Clip(args), v))
			}
		}
		if list = both; len(list) > maxAlternatives {
			return nil, errMany
		}
	}
	return list, nil
}

// argumentOf writes what must all hold of one argument as alternatives.
func argumentOf(all []prove.Comparison, regBits int) (list []argument, err error) {
	c := all[0]
	whole := ^uint64(0) >> (64 - regBits)
	if !slices.ContainsFunc(all, func(c prove.Comparison) bool { return c.Mask != 0 || c.View.Bits != regBits }) {
		if len(all) == 1 && c.Op == resolve.NE {
			return []argument{{Index: c.Arg, Value: c.Values[0], Op: "SCMP_CMP_NE"}}, nil
		}
		ranges := [][2]uint64{{0, whole}}
		for _, c := range all {
			ranges = meet(ranges, c.Op, c.Values[0], whole)
		}
		for _, r := range ranges {
			more, err := rangeOf(c.Arg, r, whole)
			if err != nil {
				return nil, err
			}
			list = append(list, more...)
		}
		return list, nil
	}
	return cubesOf(all)
}

// meet cuts ranges of values, both ends included, to those in a relation to v.
func meet(ranges [][2]uint64, op resolve.Op, v, whole uint64) (list [][2]uint64) {
	var in [][2]uint64
	switch {
	case op == resolve.EQ:
		in = [][2]uint64{{v, v}}
	case op == resolve.LE:
		in = [][2]uint64{{0, v}}
	case op == resolve.GE:
		in = [][2]uint64{{v, whole}}
	}
	if (op == resolve.LT || op == resolve.NE) && v > 0 {
		in = append(in, [2]uint64{0, v - 1})
	}
	if (op == resolve.GT || op == resolve.NE) && v < whole {
		in = append(in, [2]uint64{v + 1, whole})
	}
	for _, a := range ranges {
		for _, b := range in {
			if r := [2]uint64{max(a[0], b[0]), min(a[1], b[1])}; r[0] <= r[1] {
				list = append(list, r)
			}
		}
	}
	return list
}

// few values are listed: unlike masks on 64 bits, these mean the same on ABIs whose registers have 32.
const few = 16

// rangeOf writes a range as one comparison, or where that would take two, as its values or by masks.
func rangeOf(arg int, r [2]uint64, whole uint64) (list []argument, err error) {
	compare := func(op resolve.Op, v uint64) prove.Comparison {
		return prove.Comparison{Arg: arg, Mask: whole, Op: op, Values: []uint64{v}}
	}
	switch {
	case r[0] > 0 && r[1] < whole && r[1]-r[0] < few || r[0] == r[1]:
		for v := r[0]; v-r[0] <= r[1]-r[0]; v++ {
			list = append(list, argument{Index: arg, Value: v, Op: "SCMP_CMP_EQ"})
		}
		return list, nil
	case r[0] == 0:
		return []argument{{Index: arg, Value: r[1], Op: "SCMP_CMP_LE"}}, nil
	case r[1] == whole:
		return []argument{{Index: arg, Value: r[0], Op: "SCMP_CMP_GE"}}, nil
	}
	return cubesOf([]prove.Comparison{compare(resolve.GE, r[0]), compare(resolve.LE, r[1])})
}

// cubesOf writes what must all hold of one argument by masks.
func cubesOf(all []prove.Comparison) (list []argument, err error) {
	cubes, ok := within(all, cube{}, 1<<63, nil)
	if !ok {
		return nil, errMany
	}
	for _, x := range cubes {
		list = append(list, argument{all[0].Arg, x.mask, x.value, "SCMP_CMP_MASKED_EQ"})
	}
	return list, nil
}

// A cube is the values that equal its value within its mask.
type cube struct{ mask, value uint64 }

// within appends the values of a cube, which has the bits above bit, for which comparisons of one argument hold. It is not ok where
// these are too many cubes.
func within(all []prove.Comparison, in cube, bit uint64, list []cube) (_ []cube, ok bool) {
	if len(list) > maxAlternatives {
		return nil, false
	}
	open := uint64(0) // bits that comparisons still depend on
	for _, c := range all {
		mask := cmp.Or(c.Mask, ^uint64(0)>>(64-c.View.Bits))
		low := in.value & mask
		high := low | mask&^in.mask
		v := c.Values[0]
		is, can := false, true
		switch c.Op {
		case resolve.EQ:
			is, can = low == v && high == v, (v^in.value)&mask&in.mask == 0 && v&^mask == 0
		case resolve.NE:
			is, can = (v^in.value)&mask&in.mask != 0 || v&^mask != 0, low != v || high != v
		case resolve.LT:
			is, can = high < v, low < v
		case resolve.LE:
			is, can = high <= v, low <= v
		case resolve.GT:
			is, can = low > v, high > v
		case resolve.GE:
			is, can = low >= v, high >= v
		}
		if !can {
			return list, true
		}
		if !is {
			open |= mask &^ in.mask
		}
	}
	if open == 0 {
		return append(list, in), true
	}
	for bit&open == 0 {
		bit >>= 1
	}
	for _, value := range []uint64{0, bit} {
		if list, ok = within(all, cube{in.mask | bit, in.value | value}, bit>>1, list); !ok {
			return nil, false
		}
	}
	return list, true
}
