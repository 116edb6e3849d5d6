package resolve_test

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// A vector is a policy without its version, and what it means for its only target: "abi call argument... = action" in
// each line of want. A call is a name, or a number of seccomp_data.
type vector struct {
	name, policy string
	target       string // x86_64 if empty
	options      resolve.Options
	want         string
}

func (v vector) resolve(t *testing.T) *resolve.Target {
	t.Helper()
	if v.target == "" {
		v.target = "x86_64"
	}
	src := "seccompc: 1\ntargets: [" + v.target + "]\n" + v.policy
	p, diags := policy.Parse("policy.yaml", []byte(src), nil)
	if p == nil {
		t.Fatalf("%s: %v", v.name, diags)
	}
	targets, diags := resolve.Targets(p.Targets)
	if diags != nil {
		t.Fatalf("%s: %v", v.name, diags)
	}
	target, diags := resolve.Resolve(p, targets[0], v.options)
	if target == nil || diags.Err() != nil {
		t.Fatalf("%s: %v", v.name, diags)
	}
	return target
}

func (v vector) check(t *testing.T) *resolve.Target {
	t.Helper()
	target := v.resolve(t)
	for line := range strings.Lines(v.want) {
		left, want, ok := strings.Cut(strings.TrimSpace(line), " = ")
		words := strings.Fields(left)
		if !ok || len(words) < 2 {
			t.Fatalf("%s: %q is no expectation", v.name, line)
		}
		abi := arch.Lookup(words[0])
		nr, ok := abi.Number(words[1])
		if !ok {
			n, err := strconv.ParseUint(words[1], 0, 32)
			if err != nil {
				t.Fatalf("%s: no call %s on %s", v.name, words[1], abi.Name)
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
	return target
}

func TestCalls(t *testing.T) {
	for _, v := range []vector{
		{
			name: "names on two ABIs", target: "x86_64+i386",
			policy: "default: errno(EPERM)\nrules:\n- allow: [read, fcntl64, arch_prctl, s390_sthyi, riscv_hwprobe, accept]",
			want: `x86_64 0 = allow
				i386 3 = allow
				i386 fcntl64 = allow
				x86_64 fcntl = errno(EPERM)
				i386 fcntl = errno(EPERM)
				x86_64 arch_prctl = allow
				x86_64 accept = allow
				x86_64 3 = errno(EPERM)
				i386 0 = errno(EPERM)
				x86_64 380 = errno(ENOSYS)
				i386 333 = errno(EPERM)
				i386 380 = errno(EPERM)`,
		},
		{
			name: "an alias", target: "aarch64",
			policy: "default: errno(EPERM)\nrules:\n- allow: [fstatat]",
			want:   "aarch64 newfstatat = allow\naarch64 79 = allow\naarch64 80 = errno(EPERM)",
		},
		{
			name: "ARM's private calls", target: "arm",
			policy: "default: errno(EPERM)\nrules:\n- allow: [set_tls, 0x0f0002, 983044]",
			want:   "arm 0x0f0005 = allow\narm 0x0f0002 = allow\narm 0x0f0004 = allow\narm 0x0f0003 = errno(EPERM)\narm 5 = errno(EPERM)\narm 0x0f0099 = errno(ENOSYS)",
		},
		{
			name: "MIPS' bases", target: "mips64+mips64n32+mips",
			policy: "default: errno(EPERM)\nrules:\n- allow: [read]\n- {trap: [4004], abis: [mips]}\n- {trap: [5001], abis: [mips64]}\n- {trap: [6001], abis: [mips64n32]}",
			want: `mips 4003 = allow
				mips 4004 = trap
				mips64 5000 = allow
				mips64 5001 = trap
				mips64n32 6000 = allow
				mips64n32 6001 = trap
				mips 3 = errno(ENOSYS)
				mips 5000 = errno(ENOSYS)
				mips64 4003 = errno(ENOSYS)
				mips64n32 0 = errno(ENOSYS)
				mipsel 4003 = kill_process`,
		},
		{
			name:   "numbers win over unknown, whether the table has them or not",
			policy: "default: errno(EPERM)\nunknown: kill_process\nrules:\n- allow: [0, 0x1, 0o2, 900, 0x3fffffff]\n- allow: [901]\n  if: arg0 == 1\n- default: [902]",
			want: `x86_64 read = allow
				x86_64 write = allow
				x86_64 open = allow
				x86_64 900 = allow
				x86_64 0x3fffffff = allow
				x86_64 901 1 = allow
				x86_64 901 2 = errno(EPERM)
				x86_64 902 = errno(EPERM)
				x86_64 903 = kill_process
				x86_64 0x3ffffffe = kill_process`,
		},
		{
			name: "numbers of x32 have its bit", target: "x86_64+x32",
			policy: "default: errno(EPERM)\nrules:\n- {allow: [0x40000000], abis: [x32]}\n- {allow: [1], abis: [amd64]}\n- {trap: [0xfffffffe, 0x7fffffff], abis: [x32]}",
			want: `x32 read = allow
				x86_64 0x40000000 = allow
				x86_64 read = errno(EPERM)
				x86_64 write = allow
				x32 write = errno(EPERM)
				x86_64 0xfffffffe = trap
				x86_64 0x7fffffff = trap
				x86_64 0xffffffff = errno(ENOSYS)`,
		},
		{
			name: "numbers without a bit to mind", target: "i386",
			policy: "default: errno(EPERM)\nrules:\n- allow: [0x40000000, 0x7fffffff, 0x80000000, 0xfffffffe]",
			want:   "i386 0x40000000 = allow\ni386 0x7fffffff = allow\ni386 0x80000000 = allow\ni386 0xfffffffe = allow\ni386 0xffffffff = errno(ENOSYS)",
		},
		{
			name:   "groups in groups, and a condition that holds for all of them",
			policy: "default: errno(EPERM)\ngroups: {\"@a\": [read, \"@b\"], \"@b\": [write, \"@c\", \"@c\"], \"@c\": [open, read, 3]}\nrules:\n- allow: [\"@a\"]\n  if: arg0 == 1\n- trap: [\"@c\"]",
			want: `x86_64 read 1 = allow
				x86_64 write 1 = allow
				x86_64 open 1 = allow
				x86_64 close 1 = allow
				x86_64 read 2 = trap
				x86_64 write 2 = errno(EPERM)
				x86_64 open 2 = trap
				x86_64 close 2 = trap
				x86_64 stat 1 = errno(EPERM)`,
		},
		{
			name: "groups that double with each level",
			policy: func() string {
				src := "default: errno(EPERM)\ngroups:\n"
				for i := range 40 {
					src += fmt.Sprintf("  \"@g%d\": [\"@g%d\", \"@g%d\"]\n", i, i+1, i+1)
				}
				return src + "  \"@g40\": [read]\nrules:\n- allow: [\"@g0\"]"
			}(),
			want: "x86_64 read = allow\nx86_64 write = errno(EPERM)",
		},
		{
			name:   "a group with a condition in a mapping",
			policy: "default: errno(EPERM)\ngroups: {\"@a\": [read, write]}\nrules:\n- allow:\n    \"@a\": arg0 == 1\n    write: arg0 == 2\n    open:",
			want: `x86_64 read 1 = allow
				x86_64 read 2 = errno(EPERM)
				x86_64 write 1 = allow
				x86_64 write 2 = allow
				x86_64 write 3 = errno(EPERM)
				x86_64 open 3 = allow`,
		},
		{
			name:   "a condition per call, none, and again one",
			policy: "default: errno(EPERM)\nrules:\n- allow:\n    read: arg0 == 1\n    write:\n    open: arg0 == 1\n    close: arg0 == 2\n    stat:\n    fstat: arg0 == 1",
			want: `x86_64 read 1 = allow
				x86_64 read 2 = errno(EPERM)
				x86_64 write 2 = allow
				x86_64 open 1 = allow
				x86_64 open 2 = errno(EPERM)
				x86_64 close 1 = errno(EPERM)
				x86_64 close 2 = allow
				x86_64 stat 9 = allow
				x86_64 fstat 1 = allow
				x86_64 fstat 9 = errno(EPERM)`,
		},
		{
			name: "a condition behind names that the ABI lacks", target: "aarch64",
			policy: "default: errno(EPERM)\nrules:\n- allow:\n    open:\n    read: arg0 == 1\n    fork: arg0 == 2\n    write: arg0 == 3\n    vfork:",
			want:   "aarch64 read 1 = allow\naarch64 read 2 = errno(EPERM)\naarch64 write 1 = errno(EPERM)\naarch64 write 3 = allow",
		},
		{
			name:   "the first match decides",
			policy: "default: errno(EPERM)\nrules:\n- allow: [read]\n  if: arg0 == 1\n- kill_process: [read]\n  if: arg0 <= 2\n- log: [read, write]\n- trap: [read, write, open]",
			want:   "x86_64 read 1 = allow\nx86_64 read 2 = kill_process\nx86_64 read 3 = log\nx86_64 write 1 = log\nx86_64 open = trap",
		},
		{
			name:   "default takes a call out of what follows",
			policy: "default: errno(EPERM)\ngroups: {\"@a\": [mknod, mknodat, read]}\nrules:\n- default: [mknod]\n- default: [mknodat]\n  if: arg2 == 1\n- allow: [\"@a\"]",
			want:   "x86_64 mknod = errno(EPERM)\nx86_64 mknodat 0 0 1 = errno(EPERM)\nx86_64 mknodat 0 0 2 = allow\nx86_64 read = allow",
		},
		{
			name: "rules for some ABIs", target: "x86_64+i386+x32",
			policy: "default: errno(EPERM)\nrules:\n- {allow: [read], abis: [x86_64]}\n- {trap: [read], abis: [x32, 386]}\n- {kill_process: [write], abis: [aarch64]}\n- log: [write]",
			want:   "x86_64 read = allow\ni386 read = trap\nx32 read = trap\nx86_64 write = log\ni386 write = log\nx32 write = log",
		},
	} {
		v.check(t)
	}
}

func TestHead(t *testing.T) {
	for _, v := range []vector{
		{name: "nothing said", policy: "default: errno(EPERM)",
			want: "x86_64 read = errno(EPERM)\nx86_64 999 = errno(ENOSYS)\nx32 read = kill_process\ni386 read = kill_process"},
		{name: "allow does not allow what is unknown", policy: "default: allow",
			want: "x86_64 read = allow\nx86_64 999 = errno(ENOSYS)\nx86_64 0xffffffff = errno(ENOSYS)\nx32 read = kill_process"},
		{name: "log follows", policy: "default: log", want: "x86_64 read = log\nx86_64 999 = log\nx86_64 0xffffffff = log\nx32 read = kill_process"},
		{name: "kill does not follow", policy: "default: kill_process", want: "x86_64 read = kill_process\nx86_64 999 = errno(ENOSYS)"},
		{name: "trace does not follow", policy: "default: trace", want: "x86_64 read = trace\nx86_64 999 = errno(ENOSYS)"},
		{name: "all said", policy: "default: log\nunknown: trap(3)\nforeign: errno(EACCES)",
			want: "x86_64 read = log\nx86_64 999 = trap(3)\nx32 read = errno(EACCES)\ns390x read = errno(EACCES)"},
		{name: "foreign's errno is the native ABI's", target: "mips64+mips", policy: "default: allow\nforeign: errno(ENOSYS)\nunknown: errno(ENOSYS)",
			want: "x86_64 read = errno(EDESTADDRREQ)\nmips64 99 = errno(ENOSYS)\nmips 99 = errno(ENOSYS)"},
		{name: "ENOSYS on parisc", target: "parisc", policy: "default: errno(ENOSYS)", want: "parisc read = errno(ENOSYS)\nparisc 9999 = errno(ENOSYS)\nx86_64 read = kill_process"},
		{name: "reviewed before openat2", policy: "default: errno(EPERM)\nreviewed: \"5.5\"",
			want: "x86_64 openat = errno(EPERM)\nx86_64 clone3 = errno(EPERM)\nx86_64 openat2 = errno(ENOSYS)"},
		{name: "reviewed with openat2", policy: "default: errno(EPERM)\nreviewed: \"5.6\"",
			want: "x86_64 openat2 = errno(EPERM)\nx86_64 faccessat2 = errno(ENOSYS)"},
		{name: "reviewed long ago", policy: "default: errno(EPERM)\nreviewed: \"2.0\"", want: "x86_64 read = errno(EPERM)\nx86_64 openat = errno(ENOSYS)"},
		{name: "reviewed in the future", policy: "default: errno(EPERM)\nreviewed: \"99.0\"", want: "x86_64 openat2 = errno(EPERM)\nx86_64 999 = errno(ENOSYS)"},
		{name: "newer calls that rules name", policy: "default: errno(EPERM)\nreviewed: \"5.5\"\nrules:\n- allow: [openat2]\n- allow: [faccessat2]\n  if: arg0 == 1\n- default: [close_range]",
			want: "x86_64 openat2 = allow\nx86_64 faccessat2 1 = allow\nx86_64 faccessat2 2 = errno(EPERM)\nx86_64 close_range = errno(EPERM)\nx86_64 epoll_pwait2 = errno(ENOSYS)"},
		{name: "newer calls that rules name on the other ABI", target: "x86_64+i386", policy: "default: errno(EPERM)\nreviewed: \"5.5\"\nrules:\n- {allow: [openat2], abis: [i386]}",
			want: "i386 openat2 = allow\nx86_64 openat2 = errno(ENOSYS)"},
	} {
		v.check(t)
	}
}

// x86_64 and x32 share an audit number; nobody has 0xffffffff.
func TestServed(t *testing.T) {
	const allowAll = "default: allow\nunknown: trap"
	for _, v := range []vector{
		{target: "x86_64", want: `x86_64 0 = allow
			x86_64 0x3fffffff = trap
			x86_64 0x40000000 = kill_process
			x86_64 0x7fffffff = kill_process
			x86_64 0x80000000 = trap
			x86_64 0xbfffffff = trap
			x86_64 0xc0000000 = kill_process
			x86_64 0xfffffffe = kill_process
			x86_64 0xffffffff = trap
			i386 3 = kill_process`},
		{target: "x86_64+x32", want: `x86_64 0 = allow
			x86_64 0x40000000 = allow
			x86_64 0x40000201 = allow
			x86_64 513 = trap
			x86_64 0x40001000 = trap
			x86_64 0x80000000 = trap
			x86_64 0xc0000000 = trap
			x86_64 0xfffffffe = trap
			x86_64 0xffffffff = trap
			i386 3 = kill_process`},
		{target: "x32", want: `x86_64 0 = kill_process
			x86_64 0x3fffffff = kill_process
			x86_64 0x40000000 = allow
			x86_64 0x80000000 = kill_process
			x86_64 0xfffffffe = trap
			x86_64 0xffffffff = trap`},
		{target: "x86_64+i386+x32", want: `x86_64 0 = allow
			x86_64 0x40000000 = allow
			x86_64 0xffffffff = trap
			i386 3 = allow
			i386 0x40000003 = trap
			i386 0xffffffff = trap
			arm 3 = kill_process`},
		{target: "i386+x32", want: "i386 3 = allow\nx86_64 0 = kill_process\nx86_64 0x40000000 = allow\nx86_64 0xffffffff = trap\ni386 0xffffffff = trap"},
	} {
		v.name, v.policy = v.target, allowAll
		v.check(t)
	}
}

func TestTargets(t *testing.T) {
	for words, want := range map[string]string{
		"x86_64":                            "x86_64",
		"amd64+386":                         "x86_64+i386",
		"SCMP_ARCH_X86_64 + SCMP_ARCH_X32":  "x86_64+x32",
		"x86_64,i386,x32":                   "x86_64,i386,x32",
		"aarch64+arm,s390x+s390,ppc64+ppc":  "aarch64+arm,s390x+s390,ppc64+ppc",
		"mips64le+mipsle+mipsel64n32,mips":  "mipsel64+mipsel+mipsel64n32,mips",
		"i386+x86_64":                       "i386+x86_64",
		"riscv64+riscv32,parisc64+parisc":   "riscv64+riscv32,parisc64+parisc",
		"ppc64le,ppc64,sh,sheb,csky,xtensa": "ppc64le,ppc64,sh,sheb,csky,xtensa",
	} {
		var list []policy.Word
		for w := range strings.SplitSeq(words, ",") {
			list = append(list, policy.Word{Text: w})
		}
		targets, diags := resolve.Targets(list)
		var names []string
		for _, abis := range targets {
			names = append(names, resolve.TargetName(abis))
		}
		if got := strings.Join(names, ","); got != want || diags != nil {
			t.Errorf("%s: got %s, %v", words, got, diags)
		}
	}
	if targets, diags := resolve.Targets(nil); targets != nil || diags != nil {
		t.Errorf("no words: %v, %v", targets, diags)
	}
}

func TestKernel(t *testing.T) {
	const rule = "default: errno(EPERM)\nrules:\n- ACTION: [read]\n  kernel: \">=5.10\"\n- log: [read]"
	for _, v := range []struct{ action, kernel, want, demands string }{
		{"allow", "", "allow", "5.10"},
		{"allow", "5.10", "allow", "5.10"},
		{"allow", "6.0", "allow", "5.10"},
		{"allow", "5.9.99", "log", ""},
		{"kill_process", "5.9", "kill_process", ""},
		{"trace", "5.9", "trace", ""},
		{"default", "5.9", "errno(EPERM)", ""},
		{"default", "", "errno(EPERM)", "5.10"},
	} {
		parse := func(s string) (v arch.Version) {
			if s != "" {
				v, _ = arch.ParseVersion(s)
			}
			return v
		}
		got := vector{name: v.action + " on " + v.kernel, policy: strings.Replace(rule, "ACTION", v.action, 1),
			options: resolve.Options{Kernel: parse(v.kernel)}, want: "x86_64 read = " + v.want}.check(t).Kernel
		if got != parse(v.demands) {
			t.Errorf("%s on %s: demands %s, want %s", v.action, v.kernel, got, v.demands)
		}
	}
	// A default that lets calls through is no reason to keep a rule that would.
	vector{name: "default: allow", policy: "default: allow\nrules:\n- {default: [read], kernel: \">=5.10\"}\n- trap: [read]",
		options: resolve.Options{Kernel: arch.Version{Major: 5}}, want: "x86_64 read = trap"}.check(t)
}

// TestNumbers: each rule has its numbers in ascending order, once each, whatever the order of the group's members.
func TestNumbers(t *testing.T) {
	v := vector{policy: "default: allow\ngroups:\n  \"@a\": [close, read, write, read]\nrules:\n- errno(EPERM): [\"@a\", open]\n- trap: [\"@a\"]\n"}
	var got [][]uint32
	for _, r := range v.resolve(t).Filters[0].Rules {
		got = append(got, r.Numbers)
	}
	if want := [][]uint32{{0, 1, 3}, {2}, {0, 1, 3}}; !reflect.DeepEqual(got, want) {
		t.Errorf("numbers %d, want %d", got, want)
	}
}
