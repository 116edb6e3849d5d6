package compiler

import (
	"cmp"
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
	By     policy.Pos    // and the word of the rule that decides this call; zero: none does
}

// test runs a target's tests on its program, and notes which words of rules they reach.
func (r *Result) test(t *resolve.Target, d *prove.Diagram) error {
	rules := map[*arch.ABI]*prove.Rules{}
	for _, f := range t.Filters {
		var err error
		if rules[f.ABI], err = prove.NewRules(f); err != nil {
			return err
		}
		for _, rule := range f.Rules {
			if !r.Reached[rule.Pos] {
				r.Reached[rule.Pos] = false
			}
		}
	}
	for _, test := range t.Tests {
		result := TestResult{Test: test, Target: targetName(t), Pass: true}
		f := t.Filters[slices.IndexFunc(t.Filters, func(f *resolve.Filter) bool { return f.ABI == test.ABI })]
		for _, i := range rules[test.ABI].Deciders(test.Call.NR, test.Call.Args, test.Given) {
			if i != prove.None {
				r.Reached[f.Rules[i].Pos] = true
			}
		}
		for _, o := range d.Outcomes(test.Call, test.Given) {
			if o.Action != test.Want && result.Pass {
				result.Pass, result.Got = false, o
				everything := [6]uint64{}
				for i := range everything {
					everything[i] = ^uint64(0)
				}
				if i := rules[test.ABI].Deciders(o.Call.NR, o.Call.Args, everything)[0]; i != prove.None {
					result.By = f.Rules[i].Pos
				}
			}
		}
		r.Tests = append(r.Tests, result)
	}
	return nil
}

func targetName(t *resolve.Target) string {
	var abis []*arch.ABI
	for _, f := range t.Filters {
		abis = append(abis, f.ABI)
	}
	return resolve.TargetName(abis)
}

// failed reports the tests that failed, each once with the first ABI it failed on, and those that no target ran.
func (r *Result) failed(o Options, diags *policy.Diagnostics) {
	type outcome struct {
		first  *TestResult
		failed []string
	}
	outcomes := map[*policy.Test]*outcome{}
	for i := range r.Tests {
		t := &r.Tests[i]
		if outcomes[t.Of] == nil {
			outcomes[t.Of] = &outcome{}
		}
		if f := outcomes[t.Of]; !t.Pass {
			if f.failed = append(f.failed, t.ABI.Name); f.first == nil {
				f.first = t
			}
		}
	}
	for i := range r.Policy.Tests {
		t := &r.Policy.Tests[i]
		f, ran := outcomes[t]
		switch {
		case !ran && t.Caps == nil && len(o.Targets) == 0 && len(o.Caps) == 0:
			diags.Errorf("test-nowhere", t.Call.Pos, "no target has this call or this ABI, or the policy has other capabilities", "test of %q is never run", t.Text.Text)
		case ran && f.first != nil:
			hint := "no rule decides it"
			if f.first.By != (policy.Pos{}) {
				hint = "the rule at " + f.first.By.String() + " decides it"
			}
			diags.Errorf("test-failed", t.Text.Pos, hint, "test of %q: %s is %s on %s, not %s", t.Text.Text, CallString(f.first.ABI, f.first.Got.Call),
				f.first.Got.Action.Format(f.first.ABI), strings.Join(f.failed, ", "), f.first.Want.Format(f.first.ABI))
		}
	}
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
	for _, pos := range slices.SortedFunc(maps.Keys(r.Reached), func(a, b policy.Pos) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	}) {
		if !r.Reached[pos] {
			words = append(words, pos)
		}
	}
	return words
}
