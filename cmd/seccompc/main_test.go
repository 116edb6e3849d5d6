package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"seccompc": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               offline,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"truncate": truncate,
			"manyvals": manyValues,
			"size":     size,
			"code":     code,
		},
	})
}

// offline lets scripts run the go command, on what is there: this checkout and the caches.
func offline(env *testscript.Env) error {
	checkout, err := filepath.Abs("../..")
	if err != nil {
		return err
	}
	out, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		return err
	}
	caches := strings.Fields(string(out))
	env.Vars = append(env.Vars, "CHECKOUT="+checkout, "GOCACHE="+caches[0], "GOMODCACHE="+caches[1], "GOPROXY=off", "GOSUMDB=off", "GOFLAGS=-mod=mod",
		"GOWORK=off", "CGO_ENABLED=0")
	return nil
}

// truncate FILE N cuts a file to its first N bytes.
func truncate(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}

// manyvals FILE N writes a policy with one set of N values, no two of them neighbours.
func manyValues(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	var b strings.Builder
	b.WriteString("seccompc: 1\nname: many\ndefault: errno(EPERM)\nrules:\n  - allow: [execve]\n  - allow:\n      fcntl: oneof(arg1")
	for i := range n {
		fmt.Fprintf(&b, ", %d", 2*i)
	}
	b.WriteString(")\n")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o666))
}

// size FILE N checks a file's size in bytes.
func size(ts *testscript.TestScript, _ bool, args []string) {
	if got := fmt.Sprint(len(ts.ReadFile(args[0]))); got != args[1] {
		ts.Fatalf("%s has %s bytes, want %s", args[0], got, args[1])
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
