package policy

import (
	"fmt"
	"go/token"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// A Test is a call and the action that it must meet on every ABI that has it.
type Test struct {
	Text Word // the call as written
	Call Word // a syscall's name, or a number
	Args []Arg
	Want Action
	ABI  Word   // only on this ABI
	Caps []Word // only when compiled with exactly these capabilities; nil: those of the policy
}

// An Arg fixes the value of a parameter of a Test's call, by its name or as the register argN. What no Arg fixes takes
// every value: the test holds if all these calls meet the action.
type Arg struct {
	Param Word
	Value *Expr // a constant expression
}

func (p *parser) tests(n *yaml.Node) (tests []Test) {
	for _, c := range p.list(n, "write each test behind a dash: - call: mkdir") {
		if c.Kind != yaml.MappingNode {
			p.errorf("expected-mapping", c, "write - {call: mkdir, want: errno(EPERM)}", "a test is a mapping, this is %s", kind(c))
			continue
		}
		if find(c, "call") < 0 && find(c, "want") < 0 {
			p.errorf("missing-key", c, "write - {call: mkdir, want: errno(EPERM)}", "a test without %q and %q", "call", "want")
			continue
		}
		var t Test
		p.fields(c, map[string]func(*yaml.Node){
			"call": func(n *yaml.Node) { t.Text, t.Call, t.Args = p.call(n) },
			"want": func(n *yaml.Node) {
				if p.word(n).Text != "" {
					t.Want, _ = p.action(n)
				}
			},
			"abi":  func(n *yaml.Node) { t.ABI = p.word(n) },
			"caps": func(n *yaml.Node) { t.Caps = p.caps(n) },
		})
		p.require(c, "call", "write call: mkdir, or call: openat(AT_FDCWD, _, O_RDWR)")
		p.require(c, "want", "write want: errno(EPERM)")
		tests = append(tests, t)
	}
	return tests
}

// caps reads a list of capabilities, which is not nil though it may be empty.
func (p *parser) caps(n *yaml.Node) []Word { return append([]Word{}, p.words(n)...) }

// call reads a test's call: "mkdir", "openat(AT_FDCWD, _, O_RDWR)", "clone(flags=CLONE_VM)".
func (p *parser) call(n *yaml.Node) (text, name Word, args []Arg) {
	text = p.word(n)
	if text.Text == "" {
		return text, name, nil
	}
	if text.Text[0] == '@' {
		p.errorf("call-form", n, "write a test for each of its calls that matters", "group %q can't be tested: a test is of one call", text.Text)
		return text, name, nil
	}
	at := p.inScalar(n)
	name, args = parseCall(n.Value, at, p.cutShort(n, at, "call"), &p.diags)
	return text, name, args
}

// ParseCall reads a call as tests have it, from elsewhere; where says from where, in place of a file. The test has no Want,
// and an error is among the findings if its Call is empty.
func ParseCall(where, text string) (t Test, diags Diagnostics) {
	at := func(offset int) Pos { return Pos{where, 1, utf8.RuneCountInString(text[:offset]) + 1} }
	t.Text = Word{text, at(0)}
	t.Call, t.Args = parseCall(text, at, "", &diags)
	return t, diags
}

func parseCall(text string, at func(int) Pos, short string, diags *Diagnostics) (name Word, args []Arg) {
	e := newExprParser("call", text, at, diags)
	e.short = short
	name = Word{e.lit, e.pos}
	switch e.tok {
	case token.INT:
		e.literal(&Expr{Text: e.lit, Pos: e.pos})
		e.next()
	case token.IDENT:
		e.next()
	default:
		e.unexpected("where a call is missing")
	}
	if e.tok == token.LPAREN && !e.bad {
		e.next()
		args = e.arguments()
	}
	if e.tok != token.EOF && !e.bad {
		e.unexpected("after the call")
	}
	if e.bad {
		return Word{}, nil
	}
	return name, args
}

// arguments reads a call's arguments behind the parenthesis that opens them.
func (p *exprParser) arguments() (args []Arg) {
	named := false
	for i := 0; i == 0 && p.tok != token.RPAREN || p.tok == token.COMMA; i++ {
		if i > 0 {
			p.next()
		}
		if i == 6 {
			p.errorf("too-many-arguments", p.pos, "", "a call has at most 6 arguments")
		}
		arg := Arg{Param: Word{fmt.Sprintf("arg%d", i), p.pos}}
		arg.Value = p.binary(token.EQL.Precedence() + 1)
		if p.tok == token.ASSIGN && arg.Value.Op == token.IDENT {
			named = true
			arg.Param = Word{arg.Value.Text, arg.Value.Pos}
			p.next()
			arg.Value = p.binary(token.EQL.Precedence() + 1)
		} else if named {
			p.errorf("argument-order", arg.Param.Pos, "give arguments by their place first, then others by name", "an argument without a name behind a named one")
		}
		if p.bad {
			return nil
		}
		if any := arg.Value.Op == token.IDENT && arg.Value.Text == "_"; !any && p.constant(arg.Value) {
			args = append(args, arg)
		}
	}
	p.expect(token.RPAREN)
	return args
}
