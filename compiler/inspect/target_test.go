package inspect

import (
	"slices"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler/resolve/resolvetest"
)

// TestTarget: a target made of ABIs names these and no others, also where two share an architecture; and none where they have
// the other byte order.
func TestTarget(t *testing.T) {
	var sets [][]*arch.ABI
	for _, a := range arch.All() {
		sets = append(sets, []*arch.ABI{a})
	}
	for _, names := range resolvetest.Combinations {
		var abis []*arch.ABI
		for _, name := range names {
			abis = append(abis, arch.Lookup(name))
		}
		sets = append(sets, abis)
	}
	for _, abis := range sets {
		if target := Target(abis); !slices.Equal(ABIs(target), abis) {
			t.Errorf("%s: other ABIs than it was made of", target.Label)
		}
		target := Target(abis)
		target.Order = blob.LittleEndian + blob.BigEndian - target.Order
		if other := ABIs(target); len(other) > 0 {
			t.Errorf("%s in the other byte order is %s", target.Label, other[0].Name)
		}
	}
}
