package compiler_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/lint"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/policy/policytest"
)

// unreachable are codes that no policy brings forth, with the reason.
var unreachable = map[string]string{
	"not-compiled": "the compiler's own fault: a program that isn't the policy, or a blob that can't be written",
}

// TestBadInput compiles the corpus of bad policies and compares all findings. What the linter's checks find is left to
// their own tests.
func TestBadInput(t *testing.T) {
	sections, err := policytest.Read("../testdata/policies/bad")
	if err != nil {
		t.Fatal(err)
	}
	var checks []string
	for _, c := range lint.Checks() {
		checks = append(checks, c.Code)
	}
	seen := map[string][]string{} // messages by code
	for _, s := range append(sections, madeSections()...) {
		t.Run(s.Name, func(t *testing.T) {
			src, read := policytest.Split(s.Text)
			r, diags := compiler.Compile(s.File, []byte(src), compiler.Options{Read: read, Check: true})
			if (r == nil || r.Bytes == nil) != (diags.Err() != nil) {
				t.Errorf("a result: %v, an error: %v", r != nil, diags.Err())
			}
			var got, want, elsewhere []string
			for _, f := range s.Findings {
				if want = append(want, f.Text); f.Elsewhere {
					elsewhere = append(elsewhere, f.Text)
				}
			}
			for _, d := range diags.Sorted() {
				if slices.Contains(checks, d.Code) {
					continue
				}
				seen[d.Code] = append(seen[d.Code], d.Msg)
				text, in := size.ReplaceAllString(show(d), "N $1"), src
				if d.Pos.File != s.File {
					file, _ := read(d.Pos.File)
					text, in = filepath.ToSlash(d.Pos.File)+":"+text, string(file)
				}
				got = append(got, text)
				if problem := place(in, d); (problem != "") != slices.Contains(elsewhere, text) {
					t.Errorf("%s\n%q", text, problem)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
	covered(t, seen, checks)
}

var size = regexp.MustCompile(`\d+ (instructions|tests)`) // of a program, which is codegen's affair

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

var kebab = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// covered holds what the corpus brings forth against what the sources can say: each code, and each message under its
// code.
func covered(t *testing.T, seen map[string][]string, checks []string) {
	sources := map[string]bool{}
	for _, s := range sayings(t) {
		sources[s.code] = true
		switch {
		case !kebab.MatchString(s.code):
			t.Errorf("%s: the code %q is not words in kebab case", s.at, s.code)
		case slices.Contains(checks, s.code):
			t.Errorf("%s: the code %q is that of a check too", s.at, s.code)
		case unreachable[s.code] != "":
			if len(seen[s.code]) > 0 {
				t.Errorf("%s: the code %q is listed as unreachable and has the case %q", s.at, s.code, seen[s.code][0])
			}
		case len(seen[s.code]) == 0:
			t.Errorf("%s: no case gives the code %q", s.at, s.code)
		case !slices.ContainsFunc(seen[s.code], s.message.MatchString):
			t.Errorf("%s: no case gives the message %q", s.at, s.message)
		}
	}
	for code := range seen {
		if !sources[code] {
			t.Errorf("code %q has a case, and no source that says it", code)
		}
	}
	for code := range unreachable {
		if !sources[code] {
			t.Errorf("code %q is listed as unreachable and is no code", code)
		}
	}
}

// A saying is a call in the sources that reports something, of which the code and the message's format are literals.
type saying struct {
	at, code string
	message  *regexp.Regexp
}

var verb = regexp.MustCompile(`%[#a-z]+`)

// sayings collects what the compiler can say. The linter's checks, whose code is a variable, are not among it.
func sayings(t *testing.T) (list []saying) {
	t.Helper()
	formatAt := map[string]int{"Errorf": 3, "Warnf": 3, "errorf": 3, "fail": 2}
	files := token.NewFileSet()
	for _, room := range []string{"policy", "importer", "resolve", "lint", "."} {
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
				i, ok := formatAt[name]
				if !ok || i >= len(call.Args) {
					return true
				}
				code, format := literal(call.Args[0]), literal(call.Args[i])
				if code != "" && format != "" {
					re := "^" + verb.ReplaceAllString(regexp.QuoteMeta(format), "(?s:.*)") + "$"
					list = append(list, saying{files.Position(call.Pos()).String(), code, regexp.MustCompile(re)})
				}
				return true
			})
		}
	}
	if len(list) < 100 {
		t.Fatalf("found %d sayings only", len(list))
	}
	return list
}

// literal returns the value of a string literal, else "".
func literal(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok {
		return ""
	}
	s, _ := strconv.Unquote(lit.Value)
	return s
}
