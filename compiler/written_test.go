package compiler_test

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/prove"
)

// alike has it proven that a policy decides as a profile does, and demands the same kernel.
func alike(t *testing.T, profile, text []byte, o compiler.Options) {
	t.Helper()
	a, diags := compiler.Compile("profile.json", profile, o)
	if a == nil {
		t.Fatal(diags)
	}
	b, diags := compiler.Compile("policy.yaml", text, o)
	if b == nil || len(diags) > 0 || len(a.Blob.Targets) != len(b.Targets) {
		t.Fatalf("%v: %v\n%s", o.Caps, diags, text)
	}
	for i, target := range a.Blob.Targets {
		order := b.Targets[i].Filters[0].ABI.BigEndian
		prog, err := inspect.Instructions(target.Program, order)
		if err != nil {
			t.Fatal(err)
		}
		d, err := prove.Read(prog, order)
		if err == nil {
			err = d.Equal(b.Targets[i])
		}
		if err != nil {
			t.Errorf("%v, kernel %v, %s: %v\n%s", o.Caps, o.Kernel, target.Label, err, text)
		}
	}
	if a.Blob.Kernel != b.Blob.Kernel {
		t.Errorf("%v: kernel %#x, want %#x\n%s", o.Caps, b.Blob.Kernel, a.Blob.Kernel, text)
	}
}

const conditioned = `{"defaultAction": "SCMP_ACT_ERRNO", "archMap": [
	{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}, {"architecture": "SCMP_ARCH_S390X"}, {"architecture": "SCMP_ARCH_MIPS"}],
"syscalls": [
	{"names": ["execve", "read", "write", "exit_group", "no_such_call"], "action": "SCMP_ACT_ALLOW"},
	{"names": ["bind", "listen"], "action": "SCMP_ACT_ALLOW"},
	{"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 2114060288, "op": "SCMP_CMP_MASKED_EQ"}], "excludes": {"caps": ["CAP_SYS_ADMIN"], "arches": ["s390x"]}},
	{"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "value": 2114060288, "op": "SCMP_CMP_MASKED_EQ"}], "excludes": {"caps": ["CAP_SYS_ADMIN"]}, "includes": {"arches": ["s390x"]}},
	{"names": ["clone", "mount", "bpf"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
	{"names": ["bpf"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 5, "op": "SCMP_CMP_EQ"}], "includes": {"caps": ["CAP_BPF"]}},
	{"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38, "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
	{"names": ["reboot"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_BOOT", "CAP_SYS_ADMIN"]}},
	{"names": ["umount2"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_SYS_CHROOT"]}},
	{"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
	{"names": ["kcmp"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "5.4"}},
	{"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_PTRACE"]}},
	{"names": ["socketcall"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 5, "op": "SCMP_CMP_EQ"}]},
	{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},
	{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]}]}`

// A profile becomes a policy that decides alike with every set of capabilities and on every kernel.
func TestImportProfile(t *testing.T) {
	text, findings, err := compiler.ImportProfile("profile.json", []byte(conditioned), nil)
	if err != nil || findings.Err() != nil || len(findings.Sorted()) != 1 || findings[0].Code != "unknown-syscall" {
		t.Fatal(findings, err)
	}
	for _, want := range []string{
		"\n  - allow: [bpf, clone, mount]\n    caps: [CAP_SYS_ADMIN]\n",
		"\n  - errno(EPERM): [clone3]\n    caps: [CAP_SYS_ADMIN]\n",
		"\n  - errno(EPERM): [umount2]\n    caps: [CAP_SYS_CHROOT]\n",
		"\n  - allow: [bpf]\n    if: arg0 == BPF_PROG_LOAD\n    abis: [x86_64, s390x]\n    caps: [CAP_BPF]\n",
		"\n  - allow: [reboot]\n    caps: [CAP_SYS_ADMIN, CAP_SYS_BOOT]\n",
		"\n  - allow: [kcmp]\n    kernel: \">=5.4\"\n",
		"\n  - allow: [ptrace]\n    kernel: \">=4.8\"\n",
		"\n  - allow: [ptrace]\n    caps: [CAP_SYS_PTRACE]\n",
		"\n  - errno(38): [clone3]\n",
		"\n  - allow: [socket]\n    if: oneof(domain, AF_INET, AF_UNIX)\n    abis: [i386, mips]\n",
		"\n  - allow: [clone]\n    if: flags & (CLONE_NEWCGROUP|CLONE_NEWIPC|",
		"\n  - allow: [socketcall]\n    if: ",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no%s in\n%s", want, text)
		}
	}
	caps := []string{"CAP_SYS_ADMIN", "CAP_BPF", "CAP_SYS_BOOT", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE"}
	for set := range 1 << len(caps) {
		var o compiler.Options
		for i, c := range caps {
			if set>>i&1 != 0 {
				o.Caps = append(o.Caps, c)
			}
		}
		for _, o.Kernel = range []arch.Version{{}, {Major: 4, Minor: 7}, {Major: 5, Minor: 3}, {Major: 5, Minor: 4}} {
			alike(t, []byte(conditioned), text, o)
		}
	}
}

// ABIs of one blob may differ in what their calls meet by default: rules with abis say so.
func TestImportDefaults(t *testing.T) {
	var all []string
	for _, s := range arch.Lookup("i386").Syscalls() {
		if s.Name != "execve" {
			all = append(all, s.Name)
		}
	}
	res, _ := compile(t, "seccompc: 1\ntargets: [x86_64+i386]\ndefault: errno(EPERM)\nrules:\n  - allow: [execve, 999]\n    abis: [x86_64]\n  - log: [execve]\n  - kill_process: ["+
		strings.Join(all, ", ")+"]\n    abis: [i386]\n")
	text, _ := provenBack(t, res.Blob)
	for _, want := range []string{
		"\ndefault: kill_process\n", "\n  - allow: [execve, 999]\n    abis: [x86_64]\n", "\n  - log: [execve]\n    abis: [i386]\n", "vserver]\n    abis: [x86_64]\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no%s in\n%s", want, text)
		}
	}
}

