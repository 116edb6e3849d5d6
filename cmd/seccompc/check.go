package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seccompc/seccompc/compiler/lint"
	"github.com/seccompc/seccompc/compiler/policy"
)

func checkCommand() *cobra.Command {
	var asJSON bool
	var explain string
	var o inputs
	c := &cobra.Command{
		Use:   "check [flags] POLICY",
		Short: "Find what a policy can hardly mean: ways around its rules, conditions that limit nothing",
		Long: `Check compiles a policy without writing anything and reports what is legal in it and yet
dangerous or without effect. Errors are what compile refuses too. A warning that is right for a
policy is accepted there, with the reason: the key accept maps codes to reasons.

Exit codes: 0 nothing found; 1 findings; 2 it could not be tried.`,
		Example: `  seccompc check policies/toaster.yaml
  seccompc check --explain condition-useless`,
		Args: func(c *cobra.Command, args []string) error {
			if !c.Flags().Changed("explain") {
				return oneFile("policy")(c, args)
			}
			if len(args) > 0 {
				return usageError{errors.New("--explain takes no policy")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("explain") {
				return explainCode(explain, asJSON)
			}
			return check(args[0], asJSON, &o)
		},
	}
	o.flags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().StringVar(&explain, "explain", "", "explain the findings with `CODE`, or list all codes where it is \"all\"")
	return c
}

func check(file string, asJSON bool, o *inputs) error {
	o.Check = true
	result, findings, err := o.compile(file)
	if err != nil {
		return err
	}
	fallbacks := ""
	if result != nil && result.Blob.Fallbacks != 0 { // no finding, for the policy says so
		fallbacks = result.Blob.Fallbacks.String()
	}
	switch {
	case asJSON:
		out := map[string]any{"findings": jsonFindings(findings)}
		if fallbacks != "" {
			out["fallbacks"] = fallbacks
		}
		if err := printJSON(out); err != nil {
			return err
		}
	default:
		report(findings, o.texts)
		if fallbacks != "" {
			fmt.Printf("%s: on kernels that lack an action: %s\n", file, fallbacks)
		}
	}
	if len(findings) > 0 {
		return failure(findings)
	}
	return nil
}

func explainCode(code string, asJSON bool) error {
	type explained struct {
		Code        string `json:"code"`
		Severity    string `json:"severity"`
		Title       string `json:"title"`
		Explanation string `json:"explanation"`
	}
	var list []explained
	var codes []string
	for _, c := range lint.Checks() {
		codes = append(codes, c.Code)
		if c.Code == code || code == "all" {
			list = append(list, explained{c.Code, severity(!c.Error), c.Title, c.Explanation})
		}
	}
	switch {
	case len(list) == 0:
		hint := policy.Suggest(code, codes)
		if hint == "" {
			hint = "only the linter's codes have an explanation: seccompc check --explain all lists them"
		}
		complain(fmt.Sprintf("no explanation of %q", code), hint)
		return reported(2)
	case asJSON:
		return printJSON(list)
	case code != "all":
		_, err := fmt.Printf("%s (%s): %s\n\n%s\n", list[0].Code, list[0].Severity, list[0].Title, strings.TrimSpace(list[0].Explanation))
		return err
	}
	w := table()
	for _, c := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\n", c.Code, c.Severity, c.Title)
	}
	return w.Flush()
}
