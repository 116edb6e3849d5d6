package resolve

import (
	"cmp"
	"fmt"
	"go/token"
	"math/big"
	"slices"
	"strings"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
)

// cond resolves a condition on a call of the ABI at work. The call's name is empty for a number that has none; its
// parameters then go by their raw form only.
func (r *resolver) cond(e *policy.Expr, call string) Cond {
	if e == nil {
		return All(nil)
	}
	switch e.Op {
	case token.LAND:
		return All{r.cond(e.X, call), r.cond(e.Y, call)}
	case token.LOR:
		return Any{r.cond(e.X, call), r.cond(e.Y, call)}
	case token.NOT:
		return Not{r.cond(e.X, call)}
	case policy.CALL:
		var any Any
		for _, v := range e.List {
			any = append(any, r.compare(e, EQ, v, call))
		}
		return any
	}
	return r.compare(e, relations[e.Op], e.Y, call)
}

var relations = map[policy.Op]Op{
	token.EQL: EQ, token.NEQ: NE, token.LSS: LT, token.LEQ: LE, token.GTR: GT, token.GEQ: GE,
}

func (r *resolver) compare(e *policy.Expr, op Op, value *policy.Expr, call string) Cond {
	param, mask := e.Operand()
	p, ok := r.param(param, call)
	if !ok {
		return All(nil)
	}
	c := Compare{Arg: p.Index, Bits: max(p.Bits, 32), Mask: ^uint64(0) >> (64 - p.Bits), Op: op}
	if mask != nil {
		m := r.constant(mask)
		if m.Sign() < 0 { // ~3: all bits of the parameter but two
			m = new(big.Int).Add(m, new(big.Int).Lsh(big.NewInt(1), uint(p.Bits)))
		}
		c.Mask = r.fit(m, mask, p)
	}
	v := r.constant(value)
	if p.Signed && mask == nil {
		return r.signed(c, v, value, p)
	}
	if v.Sign() < 0 {
		hint := "a raw argument is unsigned: write the register's value, such as 0xffffffff"
		if p.Name != "" {
			hint = param.Text + " is unsigned: write the value of its bits, such as 0xffffffff"
		}
		r.diags.Errorf("value-negative", value.Pos, hint, "%q is negative", value)
		return c
	}
	c.Value = r.fit(v, value, p)
	return c
}

// signed returns a comparison of signed numbers as one of unsigned numbers: behind the greatest positive one follow the
// negative ones, ascending.
func (r *resolver) signed(c Compare, v *big.Int, value *policy.Expr, p arch.Param) Cond {
	if !r.fitsSigned(v, value, p) {
		return c
	}
	c.Value = uint64(v.Int64()) & c.Mask
	negative := c
	negative.Op, negative.Value = GE, 1<<(p.Bits-1)
	less := func(op Op) Cond { // LT or LE
		c.Op = op
		if v.Sign() < 0 {
			return All{negative, c}
		}
		return Any{negative, c}
	}
	switch c.Op {
	case LT, LE:
		return less(c.Op)
	case GT:
		return Not{less(LE)}
	case GE:
		return Not{less(LT)}
	}
	return c
}

// fitsSigned reports whether a signed parameter can have a value.
func (r *resolver) fitsSigned(v *big.Int, e *policy.Expr, p arch.Param) bool {
	half := new(big.Int).Lsh(big.NewInt(1), uint(p.Bits-1))
	if v.Cmp(half) < 0 && v.Cmp(new(big.Int).Neg(half)) >= 0 {
		return true
	}
	r.diags.Errorf("value-width", e.Pos, "it is signed: write a negative number as one", "%q is beyond the %d bits of the signed %s", e, p.Bits, p.Name)
	return false
}

// fit returns an unsigned constant that must fit the parameter.
func (r *resolver) fit(v *big.Int, e *policy.Expr, p arch.Param) uint64 {
	switch {
	case v.Sign() >= 0 && v.BitLen() <= p.Bits:
		return v.Uint64()
	case p.Name == "":
		hint := fmt.Sprintf("%s has registers of %d bits: %s", r.abi.Name, p.Bits, r.limit)
		r.diags.Errorf("value-width", e.Pos, hint, "%q needs more than the %d bits of a register", e, p.Bits)
	default:
		r.diags.Errorf("value-width", e.Pos, "the kernel ignores all others: see seccompc list syscalls --long",
			"%q needs more than the %d bits of %s", e, p.Bits, p.Name)
	}
	return 0
}

