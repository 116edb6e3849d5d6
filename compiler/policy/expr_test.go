package policy_test

import (
	"go/ast"
	goparser "go/parser"
	"strings"
	"testing"
)

const head = "seccompc: 1\ndefault: errno(EPERM)\nrules:\n- allow: [read]\n  if: "

func TestConditions(t *testing.T) {
	for text, want := range map[string]string{
		"arg0 == 1":                    "arg0 == 1",
		"arg0==0x1F":                   "arg0 == 0x1F",
		"arg0 != 0o17":                 "arg0 != 0o17",
		"arg5 < 0":                     "arg5 < 0",
		"arg5 <= 0XFF":                 "arg5 <= 0XFF",
		"arg5 > 0O7":                   "arg5 > 0O7",
		"arg5 >= 18446744073709551615": "arg5 >= 18446744073709551615",
		// Go's precedence: & << >> before | ^ before comparisons before && before ||, all from the left.
		"a & 1 == 1":                        "(a & 1) == 1",
		"a & (1|2) == 3":                    "(a & (1 | 2)) == 3",
		"a == 1|2&4<<1":                     "a == (1 | ((2 & 4) << 1))",
		"a == 1<<2&4":                       "a == ((1 << 2) & 4)",
		"a == 1 ^ 2 | 4":                    "a == ((1 ^ 2) | 4)",
		"a == 1 | 2 ^ 4":                    "a == ((1 | 2) ^ 4)",
		"a == 8 >> 1 << 2":                  "a == ((8 >> 1) << 2)",
		"a == 1 || b == 2 && c == 3":        "(a == 1) || ((b == 2) && (c == 3))",
		"a == 1 && b == 2 || c == 3":        "((a == 1) && (b == 2)) || (c == 3)",
		"(a == 1 || b == 2) && c == 3":      "((a == 1) || (b == 2)) && (c == 3)",
		"a == 1 || b == 2 || c == 3":        "((a == 1) || (b == 2)) || (c == 3)",
		"a == 1 || (b == 2 || c == 3)":      "(a == 1) || ((b == 2) || (c == 3))",
		"!(a == 1) && b == 2":               "!(a == 1) && (b == 2)",
		"!(a == 1 && b == 2)":               "!((a == 1) && (b == 2))",
		"!!(a == 1)":                        "!!(a == 1)",
		"!oneof(a, 1) || a == 0":            "!oneof(a, 1) || (a == 0)",
		"a & ~3 == 0":                       "(a & ~3) == 0",
		"a & ~(1|2) == 0":                   "(a & ~(1 | 2)) == 0",
		"a & -4 == 0":                       "(a & -4) == 0",
		"a & - -4 == 0":                     "(a & - -4) == 0",
		"a & ~~4 == 0":                      "(a & ~~4) == 0",
		"a & (1 << 3) == -1 & 0xff":         "(a & (1 << 3)) == (-1 & 0xff)",
		"a & CLONE_NEWUSER == 0":            "(a & CLONE_NEWUSER) == 0",
		"((a)) == ((1))":                    "a == 1",
		"((a & 1)) == 1":                    "(a & 1) == 1",
		"(((a == 1)))":                      "a == 1",
		"oneof(a, 1)":                       "oneof(a, 1)",
		"oneof (a&0xff, 1, 2|4, X, -1, ~1)": "oneof(a & 0xff, 1, 2 | 4, X, -1, ~1)",
		"oneof((a), (1))":                   "oneof(a, 1)",
		"oneof == 1":                        "oneof == 1",
		// Parameters whose names are Go's keywords.
		"type == 1 && func == 2 && range == 3 && map == 4": "(((type == 1) && (func == 2)) && (range == 3)) && (map == 4)",
		"oneof(type, 1) && interface & 1 == select":        "oneof(type, 1) && ((interface & 1) == select)",
		"argN == 1":  "argN == 1",
		"größe == 1": "größe == 1",
	} {
		p := parse(t, head+"'"+text+"'")
		if got := p.Rules[0].Calls[0].If.String(); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// A condition means the same in each of YAML's styles.
func TestConditionStyles(t *testing.T) {
	const want = "((arg0 & 3) == 0) && (arg1 == 1)"
	for name, text := range map[string]string{
		"plain":             "arg0 & 3 == 0 && arg1 == 1 # a comment",
		"plain, two lines":  "arg0 & 3 == 0 &&\n    arg1 == 1",
		"plain, far apart":  "arg0 &\n\n    3 == 0 &&\n       arg1 == 1",
		"next line":         "\n    arg0 & 3 == 0 && arg1 == 1",
		"single quotes":     "'arg0 & 3 == 0 &&\n    arg1 == 1'",
		"double quotes":     "\"arg0 & 3 ==\\t0 &&\n    arg1 \\x3d= 1\"",
		"literal":           "|\n    arg0 & 3 == 0\n    && arg1 == 1\n",
		"literal, stripped": "|-\n    arg0 & 3 == 0 &&\n    arg1 ==\n    1",
		"literal, kept":     "|+ # a comment\n    arg0 & 3 == 0 && arg1\n\n    == 1\n\n",
		"folded":            ">\n    arg0 & 3 == 0 &&\n    arg1 == 1\n",
		"folded, indented":  ">2\n     arg0 & 3\n       == 0 && arg1\n    == 1\n",
		"tabs":              "arg0\t&\t3 == 0 && arg1 == 1",
	} {
		for _, end := range []string{"\n", "\r\n"} {
			p := parse(t, strings.ReplaceAll(head+text, "\n", end))
			if got := p.Rules[0].Calls[0].If.String(); got != want {
				t.Errorf("%s, ends of line %q: got %s", name, end, got)
			}
		}
	}
}

// Go's own parser agrees about every pair of operators.
func TestPrecedence(t *testing.T) {
	constant := []string{"|", "&", "^", "<<", ">>"}
	compare := []string{"==", "!=", "<", "<=", ">", ">="}
	var texts []string
	for _, x := range constant {
		for _, y := range constant {
			texts = append(texts, "p == 1 "+x+" 2 "+y+" 3", "p & (1 "+x+" 2 "+y+" 3) == 4", "oneof(p, 1 "+x+" 2 "+y+" 3)")
		}
		for _, y := range compare {
			for _, z := range []string{"&&", "||"} {
				texts = append(texts, "p & 1 "+y+" 2 "+x+" 3 "+z+" !(q "+y+" 4) "+z+" r "+y+" -5 && s == 6 || u == 7")
			}
		}
	}
	for _, text := range texts {
		e, err := goparser.ParseExpr(text)
		if err != nil {
			t.Fatal(err)
		}
		p := parse(t, head+"'"+text+"'")
		if got, want := p.Rules[0].Calls[0].If.String(), goString(e); got != want {
			t.Errorf("%s: got %s, Go reads %s", text, got, want)
		}
	}
}

// goString writes a Go expression as Expr.String does.
func goString(e ast.Expr) string {
	inner := func(e ast.Expr) string {
		for p, ok := e.(*ast.ParenExpr); ok; p, ok = e.(*ast.ParenExpr) {
			e = p.X
		}
		if _, ok := e.(*ast.BinaryExpr); ok {
			return "(" + goString(e) + ")"
		}
		return goString(e)
	}
	switch e := e.(type) {
	case *ast.ParenExpr:
		return goString(e.X)
	case *ast.BinaryExpr:
		return inner(e.X) + " " + e.Op.String() + " " + inner(e.Y)
	case *ast.UnaryExpr:
		return e.Op.String() + inner(e.X)
	case *ast.CallExpr:
		var args []string
		for _, a := range e.Args {
			args = append(args, goString(a))
		}
		return goString(e.Fun) + "(" + strings.Join(args, ", ") + ")"
	case *ast.Ident:
		return e.Name
	case *ast.BasicLit:
		return e.Value
	}
	panic("not in a condition")
}
