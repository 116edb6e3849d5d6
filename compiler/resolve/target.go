package resolve

import (
	"strings"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
)

// Targets reads target words such as "x86_64+i386+x32", the native ABI first, and refuses ABIs that no single kernel
// runs and two targets serving one ABI.
func Targets(words []policy.Word) ([][]*arch.ABI, policy.Diagnostics) {
	var targets [][]*arch.ABI
	var diags policy.Diagnostics
	served := map[*arch.ABI]string{}
	for _, w := range words {
		var abis []*arch.ABI
		for _, name := range strings.Split(w.Text, "+") {
			abi := lookup(policy.Word{Text: strings.TrimSpace(name), Pos: w.Pos}, &diags)
			if abi == nil {
				continue
			}
			if by := served[abi]; by != "" {
				diags.Errorf("target-twice", w.Pos, "a loader must find one program for its ABI", "target %q: %q already serves %s", w.Text, by, abi.Name)
				continue
			}
			if len(abis) > 0 && abis[0].Family != abi.Family {
				diags.Errorf("target-mixed", w.Pos, "make it a target of its own", "target %q: no kernel runs both %s and %s", w.Text, abis[0].Name, abi.Name)
				continue
			}
			served[abi] = w.Text
			abis = append(abis, abi)
		}
		if len(abis) > 0 {
			targets = append(targets, abis)
		}
	}
	return targets, diags
}

// TargetName is the inverse of Targets: the ABIs' names joined by "+".
func TargetName(abis []*arch.ABI) string {
	var names []string
	for _, a := range abis {
		names = append(names, a.Name)
	}
	return strings.Join(names, "+")
}

func lookup(w policy.Word, diags *policy.Diagnostics) *arch.ABI {
	abi := arch.Lookup(w.Text)
	if abi == nil {
		hint := policy.Suggest(w.Text, arch.Spellings())
		if hint == "" {
			hint = "seccompc list arches shows the names"
		}
		diags.Errorf("unknown-abi", w.Pos, hint, "unknown ABI %q", w.Text)
	}
	return abi
}
