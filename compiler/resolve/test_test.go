package resolve_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// tested writes down what a target's tests mean: the ABI and the call, for each argument that is given its value and the
// bits that have it, and the action.
func tested(t *resolve.Target) string {
	var b strings.Builder
	for _, test := range t.Tests {
		name, ok := test.ABI.SyscallName(test.Call.NR)
		if !ok {
			name = fmt.Sprint(test.Call.NR)
		}
		fmt.Fprintf(&b, "%s %s", test.ABI.Name, name)
		for i, given := range test.Given {
			if given != 0 || test.Call.Args[i] != 0 {
				fmt.Fprintf(&b, " arg%d=%#x/%#x", i, test.Call.Args[i], given)
			}
		}
		fmt.Fprintf(&b, " is %s\n", test.Want.Format(test.ABI))
	}
	return b.String()
}

func TestTests(t *testing.T) {
	for _, v := range []struct {
		name, target, tests, want string
	}{
		{"all arguments", "x86_64+i386", "{call: read, want: allow}", `
			x86_64 read is allow
			i386 read is allow`},
		{"no arguments", "x86_64", "{call: read(), want: allow}", "x86_64 read is allow"},
		{"any argument", "x86_64", `{call: "read(_, _)", want: allow}`, "x86_64 read is allow"},
		{"any argument by name", "x86_64", `{call: "read(fd=_)", want: allow}`, "x86_64 read is allow"},
		{"whole registers, as wide as they are", "x86_64+i386+x32", `{call: "openat(AT_FDCWD, _, O_RDWR)", want: allow}`, `
			x86_64 openat arg0=0xffffffffffffff9c/0xffffffffffffffff arg2=0x2/0xffffffffffffffff is allow
			i386 openat arg0=0xffffff9c/0xffffffff arg2=0x2/0xffffffff is allow
			x32 openat arg0=0xffffffffffffff9c/0xffffffffffffffff arg2=0x2/0xffffffffffffffff is allow`},
		{"zero is a value", "x86_64", "{call: read(0), want: allow}", "x86_64 read arg0=0x0/0xffffffffffffffff is allow"},
		{"the bits that the kernel uses", "x86_64", `{call: "openat(flags=O_RDWR, mode=0o7777)", want: allow}`,
			"x86_64 openat arg2=0x2/0xffffffff arg3=0xfff/0xffff is allow"},
		{"the kernel's name for a parameter", "x86_64", "{call: openat(dfd=3), want: allow}", "x86_64 openat arg0=0x3/0xffffffff is allow"},
		{"a parameter of 64 bits", "x86_64+i386", "{call: read(count=1), want: allow}", `
			x86_64 read arg2=0x1/0xffffffffffffffff is allow
			i386 read arg2=0x1/0xffffffff is allow`},
		{"a register by name", "x86_64+i386", "{call: read(arg5=1), want: allow}", `
			x86_64 read arg5=0x1/0xffffffffffffffff is allow
			i386 read arg5=0x1/0xffffffff is allow`},
		{"places, then names", "x86_64", `{call: "openat(AT_FDCWD, _, mode=1, flags=2)", want: allow}`,
			"x86_64 openat arg0=0xffffffffffffff9c/0xffffffffffffffff arg2=0x2/0xffffffff arg3=0x1/0xffff is allow"},
		{"a parameter wherever the ABI has it", "x86_64", "{call: clone(flags=CLONE_VM), want: allow}", "x86_64 clone arg0=0x100/0xffffffff is allow"},
		{"a parameter wherever s390x has it", "s390x+s390", "{call: clone(flags=CLONE_VM), want: allow}", `
			s390x clone arg1=0x100/0xffffffff is allow
			s390 clone arg1=0x100/0xffffffff is allow`},
		{"a place is a place", "s390x", "{call: clone(CLONE_VM), want: allow}", "s390x clone arg0=0x100/0xffffffffffffffff is allow"},
		{"each ABI's constants", "mips64+mips", "{call: openat(flags=O_CREAT), want: errno(ENOSYS)}", `
			mips64 openat arg2=0x100/0xffffffff is errno(ENOSYS)
			mips openat arg2=0x100/0xffffffff is errno(ENOSYS)`},
		{"negative values", "x86_64+i386", `{call: "kill(pid=-1, sig=-2147483648)", want: allow}`, `
			x86_64 kill arg0=0xffffffff/0xffffffff arg1=0x80000000/0xffffffff is allow
			i386 kill arg0=0xffffffff/0xffffffff arg1=0x80000000/0xffffffff is allow`},
		{"negative registers", "x86_64+i386", `{call: "kill(-1, -2)", want: allow}`, `
			x86_64 kill arg0=0xffffffffffffffff/0xffffffffffffffff arg1=0xfffffffffffffffe/0xffffffffffffffff is allow
			i386 kill arg0=0xffffffff/0xffffffff arg1=0xfffffffe/0xffffffff is allow`},
		{"complements", "x86_64+i386", `{call: "openat(_, _, flags=~O_RDWR, mode=~0)", want: allow}`, `
			x86_64 openat arg2=0xfffffffd/0xffffffff arg3=0xffff/0xffff is allow
			i386 openat arg2=0xfffffffd/0xffffffff arg3=0xffff/0xffff is allow`},
		{"the widest values", "x86_64", `{call: "read(0xffffffffffffffff, 1 << 63, ~0)", want: allow}`,
			"x86_64 read arg0=0xffffffffffffffff/0xffffffffffffffff arg1=0x8000000000000000/0xffffffffffffffff arg2=0xffffffffffffffff/0xffffffffffffffff is allow"},
		{"one ABI", "x86_64+i386+x32", "{call: read, abi: SCMP_ARCH_X86, want: allow}", "i386 read is allow"},
		{"an ABI of another target", "x86_64+i386", "{call: read, abi: arm, want: allow}", ""},
		{"a call that one ABI lacks", "x86_64+i386", "{call: socketcall, want: allow}", "i386 socketcall is allow"},
		{"an alias", "aarch64", "{call: fstatat, want: allow}", "aarch64 newfstatat is allow"},
		{"a number", "x86_64+x32", "{call: 0x40000001(7), abi: x32, want: allow}", "x32 write arg0=0x7/0xffffffffffffffff is allow"},
		{"a number that nobody has", "x86_64", "{call: 999, want: allow}", "x86_64 999 is allow"},
		{"the default", "x86_64", "{call: read, want: default}", "x86_64 read is errno(EPERM)"},
		{"each ABI's errno", "parisc64+parisc", "{call: read, want: errno(ENOSYS)}", `
			parisc64 read is errno(ENOSYS)
			parisc read is errno(ENOSYS)`},
		{"an errno's number", "mips", "{call: read, want: errno(89)}", "mips read is errno(ENOSYS)"},
		{"actions with data", "x86_64", "{call: read, want: trace(7)}", "x86_64 read is trace(7)"},
	} {
		target := vector{name: v.name, target: v.target, policy: "default: errno(EPERM)\ntests:\n- " + v.tests}.resolve(t)
		want := strings.ReplaceAll(strings.TrimSpace(v.want), "\t", "")
		if got := strings.TrimSpace(tested(target)); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", v.name, got, want)
		}
		for _, test := range target.Tests {
			if test.Call.Arch != test.ABI.Audit || test.Of.Call.Pos.Line != 5 {
				t.Errorf("%s: call %#x, of the test at %s", v.name, test.Call, test.Of.Call.Pos)
			}
		}
	}
}

