//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadme runs the session that the README invites to paste and compares what it prints.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "```console\n")
	session, _, _ := strings.Cut(rest, "```")
	steps := strings.Split(session, "$ ")[1:]
	if len(steps) < 4 {
		t.Fatalf("%d commands in the session", len(steps))
	}
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(bin, "direct"), filepath.Join(dir, "bin")); err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		command, want, _ := strings.Cut(step, "\n")
		if strings.Contains(command, "<<'EOF'") {
			command, want = step, ""
		}
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "LC_ALL=C") // plain quotes in coreutils' messages
		got, _ := cmd.CombinedOutput()
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("$ %s\nREADME (-) and run (+) differ:\n%s", command, diff)
		}
	}
}
