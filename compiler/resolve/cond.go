package resolve

import (
	"go/token"
	"math/big"
	"strings"

	"github.com/seccompc/seccompc/compiler/policy"
)

// cond resolves a condition on the ABI at work.
func (r *resolver) cond(e *policy.Expr) Cond {
	if e == nil {
		return All(nil)
	}
	switch e.Op {
	case token.LAND:
		return All{r.cond(e.X), r.cond(e.Y)}
	case token.LOR:
		return Any{r.cond(e.X), r.cond(e.Y)}
	case token.NOT:
		return Not{r.cond(e.X)}
	case policy.CALL:
		var any Any
		for _, v := range e.List {
			any = append(any, r.compare(e, EQ, v))
		}
		return any
	}
	return r.compare(e, relations[e.Op], e.Y)
}

var relations = map[policy.Op]Op{
	token.EQL: EQ, token.NEQ: NE, token.LSS: LT, token.LEQ: LE, token.GTR: GT, token.GEQ: GE,
}

func (r *resolver) compare(e *policy.Expr, op Op, value *policy.Expr) Cond {
	param, mask := e.Operand()
	c := Compare{Arg: r.argument(param), Bits: r.abi.RegBits, Op: op}
	c.Mask = ^uint64(0) >> (64 - c.Bits)
	if mask != nil {
		m := r.constant(mask)
		if m.Sign() < 0 { // ~3: all bits of the register but two
			m = new(big.Int).Add(m, new(big.Int).Lsh(big.NewInt(1), uint(c.Bits)))
		}
		c.Mask = r.fit(m, mask, c.Bits)
	}
	v := r.constant(value)
	if v.Sign() < 0 {
		r.diags.Errorf(value.Pos, "a raw argument is unsigned: write the register's value, such as 0xffffffff", "%q is negative", value)
		return c
	}
	c.Value = r.fit(v, value, c.Bits)
	return c
}

func (r *resolver) fit(v *big.Int, e *policy.Expr, bits int) uint64 {
	if v.Sign() < 0 || v.BitLen() > bits {
		hint := ""
		if bits == 32 {
			hint = "limit the rule with abis:, or write one rule per register width"
		}
		r.diags.Errorf(e.Pos, hint, "%q needs more than the %d bits of a register on %s", e, bits, r.abi.Name)
		return 0
	}
	return v.Uint64()
}

// argument returns the index of a raw argument, "arg0" to "arg5".
func (r *resolver) argument(param *policy.Expr) int {
	digits, ok := strings.CutPrefix(param.Text, "arg")
	if !ok || len(digits) != 1 || digits[0] < '0' || digits[0] > '5' {
		r.diags.Errorf(param.Pos, "parameters are arg0 to arg5, the registers as the kernel shows them", "unknown parameter %q", param.Text)
		return 0
	}
	n := int(digits[0] - '0')
	if n >= 4 && (r.abi.Name == "mips" || r.abi.Name == "mipsel") {
		r.diags.Errorf(param.Pos, "limit the rule with abis:", "%q on %s: the kernel reads it from the program's memory, which can change after the check", param.Text, r.abi.Name)
	}
	return n
}

var limit = new(big.Int).Lsh(big.NewInt(1), 64)

// constant evaluates a constant expression exactly. Every step must fit 64 bits, signed or unsigned.
func (r *resolver) constant(e *policy.Expr) *big.Int {
	v := new(big.Int)
	switch e.Op {
	case token.INT:
		v.SetString(e.Text, 0)
	case token.IDENT:
		r.diags.Errorf(e.Pos, "write its number", "unknown constant %q", e.Text)
		return v
	case token.SUB:
		v.Neg(r.constant(e.X))
	case token.TILDE:
		v.Not(r.constant(e.X))
	default:
		x, y := r.constant(e.X), r.constant(e.Y)
		shift := e.Op == token.SHL || e.Op == token.SHR
		if shift && (y.Sign() < 0 || y.Cmp(big.NewInt(63)) > 0) {
			r.diags.Errorf(e.Y.Pos, "", "shift by %q: a shift is 0 to 63", e.Y)
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
	if v.Cmp(limit) >= 0 || v.Sign() < 0 && v.BitLen() > 63 {
		r.diags.Errorf(e.Pos, "", "%q does not fit 64 bits", e)
		return new(big.Int)
	}
	return v
}
