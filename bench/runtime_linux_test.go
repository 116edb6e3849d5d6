package bench

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// spec is a container with these capabilities.
func spec(caps []string) *specs.Spec {
	return &specs.Spec{Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{Bounding: caps}}}
}

// flatten has Docker's own code work out a profile for this machine: what is left has no includes, excludes or archMap.
func flatten(profile string, caps []string) (string, error) {
	flat, err := seccomp.LoadProfile(profile, spec(caps))
	if err != nil {
		return "", err
	}
	src, err := json.Marshal(flat)
	return string(src), err
}

// hostKernel is the running kernel as Docker's code reads it, without the patch level.
func hostKernel(t *testing.T) (v arch.Version) {
	t.Helper()
	release := read(t, "/proc/sys/kernel/osrelease")
	if _, err := fmt.Sscanf(release, "%d.%d", &v.Major, &v.Minor); err != nil {
		t.Fatalf("kernel release %q: %v", release, err)
	}
	return v
}

// agree proves that Docker's code and our importer read a profile alike for this machine and these capabilities. The
// target is Docker's too, or the machine's own ABI where Docker's code found none.
func agree(t *testing.T, file, profile string, caps []string) {
	t.Helper()
	flat, err := flatten(profile, caps)
	if err != nil {
		t.Fatal(err)
	}
	var o compiler.Options
	if !strings.Contains(flat, `"architectures"`) {
		o.Targets = []string{arch.Host().Name}
	}
	theirs := compile(t, "flat.json", flat, o)
	ours := compile(t, file, profile, compiler.Options{
		Targets: []string{theirs.Blob.Targets[0].Label}, Caps: caps, Kernel: hostKernel(t),
	})
	if err := same(ours, theirs); err != nil {
		t.Errorf("%s with capabilities %q: %v", file, caps, err)
	}
}

// TestDockerCapabilities compares the two readings of Docker's profile without capabilities, with each alone, with all.
func TestDockerCapabilities(t *testing.T) {
	profile := fromModule(t, docker, "default.json")
	agree(t, "default.json", profile, nil)
	agree(t, "default.json", profile, resolve.Capabilities)
	for _, c := range resolve.Capabilities {
		if strings.Contains(profile, c) {
			agree(t, "default.json", profile, []string{c})
		} else if flat, err := flatten(profile, []string{c}); err != nil {
			t.Fatal(err)
		} else if none, _ := flatten(profile, nil); flat != none {
			t.Errorf("%s changes the profile and isn't in it", c)
		}
	}
}

