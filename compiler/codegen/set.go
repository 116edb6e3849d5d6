package codegen

import (
	"cmp"
	"slices"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// A set is the values of one argument that satisfy a condition: disjoint spans in ascending order.
type set []span

// A span is a range of values, both ends included.
type span struct{ first, last uint64 }

// spans returns the set of the values from 0 to top that satisfy c, if c is about no more than the argument arg,
// unmasked.
func spans(c resolve.Cond, arg int, top uint64) (set, bool) {
	switch c := c.(type) {
	case resolve.Any:
		return union(c, arg, top)
	case resolve.All: // what is in none of the complements
		var not resolve.Any
		for _, x := range c {
			not = append(not, resolve.Not{Cond: x})
		}
		s, ok := union(not, arg, top)
		return s.complement(top), ok
	case resolve.Not:
		s, ok := spans(c.Cond, arg, top)
		return s.complement(top), ok
	case resolve.Compare:
		if c.Arg != arg || c.Mask != top {
			return nil, false
		}
		switch c.Op {
		case resolve.EQ:
			return set{{c.Value, c.Value}}, true
		case resolve.NE:
			return set{{c.Value, c.Value}}.complement(top), true
		case resolve.LE:
			return set{{0, c.Value}}, true
		case resolve.GT:
			return set{{0, c.Value}}.complement(top), true
		case resolve.GE:
			return set{{c.Value, top}}, true
		case resolve.LT:
			return set{{c.Value, top}}.complement(top), true
		}
	}
	return nil, false
}

// union returns the values that satisfy any of conds.
func union(conds []resolve.Cond, arg int, top uint64) (set, bool) {
	var every set
	// Chains such as a || b || c nest; sorting each level's set would take quadratic time.
	for todo := slices.Clone(conds); len(todo) > 0; {
		c := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		switch c := c.(type) {
		case resolve.Any:
			todo = append(todo, c...)
			continue
		case resolve.Not:
			if all, ok := c.Cond.(resolve.All); ok {
				for _, x := range all {
					todo = append(todo, resolve.Not{Cond: x})
				}
				continue
			}
		}
		s, ok := spans(c, arg, top)
		if !ok {
			return nil, false
		}
		every = append(every, s...)
	}
	slices.SortFunc(every, func(a, b span) int { return cmp.Compare(a.first, b.first) })
	var out set
	for _, s := range every {
		if n := len(out); n > 0 && (out[n-1].last >= s.first || out[n-1].last+1 == s.first) {
			out[n-1].last = max(out[n-1].last, s.last)
			continue
		}
		out = append(out, s)
	}
	return out, true
}

func (s set) complement(top uint64) set {
	var out set
	next := uint64(0)
	for _, x := range s {
		if x.first > next {
			out = append(out, span{next, x.first - 1})
		}
		if x.last == top {
			return out
		}
		next = x.last + 1
	}
	return append(out, span{next, top})
}

// subject returns the only argument that c is about.
func subject(c resolve.Cond) (arg, bits int, ok bool) {
	var parts []resolve.Cond
	switch c := c.(type) {
	case resolve.Compare:
		return c.Arg, c.Bits, true
	case resolve.Not:
		return subject(c.Cond)
	case resolve.Any:
		parts = c
	case resolve.All:
		parts = c
	}
	for i, p := range parts {
		a, w, one := subject(p)
		if !one || i > 0 && (a != arg || w != bits) {
			return 0, 0, false
		}
		arg, bits, ok = a, w, true
	}
	return arg, bits, ok
}
