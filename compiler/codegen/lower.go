package codegen

import (
	"slices"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// rules returns the outcome of a number's rules, the first that matches deciding, and otherwise when none does.
// Neighbours whose conditions are about the same subject are searched together.
func (b *builder) rules(rules []resolve.Rule, otherwise *node, abi *arch.ABI) *node {
	n := otherwise
	if i := slices.IndexFunc(rules, always); i >= 0 {
		n, rules = b.ret(rules[i].Action), rules[:i]
	}
	first, mixed := len(rules), false
	for i := len(rules) - 1; i >= 0; {
		if i < first { // neighbours of one action are alternatives
			for first = i; first > 0 && rules[first-1].Action == rules[i].Action; {
				first--
			}
			mixed = interleaved(rules[first : i+1])
		}
		s, about := subjectOf(rules[i].Cond)
		if !about || mixed {
			var any resolve.Any
			seen := map[*node]bool{}
			for _, r := range rules[first : i+1] { // a call may be in a rule twice, by its name and by a group
				if alone := b.lower(r.Cond, b.ret(r.Action), n, abi); !seen[alone] {
					seen[alone] = true
					any = append(any, r.Cond)
				}
			}
			n = b.lower(any, b.ret(rules[i].Action), n, abi)
			i = first - 1
			continue
		}
		pieces := []piece{{0, n}}
		for ; i >= 0; i-- {
			if t, ok := subjectOf(rules[i].Cond); !ok || t != s {
				break
			}
			pieces = overlay(pieces, s.values(rules[i].Cond), b.ret(rules[i].Action))
		}
		n = b.member(s, pieces, abi)
	}
	return n
}

// interleaved reports whether rules about one subject have a rule about something else between them.
func interleaved(rules []resolve.Rule) bool {
	seen := map[subject]bool{}
	var last subject
	for _, r := range rules {
		s, _ := subjectOf(r.Cond)
		if seen[s] && s != last {
			return true
		}
		seen[s], last = true, s
	}
	return false
}

func always(r resolve.Rule) bool {
	every, is := r.Cond.(resolve.All)
	return is && len(every) == 0
}

// lower returns the test of a condition.
func (b *builder) lower(c resolve.Cond, yes, no *node, abi *arch.ABI) *node {
	if yes == no {
		return yes
	}
	if s, ok := subjectOf(c); ok {
		return b.member(s, overlay([]piece{{0, no}}, s.values(c), yes), abi)
	}
	switch c := c.(type) {
	case resolve.All:
		for _, part := range slices.Backward(bySubject(c)) {
			yes = b.lower(part, yes, no, abi)
		}
		return yes
	case resolve.Any:
		for _, part := range slices.Backward(bySubject(c)) {
			no = b.lower(part, yes, no, abi)
		}
		return no
	default:
		return b.lower(c.(resolve.Not).Cond, no, yes, abi)
	}
}

// bySubject flattens nested lists of conditions, whose order doesn't matter, and puts those about one subject together.
func bySubject[L interface {
	resolve.All | resolve.Any
	resolve.Cond
}](list L) (parts []resolve.Cond) {
	var lists []L
	at := map[subject]int{}
	var add func(L)
	add = func(list L) {
		for _, c := range list {
			if inner, ok := c.(L); ok {
				add(inner)
				continue
			}
			s, about := subjectOf(c)
			if i, ok := at[s]; ok && about {
				lists[i] = append(lists[i], c)
				continue
			}
			if about {
				at[s] = len(lists)
			}
			lists = append(lists, L{c})
		}
	}
	add(list)
	for _, l := range lists {
		if len(l) == 1 { // no list any more, or it would come back here
			parts = append(parts, l[0])
		} else {
			parts = append(parts, l)
		}
	}
	return parts
}

// words returns the offsets of an argument's high and low word.
func words(arg int, abi *arch.ABI) (high, low uint32) {
	at := uint32(offArgs + 8*arg)
	if abi.BigEndian {
		return at, at + 4
	}
	return at + 4, at
}

// member finds the piece that a subject's value is in: first by the high word, then by the low one.
func (b *builder) member(s subject, pieces []piece, abi *arch.ABI) *node {
	high, low := words(s.arg, abi)
	var runs []run // of the high word
	var last *node
	// Halves are compared as words: for s390x, Go 1.26 takes x>>32 to be less than any constant from 1<<31 on.
	above := func(i int) uint32 { return uint32(pieces[i].start >> 32) }
	for i := 0; i < len(pieces); {
		h := above(i)
		var under []run
		if uint32(pieces[i].start) != 0 {
			under = append(under, run{start: 0, to: last, weight: weightArgument})
		}
		for ; i < len(pieces) && above(i) == h; i++ {
			last = pieces[i].to
			under = append(under, run{start: uint32(pieces[i].start), to: last, weight: weightArgument})
		}
		runs = append(runs, run{start: h, to: b.search(field{low, uint32(s.mask)}, under), weight: weightArgument * int64(len(under))})
		if h < all && (i == len(pieces) || above(i) > h+1) {
			runs = append(runs, run{start: h + 1, to: last, weight: weightArgument})
		}
	}
	return b.search(field{high, uint32(s.mask >> 32)}, runs)
}
