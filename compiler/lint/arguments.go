package lint

import (
	"go/token"
	"slices"
	"strings"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// Ways around a condition by another value that does the same.
var argumentChecks = []Check{
	{
		Code: "denying-equality", Title: "a value of flags is denied, and passes with one more bit",
		Explanation: `A word of flags is compared as a whole, and the value that is denied passes as soon as another flag is set beside
it: after "errno(EPERM): {unshare: flags == CLONE_NEWUSER}" a program sets CLONE_NEWUSER|CLONE_FS. The type of a
socket has SOCK_CLOEXEC beside it, an operation of futex FUTEX_PRIVATE_FLAG. Of a mode the kernel ignores bits:
chmod(path, 0x8000|04755) sets 04755.

Compare the bits that you mean: "flags & CLONE_NEWUSER != 0", "mode & 0o7777 == 0o4755", "type & 0xf == SOCK_RAW".`,
		run: func(l *linter, c Check) {
			var found places
			l.comparisons(func(f *filter, call string, e *policy.Expr, values []resolve.Compare) {
				param, mask := e.Operand()
				for _, x := range values {
					p, ok := parameter(f.ABI, call, x.Arg)
					if !ok || mask != nil || x.Op != resolve.EQ && x.Op != resolve.NE || x.Value == 0 {
						continue
					}
					var args, given, free [6]uint64
					args[x.Arg], free[x.Arg] = x.Value, otherBits(f.ABI, call, p)&^x.Value
					given[x.Arg] = low(p.Bits) &^ free[x.Arg]
					if l.escapes(f, call, args, given, free) {
						found.add(word(param), param.Text, call, f)
					}
				}
			})
			l.report(c, found, `compare the bits that you mean, under a mask: "flags & CLONE_NEWUSER != 0", "mode & 0o7777 == 0o755"`,
				"the value of %q that is denied passes with another bit set: %s")
		},
	},
	{
		Code: "raw-argument", Title: "a register is compared of which the kernel uses fewer bits",
		Explanation: `argN is a whole register. Where the kernel uses the low 32 bits of it, as with every int, a program sets one of
the others, and the comparison sees another value than the kernel does: ioctl(fd, 0x100000000|TIOCSTI) passes
"errno(EPERM): {ioctl: arg1 == TIOCSTI}". The sandboxes of snapd and Flatpak were left that way
(CVE-2019-7303, CVE-2019-10063). This is reported where a call is denied that passes with such bits set.

Compare the parameter by its name: "request == TIOCSTI". seccompc list syscalls --long shows names and widths.`,
		run: func(l *linter, c Check) {
			var found places
			first := map[string]policy.Word{} // what is found of a register of a call is one hole, wherever it is compared
			l.comparisons(func(f *filter, call string, e *policy.Expr, values []resolve.Compare) {
				param, _ := e.Operand()
				register := values[0].Arg
				p, ok := parameter(f.ABI, call, register)
				if !ok || !param.Raw() {
					return
				}
				var free [6]uint64
				free[register] = low(f.ABI.RegBits) &^ low(p.Bits)
				if l.escapes(f, call, [6]uint64{}, [6]uint64{}, free) {
					of := param.Text + " of " + call
					if _, ok := first[of]; !ok {
						first[of] = word(param)
					}
					found.add(first[of], param.Text, p.Name+" of "+call, f)
				}
			})
			l.report(c, found, "compare the parameter by its name", "%q has more bits than the kernel uses, and they lead past the rule: %s")
		},
	},
	{
		Code: "prctl-argument", Title: "arg2 of prctl or keyctl, which the man page calls by another number",
		Explanation: `The man pages of prctl and keyctl call their second argument arg2, for they count from 1. In a condition argN is
a register, counted from 0: their arg2 is arg1 here, and arg2 is what they call arg3. prctl's arg5 is arg4, and
arg5 is a register that it doesn't have.

Subtract one. A condition that compares arg1 beside it counts from 0 and is not reported.`,
		run: func(l *linter, c Check) {
			if l.policy.Imported {
				return // profiles number their arguments from 0
			}
			for _, rule := range l.policy.Rules {
				for _, call := range rule.Calls {
					if name := call.Name.Text; call.If == nil || name != "prctl" && name != "keyctl" {
						continue
					}
					params := parameters(call.If)
					if slices.ContainsFunc(params, func(e *policy.Expr) bool { return e.Text == "arg1" }) {
						continue
					}
					for _, e := range params {
						if e.Raw() && e.Text >= "arg2" {
							l.found(c, e.Pos, "registers count from 0: the man page's arg2 is arg1", "%q is a register, and the man page of %s counts from 1", e.Text, call.Name.Text)
						}
					}
				}
			}
		},
	},
}

// comparisons visits the comparisons in the rules' conditions, with what each is on an ABI for each of its calls: oneof
// is several. Those of signed numbers by less and greater are left out.
func (l *linter) comparisons(visit func(f *filter, call string, e *policy.Expr, values []resolve.Compare)) {
	for _, f := range l.filters {
		for _, r := range f.Rules {
			_, of := l.origin(r.Pos)
			if of.If == nil {
				continue
			}
			for _, nr := range r.Numbers {
				call, _ := f.ABI.SyscallName(nr)
				compares(of.If, r.Cond, func(e *policy.Expr, values []resolve.Compare) { visit(f, call, e, values) })
			}
		}
	}
}

// compares walks a condition and what it resolves to, which have one shape.
func compares(e *policy.Expr, c resolve.Cond, visit func(*policy.Expr, []resolve.Compare)) {
	switch e.Op {
	case token.LAND:
		compares(e.X, c.(resolve.All)[0], visit)
		compares(e.Y, c.(resolve.All)[1], visit)
	case token.LOR:
		compares(e.X, c.(resolve.Any)[0], visit)
		compares(e.Y, c.(resolve.Any)[1], visit)
	case token.NOT:
		compares(e.X, c.(resolve.Not).Cond, visit)
	case policy.CALL:
		var values []resolve.Compare
		for _, c := range c.(resolve.Any) {
			values = append(values, c.(resolve.Compare))
		}
		visit(e, values)
	default:
		if x, ok := c.(resolve.Compare); ok {
			visit(e, []resolve.Compare{x})
		}
	}
}

// parameters returns the parameters in a condition.
func parameters(e *policy.Expr) []*policy.Expr {
	switch e.Op {
	case token.LAND, token.LOR:
		return append(parameters(e.X), parameters(e.Y)...)
	case token.NOT:
		return parameters(e.X)
	}
	param, _ := e.Operand()
	return []*policy.Expr{param}
}

func word(e *policy.Expr) policy.Word { return policy.Word{Text: e.Text, Pos: e.Pos} }

// escapes reports whether a call is denied that passes with other bits of free set, as prove.Rules has it.
func (l *linter) escapes(f *filter, call string, args, given, free [6]uint64) bool {
	nr, _ := f.ABI.Number(call)
	found, err := f.rules.Escapes(nr, args, given, free, func(rule int) bool { return l.decide(f, nr, rule).passes() })
	return must(f.Filter, found, err)
}

// parameter returns what is in a register, if the bits that the kernel uses are known.
func parameter(abi *arch.ABI, call string, register int) (arch.Param, bool) {
	for _, p := range abi.Params(call) {
		if p.Index == register && p.Established {
			return p, true
		}
	}
	return arch.Param{}, false
}

// otherBits are those of a parameter that stand for something else than the rest, or for nothing.
func otherBits(abi *arch.ABI, call string, p arch.Param) (bits uint64) {
	var names []string
	switch {
	case p.Name == "type" && strings.HasPrefix(call, "socket"):
		names = []string{"SOCK_CLOEXEC", "SOCK_NONBLOCK"}
	case p.Name == "futex_op":
		names = []string{"FUTEX_PRIVATE_FLAG", "FUTEX_CLOCK_REALTIME"}
	case p.Name == "mode" || p.Name == "prot" || p.Name == "options" || p.Name == "persona" || p.Name == "nstype" || p.Name == "oflag",
		strings.HasSuffix(p.Name, "flags"), strings.HasSuffix(p.Name, "flg"):
		return low(p.Bits)
	}
	for _, name := range names {
		v, _ := abi.Const(name)
		bits |= uint64(v)
	}
	return bits
}

// low is a mask of the lowest bits.
func low(bits int) uint64 { return ^uint64(0) >> (64 - bits) }
