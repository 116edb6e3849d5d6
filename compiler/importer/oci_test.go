package importer_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/importer"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// A vector is a profile, and what it means for a target: "abi call argument... = action" in each line of want.
type vector struct {
	name    string
	profile string
	target  string // x86_64 if empty
	options resolve.Options
	want    string
}

// in writes a profile that refuses with EPERM what its rules don't say.
func in(rules ...string) string {
	return `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [` + strings.Join(rules, ",\n") + `]}`
}

// out writes a profile that allows what its rules don't say.
func out(rules ...string) string {
	return `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [` + strings.Join(rules, ",\n") + `]}`
}

const (
	allowRead = `{"names": ["read"], "action": "SCMP_ACT_ALLOW"}`
	denyRead  = `{"names": ["read"], "action": "SCMP_ACT_ERRNO"}`
)

func read(t *testing.T, profile string) *policy.Policy {
	t.Helper()
	p, diags := importer.OCI("profile.json", []byte(profile))
	if p == nil || diags.Err() != nil {
		t.Fatalf("%s\n%v", profile, diags)
	}
	return p
}

func (v vector) resolve(t *testing.T) *resolve.Target {
	t.Helper()
	if v.target == "" {
		v.target = "x86_64"
	}
	targets, diags := resolve.Targets([]policy.Word{{Text: v.target}})
	if diags != nil {
		t.Fatal(diags)
	}
	target, diags := resolve.Resolve(read(t, v.profile), targets[0], v.options)
	if target == nil {
		t.Fatalf("%s\n%v", v.profile, diags)
	}
	return target
}

func (v vector) check(t *testing.T) {
	t.Helper()
	target := v.resolve(t)
	for line := range strings.Lines(v.want) {
		left, want, _ := strings.Cut(strings.TrimSpace(line), " = ")
		words := strings.Fields(left)
		if len(words) < 2 {
			t.Fatalf("%q is no expectation", line)
		}
		abi := arch.Lookup(words[0])
		nr, ok := abi.Number(words[1])
		if !ok {
			n, err := strconv.ParseUint(words[1], 0, 32)
			if err != nil {
				t.Fatalf("no call %s on %s", words[1], abi.Name)
			}
			nr = uint32(n)
		}
		call := resolve.Call{Arch: abi.Audit, NR: nr}
		for i, w := range words[2:] {
			var err error
			if call.Args[i], err = strconv.ParseUint(w, 0, 64); err != nil {
				t.Fatal(err)
			}
		}
		if got := target.Decide(call).Format(abi); got != want {
			t.Errorf("%s: %s is %s, want %s", v.name, left, got, want)
		}
	}
}

func TestActions(t *testing.T) {
	for _, v := range []struct{ action, errno, want string }{
		{"SCMP_ACT_ALLOW", "", "allow"},
		{"SCMP_ACT_LOG", "", "log"},
		{"SCMP_ACT_NOTIFY", "", "notify"},
		{"SCMP_ACT_TRAP", "", "trap"},
		{"SCMP_ACT_KILL", "", "kill_thread"},
		{"SCMP_ACT_KILL_THREAD", "", "kill_thread"},
		{"SCMP_ACT_KILL_PROCESS", "", "kill_process"},
		{"SCMP_ACT_ERRNO", "", "errno(EPERM)"},
		{"SCMP_ACT_ERRNO", "null", "errno(EPERM)"},
		{"SCMP_ACT_ERRNO", "0", "errno(0)"},
		{"SCMP_ACT_ERRNO", "38", "errno(ENOSYS)"},
		{"SCMP_ACT_ERRNO", "4095", "errno(4095)"},
		{"SCMP_ACT_TRACE", "", "trace(1)"},
		{"SCMP_ACT_TRACE", "0", "trace"},
		{"SCMP_ACT_TRACE", "65535", "trace(65535)"},
	} {
		ret, defaultRet := "", ""
		if v.errno != "" {
			ret, defaultRet = `, "errnoRet": `+v.errno, `, "defaultErrnoRet": `+v.errno
		}
		unknown := "errno(ENOSYS)"
		if v.action == "SCMP_ACT_LOG" {
			unknown = "log"
		}
		vector{
			name:    v.action + " " + v.errno + " by default",
			profile: `{"defaultAction": "` + v.action + `"` + defaultRet + `}`,
			want: "x86_64 read = " + v.want + "\nx86_64 999 = " + unknown + "\nx86_64 0xffffffff = " + unknown +
				"\nx32 read = kill_process\ni386 read = kill_process\naarch64 read = kill_process",
		}.check(t)
		other, rest := "SCMP_ACT_TRAP", "trap"
		if v.action == other {
			other, rest = "SCMP_ACT_ALLOW", "allow"
		}
		vector{
			name:    v.action + " " + v.errno + " in a rule",
			profile: `{"defaultAction": "` + other + `", "syscalls": [{"names": ["read"], "action": "` + v.action + `"` + ret + `}]}`,
			want:    "x86_64 read = " + v.want + "\nx86_64 write = " + rest + "\nx86_64 999 = errno(ENOSYS)",
		}.check(t)
	}
	// The errno of a profile is a number: 38 is ENOSYS on x86_64 and another error on mips, whose own ENOSYS is 89.
	vector{
		name: "errno on mips", target: "mips",
		profile: `{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "syscalls": [` + allowRead + `]}`,
		want:    "mips read = allow\nmips write = errno(EL2NSYNC)\nmips 9999 = errno(ENOSYS)",
	}.check(t)
}