// TestTestCapabilities: a test speaks of one set of capabilities, in whichever order and however often it names them.
func TestTestCapabilities(t *testing.T) {
	for _, v := range []struct {
		capabilities, caps string // of the policy, of the test; empty: not said
		granted            []string
		runs               bool
	}{
		{"", "", nil, true},
		{"", "", []string{"CAP_KILL"}, false},
		{"[]", "", nil, true},
		{"[]", "", []string{"CAP_KILL"}, false},
		{"[CAP_KILL]", "", []string{"CAP_KILL"}, true},
		{"[CAP_KILL, CAP_KILL]", "", []string{"CAP_KILL"}, true},
		{"[CAP_KILL]", "", []string{"CAP_CHOWN", "CAP_KILL"}, false},
		{"[CAP_KILL]", "[]", []string{"CAP_KILL"}, false},
		{"", "[]", nil, true},
		{"", "[CAP_KILL]", nil, false},
		{"", "[CAP_KILL]", []string{"CAP_KILL"}, true},
		{"", "[CAP_KILL]", []string{"CAP_CHOWN"}, false},
		{"", "[CAP_KILL, CAP_CHOWN]", []string{"CAP_CHOWN", "CAP_KILL"}, true},
		{"", "[CAP_KILL, CAP_CHOWN]", []string{"CAP_CHOWN"}, false},
		{"", "[CAP_KILL, CAP_KILL]", []string{"CAP_CHOWN", "CAP_KILL"}, false},
		{"[CAP_CHOWN]", "[CAP_CHOWN, CAP_KILL]", []string{"CAP_CHOWN", "CAP_KILL"}, true},
	} {
		src := "default: errno(EPERM)\n"
		if v.capabilities != "" {
			src += "capabilities: " + v.capabilities + "\n"
		}
		src += "tests:\n- call: read\n  want: allow\n"
		if v.caps != "" {
			src += "  caps: " + v.caps + "\n"
		}
		target := vector{name: fmt.Sprint(v), policy: src, options: resolve.Options{Caps: v.granted}}.resolve(t)
		if runs := len(target.Tests) == 1; runs != v.runs {
			t.Errorf("capabilities %s, the test's %s, granted %v: it runs: %v", v.capabilities, v.caps, v.granted, runs)
		}
	}
}

// TestRuleCapabilities: a rule with caps is there if each of them is granted.
func TestRuleCapabilities(t *testing.T) {
	const src = "default: errno(EPERM)\nrules:\n- allow: [reboot]\n  caps: [CAP_SYS_BOOT, CAP_KILL]\n"
	for granted, want := range map[string]string{
		"": "errno(EPERM)", "CAP_SYS_BOOT": "errno(EPERM)", "CAP_SYS_BOOT CAP_KILL": "allow", "CAP_CHOWN CAP_KILL CAP_SYS_BOOT": "allow",
	} {
		vector{name: granted, policy: src, options: resolve.Options{Caps: strings.Fields(granted)}, want: "x86_64 reboot = " + want}.check(t)
	}
}
