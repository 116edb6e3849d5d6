package inspect

import (
	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// Target returns a blob's target for ABIs, the native one first, without a program.
func Target(abis []*arch.ABI) blob.Target {
	t := blob.Target{Label: resolve.TargetName(abis), Order: blob.LittleEndian}
	if abis[0].BigEndian {
		t.Order = blob.BigEndian
	}
	for _, a := range abis {
		t.ABIs = append(t.ABIs, blob.ABI{Audit: a.Audit, Bit: a.Bit})
	}
	return t
}

// ABIs returns the ABIs that a blob's target names by number, in its order, but for those that package arch doesn't know.
func ABIs(t blob.Target) (abis []*arch.ABI) {
	for _, served := range t.ABIs {
		for _, a := range arch.All() {
			if a.Audit == served.Audit && a.Bit == served.Bit && a.BigEndian == (t.Order == blob.BigEndian) {
				abis = append(abis, a)
			}
		}
	}
	return abis
}

// Read makes the diagram of a target's program from its bytes; beside another one, if that isn't nil, so that the two can be
// compared. The error is that of Instructions or prove.Read.
func Read(t blob.Target, beside *prove.Diagram) (*prove.Diagram, error) {
	bigEndian := t.Order == blob.BigEndian
	prog, err := Instructions(t.Program, bigEndian)
	switch {
	case err != nil:
		return nil, err
	case beside != nil:
		return beside.Beside(prog, bigEndian)
	}
	return prove.Read(prog, bigEndian)
}
