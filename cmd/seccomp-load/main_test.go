//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// What the tests run, in a folder for each way to enter the loader: direct and runtime.
var bin string

var entries = []string{"direct", "runtime"}

func TestMain(m *testing.M) {
	if r, ok := roles[os.Getenv(role)]; ok {
		if err := r(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	flag.Parse()
	os.Exit(func() int {
		// The go command keeps results of tests, and does not know what these build unless they read it.
		sources, err := filepath.Glob("*.[gs]*")
		for _, f := range sources {
			_, unread := os.ReadFile(f)
			err = errors.Join(err, unread)
		}
		if err != nil || len(sources) < 10 {
			fmt.Fprintln(os.Stderr, sources, err)
			return 1
		}
		if bin, err = os.MkdirTemp("", "seccomp-load"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(bin)
		for entry, flags := range map[string]string{"direct": "-ldflags=-E=_seccomp_load_start", "runtime": "-ldflags="} {
			dir := filepath.Join(bin, entry)
			err = errors.Join(err, os.Mkdir(dir, 0o755),
				build("-o", dir, "-buildmode=exe", flags, "."), build("-o", dir, "../seccompc"))
			if runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64" {
				err = errors.Join(err, build("-o", dir, "-ldflags=-E=_exit_start", "./testdata/exit"),
					build("-o", dir, "-ldflags=-E=_witness_start", "./testdata/witness"))
			}
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

func TestScripts(t *testing.T) {
	for _, entry := range entries {
		t.Run(entry, func(t *testing.T) {
			dir := filepath.Join(bin, entry)
			testscript.Run(t, testscript.Params{
				Dir:                 "testdata",
				RequireExplicitExec: true,
				RequireUniqueNames:  true,
				Setup: func(e *testscript.Env) error {
					e.Setenv("PATH", dir+string(filepath.ListSeparator)+e.Getenv("PATH"))
					e.Setenv("BIN", dir)
					e.Setenv("ENTRY", entry)
					return nil
				},
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"code":     code,
					"truncate": truncate,
					"flip":     flip,
					"policies": policies,
				},
			})
		})
	}
}

func build(args ...string) error {
	cmd := exec.Command("go", append([]string{"build"}, args...)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// compile compiles a policy with what the YAML text adds to a name, and returns its blob.
func compile(t *testing.T, name, text string, flags ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file+".yaml", []byte("seccompc: 1\nname: "+name+"\n"+text+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(filepath.Join(bin, "direct/seccompc"), append([]string{"compile", file + ".yaml"}, flags...)...).CombinedOutput(); err != nil {
		t.Fatalf("seccompc: %v\n%s", err, out)
	}
	return file + ".seccomp"
}

// code N COMMAND... checks a command's exit code.
func code(ts *testscript.TestScript, _ bool, args []string) {
	got := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// truncate FILE N cuts a file to its first N bytes.
func truncate(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}

// flip FILE FROM... makes copies of a file named FROM.flip, each with the byte at the offset FROM inverted.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	for _, arg := range args[1:] {
		data := []byte(ts.ReadFile(args[0]))
		at, err := strconv.Atoi(arg)
		ts.Check(err)
		data[at] ^= 0xff
		ts.Check(os.WriteFile(ts.MkAbs(arg+".flip"), data, 0o644))
	}
}

// policies writes and compiles a policy with one rule for each NAME=YAML.
func policies(ts *testscript.TestScript, _ bool, args []string) {
	for _, arg := range args {
		name, body, _ := strings.Cut(arg, "=")
		text := fmt.Sprintf("seccompc: 1\nname: %s\n%s\n", name, strings.ReplaceAll(body, ";", "\n"))
		ts.Check(os.WriteFile(ts.MkAbs(name+".yaml"), []byte(text), 0o644))
		ts.Check(ts.Exec("seccompc", "compile", name+".yaml"))
	}
}
