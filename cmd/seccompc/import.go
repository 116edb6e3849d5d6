package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/policy"
)

func importCommand() *cobra.Command {
	var out string
	var targets []string
	c := &cobra.Command{
		Use:   "import [--target TARGET] [-o POLICY] FILE",
		Short: "Write an OCI profile, a blob or a raw program as a policy to read and to go on with",
		Long: `Import writes a policy that decides every call as FILE does: on each ABI, whatever the arguments, and
for a profile with whatever capabilities and on whatever kernel. That is proven before anything is
written. FILE is an OCI profile (.json), a blob, or a raw program, which needs --target.

Calls are grouped by what happens to them. Built-in groups stand where a rule has all of their calls,
parameters where no other bits are looked at, constants by their names. What a profile lets
through only with a capability becomes a rule with caps, what it wants a newer kernel for one with
kernel. Comments are not carried over, and of a blob the order of its rules isn't known.

What no policy can say is an error that names it. Exit codes: 0 written; 1 no policy can say it, or
the profile is wrong; 2 it could not be tried.`,
		Example: `  seccompc import policies/toaster.seccomp
  seccompc import -o profile.yaml profile.json
  seccompc import --target x86_64 policies/web.seccomp | grep -A 1 socket`,
		Args: oneFile("profile, blob or raw program"),
		RunE: func(_ *cobra.Command, args []string) error { return importFile(args[0], out, targets) },
	}
	f := c.Flags()
	f.StringVarP(&out, "output", "o", "-", "write to `POLICY`, - is standard output")
	f.StringArrayVar(&targets, "target", nil, "import only what `TARGET` gets; it is what a raw program is for; can be repeated")
	return c
}

func importFile(file, out string, targets []string) error {
	if same(file, out) {
		return usageError{fmt.Errorf("-o %s: that is what is imported", out)}
	}
	origin := filepath.Base(file)
	var text []byte
	var err error
	o := &inputs{texts: map[string][]byte{}}
	o.Targets = targets
	switch strings.ToLower(filepath.Ext(file)) {
	case ".yaml", ".yml":
		return usageError{fmt.Errorf("%s: by its name it is a policy already", file)}
	case ".json":
		src, err := o.read(file)
		if err != nil {
			return err
		}
		var findings policy.Diagnostics
		if text, findings, err = compiler.ImportProfile(file, src, targets); err == nil {
			report(findings, o.texts)
			if findings.Err() != nil {
				return failure(findings)
			}
			break
		}
		return unsaid(file, err)
	default:
		b, err := o.filter(file)
		if err != nil {
			return err
		}
		if b == nil {
			return usageError{fmt.Errorf("%s: no filter is no policy", file)}
		}
		if text, err = compiler.Import(origin, b); err != nil {
			return unsaid(file, err)
		}
	}
	if err = write(out, text); err == nil && out != "-" {
		fmt.Printf("%s: proven equal to %s\n", out, file)
	}
	return err
}

func unsaid(file string, err error) error {
	complain(fmt.Sprintf("%s: %v", file, err), "seccompc explain shows all that it decides")
	return reported(1)
}
