package prove

import (
	"math/bits"
	"slices"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// A View is how a condition looks at an argument: at its low Bits, as a signed number or not.
type View struct {
	Bits   int
	Signed bool
}

func (v View) mask() uint64 { return ^uint64(0) >> (64 - v.Bits) }

// A Comparison is what a policy's author writes: an argument in the relation Op to Values[0], or with several values, of
// which one is to be equal, a oneof. Mask is none (0), or what the argument is cut to; the comparison is unsigned then.
type Comparison struct {
	Arg    int
	View   View
	Mask   uint64
	Op     resolve.Op
	Values []uint64 // in the low View.Bits
}

// Holds makes a Comparison a condition among those of package resolve.
func (c Comparison) Holds(args [6]uint64) bool { return c.plain().Holds(args) }

// plain is the comparison by the relations of resolve, which are unsigned.
func (c Comparison) plain() resolve.Cond {
	mask := c.Mask
	if mask == 0 {
		mask = c.View.mask()
	}
	x := func(op resolve.Op, v uint64) resolve.Cond {
		return resolve.Compare{Arg: c.Arg, Bits: 64, Mask: mask, Op: op, Value: v}
	}
	if len(c.Values) > 1 {
		var any resolve.Any
		for _, v := range c.Values {
			any = append(any, x(resolve.EQ, v))
		}
		return any
	}
	v := c.Values[0]
	if !c.View.Signed || c.Mask != 0 || c.Op <= resolve.NE {
		return x(c.Op, v)
	}
	half := uint64(1) << (c.View.Bits - 1)
	less := func(op resolve.Op) resolve.Cond {
		if v >= half {
			return resolve.All{x(resolve.GE, half), x(op, v)}
		}
		return resolve.Any{x(resolve.GE, half), x(op, v)}
	}
	switch c.Op {
	case resolve.LT, resolve.LE:
		return less(c.Op)
	case resolve.GT:
		return resolve.Not{Cond: less(resolve.LE)}
	}
	return resolve.Not{Cond: less(resolve.LT)}
}

// plainly replaces the comparisons in a condition.
func plainly(c resolve.Cond) resolve.Cond {
	switch c := c.(type) {
	case resolve.All:
		list := make(resolve.All, len(c))
		for i, x := range c {
			list[i] = plainly(x)
		}
		return list
	case resolve.Any:
		list := make(resolve.Any, len(c))
		for i, x := range c {
			list[i] = plainly(x)
		}
		return list
	case resolve.Not:
		return resolve.Not{Cond: plainly(c.Cond)}
	}
	return c.(Comparison).plain()
}

// all joins two conditions, without nesting.
func all(a, b resolve.Cond) resolve.Cond {
	x, isAll := a.(resolve.All)
	if !isAll {
		x = resolve.All{a}
	}
	y, isAll := b.(resolve.All)
	if !isAll {
		y = resolve.All{b}
	}
	return one(slices.Concat(x, y))
}

// anyOf joins conditions, without nesting.
func anyOf(list ...resolve.Cond) resolve.Cond {
	var flat resolve.Any
	for _, c := range list {
		if x, is := c.(resolve.Any); is {
			flat = append(flat, x...)
			continue
		}
		flat = append(flat, c)
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return flat
}

func one(list resolve.All) resolve.Cond {
	if len(list) == 1 {
		return list[0]
	}
	return list
}

// negated is the opposite of a condition, with no more negations than it takes.
func negated(c resolve.Cond) resolve.Cond {
	switch c := c.(type) {
	case resolve.All:
		var list []resolve.Cond
		for _, x := range c {
			list = append(list, negated(x))
		}
		return anyOf(list...)
	case resolve.Any:
		list := resolve.Cond(resolve.All{})
		for _, x := range c {
			list = all(list, negated(x))
		}
		return list
	case resolve.Not:
		return c.Cond
	case Comparison:
		if len(c.Values) == 1 {
			c.Op = [...]resolve.Op{resolve.NE, resolve.EQ, resolve.GE, resolve.GT, resolve.LE, resolve.LT}[c.Op]
			return c
		}
	}
	return resolve.Not{Cond: c}
}

// cost measures how long a condition is to read.
func cost(c resolve.Cond) (n int) {
	switch c := c.(type) {
	case resolve.All:
		for _, x := range c {
			n += 1 + cost(x)
		}
	case resolve.Any:
		for _, x := range c {
			n += 1 + cost(x)
		}
	case resolve.Not:
		return 1 + cost(c.Cond)
	case Comparison:
		n = 2 + len(c.Values)
		if c.Mask != 0 {
			n += 2
		}
		switch v := c.Values[0]; {
		case c.Mask == 0 || v == 0 && c.Op <= resolve.NE:
		case c.Op > resolve.NE, v != c.Mask, bits.OnesCount64(v) == 1: // bits are no number; some set and some not take thought; flags & 4 != 0 reads better than == 4
			n++
		}
	}
	return n
}
