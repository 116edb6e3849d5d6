package lint

import (
	"slices"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/compiler/policy"
)

// TestEffects: what is found of a policy's conditions and rules, as "code at line:column" each, and nothing else of these
// codes. The policies begin with the fifth line.
func TestEffects(t *testing.T) {
	for _, v := range []struct{ name, rules, want string }{
		{"a condition that counts", "- allow: {read: fd == 1}", ""},
		{"a condition that never holds", "- allow: {read: fd == 1 && fd == 2}", "condition-never 5:11"},
		{"a mask that the value is beyond", "- allow: {read: fd & 3 == 4}", "condition-never 5:11"},
		{"a condition that holds always", "- allow: {read: arg2 >= 0}", "condition-unlimited 5:11"},
		{"behind a rule for all", "- errno(EACCES): [read]\n- allow: {read: fd == 1}", "condition-shadowed 6:11"},
		{"behind the same", "- allow: {read: fd == 1}\n- log: {read: fd == 1}", "condition-shadowed 6:9"},
		{"behind two that share it", "- allow: {read: fd < 5}\n- trap: {read: fd >= 5}\n- log: {read: fd == 1}", "condition-shadowed 7:9, condition-unlimited 6:10"},
		{"behind a part of it", "- allow: {read: fd == 1}\n- log: {read: fd < 5}", ""},
		{"above a rule that says the same", "- allow: {read: fd == 1}\n- allow: [read]", "condition-useless 5:11"},
		{"above a rule that says otherwise", "- trap: {read: fd == 1}\n- allow: [read]", ""},
		{"the default's action", "- errno(EPERM): {read: fd == 1}", "condition-useless 5:18"},
		{"the default by its name", "- default: {read: fd == 1}", "condition-useless 5:13"},
		{"what fails it meets the same", "- allow: {read: fd == 1}\n- allow: {read: fd != 1}", "condition-unlimited 5:11, condition-unlimited 6:11"},
		{"what fails it meets the same, first", "- trap: {read: fd == 1}\n- trap: {read: fd != 1}\n- allow: [read]", "condition-unlimited 5:10, condition-unlimited 6:10, rule-shadowed 7:11"},
		{"some of what fails it does not", "- allow: {read: fd == 1}\n- allow: {read: fd > 1}", ""},

		{"a group of which one call counts", "- allow: [lseek]\n- allow: {\"@a\": fd == 1}", ""},
		{"a group of which none does", "- allow: [lseek, read]\n- allow: {\"@a\": fd == 1}", "condition-shadowed 6:11"},
		{"a group that can lose its condition for one call, and one call", "- allow: {\"@a\": fd >= 0}\n- allow: {lseek: fd < 0}\n- allow: {read: fd >= -5}", "condition-unlimited 6:11"},

		{"on one ABI", "- {allow: [read], abis: [x86_64]}\n- allow: {read: fd == 1}", ""},
		{"on both ABIs", "- {allow: [read], abis: [x86_64]}\n- {allow: [read], abis: [i386]}\n- allow: {read: fd == 1}", "condition-shadowed 7:11"},
		{"on the only ABI that has it", "- allow: [socketcall]\n- allow: {socketcall: arg0 == 1}", "condition-shadowed 6:11"},
		{"without its condition on one ABI, without itself on the other", "- allow: {read: arg2 <= 0xffffffff}\n- {allow: {read: arg2 <= 0x1ffffffff}, abis: [x86_64]}", ""},

		{"behind a rule for newer kernels", "- {allow: [read], kernel: \">=4.8\"}\n- allow: {read: fd == 1}", ""},
		{"behind one of another call", "- {allow: [lseek], kernel: \">=4.8\"}\n- allow: {read: arg2 >= 0}", "condition-unlimited 6:11"},
		{"never, behind a rule for newer kernels", "- {allow: [read], kernel: \">=4.8\"}\n- allow: {read: fd & 3 == 4}", "condition-never 6:11"},
		{"behind two for newer kernels", "- {allow: [read], kernel: \">=4.8\"}\n- {allow: {read: fd == 1}, kernel: \">=5.4\"}", ""},
		{"always, for newer kernels", "- {allow: {read: arg2 >= 0}, kernel: \">=4.8\"}", "condition-unlimited 5:12"},

		{"a number that only it makes known", "- {errno(EPERM): {999: arg0 == 1}, abis: [x86_64]}", "condition-unlimited 5:19"},

		{"a rule for all behind others", "- allow: [read]\n- trap: [read]", "rule-shadowed 6:10"},
		{"a rule for all behind conditions", "- allow: {read: fd < 5}\n- log: {read: fd >= 5}\n- trap: [read]", "condition-unlimited 6:9, rule-shadowed 7:10"},
		{"a rule for the rest", "- allow: {read: fd < 5}\n- trap: [read]", ""},
		{"a call in two groups of one action", "- allow: [\"@a\"]\n- allow: [read]", ""},
		{"a rule that repeats the default", "- errno(EPERM): [read]", ""},
	} {
		text := "seccompc: 1\ntargets: [x86_64+i386]\ndefault: errno(EPERM)\nrules:\n" + v.rules + "\ngroups: {\"@a\": [lseek, read]}\n"
		var got []string
		diags := run(t, text)
		for _, c := range effects {
			for _, f := range of(c.Code, diags, false) {
				line, rest, _ := strings.Cut(f, ":")
				column, _, _ := strings.Cut(rest, ":")
				got = append(got, c.Code+" "+line+":"+column)
			}
		}
		slices.Sort(got)
		if g := strings.Join(got, ", "); g != v.want {
			t.Errorf("%s: found %q, want %q\n%s", v.name, g, v.want, text)
		}
	}
}

// TestIncludedTwice: of a fragment's conditions that stand in a policy twice, the linter says nothing: the second time is no
// mistake of the fragment.
func TestIncludedTwice(t *testing.T) {
	fragment := "seccompc: 1\nrules:\n- allow: {read: fd == 1}\n"
	for includes, want := range map[string]int{"- include: a.yaml\n": 1, "- include: a.yaml\n- include: a.yaml\n": 0} {
		src := x86 + "default: errno(EPERM)\nrules:\n" + includes + "- allow: [read]\n"
		p, diags := policy.Parse("policy.yaml", []byte(src), func(string) ([]byte, error) { return []byte(fragment), nil })
		if p == nil {
			t.Fatal(diags)
		}
		if found := of("condition-useless", runPolicy(t, p), false); len(found) != want {
			t.Errorf("%s%q, want %d", src, found, want)
		}
	}
}