func TestOperators(t *testing.T) {
	for _, v := range []struct {
		op           string
		value, two   string
		match, other string // values of the argument
	}{
		{"NE", "5", "", "0 4 6 0x100000005 0xffffffffffffffff", "5"},
		{"EQ", "5", "", "5", "0 4 6 0x100000005 0x500000000 0xffffffff00000005"},
		{"EQ", "0", "", "0", "1 0x100000000 0x8000000000000000"},
		{"EQ", "4294967295", "", "0xffffffff", "0xfffffffe 0x100000000 0xffffffffffffffff 0x1ffffffff"},
		{"EQ", "18446744073709551615", "", "0xffffffffffffffff", "0xffffffff 0xfffffffffffffffe 0xffffffff00000000 0"},
		{"LT", "5", "", "0 4", "5 6 0x100000000 0xffffffffffffffff"},
		{"LT", "0", "", "", "0 1 0xffffffffffffffff"},
		{"LT", "4294967296", "", "0 0xffffffff", "0x100000000 0x100000001 0x8000000000000000"},
		{"LE", "5", "", "0 5", "6 0x100000000 0x100000005"},
		{"LE", "4294967296", "", "0xffffffff 0x100000000", "0x100000001 0x200000000"},
		{"GT", "5", "", "6 0x100000000 0xffffffffffffffff", "0 5"},
		{"GT", "9223372036854775807", "", "0x8000000000000000 0xffffffffffffffff", "0x7fffffffffffffff 0 0xffffffff"},
		{"GE", "5", "", "5 6 0x100000000", "0 4"},
		{"GE", "2147483648", "", "0x80000000 0xffffffff 0xffffffff80000000", "0 0x7fffffff"},
		{"GE", "4294967296", "", "0x100000000 0x1ffffffff", "0xffffffff 0"},
		{"MASKED_EQ", "240", "80", "0x50 0x5f 0x150 0xffffffffffffff50", "0x40 0xd0 0 0x05"},
		{"MASKED_EQ", "240", "", "0 0x0f 0xf00 0x100000000", "0x10 0xf0"},
		{"MASKED_EQ", "240", "511", "0xf0 0x1ff 0x2f0", "0x1f 0 0x10f"}, // 511&240 is compared
		{"MASKED_EQ", "18446744069414584320", "0", "0 0xffffffff", "0x100000000 0xffffffff00000000"},
		{"MASKED_EQ", "18446744069414584320", "4294967296", "0x100000000 0x1ffffffff", "0 1 0x200000000"},
		{"MASKED_EQ", "2114060288", "0", "0 0x11 0x81fdffff 0x7e02000000000000", "0x10000000 0x00020000 0x40000000"},
		{"MASKED_EQ", "0", "0", "0 1 0xffffffffffffffff", ""},
	} {
		two := ""
		if v.two != "" {
			two = `, "valueTwo": ` + v.two
		}
		var want string
		for _, x := range strings.Fields(v.match) {
			want += "x86_64 read 7 " + x + " = allow\n"
		}
		for _, x := range strings.Fields(v.other) {
			want += "x86_64 read 7 " + x + " = errno(EPERM)\n"
		}
		vector{
			name: fmt.Sprintf("%s %s %s", v.op, v.value, v.two),
			profile: in(`{"names": ["read"], "action": "SCMP_ACT_ALLOW",
				"args": [{"index": 1, "value": ` + v.value + two + `, "op": "SCMP_CMP_` + v.op + `"}]}`),
			want: want,
		}.check(t)
	}
}

// arg writes a comparison of an argument.
func arg(index int, op string, value uint64) string {
	return fmt.Sprintf(`{"index": %d, "value": %d, "op": "SCMP_CMP_%s"}`, index, value, op)
}

func rule(name, action string, args ...string) string {
	return `{"names": ["` + name + `"], "action": "SCMP_ACT_` + action + `", "args": [` + strings.Join(args, ", ") + `]}`
}

