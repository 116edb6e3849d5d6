package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/policy"
)

// inputs are what a policy is compiled from: its text, that of the files it includes, and the command line.
type inputs struct {
	compiler.Options
	texts            map[string][]byte // of the files read, by name
	kernel, findings string
}

// flags adds the flags that all commands have which compile a policy.
func (o *inputs) flags(c *cobra.Command) {
	o.options(c)
	c.Flags().StringVar(&o.findings, "findings", "error", "error, or warn: the linter's errors don't fail the compilation")
}

// options adds those that choose what of it is compiled.
func (o *inputs) options(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVar(&o.Targets, "target", nil, "compile for `TARGET` in place of the policy's targets; can be repeated")
	f.StringArrayVar(&o.Caps, "cap", nil, "include the rules for programs that have `CAPABILITY`; can be repeated")
	f.StringVar(&o.kernel, "kernel", "", "run on `VERSION` and newer: leave out what rules allow on newer kernels only")
}

// compile compiles a policy file. The error is about the command line or the file, not about what is in it.
func (o *inputs) compile(file string) (*compiler.Result, policy.Diagnostics, error) {
	if o.findings != "error" && o.findings != "warn" {
		return nil, nil, usageError{fmt.Errorf("--findings %q: it is error or warn", o.findings)}
	}
	o.Warn = o.findings == "warn"
	if o.kernel != "" {
		var err error
		if o.Kernel, err = arch.ParseVersion(o.kernel); err != nil {
			return nil, nil, usageError{fmt.Errorf("--kernel: %w", err)}
		}
	}
	if ext := strings.ToLower(filepath.Ext(file)); ext != ".yaml" && ext != ".yml" && ext != ".json" {
		return nil, nil, usageError{fmt.Errorf("%s: a policy's name ends in .yaml, an OCI profile's in .json", file)}
	}
	o.texts = map[string][]byte{}
	o.Read = o.read
	src, err := o.read(file)
	if err != nil {
		return nil, nil, err
	}
	r, findings := compiler.Compile(file, src, o.Options)
	return r, findings, nil
}

// read reads a file, and no more of it than a policy may have.
func (o *inputs) read(name string) ([]byte, error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil, fmt.Errorf("%s is no regular file", name) // a pipe could keep us waiting for ever
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, policy.MaxSize+1))
	o.texts[name] = text
	return text, err
}

// failure is the exit code for findings with an error among them.
func failure(findings policy.Diagnostics) error {
	if slices.ContainsFunc(findings, func(d policy.Diagnostic) bool { return d.Pos.File == "--cap" || d.Pos.File == "--target" }) {
		return reported(2) // a flag's value is wrong, not the policy
	}
	return reported(1)
}
