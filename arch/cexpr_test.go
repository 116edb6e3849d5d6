package arch

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A definition is what a header makes of a name: a number, or why we can't
// tell. Unsized is one that is certain but for the size of a struct in it.
type definition struct {
	value   int64
	unsized bool
	err     error
}

type definitions map[string]definition

var lexeme = regexp.MustCompile(`\w+|"[^"]*"|'[^']*'|<<|>>|&&|\|\||[=!<>]=|[^\s\w]`)

// An evaluator reads C's constant expressions, as far as the headers need. All
// numbers have 64 bits.
type evaluator struct {
	long   int64 // bytes
	defs   definitions
	tokens []string // what is left to read
	known  bool     // no size has been guessed
}

// enums collects the enumerators of a translation unit.
func (e *evaluator) enums(code []string) {
	for i, tok := range code {
		if tok != "enum" {
			continue
		}
		for i++; i < len(code) && code[i] != "{" && code[i] != ";" && code[i] != ")"; i++ {
		}
		if i == len(code) || code[i] != "{" {
			continue
		}
		next := definition{}
		for i++; i < len(code) && code[i] != "}"; i++ {
			name, end, depth := code[i], i, 0
			for ; depth > 0 || code[end] != "," && code[end] != "}"; end++ {
				depth += strings.Count("(", code[end]) - strings.Count(")", code[end])
			}
			if i+1 < end && code[i+1] == "=" {
				next = e.eval(code[i+2 : end])
			}
			e.defs[name] = next
			next.value++
			if i = end; code[i] == "}" {
				break
			}
		}
	}
}

// eval evaluates a whole expression.
func (e *evaluator) eval(tokens []string) (d definition) {
	defer func() {
		if r := recover(); r != nil {
			d = definition{err: fmt.Errorf("%v", r)}
		}
	}()
	e.tokens, e.known = tokens, true
	d.value = e.ternary()
	if len(e.tokens) > 0 {
		panic("left over " + e.tokens[0])
	}
	d.unsized = !e.known
	return d
}

func (e *evaluator) peek() string {
	if len(e.tokens) == 0 {
		return ""
	}
	return e.tokens[0]
}

func (e *evaluator) next() string {
	tok := e.peek()
	if tok == "" {
		panic("ends early")
	}
	e.tokens = e.tokens[1:]
	return tok
}

func (e *evaluator) expect(want string) {
	if tok := e.next(); tok != want {
		panic(tok + " instead of " + want)
	}
}

func (e *evaluator) ternary() int64 {
	cond := e.binary(0)
	if e.peek() != "?" {
		return cond
	}
	e.next()
	yes := e.ternary()
	e.expect(":")
	no := e.ternary()
	if cond != 0 {
		return yes
	}
	return no
}

// levels are C's binary operators, the loosest first.
var levels = []string{"||", "&&", "|", "^", "&", "== !=", "< > <= >=", "<< >>", "+ -", "* /"}

func (e *evaluator) binary(level int) int64 {
	if level == len(levels) {
		return e.unary()
	}
	x := e.binary(level + 1)
	for slices.Contains(strings.Fields(levels[level]), e.peek()) {
		op := e.next()
		x = apply(op, x, e.binary(level+1))
	}
	return x
}

func apply(op string, x, y int64) int64 {
	truth := map[string]bool{"||": x != 0 || y != 0, "&&": x != 0 && y != 0, "==": x == y, "!=": x != y, "<": x < y, ">": x > y, "<=": x <= y, ">=": x >= y}
	if yes, ok := truth[op]; ok {
		if yes {
			return 1
		}
		return 0
	}
	switch op {
	case "|":
		return x | y
	case "^":
		return x ^ y
	case "&":
		return x & y
	case "<<":
		return x << y
	case ">>":
		return x >> y
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	}
	return x / y
}

// kinds are the words that types are made of, and the types the headers take
// from libc; 0 bytes are a long's.
var kinds = map[string]int64{
	"char": 1, "short": 2, "int": 4, "unsigned": 4, "signed": 4, "long": 0, "void": 0,
	"__u8": 1, "__u16": 2, "__s32": 4, "__u32": 4, "__le32": 4, "__u64": 8, "__s64": 8, "__le64": 8,
	"size_t": 0, "pid_t": 4, "loff_t": 8, "__kernel_rwf_t": 4, "__kernel_key_t": 4, "__kernel_pid_t": 4, "__kernel_off_t": 0,
	"__kernel_loff_t": 8, "__kernel_time_t": 0, "ext_accm": 32, "__kernel_long_t": 0, "time_t": -1, "struct": -1, "union": -1,
}

func (e *evaluator) unary() int64 {
	switch tok := e.next(); {
	case tok == "-":
		return -e.unary()
	case tok == "+":
		return e.unary()
	case tok == "~":
		return ^e.unary()
	case tok == "!":
		return apply("==", e.unary(), 0)
	case tok == "sizeof":
		e.expect("(")
		size := e.typeSize()
		e.expect(")")
		return size
	case tok == "(":
		if _, ok := kinds[e.peek()]; ok { // a cast; none changes a number of these headers
			e.typeSize()
			e.expect(")")
			return e.unary()
		}
		x := e.ternary()
		e.expect(")")
		return x
	case tok[0] == '\'' && len(tok) == 3:
		return int64(tok[1])
	case tok[0] >= '0' && tok[0] <= '9':
		n, err := strconv.ParseUint(strings.TrimRight(tok, "uUlL"), 0, 64)
		if err != nil {
			panic("bad number " + tok)
		}
		return int64(n)
	default:
		d, ok := e.defs[tok]
		if !ok || d.err != nil {
			panic("unknown " + tok)
		}
		e.known = e.known && !d.unsized
		return d.value
	}
}

// typeSize reads a type name and returns its bytes, 0 and !known for one that
// takes a compiler.
func (e *evaluator) typeSize() (size int64) {
	words := map[string]int{}
	for e.peek() != ")" && e.peek() != "[" && e.peek() != "*" {
		word := e.next()
		n, ok := kinds[word]
		if !ok && words["struct"]+words["union"] == 0 && word != "const" {
			panic("unknown type " + word)
		}
		if words[word]++; word == "short" || word == "char" || size == 0 {
			size = n
		}
		if size == 0 && word != "const" {
			size = e.long
		}
	}
	if words["long"] == 2 {
		size = 8
	} else if words["long"] == 1 {
		size = e.long
	}
	for e.peek() == "*" {
		e.next()
		size = e.long
	}
	if e.peek() == "[" {
		e.next()
		size *= e.ternary()
		e.expect("]")
	}
	if size < 0 {
		size, e.known = 0, false
	}
	return size
}
