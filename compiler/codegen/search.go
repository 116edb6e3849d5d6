package codegen

import "math"

// A run is a range of a word's values with one outcome: from start up to the next run's start.
type run struct {
	start  uint32
	to     *node
	weight int // how many of its values occur in practice
}

// The kernel's charge in microseconds, measured on Linux 6.18 on x86_64: per instruction at installation, and per
// step of the emulation that fills the constant-allow cache.
const (
	costInstruction = 0.17
	costStep        = 0.0024
)

// argumentWeight is the weight of an argument's run. The emulation never sees arguments, but calls do: a filter is
// installed once, and at 0.00013 us per executed instruction this stands for about 70 calls with each value.
const argumentWeight = 4

// merge joins neighbours of equal outcome, and drops runs that the next one's start makes empty.
func merge(runs []run) []run {
	var out []run
	for i, r := range runs {
		switch {
		case i+1 < len(runs) && runs[i+1].start == r.start:
		case len(out) > 0 && out[len(out)-1].to == r.to:
			out[len(out)-1].weight += r.weight
		default:
			out = append(out, r)
		}
	}
	return out
}

// search builds the tests that find a word's run. The runs ascend and the first starts at the least value possible;
// the last reaches to the end.
func (b *builder) search(word uint32, runs []run) *node {
	runs = merge(runs)
	const window = 96 // the optimal tree takes cubic time
	if len(runs) > window {
		mid := len(runs) / 2
		yes, no := b.search(word, runs[mid:]), b.search(word, runs[:mid])
		return b.test(word, all, jge, runs[mid].start, yes, no)
	}
	s := searcher{b: b, word: word, runs: runs}
	return s.build(s.plan(), 0, len(runs)-1)
}

type searcher struct {
	b    *builder
	word uint32
	runs []run
}

// A choice is the cheapest way to search the runs i to j: split before run at, or peel off the lone exceptions.
type choice struct {
	cost float64
	at   int // 0: peel
}

// plan finds the cheapest tree for every interval of runs, by dynamic programming.
func (s *searcher) plan() [][]choice {
	n := len(s.runs)
	sum := make([]int, n+1) // weights before run i
	for i, r := range s.runs {
		sum[i+1] = sum[i] + r.weight
	}
	plan := make([][]choice, n)
	for i := n - 1; i >= 0; i-- {
		plan[i] = make([]choice, n)
		for j := i + 1; j < n; j++ {
			best := choice{cost: math.Inf(1)}
			if cost, ok := s.peelCost(i, j); ok {
				best = choice{cost: cost}
			}
			here := costInstruction + costStep*float64(sum[j+1]-sum[i])
			for at := i + 1; at <= j; at++ {
				if c := here + plan[i][at-1].cost + plan[at][j].cost; c < best.cost {
					best = choice{c, at}
				}
			}
			plan[i][j] = best
		}
	}
	return plan
}

// lone reports whether run i is a single value that another run follows.
func (s *searcher) lone(i int) bool {
	return i+1 < len(s.runs) && s.runs[i+1].start == s.runs[i].start+1
}

// base returns the outcome that is left when runs i to j are all lone exceptions but for those of one outcome.
func (s *searcher) base(i, j int) *node {
	var base *node
	for k := i; k <= j; k++ {
		if !s.lone(k) {
			if base != nil && base != s.runs[k].to {
				return nil
			}
			base = s.runs[k].to
		}
	}
	if base == nil { // all of them are lone
		base = s.runs[j].to
	}
	return base
}

func (s *searcher) peelCost(i, j int) (float64, bool) {
	base := s.base(i, j)
	if base == nil {
		return 0, false
	}
	cost, tests, rest := 0.0, 0, 0
	for k := i; k <= j; k++ {
		if s.runs[k].to == base {
			rest += s.runs[k].weight
			continue
		}
		tests++
		cost += costInstruction + costStep*float64(tests*s.runs[k].weight)
	}
	return cost + costStep*float64(tests*rest), true
}

func (s *searcher) build(plan [][]choice, i, j int) *node {
	if i == j {
		return s.runs[i].to
	}
	at := plan[i][j].at
	if at > 0 {
		yes, no := s.build(plan, at, j), s.build(plan, i, at-1)
		return s.b.test(s.word, all, jge, s.runs[at].start, yes, no)
	}
	base := s.base(i, j)
	n := base
	for k := j; k >= i; k-- {
		if r := s.runs[k]; r.to != base {
			n = s.b.test(s.word, all, jeq, r.start, r.to, n)
		}
	}
	return n
}
