package prove

import (
	"slices"

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
		both := s.ite(s.anyOf(levelNR, 32, resolve.X32Bit), decides[resolve.X32Bit], decides[0])
		audits[f.ABI.Audit] = s.ite(s.equals(levelNR, 32, resolve.NoCall, resolve.NoCall), decides[f.ABI.Bit], both)
	}
	return s.table(levelArch, audits, s.action(t.Foreign))
}

// filter is the diagram of a filter, over the number and the arguments.
func (s *store) filter(f *resolve.Filter) ref {
	numbers := map[uint32]ref{}
	for _, r := range f.Rules { // whether a number is known matters only behind the rules
		for _, n := range r.Numbers {
			numbers[n] = s.action(f.Unknown)
		}
	}
	for _, n := range f.Known {
		numbers[n] = s.action(f.Default)
	}
	for _, r := range slices.Backward(f.Rules) {
		cond, action := s.cond(r.Cond), s.action(r.Action)
		for _, n := range r.Numbers {
			numbers[n] = s.ite(cond, action, numbers[n])
		}
	}
	return s.table(levelNR, numbers, s.action(f.Unknown))
}

// table is the function that maps the 32 bits from level on as m says, and everything else to other.
func (s *store) table(level int32, m map[uint32]ref, other ref) ref {
	keys := make([]uint32, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var build func(bit int32, keys []uint32) ref
	build = func(bit int32, keys []uint32) ref {
		switch {
		case len(keys) == 0:
			return other
		case bit == 32:
			return m[keys[0]]
		}
		ones := slices.IndexFunc(keys, func(k uint32) bool { return k>>(31-bit)&1 != 0 })
		if ones < 0 {
			ones = len(keys)
		}
		return s.branch(level+bit, build(bit+1, keys[:ones]), build(bit+1, keys[ones:]))
	}
	return build(0, keys)
}

func (s *store) cond(c resolve.Cond) ref {
	switch c := c.(type) {
	case resolve.All:
		r := yes
		for _, x := range slices.Backward(c) {
			r = s.ite(s.cond(x), r, no)
		}
		return r
	case resolve.Any:
		r := no
		for _, x := range slices.Backward(c) {
			r = s.ite(s.cond(x), yes, r)
		}
		return r
	case resolve.Not:
		return s.ite(s.cond(c.Cond), no, yes)
	}
	x := c.(resolve.Compare)
	level := int32(levelArgs + 64*x.Arg + 64 - x.Bits)
	switch x.Op {
	case resolve.EQ:
		return s.equals(level, x.Bits, x.Mask, x.Value)
	case resolve.NE:
		return s.ite(s.equals(level, x.Bits, x.Mask, x.Value), no, yes)
	case resolve.LT:
		return s.less(level, x.Bits, x.Mask, x.Value, false)
	case resolve.LE:
		return s.less(level, x.Bits, x.Mask, x.Value, true)
	case resolve.GT:
		return s.ite(s.less(level, x.Bits, x.Mask, x.Value, true), no, yes)
	default:
		return s.ite(s.less(level, x.Bits, x.Mask, x.Value, false), no, yes)
	}
}
