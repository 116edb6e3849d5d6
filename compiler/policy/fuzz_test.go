package policy_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/compiler/policy"
)

// sections returns the sections of the bad policies in testdata, annotations included: they are comments to YAML.
func sections(t testing.TB) (list []string) {
	paths, err := filepath.Glob("../../testdata/policies/bad/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range strings.Split(string(text), "\n=== ")[1:] {
			if name, body, _ := strings.Cut(s, "\n"); strings.HasSuffix(name, ".yaml") {
				list = append(list, body)
			}
		}
	}
	if len(list) < 50 {
		t.Fatalf("only %d seeds", len(list))
	}
	return list
}

// check parses src twice and checks what holds for any input.
func check(t *testing.T, src string) *policy.Policy {
	t.Helper()
	p, diags := policy.Parse("policy.yaml", []byte(src), nil)
	if (p == nil) != (diags.Err() != nil) {
		t.Fatalf("%q: a policy: %v, an error: %v", src, p != nil, diags.Err())
	}
	lines := strings.Split(src, "\n")
	for _, d := range diags {
		if d.Msg == "" || strings.ContainsAny(d.Msg+d.Hint, "\n\r") {
			t.Errorf("%q: message %q, hint %q", src, d.Msg, d.Hint)
		}
		if d.Pos.Line == 0 {
			continue
		}
		if d.Pos.Line < 0 || d.Pos.Line > len(lines) || d.Pos.Col < 1 || d.Pos.Col > len([]rune(lines[d.Pos.Line-1]))+1 {
			t.Errorf("%q: %v: %s is outside", src, d.Pos, d.Msg)
		}
	}
	again, more := policy.Parse("policy.yaml", []byte(src), nil)
	if !reflect.DeepEqual(again, p) || !reflect.DeepEqual(more.Sorted(), diags.Sorted()) {
		t.Errorf("%q: parsed differently the second time", src)
	}
	return p
}

func FuzzParse(f *testing.F) {
	f.Add(whole)
	f.Add("\ufeff" + strings.ReplaceAll(whole, "\n", "\r\n"))
	for _, s := range sections(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) { check(t, src) })
}

// FuzzExpr puts a text into a policy as its condition. What Parse takes, it takes again from String, and reads the same.
func FuzzExpr(f *testing.F) {
	for _, s := range sections(f) {
		for line := range strings.Lines(s) {
			if _, cond, ok := strings.Cut(line, "if: "); ok {
				cond, _, _ = strings.Cut(cond, "###")
				f.Add(strings.Trim(cond, " }\"'\n"))
			}
		}
	}
	f.Add("a == - -1")
	f.Fuzz(func(t *testing.T, cond string) {
		p := check(t, head+strconv.Quote(cond))
		check(t, head+"|2\n"+cond)
		check(t, head+cond)
		if p == nil {
			return
		}
		e := p.Rules[0].Calls[0].If
		q := check(t, head+strconv.Quote(e.String()))
		if q == nil || q.Rules[0].Calls[0].If.String() != e.String() {
			t.Errorf("%q: Parse refuses or changes %q", cond, e)
		}
	})
}
