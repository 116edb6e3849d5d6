// Package lint finds what is legal in a policy and yet not what its author can want: conditions that limit nothing, ways
// around a rule by another call, calls that should never be let through.
//
// It judges by what the filters decide, over all arguments, not by how the rules are written.
package lint

import (
	"slices"
	"strings"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// A Check is one kind of finding.
type Check struct {
	Code        string
	Error       bool   // the policy can't mean it: compilation fails
	Acceptable  bool   // an error that the policy may accept all the same
	Urgent      bool   // a warning that seccompc compile gives too
	Title       string // one line
	Explanation string // paragraphs: why it matters, what to do

	run func(*linter, Check)
}

// Checks returns all checks, sorted by code.
func Checks() []Check {
	list := slices.Concat(effects, holes, habits)
	slices.SortFunc(list, func(a, b Check) int { return strings.Compare(a.Code, b.Code) })
	return list
}

// Run returns what the wanted checks find in a policy, and in what it resolves to on each target for a program with
// these capabilities. Findings that the policy accepts are left out; an acceptance that meets none is a finding itself.
func Run(p *policy.Policy, targets []*resolve.Target, caps []string, want func(Check) bool) policy.Diagnostics {
	l := &linter{policy: p, caps: caps, common: map[bool]map[policy.Pos]prove.Effect{}}
	checks := Checks()
	if err := l.run(targets, checks, want); err != nil {
		l.diags.Warnf("not-checked", policy.Pos{File: p.File}, "give the calls simpler conditions: fewer that combine bits of several arguments",
			"%s: the linter gives up, so findings are missing: %v", err.filter.ABI.Name, err.error)
		want = func(Check) bool { return false } // what is accepted may be among these
	}
	return l.accepted(checks, want)
}

// notProven ends the linter's work: it is panicked with, and recovered by run.
type notProven struct {
	filter *resolve.Filter
	error
}

// must panics if something about a filter was not proven.
func must[T any](f *resolve.Filter, is T, err error) T {
	if err != nil {
		panic(&notProven{f, err})
	}
	return is
}

func (l *linter) run(targets []*resolve.Target, checks []Check, want func(Check) bool) (err *notProven) {
	defer func() {
		if r := recover(); r != nil {
			var is bool
			if err, is = r.(*notProven); !is {
				panic(r)
			}
		}
	}()
	for _, t := range targets {
		for _, f := range t.Filters {
			rules, err := prove.NewRules(f)
			g := &filter{Filter: f, rules: must(f, rules, err), native: t.Filters[0].ABI}
			effects, err := rules.Effects()
			g.effects = must(f, effects, err)
			l.filters = append(l.filters, g)
		}
	}
	for _, c := range checks {
		if want(c) {
			c.run(l, c)
		}
	}
	return nil
}

// accepted leaves out the findings that the policy accepts.
func (l *linter) accepted(checks []Check, want func(Check) bool) (left policy.Diagnostics) {
	found := map[string]bool{}
	acceptable := func(code string) bool {
		return slices.ContainsFunc(checks, func(c Check) bool { return c.Code == code && (!c.Error || c.Acceptable) })
	}
	for _, d := range l.diags {
		i := slices.IndexFunc(l.policy.Accepts, func(a policy.Accepted) bool { return a.Code.Text == d.Code })
		if found[d.Code] = true; i < 0 || !acceptable(d.Code) {
			left = append(left, d)
		}
	}
	var codes []string
	for _, c := range checks {
		codes = append(codes, c.Code)
	}
	for _, a := range l.policy.Accepts {
		i := slices.Index(codes, a.Code.Text)
		switch {
		case i < 0:
			hint := policy.Suggest(a.Code.Text, codes)
			if hint == "" {
				hint = "seccompc check --explain all lists the codes"
			}
			left.Errorf("unknown-code", a.Code.Pos, hint, "unknown code %q", a.Code.Text)
		case !acceptable(a.Code.Text):
			left.Errorf("accepted-error", a.Code.Pos, "mend the rule", "%q is an error, which can't be accepted", a.Code.Text)
		case !found[a.Code.Text] && want(checks[i]):
			left.Warnf("accepted-nothing", a.Code.Pos, "take it out, so that it hides nothing later", "%q is accepted and was not found", a.Code.Text)
		}
	}
	return left
}

type linter struct {
	policy  *policy.Policy
	caps    []string // "CAP_SYS_BOOT"
	filters []*filter
	common  map[bool]map[policy.Pos]prove.Effect // what words has found, for conditional ones and for others
	diags   policy.Diagnostics
}

// A filter is one ABI of one target.
type filter struct {
	*resolve.Filter
	rules   *prove.Rules
	effects []prove.Effect // of the rules
	native  *arch.ABI      // of its target
}

// deciders returns the rules that decide some calls of a number, as prove.Rules has it.
func (f *filter) deciders(nr uint32, args, mask [6]uint64) []int {
	rules, err := f.rules.Deciders(nr, args, mask)
	return must(f.Filter, rules, err)
}

// found adds a finding of the check's severity.
func (l *linter) found(c Check, pos policy.Pos, hint, format string, args ...any) {
	if c.Error {
		l.diags.Errorf(c.Code, pos, hint, format, args...)
		return
	}
	l.diags.Warnf(c.Code, pos, hint, format, args...)
}

// A decision is an action that some calls of a number meet, and the place in the policy that says so: a word of a rule,
// or the key of the default.
type decision struct {
	action resolve.Action
	pos    policy.Pos
	rule   *resolve.Rule // nil where no rule decides
}

// passes reports whether the kernel executes the call.
func (d decision) passes() bool {
	return d.action.Kind() == resolve.Allow || d.action.Kind() == resolve.Log
}

// decisions returns what calls of a name meet on an ABI, depending on their arguments; none if the ABI lacks it. Calls
// are those whose arguments equal args in the bits of mask.
func (l *linter) decisions(f *filter, name string, args, mask [6]uint64) (list []decision) {
	nr, ok := f.ABI.Number(name)
	if !ok {
		return nil
	}
	for _, i := range f.deciders(nr, args, mask) {
		list = append(list, l.decide(f, nr, i))
	}
	return list
}

// decide returns the decision of a rule, or of none, about calls of a number.
func (l *linter) decide(f *filter, nr uint32, rule int) decision {
	if rule != prove.None {
		r := &f.Rules[rule]
		return decision{r.Action, r.Pos, r}
	}
	d := decision{f.Default, l.policy.Default.Pos, nil}
	if _, known := slices.BinarySearch(f.Known, nr); !known {
		d.action = f.Unknown
		if l.policy.Unknown.Kind != 0 {
			d.pos = l.policy.Unknown.Pos
		}
	}
	return d
}

// all returns what calls of a name meet, whatever their arguments.
func (l *linter) all(f *filter, name string) []decision {
	return l.decisions(f, name, [6]uint64{}, [6]uint64{})
}

// open returns a place that lets some call of the name pass on an ABI; ok is false where all are denied.
func (l *linter) open(f *filter, name string) (d decision, ok bool) {
	for _, d := range l.all(f, name) {
		if d.passes() {
			return d, true
		}
	}
	return d, false
}

// limited reports whether the ABI has the call and denies some of it or all.
func (l *linter) limited(f *filter, name string) bool {
	return slices.ContainsFunc(l.all(f, name), func(d decision) bool { return !d.passes() })
}
