package policy

import (
	"go/scanner"
	"go/token"
	"regexp"
	"strings"
)

// An Expr is a node of a condition. Its Op tells the shape:
//
//	LOR, LAND            X || Y, X && Y
//	NOT                  !X
//	EQL NEQ LSS LEQ GTR GEQ   X is an operand, Y a constant expression
//	CALL                 oneof: X is an operand, List its values, constant expressions
//	AND OR XOR SHL SHR   constant arithmetic on X and Y; as an operand, AND is a parameter X under a mask Y
//	SUB TILDE            constant -X, ~X
//	IDENT                a parameter, as an operand; else a named constant
//	INT                  a literal
//
// An operand is a parameter or a parameter under a mask, nothing else: Parse refuses all other trees.
type Expr struct {
	Op   Op
	Pos  Pos    // where the expression begins, parentheses aside
	Text string // of IDENT and INT
	X, Y *Expr
	List []*Expr
}

// Op is a node's kind, one of go/token's tokens.
type Op = token.Token

// CALL marks a oneof; go/token has no token for a call, and its parenthesis is free.
const CALL = token.LPAREN

const maxDepth = 200 // of parentheses and unary operators; deeper input is an attack on the stack, not a policy

// operand returns e's parameter and the mask on it, if any; param is nil where e is no operand.
func (e *Expr) operand() (param, mask *Expr) {
	switch {
	case e.Op == token.IDENT:
		return e, nil
	case e.Op == token.AND && e.X.Op == token.IDENT:
		return e.X, e.Y
	}
	return nil, nil
}

// Operand returns the parameter of a comparison or oneof, and the mask on it or nil.
func (e *Expr) Operand() (param, mask *Expr) { return e.X.operand() }

type exprParser struct {
	what  string // is read: "condition" or "call"
	sc    scanner.Scanner
	file  *token.File
	at    func(offset int) Pos
	diags *Diagnostics
	short string // hint where the text ends early
	bad   bool

	tok   token.Token
	lit   string
	pos   Pos
	depth int
}

// parseExpr reads one condition; at maps an offset in text to its place in the source, and short is the hint where the
// text ends early. Nil means that errors were added to diags.
func parseExpr(text string, at func(int) Pos, short string, diags *Diagnostics) *Expr {
	p := newExprParser("condition", text, at, diags)
	p.short = short
	e := p.binary(1)
	if p.tok != token.EOF {
		p.unexpected("after the condition")
	}
	if p.bad || !p.condition(e) {
		return nil
	}
	return e
}

func newExprParser(what, text string, at func(int) Pos, diags *Diagnostics) *exprParser {
	p := &exprParser{what: what, at: at, diags: diags}
	p.file = token.NewFileSet().AddFile("", -1, len(text))
	p.sc.Init(p.file, []byte(text), func(pos token.Position, msg string) {
		hint := ""
		if strings.Contains(msg, "'#'") {
			hint = p.comment()
		}
		p.errorf("invalid-token", at(pos.Offset), hint, "%s in a %s", msg, what)
	}, scanner.ScanComments)
	p.next()
	return p
}

func (p *exprParser) errorf(code string, pos Pos, hint, format string, args ...any) {
	if !p.bad { // later errors of the same condition are mostly echoes
		p.diags.Errorf(code, pos, hint, format, args...)
	}
	p.bad = true
}

func (p *exprParser) next() {
	for {
		pos, tok, lit := p.sc.Scan()
		if tok == token.SEMICOLON && lit == "\n" { // the scanner's own, at a line's end
			if int(pos)-p.file.Base() < p.file.Size() {
				continue
			}
			tok = token.EOF
		}
		p.pos, p.tok, p.lit = p.at(int(pos)-p.file.Base()), tok, lit
		if lit == "" {
			p.lit = tok.String()
		}
		if tok.IsKeyword() { // parameters are called type, func, range
			p.tok = token.IDENT
		}
		return
	}
}

// in returns the hint for what is read.
func (p *exprParser) in(condition, call string) string {
	if p.what == "call" {
		return call
	}
	return condition
}

