package compiler_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// TestComplain proves that the programs of a blob that complains log every call that the policy does anything with but
// allow it, and allow the others; and that its bytes are what the formats says of such a blob.
func TestComplain(t *testing.T) {
	instead := map[resolve.Action]resolve.Action{}
	for _, a := range []resolve.Action{resolve.KillProcess, resolve.KillThread, resolve.Trap, resolve.Errno, resolve.Notify, resolve.Trace} {
		instead[a] = resolve.Log
	}
	proven, differ := 0, 0
	check := func(name string, src []byte) {
		t.Helper()
		policy, diags := compiler.Compile(name, src, compiler.Options{Read: os.ReadFile, Warn: true})
		if diags.Err() != nil {
			t.Fatal(name, diags)
		}
		res, diags := compiler.Compile(name, src, compiler.Options{Read: os.ReadFile, Warn: true, Complain: true})
		if diags.Err() != nil {
			t.Fatal(name, diags)
		}
		b, err := blob.Decode(res.Bytes)
		if err != nil {
			t.Fatal(name, err)
		}
		if p := policy.Blob; !b.Complain || p.Complain || b.Fallbacks != 0 || b.Inputs.Source != p.Inputs.Source || b.Install != p.Install || b.Flags != p.Flags || b.Kernel != p.Kernel || len(b.Targets) != len(p.Targets) {
			t.Errorf("%s: the blob is not the policy's but for the actions: %+v", name, b)
		}
		if len(res.Tests) != len(policy.Tests) {
			t.Errorf("%s: %d tests, %d without --complain", name, len(res.Tests), len(policy.Tests))
		}
		for i, target := range b.Targets {
			prog, err := inspect.Instructions(target.Program, target.Order == blob.BigEndian)
			if err != nil {
				t.Fatal(err)
			}
			d, err := prove.Read(prog, target.Order == blob.BigEndian)
			if err == nil {
				err = d.Equal(replaced(policy.Targets[i], instead))
			}
			if err != nil {
				t.Errorf("%s, %s: %v", name, target.Label, err)
			}
			proven++
			var difference *prove.Difference
			if errors.As(d.Equal(policy.Targets[i]), &difference) {
				differ++
			}
		}
	}
	files, err := filepath.Glob("../policies/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("policies %q, error %v", files, err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		check(file, src)
	}
	r := rand.New(rand.NewPCG(*seed, 29))
	for range *count / 12 {
		a := &author{Rand: r, met: map[string]int{}}
		check("random.yaml", []byte(a.policy([][]*arch.ABI{{arch.Lookup("x86_64"), arch.Lookup("i386")}, {arch.Lookup("s390x")}, {arch.Lookup("mips")}})))
	}
	t.Logf("%d programs proven, %d of them otherwise than the policy itself", proven, differ)
	if proven < 50 || differ < 50 {
		t.Errorf("%d programs proven, %d of them otherwise than the policy itself", proven, differ)
	}
}

// TestComplainEverything: whatever the action, and whoever decides.
func TestComplainEverything(t *testing.T) {
	const src = `seccompc: 1
install: self
targets: [x86_64+i386]
flags: [log]
default: errno(EPERM)
unknown: errno(ENOSYS)
foreign: kill_process
fallbacks: {kill_process: kill_thread, log: allow}
rules:
  - allow: [read]
  - log: [write]
  - errno(ENOSYS): [clone3]
  - trap(7): [open]
  - trace(3): [close]
  - notify: [socket]
  - kill_thread: [bind]
  - kill_process: [listen]
tests:
  - {call: "read()", want: allow}
  - {call: "clone3()", want: errno(ENOSYS)}
  - {call: "socket()", want: notify}
`
	res, diags := compiler.Compile("all.yaml", []byte(src), compiler.Options{Complain: true, Warn: true})
	if diags.Err() != nil {
		t.Fatal(diags)
	}
	b := res.Blob
	if got := b.Targets[0].Actions; b.Fallbacks != 0 || b.Flags != blob.FlagLog || got != 0 && got != blob.ReturnsLog|blob.ReturnsAllow {
		t.Errorf("actions %#x, fallbacks %v, flags %#x", got, b.Fallbacks, b.Flags)
	}
	if b.Targets[0].Allows != blob.AllowsExecve|blob.AllowsPrctl|blob.AllowsSeccomp {
		t.Errorf("a loader is let through %#x", b.Targets[0].Allows)
	}
	target := res.Targets[0]
	for _, c := range []resolve.Call{{Arch: 0xc000003e, NR: 1}, {Arch: 0xc000003e, NR: 435}, {Arch: 0xc000003e, NR: 2}, {Arch: 0xc000003e, NR: 3}, {Arch: 0xc000003e, NR: 41}, {Arch: 0xc000003e, NR: 49},
		{Arch: 0xc000003e, NR: 50}, {Arch: 0xc000003e, NR: 100}, {Arch: 0xc000003e, NR: 100_000}, {Arch: 0xc000003e, NR: resolve.X32Bit}, {Arch: 0xc000003e, NR: resolve.NoCall}, {Arch: 0xc00000b7, NR: 0}, {Arch: 0x40000003, NR: 1}} {
		if a := target.Decide(c); a != resolve.Log {
			t.Errorf("%+v is decided %v", c, a)
		}
	}
	if a := target.Decide(resolve.Call{Arch: 0xc000003e, NR: 0}); a != resolve.Allow {
		t.Errorf("read is decided %v", a)
	}

	wrong := src + "  - {call: \"write()\", want: allow}\n"
	if _, diags := compiler.Compile("all.yaml", []byte(wrong), compiler.Options{Complain: true, Warn: true}); diags.Err() == nil {
		t.Error("a test of the policy that fails does not fail where it complains")
	}
	// Rules of a profile that contradict each other do so here too.
	const profile = `{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
{"names": ["socket"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},
{"names": ["socket"], "action": "SCMP_ACT_KILL_PROCESS", "args": [{"index": 1, "value": 1, "op": "SCMP_CMP_EQ"}]}]}`
	if _, diags := compiler.Compile("profile.json", []byte(profile), compiler.Options{Complain: true}); diags.Err() == nil {
		t.Error("a profile's contradiction is taken where it complains")
	}
}
