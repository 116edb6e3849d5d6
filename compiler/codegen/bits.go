package codegen

import "math/bits"

// Intervals that bit tests are tried on: few runs, near each other.
const (
	bitRuns = 9
	bitSpan = 200
)

// end is the last value of a run.
func (s *searcher) end(i int) uint32 {
	if i+1 < len(s.runs) {
		return s.runs[i+1].start - 1
	}
	return all
}

// bitTests improves the choice for an interval by a bit test that leaves one outcome on one of its sides. Masks that
// can do that are few: to leave an outcome where any of the mask's bits is set, those bits that no other outcome's
// values have; to leave it where none is set, all bits but those of two of its values, or a single bit.
func (s *searcher) bitTests(i, j int, best *choice) {
	if j-i+1 > bitRuns || s.end(j)-s.runs[i].start >= bitSpan {
		return
	}
	var has uint32 // bits that any value has
	for k := i; k <= j; k++ {
		has |= orOf(s.runs[k].start, s.end(k))
	}
	for k := i; k <= min(i+2, j); k++ { // the outcomes alternate: three runs show the most frequent ones
		o := s.runs[k].to
		var others uint32
		for l := i; l <= j; l++ {
			if s.runs[l].to != o {
				others |= orOf(s.runs[l].start, s.end(l))
			}
		}
		s.try(i, j, has&^others, anySet, best)
	}
	for b := has; b != 0; b &= b - 1 {
		s.try(i, j, b&-b, noneSet, best)
	}
	var before uint32 // neighbours often give the same mask
	for k := i; k <= j; k++ {
		if s.end(k)-s.runs[k].start > 1 {
			continue
		}
		for l := k; l <= j; l++ {
			if s.runs[l].to == s.runs[k].to && s.end(l)-s.runs[l].start <= 1 {
				if mask := has &^ (s.runs[k].start | s.end(l)); mask != before {
					s.try(i, j, mask, noneSet, best)
					before = mask
				}
			}
		}
	}
}

// try improves the choice by the test of one mask, if that is cheaper.
func (s *searcher) try(i, j int, mask uint32, side kind, best *choice) {
	if mask == 0 || !s.uniform(i, j, mask, side) {
		return
	}
	_, left := s.divide(i, j, mask, side)
	if len(left) == 0 || len(left) > j-i-1 { // a test has to save more than one
		return
	}
	rest := newSearcher(left)
	rest.plan()
	c := rest.choice(0, len(left)-1)
	if cost := costInstruction + costStep*(s.sum[j+1]-s.sum[i]) + c.cost; cost < best.cost {
		*best = choice{cost: cost, tests: 1 + c.tests, kind: side, mask: mask}
	}
}

// uniform reports whether there are values on one side of a bit test, and all of one outcome.
func (s *searcher) uniform(i, j int, mask uint32, side kind) bool {
	var one *node
	for k := i; k <= j; k++ {
		from, to := s.runs[k].start, s.end(k)
		var here bool
		if side == noneSet {
			here = nextClear(from, mask) <= uint64(to)
		} else {
			here = orOf(from, to)&mask != 0
		}
		if here {
			if one != nil && one != s.runs[k].to {
				return false
			}
			one = s.runs[k].to
		}
	}
	return one != nil
}

// divide returns the outcome of the uniform side of a bit test, and the runs that its other side leaves.
func (s *searcher) divide(i, j int, mask uint32, side kind) (one *node, left []run) {
	left = make([]run, 0, j-i+1)
	for k := i; k <= j; k++ {
		r := s.runs[k]
		size := uint64(s.end(k)) - uint64(r.start) + 1
		n, first := clearBelow(uint64(s.end(k))+1, mask)-clearBelow(uint64(r.start), mask), nextClear(r.start, mask)
		if side == noneSet {
			n, first = size-n, nextSet(r.start, mask)
		}
		if n < size {
			one = r.to
		}
		if n == 0 {
			continue
		}
		r.weight *= float64(n) / float64(size)
		if last := len(left) - 1; last >= 0 && left[last].to == r.to {
			left[last].weight += r.weight
			left[last].single = false
			continue
		}
		r.start, r.single = uint32(first), n == 1
		left = append(left, r)
	}
	return one, left
}

// orOf returns the bits that any value from first to last has.
func orOf(first, last uint32) uint32 {
	return last | (1<<bits.Len32(first^last) - 1)
}

// nextClear returns the least value from v on that has no bit of mask; it may not fit 32 bits.
func nextClear(v, mask uint32) uint64 {
	x := uint64(v)
	for x&uint64(mask) != 0 {
		x |= 1<<bits.Len64(x&uint64(mask)) - 1 // up to the highest bit that may not be
		x++
	}
	return x
}

// nextSet returns the least value from v on that has a bit of mask; it may not fit 32 bits.
func nextSet(v, mask uint32) uint64 {
	if v&mask != 0 {
		return uint64(v)
	}
	least := uint64(mask & -mask)
	return uint64(v)&^(least-1) | least
}

// clearBelow counts the values below n that have no bit of mask.
func clearBelow(n uint64, mask uint32) (count uint64) {
	for n != 0 {
		bit := bits.Len64(n) - 1
		n &^= 1 << bit
		count += 1 << bits.OnesCount64((1<<bit-1)&^uint64(mask)) // those that have a zero here, and the same bits above
		if uint64(mask)>>bit&1 != 0 {
			return count
		}
	}
	return count
}
