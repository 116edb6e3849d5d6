package compiler_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/policy"
)

// A badFile is a source and all its findings, as "line:column: code: message | hint".
type badFile struct {
	name string // its extension tells the form
	src  string
	want []string
	// Of these findings the place doesn't show the word that the message quotes first.
	elsewhere []string
}

// badFiles reads testdata/policies/bad: text files of sections that begin with "=== name". A line's findings stand
// behind it, "### column: code: message | hint"; "###~" says that the quoted word is elsewhere.
func badFiles(t *testing.T) map[string]badFile {
	t.Helper()
	paths, err := filepath.Glob("../testdata/policies/bad/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	files := map[string]badFile{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, section := range strings.Split(string(text), "\n=== ")[1:] {
			name, body, _ := strings.Cut(section, "\n")
			f := badFile{name: name}
			for i, line := range strings.SplitAfter(body, "\n") {
				parts := strings.Split(strings.TrimSuffix(line, "\n"), "###")
				for _, part := range parts[1:] {
					text, elsewhere := strings.CutPrefix(part, "~")
					want := fmt.Sprintf("%d:%s", i+1, strings.TrimSpace(text))
					if f.want = append(f.want, want); elsewhere {
						f.elsewhere = append(f.elsewhere, want)
					}
				}
				if f.src += strings.TrimRight(parts[0], " "); strings.HasSuffix(line, "\n") {
					f.src += "\n"
				}
			}
			files[filepath.Base(path)+"/"+name] = f
		}
	}
	return files
}

// madeFiles are sources that no text file can hold.
func madeFiles() map[string]badFile {
	const head = "seccompc: 1\ndefault: errno(EPERM)\n"
	const rule = head + "rules:\n- allow: [read]\n  if: "
	deep := strings.Repeat
	files := map[string]badFile{
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
		"deep parentheses":   {src: rule + deep("(", 100_000), want: []string{"5:207: condition-depth: condition nested deeper than 200 levels"}},
		"deep negation":      {src: rule + "'" + deep("!", 100_000) + "'", want: []string{"5:208: condition-depth: condition nested deeper than 200 levels"}},
		"deep complement":    {src: rule + "arg0 & " + deep("~", 100_000), want: []string{"5:214: condition-depth: condition nested deeper than 200 levels"}},
		"deep calls":         {src: rule + deep("oneof(", 100_000), want: []string{"5:1207: condition-depth: condition nested deeper than 200 levels"}},
		"long chain":         {src: rule + "1" + deep("|1", 100_000), want: []string{`5:7: condition-incomplete: "` + deep("(", 120) + `..." is no condition | a condition compares a parameter: arg0 == 1`}},
		"long word":          {src: head + "foreign: " + deep("a", 10_000), want: []string{`3:10: unknown-action: unknown action "` + deep("a", 120) + `..." | actions are kill_process, kill_thread, trap, errno, notify, trace, log, allow, default`}},
		"CRLF": {src: strings.ReplaceAll(rule+"arg0 == 1 &&\n    arg1 = 2\n- allow:\n    read: |\n      arg0 = 1\n", "\n", "\r\n"), want: []string{
			`6:10: condition-syntax: unexpected "=" after the condition | equality is written ==`, `9:12: condition-syntax: unexpected "=" after the condition | equality is written ==`}},
		"first line behind a mark": {src: "\ufeff{seccompc: 1, default: deny}\n", want: []string{`1:24: unknown-action: unknown action "deny" | actions are kill_process, kill_thread, trap, errno, notify, trace, log, allow, default`}},
	}
	for name, f := range files {
		f.name = "policy.yaml"
		files[name] = f
	}
	files["empty profile"] = badFile{name: "profile.json", src: "", want: []string{"1:1: file-empty: empty file"}}
	files["large profile"] = badFile{name: "profile.json", src: deep(" ", policy.MaxSize+1), want: []string{"0:0: file-size: file of 1048577 bytes: a profile has at most 1048576"}}
	files["deep profile"] = badFile{name: "profile.json", src: deep("[", 100_000), want: []string{"1:34: json-syntax: not JSON: nested deeper than 32 levels"}}
	files["deep objects"] = badFile{name: "profile.json", src: deep(`{"a":`, 100_000), want: []string{"1:166: json-syntax: not JSON: nested deeper than 32 levels"}}
	files["binary profile"] = badFile{name: "profile.json", src: "{\"\xe8é\x00\": 1}", want: []string{`1:5: json-syntax: not JSON: invalid character '\x00' in string literal`}}
	files["half a word"] = badFile{name: "profile.json", src: `{"defaultAction": tru }`, want: []string{"1:22: json-syntax: not JSON: invalid character ' ' in literal true (expecting 'e')"}}
	files["marked profile"] = badFile{name: "profile.json", src: "\ufeff{}", want: []string{"1:1: json-syntax: not JSON: invalid character 'ï' looking for beginning of value"}}
	return files
}

