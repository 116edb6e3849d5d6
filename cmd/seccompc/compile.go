package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seccompc/seccompc/compiler/exporter"
)

func compileCommand() *cobra.Command {
	var out, format string
	var asJSON bool
	var o inputs
	c := &cobra.Command{
		Use:   "compile [flags] POLICY",
		Short: "Compile a policy (.yaml) or an OCI profile (.json) to a blob",
		Long: `Compile resolves a policy for each of its targets, generates a program for each, proves
that the program decides every call as the policy does, runs the policy's tests on it and
writes the blob. When anything is wrong, nothing is written and a file that is there stays
as it was.

A target is a native ABI and the compat ABIs that its program serves too, as in
x86_64+i386. A policy that names none is compiled for every ABI that seccomp-load runs on.`,
		Example: `  seccompc compile policies/toaster.yaml
  seccompc compile -o docker.seccomp --cap SYS_ADMIN --kernel 5.10 profile.json
  seccompc compile --target x86_64 --format raw -o toaster.bpf policies/toaster.yaml`,
		Args: oneFile("policy"),
		RunE: func(_ *cobra.Command, args []string) error {
			if format != "blob" && format != "raw" {
				return usageError{fmt.Errorf("--format %q: the formats are blob and raw", format)}
			}
			if asJSON && out == "-" {
				return usageError{errors.New("--json and -o -: both want standard output")}
			}
			return compile(args[0], out, format, asJSON, &o)
		},
	}
	o.flags(c)
	f := c.Flags()
	f.StringVarP(&out, "output", "o", "", "write to `FILE`, - is standard output (default: POLICY with the extension .seccomp, or .bpf for raw)")
	f.StringVar(&format, "format", "blob", "blob, or raw: the bare struct sock_filter array of one target")
	f.BoolVar(&asJSON, "json", false, "print JSON: the findings and what was written")
	return c
}

func compile(file, out, format string, asJSON bool, o *inputs) error {
	if out == "" {
		ext := ".seccomp"
		if format == "raw" {
			ext = ".bpf"
		}
		out = strings.TrimSuffix(file, filepath.Ext(file)) + ext
	}
	o.Urgent = true
	result, findings, err := o.compile(file)
	if err != nil {
		return err
	}
	if same(file, out) {
		return usageError{fmt.Errorf("-o %s: that is the policy itself", out)}
	}
	if !asJSON {
		report(findings, o.texts)
	}
	summary := struct {
		Output       string    `json:"output,omitempty"`
		Programs     int       `json:"programs,omitempty"`
		Instructions int       `json:"instructions,omitempty"`
		Tests        int       `json:"tests,omitempty"`
		Fallbacks    string    `json:"fallbacks,omitempty"`
		Findings     []finding `json:"findings"`
	}{Findings: jsonFindings(findings)}
	if findings.Err() != nil {
		if asJSON {
			if err := printJSON(summary); err != nil {
				return err
			}
		}
		return failure(findings)
	}
	data := result.Bytes
	if format == "raw" {
		if data, err = exporter.Raw(result.Blob); err != nil {
			complain(fmt.Sprintf("%s: %v", file, err), "choose one with --target")
			return reported(1)
		}
	}
	if err := write(out, data); err != nil || out == "-" {
		return err
	}
	summary.Output, summary.Programs = out, len(result.Programs)
	summary.Tests = len(result.Policy.Tests) - len(skipped(result))
	for _, p := range result.Programs {
		summary.Instructions += len(p)
	}
	fallbacks := ""
	if f := result.Blob.Fallbacks; f != 0 && format == "blob" {
		summary.Fallbacks = f.String()
		fallbacks = "; on kernels that lack an action: " + summary.Fallbacks
	}
	if asJSON {
		return printJSON(summary)
	}
	tests := ""
	if summary.Tests > 0 {
		tests = fmt.Sprintf(", %s passed", count(summary.Tests, "test"))
	}
	_, err = fmt.Printf("%s: %s, %s, proven equal to %s%s%s\n", out, count(summary.Programs, "program"), count(summary.Instructions, "instruction"), file, tests, fallbacks)
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
