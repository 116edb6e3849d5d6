package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/exporter"
	"github.com/seccompc/seccompc/compiler/policy"
)

func compileCommand() *cobra.Command {
	var out, format string
	var asJSON bool
	var o inputs
	c := &cobra.Command{
		Use:   "compile [flags] POLICY...",
		Short: "Compile policies (.yaml) or OCI profiles (.json) to blobs",
		Long: `Compile resolves a policy for each of its targets, generates a program for each, proves
that the program decides every call as the policy does, runs the policy's tests on it and
writes the blob. When anything is wrong, nothing is written and a file that is there stays
as it was. Several policies are compiled at once, each by itself.

A target is a native ABI and the compat ABIs that its program serves too, as in
x86_64+i386. A policy that names none is compiled for every ABI that seccomp-load runs on.

With --complain everything that the policy does with a call but allow it becomes log: the call
is made, and the kernel logs it. Such a blob shows what a program needs, and restricts nothing;
it says so, and seccomp-load warns of it. docs/policy.md has more.

Exit codes: 0 written; 1 a policy is wrong; 2 one could not be tried, which comes before 1.`,
		Example: `  seccompc compile policies/toaster.yaml
  seccompc compile policies/web.yaml policies/plugin.yaml
  seccompc compile -o docker.seccomp --cap SYS_ADMIN --kernel 5.10 profile.json
  seccompc compile --complain -o learn.seccomp policies/web.yaml
  seccompc compile --target x86_64 --format raw -o toaster.bpf policies/toaster.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("expected a policy")}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case format != "blob" && format != "raw":
				return usageError{fmt.Errorf("--format %q: the formats are blob and raw", format)}
			case asJSON && out == "-":
				return usageError{errors.New("--json and -o -: both want standard output")}
			case out != "" && len(args) > 1:
				return usageError{fmt.Errorf("-o %s: one file for %d policies", out, len(args))}
			}
			list := make([]*compilation, len(args))
			written := map[string]string{}
			for i, file := range args {
				own := o
				own.Urgent = true
				list[i] = &compilation{file: file, out: out, format: format, inputs: &own}
				if out == "" {
					list[i].out = strings.TrimSuffix(file, filepath.Ext(file)) + map[string]string{"blob": ".seccomp", "raw": ".bpf"}[format]
				}
				to := filepath.Clean(list[i].out)
				if other, twice := written[to]; twice {
					return usageError{fmt.Errorf("%s and %s would both be written to %s", other, file, to)}
				}
				written[to] = file
			}
			worst := 0
			inOrder(len(list), func(i int) { list[i].run() }, func(i int) {
				worst = max(worst, exitCode(list[i].finish(asJSON)))
				list[i] = nil
			})
			if worst != 0 {
				return reported(worst)
			}
			return nil
		},
	}
	o.flags(c)
	f := c.Flags()
	f.StringVarP(&out, "output", "o", "", "write to `FILE`, - is standard output (default: POLICY with the extension .seccomp, or .bpf for raw)")
	f.StringVar(&format, "format", "blob", "blob, or raw: the bare struct sock_filter array of one target")
	f.BoolVar(&o.Complain, "complain", false, "log what the policy denies, and let it through: to see what a program needs")
	f.BoolVar(&asJSON, "json", false, "print JSON: the findings and what was written, one object for each policy")
	return c
}

// inOrder calls work for 0 to n-1, as many at once as there are processors to use, and done for each in their order, one at a
// time.
func inOrder(n int, work, done func(i int)) {
	free := make(chan bool, runtime.GOMAXPROCS(0))
	ready := make([]chan bool, n)
	for i := range ready {
		ready[i] = make(chan bool)
	}
	go func() {
		for i := range n {
			free <- true
			go func() {
				work(i)
				<-free
				close(ready[i])
			}()
		}
	}()
	for i := range n {
		<-ready[i]
		done(i)
	}
}

// A compilation is of one policy to one file.
type compilation struct {
	file, out, format string
	*inputs
	result   *compiler.Result
	findings policy.Diagnostics
	err      error
}

func (c *compilation) run() { c.result, c.findings, c.err = c.compile(c.file) }

// finish says what came of it, and writes the file if that is good.
func (c *compilation) finish(asJSON bool) error {
	if c.err != nil {
		return c.err
	}
	if same(c.file, c.out) {
		return usageError{fmt.Errorf("-o %s: that is the policy itself", c.out)}
	}
	if !asJSON {
		report(c.findings, c.texts)
	}
	summary := struct {
		Policy       string    `json:"policy"`
		Output       string    `json:"output,omitempty"`
		Programs     int       `json:"programs,omitempty"`
		Instructions int       `json:"instructions,omitempty"`
		Tests        int       `json:"tests,omitempty"`
		Fallbacks    string    `json:"fallbacks,omitempty"`
		Complains    bool      `json:"complains,omitempty"`
		Findings     []finding `json:"findings"`
	}{Policy: c.file, Findings: jsonFindings(c.findings)}
	if c.findings.Err() != nil {
		if asJSON {
			if err := printJSON(summary); err != nil {
				return err
			}
		}
		return failure(c.findings)
	}
	result, data := c.result, c.result.Bytes
	if c.format == "raw" {
		var err error
		if data, err = exporter.Raw(result.Blob); err != nil {
			complain(fmt.Sprintf("%s: %v", c.file, err), "choose one with --target")
			return reported(1)
		}
	}
	if err := write(c.out, data); err != nil || c.out == "-" {
		return err
	}
	summary.Output, summary.Programs, summary.Complains = c.out, len(result.Programs), result.Blob.Complain
	summary.Tests = len(result.Policy.Tests) - len(skipped(result))
	for _, p := range result.Programs {
		summary.Instructions += len(p)
	}
	more := ""
	if summary.Tests > 0 {
		more = fmt.Sprintf(", %s passed", count(summary.Tests, "test"))
	}
	if f := result.Blob.Fallbacks; f != 0 && c.format == "blob" {
		summary.Fallbacks = f.String()
		more += "; on kernels that lack an action: " + summary.Fallbacks
	}
	if summary.Complains {
		more += "; it complains: what the policy denies is done, and logged"
	}
	if asJSON {
		return printJSON(summary)
	}
	_, err := fmt.Printf("%s: %s, %s, proven equal to %s%s\n", c.out, count(summary.Programs, "program"), count(summary.Instructions, "instruction"), c.file, more)
	return err
}

// count returns "1 test", "2 tests".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// same reports whether two names are of one file.
func same(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// write puts data into a file at once: nobody sees a part of it, and an error leaves what was there. A symbolic link
// stays one, and a file keeps its mode.
func write(file string, data []byte) (err error) {
	if file == "-" {
		_, err := os.Stdout.Write(data)
		return err
	}
	mode := fs.FileMode(0o644)
	switch info, err := os.Stat(file); {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("write %s: it is there and not a regular file", file)
	case err == nil:
		mode = info.Mode().Perm()
		if file, err = filepath.EvalSymlinks(file); err != nil {
			return err
		}
	}
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*")
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err // the temporary file's name helps nobody
		}
		return fmt.Errorf("write %s: %w", file, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	return err
}
