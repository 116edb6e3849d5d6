package prove

import (
	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// TargetDiagram is the reading of a target that Equal compares with.
func TargetDiagram(t *resolve.Target) *Diagram {
	s := newStore(Budget)
	return &Diagram{s, s.target(t)}
}

// Decide returns the leaf that a call reaches.
func (d *Diagram) Decide(c resolve.Call) resolve.Action {
	return d.store.vertices[d.store.lookup(d.root, c)].action
}

// ReadWithin is Read with a budget of its own.
func ReadWithin(budget int, prog []bpf.RawInstruction, bigEndian bool) (d *Diagram, err error) {
	d = &Diagram{store: newStore(budget)}
	defer d.store.recover(&err)
	d.root, err = d.store.program(prog, bigEndian)
	return d, err
}

// Size returns how many vertices the diagram's store has.
func Size(d *Diagram) int { return len(d.store.vertices) }

// Spend takes all that is left of the diagram's budget.
func Spend(d *Diagram) { d.store.budget = 0 }

// Plainly writes a condition that was read back with the relations of package resolve.
var Plainly = plainly
