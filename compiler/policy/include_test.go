package policy_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/compiler/policy"
)

const includeBase = "seccompc: 1\ndefault: allow\nrules:\n- include: base.yaml\n"

// TestSources: each file is there once, in the order in which it is met, as it was read.
func TestSources(t *testing.T) {
	p := parse(t, whole)
	var names []string
	for _, s := range p.Sources {
		names = append(names, filepath.ToSlash(s.Name))
	}
	if want := []string{"policy.yaml", "base.yaml", "sub/deep.yaml"}; !slices.Equal(names, want) || string(p.Sources[2].Text) != deep {
		t.Errorf("sources %q, the last %q", names, p.Sources[len(p.Sources)-1].Text)
	}
	if pos := p.Rules[13].Calls[0].Name.Pos; filepath.ToSlash(pos.String()) != "sub/deep.yaml:3:19" {
		t.Errorf("a call of a fragment is at %s", pos)
	}
	twice := parse(t, includeBase+"- include: ./base.yaml\n- include: sub/../base.yaml\n- include: sub/deep.yaml\n")
	if len(twice.Sources) != 3 || len(twice.Rules) != 7 {
		t.Errorf("three times the same: %d sources, %d rules", len(twice.Sources), len(twice.Rules))
	}
}

// TestIncludePaths: a name is relative to the file that has it, wherever that lies.
func TestIncludePaths(t *testing.T) {
	for file, want := range map[string]string{
		"policy.yaml":           "base.yaml",
		"a/b/policy.yaml":       "a/b/base.yaml",
		"./policy.yaml":         "base.yaml",
		"../a/policy.yaml":      "../a/base.yaml",
		"/a/../b/policy.yaml":   "/b/base.yaml",
		"a space/../policy.yml": "base.yaml",
	} {
		var asked []string
		_, diags := policy.Parse(filepath.FromSlash(file), []byte(includeBase), func(name string) ([]byte, error) {
			asked = append(asked, filepath.ToSlash(name))
			return []byte("seccompc: 1\n"), nil
		})
		if len(diags) > 0 || !slices.Equal(asked, []string{want}) {
			t.Errorf("%s: asked for %q, want %q: %v", file, asked, want, diags)
		}
	}
}

// TestIncludeDepth: 8 files deep is allowed, and a file may include itself under no name.
func TestIncludeDepth(t *testing.T) {
	chain := func(deepest int) func(string) ([]byte, error) {
		return func(name string) ([]byte, error) {
			var n int
			if _, err := fmt.Sscanf(name, "base%d.yaml", &n); err != nil {
				n = 1 // base.yaml
			}
			if n == deepest {
				return []byte("seccompc: 1\nrules:\n- allow: [read]\n"), nil
			}
			return fmt.Appendf(nil, "seccompc: 1\nrules:\n- include: base%d.yaml\n", n+1), nil
		}
	}
	if p, diags := policy.Parse("policy.yaml", []byte(includeBase), chain(8)); p == nil || len(p.Rules) != 1 {
		t.Errorf("8 files deep: %v", diags)
	}
	if _, diags := policy.Parse("policy.yaml", []byte(includeBase), chain(9)); len(diags) != 1 || diags[0].Code != "include-depth" {
		t.Errorf("9 files deep: %v", diags)
	}
}

// TestIncludeNothing: a policy from nowhere includes nothing.
func TestIncludeNothing(t *testing.T) {
	p, diags := policy.Parse("policy.yaml", []byte(includeBase), nil)
	if p != nil || len(diags) != 1 || diags[0].Code != "include-read" || !strings.Contains(diags[0].Msg, "nothing can be included here") {
		t.Errorf("%v", diags)
	}
}
