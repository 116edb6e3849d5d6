package codegen

import (
	"cmp"
	"slices"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// A subject is what a comparison is about: bits of an argument.
type subject struct {
	arg, bits int
	mask      uint64
}

// A piece is a range of a subject's values with one outcome: from start up to the next piece's start.
type piece struct {
	start uint64
	to    *node
}

// A set is some of a subject's values: disjoint spans in ascending order.
type set []span

// A span is a range of values, both ends included.
type span struct{ first, last uint64 }

// subjectOf returns the only subject that c is about.
func subjectOf(c resolve.Cond) (s subject, ok bool) {
	var parts []resolve.Cond
	switch c := c.(type) {
	case resolve.Compare:
		return subject{c.Arg, c.Bits, c.Mask}, true
	case resolve.Not:
		return subjectOf(c.Cond)
	case resolve.Any:
		parts = c
	case resolve.All:
		parts = c
	}
	for i, p := range parts {
		t, one := subjectOf(p)
		if !one || i > 0 && t != s {
			return subject{}, false
		}
		s, ok = t, true
	}
	return s, ok
}

// values returns the values that satisfy c, which must be about s. Values outside of the mask don't occur, so it makes
// no difference whether they are among them.
func (s subject) values(c resolve.Cond) set {
	top := ^uint64(0) >> (64 - s.bits)
	switch c := c.(type) {
	case resolve.Any:
		return s.union(c)
	case resolve.All: // what is in none of the complements
		var not []resolve.Cond
		for _, x := range c {
			not = append(not, resolve.Not{Cond: x})
		}
		return s.union(not).complement(top)
	case resolve.Not:
		return s.values(c.Cond).complement(top)
	}
	x := c.(resolve.Compare)
	switch x.Op {
	case resolve.EQ:
		return set{{x.Value, x.Value}}
	case resolve.NE:
		return set{{x.Value, x.Value}}.complement(top)
	case resolve.LE:
		return set{{0, x.Value}}
	case resolve.GT:
		return set{{0, x.Value}}.complement(top)
	case resolve.GE:
		return set{{x.Value, top}}
	default:
		return set{{x.Value, top}}.complement(top)
	}
}

// union returns the values that satisfy any of conds.
func (s subject) union(conds []resolve.Cond) set {
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
		every = append(every, s.values(c)...)
	}
	slices.SortFunc(every, func(a, b span) int { return cmp.Compare(a.first, b.first) })
	var out set
	for _, x := range every {
		if n := len(out); n > 0 && (out[n-1].last >= x.first || out[n-1].last+1 == x.first) {
			out[n-1].last = max(out[n-1].last, x.last)
			continue
		}
		out = append(out, x)
	}
	return out
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

// overlay gives the values of a set another outcome.
func overlay(pieces []piece, s set, to *node) (out []piece) {
	add := func(p piece) {
		if n := len(out); n > 0 && out[n-1].start == p.start {
			out = out[:n-1]
		}
		if n := len(out); n == 0 || out[n-1].to != p.to {
			out = append(out, p)
		}
	}
	i := 0 // pieces before it are done with, the last of them is in force
	for _, x := range s {
		for ; i < len(pieces) && pieces[i].start < x.first; i++ {
			add(pieces[i])
		}
		add(piece{x.first, to})
		for i < len(pieces) && pieces[i].start <= x.last {
			i++
		}
		if next := x.last + 1; next != 0 && (i == len(pieces) || pieces[i].start > next) && i > 0 {
			add(piece{next, pieces[i-1].to})
		}
	}
	for ; i < len(pieces); i++ {
		add(pieces[i])
	}
	return out
}
