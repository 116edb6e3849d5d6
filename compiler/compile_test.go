package compiler_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/compiler"
)

// TestNotChecked: rules that the linter's diagrams are too small for are compiled all the same, for the proof is another
// matter; the linter says that it gave up.
func TestNotChecked(t *testing.T) {
	var rules strings.Builder
	for i := range 200 {
		fmt.Fprintf(&rules, "- allow: [read]\n  if: arg%d == %d\n", i%6, i)
	}
	src := "seccompc: 1\ntargets: [x86_64]\nreviewed: \"7.0\"\ninstall: self\ndefault: errno(EPERM)\nrules:\n" + rules.String()
	r, diags := compiler.Compile("many.yaml", []byte(src), compiler.Options{})
	if r == nil || len(r.Bytes) == 0 || len(diags) != 1 || diags[0].Code != "not-checked" || !diags[0].Warning {
		t.Errorf("compiled: %v, %v", r != nil, diags)
	}
}

// TestCallTwice: a call that one rule names twice, by itself and by a group, costs what it costs once.
func TestCallTwice(t *testing.T) {
	length := func(calls string) int {
		src := "seccompc: 1\ntargets: [x86_64]\ndefault: errno(EPERM)\nrules:\n- allow: [" + calls + "]\n  if: arg0 == 3 || arg1 == 4 && arg2 != 5\n"
		r, diags := compiler.Compile("twice.yaml", []byte(src), compiler.Options{Warn: true})
		if r == nil {
			t.Fatal(diags)
		}
		return len(r.Programs[0])
	}
	if once, twice := length("read, write"), length("read, write, read"); once != twice {
		t.Errorf("%d instructions, %d with a call named twice", once, twice)
	}
}
