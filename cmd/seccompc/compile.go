package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/exporter"
	"github.com/seccompc/seccompc/compiler/policy"
)

func compileCommand() *cobra.Command {
	var out, format, kernel, findings string
	var o compiler.Options
	c := &cobra.Command{
		Use:   "compile [flags] POLICY",
		Short: "Compile a policy (.yaml) or an OCI profile (.json) to a blob",
		Long: `Compile resolves a policy for each of its targets, generates a program for each, proves
that the program decides every call as the policy does, and writes the blob. When anything
is wrong, nothing is written and a file that is there stays as it was.

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
			if findings != "error" && findings != "warn" {
				return usageError{fmt.Errorf("--findings %q: it is error or warn", findings)}
			}
			if kernel != "" {
				var err error
				if o.Kernel, err = arch.ParseVersion(kernel); err != nil {
					return usageError{fmt.Errorf("--kernel: %w", err)}
				}
			}
			return compile(args[0], out, format, o)
		},
	}
	f := c.Flags()
	f.StringVarP(&out, "output", "o", "", "write to `FILE`, - is standard output (default: POLICY with the extension .seccomp, or .bpf for raw)")
	f.StringArrayVar(&o.Targets, "target", nil, "compile for `TARGET` in place of the policy's targets; can be repeated")
	f.StringVar(&format, "format", "blob", "blob, or raw: the bare struct sock_filter array of one target")
	f.StringArrayVar(&o.Caps, "cap", nil, "include the rules for programs that have `CAPABILITY`; can be repeated")
	f.StringVar(&kernel, "kernel", "", "run on `VERSION` and newer: leave out what rules allow on newer kernels only")
	f.StringVar(&findings, "findings", "error", "error or warn; accepted for later, nothing is found yet")
	return c
}

func compile(file, out, format string, o compiler.Options) error {
	src, err := readPolicy(file)
	if err != nil {
		return err
	}
	if out == "" {
		ext := ".seccomp"
		if format == "raw" {
			ext = ".bpf"
		}
		out = strings.TrimSuffix(file, filepath.Ext(file)) + ext
	}
	if same(file, out) {
		return usageError{fmt.Errorf("-o %s: that is the policy itself", out)}
	}
	result, findings := compiler.Compile(file, src, o)
	if result != nil {
		findings = append(findings, noCommand(file, result.Blob)...)
	}
	report(findings, src)
	if result == nil {
		if slices.ContainsFunc(findings, func(d policy.Diagnostic) bool { return strings.HasPrefix(d.Pos.File, "--") }) {
			return reported(2) // a flag's value is wrong, not the policy
		}
		return reported(1)
	}
	data := result.Bytes
	if format == "raw" {
		if data, err = exporter.Raw(result.Blob); err != nil {
			complain(fmt.Sprintf("%s: %v", file, err), "choose one with --target")
			return reported(1)
		}
	}
	if err := write(out, data); err != nil {
		return err
	}
	if out != "-" {
		instructions := 0
		for _, p := range result.Programs {
			instructions += len(p)
		}
		programs := "1 program"
		if n := len(result.Programs); n > 1 {
			programs = fmt.Sprintf("%d programs", n)
		}
		_, err = fmt.Printf("%s: %s, %d instructions, proven equal to %s\n", out, programs, instructions, file)
	}
	return err
}

// noCommand warns of a policy that seccomp-load refuses to start a command under.
func noCommand(file string, b *blob.Blob) (findings policy.Diagnostics) {
	for _, t := range b.Targets {
		if b.Install == blob.Exec && t.Allows&blob.AllowsExecve == 0 {
			findings.Warnf(policy.Pos{File: file}, "allow execve without a condition, or say install: self",
				"execve is not always allowed on %s: seccomp-load will start no command under this policy", t.Label)
			break
		}
	}
	return findings
}

// readPolicy reads a policy file, and no more of it than a policy may have.
func readPolicy(file string) ([]byte, error) {
	if ext := strings.ToLower(filepath.Ext(file)); ext != ".yaml" && ext != ".yml" && ext != ".json" {
		return nil, usageError{fmt.Errorf("%s: a policy's name ends in .yaml, an OCI profile's in .json", file)}
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, policy.MaxSize+1))
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
