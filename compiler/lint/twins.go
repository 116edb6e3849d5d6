package lint

import (
	"slices"
	"strings"

	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// Calls that do what others do.
var twinChecks = []Check{
	{
		Code: "twin-missing", Title: "a call passes, and not the one that libraries make in its place",
		Explanation: `What a program calls is its libraries' choice, and changes with their version and the ABI: open was openat one
day, and the newer ABIs never had open. A list that lacks the twin of a call breaks programs at the next update,
or on another machine. A twin gives them nothing that they don't have.

Let the twins pass too. A rule that denies a twin by name settles the matter. What libraries try first, and replace by
an older call after ENOSYS, is reported as probe-eperm.

Who calls the later ones in place of the earlier ones:` + "\n" + table(),
		run: func(l *linter, c Check) {
			var found places
			for _, f := range l.filters {
				for _, fam := range families {
					if !fam.narrow || f.ABI.RegBits == 32 {
						l.missing(f, fam, &found)
					}
				}
			}
			l.report(c, l.byRule(found), "let them pass too; seccompc check --explain twin-missing says who calls them",
				"%q passes, but not what libraries call instead, depending on version and ABI: %s")
		},
	},
	{
		Code: "denylist-twin", Title: "a call is denied or limited, and another that does the same passes",
		Explanation: `A limit on a call is none while another call does the same. Linux adds such calls with every year: Flatpak's filter
denied mount, and sandboxed programs mounted by the newer fsopen and move_mount (CVE-2021-41133). chmod has
fchmodat2, unshare has clone, kill has tgkill, connect has sendto with MSG_FASTOPEN.

Deny or limit the twin as well. It is reported where all of it passes; where a limit is on an argument, only if the twin
has that argument too. ENOSYS for a newer call is an answer, not a limit.`,
		run: func(l *linter, c Check) {
			var found places
			for _, f := range l.filters {
				for _, fam := range families {
					for _, pair := range fam.pairs() {
						l.evaded(f, fam, pair[0], pair[1], &found)
					}
				}
			}
			l.report(c, found, "deny or limit it too", passesToo)
		},
	},
}

// startup begins the names of the start-up sets, which know what their library calls, in all its versions.
const startup = "@startup-"

// missing finds the calls of a family that the default denies while an earlier one passes.
func (l *linter) missing(f *filter, fam family, found *places) {
	if fam.by == "" {
		return
	}
	for i, t := range slices.Concat(fam.from, fam.to) {
		if fam.to != nil && i < len(fam.from) {
			continue
		}
		var at policy.Word
		var call string // an earlier one that passes
		exists := false // one of them on this ABI
		for _, earlier := range fam.from[:min(i, len(fam.from))] {
			w, ok := l.lets(f, earlier.call)
			if _, has := f.ABI.Number(earlier.call); has {
				exists = true
			}
			if ok && call == "" {
				at, call = w, earlier.call
			}
		}
		if call != "" && unruled(l.all(f, t.call)) && !((t.spare || t.last) && exists) && !strings.HasPrefix(at.Text, startup) {
			found.add(at, call, t.call, f)
		}
	}
}

// byRule moves what is found to the first of a rule's words, for the twins belong into one list.
func (l *linter) byRule(p places) (merged places) {
	first := map[policy.Pos]policy.Word{}
	for _, at := range p.order {
		rule, _ := l.origin(at.Pos)
		if w, ok := first[rule.Pos]; !ok || at.Pos.Compare(w.Pos) < 0 {
			first[rule.Pos] = at
		}
	}
	merged.facts = map[policy.Word][]fact{}
	for _, at := range p.order {
		rule, _ := l.origin(at.Pos)
		w := first[rule.Pos]
		if merged.facts[w] == nil {
			merged.order = append(merged.order, w)
		}
		merged.facts[w] = append(merged.facts[w], p.facts[at]...)
	}
	return merged
}

// evaded finds a call that is limited while all of its twin passes.
func (l *linter) evaded(f *filter, fam family, a, b twin, found *places) {
	lim, limited := l.limitOf(f, a.call)
	_, open := l.open(f, b.call)
	switch {
	case !limited || !open || l.limited(f, b.call):
	case a.spare || lim.absent && a != fam.from[0]: // to which programs fall back
	case lim.partly && !alike(lim.on, a.call, f, b.call):
	case !lim.partly && a.call == "clone" && b.call == "unshare": // which makes no process
	default:
		found.add(lim.at, a.call, b.call, f)
	}
}

// alike reports whether a call on one ABI has all the parameters that conditions look at on another call.
func alike(f *filter, limited string, g *filter, twin string) bool {
	nr, _ := f.ABI.Number(limited)
	for _, r := range f.Rules {
		if !slices.Contains(r.Numbers, nr) {
			continue
		}
		for _, register := range registers(r.Cond) {
			p, ok := parameter(f.ABI, limited, register)
			if _, has := g.ABI.Param(twin, p.Name); !ok || !has {
				return false
			}
		}
	}
	return true
}

// registers returns the arguments that a condition looks at.
func registers(c resolve.Cond) (list []int) {
	switch c := c.(type) {
	case resolve.All:
		for _, x := range c {
			list = append(list, registers(x)...)
		}
	case resolve.Any:
		for _, x := range c {
			list = append(list, registers(x)...)
		}
	case resolve.Not:
		return registers(c.Cond)
	case resolve.Compare:
		return []int{c.Arg}
	}
	return list
}
