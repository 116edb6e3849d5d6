package compiler_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/resolve"
	"github.com/seccompc/seccompc/compiler/resolve/resolvetest"
)

// An author writes random policies in the policy language.
type author struct {
	*rand.Rand
	met    map[string]int // how often each feature of the language was used
	errnos int            // if not 0, every answer is an errno, from this one upwards
	names  []string       // that its rules are about: few, so that rules meet
	groups []string
	limit  limits
}

// limits are what a condition may contain on each of the ABIs it is for.
type limits struct {
	bits int // of constants
	args int
}

func (a *author) pick(of ...string) string { return of[a.IntN(len(of))] }

func (a *author) use(feature string) { a.met[feature]++ }

// policy writes a policy for some targets.
func (a *author) policy(targets [][]*arch.ABI) string {
	var abis []*arch.ABI
	var words []string
	for _, t := range targets {
		abis = append(abis, t...)
		words = append(words, resolve.TargetName(t))
		a.use(fmt.Sprintf("target of %d ABIs", len(t)))
	}
	a.names = nil
	for range 4 + a.IntN(12) {
		calls := abis[a.IntN(len(abis))].Syscalls()
		a.names = append(a.names, calls[a.IntN(len(calls))].Name)
	}
	var w strings.Builder
	fmt.Fprintf(&w, "seccompc: 1\nname: random\ntargets: [%s]\ndefault: %s\n", strings.Join(words, ", "), a.answer())
	if a.IntN(2) == 0 || a.errnos > 0 {
		a.use("unknown")
		fmt.Fprintf(&w, "unknown: %s\n", a.answer())
	}
	if a.IntN(2) == 0 || a.errnos > 0 {
		a.use("foreign")
		fmt.Fprintf(&w, "foreign: %s\n", a.answer())
	}
	if a.IntN(3) == 0 {
		a.use("reviewed")
		fmt.Fprintf(&w, "reviewed: %q\n", a.pick("3.17", "4.18", "5.10", "6.6"))
	}
	a.groups = nil
	if a.IntN(2) == 0 {
		a.use("groups")
		fmt.Fprint(&w, "groups:\n")
		for i := range 1 + a.IntN(3) {
			name := fmt.Sprintf("@g%d", i)
			fmt.Fprintf(&w, "  %q: [%s]\n", name, strings.Join(a.calls(), ", "))
			a.groups = append(a.groups, name)
		}
	}
	fmt.Fprint(&w, "rules:\n")
	for range 1 + a.IntN(10) {
		a.rule(&w, abis)
	}
	return w.String()
}

// calls returns the names and groups of a list.
func (a *author) calls() []string {
	var list []string
	for range 1 + a.IntN(4) {
		if len(a.groups) > 0 && a.IntN(4) == 0 {
			a.use("group")
			list = append(list, fmt.Sprintf("%q", a.pick(a.groups...)))
			continue
		}
		list = append(list, a.pick(a.names...))
	}
	return list
}

func (a *author) rule(w *strings.Builder, abis []*arch.ABI) {
	only := abis
	if a.IntN(3) == 0 {
		only = abis[a.IntN(len(abis)):][:1]
	}
	a.limit = limits{bits: 64, args: 6}
	for _, abi := range only {
		a.limit.bits = min(a.limit.bits, abi.RegBits)
		if abi.Name == "mips" || abi.Name == "mipsel" {
			a.limit.args = 4
		}
	}
	action := a.answer()
	if a.IntN(6) == 0 {
		a.use("action default")
		action = "default"
	}
	switch form := a.IntN(3); form {
	case 0, 1:
		calls := a.calls()
		if len(only) == 1 && (len(abis) > 1 || a.IntN(2) == 0) && a.IntN(2) == 0 {
			a.use("number")
			calls = append(calls, fmt.Sprintf("%#x", a.number(only[0])))
		} else if len(only) == 1 && len(abis) == 1 {
			only = abis // the rule needs no list of ABIs
		}
		fmt.Fprintf(w, "  - %s: [%s]\n", action, strings.Join(calls, ", "))
		if form == 1 {
			a.use("condition of a rule")
			fmt.Fprintf(w, "    if: \"%s\"\n", a.cond(3))
		}
	default:
		fmt.Fprintf(w, "  - %s:\n", action)
		for _, name := range slices.Compact(slices.Sorted(slices.Values(a.calls()))) {
			if a.IntN(3) == 0 {
				a.use("call without a condition among others")
				fmt.Fprintf(w, "      %s:\n", name)
			} else {
				a.use("condition of a call")
				fmt.Fprintf(w, "      %s: \"%s\"\n", name, a.cond(2))
			}
		}
	}
	if len(only) == 1 {
		a.use("abis")
		fmt.Fprintf(w, "    abis: [%s]\n", only[0].Name)
	}
}

// number returns one of an ABI's numbers, or of those that nobody has.
func (a *author) number(abi *arch.ABI) uint32 {
	calls := abi.Syscalls()
	least := calls[0].Number // of MIPS, not 0
	for {
		n := []uint32{calls[a.IntN(len(calls))].Number, least + a.Uint32N(1000), abi.Bit | 0x3fffffff, 0x80000000 | abi.Bit, a.Uint32()}[a.IntN(5)]
		if n >= least && n != resolve.NoCall && (abi.Audit != resolve.X86_64 || n&resolve.X32Bit == abi.Bit) {
			return n
		}
	}
}

