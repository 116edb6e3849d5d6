package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seccompc/seccompc/compiler"
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

func test(file string, asJSON, coverage bool, o *inputs) error {
	r, findings, err := o.compile(file)
	if err != nil {
		return err
	}
	var lines []testLine
	passed := 0
	if r != nil {
		for _, t := range r.Tests {
			line := testLine{t.Of.Call.Pos.File, t.Of.Call.Pos.Line, t.Of.Text.Text, t.ABI.Name, t.Target, t.Pass, t.Want.Format(t.ABI), "", ""}
			if passed++; !t.Pass {
				passed--
				line.Got, line.Met = t.Got.Action.Format(t.ABI), compiler.CallString(t.ABI, t.Got.Call)
			}
			lines = append(lines, line)
		}
	}
	if asJSON {
		err = printJSON(map[string]any{"tests": nonNil(lines), "unreached": unreached(r), "findings": jsonFindings(findings)})
	} else {
		err = printTests(lines, r, passed, coverage)
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

func printTests(lines []testLine, r *compiler.Result, passed int, coverage bool) error {
	if r == nil {
		return nil
	}
	w := table()
	for _, l := range lines {
		verdict := "pass"
		if !l.Pass {
			verdict = "FAIL"
		}
		fmt.Fprintf(w, "%s\t%s:%d\t%s\t%s\t%s\n", verdict, l.File, l.Line, l.ABI, l.Call, l.Want)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if skipped := len(r.Policy.Tests) - distinct(r); skipped > 0 {
		fmt.Printf("%s not run: other ABIs or capabilities\n", count(skipped, "test"))
	}
	fmt.Printf("%d of %s passed\n", passed, count(len(lines), "test"))
	if !coverage {
		return nil
	}
	list := unreached(r)
	for _, u := range list {
		fmt.Printf("%s:%d:%d: no test reaches %s\n", u.File, u.Line, u.Column, u.Word)
	}
	fmt.Printf("%d of %s reached\n", len(r.Reached)-len(list), count(len(r.Reached), "word"))
	return nil
}

// distinct counts the policy's tests that ran somewhere.
func distinct(r *compiler.Result) int {
	ran := map[any]bool{}
	for _, t := range r.Tests {
		ran[t.Of] = true
	}
	return len(ran)
}

type wordPlace struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Word   string `json:"word"`
}

func unreached(r *compiler.Result) []wordPlace {
	list := []wordPlace{}
	if r == nil {
		return list
	}
	for _, pos := range r.Unreached() {
		for _, rule := range r.Policy.Rules {
			for _, c := range rule.Calls {
				if c.Name.Pos == pos {
					list = append(list, wordPlace{pos.File, pos.Line, pos.Col, rule.Action.Kind.String() + " " + c.Name.Text})
				}
			}
		}
	}
	return list
}

// nonNil is a list that JSON shows as one though it be empty.
func nonNil[T any](list []T) []T { return append([]T{}, list...) }
