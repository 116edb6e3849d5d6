package codegen

import (
	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// rules returns the outcome of a number's rules, the first that matches deciding, and otherwise when none does.
func (b *builder) rules(rules []resolve.Rule, otherwise *node, abi *arch.ABI) *node {
	type step struct {
		cond resolve.Any
		to   resolve.Action
	}
	var steps []step
	for _, r := range rules {
		if n := len(steps); n > 0 && steps[n-1].to == r.Action {
			steps[n-1].cond = append(steps[n-1].cond, r.Cond)
			continue
		}
		steps = append(steps, step{resolve.Any{r.Cond}, r.Action})
	}
	n := otherwise
	for i := len(steps) - 1; i >= 0; i-- {
		n = b.lower(steps[i].cond, b.ret(steps[i].to), n, abi)
	}
	return n
}

// lower returns the test of a condition.
func (b *builder) lower(c resolve.Cond, yes, no *node, abi *arch.ABI) *node {
	if yes == no {
		return yes
	}
	if arg, bits, ok := subject(c); ok {
		if s, ok := spans(c, arg, ^uint64(0)>>(64-bits)); ok {
			return b.member(arg, bits, s, yes, no, abi)
		}
	}
	switch c := c.(type) {
	case resolve.All:
		for i := len(c) - 1; i >= 0; i-- {
			yes = b.lower(c[i], yes, no, abi)
		}
		return yes
	case resolve.Any:
		for i := len(c) - 1; i >= 0; i-- {
			no = b.lower(c[i], yes, no, abi)
		}
		return no
	case resolve.Not:
		return b.lower(c.Cond, no, yes, abi)
	default:
		return b.compare(c.(resolve.Compare), yes, no, abi)
	}
}

// words returns the offsets of an argument's high and low word.
func words(arg int, abi *arch.ABI) (high, low uint32) {
	at := uint32(offArgs + 8*arg)
	if abi.BigEndian {
		return at, at + 4
	}
	return at + 4, at
}

// member tests whether an argument is in a set: first the high word, then the low one.
func (b *builder) member(arg, bits int, s set, yes, no *node, abi *arch.ABI) *node {
	high, low := words(arg, abi)
	top := ^uint64(0) >> (64 - bits)
	starts, outcomes := []uint64{0}, []*node{no} // the values at which the outcome changes
	for _, x := range s {
		starts, outcomes = append(starts, x.first), append(outcomes, yes)
		if x.last < top {
			starts, outcomes = append(starts, x.last+1), append(outcomes, no)
		}
	}
	var runs []run // of the high word
	last := no
	for i := 0; i < len(starts); {
		h := starts[i] >> 32
		under := []run{{start: 0, to: last, weight: argumentWeight}}
		for ; i < len(starts) && starts[i]>>32 == h; i++ {
			last = outcomes[i]
			under = append(under, run{start: uint32(starts[i]), to: last, weight: argumentWeight})
		}
		runs = append(runs, run{start: uint32(h), to: b.search(low, under), weight: argumentWeight * len(under)})
		if h < all && (i == len(starts) || starts[i]>>32 > h+1) {
			runs = append(runs, run{start: uint32(h) + 1, to: last, weight: argumentWeight})
		}
	}
	if bits == 32 {
		return runs[0].to
	}
	return b.search(high, runs)
}

// compare tests one comparison.
func (b *builder) compare(c resolve.Compare, yes, no *node, abi *arch.ABI) *node {
	switch c.Op {
	case resolve.NE:
		c.Op, yes, no = resolve.EQ, no, yes
	case resolve.LT:
		c.Op, yes, no = resolve.GE, no, yes
	case resolve.LE:
		c.Op, yes, no = resolve.GT, no, yes
	}
	if c.Op == resolve.GE && c.Value == 0 {
		return yes
	}
	high, low := words(c.Arg, abi)
	onLow := b.compareWord(low, uint32(c.Mask), c.Op, uint32(c.Value), yes, no)
	mask, k := uint32(c.Mask>>32), uint32(c.Value>>32) // both 0 for a comparison of 32 bits, which then needs no test
	n := b.compareWord(high, mask, resolve.EQ, k, onLow, no)
	if c.Op != resolve.EQ {
		n = b.compareWord(high, mask, resolve.GT, k, yes, n)
	}
	return n
}

// compareWord tests EQ, GT or GE on one word under a mask.
func (b *builder) compareWord(word, mask uint32, o resolve.Op, k uint32, yes, no *node) *node {
	if o == resolve.GE {
		if k == 0 {
			return yes
		}
		o, k = resolve.GT, k-1
	}
	if o == resolve.GT {
		switch {
		case k >= mask:
			return no
		case k == 0 && mask != all:
			return b.test(word, all, jset, mask, yes, no)
		}
		return b.test(word, mask, jgt, k, yes, no)
	}
	switch {
	case k&^mask != 0:
		return no
	case mask == 0:
		return yes
	case mask == all:
		return b.test(word, all, jeq, k, yes, no)
	case k == 0:
		return b.test(word, all, jset, mask, no, yes)
	case k == mask && mask&(mask-1) == 0:
		return b.test(word, all, jset, mask, yes, no)
	}
	return b.test(word, mask, jeq, k, yes, no)
}
