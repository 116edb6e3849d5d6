package compiler_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/policy"
)

// Rules of a profile have no order, so two of them must not give one call different actions.
func TestContradictions(t *testing.T) {
	rule := func(name, action, args string) string {
		return `{"names": ["` + name + `"], "action": "SCMP_ACT_` + action + `", "args": [` + args + `]}`
	}
	const (
		is1     = `{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}`
		is2     = `{"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}`
		not1    = `{"index": 0, "value": 1, "op": "SCMP_CMP_NE"}`
		below2  = `{"index": 0, "value": 2, "op": "SCMP_CMP_LT"}`
		above1  = `{"index": 0, "value": 1, "op": "SCMP_CMP_GT"}`
		odd     = `{"index": 0, "value": 1, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}`
		even    = `{"index": 0, "value": 1, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}`
		second  = `{"index": 1, "value": 1, "op": "SCMP_CMP_EQ"}`
		high1   = `{"index": 0, "value": 4294967297, "op": "SCMP_CMP_EQ"}`
		bigger  = `{"index": 0, "value": 4294967295, "op": "SCMP_CMP_GT"}`
		errno13 = `{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}`
	)
	for _, v := range []struct {
		name, targets, rules string
		witness              string // of the message; empty: no contradiction
	}{
		{"one action", "x86_64", rule("read", "ALLOW", is1) + "," + rule("read", "ALLOW", ""), ""},
		{"different calls", "x86_64", rule("read", "ALLOW", "") + "," + rule("write", "KILL", ""), ""},
		{"allow and kill", "x86_64", rule("read", "ALLOW", "") + "," + rule("read", "KILL", ""), "both match arguments [0x0 "},
		{"two errnos", "x86_64", rule("read", "ERRNO", "") + "," + errno13, "read is errno(13) here and errno(1) at"},
		{"the default's own action", "x86_64", rule("read", "TRAP", "") + "," + rule("read", "ALLOW", is1), "both match arguments [0x1 "},
		{"equal and not equal", "x86_64", rule("read", "ALLOW", is1) + "," + rule("read", "KILL", not1), ""},
		{"equal to different values", "x86_64", rule("read", "ALLOW", is1) + "," + rule("read", "KILL", is2), ""},
		{"below and above", "x86_64", rule("read", "ALLOW", below2) + "," + rule("read", "KILL", above1), ""},
		{"below and equal", "x86_64", rule("read", "ALLOW", below2) + "," + rule("read", "KILL", is1), "both match arguments [0x1 "},
		{"odd and even", "x86_64", rule("read", "ALLOW", odd) + "," + rule("read", "KILL", even), ""},
		{"odd and 1", "x86_64", rule("read", "ALLOW", odd) + "," + rule("read", "KILL", is1), "both match arguments [0x1 "},
		{"even and 1", "x86_64", rule("read", "ALLOW", even) + "," + rule("read", "KILL", is1), ""},
		{"different arguments", "x86_64", rule("read", "ALLOW", is1) + "," + rule("read", "KILL", second), "both match arguments [0x1 0x1 "},
		{"words of one argument", "x86_64", rule("read", "ALLOW", high1) + "," + rule("read", "KILL", bigger), "both match arguments [0x100000001 "},
		{"below, 64 bits wide", "x86_64", rule("read", "ALLOW", below2) + "," + rule("read", "KILL", bigger), ""},
		{"the third rule", "x86_64", rule("read", "ALLOW", is1) + "," + rule("read", "TRAP", is2) + "," + rule("read", "KILL", above1), "is kill_thread here and trap at"},
		{"two names of one call", "aarch64", rule("fstatat", "ALLOW", "") + "," + rule("newfstatat", "KILL", ""), "newfstatat is kill_thread here"},
		{"a call of the compat ABI only", "x86_64+i386", rule("fcntl64", "ALLOW", "") + "," + rule("fcntl64", "KILL", ""), "on i386"},
		{"on the other target only", "x86_64 aarch64", rule("open", "ALLOW", "") + "," + rule("open", "KILL", ""), "0x0] on x86_64"},
		{"names that no ABI of the target has", "aarch64", rule("open", "ALLOW", "") + "," + rule("open", "KILL", ""), ""},
		{"a call and the multiplexer", "i386", rule("bind", "ALLOW", "") + "," + rule("socketcall", "KILL", ""), "both match arguments [0x2 "},
		{"a call and its operation", "i386", rule("socketcall", "ALLOW", is2) + "," + rule("bind", "KILL", ""), "both match arguments [0x2 "},
		{"a call and another operation", "i386", rule("socketcall", "ALLOW", is1) + "," + rule("bind", "KILL", ""), ""},
		{"on all ABIs, once", "", rule("read", "ALLOW", "") + "," + rule("read", "KILL", ""), "both match arguments [0x0 "},
		{"no multiplexer", "x86_64", rule("bind", "ALLOW", "") + "," + rule("socketcall", "KILL", ""), ""},
		{"rules of different capabilities", "x86_64", strings.ReplaceAll(rule("read", "ALLOW", ""), "}", `, "includes": {"caps": ["CAP_BPF"]}}`) + "," +
			strings.ReplaceAll(rule("read", "KILL", ""), "}", `, "excludes": {"caps": ["CAP_BPF"]}}`), ""},
	} {
		src := `{"defaultAction": "SCMP_ACT_TRAP", "syscalls": [` + v.rules + `]}`
		r, diags := compiler.Compile("profile.json", []byte(src), compiler.Options{Targets: strings.Fields(v.targets)})
		diags = slices.DeleteFunc(diags, func(d policy.Diagnostic) bool {
			return strings.HasPrefix(d.Code, "condition-") || d.Code == "multiplexer-hole"
		})
		switch {
		case v.witness == "" && (r == nil || len(diags) > 0):
			t.Errorf("%s: %v", v.name, diags)
		case len(diags.Sorted()) > 1:
			t.Errorf("%s: %d findings", v.name, len(diags.Sorted()))
		case v.witness != "" && (r != nil || !strings.Contains(show(diags[0]), "contradict each other: ") || !strings.Contains(show(diags[0]), v.witness)):
			t.Errorf("%s: %v", v.name, diags)
		}
	}
}

