package codegen

import (
	"slices"
	"sync"
)

// A run is a range of a word's values with one outcome: from start up to the next run's start.
type run struct {
	start  uint32
	to     *node
	weight int64 // of all its values together, in 1/1024: how often the kernel, in emulation or for a call, comes to one
	single bool  // it is one value, or of its values only start is asked for
}

// The kernel's charge, measured on Linux 6.18 on x86_64: 0.17 us per instruction at installation, and 0.0024 us per step of
// the emulation that fills the constant-allow cache. Costs are integers, in 0.1 ns / 1024: machines that fuse
// multiplications with additions round floating point otherwise, and would make another program.
const (
	costInstruction = 1700 * 1024
	costStep        = 24
	costMost        = 1 << 60
)

// Weights. A step of the emulation costs as much as 18 instructions that a call executes (0.00013 us each). The emulation
// asks for every number of the table once. Numbers that always pass run no program since Linux 5.11, and weigh more for the
// sake of kernels before it; where arguments decide, every call runs the program, which is installed once: 50 stands for 900
// calls. The emulation never sees arguments.
const (
	weightNumber      = 1 << 10
	weightAllowed     = 3 << 10
	weightConditional = 50 << 10
	weightArgument    = 4 << 10
)

// merge joins neighbours of equal outcome, drops runs that the next one's start makes empty, and notes single values.
func merge(runs []run) []run {
	var out []run
	for i, r := range runs {
		switch {
		case i+1 < len(runs) && runs[i+1].start == r.start:
		case len(out) > 0 && out[len(out)-1].to == r.to:
			out[len(out)-1].weight += r.weight
			out[len(out)-1].single = false
		default:
			out = append(out, r)
		}
	}
	for i := range len(out) - 1 {
		out[i].single = out[i].single || out[i+1].start == out[i].start+1
	}
	return out
}

// search builds the tests that find a field's run. The runs ascend and the first starts at 0; the last reaches to the
// end.
func (b *builder) search(f field, runs []run) *node {
	runs = possible(merge(runs), f.mask)
	return b.window(f, runs, len(runs) <= bitWindow)
}

const (
	window    = 96  // runs: the optimal tree takes cubic time
	bitWindow = 200 // where there are more, bit tests would take too long to find
)

// window builds the tests for some of the runs, with bit tests among them or not.
func (b *builder) window(f field, runs []run, bits bool) *node {
	if len(runs) > window {
		mid := len(runs) / 2
		yes, no := b.window(f, runs[mid:], bits), b.window(f, runs[:mid], bits)
		return b.test(f, jge, runs[mid].start, yes, no)
	}
	s := searchers.Get().(*searcher)
	defer searchers.Put(s)
	s.bits = bits
	s.plan(runs)
	if c := s.cube(f); c != nil {
		return b.test(field{f.word, c.mask}, jeq, c.base, c.to, b.search(f, c.rest))
	}
	return s.build(b, f, 0, len(runs)-1)
}

// possible leaves out the runs without a value under the mask.
func possible(runs []run, mask uint32) []run {
	if mask == all {
		return runs
	}
	var out []run
	for i, r := range runs {
		last := uint32(all)
		if i+1 < len(runs) {
			last = runs[i+1].start - 1
		}
		first := nextClear(r.start, ^mask)
		if first > uint64(last) {
			continue
		}
		r.single = nextClear(uint32(first)+1, ^mask) > uint64(last) || first == uint64(last)
		if r.single {
			r.start = uint32(first)
		}
		out = append(out, r)
	}
	return merge(out)
}

// A searcher finds the cheapest tests that tell runs apart, by dynamic programming over their intervals.
type searcher struct {
	runs     []run
	sum      []int64   // weights before run i
	choices  []choice  // for the interval i to j at i*len(runs)+j
	from, to []int64   // their costs alone: at i*len(runs)+j, and at j*len(runs)+i, so that both halves of the splits lie in a row
	bits     bool      // bit tests are among the choices
	rest     *searcher // of what a bit test leaves, used again for each that is tried
}