func (p *exprParser) comment() string { return "a comment can't stand in the text of a " + p.what }

func (p *exprParser) unexpected(where string) {
	hint := ""
	switch {
	case p.tok == token.EOF:
		p.errorf("unexpected-end", p.pos, p.short, "the %s ends early", p.what)
		return
	case p.tok == token.COMMENT:
		hint = p.comment()
	case p.what == "call" && (p.tok == token.ASSIGN || isComparison(p.tok)):
		hint = "a test gives a value to a parameter: flags=O_RDWR; one left out takes all values"
	case p.tok == token.ASSIGN:
		hint = "equality is written =="
	case p.lit == "and" || p.lit == "or":
		hint = "and is written &&, or is written ||"
	}
	p.errorf("unexpected-token", p.pos, hint, "unexpected %q %s", p.lit, where)
}

// binary parses binary operators of at least the given precedence, which are Go's.
func (p *exprParser) binary(least int) *Expr {
	x := p.unary()
	for !p.bad {
		prec := p.tok.Precedence()
		if prec < least {
			return x
		}
		switch p.tok {
		case token.ADD, token.SUB, token.MUL, token.QUO, token.REM, token.AND_NOT:
			p.errorf("unknown-operator", p.pos, "constant expressions know | & ^ ~ << >> and unary minus", "operator %q is not part of the language", p.lit)
			return x
		}
		if isComparison(p.tok) && isComparison(x.Op) {
			p.errorf("condition-chain", p.pos, "join two comparisons with &&", "chained comparison at %q", p.lit)
		}
		e := &Expr{Op: p.tok, Pos: x.Pos, X: x}
		p.next()
		e.Y = p.binary(prec + 1)
		x = e
	}
	return x
}

func (p *exprParser) unary() *Expr {
	if p.depth++; p.depth > maxDepth {
		p.errorf("expression-depth", p.pos, "", "%s nested deeper than %d levels", p.what, maxDepth)
	}
	defer func() { p.depth-- }()
	e := &Expr{Op: p.tok, Pos: p.pos, Text: p.lit}
	if p.bad {
		return e
	}
	switch p.tok {
	case token.NOT, token.SUB, token.TILDE:
		p.next()
		e.Text = ""
		e.X = p.unary()
	case token.XOR:
		p.errorf("unknown-operator", p.pos, "bitwise complement is written ~", "unary %q is not part of the language", p.lit)
	case token.LPAREN:
		p.next()
		e = p.binary(1)
		p.expect(token.RPAREN)
	case token.INT:
		p.literal(e)
		p.next()
	case token.FLOAT, token.IMAG, token.CHAR, token.STRING:
		p.errorf("number-form", p.pos, "write whole numbers in decimal, hexadecimal (0x) or octal (0o)", "%q is not a whole number", p.lit)
	case token.IDENT:
		p.next()
		if p.tok == token.LPAREN {
			p.call(e)
		}
	default:
		p.unexpected("in a " + p.what)
	}
	return e
}

func (p *exprParser) expect(tok token.Token) {
	if p.tok != tok {
		p.unexpected("where " + `"` + tok.String() + `"` + " is missing")
		return
	}
	p.next()
}

// number is the one notation for whole numbers, in conditions and everywhere else.
var number = regexp.MustCompile(`^(0|[1-9][0-9]*|0[xX][0-9a-fA-F]+|0[oO][0-7]+)$`)

const numberForm = "is decimal without leading zeros, hexadecimal (0x) or octal (0o), and has no underscores"

func (p *exprParser) literal(e *Expr) {
	if !number.MatchString(e.Text) {
		p.errorf("number-form", e.Pos, "a number "+numberForm, "number %q is in a notation that readers take in two ways", e.Text)
	}
}

func (p *exprParser) call(e *Expr) {
	if e.Text != "oneof" {
		p.errorf("unknown-function", e.Pos, p.in("the only function is oneof(parameter, value, ...)", "a value is a number or a named constant"), "%q is not a function", e.Text)
		return
	}
	e.Op, e.Text = CALL, ""
	p.next()
	e.X = p.binary(1)
	for p.tok == token.COMMA {
		p.next()
		e.List = append(e.List, p.binary(1))
	}
	if len(e.List) == 0 && p.tok == token.RPAREN {
		p.errorf("empty-oneof", p.pos, "", "oneof has no values")
	}
	p.expect(token.RPAREN)
}

