package resolve

import (
	"fmt"
	"go/token"
	"math/big"
	"slices"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
)

// A Test is a policy's test on one ABI: every call with this architecture and number whose arguments equal Call.Args in
// the bits of Given must meet Want.
type Test struct {
	Of    *policy.Test
	ABI   *arch.ABI
	Call  Call
	Given [6]uint64
	Want  Action
}

// tests resolves the policy's tests on the ABI at work. Those are left out that speak of another ABI, of a call that
// this one lacks, or of other capabilities.
func (r *resolver) tests(f *Filter) (tests []Test) {
	r.limit = "limit the test with abi:"
	defer func() { r.limit = limitRule }()
	for i := range r.policy.Tests {
		of := &r.policy.Tests[i]
		granted := r.capsOf(of)
		if of.ABI.Text != "" && lookup(of.ABI, &r.diags) != r.abi {
			continue
		}
		var only []policy.Word
		if of.ABI.Text != "" {
			only = []policy.Word{of.ABI}
		}
		nr, ok := r.number(of.Call, policy.Rule{ABIs: only})
		if !ok {
			continue
		}
		t := Test{Of: of, ABI: r.abi, Call: Call{Arch: r.abi.Audit, NR: nr}, Want: f.Default}
		if of.Want.Kind != policy.Default {
			t.Want = r.action(of.Want)
		}
		name, _ := r.abi.SyscallName(nr)
		for _, a := range of.Args {
			r.argument(&t, a, name)
		}
		if granted {
			tests = append(tests, t)
		}
	}
	return tests
}

// ResolveCall resolves a call as policy.ParseCall reads it on one ABI, that is all of a Test but what is wanted. It is not ok where
// there is an error, or the ABI lacks the call.
func ResolveCall(of *policy.Test, abi *arch.ABI) (t Test, ok bool, diags policy.Diagnostics) {
	r := &resolver{policy: &policy.Policy{Tests: []policy.Test{*of}, Targets: []policy.Word{{Text: abi.Name}}}, abis: []*arch.ABI{abi}, abi: abi,
		limit: "choose another ABI"}
	t = Test{Of: of, ABI: abi, Call: Call{Arch: abi.Audit}}
	if r.spelling(); r.diags.Err() != nil {
		return t, false, r.diags
	}
	nr, ok := r.number(of.Call, policy.Rule{})
	if !ok {
		return t, false, r.diags
	}
	t.Call.NR = nr
	call, _ := abi.SyscallName(nr)
	for _, a := range of.Args {
		r.argument(&t, a, call)
	}
	return t, r.diags.Err() == nil, r.diags
}

// capsOf reports whether a test speaks of the capabilities that are granted.
func (r *resolver) capsOf(t *policy.Test) bool {
	words := t.Caps
	if words == nil {
		words = r.policy.Capabilities
	}
	all := true
	var distinct []string
	for _, w := range words {
		if all = r.granted(w) && all; !slices.Contains(distinct, w.Text) {
			distinct = append(distinct, w.Text)
		}
	}
	return all && len(distinct) == len(r.options.Caps)
}

// argument fixes an argument: the bits that the kernel uses of a parameter, or the whole register.
func (r *resolver) argument(t *Test, a policy.Arg, call string) {
	p, ok := r.param(&policy.Expr{Text: a.Param.Text, Pos: a.Param.Pos}, call)
	if !ok {
		return
	}
	v := r.constant(a.Value)
	if p.Signed && !r.fitsSigned(v, a.Value, p) {
		return
	}
	width := new(big.Int).Lsh(big.NewInt(1), uint(p.Bits))
	if v.Sign() < 0 { // as programs pass -1
		least := new(big.Int).Neg(new(big.Int).Rsh(width, 1))
		if a.Value.Op == token.SUB && v.Cmp(least) < 0 { // ~x is all bits but some
			r.diags.Errorf("value-width", a.Value.Pos, "write the value of its bits", "%q is below the %d bits of %s", a.Value, p.Bits, a.Param.Text)
			return
		}
		v = new(big.Int).Add(v, width)
	}
	if t.Given[p.Index] != 0 {
		r.diags.Errorf("duplicate-argument", a.Param.Pos, fmt.Sprintf("on %s it is arg%d: give that one value", r.abi.Name, p.Index), "%q has a value already", a.Param.Text)
	}
	t.Call.Args[p.Index] = r.fit(v, a.Value, p)
	t.Given[p.Index] = ^uint64(0) >> (64 - p.Bits)
}
