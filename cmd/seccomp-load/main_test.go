//go:build linux

package main

import (
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

func TestScripts(t *testing.T) {
	bin := t.TempDir()
	build(t, "-o", bin, ".", "../seccompc")
	if runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64" {
		build(t, "-o", bin, "-ldflags=-E=_exit_start", "./testdata/exit")
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", bin+string(filepath.ListSeparator)+e.Getenv("PATH"))
			e.Setenv("BIN", bin)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code":     code,
			"truncate": truncate,
			"flip":     flip,
			"policies": policies,
		},
	})
}

func build(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"build"}, args...)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
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
		ts.Check(os.WriteFile(ts.MkAbs(arg+".flip"), data, 0o666))
	}
}

// policies writes and compiles a policy with one rule for each NAME=YAML.
func policies(ts *testscript.TestScript, _ bool, args []string) {
	for _, arg := range args {
		name, body, _ := strings.Cut(arg, "=")
		text := fmt.Sprintf("seccompc: 1\nname: %s\n%s\n", name, strings.ReplaceAll(body, ";", "\n"))
		ts.Check(os.WriteFile(ts.MkAbs(name+".yaml"), []byte(text), 0o666))
		ts.Check(ts.Exec("seccompc", "compile", name+".yaml"))
	}
}
