package lint

import (
	"slices"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// What the rules and their conditions contribute is decided exactly, by the prover's diagrams.
var effects = []Check{
	{
		Code: "condition-never", Error: true, Title: "a condition that no call meets",
		Explanation: `The comparison can't hold for any argument on any ABI, as in "arg0 & 3 == 4". The rule does nothing, and whoever
reads it believes in something else.

Mend the condition, or take the call out of the rule.`,
		run: func(l *linter, c Check) {
			l.effect(c, prove.NeverTrue, true, "mend it, or take the call out", "the condition on %q never holds")
		},
	},
	{
		Code: "condition-shadowed", Error: true, Title: "a condition behind rules that decide every call it matches",
		Explanation: `The first rule that matches decides. Rules above decide every call that this condition matches, so it
limits nothing: "allow: [mmap]" above "errno(EPERM)" with a condition on mmap lets every mmap through.

Put the conditional rule above the one that decides, or take it out.`,
		run: func(l *linter, c Check) {
			l.effect(c, prove.Shadowed, true, "rules are tried from the top: put it above them, or take it out", "earlier rules decide every call that the condition on %q matches")
		},
	},
	{
		Code: "condition-useless", Error: true, Title: "a conditional call whose removal changes no decision",
		Explanation: `Without this call of the rule, every call would be decided alike: what follows gives the calls that it matches the
same action. The author believes in a limit that isn't there, as with a condition on mmap above a group that
allows mmap anyway.

Take it out, or take the call out of what follows: "default: [mmap]" behind it does that.`,
		run: func(l *linter, c Check) {
			l.effect(c, prove.Redundant, true, "take it out, or end the call's rules here with default:", "the condition on %q changes nothing: what follows decides alike")
		},
	},
	{
		Code: "condition-unlimited", Error: true, Title: "a condition whose removal changes no decision",
		Explanation: `The condition always holds, as in "arg0 >= 0", or the calls that fail it meet the same action further down. It
limits nothing.

Take the condition out, or mend it.`,
		run: func(l *linter, c Check) {
			l.effect(c, prove.Unlimited, true, "take the condition out, or mend it", "the condition on %q limits nothing: calls that fail it are decided alike")
		},
	},
	{
		Code: "rule-shadowed", Title: "a call that earlier rules decide",
		Explanation: `The first rule that matches decides, and rules above decide every call of this name. What is said here has no
effect.

Take it out, or put it above the rules that decide. A call that is in two groups of the same action is not reported.`,
		run: func(l *linter, c Check) {
			l.effect(c, prove.Shadowed, false, "rules are tried from the top: put it above them, or take it out", "earlier rules decide every call of %q otherwise")
		},
	},
}

// effect reports the words of rules, conditional ones or the others, whose first reason to go is e, on all ABIs on which
// they stand for any call.
func (l *linter) effect(c Check, e prove.Effect, conditional bool, hint, format string) {
	common := l.words(conditional)
	for _, rule := range l.policy.Rules {
		for _, call := range rule.Calls {
			if (call.If != nil) == conditional && common[call.Name.Pos].First() == e {
				l.found(c, call.Name.Pos, hint, format, call.Name.Text)
			}
		}
	}
}

// nowhere is the effect of a word that no filter has.
const nowhere prove.Effect = 1 << 7

// words returns the effects of the words of rules, of the conditional ones or of the others.
func (l *linter) words(conditional bool) map[policy.Pos]prove.Effect {
	if l.common[conditional] != nil {
		return l.common[conditional]
	}
	common := map[policy.Pos]prove.Effect{}
	for _, rule := range l.policy.Rules {
		for _, call := range rule.Calls {
			if (call.If != nil) != conditional {
				continue
			}
			if _, twice := common[call.Name.Pos]; twice { // of a fragment that is included twice
				common[call.Name.Pos] = 0
			} else {
				common[call.Name.Pos] = nowhere
			}
		}
	}
	gated := l.gated()
	for _, f := range l.filters {
		for i, r := range f.Rules {
			before, wanted := common[r.Pos]
			here := f.effects[i]
			switch {
			case !wanted || before == 0:
				continue
			case here == 0:
			case conditional && slices.ContainsFunc(f.Rules, func(by resolve.Rule) bool {
				return gated[by.Pos] > 0 && gated[by.Pos] != gated[r.Pos] && slices.ContainsFunc(by.Numbers, func(n uint32) bool { return slices.Contains(r.Numbers, n) })
			}):
				here &= prove.NeverTrue // what it limits is seen in compilations without these rules
			case !conditional && l.agrees(f, i):
				here = 0
			case here&prove.Redundant != 0 && !l.known(f, i):
				here &^= prove.Redundant
			}
			if before != nowhere {
				here &= before
			}
			common[r.Pos] = here
		}
	}
	l.common[conditional] = common
	return common
}

// gated are the words of rules for some capabilities or kernels only, and which rule each is of, from 1 on.
func (l *linter) gated() map[policy.Pos]int {
	words := map[policy.Pos]int{}
	for i, rule := range l.policy.Rules {
		for _, call := range rule.Calls {
			if len(rule.When.Caps) > 0 || rule.When.Kernel.Text != "" {
				words[call.Name.Pos] = i + 1
			}
		}
	}
	return words
}

// agrees reports whether a rule's calls are all decided as it says, by whichever rule.
func (l *linter) agrees(f *filter, rule int) bool {
	for _, nr := range f.Rules[rule].Numbers {
		for _, i := range f.deciders(nr, [6]uint64{}, [6]uint64{}) {
			if i == prove.None || f.Rules[i].Action != f.Rules[rule].Action {
				return false
			}
		}
	}
	return true
}

// known reports whether the numbers of a rule would be known without it.
func (l *linter) known(f *filter, rule int) bool {
	reviewed, err := arch.ParseVersion(l.policy.Reviewed.Text)
	for _, nr := range f.Rules[rule].Numbers {
		name, named := f.ABI.SyscallName(nr)
		if !named || err == nil && arch.Since(name).Compare(reviewed) > 0 {
			return false
		}
	}
	return true
}
