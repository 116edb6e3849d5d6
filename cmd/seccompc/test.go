package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/policy"
)

func testCommand() *cobra.Command {
	var asJSON, coverage bool
	var o inputs
	c := &cobra.Command{
		Use:   "test [flags] POLICY",
		Short: "Run a policy's tests",
		Long: `Test compiles a policy and runs its tests on the bytes of each target's program, as
compile does too, and shows each of them. What a test leaves open is proven for all values:
call: ptrace without arguments stands for every ptrace.

With --coverage it lists the words of rules that no test reaches.

Exit codes: 0 all tests pass; 1 a test fails, or the policy is wrong; 2 it could not be tried.`,
		Example: `  seccompc test policies/toaster.yaml
  seccompc test --coverage policies/toaster-strict.yaml`,
		Args: oneFile("policy"),
		RunE: func(_ *cobra.Command, args []string) error { return test(args[0], asJSON, coverage, &o) },
	}
	o.flags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&coverage, "coverage", false, "list what of the rules no test reaches")
	return c
}

type testLine struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Call   string `json:"call"`
	ABI    string `json:"abi"`
	Target string `json:"target"`
	Pass   bool   `json:"pass"`
	Want   string `json:"want"`
	Got    string `json:"got,omitempty"` // where it failed
	Met    string `json:"met,omitempty"` // a call that meets it
}

func testLines(r *compiler.Result) []testLine {
	lines := []testLine{} // JSON shows a list, though it be empty
	for _, t := range r.Tests {
		line := testLine{t.Of.Call.Pos.File, t.Of.Call.Pos.Line, t.Of.Text.Text, t.ABI.Name, t.Target, t.Pass, t.Want.Format(t.ABI), "", ""}
		if !t.Pass {
			line.Got, line.Met = t.Got.Action.Format(t.ABI), compiler.CallString(t.ABI, t.Got.Call)
		}
		lines = append(lines, line)
	}
	return lines
}

func test(file string, asJSON, coverage bool, o *inputs) error {
	r, findings, err := o.compile(file)
	if err != nil {
		return err
	}
	if r == nil {
		r = &compiler.Result{Policy: &policy.Policy{}}
	}
	if asJSON {
		err = printJSON(struct {
			Tests     []testLine  `json:"tests"`
			Skipped   []wordPlace `json:"skipped"`
			Unreached []wordPlace `json:"unreached"`
			Findings  []finding   `json:"findings"`
		}{testLines(r), skipped(r), unreached(r), jsonFindings(findings)})
	} else {
		if r.Blob != nil {
			err = printTests(r, file, coverage)
		}
		report(findings, o.texts)
	}
	if err != nil {
		return err
	}
	if findings.Err() != nil {
		return failure(findings)
	}
	return nil
}

func printTests(r *compiler.Result, file string, coverage bool) error {
	w := table()
	for _, l := range testLines(r) {
		verdict, action := "pass", l.Want
		if !l.Pass {
			verdict, action = "FAIL", l.Got+", not "+l.Want
		}
		fmt.Fprintf(w, "%s\t%s:%d\t%s\t%s\t%s\n", verdict, l.File, l.Line, l.ABI, l.Call, action)
	}
	left := skipped(r)
	for _, s := range left {
		fmt.Fprintf(w, "skip\t%s:%d\t-\t%s\t-\n", s.File, s.Line, s.Word)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	failed := map[*policy.Test]bool{}
	for _, t := range r.Tests {
		if !t.Pass {
			failed[t.Of] = true
		}
	}
	if all := len(r.Policy.Tests); all == 0 {
		fmt.Printf("%s has no tests\n", file)
	} else {
		fmt.Printf("%s: %d passed", count(all, "test"), all-len(failed)-len(left))
		if len(failed) > 0 {
			fmt.Printf(", %d failed", len(failed))
		}
		if len(left) > 0 {
			fmt.Printf(", %d not run: for other ABIs or capabilities", len(left))
		}
		fmt.Println()
	}
	if !coverage {
		return nil
	}
	list := unreached(r)
	for _, u := range list {
		fmt.Printf("%s:%d:%d: no test reaches %s\n", u.File, u.Line, u.Column, u.Word)
	}
	fmt.Printf("tests reach %d of %s in the rules\n", len(r.Reached)-len(list), count(len(r.Reached), "word"))
	return nil
}

type wordPlace struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Word   string `json:"word"`
}

// skipped returns the policy's tests that did not run anywhere.
func skipped(r *compiler.Result) []wordPlace {
	ran := map[*policy.Test]bool{}
	for _, t := range r.Tests {
		ran[t.Of] = true
	}
	list := []wordPlace{}
	for i := range r.Policy.Tests {
		if t := &r.Policy.Tests[i]; !ran[t] {
			list = append(list, wordPlace{t.Text.Pos.File, t.Text.Pos.Line, t.Text.Pos.Col, t.Text.Text})
		}
	}
	return list
}

func unreached(r *compiler.Result) []wordPlace {
	list := []wordPlace{}
	for _, pos := range r.Unreached() {
	rules: // a fragment that is included twice has its words twice
		for _, rule := range r.Policy.Rules {
			for _, c := range rule.Calls {
				if c.Name.Pos == pos {
					list = append(list, wordPlace{pos.File, pos.Line, pos.Col, rule.Action.Kind.String() + " " + c.Name.Text})
					break rules
				}
			}
		}
	}
	return list
}
