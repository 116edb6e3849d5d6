package codegen

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// TooLong is the error for a program that the kernel would not take.
type TooLong struct {
	Instructions int
	Costs        []Cost // of the conditions, the greatest first
}

// A Cost is how many tests the conditions of a rule's word need, those that it shares with others included.
type Cost struct {
	Rule  resolve.Rule
	Tests int
}

func (e *TooLong) Error() string {
	return fmt.Sprintf("program of %d instructions: the kernel takes %d", e.Instructions, MaxInstructions)
}

// Places names the rules that cost most, at most n.
func (e *TooLong) Places(n int) string {
	var list []string
	for _, c := range e.Costs[:min(n, len(e.Costs))] {
		list = append(list, fmt.Sprintf("%s (%d tests)", c.Rule.Pos, c.Tests))
	}
	return strings.Join(list, ", ")
}

// costs counts the tests of each word's conditions.
func costs(t *resolve.Target) []Cost {
	var list []Cost
	var builders []*builder // of each cost
	at := map[any]int{}     // the index of both, by the word's place
	for _, f := range t.Filters {
		for _, r := range f.Rules {
			i, seen := at[r.Pos]
			if !seen {
				i = len(list)
				at[r.Pos] = i
				list, builders = append(list, Cost{Rule: r}), append(builders, &builder{nodes: map[node]*node{}})
			}
			b := builders[i]
			b.lower(r.Cond, b.ret(resolve.Allow), b.ret(resolve.KillProcess), f.ABI)
			list[i].Tests = len(b.nodes) - 2 // but for the two returns
		}
	}
	slices.SortStableFunc(list, func(a, b Cost) int { return cmp.Compare(b.Tests, a.Tests) })
	return list
}