// A choice is the cheapest way to search an interval.
type choice struct {
	cost  int64
	tests int32
	at    int32  // split: before this run
	mask  uint32 // bits
	kind  kind
}

type kind uint8

const (
	split   kind = iota // by a comparison, into two intervals
	peel                // equality tests of the single values, until one outcome is left
	anySet              // a bit test whose yes has one outcome
	noneSet             // a bit test whose no has one outcome
)

// searchers are kept: their tables are large.
var searchers = sync.Pool{New: func() any { return &searcher{} }}

func (s *searcher) choice(i, j int) *choice { return &s.choices[i*len(s.runs)+j] }

// plan finds the choice for every interval of runs.
func (s *searcher) plan(runs []run) {
	n := len(runs)
	s.runs, s.sum = runs, slices.Grow(s.sum[:0], n+1)[:n+1]
	s.choices, s.from, s.to = slices.Grow(s.choices[:0], n*n)[:n*n], slices.Grow(s.from[:0], n*n)[:n*n], slices.Grow(s.to[:0], n*n)[:n*n]
	s.sum[0] = 0
	for i, r := range runs {
		s.sum[i+1] = s.sum[i] + r.weight
	}
	for i := n - 1; i >= 0; i-- {
		s.choices[i*n+i], s.from[i*n+i], s.to[i*n+i] = choice{}, 0, 0
		for j := i + 1; j < n; j++ {
			best := choice{cost: costMost}
			if cost, tests, ok := s.peelCost(i, j); ok {
				best = choice{cost: cost, tests: tests, kind: peel}
			}
			here := costInstruction + costStep*(s.sum[j+1]-s.sum[i])
			least, at := best.cost-here, 0
			lower, upper := s.from[i*n+i:i*n+j], s.to[j*n+i+1:j*n+j+1]
			for k, c := range lower {
				if c += upper[k]; c < least {
					least, at = c, i+1+k
				}
			}
			if at != 0 {
				best = choice{cost: here + least, kind: split, at: int32(at), tests: 1 + s.choice(i, at-1).tests + s.choice(at, j).tests}
			}
			if s.bits && best.tests >= 3 {
				s.bitTests(i, j, &best)
			}
			s.choices[i*n+j], s.from[i*n+j], s.to[j*n+i] = best, best.cost, best.cost
		}
	}
}

// base returns the outcome that is left when runs i to j are all single but for those of one outcome.
func (s *searcher) base(i, j int) *node {
	var base *node
	for k := i; k <= j; k++ {
		if !s.runs[k].single {
			if base != nil && base != s.runs[k].to {
				return nil
			}
			base = s.runs[k].to
		}
	}
	if base == nil { // all of them are single
		base = s.runs[j].to
	}
	return base
}

func (s *searcher) peelCost(i, j int) (cost int64, tests int32, ok bool) {
	base := s.base(i, j)
	if base == nil {
		return 0, 0, false
	}
	rest := int64(0)
	for k := i; k <= j; k++ {
		if s.runs[k].to == base {
			rest += s.runs[k].weight
			continue
		}
		tests++
		cost += costInstruction + costStep*int64(tests)*s.runs[k].weight
	}
	return cost + costStep*int64(tests)*rest, tests, true
}

func (s *searcher) build(b *builder, f field, i, j int) *node {
	if i == j {
		return s.runs[i].to
	}
	c := s.choice(i, j)
	switch c.kind {
	case split:
		yes, no := s.build(b, f, int(c.at), j), s.build(b, f, i, int(c.at)-1)
		return b.test(f, jge, s.runs[c.at].start, yes, no)
	case peel:
		base := s.base(i, j)
		n := base
		for k := j; k >= i; k-- {
			if r := s.runs[k]; r.to != base {
				n = b.test(f, jeq, r.start, r.to, n)
			}
		}
		return n
	}
	in, _ := s.interval(i, j)
	one, left := in.divide(c.mask, c.kind, nil)
	rest := &searcher{}
	rest.plan(left)
	n := rest.build(b, f, 0, len(left)-1)
	if c.kind == anySet {
		return b.test(f, jset, c.mask, one, n)
	}
	return b.test(f, jset, c.mask, n, one)
}
