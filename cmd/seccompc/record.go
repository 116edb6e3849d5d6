package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/seccompc/seccompc/arch"
)

// A record is what the kernel's audit log says of a call that a filter decided.
type record struct {
	audit uint32
	abi   *arch.ABI // that the record names in place of a number, else nil
	nr    uint32
	name  string // in place of nr
	args  [6]uint64
	given [6]uint64 // bits of args that the record has
	code  uint32    // the action, if has is set
	has   bool
}

var (
	field  = regexp.MustCompile(`(?:^|[\s\x1d])(arch|syscall|code|a[0-5])=([^\s\x1d]+)`) // auditd puts 0x1d before what it appends
	quoted = regexp.MustCompile(`"[^"]*"`)
)

// readRecord reads an audit record, type=SECCOMP or the SYSCALL that goes with it, as the kernel writes it or ausearch -i shows
// it. It is nil if the line is none; else an error says what is wrong with it.
func readRecord(line string) (*record, error) {
	fields := map[string]string{}
	for _, m := range field.FindAllStringSubmatch(quoted.ReplaceAllString(line, `""`), -1) {
		fields[m[1]] = m[2]
	}
	if fields["arch"] == "" || fields["syscall"] == "" {
		return nil, nil
	}
	r := &record{}
	if r.abi = arch.Lookup(fields["arch"]); r.abi != nil {
		r.audit = r.abi.Audit
	} else if n, err := strconv.ParseUint(fields["arch"], 16, 32); err == nil {
		r.audit = uint32(n)
	} else {
		return r, fmt.Errorf("audit record: arch %q is neither hexadecimal nor an ABI", fields["arch"])
	}
	if n, err := strconv.ParseInt(fields["syscall"], 10, 64); err == nil && n >= -1<<31 && n < 1<<32 {
		r.nr = uint32(n)
	} else {
		r.name = fields["syscall"]
	}
	for i := range r.args {
		text := fields[fmt.Sprintf("a%d", i)]
		if n, err := strconv.ParseUint(strings.TrimPrefix(text, "0x"), 16, 64); err == nil {
			r.args[i], r.given[i] = n, ^uint64(0)
		}
	}
	if n, err := strconv.ParseUint(fields["code"], 0, 32); err == nil {
		r.code, r.has = uint32(n), true
	}
	return r, nil
}

// A traced call is a line of strace's output, as far as a filter sees it.
type traced struct {
	name  string
	args  []string // as policies' tests have them, "_" for what isn't known
	errno string   // that it returned; "" none
}

var tracedCall = regexp.MustCompile(`^(?:\[pid\s+\d+\]\s+|\d+\s+)?(?:[\d:.]+\s+)?([a-zA-Z_]\w*)\(`)
var tracedEnd = regexp.MustCompile(`^\)\s*= (?:-1 (E[A-Z0-9]+)\b|-?\d|0x|\?)`)

// readTrace reads a line of strace, whose constants are those of an ABI. It is nil if the line is none. Words that are no
// constants of the ABI, and what is behind pointers, become "_".
func readTrace(line string, abi *arch.ABI) *traced {
	head := tracedCall.FindStringSubmatch(line)
	if head == nil {
		return nil
	}
	t := &traced{name: head[1]}
	args, rest := splitArgs(line[len(head[0]):])
	end := tracedEnd.FindStringSubmatch(rest)
	if end == nil {
		return nil
	}
	t.errno = end[1]
	for i, a := range args {
		if i < 6 {
			t.args = append(t.args, tracedValue(a, t.name, i, abi))
		}
	}
	return t
}

// splitArgs divides arguments at the commas that are in no string, structure or comment, up to the parenthesis that closes them.
func splitArgs(s string) (args []string, rest string) {
	depth, start := 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || strings.HasPrefix(s[i:], "/*"):
			end := `"`
			if c != '"' {
				end = "*/"
			}
			for i++; i < len(s) && !strings.HasPrefix(s[i:], end); i++ {
				if end == `"` && s[i] == '\\' {
					i++
				}
			}
			i += len(end) - 1
		case c == '(' || c == '{' || c == '[':
			depth++
		case depth > 0 && (c == ')' || c == '}' || c == ']'):
			depth--
		case c == ',' && depth == 0:
			args = append(args, s[start:i])
			start = i + 1
		case c == ')':
			if strings.TrimSpace(s[start:i]) != "" || len(args) > 0 {
				args = append(args, s[start:i])
			}
			return args, s[i:]
		}
	}
	return args, ""
}

var (
	decorated = regexp.MustCompile(`^(-?\w+)<.*>$`) // a descriptor's file, by strace -y
	comment   = regexp.MustCompile(`/\*.*?\*/`)
	octal     = regexp.MustCompile(`\b0([0-7]+)\b`)
	named     = regexp.MustCompile(`^(\w+)\s*=\s*(.*)$`)
	word      = regexp.MustCompile(`\b[A-Za-z_]\w*`)
	expressed = regexp.MustCompile(`^[-~|\w\s()<]+$`)
)

func tracedValue(s, call string, index int, abi *arch.ABI) string {
	s = strings.TrimSpace(comment.ReplaceAllString(s, ""))
	prefix, param := "", ""
	if m := named.FindStringSubmatch(s); m != nil {
		param, s = m[1], m[2]
		p, ok := abi.Param(call, param)
		if !ok || p.Pointer || !p.Established {
			return "_"
		}
		prefix = param + "="
	}
	if m := decorated.FindStringSubmatch(s); m != nil {
		s = m[1]
	}
	s, _, _ = strings.Cut(s, " or ") // an ioctl's number may have several names
	s = octal.ReplaceAllString(s, "0o$1")
	if !expressed.MatchString(s) {
		return "_"
	}
	for _, w := range word.FindAllString(s, -1) {
		if _, ok := abi.Const(w); !ok {
			return "_"
		}
	}
	at := slices.IndexFunc(abi.Params(call), func(p arch.Param) bool { return p.Index == index })
	switch {
	case param != "":
	case at >= 0 && abi.Params(call)[at].Pointer:
		return "_"
	case at < 0 && abi.RegBits == 32: // it may travel in two registers, and what follows in others than it seems
		return "_"
	}
	return prefix + s
}

// test is the call as policies' tests have it.
func (t *traced) test() string {
	byName := []string{}
	var args []string
	for _, a := range t.args {
		if strings.Contains(a, "=") {
			byName = append(byName, a)
		} else if len(byName) == 0 {
			args = append(args, a)
		}
	}
	for len(args) > 0 && args[len(args)-1] == "_" {
		args = args[:len(args)-1]
	}
	return t.name + "(" + strings.Join(append(args, byName...), ", ") + ")"
}
