package codegen

import "math"

// A run is a range of a word's values with one outcome: from start up to the next run's start.
type run struct {
	start  uint32
	to     *node
	weight float64 // of all its values together: how often the kernel, in emulation or for a call, comes to one
	single bool    // it is one value, or of its values only start is asked for
}

// The kernel's charge in microseconds, measured on Linux 6.18 on x86_64: per instruction at installation, and per
// step of the emulation that fills the constant-allow cache.
const (
	costInstruction = 0.17
	costStep        = 0.0024
)

// Weights, in steps of the emulation, of which one costs as much as 18 instructions that a call executes (0.00013 us
// each). The emulation asks for every number of the table once. Numbers that always pass run no program since Linux 5.11,
// and weigh more for the sake of kernels before it; where arguments decide, every call runs the program, which is installed
// once: 50 stands for 900 calls. The emulation never sees arguments.
const (
	weightNumber      = 1
	weightAllowed     = 3
	weightConditional = 50
	weightArgument    = 4
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
	s := newSearcher(runs)
	s.bits = bits
	s.plan()
	if c := s.cube(f); bits && c != nil {
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
	runs    []run
	sum     []float64 // weights before run i
	choices []choice  // for the interval i to j at i*len(runs)+j
	bits    bool      // bit tests are among the choices
}

// A choice is the cheapest way to search an interval.
type choice struct {
	cost  float64
	tests int
	kind  kind
	at    int    // split: before this run
	mask  uint32 // bits
}

type kind uint8

const (
	split   kind = iota // by a comparison, into two intervals
	peel                // equality tests of the single values, until one outcome is left
	anySet              // a bit test whose yes has one outcome
	noneSet             // a bit test whose no has one outcome
)

func newSearcher(runs []run) *searcher {
	s := &searcher{runs: runs, sum: make([]float64, len(runs)+1), choices: make([]choice, len(runs)*len(runs))}
	for i, r := range runs {
		s.sum[i+1] = s.sum[i] + r.weight
	}
	return s
}

func (s *searcher) choice(i, j int) *choice { return &s.choices[i*len(s.runs)+j] }

func (s *searcher) plan() {
	n := len(s.runs)
	for i := n - 1; i >= 0; i-- {
		for j := i + 1; j < n; j++ {
			best := choice{cost: math.Inf(1)}
			if cost, tests, ok := s.peelCost(i, j); ok {
				best = choice{cost: cost, tests: tests, kind: peel}
			}
			here := costInstruction + costStep*(s.sum[j+1]-s.sum[i])
			least := best.cost - here
			row := s.choices[i*n:]
			for at := i + 1; at <= j; at++ {
				if c := row[at-1].cost + s.choices[at*n+j].cost; c < least {
					least = c
					best = choice{cost: here + c, kind: split, at: at, tests: 1 + row[at-1].tests + s.choices[at*n+j].tests}
				}
			}
			if s.bits && best.tests >= 3 {
				s.bitTests(i, j, &best)
			}
			*s.choice(i, j) = best
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

func (s *searcher) peelCost(i, j int) (cost float64, tests int, ok bool) {
	base := s.base(i, j)
	if base == nil {
		return 0, 0, false
	}
	rest := 0.0
	for k := i; k <= j; k++ {
		if s.runs[k].to == base {
			rest += s.runs[k].weight
			continue
		}
		tests++
		cost += costInstruction + costStep*float64(tests)*s.runs[k].weight
	}
	return cost + costStep*float64(tests)*rest, tests, true
}

func (s *searcher) build(b *builder, f field, i, j int) *node {
	if i == j {
		return s.runs[i].to
	}
	c := s.choice(i, j)
	switch c.kind {
	case split:
		yes, no := s.build(b, f, c.at, j), s.build(b, f, i, c.at-1)
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
	one, left := s.divide(i, j, c.mask, c.kind)
	rest := newSearcher(left)
	rest.plan()
	n := rest.build(b, f, 0, len(left)-1)
	if c.kind == anySet {
		return b.test(f, jset, c.mask, one, n)
	}
	return b.test(f, jset, c.mask, n, one)
}
