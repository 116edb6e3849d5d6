package inspect

import (
	"cmp"
	"slices"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// changes lists parts by ABI: calls with the same actions and condition are one.
func changes(parts []prove.Part, abis []*arch.ABI) (list []Change) {
	alone := slices.Contains(abis, arch.Lookup("x32")) && !slices.Contains(abis, arch.Lookup("x86_64"))
	for _, name := range []string{"x86_64", "x32"} { // the numbers of one are the other half of the other's
		half := arch.Lookup(name)
		if !slices.Contains(abis, half) && slices.ContainsFunc(abis, func(a *arch.ABI) bool { return a.Audit == resolve.X86_64 }) {
			abis = append(slices.Clone(abis), half)
		}
	}
	kinds := []Kind{Widened, Narrowed, Changed}
	for _, abi := range append(slices.Clone(abis), nil) {
		g := grouping{abi: abi}
		if abi != nil {
			g.numbers = numbersOf(abi, alone)
		}
		for _, p := range parts {
			switch {
			case p.Arches == nil:
				if abi == nil {
					g.list = append(g.list, Change{kindOf(p.Before, p.After), p.Before, p.After, Set{Entangled: true, Witness: p.Call}})
				}
			case abi != nil && has(p.Arches, abi.Audit):
				p.Arches = nil
				p.Call.Arch = abi.Audit
				g.add(p, both(p.Numbers, g.numbers))
			case abi == nil:
				if p.Arches = without(p.Arches, abis); p.Arches != nil {
					p.Call.Arch = p.Arches[0].First
					g.add(p, p.Numbers)
				}
			}
		}
		for i := range g.list {
			g.finish(&g.list[i])
		}
		slices.SortStableFunc(g.list, func(a, b Change) int {
			return cmp.Or(cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), slices.Compare(a.Calls, b.Calls))
		})
		list = append(list, g.list...)
	}
	return list
}

// A grouping collects the changes of one ABI.
type grouping struct {
	abi     *arch.ABI
	numbers []prove.Range // the ABI's
	list    []Change
}

// add takes a part in, with those of its numbers that are the ABI's.
func (g *grouping) add(p prove.Part, numbers []prove.Range) {
	add := func(nr uint32, name ...string) *Change {
		text, err := condition(p.Cond, g.abi, nr)
		n := Change{kindOf(p.Before, p.After), p.Before, p.After, Set{ABI: g.abi, Arches: p.Arches, If: text, Entangled: err != nil, Witness: p.Call}}
		n.Witness.NR = nr
		for i := range g.list {
			c := &g.list[i]
			if !n.Entangled && !c.Entangled && c.Before == n.Before && c.After == n.After && c.If == n.If && slices.Equal(c.Arches, n.Arches) {
				if len(name) > 0 && (len(c.Calls) == 0 || name[0] < slices.Min(c.Calls)) {
					c.Witness = n.Witness // it is the first in print
				}
				c.Calls = append(c.Calls, name...)
				return c
			}
		}
		n.Calls = name
		g.list = append(g.list, n)
		return &g.list[len(g.list)-1]
	}
	if g.abi != nil {
		for _, s := range g.abi.Syscalls() {
			if has(numbers, s.Number) {
				add(s.Number, s.Name)
				numbers = take(numbers, s.Number)
			}
		}
	}
	if len(numbers) > 0 {
		c := add(numbers[0].First)
		c.Numbers = append(c.Numbers, numbers...)
	}
}

// finish puts a change's calls and numbers in order and finds out whether they are all that there are.
func (g *grouping) finish(c *Change) {
	slices.Sort(c.Calls)
	slices.SortFunc(c.Numbers, func(a, b prove.Range) int { return cmp.Compare(a.First, b.First) })
	joined := c.Numbers[:0]
	for _, r := range c.Numbers {
		if last := len(joined) - 1; last >= 0 && joined[last].Last+1 == r.First {
			joined[last].Last = r.Last
			continue
		}
		joined = append(joined, r)
	}
	c.Numbers = joined
	all := []prove.Range{{Last: 0xffffffff}}
	named := 0
	if g.abi != nil {
		all = slices.Clone(g.numbers)
		for _, s := range g.abi.Syscalls() {
			all = take(all, s.Number)
			named++
		}
	}
	switch {
	case !slices.Equal(c.Numbers, all):
	case len(c.Calls) == named:
		c.Rest = EveryNumber
	case len(c.Numbers) > 0:
		c.Rest = UnnamedNumbers
	}
}

// numbersOf returns the numbers that count as an ABI's: x86_64's and x32's differ by a bit, but for the one that is nobody's. It counts
// as x86_64's, unless a program serves x32 alone.
func numbersOf(abi *arch.ABI, x32Alone bool) []prove.Range {
	if abi.Audit != resolve.X86_64 {
		return []prove.Range{{Last: 0xffffffff}}
	}
	list := []prove.Range{{Last: 0x3fffffff}, {First: 0x80000000, Last: 0xbfffffff}}
	if abi.Bit != 0 {
		list = []prove.Range{{First: 0x40000000, Last: 0x7fffffff}, {First: 0xc0000000, Last: resolve.NoCall - 1}}
	}
	switch {
	case abi.Bit != 0 && x32Alone:
		list[1].Last = resolve.NoCall
	case abi.Bit == 0 && !x32Alone:
		list = append(list, prove.Range{First: resolve.NoCall, Last: resolve.NoCall})
	}
	return list
}

func has(ranges []prove.Range, n uint32) bool {
	return slices.ContainsFunc(ranges, func(r prove.Range) bool { return r.First <= n && n <= r.Last })
}

// both returns what two lists of ranges have in common.
func both(a, b []prove.Range) (list []prove.Range) {
	for _, x := range a {
		for _, y := range b {
			if first, last := max(x.First, y.First), min(x.Last, y.Last); first <= last {
				list = append(list, prove.Range{First: first, Last: last})
			}
		}
	}
	return list
}

// take takes a number out of ranges.
func take(ranges []prove.Range, n uint32) (list []prove.Range) {
	for _, r := range ranges {
		if n < r.First || r.Last < n {
			list = append(list, r)
			continue
		}
		if r.First < n {
			list = append(list, prove.Range{First: r.First, Last: n - 1})
		}
		if n < r.Last {
			list = append(list, prove.Range{First: n + 1, Last: r.Last})
		}
	}
	return list
}

// without returns the architectures that are none of the ABIs'.
func without(arches []prove.Range, abis []*arch.ABI) []prove.Range {
	for _, a := range abis {
		arches = take(arches, a.Audit)
	}
	return arches
}
