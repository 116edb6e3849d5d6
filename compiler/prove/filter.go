package prove

import (
	"cmp"
	"maps"
	"slices"
	"sort"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// target is the diagram of a resolved target: a second reading of it, made without Decide.
func (s *store) target(t *resolve.Target) ref {
	audits := map[uint32]ref{}
	for i, f := range t.Filters {
		if _, done := audits[f.ABI.Audit]; done {
			continue
		}
		if f.ABI.Audit != resolve.X86_64 {
			audits[f.ABI.Audit] = s.filter(f)
			continue
		}
		decides := map[uint32]ref{0: s.action(t.Foreign), resolve.X32Bit: s.action(t.Foreign)} // by bit 30 of the number
		for _, g := range t.Filters[i:] {
			if g.ABI.Audit == resolve.X86_64 {
				decides[g.ABI.Bit] = s.filter(g)
			}
		}
		both := s.compare(equal, levelNR, 32, resolve.X32Bit, 0, decides[0], decides[resolve.X32Bit])
		audits[f.ABI.Audit] = s.compare(equal, levelNR, 32, resolve.NoCall, resolve.NoCall, decides[f.ABI.Bit], both)
	}
	var entries []entry
	for _, audit := range slices.Sorted(maps.Keys(audits)) {
		entries = append(entries, entry{audit, audits[audit]})
	}
	return s.table(levelArch, entries, s.action(t.Foreign))
}

// named is a number, and in the lower half the index of a rule that has it.
type named uint64

func (n named) nr() uint32 { return uint32(n >> 32) }
func (n named) rule() int  { return int(uint32(n)) }

// byNumber lists the numbers of all rules, ascending, each with its rules in their order.
func byNumber(f *resolve.Filter) (list []named) {
	list = make([]named, 0, len(f.Rules))
	for i, rule := range f.Rules {
		for _, n := range rule.Numbers {
			list = append(list, named(n)<<32|named(i))
		}
	}
	slices.Sort(list)
	return list
}

// filter is the diagram of a filter, over the number and the arguments.
func (s *store) filter(f *resolve.Filter) ref {
	conds, actions := make([]ref, len(f.Rules)), make([]ref, len(f.Rules))
	for i, r := range f.Rules {
		conds[i], actions[i] = s.cond(r.Cond), s.action(r.Action)
	}
	rules := byNumber(f)
	numbers := slices.Clone(f.Known)
	for _, n := range rules {
		numbers = append(numbers, n.nr())
	}
	slices.Sort(numbers)
	known, unknown := s.action(f.Default), s.action(f.Unknown)
	numbers = slices.Compact(numbers)
	entries := make([]entry, 0, len(numbers))
	var any []ref
	for _, nr := range numbers {
		to := unknown // that matters only behind the rules
		if _, is := slices.BinarySearch(f.Known, nr); is {
			to = known
		}
		same := leading(rules, nr)
		rules = rules[len(same):]
		for last := len(same) - 1; last >= 0; { // neighbours of one action are alternatives
			action := actions[same[last].rule()]
			any = any[:0]
			for ; last >= 0 && actions[same[last].rule()] == action; last-- {
				any = append(any, conds[same[last].rule()])
			}
			to = s.ite(s.any(any), action, to)
		}
		entries = append(entries, entry{nr, to})
	}
	return s.table(levelNR, entries, unknown)
}

// An entry is a value and the function that it leads to.
type entry struct {
	key uint32
	to  ref
}

// table is the function that maps the 32 bits from level on as the entries say, which ascend, and everything else to other.
func (s *store) table(level int32, entries []entry, other ref) ref {
	var build func(bit int32, entries []entry) ref
	build = func(bit int32, entries []entry) ref {
		switch {
		case len(entries) == 0:
			return other
		case bit == 32:
			return entries[0].to
		}
		ones := sort.Search(len(entries), func(i int) bool { return entries[i].key>>(31-bit)&1 != 0 })
		return s.branch(level+bit, build(bit+1, entries[:ones]), build(bit+1, entries[ones:]))
	}
	return build(0, entries)
}

// any is the condition that one of some conditions holds. Those on late bits come first: then each is put in front of what
// there is, and does not work its way through it.
func (s *store) any(conds []ref) ref {
	slices.SortFunc(conds, func(a, b ref) int {
		return cmp.Or(cmp.Compare(s.vertices[b].level, s.vertices[a].level), cmp.Compare(a, b))
	})
	r := no
	for _, c := range conds {
		r = s.ite(c, yes, r)
	}
	return r
}

// cond is the condition as a function of the leaves yes and no.
func (s *store) cond(c resolve.Cond) ref {
	var parts []ref
	switch c := c.(type) {
	case resolve.All: // that not any fails
		for _, x := range c {
			parts = append(parts, s.cond(resolve.Not{Cond: x}))
		}
		return s.ite(s.any(parts), no, yes)
	case resolve.Any:
		for _, x := range c {
			parts = append(parts, s.cond(x))
		}
		return s.any(parts)
	case resolve.Not:
		return s.ite(s.cond(c.Cond), no, yes)
	}
	x := c.(resolve.Compare)
	level := int32(levelArgs + 64*x.Arg + 64 - x.Bits)
	switch x.Op {
	case resolve.EQ:
		return s.compare(equal, level, x.Bits, x.Mask, x.Value, yes, no)
	case resolve.NE:
		return s.compare(equal, level, x.Bits, x.Mask, x.Value, no, yes)
	case resolve.LT:
		return s.compare(atLeast, level, x.Bits, x.Mask, x.Value, no, yes)
	case resolve.LE:
		return s.compare(above, level, x.Bits, x.Mask, x.Value, no, yes)
	case resolve.GT:
		return s.compare(above, level, x.Bits, x.Mask, x.Value, yes, no)
	default:
		return s.compare(atLeast, level, x.Bits, x.Mask, x.Value, yes, no)
	}
}
