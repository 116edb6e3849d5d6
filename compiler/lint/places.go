package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// places collects what a check finds, by the word of the policy that it is about.
type places struct {
	order []policy.Word
	facts map[policy.Word][]fact
}

// A fact is that something is wrong with a call because of another one, its twin, on an ABI.
type fact struct{ call, twin, abi string }

func (p *places) add(at policy.Word, call, twin string, f *filter) {
	if p.facts == nil {
		p.facts = map[policy.Word][]fact{}
	}
	if p.facts[at] == nil {
		p.order = append(p.order, at)
	}
	p.facts[at] = append(p.facts[at], fact{call, twin, f.ABI.Name})
}

// report makes one finding of each place. The format's verbs are the word that stands there and the twins.
func (l *linter) report(c Check, p places, hint, format string) {
	for _, at := range p.order {
		l.found(c, at.Pos, hint, format, at.Text, l.list(at.Text, p.facts[at]))
	}
}

// said is text of a message that is not the policy's, so that no length of it is cut off.
type said string

// list names the twins, with their calls unless all are the word itself: "openat for open on aarch64; statx for stat and
// lstat".
func (l *linter) list(word string, facts []fact) said {
	var groups []group
	for _, f := range facts {
		groups = append(groups, group{{f.twin}, {f.call}, {f.abi}})
	}
	var texts []string
	several := slices.ContainsFunc(facts, func(f fact) bool { return f.call != word })
	for _, g := range merge(merge(merge(groups, abis), twins), calls) {
		text := and(g[twins])
		if several {
			text += " for " + and(g[calls])
		}
		texts = append(texts, text+l.on(g[abis]))
	}
	return said(strings.Join(texts, "; "))
}

// A group is facts that have two of the three in common.
type group [3][]string

const (
	twins = iota
	calls
	abis
)

// merge joins groups that differ in one part only.
func merge(groups []group, part int) (merged []group) {
	for _, g := range groups {
		i := slices.IndexFunc(merged, func(m group) bool {
			for p := range m {
				if p != part && !slices.Equal(m[p], g[p]) {
					return false
				}
			}
			return true
		})
		if i < 0 {
			merged = append(merged, g)
			continue
		}
		for _, s := range g[part] {
			if !slices.Contains(merged[i][part], s) {
				merged[i][part] = append(merged[i][part], s)
			}
		}
	}
	return merged
}

// on says on which ABIs, unless it is on all of the policy.
func (l *linter) on(abis []string) string {
	if len(abis) == len(l.filters) {
		return ""
	}
	if len(abis) > 6 {
		abis = append(abis[:4:4], fmt.Sprintf("%d more ABIs", len(abis)-4))
	}
	return " on " + and(abis)
}

// and lists words: "a, b and c".
func and(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// origin returns the rule that has its word at a place; an action of the policy's head has none.
func (l *linter) origin(pos policy.Pos) (rule policy.Rule, call policy.Call) {
	for _, rule := range l.policy.Rules {
		for _, call := range rule.Calls {
			if call.Name.Pos == pos {
				return rule, call
			}
		}
	}
	return rule, call
}

// word returns what stands at the place of a decision: a call, a group, or the action of a key of the head.
func (l *linter) word(pos policy.Pos) policy.Word {
	for _, a := range []policy.Action{l.policy.Default, l.policy.Unknown, l.policy.Foreign} {
		if a.Pos == pos {
			return policy.Word{Text: a.Kind.String(), Pos: pos}
		}
	}
	_, call := l.origin(pos)
	return call.Name
}

// absent reports whether the call fails as on a kernel that lacks it.
func (d decision) absent(abi *arch.ABI) bool {
	enosys, _ := abi.Errno("ENOSYS")
	return d.action == resolve.Errno|resolve.Action(enosys)
}

// A limit is what rules do to a call that they let pass in part, or deny.
type limit struct {
	at     policy.Word // that denies it, or lets a part of it pass
	on     *filter
	partly bool // some of it passes
	absent bool // whatever is denied fails as on a kernel that lacks the call
}

// limitOf returns how rules limit a call on an ABI, or where it lacks the call, on others. What the default alone denies
// has no limit: nobody may have thought of it.
func (l *linter) limitOf(f *filter, name string) (limit, bool) {
	for _, g := range l.having(f, name) {
		var by policy.Pos
		lim := limit{on: g, absent: true}
		for _, d := range l.all(g, name) {
			switch {
			case d.passes():
				lim.partly = true
				continue
			case d.rule != nil && by == policy.Pos{}:
				by = d.pos
			}
			lim.absent = lim.absent && d.absent(g.ABI)
		}
		if open, ok := l.open(g, name); ok && by == (policy.Pos{}) && l.limited(g, name) {
			by = open.pos
		}
		if lim.at = l.word(by); by != (policy.Pos{}) && (g == f || !l.elsewhere(lim.at)) {
			return lim, true
		}
	}
	return limit{}, false
}

// lets returns the word of a rule that lets calls of a name pass on an ABI, or where it lacks the call, on others.
func (l *linter) lets(f *filter, name string) (at policy.Word, ok bool) {
	for _, g := range l.having(f, name) {
		for _, d := range l.all(g, name) {
			if at = l.word(d.pos); d.passes() && d.rule != nil && (g == f || !l.elsewhere(at)) {
				return at, true
			}
		}
	}
	return policy.Word{}, false
}

// having returns the filter itself if its ABI has the call, else all.
func (l *linter) having(f *filter, name string) []*filter {
	if _, ok := f.ABI.Number(name); ok {
		return []*filter{f}
	}
	return l.filters
}

// elsewhere reports whether the rule of a word is for some ABIs only.
func (l *linter) elsewhere(w policy.Word) bool {
	rule, _ := l.origin(w.Pos)
	return len(rule.ABIs) > 0
}
