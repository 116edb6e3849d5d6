package policies

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/codegen"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// names returns the policies here, without extension.
func names(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("policies %q, error %v", files, err)
	}
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f, ".yaml"))
	}
	return names
}

// bearable returns the policies under which a Go program can tell what became of its calls: all but strict.
func bearable(t *testing.T) []string {
	return slices.DeleteFunc(names(t), func(name string) bool { return name == "strict" })
}

// sandboxes are the policies here for programs of every kind.
var sandboxes = []string{"docker-default", "toaster", "toaster-strict"}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parse(t *testing.T, file string, src []byte) *policy.Policy {
	t.Helper()
	p, diags := compiler.Parse(file, src, nil)
	if diags.Err() != nil {
		t.Fatal(diags)
	}
	return p
}

func compile(t *testing.T, p *policy.Policy) *compiler.Result {
	t.Helper()
	own := *p
	own.Tests = nil // of the policy as it is: what comes here is often changed, and may have holes
	r, diags := compiler.CompilePolicy(&own, compiler.Options{Warn: true})
	if diags.Err() != nil {
		t.Fatal(diags)
	}
	return r
}

// TestBlobs shows that the blobs checked in are those of the sources, and that a command can start under each of those made
// for that, and under no other.
func TestBlobs(t *testing.T) {
	for _, name := range names(t) {
		r, diags := compiler.Compile(name+".yaml", read(t, name+".yaml"), compiler.Options{})
		if len(diags) > 0 {
			t.Errorf("%s: %v", name, diags)
		}
		if r == nil {
			continue
		}
		if !bytes.Equal(r.Bytes, read(t, name+".seccomp")) {
			t.Errorf("%s.seccomp is not what %s.yaml compiles to: run go generate", name, name)
		}
		for _, target := range r.Blob.Targets {
			if starts := target.Allows&blob.AllowsExecve != 0; starts != (r.Blob.Install == blob.Exec) {
				t.Errorf("%s has install mode %d and allows execve on %s: %v", name, r.Blob.Install, target.Label, starts)
			}
		}
	}
}

// TestConditionsReached shows that the policies' own tests, which passed if TestBlobs did, meet each condition.
func TestConditionsReached(t *testing.T) {
	for _, name := range names(t) {
		r, diags := compiler.Compile(name+".yaml", read(t, name+".yaml"), compiler.Options{})
		if r == nil {
			t.Fatalf("%s: %v", name, diags)
		}
		for _, rule := range r.Policy.Rules {
			for _, c := range rule.Calls {
				if c.If != nil && !r.Reached[c.Name.Pos] {
					t.Errorf("%v: no test reaches the condition on %q", c.Name.Pos, c.Name.Text)
				}
			}
		}
	}
}

// TestMachines asks the programs for other machines, from the bytes of the blobs, about what differs there.
func TestMachines(t *testing.T) {
	const garbage = 0xdeadbeef << 32
	for _, v := range []struct {
		abi    string
		call   string
		args   [6]uint64
		denied bool
	}{
		{"s390x", "clone", [6]uint64{0x7e020000, 17}, false}, // the stack comes first
		{"s390x", "clone", [6]uint64{0, garbage | 0x10000000 | 17}, true},
		{"s390x", "socketcall", [6]uint64{garbage | 1}, true},
		{"s390x", "socketcall", [6]uint64{garbage | 3}, false},
		{"s390x", "s390_pci_mmio_write", [6]uint64{}, true},
		{"s390x", "ioctl", [6]uint64{0, garbage | 0x5412}, true},
		{"aarch64", "clone", [6]uint64{garbage | 0x20000}, true},
		{"aarch64", "clone", [6]uint64{17, 0x7e020000}, false},
		{"aarch64", "clone3", [6]uint64{}, true},
		{"arm", "socket", [6]uint64{garbage | 38}, true},
		{"arm", "clock_settime64", [6]uint64{}, true},
		{"arm", "set_tls", [6]uint64{}, false},
		{"riscv64", "ioctl", [6]uint64{0, garbage | 0xaa00}, true},
		{"loongarch64", "io_uring_setup", [6]uint64{}, true},
		{"ppc64le", "ioctl", [6]uint64{0, garbage | 0x2000aa00}, true},
		{"ppc64le", "ioctl", [6]uint64{0, 0xaa00}, false},
		{"ppc64le", "rtas", [6]uint64{}, true},
		{"ppc64", "ioctl", [6]uint64{0, garbage | 0x541c}, true},
		{"ppc64", "socketcall", [6]uint64{1}, true},
		{"mips64", "ioctl", [6]uint64{0, garbage | 0x5472}, true},
		{"mips64", "ioctl", [6]uint64{0, 0x5412}, false},
		{"mips", "ioctl", [6]uint64{0, 0x5483}, true},
		{"mips", "socketcall", [6]uint64{garbage | 1}, true},
		{"mipsel64", "socket", [6]uint64{garbage | 2, garbage | 10}, true},
		{"mipsel", "ioctl", [6]uint64{0, garbage | 0x2000aa00}, true},
		{"mipsel", "umount", [6]uint64{}, true},
	} {
		abi := arch.Lookup(v.abi)
		nr, ok := abi.Number(v.call)
		if !ok {
			t.Fatalf("%s has no %s", v.abi, v.call)
		}
		for _, name := range []string{"toaster", "toaster-strict"} {
			b, err := blob.Decode(read(t, name+".seccomp"))
			if err != nil {
				t.Fatal(err)
			}
			order := blob.LittleEndian
			if abi.BigEndian {
				order = blob.BigEndian
			}
			target := b.For(blob.ABI{Audit: abi.Audit, Bit: abi.Bit}, order)
			if target == nil {
				t.Fatalf("%s has no program for %s", name, v.abi)
			}
			prog, err := inspect.Instructions(target.Program, abi.BigEndian)
			if err != nil {
				t.Fatal(err)
			}
			a, _, err := inspect.Run(prog, abi.BigEndian, resolve.Call{Arch: abi.Audit, NR: nr, Args: v.args})
			if err != nil {
				t.Fatal(err)
			}
			if (a != resolve.Allow) != v.denied {
				t.Errorf("%s on %s: %s with %#x is %s, want denied %v", name, v.abi, v.call, v.args, a, v.denied)
			}
		}
	}
}

