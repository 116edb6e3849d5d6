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

var operators = [...]string{
	resolve.EQ: "SCMP_CMP_EQ", resolve.NE: "SCMP_CMP_NE", resolve.LT: "SCMP_CMP_LT", resolve.LE: "SCMP_CMP_LE", resolve.GT: "SCMP_CMP_GT", resolve.GE: "SCMP_CMP_GE",
}

// argumentOf writes what must all hold of one argument as alternatives.
func argumentOf(all []prove.Comparison, regBits int) (list []argument, err error) {
	c := all[0]
	if len(all) == 1 && c.Mask == 0 && c.View.Bits == regBits {
		return []argument{{Index: c.Arg, Value: c.Values[0], Op: operators[c.Op]}}, nil
	}
	cubes, ok := within(all, cube{}, 1<<63, nil)
	if !ok {
		return nil, errMany
	}
	for _, x := range cubes {
		list = append(list, argument{c.Arg, x.mask, x.value, "SCMP_CMP_MASKED_EQ"})
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