func TestBadInput(t *testing.T) {
	files := badFiles(t)
	for name, f := range madeFiles() {
		files["made/"+name] = f
	}
	var messages []string
	for name, f := range files {
		t.Run(name, func(t *testing.T) {
			r, diags := compiler.Compile(f.name, []byte(f.src), compiler.Options{})
			if (r == nil) != (diags.Err() != nil) {
				t.Errorf("a result: %v, an error: %v", r != nil, diags.Err())
			}
			var got []string
			for _, d := range diags.Sorted() {
				messages = append(messages, d.Msg)
				s := show(d)
				got = append(got, s)
				if problem := place(f.src, d); (problem != "") != slices.Contains(f.elsewhere, s) {
					t.Errorf("%s\n%q", s, problem)
				}
			}
			if !slices.Equal(got, f.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(f.want, "\n"))
			}
		})
	}
	for _, format := range formats(t) {
		if !slices.ContainsFunc(messages, format.re.MatchString) {
			t.Errorf("%s: no case gives the message %q", format.at, format.re)
		}
	}
}

func show(d policy.Diagnostic) string {
	s := fmt.Sprintf("%d:%d: ", d.Pos.Line, d.Pos.Col)
	if d.Warning {
		s += "warning: "
	}
	s += d.Code + ": " + d.Msg
	if d.Hint != "" {
		s += " | " + d.Hint
	}
	return s
}

var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// place returns "" if a finding's position is in the source and the first word that the message quotes stands there,
// perhaps in quotes itself; else what is there.
func place(src string, d policy.Diagnostic) string {
	if d.Pos.Line == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimPrefix(src, "\ufeff"), "\n")
	if d.Pos.Line > len(lines) {
		return "no such line"
	}
	line := []rune(lines[d.Pos.Line-1])
	if d.Pos.Col < 1 || d.Pos.Col > len(line)+1 {
		return "no such column"
	}
	word, err := strconv.Unquote(quoted.FindString(d.Msg))
	here := string(line[d.Pos.Col-1:])
	if err == nil && !strings.HasPrefix(here, word) && !strings.HasPrefix(strings.TrimLeft(here, `'"`), word) &&
		!strings.Contains(word, "...") && strings.Contains(string(line), word) {
		return here
	}
	return ""
}

type format struct {
	at string
	re *regexp.Regexp
}

var verb = regexp.MustCompile(`%[#a-z]+`)

// formats collects what the rooms of the front can say: the literal formats of their calls of Errorf and its kin.
func formats(t *testing.T) (list []format) {
	t.Helper()
	position := map[string]int{"Errorf": 3, "Warnf": 3, "errorf": 3, "fail": 2}
	files := token.NewFileSet()
	for _, room := range []string{"policy", "importer", "resolve"} {
		paths, err := filepath.Glob(filepath.Join(room, "*.go"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: no sources: %v", room, err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(files, path, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				name := ""
				switch f := call.Fun.(type) {
				case *ast.Ident:
					name = f.Name
				case *ast.SelectorExpr:
					name = f.Sel.Name
				}
				i, ok := position[name]
				if !ok || i >= len(call.Args) {
					return true
				}
				if lit, ok := call.Args[i].(*ast.BasicLit); ok {
					text, _ := strconv.Unquote(lit.Value)
					re := "^" + verb.ReplaceAllString(regexp.QuoteMeta(text), "(?s:.*)") + "$"
					list = append(list, format{files.Position(lit.Pos()).String(), regexp.MustCompile(re)})
				}
				return true
			})
		}
	}
	if len(list) < 80 {
		t.Fatalf("found %d formats only", len(list))
	}
	return list
}
