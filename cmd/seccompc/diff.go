package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/policy"
)

func diffCommand() *cobra.Command {
	var failOn []string
	var format string
	var asJSON, gitDriver bool
	var o inputs
	c := &cobra.Command{
		Use:   "diff [flags] A B",
		Short: "Show which calls two blobs, programs or policies decide differently",
		Long: `Diff compares what two filters decide, for every call there is: each architecture, number and
argument. It shows which calls met what and meet what now, the exact condition, and one such
call. That there is no difference is a proof.

A and B are blobs, raw programs (--target says which ABI they are for), policies (.yaml) or
OCI profiles (.json), which are compiled; /dev/null stands for no filter. A change is

  widened   towards allow in the kernel's order: kill_process, kill_thread, trap, errno,
            notify, trace, log, allow; or to errno(0), which fakes success
  narrowed  away from it
  changed   any other: another errno, a flag, a target that only one of them has

With --git-driver it takes the arguments that git gives a diff driver; docs/diff.md has the
two lines to set one up.

Exit codes: 0 no difference, or none that --fail-on names; 1 one that it names; 2 A or B
can't be used or compared.`,
		Example: `  seccompc diff policies/toaster.seccomp policies/toaster-strict.seccomp
  seccompc diff --fail-on any policies/web.yaml policies/web.seccomp
  seccompc diff --target x86_64 --format markdown /dev/null profile.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if n := len(args); !gitDriver && n != 2 || gitDriver && n != 1 && n != 7 && n != 9 {
				return usageError{fmt.Errorf("expected two files, or with --git-driver git's arguments; found %d arguments", n)}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			for _, f := range failOn {
				if !slices.Contains([]string{"widened", "narrowed", "changed", "any"}, f) {
					return usageError{fmt.Errorf("--fail-on %q: it is widened, narrowed, changed or any", f)}
				}
			}
			switch {
			case format != "text" && format != "markdown":
				return usageError{fmt.Errorf("--format %q: the formats are text and markdown", format)}
			case asJSON && format != "text":
				return usageError{errors.New("--json and --format: choose one")}
			case gitDriver && (asJSON || len(failOn) > 0):
				return usageError{errors.New("--git-driver goes with neither --json nor --fail-on: git dies where its driver fails")}
			case gitDriver:
				return driveGit(args, format, &o)
			}
			r, err := o.diff(args[0], args[1])
			if err != nil {
				return err
			}
			r.names(args[0], args[1])
			if asJSON {
				err = printJSON(r)
			} else {
				err = r.print(format)
			}
			if err == nil && r.fails(failOn) {
				return reported(1)
			}
			return err
		},
	}
	o.options(c)
	f := c.Flags()
	f.Lookup("target").Usage = "compare only what `TARGET` gets; it is what a raw program is for; can be repeated"
	f.StringSliceVar(&failOn, "fail-on", nil, "exit 1 if a change is of `KIND`: widened, narrowed, changed or any; can be repeated")
	f.StringVar(&format, "format", "text", "text, or markdown as for a comment")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	f.BoolVar(&gitDriver, "git-driver", false, "take git's arguments for diff drivers, and always exit 0")
	return c
}

// diff compares two files.
func (o *inputs) diff(a, b string) (*difference, error) {
	x, err := o.filter(a)
	if err != nil {
		return nil, err
	}
	y, err := o.filter(b)
	if err != nil {
		return nil, err
	}
	heads, targets, err := inspect.Diff(x, y)
	if err != nil {
		return nil, err
	}
	return newDifference(heads, targets), nil
}

// filter reads a file of any kind as a blob; nil stands for no filter.
func (o *inputs) filter(file string) (*blob.Blob, error) {
	if file == os.DevNull || file == "/dev/null" {
		return nil, nil
	}
	switch strings.ToLower(filepath.Ext(file)) {
	case ".yaml", ".yml", ".json":
		o.findings = "warn" // what the linter thinks of it is no matter here
		r, findings, err := o.compile(file)
		if err != nil {
			return nil, err
		}
		if r == nil {
			report(slices.DeleteFunc(findings, func(d policy.Diagnostic) bool { return d.Warning }), o.texts)
			return nil, reported(2)
		}
		return r.Blob, nil
	}
	data, b, err := readBlob(file)
	switch {
	case errors.Is(err, blob.ErrNotBlob):
		return o.raw(file, data)
	case data == nil:
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%s: %w", file, err)
	case len(o.Targets) == 0:
		return b, nil
	}
	var targets []blob.Target
	for _, word := range o.Targets {
		t, err := target(word)
		if err != nil {
			return nil, err
		}
		p := b.For(t.ABIs[0], t.Order)
		if p == nil {
			return nil, fmt.Errorf("%s has no program for %s", file, t.Label)
		}
		targets = append(targets, *p)
	}
	b.Targets = targets
	return b, nil
}

// raw reads a program that does not say what it is for as a blob that says nothing else.
func (o *inputs) raw(file string, data []byte) (*blob.Blob, error) {
	if len(o.Targets) != 1 {
		complain(fmt.Sprintf("%s is no blob, and no policy by its name", file), "a raw program needs one --target, a policy's name ends in .yaml or .json")
		return nil, reported(2)
	}
	t, err := target(o.Targets[0])
	if err != nil {
		return nil, err
	}
	if _, err := inspect.Instructions(data, t.Order == blob.BigEndian); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	t.Program = data
	return &blob.Blob{Targets: []blob.Target{t}}, nil
}

// target is a blob's target without a program.
func target(word string) (t blob.Target, err error) {
	abis, err := oneTarget(word)
	if err != nil {
		return t, err
	}
	return inspect.Target(abis), nil
}

// driveGit is a diff driver. Git gives it the path and of both sides a file, the object and the mode; of a rename the new path and
// some words too; of a path in conflict nothing else. It dies where the driver fails, so that one bad file would hide
// the others.
func driveGit(args []string, format string, o *inputs) error {
	path := safe(args[0])
	if len(args) == 1 {
		fmt.Printf("%s is in conflict: merge the policy, compile it and add the blob. What either side did to it:\n", path)
		quoted := "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
		for stage, side := range []string{2: "ours", "theirs"} {
			if side != "" {
				fmt.Printf("    seccompc diff <(git show :1:%s) <(git show :%d:%s)  # %s\n", quoted, stage, quoted, side)
			}
		}
		return nil
	}
	r, err := o.diff(args[1], args[4])
	if err != nil {
		var said reported
		if !errors.As(err, &said) {
			complain(err.Error(), "")
		}
		fmt.Printf("%s can't be compared\n", path)
		return nil
	}
	before, after := "a/"+args[0], "b/"+args[0]
	if len(args) == 9 {
		after = "b/" + args[7]
	}
	for i, name := range []*string{&before, &after} {
		if args[1+3*i] == os.DevNull {
			*name = os.DevNull
		}
	}
	r.names(before, after)
	return r.print(format)
}
