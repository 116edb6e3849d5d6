package codegen

import "math/bits"

// Intervals that bit tests are tried on: few runs, near each other.
const (
	bitRuns  = 9
	bitSpan  = 200
	bitWords = (bitSpan+62)/64 + 1 // that have a bit for each value of an interval, wherever it begins
)

// end is the last value of a run.
func (s *searcher) end(i int) uint32 {
	if i+1 < len(s.runs) {
		return s.runs[i+1].start - 1
	}
	return all
}

// An interval is a few runs of a searcher, and the values of each.
type interval struct {
	*searcher
	i, j int
	base uint32 // a multiple of 64
	used int    // words
	runs [bitRuns]values
}

// values are some of those from an interval's base on, a bit for each.
type values [bitWords]uint64

// interval is that of the runs i to j; ok is false where these are too many or too far from each other.
func (s *searcher) interval(i, j int) (in interval, ok bool) {
	if j-i+1 > bitRuns || s.end(j)-s.runs[i].start >= bitSpan {
		return in, false
	}
	in.searcher, in.i, in.j, in.base = s, i, j, s.runs[i].start&^63
	in.used = int(s.end(j)-in.base)/64 + 1
	for k := i; k <= j; k++ {
		for v, last := s.runs[k].start-in.base, s.end(k)-in.base; v <= last; {
			n := min(64-v%64, last-v+1)
			in.runs[k-i][v/64] |= ^uint64(0) >> (64 - n) << (v % 64)
			v += n
		}
	}
	return in, true
}

// without has, for each mask of 6 bits, the numbers below 64 that have none of them.
var without = func() (table [64]uint64) {
	for mask := range table {
		for n := range table {
			if n&mask == 0 {
				table[mask] |= 1 << n
			}
		}
	}
	return table
}()

// side is the values for which a bit test goes the way that its kind is not named for: those that a further search tells
// apart.
func (in *interval) side(mask uint32, kind kind) (v values) {
	for w := range in.used {
		if (in.base+uint32(64*w))&mask&^63 == 0 {
			v[w] = without[mask&63]
		}
		if kind == noneSet {
			v[w] = ^v[w]
		}
	}
	return v
}

// bitTests improves the choice for an interval by a bit test that leaves one outcome on one of its sides. Masks that
// can do that are few: to leave an outcome where any of the mask's bits is set, those bits that no other outcome's
// values have; to leave it where none is set, all bits but those of two of its values, or a single bit.
func (s *searcher) bitTests(i, j int, best *choice) {
	in, ok := s.interval(i, j)
	if !ok {
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
		in.try(has&^others, anySet, best)
	}
	for b := has; b != 0; b &= b - 1 {
		in.try(b&-b, noneSet, best)
	}
	var before uint32 // neighbours often give the same mask
	for k := i; k <= j; k++ {
		if s.end(k)-s.runs[k].start > 1 {
			continue
		}
		for l := k; l <= j; l++ {
			if s.runs[l].to == s.runs[k].to && s.end(l)-s.runs[l].start <= 1 {
				if mask := has &^ (s.runs[k].start | s.end(l)); mask != before {
					in.try(mask, noneSet, best)
					before = mask
				}
			}
		}
	}
}

// try improves the choice by the test of one mask, if that is cheaper.
func (in *interval) try(mask uint32, kind kind, best *choice) {
	if mask == 0 || !in.uniform(mask, kind) {
		return
	}
	s := in.searcher
	if s.rest == nil {
		s.rest = &searcher{}
	}
	_, left := in.divide(mask, kind, s.rest.runs[:0])
	s.rest.runs = left
	if len(left) == 0 || len(left) > in.j-in.i-1 { // a test has to save more than one
		return
	}
	s.rest.plan(left)
	c := s.rest.choice(0, len(left)-1)
	if cost := costInstruction + costStep*(s.sum[in.j+1]-s.sum[in.i]) + c.cost; cost < best.cost {
		*best = choice{cost: cost, tests: 1 + c.tests, kind: kind, mask: mask}
	}
}

// uniform reports whether there are values on one side of a bit test, and all of one outcome.
func (in *interval) uniform(mask uint32, kind kind) bool {
	other := in.side(mask, kind)
	var one *node
	for k := in.i; k <= in.j; k++ {
		for w, v := range in.runs[k-in.i][:in.used] {
			if v&^other[w] == 0 {
				continue
			}
			to := in.searcher.runs[k].to
			if one != nil && one != to {
				return false
			}
			one = to
			break
		}
	}
	return one != nil
}

// divide returns the outcome of the uniform side of a bit test, and left with the runs that its other side leaves.
func (in *interval) divide(mask uint32, kind kind, left []run) (*node, []run) {
	other := in.side(mask, kind)
	var one *node
	for k := in.i; k <= in.j; k++ {
		r := in.searcher.runs[k]
		n, size, first := 0, 0, -1
		for w, v := range in.runs[k-in.i][:in.used] {
			size += bits.OnesCount64(v)
			if v &= other[w]; v != 0 && n == 0 {
				first = 64*w + bits.TrailingZeros64(v)
			}
			n += bits.OnesCount64(v)
		}
		if n < size {
			one = r.to
		}
		if n == 0 {
			continue
		}
		r.weight = r.weight * int64(n) / int64(size)
		if last := len(left) - 1; last >= 0 && left[last].to == r.to {
			left[last].weight += r.weight
			left[last].single = false
			continue
		}
		r.start, r.single = in.base+uint32(first), n == 1
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
