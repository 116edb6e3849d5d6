package compiler_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/policy"
)

// TestNotChecked: rules that the linter's diagrams are too small for are compiled all the same, for the proof is another
// matter; the linter says that it gave up.
func TestNotChecked(t *testing.T) {
	compile := func(n int) (*compiler.Result, policy.Diagnostics) {
		var rules strings.Builder
		for i := range n {
			fmt.Fprintf(&rules, "- allow: [read]\n  if: arg%d == %d\n", i%6, i*0x9e3779b97f4a)
		}
		src := "seccompc: 1\ntargets: [x86_64]\nreviewed: \"7.0\"\ninstall: self\ndefault: errno(EPERM)\nrules:\n" + rules.String() +
			"tests:\n- call: read(0)\n  want: allow\n"
		return compiler.Compile("many.yaml", []byte(src), compiler.Options{})
	}
	if r, diags := compile(400); r == nil || len(r.Bytes) == 0 || len(diags) != 1 || diags[0].Code != "not-checked" || !diags[0].Warning {
		t.Errorf("400 conditions: compiled: %v, %v", r != nil, diags)
	}
	if r, diags := compile(200); r == nil || len(r.Bytes) == 0 || len(diags) != 0 {
		t.Errorf("200 conditions: compiled: %v, %v", r != nil, diags)
	}
}

// TestAllocations: a compilation is quick because it makes little.
func TestAllocations(t *testing.T) {
	src, err := os.ReadFile("../policies/docker-default.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, diags := compiler.Parse("docker-default.yaml", src, nil)
	if p == nil {
		t.Fatal(diags)
	}
	var r *compiler.Result
	compile := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			r, _ = compiler.CompilePolicy(p, compiler.Options{Targets: []string{"x86_64"}})
		}
	})
	if n, size := compile.AllocsPerOp(), compile.AllocedBytesPerOp(); r == nil || n > 4500 || size > 2_500_000 {
		t.Errorf("%d allocations of %d bytes", n, size)
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
