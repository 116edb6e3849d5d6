package resolve_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// FuzzResolve resolves whatever policy.Parse takes, and checks what holds for any Filter.
func FuzzResolve(f *testing.F) {
	paths, err := filepath.Glob("../../testdata/policies/bad/*.txt")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, s := range strings.Split(string(text), "\n=== ")[1:] {
			f.Add(s[strings.Index(s, "\n")+1:])
		}
	}
	f.Add("seccompc: 1\ndefault: allow\nrules:\n- errno(1): [read, 7]\n  if: '!(arg0 & 3 == 1 || oneof(arg1, 2, ~3 & 0xff))'\n- {log: [write], abis: [x86_64]}\n")
	targets := [][]*arch.ABI{
		{arch.Lookup("x86_64")},
		{arch.Lookup("x86_64"), arch.Lookup("i386"), arch.Lookup("x32")},
		{arch.Lookup("mips")},
	}
	f.Fuzz(func(t *testing.T, src string) {
		p, _ := policy.Parse("policy.yaml", []byte(src), nil)
		if p == nil {
			return
		}
		p.Targets = p.Targets[:min(len(p.Targets), 1)]
		for _, abis := range targets {
			target, diags := resolve.Resolve(p, abis, resolve.Options{})
			if (target == nil) != (diags.Err() != nil) {
				t.Fatalf("a target: %v, an error: %v", target != nil, diags.Err())
			}
			lines := strings.Split(src, "\n")
			for _, d := range diags {
				if d.Pos.Line < 1 || d.Pos.Line > len(lines) || d.Pos.Col < 1 || d.Pos.Col > len([]rune(lines[d.Pos.Line-1]))+1 {
					t.Errorf("%v: %s is outside", d.Pos, d.Msg)
				}
			}
			if target == nil {
				continue
			}
			for _, f := range target.Filters {
				if f.Decide(resolve.NoCall, [6]uint64{}) != f.Unknown {
					t.Errorf("%s: %#x is not unknown", f.ABI.Name, uint32(resolve.NoCall))
				}
				for _, r := range f.Rules {
					for i, n := range r.Numbers {
						if i > 0 && r.Numbers[i-1] >= n || !f.Serves(f.ABI.Audit, n) {
							t.Errorf("%s: numbers %v", f.ABI.Name, r.Numbers)
						}
					}
				}
			}
		}
	})
}