// What a blob says beside its programs comes back too.
func TestImportHead(t *testing.T) {
	res, _ := compile(t, "seccompc: 1\nname: heads\ntargets: [x86_64]\ndefault: log\nflags: [log, spec_allow]\nfallbacks: {kill_process: kill_thread, log: allow}\ninstall: self\nunknown: allow\n"+
		"capabilities: [CAP_BPF]\nrules:\n  - kill_process: [ptrace]\n    kernel: \">=4.8\"\n  - errno(EACCES): [bpf]\n    caps: [CAP_BPF]\n")
	text, _ := provenBack(t, res.Blob)
	again, diags := compiler.Compile("again.yaml", []byte(text), compiler.Options{})
	if again == nil {
		t.Fatal(diags)
	}
	a, b := res.Blob, again.Blob
	if a.Name != b.Name || a.Flags != b.Flags || a.Install != b.Install || a.Fallbacks != b.Fallbacks || a.Kernel != b.Kernel || !slices.Equal(a.Inputs.Caps, b.Inputs.Caps) {
		t.Errorf("%+v, want %+v\n%s", b, a, text)
	}
}

// What no policy can say is an error that names it.
func TestImportUnsaid(t *testing.T) {
	const (
		nr, arch, ret = 0, 4, 0x06
		load, ge, eq  = 0x20, 0x35, 0x15
		x86, arm      = 0xc000003e, 0xc00000b7
		allow         = 0x7fff0000
	)
	for name, v := range map[string]struct {
		prog []bpf.RawInstruction
		want string
	}{
		"ranges": {[]bpf.RawInstruction{{Op: load, K: arch}, {Op: eq, Jf: 4, K: arm}, {Op: load, K: nr}, {Op: ge, Jf: 1, K: 0x1000000}, {Op: ret, K: allow}, {Op: ret, K: 0x50001}, {Op: ret}},
			"aarch64: numbers 0xf4-0x103, 0x127-0x1a7, 0x1d8-0xffffff meet errno(EPERM) and most numbers without a name allow: "},
		"foreign ABIs": {[]bpf.RawInstruction{{Op: load, K: nr}, {Op: eq, Jf: 1, K: 59}, {Op: ret, K: allow}, {Op: ret}}, "calls of foreign ABIs meet several actions"},
		"an action": {[]bpf.RawInstruction{{Op: load, K: arch}, {Op: eq, Jf: 3, K: x86}, {Op: load, K: nr}, {Op: eq, Jf: 1, K: 59}, {Op: ret, K: 0x7fff0001}, {Op: ret}},
			"x86_64: execve: the action 0x7fff0001, which no policy has"},
		"an errno": {[]bpf.RawInstruction{{Op: load, K: arch}, {Op: eq, Jf: 3, K: x86}, {Op: load, K: nr}, {Op: eq, Jf: 1, K: 59}, {Op: ret, K: 0x51388}, {Op: ret}},
			"no policy can say it: errno(5000): the kernel's field ends at 4095"},
		"nobody's number": {[]bpf.RawInstruction{{Op: load, K: arch}, {Op: eq, Jf: 3, K: x86}, {Op: load, K: nr}, {Op: eq, Jf: 1, K: 0xffffffff}, {Op: ret, K: allow}, {Op: ret}},
			"nor for 0xffffffff"},
		"an instruction": {[]bpf.RawInstruction{{Op: load, K: 8}, {Op: ret}}, ""}, // the pointer: fine where it decides nothing
		"a modelled one": {[]bpf.RawInstruction{{Op: 0x07}, {Op: 0x87}, {Op: 0x16}}, `target "x86_64": `},
	} {
		b := &blob.Blob{Targets: []blob.Target{{Label: "x86_64", ABIs: []blob.ABI{{Audit: x86}}, Order: blob.LittleEndian}}}
		if len(v.prog) > 1 && v.prog[1].K == arm {
			b.Targets[0].Label, b.Targets[0].ABIs[0].Audit = "aarch64", arm
		}
		for _, in := range v.prog {
			b.Targets[0].Program = append(binary.LittleEndian.AppendUint16(b.Targets[0].Program, in.Op), in.Jt, in.Jf)
			b.Targets[0].Program = binary.LittleEndian.AppendUint32(b.Targets[0].Program, in.K)
		}
		text, err := compiler.Import("raw.bpf", b)
		if v.want == "" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), v.want) || text != nil {
			t.Errorf("%s: %v, want %q\n%s", name, err, v.want, text)
		}
	}
	for name, v := range map[string]struct{ rule, want string }{
		"a kernel's end":       {`"action": "SCMP_ACT_ALLOW", "excludes": {"minKernel": "5.0"}`, "the original demands Linux 5.0"},
		"a kernel that denies": {`"action": "SCMP_ACT_KILL", "includes": {"minKernel": "5.0"}`, "the original demands Linux 5.0"},
		"many capabilities": {`"action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_BPF", "CAP_CHOWN", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID"]}`,
			"the rules of getppid ask for 7 capabilities"},
	} {
		src := `{"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [{"names": ["execve"], "action": "SCMP_ACT_ALLOW"}, {"names": ["getppid"], ` + v.rule + `}]}`
		text, findings, err := compiler.ImportProfile("p.json", []byte(src), nil)
		if err == nil || !strings.Contains(err.Error(), v.want) {
			t.Errorf("%s: %v, %v, want %q\n%s", name, err, findings, v.want, text)
		}
	}
}