func TestRules(t *testing.T) {
	for _, v := range []vector{
		{
			name:    "arguments of one rule are all required",
			profile: in(rule("mmap", "ALLOW", arg(2, "EQ", 1), arg(0, "EQ", 2), arg(5, "EQ", 3))),
			want: `x86_64 mmap 2 0 1 0 0 3 = allow
				x86_64 mmap 0 0 1 0 0 3 = errno(EPERM)
				x86_64 mmap 2 0 0 0 0 3 = errno(EPERM)
				x86_64 mmap 2 0 1 0 0 0 = errno(EPERM)
				x86_64 mmap 1 0 2 0 0 3 = errno(EPERM)`,
		},
		{
			name: "each argument",
			profile: in(rule("read", "ALLOW", arg(0, "EQ", 10)), rule("read", "ALLOW", arg(1, "EQ", 11)), rule("read", "ALLOW", arg(2, "EQ", 12)),
				rule("read", "ALLOW", arg(3, "EQ", 13)), rule("read", "ALLOW", arg(4, "EQ", 14)), rule("read", "ALLOW", arg(5, "EQ", 15))),
			want: `x86_64 read 10 = allow
				x86_64 read 0 11 = allow
				x86_64 read 0 0 12 = allow
				x86_64 read 0 0 0 13 = allow
				x86_64 read 0 0 0 0 14 = allow
				x86_64 read 0 0 0 0 0 15 = allow
				x86_64 read 15 14 13 12 11 10 = errno(EPERM)`,
		},
		{
			name:    "rules of one call are alternatives",
			profile: in(rule("read", "ALLOW", arg(0, "EQ", 1)), denyWrite, rule("read", "ALLOW", arg(1, "EQ", 2))),
			want: `x86_64 read 1 0 = allow
				x86_64 read 0 2 = allow
				x86_64 read 1 2 = allow
				x86_64 read 2 1 = errno(EPERM)
				x86_64 write = errno(EACCES)`,
		},
		{
			name:    "rules without an order: the unconditional one is second",
			profile: in(rule("read", "ALLOW", arg(0, "EQ", 1)), allowRead),
			want:    "x86_64 read 0 = allow\nx86_64 read 1 = allow",
		},
		{
			name:    "a rule with the default's action leaves the others",
			profile: in(denyRead, `{"names": ["write"], "action": "SCMP_ACT_ALLOW"}`),
			want:    "x86_64 read = errno(EPERM)\nx86_64 write = allow",
		},
		{
			name:    "empty and null",
			profile: in(`{"names": ["read", "write"], "name": "", "action": "SCMP_ACT_ALLOW", "errnoRet": null, "args": null, "comment": null, "includes": null, "excludes": {"caps": null, "arches": [], "minKernel": null}}`),
			want:    "x86_64 read = allow\nx86_64 write = allow\nx86_64 open = errno(EPERM)",
		},
		{
			name:    "no arguments in a list",
			profile: in(rule("read", "ALLOW")),
			want:    "x86_64 read 1 2 3 4 5 6 = allow",
		},
		{
			name:    "the old name, a comment, a second value of 0",
			profile: in(`{"name": "read", "names": null, "comment": "", "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "valueTwo": 0, "op": "SCMP_CMP_EQ"}]}`),
			want:    "x86_64 read 1 = allow\nx86_64 read 0 = errno(EPERM)",
		},
		{
			name:    "the old name and an empty list",
			profile: in(`{"name": "read", "names": [], "action": "SCMP_ACT_ALLOW", "comment": "why"}`),
			want:    "x86_64 read = allow\nx86_64 write = errno(EPERM)",
		},
		{
			name:    "names that only other ABIs have",
			profile: out(`{"names": ["riscv_hwprobe", "s390_pci_mmio_read", "read"], "action": "SCMP_ACT_ERRNO"}`),
			want:    "x86_64 read = errno(EPERM)\nx86_64 write = allow\nx86_64 258 = allow",
		},
		{
			name:    "names that no ABI has, numbers among them",
			profile: in(`{"names": ["no_such_call", "1", "0x2", "003"], "action": "SCMP_ACT_ALLOW"}`),
			want:    "x86_64 write = errno(EPERM)\nx86_64 open = errno(EPERM)\nx86_64 close = errno(EPERM)\nx86_64 1000 = errno(ENOSYS)",
		},
		{
			name: "registers of 32 bits have no upper half", target: "x86_64+i386",
			profile: in(rule("ioctl", "ALLOW", arg(1, "EQ", 5))),
			want: `i386 ioctl 0 0xdeadbeef00000005 = allow
				i386 ioctl 0 0xdeadbeef00000004 = errno(EPERM)
				x86_64 ioctl 0 0xdeadbeef00000005 = errno(EPERM)
				x86_64 ioctl 0 5 = allow`,
		},
		{
			name: "x32 has registers of 64 bits", target: "x86_64+x32",
			profile: in(rule("ioctl", "ALLOW", arg(1, "EQ", 5))),
			want: `x32 ioctl 0 5 = allow
				x32 ioctl 0 0x100000005 = errno(EPERM)
				x86_64 ioctl 0 5 = allow
				x86_64 0x40000010 0 5 = errno(ENOSYS)
				x86_64 514 0 5 = errno(ENOSYS)`,
		},
	} {
		v.check(t)
	}
}

