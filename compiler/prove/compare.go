package prove

import (
	"cmp"
	"slices"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// Beside reads another program, to be compared with d's. The error is as Read's.
func (d *Diagram) Beside(prog []bpf.RawInstruction, bigEndian bool) (other *Diagram, err error) {
	d.store.budget = Budget
	defer d.store.recover(&err)
	other = &Diagram{store: d.store}
	other.root, err = d.store.program(prog, bigEndian)
	return other, err
}

// A Range is the numbers from First to Last, both included.
type Range struct{ First, Last uint32 }

// A Part is a set of calls that one program answers with Before and another with After: those of each architecture of
// Arches, each number of Numbers and all arguments that meet Cond.
type Part struct {
	Arches, Numbers []Range // ascending; none: too many to list, and Cond is empty then
	Cond            Cond
	Before, After   resolve.Action
	Call            resolve.Call // one of the set
}

// maxRanges bounds the ranges of architectures and of numbers that are told apart. A filter that some compiler made has
// hundreds; one that looks at the lowest bit of the number alone has 2^32.
const maxRanges = 1 << 12

// Compare divides all calls there are by what two diagrams decide: a proof that they are equal if Before is After in
// every part. After must be read beside before, or be it. The error is ErrNotProven.
func Compare(before, after *Diagram) (parts []Part, err error) {
	s := before.store
	if after.store != s {
		panic("prove: the diagrams were not read beside each other")
	}
	s.budget = Budget
	defer s.recover(&err)
	root := pair{before.root, after.root}
	arches, ok := s.ranges(root, levelArch)
	for _, a := range arches {
		numbers, few := s.ranges(a.to, levelNR)
		ok = ok && few
		for _, n := range numbers {
			for _, p := range s.split(n.to) {
				p.Arches, p.Numbers = a.ranges, n.ranges
				p.Call.Arch, p.Call.NR = a.ranges[0].First, n.ranges[0].First
				parts = append(parts, p)
			}
		}
	}
	if !ok {
		parts = s.split(root)
		for i := range parts {
			parts[i].Cond = Cond{}
		}
	}
	return parts, nil
}

// Split returns each action that calls with c's architecture and number meet, with the condition on their arguments. The
// error is ErrNotProven.
func (d *Diagram) Split(c resolve.Call) (parts []Part, err error) {
	s := d.store
	s.budget = Budget
	defer s.recover(&err)
	at := d.root
	for s.vertices[at].level < levelArgs {
		if v := s.vertices[at]; bitOf(c, v.level) {
			at = v.hi
		} else {
			at = v.lo
		}
	}
	parts = s.split(pair{at, at})
	for i := range parts {
		p := &parts[i]
		p.Arches, p.Numbers = []Range{{c.Arch, c.Arch}}, []Range{{c.NR, c.NR}}
		p.Call.Arch, p.Call.NR = c.Arch, c.NR
	}
	return parts, nil
}

// A pair is a function before and after.
type pair [2]ref

func (s *store) level(f pair) int32 { return min(s.vertices[f[0]].level, s.vertices[f[1]].level) }

func (s *store) halves(f pair, level int32) (lo, hi pair) {
	lo[0], hi[0] = s.at(f[0], level)
	lo[1], hi[1] = s.at(f[1], level)
	return lo, hi
}

type ranged struct {
	to     pair
	ranges []Range
}

// ranges divides the 32 bits from level on, before which the functions have none, by what the pair is behind them. It
// gives up where there are too many.
func (s *store) ranges(f pair, level int32) (list []ranged, ok bool) {
	index, total, last := map[pair]int{}, 0, -1
	var walk func(f pair, bit int32, first uint32) bool
	walk = func(f pair, bit int32, first uint32) bool {
		s.spend()
		if s.level(f) < level+32 {
			lo, hi := s.halves(f, level+bit)
			return walk(lo, bit+1, first) && walk(hi, bit+1, first|1<<(31-bit))
		}
		end := first | uint32(1<<(32-bit)-1)
		i, known := index[f]
		if !known {
			i = len(list)
			index[f] = i
			list = append(list, ranged{to: f})
		}
		to := &list[i].ranges
		if i == last {
			(*to)[len(*to)-1].Last = end
			return true
		}
		last = i
		*to = append(*to, Range{first, end})
		total++
		return total <= maxRanges
	}
	ok = walk(f, 0, 0)
	return list, ok
}

// split divides the calls by the two actions that they meet, ascending.
func (s *store) split(f pair) (parts []Part) {
	var leaves []pair
	seen := map[pair]bool{}
	var find func(pair)
	find = func(f pair) {
		if seen[f] {
			return
		}
		seen[f] = true
		s.spend()
		level := s.level(f)
		if level == leaf {
			leaves = append(leaves, f)
			return
		}
		lo, hi := s.halves(f, level)
		find(lo)
		find(hi)
	}
	find(f)
	for _, to := range leaves {
		cond := s.ite(s.where(f[0], to[0]), s.where(f[1], to[1]), no)
		parts = append(parts, Part{Cond: Cond{s, cond}, Before: s.vertices[to[0]].action, After: s.vertices[to[1]].action, Call: s.difference(cond, no)})
	}
	slices.SortFunc(parts, func(a, b Part) int { return cmp.Or(cmp.Compare(a.Before, b.Before), cmp.Compare(a.After, b.After)) })
	return parts
}

// where is the condition that a function is a leaf.
func (s *store) where(f, is ref) ref {
	done := map[ref]ref{}
	var walk func(ref) ref
	walk = func(at ref) ref {
		v := s.vertices[at]
		switch {
		case at == is:
			return yes
		case v.level == leaf:
			return no
		}
		if _, ok := done[at]; !ok {
			done[at] = s.branch(v.level, walk(v.lo), walk(v.hi))
		}
		return done[at]
	}
	return walk(f)
}
