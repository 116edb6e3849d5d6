package compiler_test

import (
	"fmt"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// TestReviewedGroups shows that a built-in group that has grown does not change what an older policy decides: its newer calls
// are unknown, as if no rule named them, until the policy itself does.
func TestReviewedGroups(t *testing.T) {
	abi := arch.Lookup("x86_64")
	mseal, _ := abi.Number("mseal") // Linux 6.10
	futex, _ := abi.Number("futex")
	if v := arch.Since("mseal"); v.String() != "6.10" {
		t.Fatalf("mseal is of Linux %v", v)
	}
	enosys := resolve.Errno | 38
	for _, v := range []struct {
		name, head, rules string
		mseal, futex      resolve.Action
	}{
		{"older policy", `reviewed: "6.9"`, `- allow: ["@default"]`, enosys, resolve.Allow},
		{"by way of another group", `reviewed: "6.9"`, `- allow: ["@system-service"]`, enosys, resolve.Allow},
		{"by way of the policy's group", "reviewed: \"6.9\"\ngroups: {\"@mine\": [\"@default\"]}", `- allow: ["@mine"]`, enosys, resolve.Allow},
		{"denied", `reviewed: "6.9"`, `- kill_process: ["@default"]`, enosys, resolve.KillProcess},
		{"named too", `reviewed: "6.9"`, `- allow: ["@default", mseal]`, resolve.Allow, resolve.Allow},
		{"of that kernel", `reviewed: "6.10"`, `- allow: ["@default"]`, resolve.Allow, resolve.Allow},
		{"not reviewed", ``, `- allow: ["@default"]`, resolve.Allow, resolve.Allow},
	} {
		text := fmt.Sprintf("seccompc: 1\ntargets: [x86_64]\ndefault: errno(EPERM)\n%s\nrules:\n  %s\n", v.head, v.rules)
		r, diags := compiler.Compile("groups.yaml", []byte(text), compiler.Options{})
		if r == nil {
			t.Errorf("%s: %v", v.name, diags)
			continue
		}
		for nr, want := range map[uint32]resolve.Action{mseal: v.mseal, futex: v.futex} {
			if got := r.Targets[0].Decide(resolve.Call{Arch: abi.Audit, NR: nr}); got != want {
				name, _ := abi.SyscallName(nr)
				t.Errorf("%s: %s is %s, want %s", v.name, name, got, want)
			}
		}
	}
}
