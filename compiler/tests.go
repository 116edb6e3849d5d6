package compiler

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// A TestResult is what a policy's test found on one ABI, on the bytes of the target's program.
type TestResult struct {
	resolve.Test
	Target string
	Pass   bool
	Got    prove.Outcome // if it failed: an action that isn't the wanted one, and a call that meets it
	Why    string        // and what decides this call, as a hint
}

// test runs a target's tests on its program, and notes which words of rules they reach.
func (r *Result) test(t *resolve.Target, label string, d *prove.Diagram) error {
	rules := map[*arch.ABI]*prove.Rules{}
	for _, f := range t.Filters {
		if len(t.Tests) > 0 {
			var err error
			if rules[f.ABI], err = prove.NewRules(f); err != nil {
				return err
			}
		}
		for _, rule := range f.Rules {
			if !r.Reached[rule.Pos] {
				r.Reached[rule.Pos] = false
			}
		}
	}
	for _, test := range t.Tests {
		result := TestResult{Test: test, Target: label, Pass: true}
		f := t.Filters[slices.IndexFunc(t.Filters, func(f *resolve.Filter) bool { return f.ABI == test.ABI })]
		deciders, err := rules[test.ABI].Deciders(test.Call.NR, test.Call.Args, test.Given)
		if errors.Is(err, prove.ErrNotProven) { // the tests before it have spent the budget
			if rules[test.ABI], err = prove.NewRules(f); err == nil {
				deciders, err = rules[test.ABI].Deciders(test.Call.NR, test.Call.Args, test.Given)
			}
		}
		if err != nil {
			return err
		}
		for _, i := range deciders {
			if i != prove.None {
				r.Reached[f.Rules[i].Pos] = true
			}
		}
		for _, o := range d.Outcomes(test.Call, test.Given) {
			if o.Action != test.Want && result.Pass {
				result.Pass, result.Got = false, o
				result.Why = why(f, o.Call)
			}
		}
		r.Tests = append(r.Tests, result)
	}
	return nil
}

// why says what decides a call.
func why(f *resolve.Filter, c resolve.Call) string {
	if r := f.Rule(c.NR, c.Args); r != nil {
		return "the rule at " + r.Pos.String() + " decides it"
	}
	if _, known := slices.BinarySearch(f.Known, c.NR); known {
		return "no rule decides it, so default does"
	}
	return "no rule names it, so unknown decides"
}

// failed reports the tests that failed, each once with the first ABI it failed on, and those that no target ran.
func (r *Result) failed(o Options, diags *policy.Diagnostics) {
	results := map[*policy.Test][]*TestResult{}
	for i := range r.Tests {
		results[r.Tests[i].Of] = append(results[r.Tests[i].Of], &r.Tests[i])
	}
	for i := range r.Policy.Tests {
		t := &r.Policy.Tests[i]
		var first *TestResult
		var abis []string
		for _, result := range results[t] {
			if !result.Pass {
				if abis = append(abis, result.ABI.Name); first == nil {
					first = result
				}
			}
		}
		switch {
		case first != nil:
			diags.Errorf("test-failed", t.Text.Pos, first.Why, "test of %q: %s is %s, not %s, on %s", t.Text.Text, CallString(first.ABI, first.Got.Call),
				first.Got.Action.Format(first.ABI), first.Want.Format(first.ABI), strings.Join(abis, ", "))
		case len(results[t]) == 0 && r.lacksCaps(t):
			diags.Errorf("test-nowhere", t.Text.Pos, "its caps lack one of the policy's capabilities, which are always granted", "test of %q is never run", t.Text.Text)
		case len(results[t]) == 0 && t.Caps == nil && len(o.Targets) == 0 && len(o.Caps) == 0:
			hint := "no ABI of the targets has the call"
			if t.ABI.Text != "" && !r.serves(t.ABI.Text) {
				hint = "no target serves " + t.ABI.Text
			}
			diags.Errorf("test-nowhere", t.Text.Pos, hint, "test of %q is never run", t.Text.Text)
		}
	}
}

// lacksCaps reports whether a test is for fewer capabilities than the policy has at least.
func (r *Result) lacksCaps(t *policy.Test) bool {
	return t.Caps != nil && slices.ContainsFunc(r.Policy.Capabilities, func(w policy.Word) bool {
		return !slices.ContainsFunc(t.Caps, func(c policy.Word) bool { return c.Text == w.Text })
	})
}

// serves reports whether a target serves the ABI of a spelling.
func (r *Result) serves(abi string) bool {
	return slices.ContainsFunc(r.Targets, func(t *resolve.Target) bool {
		return slices.ContainsFunc(t.Filters, func(f *resolve.Filter) bool { return f.ABI == arch.Lookup(abi) })
	})
}

// CallString shows a call with the registers of its arguments, up to the last that isn't zero.
func CallString(abi *arch.ABI, c resolve.Call) string {
	name, ok := abi.SyscallName(c.NR)
	if !ok {
		name = fmt.Sprint(c.NR)
	}
	n := len(c.Args)
	for n > 0 && c.Args[n-1] == 0 {
		n--
	}
	var args []string
	for _, a := range c.Args[:n] {
		args = append(args, fmt.Sprintf("%#x", a))
	}
	return name + "(" + strings.Join(args, ", ") + ")"
}

// Unreached returns the words of rules that no test reaches, in the order of the source.
func (r *Result) Unreached() (words []policy.Pos) {
	for _, pos := range slices.SortedFunc(maps.Keys(r.Reached), policy.Pos.Compare) {
		if !r.Reached[pos] {
			words = append(words, pos)
		}
	}
	return words
}
