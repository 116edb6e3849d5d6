package policy_test

import (
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/policy/policytest"
)

// sections returns the bad policies of testdata, each with what it includes.
func sections(t testing.TB) (list []string) {
	all, err := policytest.Read("../../testdata/policies/bad")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if strings.HasSuffix(s.File, ".yaml") {
			list = append(list, s.Text)
		}
	}
	if len(list) < 50 {
		t.Fatalf("only %d seeds", len(list))
	}
	return list
}

// check parses a policy, with what it includes, twice and checks what holds for any input.
func check(t *testing.T, text string) *policy.Policy {
	t.Helper()
	src, read := policytest.Split(text)
	p, diags := policy.Parse("policy.yaml", []byte(src), read)
	if (p == nil) != (diags.Err() != nil) {
		t.Fatalf("%q: a policy: %v, an error: %v", text, p != nil, diags.Err())
	}
	for _, d := range diags {
		if d.Code == "" || d.Msg == "" || strings.ContainsAny(d.Msg+d.Hint, "\n\r") {
			t.Errorf("%q: code %q, message %q, hint %q", text, d.Code, d.Msg, d.Hint)
		}
		in := src
		if d.Pos.File != "policy.yaml" {
			file, err := read(d.Pos.File)
			if in = string(file); err != nil {
				t.Errorf("%q: %v: %s is in a file that was not included", text, d.Pos, d.Msg)
			}
		}
		if d.Pos.Line == 0 {
			continue
		}
		lines := strings.Split(in, "\n")
		if d.Pos.Line < 0 || d.Pos.Line > len(lines) || d.Pos.Col < 1 || d.Pos.Col > len([]rune(lines[d.Pos.Line-1]))+1 {
			t.Errorf("%q: %v: %s is outside", text, d.Pos, d.Msg)
		}
	}
	again, more := policy.Parse("policy.yaml", []byte(src), read)
	if !reflect.DeepEqual(again, p) || !reflect.DeepEqual(more.Sorted(), diags.Sorted()) {
		t.Errorf("%q: parsed differently the second time", text)
	}
	return p
}

func FuzzParse(f *testing.F) {
	f.Add(whole + "--- base.yaml\n" + base + "--- sub/deep.yaml\n" + deep)
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

// FuzzCall puts a text into a policy as the call of a test. What Parse takes, it takes again with all arguments by name,
// and reads the same.
func FuzzCall(f *testing.F) {
	for _, s := range sections(f) {
		for line := range strings.Lines(s) {
			if _, call, ok := strings.Cut(line, "call: "); ok {
				call, _, _ = strings.Cut(call, ", want")
				f.Add(strings.Trim(call, " }\"\n"))
			}
		}
	}
	f.Add("mmap(_, -1, type=~(3 | 0x10))")
	const head = "seccompc: 1\ndefault: allow\ntests:\n- want: log\n  call: "
	f.Fuzz(func(t *testing.T, call string) {
		p := check(t, head+strconv.Quote(call))
		check(t, head+"|2\n"+call)
		check(t, head+call)
		if p == nil {
			return
		}
		first := p.Tests[0]
		var named []string
		for _, a := range first.Args {
			named = append(named, a.Param.Text+"="+a.Value.String())
		}
		q := check(t, head+strconv.Quote(first.Call.Text+"("+strings.Join(named, ", ")+")"))
		if q == nil || args(q.Tests[0]) != args(first) {
			t.Errorf("%q: Parse refuses or changes %q", call, named)
		}
	})
}