// TestStrict proves that toaster-strict denies every call that toaster denies, and that the proof would fail for a hole.
func TestStrict(t *testing.T) {
	toaster := compile(t, parse(t, "toaster.yaml", read(t, "toaster.yaml")))
	src := string(read(t, "toaster-strict.yaml"))
	for _, v := range []struct{ name, old, new string }{
		{"the policy", "", ""},
		{"an allowed call", "inotify_rm_watch]", "inotify_rm_watch, keyctl]"},
		{"an allowed call on one machine", "inotify_rm_watch]", "inotify_rm_watch, s390_pci_mmio_read]"},
		{"a missing bit of clone's flags", "CLONE_NEWPID|CLONE_NEWNET) == 0", "CLONE_NEWPID) == 0"},
		{"a missing ioctl command", "TIOCSTI, TIOCLINUX, USER", "TIOCSTI, USER"},
		{"more than the low word compared", "cmd, TIOCSTI", "arg1, TIOCSTI"},
		{"a missing socket type", "type & 0xf != SOCK_PACKET &&", ""},
		{"a further socket family", "AF_INET, AF_INET6", "AF_INET, AF_INET6, AF_ALG"},
		{"socketcall's first operation", "call >= SYS_BIND", "call >= SYS_SOCKET"},
		{"unknown calls", "unknown: errno(ENOSYS)", "unknown: log"},
		{"other ABIs", "foreign: kill_process", "foreign: allow"},
	} {
		text := strings.Replace(src, v.old, v.new, 1)
		if v.old != "" && text == src {
			t.Fatalf("%s: %q is not in the policy", v.name, v.old)
		}
		err := uncovered(t, toaster, compile(t, parse(t, "toaster-strict.yaml", []byte(text))))
		var hole *prove.Difference
		switch {
		case v.old == "" && err != nil:
			t.Error(err)
		case v.old != "" && !errors.As(err, &hole):
			t.Errorf("%s: the hole is not found: %v", v.name, err)
		}
	}
}

// uncovered returns a *prove.Difference if a call that loose denies is not denied by strict. Both must allow or deny, and
// loose must allow by default and name only what it denies.
//
// Let every denial of strict be errno(1), and put loose's rules before it as errno(1) too. That changes no decision
// exactly if strict denies what they deny.
func uncovered(t *testing.T, loose, strict *compiler.Result) error {
	t.Helper()
	const denied = resolve.Errno | 1
	one := func(a resolve.Action) resolve.Action {
		if a == resolve.Allow || a == resolve.Log {
			return resolve.Allow
		}
		return denied
	}
	ones := func(rules []resolve.Rule) (out []resolve.Rule) {
		for _, r := range rules {
			r.Action = one(r.Action)
			out = append(out, r)
		}
		return out
	}
	for i, l := range loose.Targets {
		s := strict.Targets[i]
		alone, both := &resolve.Target{Foreign: one(s.Foreign)}, &resolve.Target{Foreign: one(l.Foreign)}
		for j, lf := range l.Filters {
			sf := s.Filters[j]
			if lf.ABI != sf.ABI || one(lf.Default) == denied || one(lf.Unknown) != denied {
				t.Fatalf("%s: the policies can't be compared", lf.ABI.Name)
			}
			f := *sf
			f.Rules, f.Default, f.Unknown = ones(sf.Rules), one(sf.Default), one(sf.Unknown)
			g := f
			g.Unknown = denied
			g.Rules = append(ones(lf.Rules), resolve.Rule{Cond: resolve.All(nil), Action: denied})
			if slices.ContainsFunc(g.Rules, func(r resolve.Rule) bool { return r.Action != denied }) {
				t.Fatalf("%s: a rule that allows", lf.ABI.Name)
			}
			for _, n := range sf.Known { // what loose does not know it denies
				if !slices.Contains(lf.Known, n) {
					g.Rules[len(g.Rules)-1].Numbers = append(g.Rules[len(g.Rules)-1].Numbers, n)
				}
			}
			g.Rules = append(g.Rules, f.Rules...)
			for _, r := range g.Rules {
				g.Known = append(slices.Clone(g.Known), r.Numbers...)
			}
			slices.Sort(g.Known)
			g.Known = slices.Compact(g.Known)
			alone.Filters, both.Filters = append(alone.Filters, &f), append(both.Filters, &g)
		}
		prog, err := codegen.Program(alone)
		if err != nil {
			t.Fatal(err)
		}
		d, err := prove.Read(prog, l.Filters[0].ABI.BigEndian)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Equal(both); err != nil {
			return err
		}
	}
	return nil
}
