package lint

import (
	"slices"
	"testing"

	"github.com/seccompc/seccompc/arch"
)

// TestFamilies holds the tables to names that some ABI has, each once in a family.
func TestFamilies(t *testing.T) {
	for _, f := range families {
		var names []string
		for _, member := range slices.Concat(f.from, f.to) {
			if _, known := slices.BinarySearch(arch.Names(), member.call); !known || slices.Contains(names, member.call) {
				t.Errorf("%q after %v", member.call, names)
			}
			names = append(names, member.call)
		}
		if len(names) < 2 {
			t.Errorf("%v has no twin", names)
		}
	}
	if len(families) < 100 {
		t.Errorf("%d families", len(families))
	}
	for _, call := range ringed {
		if _, known := slices.BinarySearch(arch.Names(), call); !known {
			t.Errorf("%q", call)
		}
	}
}
