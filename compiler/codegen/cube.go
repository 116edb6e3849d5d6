package codegen

import (
	"math/bits"
	"slices"
)

// Values that cubes are looked for among.
const (
	cubeRuns   = 40
	cubeValues = 48
	cubeBits   = 6
)

// A cube is the values that equal base under a mask: flags that may come in any combination. One test finds them all.
type cube struct {
	mask, base uint32
	to         *node
	rest       []run // without the cube's values
}

// cube returns a cube whose test makes the search cheaper, or nil.
func (s *searcher) cube(f field) *cube {
	n := len(s.runs)
	if !s.bits || n < 4 || n > cubeRuns {
		return nil
	}
	var values []uint32 // of short runs
	for i, r := range s.runs {
		last := s.end(i)
		if r.single {
			last = r.start
		}
		for v := uint64(r.start); v <= uint64(last) && last-r.start < 4; v++ {
			values = append(values, uint32(v))
		}
	}
	if len(values) > cubeValues {
		return nil
	}
	var best *cube
	least := s.choice(0, n-1).cost
	tried := map[[2]uint32]bool{}
	rest := &searcher{}
	for i, v := range values {
		for j := range values[i+1:] {
			free := s.grow(v, 0, values[i+1+j:i+2+j])
			if free == 0 {
				continue
			}
			free = s.grow(v, free, values)
			c := &cube{mask: f.mask &^ free, base: v &^ free, to: s.outcome(v)}
			if key := [2]uint32{c.mask, c.base}; tried[key] {
				continue
			} else {
				tried[key] = true
			}
			if c.rest = s.without(c, free); len(c.rest) == 0 {
				continue
			}
			rest.plan(c.rest)
			instructions, steps := int64(1), int64(1)
			if c.base != 0 { // AND, and a load for what follows
				instructions, steps = 3, 3
			}
			cost := instructions*costInstruction + steps*costStep*s.sum[n] + rest.choice(0, len(c.rest)-1).cost
			if cost < least {
				best, least = c, cost
			}
		}
	}
	return best
}

// outcome is that of a value.
func (s *searcher) outcome(v uint32) *node {
	i, found := slices.BinarySearchFunc(s.runs, v, func(r run, v uint32) int {
		switch {
		case r.start < v:
			return -1
		case r.start > v:
			return 1
		}
		return 0
	})
	if !found {
		i--
	}
	return s.runs[i].to
}

// grow adds to the bits in which values of v's outcome can differ from it freely those that lead to the others.
func (s *searcher) grow(v, free uint32, others []uint32) uint32 {
	to := s.outcome(v)
	for _, u := range others {
		more := free | u ^ v
		if more == free || s.outcome(u) != to || bits.OnesCount32(more) > cubeBits {
			continue
		}
		all := true
		for sub := more; all && sub != 0; sub = (sub - 1) & more {
			all = s.outcome(v&^more|sub) == to
		}
		if all && s.outcome(v&^more) == to {
			free = more
		}
	}
	return free
}

// without returns the runs but for those that a cube covers.
func (s *searcher) without(c *cube, free uint32) []run {
	var rest []run
	for i, r := range s.runs {
		last := s.end(i)
		if r.single {
			last = r.start
		}
		covered := last-r.start < 4
		for v := uint64(r.start); covered && v <= uint64(last); v++ {
			covered = uint32(v)&^free == c.base
		}
		if !covered {
			rest = append(rest, r)
		}
	}
	if len(rest) > 0 && rest[0].start > 0 {
		rest[0].start, rest[0].single = 0, false
	}
	return merge(rest)
}