// The name of a policy that has none comes from its file, whatever that is called.
func TestNameFromFile(t *testing.T) {
	for file, want := range map[string]string{
		"web.json": "web", "dir/my profile (2).json": "my-profile--2-", "größe.JSON": "gr--e", ".json": "policy",
		strings.Repeat("a", 70) + ".json": strings.Repeat("a", 64),
	} {
		r, diags := compiler.Compile(file, []byte(`{"defaultAction": "SCMP_ACT_ALLOW"}`), compiler.Options{Targets: []string{"x86_64"}})
		if r == nil || r.Blob.Name != want {
			t.Errorf("%s: %v, %v", file, r, diags)
		}
	}
}

// Capabilities and the kernel reach the rules, and the blob says so.
func TestOptions(t *testing.T) {
	src := []byte(`{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
		{"names": ["reboot"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_BOOT"]}},
		{"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}}]}`)
	for _, v := range []struct {
		caps           []string
		kernel         arch.Version
		reboot, ptrace string
	}{
		{nil, arch.Version{}, "errno(EPERM)", "allow"},
		{[]string{"sys_boot", "CAP_SYS_BOOT"}, arch.Version{Major: 4, Minor: 8}, "allow", "allow"},
		{[]string{"SYS_TIME"}, arch.Version{Major: 4, Minor: 7, Patch: 99}, "errno(EPERM)", "errno(EPERM)"},
	} {
		r, diags := compiler.Compile("p.json", src, compiler.Options{Targets: []string{"x86_64"}, Caps: v.caps, Kernel: v.kernel})
		if r == nil {
			t.Fatal(diags)
		}
		f := r.Targets[0].Filters[0]
		for name, want := range map[string]string{"reboot": v.reboot, "ptrace": v.ptrace} {
			nr, _ := f.ABI.Number(name)
			if got := f.Decide(nr, [6]uint64{}).Format(f.ABI); got != want {
				t.Errorf("%v: %s is %s, want %s", v, name, got, want)
			}
		}
		if demands := r.Blob.Kernel != 0; demands != (v.ptrace == "allow") {
			t.Errorf("%v: kernel %#x", v, r.Blob.Kernel)
		}
	}
}
