package compiler_test

import (
	"fmt"
	"strings"

	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/policy/policytest"
)

// madeSections are sources that no text file can hold, or none should.
func madeSections() (sections []policytest.Section) {
	const head = "seccompc: 1\ndefault: errno(EPERM)\n"
	const rule = head + "rules:\n- allow: [read]\n  if: "
	deep := strings.Repeat
	type made struct {
		src  string
		want []string
	}
	chain := head + "rules:\n- include: 0.yaml\n"
	for i := range 9 {
		chain += fmt.Sprintf("--- %d.yaml\nseccompc: 1\nrules:\n- include: %d.yaml\n", i, i+1)
	}
	var values []string
	for i := range 4200 {
		values = append(values, fmt.Sprint(i*i*3+i)) // no two of them neighbours, and no pattern in their bits
	}
	const one = head + "targets: [x86_64]\nrules:\n- allow: [read]\n  if: "
	policies := map[string]made{
		"empty":              {src: "", want: []string{"1:1: file-empty: empty file | a policy starts with seccompc: 1"}},
		"blank":              {src: " \r\n\t\n", want: []string{"1:1: file-empty: empty file | a policy starts with seccompc: 1"}},
		"byte order mark":    {src: "\ufeff", want: []string{"1:1: file-empty: no YAML in the file | a policy starts with seccompc: 1"}},
		"too large":          {src: deep("#", policy.MaxSize+1), want: []string{"0:0: file-size: file of 1048577 bytes: a policy has at most 1048576"}},
		"as large as can be": {src: head + deep("#", policy.MaxSize-len(head)-2) + "\na", want: []string{"4:1: yaml-syntax: not YAML: could not find expected ':'"}},
		"Latin-1":            {src: head + "name: caf\xe9\n", want: []string{"0:0: file-encoding: not UTF-8 text"}},
		"UTF-16":             {src: "\xff\xfes\x00e\x00", want: []string{"0:0: file-encoding: not UTF-8 text"}},
		"NUL":                {src: head + "name: a\x00b\n", want: []string{`3:8: control-character: control character '\x00' | take it out; lines end in LF or CRLF`}},
		"escape":             {src: head + "# \x1b[1A\n", want: []string{`3:3: control-character: control character '\x1b' | take it out; lines end in LF or CRLF`}},
		"CR":                 {src: head + "# a comment\rforeign: allow\n", want: []string{`3:12: control-character: control character '\r' | take it out; lines end in LF or CRLF`}},
		"next line":          {src: head + "# a comment\u0085foreign: allow\n", want: []string{`3:12: control-character: control character '\u0085' | take it out; lines end in LF or CRLF`}},
		"line separator":     {src: head + "# a comment\u2028foreign: allow\n", want: []string{`3:12: control-character: control character '\u2028' | take it out; lines end in LF or CRLF`}},
		"right to left":      {src: head + "# \u202eforeign: allow\n", want: []string{`3:3: control-character: control character '\u202e' | take it out; lines end in LF or CRLF`}},
		"mark inside":        {src: head + "name: \ufeffa\n", want: []string{`3:7: control-character: control character '\ufeff' | take it out; lines end in LF or CRLF`}},
		"deep list":          {src: "name: " + deep("[", 100_000), want: []string{"1:1: yaml-syntax: not YAML: exceeded max depth of 10000"}},
		"deep mapping":       {src: "name: " + deep("{a: ", 100_000), want: []string{"1:1: yaml-syntax: not YAML: exceeded max depth of 10000"}},
		"deep lines":         {src: deep("- ", 100_000), want: []string{"1:1: yaml-syntax: not YAML: exceeded max depth of 10000"}},
		"deep, but YAML":     {src: "name: " + deep("[", 201) + deep("]", 201), want: []string{"1:207: yaml-depth: nested deeper than 200 levels"}},
		"deep parentheses":   {src: rule + deep("(", 100_000), want: []string{"5:207: expression-depth: condition nested deeper than 200 levels"}},
		"deep negation":      {src: rule + "'" + deep("!", 100_000) + "'", want: []string{"5:208: expression-depth: condition nested deeper than 200 levels"}},
		"deep complement":    {src: rule + "arg0 & " + deep("~", 100_000), want: []string{"5:214: expression-depth: condition nested deeper than 200 levels"}},
		"deep calls":         {src: rule + deep("oneof(", 100_000), want: []string{"5:1207: expression-depth: condition nested deeper than 200 levels"}},
		"long chain":         {src: rule + "1" + deep("|1", 100_000), want: []string{`5:7: condition-incomplete: "` + deep("(", 120) + `..." is no condition | a condition compares a parameter: arg0 == 1`}},
		"long word":          {src: head + "foreign: " + deep("a", 10_000), want: []string{`3:10: unknown-action: unknown action "` + deep("a", 120) + `..." | actions are kill_process, kill_thread, trap, errno, notify, trace, log, allow, default`}},
		"CRLF": {src: strings.ReplaceAll(rule+"arg0 == 1 &&\n    arg1 = 2\n- allow:\n    read: |\n      arg0 = 1\n", "\n", "\r\n"), want: []string{
			`6:10: unexpected-token: unexpected "=" after the condition | equality is written ==`, `9:12: unexpected-token: unexpected "=" after the condition | equality is written ==`}},
		"first line behind a mark": {src: "\ufeff{seccompc: 1, default: deny}\n", want: []string{`1:24: unknown-action: unknown action "deny" | actions are kill_process, kill_thread, trap, errno, notify, trace, log, allow, default`}},
		"together too large": {src: head + "rules:\n- include: half.yaml\n- include: half.yaml\n--- half.yaml\nseccompc: 1\n" + deep("#", policy.MaxSize/2),
			want: []string{"half.yaml:0:0: file-size: a policy and what it includes, as often as it does, have at most 1048576 bytes together"}},
		"includes in includes": {src: chain,
			want: []string{`7.yaml:3:12: include-depth: include "8.yaml" is more than 8 files deep: policy.yaml -> 0.yaml -> 1.yaml -> 2.yaml -> 3.yaml -> 4.yaml -> 5.yaml -> 6.yaml -> 7.yaml -> 8.yaml`}},
		"no program": {src: one + "oneof(arg0, " + strings.Join(values, ", ") + ")",
			want: []string{"5:11: program-size: target x86_64: program of N instructions: the kernel takes 4096 | compare ranges or masks in place of long lists, or serve fewer ABIs by one target; most of it is for policy.yaml:5:11 (N tests)"}},
	}
	var both []string // rules that ask for a bit of two arguments each
	for i := range 40 {
		both = append(both, fmt.Sprintf(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [
			{"index": 0, "value": %d, "valueTwo": %[1]d, "op": "SCMP_CMP_MASKED_EQ"},
			{"index": 1, "value": %[1]d, "valueTwo": %[1]d, "op": "SCMP_CMP_MASKED_EQ"}]}`, 1<<i))
	}
	profiles := map[string]made{
		"no proof": {src: `{"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [` + strings.Join(both, ", ") + "]}",
			want: []string{"0:0: not-proven: x86_64: not proven: the decision diagrams outgrow the budget | give the calls simpler conditions: fewer that combine bits of several arguments",
				"0:0: warning: not-checked: x86_64: the linter gives up, so findings are missing: not proven: the decision diagrams outgrow the budget | give the calls simpler conditions: fewer that combine bits of several arguments"}},
		"empty profile":  {src: "", want: []string{"1:1: file-empty: empty file"}},
		"large profile":  {src: deep(" ", policy.MaxSize+1), want: []string{"0:0: file-size: file of 1048577 bytes: a profile has at most 1048576"}},
		"deep profile":   {src: deep("[", 100_000), want: []string{"1:34: json-syntax: not JSON: nested deeper than 32 levels"}},
		"deep objects":   {src: deep(`{"a":`, 100_000), want: []string{"1:166: json-syntax: not JSON: nested deeper than 32 levels"}},
		"binary profile": {src: "{\"\xe8é\x00\": 1}", want: []string{`1:5: json-syntax: not JSON: invalid character '\x00' in string literal`}},
		"half a word":    {src: `{"defaultAction": tru }`, want: []string{"1:22: json-syntax: not JSON: invalid character ' ' in literal true (expecting 'e')"}},
		"marked profile": {src: "\ufeff{}", want: []string{"1:1: json-syntax: not JSON: invalid character 'ï' looking for beginning of value"}},
	}
	add := func(file string, all map[string]made) {
		for name, m := range all {
			s := policytest.Section{Name: "made/" + name, File: file, Text: m.src}
			for _, w := range m.want {
				s.Findings = append(s.Findings, policytest.Finding{Text: w})
			}
			sections = append(sections, s)
		}
	}
	add("policy.yaml", policies)
	add("profile.json", profiles)
	return sections
}
