package compiler_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/resolve/resolvetest"
)

// TestLines: the line of the rule that decides a call is among those that the blob's table gives for it.
func TestLines(t *testing.T) {
	paths, err := filepath.Glob("../policies/*.yaml")
	if err != nil || len(paths) < 5 {
		t.Fatalf("%d policies, error %v", len(paths), err)
	}
	r := rand.New(rand.NewPCG(3, 1))
	decided, alone := 0, 0
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		result, findings := compiler.Compile(path, src, compiler.Options{Read: os.ReadFile, Targets: []string{"x86_64+i386", "s390x"}, Warn: true})
		if result == nil || result.Bytes == nil {
			t.Fatal(findings)
		}
		for i, target := range result.Targets {
			for _, c := range resolvetest.Calls(r, target, resolvetest.Values(target), 300) {
				for _, f := range target.Filters {
					rule := f.Rule(c.NR, c.Args)
					if !f.Serves(c.Arch, c.NR) || rule == nil {
						continue
					}
					lines := inspect.Lines(result.Blob, i, inspect.Reached(result.Programs[i], c.Arch, c.NR))
					if !slices.ContainsFunc(lines, func(l blob.Line) bool { return l.Number == rule.Pos.Line }) {
						t.Errorf("%s: %#x is decided at line %d, not among %v", path, c, rule.Pos.Line, lines)
					}
					if decided++; len(lines) == 1 {
						alone++
					}
				}
			}
		}
	}
	t.Logf("%d calls decided by rules, the line of %d known without the policy", decided, alone)
	if decided < 500 || alone < 10 {
		t.Errorf("%d calls decided by rules, the line of %d known", decided, alone)
	}
}
