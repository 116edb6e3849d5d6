package resolve_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// TestParameters compares what a typed condition holds for with what the kernel's use of the register says: calls are
// written by hand as "argument=value".
func TestParameters(t *testing.T) {
	for _, v := range []struct {
		abi, call, cond string
		hold, fail      string
	}{
		// Declared 32 bits: the upper half is the caller's to fill.
		{"x86_64", "ioctl", "cmd == TIOCSTI", "1=0x5412 1=0xdeadbeef00005412", "1=0x5413 1=0x541200000000"},
		{"mips", "ioctl", "cmd == TIOCSTI", "1=0x5472", "1=0x5412"},
		{"x86_64", "ioctl", "request == TIOCSTI", "1=0x5412", "1=0"}, // the kernel's name and the man page's
		{"x86_64", "socket", "oneof(domain, AF_UNIX, AF_INET6)", "0=1 0=10 0=0xffffffff0000000a", "0=2 0=0x100000000"},
		{"x86_64", "clone", "flags & (CLONE_NEWUSER|CLONE_NEWNS) == 0", "0=0 0=0xffffffff00000000 1=0x10000000", "0=0x10000000 0=0x20000"},
		{"s390x", "clone", "flags & (CLONE_NEWUSER|CLONE_NEWNS) == 0", "0=0x10000000 1=0", "1=0x10000000 1=0xffffffff00020000"},
		{"x86_64", "openat", "flags & O_ACCMODE == O_RDONLY", "2=0 2=0x100000000 2=0x80000", "2=1 2=0xffffffff00000002"},
		{"mips", "openat", "flags & O_CREAT != 0", "2=0x100", "2=0x40"},
		{"x86_64", "openat", "flags & O_CREAT != 0", "2=0x40", "2=0x100"},
		// Signed: from the most negative number to the greatest.
		{"x86_64", "openat", "dirfd == AT_FDCWD", "0=0xffffffffffffff9c 0=0xffffff9c", "0=0x9c 0=0"},
		{"x86_64", "openat", "dirfd < 0", "0=0xffffffff 0=0x80000000 0=0x1ffffffff", "0=0 0=0x7fffffff 0=0xffffffff7fffffff"},
		{"x86_64", "openat", "dirfd <= -100", "0=0xffffff9c 0=0x80000000", "0=0xffffff9d 0=0 0=0x7fffffff 0=0xffffffff"},
		{"x86_64", "openat", "dirfd > -2", "0=0xffffffff 0=0 0=0x7fffffff", "0=0xfffffffe 0=0x80000000"},
		{"x86_64", "openat", "dirfd >= 3", "0=3 0=0x7fffffff", "0=2 0=0xffffffff 0=0x80000000"},
		{"x86_64", "openat", "dirfd > 2147483647", "", "0=0 0=0x7fffffff 0=0x80000000 0=0xffffffff"},
		{"x86_64", "openat", "dirfd >= -2147483648", "0=0 0=0x7fffffff 0=0x80000000 0=0xffffffff", ""},
		{"x86_64", "openat", "dirfd & 0x80000000 != 0", "0=0x80000000", "0=0x7fffffff"}, // bits have no sign
		{"x86_64", "lseek", "offset < 0", "1=0x8000000000000000 1=0xffffffffffffffff", "1=0 1=0x7fffffffffffffff"},
		// Modes have 16 bits everywhere.
		{"x86_64", "fchmod", "mode == 0o755", "1=493 1=0x101ed", "1=492"},
		{"i386", "fchmod", "mode & (S_ISUID|S_ISGID) == 0", "1=0 1=0x10000", "1=0x800 1=0x10800 1=0x400"},
		// The old calls' ids have 16 bits where there are newer ones.
		{"i386", "setuid", "uid == 0", "0=0 0=0x10000", "0=1"},
		{"i386", "setuid32", "uid == 0", "0=0", "0=0x10000 0=1"},
		{"x86_64", "setuid", "uid == 0", "0=0 0=0x100000000", "0=0x10000"},
	} {
		src := fmt.Sprintf("seccompc: 1\ndefault: errno(EPERM)\nrules:\n- allow: [%s]\n  if: %s\n", v.call, v.cond)
		p, diags := policy.Parse("p.yaml", []byte(src), nil)
		if p == nil {
			t.Fatal(diags)
		}
		abi := arch.Lookup(v.abi)
		target, diags := resolve.Resolve(p, []*arch.ABI{abi}, resolve.Options{})
		if target == nil {
			t.Errorf("%s, %s, %s: %v", v.abi, v.call, v.cond, diags)
			continue
		}
		nr, _ := abi.Number(v.call)
		for want, calls := range map[resolve.Action]string{resolve.Allow: v.hold, resolve.Errno | 1: v.fail} {
			for _, word := range strings.Fields(calls) {
				c := resolve.Call{Arch: abi.Audit, NR: nr}
				var arg int
				var value uint64
				if _, err := fmt.Sscanf(word, "%d=%v", &arg, &value); err != nil {
					t.Fatal(err)
				}
				c.Args[arg] = value
				if got := target.Decide(c); got != want {
					t.Errorf("%s, %s, %s: %s is %s, want %s", v.abi, v.call, v.cond, word, got, want)
				}
			}
		}
	}
}

// TestGroupCondition: one condition means for each call what that call's parameter is.
func TestGroupCondition(t *testing.T) {
	src := "seccompc: 1\ndefault: errno(EPERM)\nrules:\n- allow: [open, openat]\n  if: flags & O_ACCMODE == O_RDONLY\n"
	p, _ := policy.Parse("p.yaml", []byte(src), nil)
	abi := arch.Lookup("x86_64")
	target, diags := resolve.Resolve(p, []*arch.ABI{abi}, resolve.Options{})
	if target == nil {
		t.Fatal(diags)
	}
	for _, v := range []struct {
		nr   uint32
		args [6]uint64
		want resolve.Action
	}{
		{2, [6]uint64{1, 0, 1}, resolve.Allow}, // open: flags are argument 1
		{2, [6]uint64{1, 1, 0}, resolve.Errno | 1},
		{257, [6]uint64{1, 1, 0}, resolve.Allow}, // openat: argument 2
		{257, [6]uint64{1, 0, 1}, resolve.Errno | 1},
	} {
		if got := target.Decide(resolve.Call{Arch: abi.Audit, NR: v.nr, Args: v.args}); got != v.want {
			t.Errorf("number %d, %v: %s, want %s", v.nr, v.args, got, v.want)
		}
	}
}