// param returns the parameter that a condition names: by its raw form the whole register, else as the kernel uses it.
func (r *resolver) param(e *policy.Expr, call string) (p arch.Param, ok bool) {
	if e.Raw() {
		if len(e.Text) != 4 || e.Text[3] > '5' {
			r.diags.Errorf("unknown-parameter", e.Pos, "raw arguments are arg0 to arg5, the registers as the kernel shows them", "unknown argument %q", e.Text)
			return p, false
		}
		p = arch.Param{Index: int(e.Text[3] - '0'), Bits: r.abi.RegBits, Established: true}
	} else if p, ok = r.abi.Param(call, e.Text); !ok {
		r.unknownParam(e, call)
		return p, false
	}
	switch {
	case p.Pointer:
		r.diags.Errorf("parameter-pointer", e.Pos, "decide by other parameters or for the call as a whole; for paths there is Landlock",
			"%q of %s is a pointer: the kernel reads what is there after the filter ran, and it may have changed by then", e.Text, call)
		return p, false
	case !p.Established:
		r.diags.Errorf("parameter-bits", e.Pos, fmt.Sprintf("compare the register, arg%d", p.Index), "%q of %s: which of its bits the kernel uses is not established", e.Text, call)
		return p, false
	case p.Index >= 4 && (r.abi.Name == "mips" || r.abi.Name == "mipsel"):
		r.diags.Errorf("parameter-memory", e.Pos, r.limit, "%q on mips and mipsel: the kernel reads it from the program's memory, which can change after the check", e.Text)
		return p, false
	}
	return p, true
}

func (r *resolver) unknownParam(e *policy.Expr, call string) {
	var names []string
	for _, p := range r.abi.Params(call) {
		names = append(names, p.Name)
	}
	for _, abi := range arch.All() {
		if p, elsewhere := abi.Param(call, e.Text); elsewhere {
			r.diags.Errorf("parameter-place", e.Pos, fmt.Sprintf("%s, or compare a register; on %s it is arg%d", r.limit, abi.Name, p.Index),
				"%q of %s: its place is not established on %s", e.Text, call, r.abi.Name)
			return
		}
	}
	hint := policy.Suggest(e.Text, names)
	switch {
	case hint != "":
	case len(names) > 0:
		hint = "its parameters are " + strings.Join(names, ", ")
	default:
		hint = "compare a register, arg0 to arg5"
	}
	r.diags.Errorf("unknown-parameter", e.Pos, hint, "unknown parameter %q of %s", e.Text, cmp.Or(call, "a number without a name"))
}

// constant evaluates a constant expression exactly. Every step must be a word of 64 bits, or the complement of one,
// which is negative here: ~3 is all bits but two at whatever width it is used.
func (r *resolver) constant(e *policy.Expr) *big.Int {
	v := new(big.Int)
	switch e.Op {
	case token.INT:
		v.SetString(e.Text, 0)
	case token.IDENT:
		n, ok := r.abi.Const(e.Text)
		if !ok {
			r.unknownConst(e)
		}
		return v.SetInt64(n)
	case token.SUB:
		v.Neg(r.constant(e.X))
	case token.TILDE:
		v.Not(r.constant(e.X))
	default:
		x, y := r.constant(e.X), r.constant(e.Y)
		shift := e.Op == token.SHL || e.Op == token.SHR
		if shift && (y.Sign() < 0 || y.Cmp(big.NewInt(63)) > 0) {
			r.diags.Errorf("constant-range", e.Y.Pos, "", "shift by %q: a shift is 0 to 63", e.Y)
			return v
		}
		if e.Op == token.SHR && x.Sign() < 0 {
			r.diags.Errorf("constant-range", e.X.Pos, "write the number", "%q is negative: what a shift to the right brings in is undefined", e.X)
			return v
		}
		switch e.Op {
		case token.AND:
			v.And(x, y)
		case token.OR:
			v.Or(x, y)
		case token.XOR:
			v.Xor(x, y)
		case token.SHL:
			v.Lsh(x, uint(y.Uint64()))
		case token.SHR:
			v.Rsh(x, uint(y.Uint64()))
		}
	}
	word := v
	if v.Sign() < 0 {
		word = new(big.Int).Not(v)
	}
	if word.BitLen() > 64 {
		r.diags.Errorf("constant-range", e.Pos, "", "%q does not fit 64 bits", e)
		return new(big.Int)
	}
	return v
}

func (r *resolver) unknownConst(e *policy.Expr) {
	if _, known := slices.BinarySearch(arch.Consts(), e.Text); known {
		r.diags.Errorf("constant-absent", e.Pos, r.limit+", or write the number", "constant %q does not exist on %s", e.Text, r.abi.Name)
		return
	}
	hint := policy.Suggest(e.Text, arch.Consts())
	if hint == "" {
		hint = "seccompc list constants shows the names; or write the number"
	}
	r.diags.Errorf("unknown-constant", e.Pos, hint, "unknown constant %q", e.Text)
}
