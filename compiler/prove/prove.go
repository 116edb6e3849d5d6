// Package prove shows that a program decides exactly as the Filters it was made from, for every audit architecture,
// number and argument, or finds a call on which the two differ.
//
// Both sides become reduced ordered decision diagrams over the bits of the call, where equal functions are the same
// diagram. There is no sampling and no time-out: the work is bounded by a budget of steps, and a budget
// spent is the error ErrNotProven.
//
// The package shares no code with codegen. Its reading of the Filters is its own too, so the tests hold that against
// Filter.Decide.
package prove

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// Budget bounds the steps of one proof. It takes a few seconds and less than 200 MB to spend it; Docker's default
// profile for three ABIs needs 15,000.
const Budget = 3_000_000

// ErrNotProven means that the budget was spent before there was a proof or a difference.
var ErrNotProven = errors.New("not proven: the decision diagrams outgrow the budget")

// A Difference is a call on which a program and its target differ. It is an error.
type Difference struct {
	Call      resolve.Call
	Got, Want resolve.Action // the program's decision, the target's
}

func (d *Difference) Error() string {
	return fmt.Sprintf("the program decides %s where the policy says %s, for arch %#x, number %d, arguments %#x",
		d.Got, d.Want, d.Call.Arch, d.Call.NR, d.Call.Args)
}

// A Diagram is what a program decides, for every call.
type Diagram struct {
	store *store
	root  ref
}

// Read makes the diagram of a program. Constants in prog are numbers; bigEndian tells how the arguments' words lie. The
// error says what in the program is not modelled, or is ErrNotProven.
func Read(prog []bpf.RawInstruction, bigEndian bool) (d *Diagram, err error) {
	d = &Diagram{store: newStore(Budget)}
	defer d.store.recover(&err)
	d.root, err = d.store.program(prog, bigEndian)
	return d, err
}

// Equal returns nil if the program decides every call as the target does: a proof. Otherwise the error is a
// *Difference or ErrNotProven.
func (d *Diagram) Equal(t *resolve.Target) (err error) {
	s := d.store
	defer s.recover(&err)
	want := s.target(t)
	if d.root == want {
		return nil
	}
	diff := &Difference{Call: s.difference(d.root, want)}
	diff.Got = s.vertices[s.lookup(d.root, diff.Call)].action
	diff.Want = s.vertices[s.lookup(want, diff.Call)].action
	return diff
}

// An Outcome is an action and a call that meets it.
type Outcome struct {
	Action resolve.Action
	Call   resolve.Call
}

// Outcomes returns each action that some call of a set meets, with such a call, in ascending order of the actions'
// values. The calls are those with c's architecture and number whose arguments equal c's in the bits of mask: under an
// empty mask, a single outcome means that the arguments don't matter.
func (d *Diagram) Outcomes(c resolve.Call, mask [6]uint64) []Outcome {
	return d.store.outcomes(d.root, c, mask)
}

func (s *store) outcomes(root ref, c resolve.Call, mask [6]uint64) (out []Outcome) {
	for i := range c.Args {
		c.Args[i] &= mask[i]
	}
	given := resolve.Call{Arch: ^uint32(0), NR: ^uint32(0), Args: mask}
	seen := map[ref]bool{}
	var walk func(ref, resolve.Call)
	walk = func(at ref, c resolve.Call) {
		v := s.vertices[at]
		switch {
		case seen[at]:
			return
		case v.level == leaf:
			out = append(out, Outcome{v.action, c})
		case !bitOf(given, v.level):
			walk(v.lo, c)
			one := c
			setBit(&one, v.level)
			walk(v.hi, one)
		case bitOf(c, v.level):
			walk(v.hi, c)
		default:
			walk(v.lo, c)
		}
		seen[at] = true
	}
	walk(root, c)
	slices.SortFunc(out, func(a, b Outcome) int { return cmp.Compare(a.Action, b.Action) })
	return out
}

// A Contradiction is a call that two rules of a filter match with different actions.
type Contradiction struct {
	First, Second resolve.Rule
	Call          resolve.Call
}

// Contradicts returns a contradiction among the filter's rules, or nil if there is none. It matters where rules have no
// order. The error is ErrNotProven.
func Contradicts(f *resolve.Filter) (found *Contradiction, err error) {
	s := newStore(Budget)
	defer s.recover(&err)
	earlier := map[uint32][]int{} // by number, the indices of the rules that have it
	conds := make([]ref, len(f.Rules))
	disjoint := map[[2]int]bool{}
	for i, r := range f.Rules {
		conds[i] = s.cond(r.Cond)
		for _, n := range r.Numbers {
			for _, j := range earlier[n] {
				if f.Rules[j].Action == r.Action || disjoint[[2]int{j, i}] {
					continue
				}
				if both := s.ite(conds[j], conds[i], no); both != no {
					call := s.difference(both, no)
					call.Arch, call.NR = f.ABI.Audit, n
					return &Contradiction{f.Rules[j], r, call}, nil
				}
				disjoint[[2]int{j, i}] = true
			}
			earlier[n] = append(earlier[n], i)
		}
	}
	return nil, nil
}

func (s *store) recover(err *error) {
	switch r := recover(); r {
	case nil:
	case any(exhausted{}):
		*err = ErrNotProven
	default:
		panic(r)
	}
}
