// Package resolve turns a policy into Filters: policies with no names left, each for one ABI.
//
// Filter.Decide and Target.Decide are the semantics of the project. They are short and naive on purpose: codegen
// makes programs that decide the same, prove shows that they do, and neither shares code with this file.
package resolve

import (
	"slices"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
)

// A Target is a policy resolved for one program: a native ABI and the compat ABIs that the program serves too.
type Target struct {
	Filters []*Filter    // the native ABI's first
	Foreign Action       // for calls of all other ABIs
	Kernel  arch.Version // least kernel that the included rules assume; zero: none
	Tests   []Test       // the policy's, those that concern its ABIs
}

// A Filter is a policy resolved for one ABI.
type Filter struct {
	ABI     *arch.ABI
	Rules   []Rule   // the first that matches decides
	Known   []uint32 // ascending: the table's numbers up to the policy's `reviewed`, and those that rules name
	Default Action   // for known numbers that no rule decides
	Unknown Action   // for all other numbers
}

// A Rule of a Filter matches a call if its number is among Numbers, which ascend, and its condition holds.
type Rule struct {
	Pos     policy.Pos // of the word that names the calls
	Numbers []uint32
	Cond    Cond
	Action  Action
}

// A Call is what the kernel shows a program: struct seccomp_data of linux/seccomp.h without the instruction pointer.
type Call struct {
	Arch uint32    // AUDIT_ARCH_*
	NR   uint32    // as the kernel has it: with x32's bit or the MIPS bases
	Args [6]uint64 // as the registers are; on ABIs with 32-bit registers the high halves mean nothing
}

// X32Bit tells x32's numbers from x86_64's, which share an audit number. NoCall, which a tracer sets to cancel a
// call, has the bit but is nobody's.
const (
	X32Bit = 0x40000000
	X86_64 = 0xc000003e
	NoCall = 0xffffffff
)

// Decide returns what the policy says about a call.
func (t *Target) Decide(c Call) Action {
	for _, f := range t.Filters {
		if f.Serves(c.Arch, c.NR) {
			return f.Decide(c.NR, c.Args)
		}
	}
	return t.Foreign
}

// Serves reports whether a call with this audit number and number is one of f's ABI.
func (f *Filter) Serves(audit, nr uint32) bool {
	if audit == X86_64 && nr != NoCall && nr&X32Bit != f.ABI.Bit {
		return false
	}
	return audit == f.ABI.Audit
}

// Decide returns what the policy says about a call of f's ABI.
func (f *Filter) Decide(nr uint32, args [6]uint64) Action {
	if r := f.Rule(nr, args); r != nil {
		return r.Action
	}
	if slices.Contains(f.Known, nr) {
		return f.Default
	}
	return f.Unknown
}

// Rule returns the rule that decides a call of f's ABI, nil if none does.
func (f *Filter) Rule(nr uint32, args [6]uint64) *Rule {
	for i := range f.Rules {
		if r := &f.Rules[i]; slices.Contains(r.Numbers, nr) && r.Cond.Holds(args) {
			return r
		}
	}
	return nil
}

// A Cond is a condition on the arguments: All, Any, Not or Compare.
type Cond interface {
	Holds(args [6]uint64) bool
}

// All holds if each of its conditions does; All(nil) always holds.
type All []Cond

// Any holds if one of its conditions does; Any(nil) never holds.
type Any []Cond

// Not holds if its condition doesn't.
type Not struct{ Cond Cond }

// Compare holds if the argument's low Bits (32 or 64) under Mask stand in the relation Op to Value, all unsigned.
// Mask and Value have no bits above Bits.
type Compare struct {
	Arg   int // 0 to 5
	Bits  int
	Mask  uint64
	Op    Op
	Value uint64
}

// An Op is a relation.
type Op uint8

// The relations, as the kernel's operands stand: argument first.
const (
	EQ Op = iota
	NE
	LT
	LE
	GT
	GE
)

func (op Op) String() string { return [...]string{"==", "!=", "<", "<=", ">", ">="}[op] }

func (a All) Holds(args [6]uint64) bool {
	for _, c := range a {
		if !c.Holds(args) {
			return false
		}
	}
	return true
}

func (a Any) Holds(args [6]uint64) bool {
	for _, c := range a {
		if c.Holds(args) {
			return true
		}
	}
	return false
}

func (n Not) Holds(args [6]uint64) bool { return !n.Cond.Holds(args) }

func (c Compare) Holds(args [6]uint64) bool {
	x := args[c.Arg]
	if c.Bits == 32 {
		x = uint64(uint32(x))
	}
	x &= c.Mask
	switch c.Op {
	case EQ:
		return x == c.Value
	case NE:
		return x != c.Value
	case LT:
		return x < c.Value
	case LE:
		return x <= c.Value
	case GT:
		return x > c.Value
	default:
		return x >= c.Value
	}
}