// condition checks that e is a condition as Expr's doc describes it.
func (p *exprParser) condition(e *Expr) bool {
	switch e.Op {
	case token.LAND, token.LOR:
		return p.condition(e.X) && p.condition(e.Y)
	case token.NOT:
		return p.condition(e.X)
	case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
		if e.X.Op == token.INT {
			p.errorf("condition-order", e.X.Pos, "the parameter comes first: arg0 == 1", "a comparison starts with the number %q", e.X.Text)
		}
		return !p.bad && p.isOperand(e.X) && p.constant(e.Y)
	case CALL:
		ok := p.isOperand(e.X)
		for _, v := range e.List {
			ok = ok && p.constant(v)
		}
		return ok
	case token.IDENT, token.AND:
		p.errorf("condition-incomplete", e.Pos, "compare it: arg0 & 1 != 0", "%q is no comparison", e)
	default:
		p.errorf("condition-incomplete", e.Pos, "a condition compares a parameter: arg0 == 1", "%q is no condition", e)
	}
	return false
}

func isComparison(op Op) bool { return op.Precedence() == token.EQL.Precedence() }

func (p *exprParser) isOperand(e *Expr) bool {
	if param, mask := e.operand(); param != nil {
		return mask == nil || p.constant(mask)
	}
	hint := "the left side is a parameter, or a parameter & mask"
	if e.Op.Precedence() >= token.OR.Precedence() && e.Y != nil && e.leftmost().Op == token.IDENT {
		hint = "put the mask in parentheses: arg0 & (A | B)"
	}
	p.errorf("condition-operand", e.Pos, hint, "%q can't be compared", e)
	return false
}

func (e *Expr) leftmost() *Expr {
	for e.X != nil {
		e = e.X
	}
	return e
}

// Raw reports whether a parameter has the form of a register's name, argN. That there is no arg6 is left to say.
func (e *Expr) Raw() bool { return rawArgument.MatchString(e.Text) }

var rawArgument = regexp.MustCompile(`^arg[0-9]+$`)

func (p *exprParser) constant(e *Expr) bool {
	switch e.Op {
	case token.IDENT:
		if e.Raw() {
			p.errorf("not-constant", e.Pos, p.in("the parameter comes first, and arguments can't be compared with each other", "a value is a number or a named constant"),
				"%q is not a constant", e.Text)
		}
		return !p.bad
	case token.INT:
		return true
	case token.SUB, token.TILDE:
		return p.constant(e.X)
	case token.AND, token.OR, token.XOR, token.SHL, token.SHR:
		return p.constant(e.X) && p.constant(e.Y)
	}
	p.errorf("not-constant", e.Pos, "", "%q is not a constant", e)
	return false
}

// String returns the expression in the language's notation, with parentheses wherever two operators meet.
func (e *Expr) String() string {
	var b strings.Builder
	e.write(&b)
	return b.String()
}

func (e *Expr) write(b *strings.Builder) {
	inner := func(x *Expr) {
		if x.Y == nil || x.Op == CALL {
			x.write(b)
			return
		}
		b.WriteByte('(')
		x.write(b)
		b.WriteByte(')')
	}
	switch {
	case e.Op == CALL:
		b.WriteString("oneof(")
		e.X.write(b)
		for _, v := range e.List {
			b.WriteString(", ")
			v.write(b)
		}
		b.WriteByte(')')
	case e.Y != nil:
		inner(e.X)
		b.WriteString(" " + e.Op.String() + " ")
		inner(e.Y)
	case e.X != nil:
		b.WriteString(e.Op.String())
		if e.X.Op == token.SUB { // two signs next to each other are another token
			b.WriteByte(' ')
		}
		inner(e.X)
	default:
		b.WriteString(e.Text)
	}
}