// TestDockerTargets compares the two readings of archMap, on machines that are in it.
func TestDockerTargets(t *testing.T) {
	profile := fromModule(t, docker, "default.json")
	flat, err := flatten(profile, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(flat, `"architectures"`) {
		t.Skipf("archMap has no %s", arch.Host().Name)
	}
	theirs := compile(t, "flat.json", flat, compiler.Options{})
	ours := compile(t, "default.json", profile, compiler.Options{})
	if n := len(theirs.Blob.Targets); n != 1 {
		t.Fatalf("the flat profile has %d targets", n)
	}
	want := theirs.Blob.Targets[0].Label
	if !slices.ContainsFunc(ours.Blob.Targets, func(x blob.Target) bool { return x.Label == want }) {
		t.Errorf("archMap gave no target %s", want)
	}
}

// TestConditionalRules compares the two readings of includes and excludes: every pair out of a set of conditions, each
// pair on a value of its own of one call's argument.
//
// One case is left out, because we differ on purpose: a rule that a newer kernel excludes. Docker's code has it in
// force, for it knows the kernel; a program that may meet the newer one too must not allow what the rule allows.
func TestConditionalRules(t *testing.T) {
	const a, b = "CAP_SYS_ADMIN", "CAP_SYSLOG"
	native, other := dockerName(arch.Host()), "s390x"
	if native == other {
		other = "amd64"
	}
	host := hostKernel(t)
	running := &seccomp.KernelVersion{Kernel: uint64(host.Major), Major: uint64(host.Minor)}
	newer := &seccomp.KernelVersion{Kernel: running.Kernel, Major: running.Major + 1}
	conditions := func(kernels ...*seccomp.KernelVersion) (list []*seccomp.Filter) {
		for _, caps := range [][]string{nil, {a}, {a, b}} {
			for _, arches := range [][]string{nil, {native}, {other}, {other, native}} {
				for _, kernel := range kernels {
					list = append(list, &seccomp.Filter{Caps: caps, Arches: arches, MinKernel: kernel})
				}
			}
		}
		return list
	}
	errno := uint(1)
	profile := seccomp.Seccomp{LinuxSeccomp: specs.LinuxSeccomp{DefaultAction: specs.ActErrno, DefaultErrnoRet: &errno}}
	for _, includes := range conditions(nil, running, newer) {
		for _, excludes := range conditions(nil, running) {
			profile.Syscalls = append(profile.Syscalls, &seccomp.Syscall{
				LinuxSyscall: specs.LinuxSyscall{
					Names: []string{"read"}, Action: specs.ActAllow,
					Args: []specs.LinuxSeccompArg{{Index: 0, Value: uint64(len(profile.Syscalls)), Op: specs.OpEqualTo}},
				},
				Includes: includes, Excludes: excludes,
			})
		}
	}
	src, err := json.Marshal(profile)
	if err != nil {
		t.Fatal(err)
	}
	for _, caps := range [][]string{nil, {a}, {b}, {a, b}} {
		agree(t, "rules.json", string(src), caps)
	}
}

// dockerName is what includes.arches and excludes.arches call an ABI.
func dockerName(a *arch.ABI) string {
	switch a.GOARCH {
	case "386":
		return "x86"
	case "loong64":
		return "loongarch64"
	case "mips64le":
		return "mipsel64"
	case "mipsle":
		return "mipsel"
	}
	return a.GOARCH
}

// TestDockerFixtures reads the profiles that Docker's module tests itself with.
func TestDockerFixtures(t *testing.T) {
	refused := map[string]struct{ wrong, right, message string }{
		"example.json": {`12345`, `1234`, "errno(12345): the kernel's field ends at 4095"},
	}
	files, err := filepath.Glob(filepath.Join(moduleDir(t, docker), "fixtures", "*.json"))
	if err != nil || len(files) < 3 {
		t.Fatalf("found only the fixtures %q, %v", files, err)
	}
	for _, path := range files {
		file := filepath.Base(path)
		t.Run(file, func(t *testing.T) {
			profile := read(t, path)
			if bad, ok := refused[file]; ok {
				r, diags := compiler.Compile(file, []byte(profile), compiler.Options{})
				if r != nil || !strings.Contains(diags.Error(), bad.message) {
					t.Fatalf("not refused with %q: %v", bad.message, diags)
				}
				profile = strings.Replace(profile, bad.wrong, bad.right, 1)
			}
			for _, caps := range [][]string{nil, {"CAP_SYSLOG"}, {"CAP_SYS_ADMIN"}} {
				agree(t, file, profile, caps)
			}
		})
	}
}

// TestRefusals are profiles that Docker's code refuses. So does our importer.
func TestRefusals(t *testing.T) {
	for _, tt := range []struct{ fault, profile, message string }{
		{"two lists of architectures", `{"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"],
			"archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": []}]}`, `"archMap" beside "architectures"`},
		{"name and names", `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
			{"name": "read", "names": ["write"], "action": "SCMP_ACT_ALLOW"}]}`, `"name" beside "names"`},
		{"a kernel of one number", `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
			{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4"}}]}`, `kernel version "4"`},
		{"a kernel of words", `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
			{"names": ["read"], "action": "SCMP_ACT_ALLOW", "excludes": {"minKernel": "four.eight"}}]}`, `kernel version "four.eight"`},
		{"an object for a list", `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": {}}`, "expected an array"},
		{"a negative value", `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW",
			"args": [{"index": 0, "value": -1, "op": "SCMP_CMP_EQ"}]}]}`, "expected a whole number"},
		{"a value of 65 bits", `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW",
			"args": [{"index": 0, "value": 18446744073709551616, "op": "SCMP_CMP_EQ"}]}]}`, "expected a whole number"},
		{"no JSON", `defaultAction: SCMP_ACT_ERRNO`, "not JSON"},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			if _, err := flatten(tt.profile, nil); err == nil {
				t.Error("Docker's code accepts it")
			}
			r, diags := compiler.Compile("profile.json", []byte(tt.profile), compiler.Options{})
			if r != nil || !strings.Contains(diags.Error(), tt.message) {
				t.Errorf("not refused with %q: %v", tt.message, diags)
			}
		})
	}
}
