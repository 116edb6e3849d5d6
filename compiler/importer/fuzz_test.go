package importer_test

import (
	"strings"
	"testing"

	"github.com/seccompc/seccompc/compiler/importer"
	"github.com/seccompc/seccompc/compiler/policy/policytest"
)

func FuzzOCI(f *testing.F) {
	f.Add(in(allowRead, denyRead, rule("mmap", "ALLOW", arg(2, "MASKED_EQ", 1), arg(0, "NE", 2))))
	f.Add(in(when("ALLOW", `"caps": ["CAP_BPF"], "arches": ["arm64"], "minKernel": "4.8"`, `"caps": []`)))
	f.Add("{\"a\xe8\xe8膆\n\": 1}")
	sections, err := policytest.Read("../../testdata/policies/bad")
	if err != nil {
		f.Fatal(err)
	}
	seeds := 0
	for _, s := range sections {
		if strings.HasSuffix(s.File, ".json") {
			f.Add(s.Text)
			seeds++
		}
	}
	if seeds < 30 {
		f.Fatalf("only %d seeds", seeds)
	}
	f.Fuzz(func(t *testing.T, src string) {
		p, diags := importer.OCI("profile.json", []byte(src))
		if (p == nil) != (diags.Err() != nil) {
			t.Fatalf("a policy: %v, an error: %v", p != nil, diags.Err())
		}
		lines := strings.Split(src, "\n")
		for _, d := range diags {
			if d.Msg == "" || strings.ContainsAny(d.Msg+d.Hint, "\n\r") {
				t.Errorf("message %q, hint %q", d.Msg, d.Hint)
			}
			if d.Pos.Line < 0 || d.Pos.Line > len(lines) || d.Pos.Line > 0 && (d.Pos.Col < 1 || d.Pos.Col > len([]rune(lines[d.Pos.Line-1]))+1) {
				t.Errorf("%v: %s is outside", d.Pos, d.Msg)
			}
		}
		if p == nil {
			return
		}
		for _, r := range p.Rules {
			if r.Action.Kind == 0 || len(r.Calls) == 0 {
				t.Errorf("a rule with the action %v and %d calls", r.Action, len(r.Calls))
			}
		}
		if p.Default.Kind == 0 {
			t.Error("a policy without a default")
		}
	})
}
