package compiler

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// A written rule is one as a policy's text has it.
type written struct {
	action string
	calls  []string // names, groups and numbers
	cond   string
	abis   []string // none: every one that has the calls
	caps   []string
	kernel string // ">=4.8"
	place  int    // among the rules: those of a call that have a condition stand before the one for the rest
}

// a saying is a decision in words.
type saying struct{ action, cond string }

// rules writes what is decided about the numbers that wanted wants of an ABI. What is open of a call goes on to the policy's default
// where falls says that nothing else comes behind.
func (d *decided) rules(standard string, wanted, falls func(*arch.ABI, uint32) bool) (list []*written) {
	words := map[string][]*arch.ABI{} // a name to the ABIs that have it, a number to its ABI
	at := func(abi *arch.ABI, word string) uint32 {
		if nr, ok := abi.Number(word); ok {
			return nr
		}
		var nr uint32
		fmt.Sscan(word[strings.Index(word, " ")+1:], &nr)
		return nr
	}
	for _, abi := range d.abis {
		for _, nr := range slices.Sorted(maps.Keys(d.by[abi].of)) {
			if !wanted(abi, nr) {
				continue
			}
			word, ok := abi.SyscallName(nr)
			if !ok {
				word = fmt.Sprintf("%s %d", abi.Name, nr)
			}
			words[word] = append(words[word], abi)
		}
	}
	add := func(place int, s saying, word string, abis []string) {
		for _, r := range list {
			if r.place == place && r.action == s.action && r.cond == s.cond && slices.Equal(r.abis, abis) {
				r.calls = append(r.calls, word)
				return
			}
		}
		list = append(list, &written{action: s.action, cond: s.cond, abis: abis, calls: []string{word}, place: place})
	}
	for _, word := range slices.Sorted(maps.Keys(words)) {
		abis := words[word]
		sayings := d.say(abis, func(a *arch.ABI) uint32 { return at(a, word) })
		for len(abis) > 0 {
			var same, others []*arch.ABI
			first, nr := sayings[abis[0]], at(abis[0], word)
			open := falls(abis[0], nr)
			for _, a := range abis {
				if slices.Equal(sayings[a], first) && falls(a, at(a, word)) == open {
					same = append(same, a)
				} else {
					others = append(others, a)
				}
			}
			abis = others
			call, limit := word, d.limit(word, same)
			if _, number, is := strings.Cut(word, " "); is {
				call = number
			}
			_, named := same[0].SyscallName(nr)
			rest := slices.IndexFunc(first, func(s saying) bool { return s.action == standard })
			switch {
			case len(first) == 1:
				if rest < 0 || !named || !open {
					add(0, first[0], call, limit)
				}
				continue
			case rest < 0:
				for i, s := range first {
					if rest < 0 || len(s.cond) > len(first[rest].cond) {
						rest = i
					}
				}
				fallthrough
			case !open:
				add(2, saying{action: first[rest].action}, call, limit)
			}
			for i, s := range first {
				if i != rest {
					add(1, s, call, limit)
				}
			}
		}
	}
	for _, r := range list {
		if r.cond == "" {
			r.calls = d.grouped(r)
		}
	}
	slices.SortStableFunc(list, func(a, b *written) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(len(a.abis), len(b.abis)), cmp.Compare(rank(a.action), rank(b.action)))
	})
	return list
}

// rank orders actions as people do: what is let through first.
func rank(action string) int {
	name, _, _ := strings.Cut(action, "(")
	return slices.Index([]string{"allow", "log", "trace", "notify", "errno", "trap", "kill_thread", "kill_process"}, name)
}

// say words what the ABIs decide about a call of theirs: errno by its name, or by its number if the ABIs then agree.
func (d *decided) say(abis []*arch.ABI, nr func(*arch.ABI) uint32) map[*arch.ABI][]saying {
	in := func(format func(resolve.Action, *arch.ABI) string) (all map[*arch.ABI][]saying, agree bool) {
		all, agree = map[*arch.ABI][]saying{}, true
		for _, a := range abis {
			for _, x := range d.by[a].of[nr(a)] {
				all[a] = append(all[a], saying{format(x.Action, a), x.If})
			}
			slices.SortFunc(all[a], func(x, y saying) int {
				return cmp.Or(cmp.Compare(rank(x.action), rank(y.action)), cmp.Compare(x.action, y.action))
			})
			agree = agree && slices.Equal(all[a], all[abis[0]])
		}
		return all, agree
	}
	names, agree := in(resolve.Action.Format)
	if !agree {
		if numbers, agree := in(func(x resolve.Action, _ *arch.ABI) string { return x.String() }); agree {
			return numbers
		}
	}
	return names
}

// limit returns the ABIs for a rule on a word; none if it holds wherever the word means a call.
func (d *decided) limit(word string, abis []*arch.ABI) (names []string) {
	other := strings.Contains(word, " ") // a number
	for _, a := range d.abis {
		if slices.Contains(abis, a) {
			names = append(names, a.Name)
		} else if _, has := a.Number(word); has {
			other = true
		}
	}
	if other {
		return names
	}
	return nil
}

// grouped finds built-in groups again in a rule without a condition: those of which it has each call that its ABIs have, and of these
// one that says much that the others do not.
func (d *decided) grouped(r *written) []string {
	var groups []string
	left := slices.Clone(r.calls)
	for {
		best, least := "", left
		for _, g := range policy.Builtins() {
			if members, is := d.within(g, r); is {
				rest := slices.DeleteFunc(slices.Clone(left), func(c string) bool { return members[c] })
				if n := len(left) - len(rest); n >= 3 && 2*n >= len(members) && len(rest) < len(least) {
					best, least = g.Name, rest
				}
			}
		}
		if best == "" {
			return append(groups, left...)
		}
		groups, left = append(groups, best), least
	}
}

// within returns the calls of a group, if a rule has all of them.
func (d *decided) within(g policy.BuiltinGroup, r *written) (members map[string]bool, is bool) {
	members = map[string]bool{}
	for _, word := range g.Calls {
		if word[0] == '@' {
			more, is := d.within(*policy.Builtin(word), r)
			if !is {
				return nil, false
			}
			maps.Copy(members, more)
			continue
		}
		for _, a := range d.abis {
			nr, has := a.Number(word)
			if !has || len(r.abis) > 0 && !slices.Contains(r.abis, a.Name) {
				continue
			}
			name, _ := a.SyscallName(nr)
			if !slices.Contains(r.calls, name) {
				return nil, false
			}
			members[name] = true
		}
	}
	return members, true
}

// differs reports whether two programs decide a call otherwise.
func (d *decided) differs(e *decided, abi *arch.ABI, nr uint32) bool {
	x, y := d.by[abi].of[nr], e.by[abi].of[nr]
	return !slices.EqualFunc(x, y, func(a, b inspect.Decision) bool { return a == b })
}