const denyWrite = `{"names": ["write"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}`

func TestFlags(t *testing.T) {
	p := read(t, `{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "", "listenerMetadata": null,
		"flags": ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_LOG"]}`)
	var flags []string
	for _, w := range p.Flags {
		flags = append(flags, w.Text)
	}
	if !slices.Equal(flags, []string{"spec_allow", "log"}) || !p.Imported {
		t.Errorf("flags %q, imported %v", flags, p.Imported)
	}
}

// The targets of a profile, as resolve reads them.
func TestArchitectures(t *testing.T) {
	for _, v := range []struct{ name, keys, want string }{
		{"none", ``, ""},
		{"empty", `"architectures": [], "archMap": []`, ""},
		{"null", `"architectures": null, "archMap": null`, ""},
		{"one", `"architectures": ["SCMP_ARCH_RISCV64"]`, "riscv64"},
		{"one beside an empty map", `"architectures": ["SCMP_ARCH_RISCV64"], "archMap": []`, "riscv64"},
		{"grouped by machine, the widest first", `"architectures": ["SCMP_ARCH_X86", "SCMP_ARCH_ARM", "SCMP_ARCH_X32", "SCMP_ARCH_AARCH64", "SCMP_ARCH_X86_64", "SCMP_ARCH_PPC64LE"]`,
			"x86_64+i386+x32 aarch64+arm ppc64le"},
		{"runtimes add the native ABI", `"architectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]`, "x86_64+i386+x32"},
		{"twice", `"architectures": ["SCMP_ARCH_S390", "SCMP_ARCH_S390X", "SCMP_ARCH_S390"]`, "s390x+s390"},
		{"all of libseccomp's", `"architectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X86_64", "SCMP_ARCH_X32", "SCMP_ARCH_ARM", "SCMP_ARCH_AARCH64",
			"SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32",
			"SCMP_ARCH_PPC", "SCMP_ARCH_PPC64", "SCMP_ARCH_PPC64LE", "SCMP_ARCH_S390", "SCMP_ARCH_S390X", "SCMP_ARCH_PARISC", "SCMP_ARCH_PARISC64",
			"SCMP_ARCH_RISCV64", "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K", "SCMP_ARCH_SH", "SCMP_ARCH_SHEB"]`,
			"x86_64+i386+x32 aarch64+arm mips64+mips+mips64n32 mipsel64+mipsel+mipsel64n32 ppc64+ppc ppc64le s390x+s390 parisc64+parisc riscv64 loongarch64 m68k sh sheb"},
		{"a map", `"archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
			{"architecture": "SCMP_ARCH_AARCH64"}, {"architecture": "SCMP_ARCH_S390X", "subArchitectures": []}, {"architecture": "SCMP_ARCH_RISCV64", "subArchitectures": null}]`,
			"x86_64+i386+x32 aarch64 s390x riscv64"},
		{"entries that are served already", `"archMap": [{"architecture": "SCMP_ARCH_MIPS64", "subArchitectures": ["SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64N32"]},
			{"architecture": "SCMP_ARCH_MIPS64N32", "subArchitectures": ["SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64"]}]`,
			"mips64+mips+mips64n32"},
	} {
		keys := v.keys
		if keys != "" {
			keys = ", " + keys
		}
		targets, diags := resolve.Targets(read(t, `{"defaultAction": "SCMP_ACT_ALLOW"`+keys+`}`).Targets)
		var names []string
		for _, abis := range targets {
			names = append(names, resolve.TargetName(abis))
		}
		if got := strings.Join(names, " "); got != v.want || diags != nil {
			t.Errorf("%s: got %s, %v", v.name, got, diags)
		}
	}
}

// TestText: words are what JSON says, escapes and bytes that are no UTF-8 included.
func TestText(t *testing.T) {
	for text, want := range map[string]string{`read`: "read", `re\u0061d`: "read", `\"\\`: `"\`, "\xe8": "\uFFFD", "é": "é",
		strings.Repeat(`\"[`, 80): strings.Repeat(`"[`, 80)} {
		if got := read(t, in(rule(text, "ALLOW"))).Rules[0].Calls[0].Name.Text; got != want {
			t.Errorf("%q is read as %q, want %q", text, got, want)
		}
	}
}
