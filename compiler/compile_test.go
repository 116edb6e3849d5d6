package compiler_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/lint"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// TestNotChecked: rules that the linter's diagrams are too small for are compiled all the same, for the proof is another
// matter; the linter says that it gave up.
func TestNotChecked(t *testing.T) {
	compile := func(n int) (*compiler.Result, policy.Diagnostics) {
		var rules strings.Builder
		for i := range n {
			fmt.Fprintf(&rules, "- allow: [read]\n  if: arg%d == %d\n", i%6, uint64(i)*0x9e3779b97f4a)
		}
		src := "seccompc: 1\ntargets: [x86_64]\nreviewed: \"7.0\"\ninstall: self\ndefault: errno(EPERM)\nrules:\n" + rules.String() +
			"tests:\n- call: read(0)\n  want: allow\n"
		return compiler.Compile("many.yaml", []byte(src), compiler.Options{})
	}
	if r, diags := compile(400); r == nil || len(r.Bytes) == 0 || len(diags) != 1 || diags[0].Code != "not-checked" || !diags[0].Warning {
		t.Errorf("400 conditions: compiled: %v, %v", r != nil, diags)
	}
	if r, diags := compile(200); r == nil || len(r.Bytes) == 0 || len(diags) != 0 {
		t.Errorf("200 conditions: compiled: %v, %v", r != nil, diags)
	}
}

// TestNotCheckedAccepts: what a policy accepts is no finding where the linter gives up later.
func TestNotCheckedAccepts(t *testing.T) {
	src := "seccompc: 1\ntargets: [x86_64]\nreviewed: \"7.0\"\ninstall: self\ndefault: errno(ENOSYS)\n" +
		"accept: {clone3-open: \"flags are no matter\", denying-equality: \"may be found or not\"}\nrules:\n- allow: [clone3]\n" +
		"- allow: [clone]\n  if: flags & CLONE_NEWUSER == 0\n- allow: [read, write, close, fstat, lseek, ioctl, pread64, pwrite64, dup, dup2, sendto, recvfrom, sendmsg, " +
		"recvmsg, shutdown, bind, listen, getsockname, getpeername, setsockopt, getsockopt, fcntl, flock, fsync, fdatasync, ftruncate, " +
		"getdents, fchdir, fchmod, fchown, readahead, fsetxattr, fgetxattr, flistxattr, fremovexattr, openat, mkdirat, mknodat, fchownat, " +
		"futimesat, unlinkat, renameat, linkat, readlinkat, fchmodat, faccessat]\n  if: arg5 & 1 == 0 && oneof(arg0, " + scattered(800) + ")\n"
	r, diags := compiler.Compile("many.yaml", []byte(src), compiler.Options{Check: true})
	if r == nil {
		t.Fatal(diags)
	}
	gaveUp := false
	for _, d := range diags {
		gaveUp = gaveUp || d.Code == "not-checked"
		if d.Code == "clone3-open" || d.Code == "accepted-nothing" {
			t.Error(d)
		}
	}
	if !gaveUp {
		t.Errorf("the linter did not give up: %v", diags)
	}
}

// TestManyTests: tests that together take more than one budget are no reason to refuse a policy.
func TestManyTests(t *testing.T) {
	src := "seccompc: 1\ntargets: [x86_64]\ninstall: self\ndefault: errno(EPERM)\nrules:\n- allow: [ioctl]\n  if: oneof(arg1, " +
		scattered(500) + ")\n- allow: [ioctl]\n  if: arg0 < 1000\ntests:\n"
	for i := range 400 {
		src += fmt.Sprintf("- {call: ioctl(arg0=%d), want: allow}\n", i)
	}
	if r, diags := compiler.Compile("many.yaml", []byte(src), compiler.Options{}); diags.Err() != nil || len(r.Bytes) == 0 {
		t.Error(diags)
	}
}

// scattered lists values of 64 bits that have little in common.
func scattered(n int) string {
	var list []string
	for i := range uint64(n) {
		list = append(list, fmt.Sprint(i*0x9e3779b97f4a7c15>>1))
	}
	return strings.Join(list, ", ")
}

// TestAllocations: a compilation is quick because its rooms make little.
func TestAllocations(t *testing.T) {
	src, err := os.ReadFile("../policies/docker-default.yaml")
	if err != nil {
		t.Fatal(err)
	}
	profile := `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read", "` +
		strings.Repeat(`write", "`, 350) + `close"], "action": "SCMP_ACT_ALLOW"}]}`
	options := compiler.Options{Targets: []string{"x86_64"}}
	r, diags := compiler.Compile("docker-default.yaml", src, options)
	if r == nil || len(r.Bytes) == 0 {
		t.Fatal(diags)
	}
	for _, w := range []struct {
		what           string
		allocs, kBytes uint64
		run            func()
	}{
		{"importer.OCI", 850, 205, func() { compiler.Parse("profile.json", []byte(profile), nil) }},
		{"resolve.Resolve", 350, 75, func() {
			resolve.Resolve(r.Policy, []*arch.ABI{arch.Lookup("x86_64")}, resolve.Options{})
		}},
		{"lint.Run", 70, 190, func() { lint.Run(r.Policy, r.Targets, nil, func(c lint.Check) bool { return c.Error }) }},
		{"prove", 60, 950, func() {
			if d, err := prove.Read(r.Programs[0], false); err != nil || d.Equal(r.Targets[0]) != nil {
				t.Error("not proven")
			}
		}},
		{"CompilePolicy", 4300, 2100, func() { compiler.CompilePolicy(r.Policy, options) }},
	} {
		const runs = 10
		var before, after runtime.MemStats
		w.run() // what is made once
		runtime.ReadMemStats(&before)
		for range runs {
			w.run()
		}
		runtime.ReadMemStats(&after)
		allocs, bytes := (after.Mallocs-before.Mallocs)/runs, (after.TotalAlloc-before.TotalAlloc)/runs
		if allocs > w.allocs || bytes > w.kBytes<<10 {
			t.Errorf("%s: %d allocations of %d bytes, want at most %d of %d", w.what, allocs, bytes, w.allocs, w.kBytes<<10)
		}
	}
}
