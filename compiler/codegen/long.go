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
	at := map[any]int{}
	builders := map[any]*builder{}
	for _, f := range t.Filters {
		for _, r := range f.Rules {
			b := builders[r.Pos]
			if b == nil {
				b = &builder{nodes: map[node]*node{}}
				builders[r.Pos] = b
				at[r.Pos] = len(list)
				list = append(list, Cost{Rule: r})
			}
			b.lower(r.Cond, b.ret(resolve.Allow), b.ret(resolve.KillProcess), f.ABI)
			list[at[r.Pos]].Tests = len(b.nodes) - 2
		}
	}
	slices.SortStableFunc(list, func(a, b Cost) int { return cmp.Compare(b.Tests, a.Tests) })
	return list
}
