package codegen

import (
	"math/rand/v2"
	"testing"

	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/resolve"
)

func newBuilder() *builder { return &builder{nodes: map[node]*node{}} }

// checkSearch searches the runs that start at the given values, the i-th with the outcome errno(outcomes[i]), and asks
// for the values at and beside each start. It returns the program's length.
func checkSearch(t *testing.T, starts []uint32, outcomes []int) int {
	t.Helper()
	b := newBuilder()
	var runs []run
	for i, s := range starts {
		runs = append(runs, run{start: s, to: b.ret(resolve.Errno | resolve.Action(outcomes[i])), weight: weightNumber})
	}
	prog := emit(b.search(number, runs))
	probe := []uint32{0, all}
	for _, s := range starts {
		probe = append(probe, s-1, s, s+1)
	}
	for _, v := range probe {
		i := 0
		for i+1 < len(starts) && starts[i+1] <= v {
			i++
		}
		got, _, err := inspect.Run(prog, false, resolve.Call{NR: v})
		if want := resolve.Errno | resolve.Action(outcomes[i]); err != nil || got != want {
			t.Fatalf("value %#x: %v, error %v, want %v", v, got, err, want)
		}
	}
	return len(prog)
}

func TestSearch(t *testing.T) {
	many := func(n int, step uint32, outcome func(i int) int) (starts []uint32, outcomes []int) {
		for i := range n {
			starts, outcomes = append(starts, uint32(i)*step), append(outcomes, outcome(i))
		}
		return starts, outcomes
	}
	alternate := func(i int) int { return i % 2 }
	differ := func(i int) int { return i }
	type test struct {
		name     string
		starts   []uint32
		outcomes []int
		length   int // of the program where the least is obvious, else 0
	}
	tests := []test{
		{"one run", []uint32{0}, []int{1}, 1},
		{"equal outcomes", []uint32{0, 5, 9, all}, []int{1, 1, 1, 1}, 1},
		{"two runs", []uint32{0, 5}, []int{1, 2}, 4},
		{"lone exception inside", []uint32{0, 5, 6}, []int{1, 2, 1}, 4},
		{"lone exception at 0", []uint32{0, 1}, []int{2, 1}, 4},
		{"lone exception at the end", []uint32{0, all}, []int{1, 2}, 4},
		{"lone exceptions at both ends", []uint32{0, 1, all}, []int{2, 1, 2}, 5},
		{"lone exceptions at both ends and inside", []uint32{0, 1, 7, 8, all}, []int{2, 1, 3, 1, 4}, 8},
		{"two lone runs end the space", []uint32{0, all - 1, all}, []int{1, 2, 3}, 0},
		{"only lone runs at the end", []uint32{0, all - 2, all - 1, all}, []int{1, 2, 1, 2}, 5},
		{"an empty run", []uint32{0, 5, 5, 9}, []int{1, 3, 2, 1}, 0},
		{"an empty run first", []uint32{0, 0, 9}, []int{3, 2, 1}, 4},
		{"empty runs last", []uint32{0, all, all}, []int{1, 2, 3}, 4},
		{"an empty run between equal ones", []uint32{0, 5, 5}, []int{1, 2, 1}, 1},
	}
	for _, n := range []int{95, 96, 97, 98, 191, 192, 193, 194, 500} {
		for _, step := range []uint32{1, 2, 1 << 22} {
			s, o := many(n, step, alternate)
			tests = append(tests, test{"alternating", s, o, 0})
			s, o = many(n, step, differ)
			tests = append(tests, test{"all different", s, o, 0})
		}
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			// An empty run's outcome is what the next one says: the reading by starts takes the last of equals.
			if n := checkSearch(t, c.starts, c.outcomes); c.length != 0 && n != c.length {
				t.Errorf("%d runs make %d instructions, want %d", len(c.starts), n, c.length)
			}
		})
	}
}

func TestSearchRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 300 {
		starts, outcomes := []uint32{0}, []int{r.IntN(4)}
		step := uint32(1) << r.IntN(20)
		for range r.IntN(250) {
			next := starts[len(starts)-1] + r.Uint32N(step+2)
			if r.IntN(3) == 0 {
				next = starts[len(starts)-1] + 1 // lone
			}
			if next < starts[len(starts)-1] {
				break
			}
			starts, outcomes = append(starts, next), append(outcomes, r.IntN(4))
		}
		if r.IntN(4) == 0 {
			starts, outcomes = append(starts, all), append(outcomes, r.IntN(4))
		}
		checkSearch(t, starts, outcomes)
	}
}

// TestLoneExceptions: a value of its own outcome costs one test for equality, not its two bounds.
func TestLoneExceptions(t *testing.T) {
	for _, n := range []int{2, 3, 5, 9, 17, 40} {
		var starts []uint32
		var outcomes []int
		for i := range n {
			starts, outcomes = append(starts, uint32(4*i+1), uint32(4*i+2)), append(outcomes, i+1, 0)
		}
		starts, outcomes = append([]uint32{0}, starts...), append([]int{0}, outcomes...)
		tests := checkSearch(t, starts, outcomes) - 1 - (n + 1) // without the load and the returns
		if tests < n || tests > n+n/2 {
			t.Errorf("%d lone exceptions take %d tests", n, tests)
		}
	}
}