// answer returns an action that stands for itself.
func (a *author) answer() string {
	if a.errnos > 0 {
		a.errnos++
		return fmt.Sprintf("errno(%d)", a.errnos)
	}
	name := a.pick("kill_process", "kill_thread", "trap", "trap", "errno", "errno", "notify", "trace", "trace", "log", "allow", "allow", "allow")
	a.use("action " + name)
	switch {
	case name == "errno" && a.IntN(2) == 0:
		a.use("errno by name")
		return "errno(" + a.pick("EPERM", "ENOSYS", "EAGAIN", "EOPNOTSUPP") + ")"
	case name == "errno":
		return fmt.Sprintf("errno(%d)", []int{1, 38, resolve.MaxErrno, 1 + a.IntN(resolve.MaxErrno)}[a.IntN(4)])
	case (name == "trap" || name == "trace") && a.IntN(2) == 0:
		a.use("data")
		return fmt.Sprintf("%s(%#x)", name, []int{0, 1, 0xffff, a.IntN(1 << 16)}[a.IntN(4)])
	}
	return name
}

// cond writes a condition nested at most so deep.
func (a *author) cond(depth int) string {
	if depth > 0 {
		switch a.IntN(5) {
		case 0:
			a.use("&&")
			return a.inner(depth) + " && " + a.inner(depth)
		case 1:
			a.use("||")
			return a.inner(depth) + " || " + a.inner(depth)
		case 2:
			a.use("!")
			return "!(" + a.cond(depth-1) + ")"
		}
	}
	operand := fmt.Sprintf("arg%d", a.IntN(a.limit.args))
	if a.IntN(2) == 0 {
		a.use("mask")
		operand += " & " + a.mask()
	}
	if a.IntN(4) == 0 {
		a.use("oneof")
		list := []string{operand}
		for range 1 + a.IntN(8) {
			list = append(list, a.constant(a.value()))
		}
		return "oneof(" + strings.Join(list, ", ") + ")"
	}
	op := a.pick("==", "!=", "<", "<=", ">", ">=")
	a.use("operator " + op)
	return operand + " " + op + " " + a.constant(a.value())
}

// inner is an operand of && or ||: both orders of precedence occur, with parentheses where Go's would not do.
func (a *author) inner(depth int) string {
	if c := a.cond(depth - 1); !strings.Contains(c, "||") || strings.HasPrefix(c, "!(") {
		return c
	} else {
		return "(" + c + ")"
	}
}

func (a *author) value() uint64 {
	words := []uint64{0, 1, 2, 3, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, uint64(a.Uint32()), 1 << a.IntN(32)}
	v := words[a.IntN(len(words))]
	if a.limit.bits == 64 {
		if a.IntN(2) == 0 {
			v |= words[a.IntN(len(words))] << 32
		}
		if v > 0xffffffff {
			a.use("constant of 64 bits")
		}
	}
	return v
}

func (a *author) mask() string {
	switch a.IntN(4) {
	case 0:
		a.use("complement in a mask")
		return fmt.Sprintf("~%d", a.IntN(16))
	case 1:
		a.use("negative mask")
		return fmt.Sprintf("-%d", 1+a.IntN(16))
	}
	return "(" + a.constant(a.value()) + ")"
}

// constant writes a number in one of the language's notations, or as an expression.
func (a *author) constant(v uint64) string {
	switch a.IntN(7) {
	case 0:
		return fmt.Sprintf("%#x", v)
	case 1:
		return fmt.Sprintf("0o%o", v)
	case 2:
		a.use("constant expression |")
		return fmt.Sprintf("%#x | %d", v&0xff00ff00ff00ff00, v&0x00ff00ff00ff00ff)
	case 3:
		a.use("constant expression ^")
		return fmt.Sprintf("%#x ^ %#x", v^0x55, 0x55)
	case 4:
		if v&1 == 0 {
			a.use("constant expression <<")
			return fmt.Sprintf("%#x << 1", v>>1)
		}
		a.use("constant expression &")
		return fmt.Sprintf("%#x & ~0", v)
	}
	return fmt.Sprint(v)
}

// features are all that an author can use: a run that lacks one has not tested it.
var features = []string{
	"target of 1 ABIs", "target of 2 ABIs", "target of 3 ABIs", "unknown", "foreign", "reviewed", "groups", "group", "action default",
	"number", "condition of a rule", "call without a condition among others", "condition of a call", "abis",
	"action kill_process", "action kill_thread", "action trap", "action errno", "action notify", "action trace", "action log", "action allow",
	"errno by name", "data", "&&", "||", "!", "mask", "oneof", "operator ==", "operator !=", "operator <", "operator <=", "operator >", "operator >=",
	"constant of 64 bits", "complement in a mask", "negative mask", "constant expression |", "constant expression ^", "constant expression <<",
	"constant expression &",
}

// randomTargets returns the ABIs of up to three targets, none of them twice.
func randomTargets(r *rand.Rand) (targets [][]*arch.ABI) {
	var taken []*arch.ABI
	for range 1 + r.IntN(3) {
		abis := resolvetest.ABIs(r)
		if !slices.ContainsFunc(abis, func(x *arch.ABI) bool { return slices.Contains(taken, x) }) {
			targets, taken = append(targets, abis), append(taken, abis...)
		}
	}
	return targets
}
