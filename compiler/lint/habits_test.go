package lint

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// run returns what the linter finds in a policy, for a program with the capabilities that it says and these.
func run(t *testing.T, text string, caps ...string) policy.Diagnostics {
	t.Helper()
	p, diags := policy.Parse("policy.yaml", []byte(text), os.ReadFile)
	if p == nil {
		t.Fatalf("%v\n%s", diags, text)
	}
	return runPolicy(t, p, caps...)
}

func runPolicy(t *testing.T, p *policy.Policy, caps ...string) policy.Diagnostics {
	t.Helper()
	for _, w := range p.Capabilities {
		caps = append(caps, w.Text)
	}
	list, diags := resolve.Targets(p.Targets)
	var targets []*resolve.Target
	for _, abis := range list {
		target, more := resolve.Resolve(p, abis, resolve.Options{Caps: caps})
		diags = append(diags, more...)
		targets = append(targets, target)
	}
	if len(diags) > 0 || len(targets) == 0 {
		t.Fatal(diags)
	}
	return Run(p, targets, caps, func(Check) bool { return true })
}

// of shows the findings of one code, with the hint where it is asked for.
func of(code string, diags policy.Diagnostics, hints bool) (list []string) {
	for _, d := range diags.Sorted() {
		if d.Code == code {
			s := fmt.Sprintf("%d:%d: %s", d.Pos.Line, d.Pos.Col, d.Msg)
			if hints {
				s += " | " + d.Hint
			}
			list = append(list, s)
		}
	}
	return list
}

// What the policies of the table begin with; their first own line is the fourth.
const (
	x86   = "seccompc: 1\nreviewed: \"7.0\"\ntargets: [x86_64]\n"
	mixed = "seccompc: 1\nreviewed: \"7.0\"\ntargets: [x86_64+i386, aarch64]\n"
)

var habitVectors = []struct {
	name, code, text string
	want             []string // a hint behind " | " in the first asks for all
}{
	{"execve in no rule", "exec-denied", x86 + "default: errno(EPERM)\nrules:\n- allow: [read]\n",
		[]string{"4:10: execve is not always allowed: seccomp-load will start no command under this policy | allow execve without a condition, or say install: self"}},
	{"execve under a condition", "exec-denied", x86 + "default: kill_process\nrules:\n- allow: {execve: arg2 != 0}\n",
		[]string{"4:10: execve is not always allowed: seccomp-load will start no command under this policy"}},
	{"execve denied by a rule, on one ABI", "exec-denied", mixed + "default: allow\nrules:\n- errno(EPERM): [execve]\n  abis: [i386]\n",
		[]string{"6:18: execve is not always allowed on i386: seccomp-load will start no command under this policy"}},
	{"execve traced", "exec-denied", x86 + "default: allow\nrules:\n- trace: [\"@default\"]\n",
		[]string{"6:11: execve is not always allowed: seccomp-load will start no command under this policy"}},
	{"execve logged", "exec-denied", x86 + "default: errno(EPERM)\nrules:\n- log: [execve]\n", nil},
	{"execve under a condition, and then allowed", "exec-denied", x86 + "default: errno(EPERM)\nrules:\n- log: {execve: arg2 != 0}\n- allow: [execve]\n", nil},
	{"execve denied by the process itself", "exec-denied", x86 + "default: errno(EPERM)\ninstall: self\n", nil},

	{"start-up calls in no rule", "startup-missing", mixed + "default: errno(EPERM)\nrules:\n- allow: [execve, read, write]\n",
		[]string{"4:10: no program can start: arch_prctl, brk, exit_group, set_thread_area denied | allow a start-up set: @startup-static, @startup-glibc, @startup-musl or @startup-go"}},
	{"no thread pointer", "startup-missing", mixed + "default: errno(EPERM)\nrules:\n- allow: [execve, exit_group, brk]\n",
		[]string{"4:10: no program can start on x86_64, i386: arch_prctl, set_thread_area denied"}},
	{"no memory", "startup-missing", x86 + "default: errno(EPERM)\nrules:\n- allow: [execve, exit_group, arch_prctl]\n",
		[]string{"4:10: no program can start: brk denied"}},
	{"no end", "startup-missing", x86 + "default: errno(EPERM)\nrules:\n- default: [exit_group, exit]\n- allow: [\"@startup-glibc\", \"@startup-go\"]\n",
		[]string{"6:13: no program can start: exit_group denied"}},
	{"an end by exit", "startup-missing", x86 + "default: errno(EPERM)\nrules:\n- default: [exit_group]\n- allow: [\"@startup-glibc\", \"@startup-go\"]\n", nil},
	{"killed for set_tid_address", "startup-missing", x86 + "default: kill_process\nrules:\n- allow: [execve, exit_group, arch_prctl, brk]\n",
		[]string{"4:10: no program can start: set_tid_address denied"}},
	{"an error for set_tid_address", "startup-missing", x86 + "default: errno(EPERM)\nrules:\n- allow: [execve, exit_group, arch_prctl, brk]\n", nil},
	{"memory by mmap", "startup-missing", x86 + "default: errno(EPERM)\nrules:\n- allow: [execve, exit_group, arch_prctl]\n- allow: {mmap: arg4 == 0xffffffff}\n", nil},
	{"only the calls of Go's runtime", "startup-missing", mixed + "default: kill_process\nrules:\n- allow: [\"@startup-go\"]\n", nil},
	{"where Go makes no call for the thread pointer", "startup-missing", "seccompc: 1\nreviewed: \"7.0\"\ntargets: [arm, mips64+mips]\ndefault: errno(EPERM)\nrules:\n- default: [set_tls, set_thread_area]\n- allow: [\"@startup-go\"]\n", nil},
	{"where no other program starts either", "startup-missing", "seccompc: 1\nreviewed: \"7.0\"\ntargets: [arm, mips64+mips]\ndefault: errno(EPERM)\nrules:\n- default: [set_tls, set_thread_area]\n- allow: [\"@startup-musl\"]\n",
		[]string{"6:13: no program can start: set_thread_area, set_tls denied"}},
	{"not even those", "startup-missing", x86 + "default: kill_process\nrules:\n- kill_process: [clone]\n- allow: [\"@startup-go\"]\n",
		[]string{"4:10: no program can start: set_tid_address denied"}},
	{"the smallest set", "startup-missing", mixed + "default: kill_process\nrules:\n- allow: [\"@startup-static\"]\n", nil},
	{"no command starts", "startup-missing", x86 + "default: errno(EPERM)\nrules:\n- allow: [read]\n", nil},
	{"a process that runs already", "startup-missing", x86 + "default: errno(EPERM)\ninstall: self\nrules:\n- allow: [execve, read]\n", nil},

	{"newer calls left to the default", "probe-eperm", x86 + "default: errno(EPERM)\nrules:\n- allow: [clone, openat, getrandom, openat2]\n",
		[]string{"4:10: the answer is errno(EPERM), and programs fall back on ENOSYS only: clone3 | allow it beside the older call, or add a rule before: errno(ENOSYS): [clone3]"}},
	{"newer calls that kill", "probe-eperm", x86 + "default: kill_process\nrules:\n- allow: [newfstatat, faccessat]\n",
		[]string{"4:10: the answer is kill_process, and programs fall back on ENOSYS only: faccessat2, statx"}},
	{"denied by a rule", "probe-eperm", mixed + "default: allow\nrules:\n- errno(EACCES): [\"@obsolete\", clone3]\n- trap: [statx]\n",
		[]string{"6:32: the answer is errno(EACCES), and programs fall back on ENOSYS only: clone3", "7:10: the answer is trap, and programs fall back on ENOSYS only: statx"}},
	{"on one ABI", "probe-eperm", mixed + "default: allow\nrules:\n- errno(EPERM): [clock_gettime64]\n",
		[]string{"6:18: the answer is errno(EPERM) on i386, and programs fall back on ENOSYS only: clock_gettime64"}},
	{"another ABI's ENOSYS", "probe-eperm", "seccompc: 1\nreviewed: \"7.0\"\ntargets: [mips, arm]\ndefault: allow\nrules:\n- errno(38): [clone3]\n",
		[]string{"6:15: the answer is errno(EL2NSYNC) on mips, and programs fall back on ENOSYS only: clone3"}},
	{"unknown answers otherwise", "probe-eperm", "seccompc: 1\nreviewed: \"6.5\"\ntargets: [x86_64]\ndefault: allow\nunknown: errno(EPERM)\n",
		[]string{"5:10: the answer is errno(EPERM), and programs fall back on ENOSYS only: fchmodat2"}},
	{"ENOSYS", "probe-eperm", mixed + "default: allow\nrules:\n- errno(ENOSYS): [clone3, faccessat2, statx, getrandom]\n", nil},
	{"unknown says ENOSYS", "probe-eperm", "seccompc: 1\nreviewed: \"5.0\"\ntargets: [x86_64]\ndefault: errno(EPERM)\nrules:\n- allow: [clone, faccessat]\n", nil},
	{"the older is denied too", "probe-eperm", x86 + "default: errno(EPERM)\nrules:\n- allow: [read, write]\n", nil},
	{"the newer passes in part", "probe-eperm", x86 + "default: errno(EPERM)\nrules:\n- allow: [fchmodat, fchmodat2]\n  if: mode & S_ISUID == 0\n", nil},
	{"a supervisor answers", "probe-eperm", x86 + "default: allow\ninstall: self\nrules:\n- notify: [clone3]\n- trace: [statx]\n", nil},

	{"the vDSO's calls by name", "vdso-call", mixed + "default: allow\nrules:\n- errno(EPERM): [time, settimeofday, clock_gettime]\n- log: [getcpu]\n",
		[]string{"6:18: programs hardly make the call, for the vDSO answers: clock_gettime, time | take it out", "7:9: programs hardly make the call on x86_64, for the vDSO answers: getcpu | take it out"}},
	{"by a group", "vdso-call", x86 + "default: allow\nrules:\n- trap: [\"@default\"]\n",
		[]string{"6:10: programs hardly make the call, for the vDSO answers: clock_getres, clock_gettime, getrandom, gettimeofday, time"}},
	{"under a condition", "vdso-call", x86 + "default: allow\nrules:\n- errno(EINVAL): {clock_gettime: clockid == CLOCK_TAI}\n",
		[]string{"6:19: programs hardly make the call, for the vDSO answers: clock_gettime"}},
	{"left to the default", "vdso-call", x86 + "default: errno(EPERM)\nrules:\n- allow: [read]\n", nil},
	{"allowed", "vdso-call", x86 + "default: errno(EPERM)\nrules:\n- allow: [clock_gettime, time]\n", nil},
	{"where no vDSO has it", "vdso-call", "seccompc: 1\nreviewed: \"7.0\"\ntargets: [sh, m68k, aarch64]\ndefault: allow\nrules:\n- errno(EPERM): [time, clock_settime]\n- errno(EPERM): [clock_gettime]\n  abis: [sh, m68k]\n", nil},

	{"uretprobe denied", "uprobe-ignored", mixed + "default: allow\nrules:\n- kill_process: [bpf, uretprobe]\n- errno(EPERM): [uprobe]\n",
		[]string{"6:23: the kernel asks no filter on x86_64: uretprobe | take it out", "7:18: the kernel asks no filter on x86_64: uprobe | take it out"}},
	{"uretprobe by number", "uprobe-ignored", x86 + "default: allow\nrules:\n- trap: [335]\n", []string{"6:10: the kernel asks no filter on x86_64: uretprobe"}},
	{"x32's own", "uprobe-ignored", "seccompc: 1\nreviewed: \"7.0\"\ntargets: [x86_64+x32]\ndefault: allow\nrules:\n- trap: [uretprobe]\n  abis: [x32]\n", nil},
	{"uretprobe traced", "uprobe-ignored", x86 + "default: allow\nrules:\n- trace: [uretprobe]\n", []string{"6:11: the kernel asks no filter on x86_64: uretprobe"}},
	{"uretprobe allowed", "uprobe-ignored", x86 + "default: errno(EPERM)\nrules:\n- allow: [uretprobe]\n", nil},
	{"left to the default", "uprobe-ignored", x86 + "default: errno(EPERM)\n", nil},

	{"what a denylist leaves", "process-access", x86 + "default: allow\nrules:\n- errno(EPERM): [ptrace, kcmp]\n",
		[]string{"4:10: calls that reach into other processes pass: pidfd_getfd, process_vm_readv, process_vm_writev | " +
			"deny it, or accept process-access with the reason; seccompc check --explain process-access says what each can do"}},
	{"by a group and by name", "process-access", mixed + "default: errno(EPERM)\nrules:\n- allow: [read, ptrace, kcmp]\n- log: [\"@debug\"]\n",
		[]string{"6:17: calls that reach into other processes pass: kcmp, ptrace", "7:9: calls that reach into other processes pass: pidfd_getfd, process_vm_readv, process_vm_writev"}},
	{"for some arguments", "process-access", x86 + "default: errno(EPERM)\nrules:\n- allow: {ptrace: request == PTRACE_TRACEME}\n",
		[]string{"6:11: calls that reach into other processes pass: ptrace"}},
	{"denied before the group", "process-access", x86 + "default: errno(EPERM)\nrules:\n- errno(EPERM): [ptrace, kcmp, pidfd_getfd, process_vm_readv, process_vm_writev]\n- allow: [\"@debug\"]\n", nil},
	{"an ordinary service", "process-access", mixed + "default: errno(EPERM)\nrules:\n- allow: [\"@system-service\"]\n", nil},

	{"what a denylist leaves", "attack-surface", mixed + "default: allow\nrules:\n- errno(EPERM): [bpf, \"@keyring\", userfaultfd]\n",
		[]string{"4:10: calls that open much of the kernel pass: modify_ldt, perf_event_open, vm86, vm86old"}},
	{"on one ABI", "attack-surface", mixed + "default: errno(EPERM)\nrules:\n- allow: [bpf]\n  abis: [aarch64]\n",
		[]string{"6:11: calls that open much of the kernel pass on aarch64: bpf"}},
	{"newer than reviewed", "attack-surface", "seccompc: 1\nreviewed: \"2.4\"\ntargets: [aarch64]\ndefault: allow\n", nil},
	{"an ordinary service", "attack-surface", mixed + "default: errno(EPERM)\nrules:\n- allow: [\"@system-service\"]\n", nil},

	{"what a group lets through", "machine-control", x86 + "default: errno(EPERM)\nrules:\n- allow: [\"@reboot\", \"@swap\", \"@chown\"]\n",
		[]string{"6:11: calls that control the machine pass: kexec_file_load, kexec_load, reboot, swapoff, swapon"}},
	{"a program that may", "machine-control", x86 + "default: errno(EPERM)\ncapabilities: [CAP_SYS_TIME]\nrules:\n- allow: [settimeofday, acct]\n",
		[]string{"7:11: calls that control the machine pass: settimeofday"}},
	{"a capability that a user namespace gives back", "machine-control", x86 + "default: errno(EPERM)\ncapabilities: []\nrules:\n- allow: [mount, acct]\n",
		[]string{"7:11: calls that control the machine pass: mount"}},
	{"an ordinary service", "machine-control", mixed + "default: errno(EPERM)\nrules:\n- allow: [\"@system-service\"]\n", nil},

	{"without the capability", "capability-refused", x86 + "default: errno(EPERM)\ncapabilities: [CAP_SYS_BOOT]\nrules:\n- allow: [read, settimeofday, acct, kexec_load]\n",
		[]string{"7:17: the kernel refuses it to this program: acct (CAP_SYS_PACCT), settimeofday (CAP_SYS_TIME) | take it out, or give the rule caps:"}},
	{"on one ABI, under a condition", "capability-refused", mixed + "default: errno(EPERM)\ncapabilities: []\nrules:\n- allow: {stime: arg0 == 0}\n",
		[]string{"7:11: the kernel refuses it to this program on i386: stime (CAP_SYS_TIME)"}},
	{"given back by a user namespace", "capability-refused", x86 + "default: errno(EPERM)\ncapabilities: []\nrules:\n- allow: [mount, sethostname, chroot]\n", nil},
	{"needed for some arguments", "capability-refused", x86 + "default: errno(EPERM)\ncapabilities: []\nrules:\n- allow: [mknodat, clock_settime]\n", nil},
	{"nothing is said of capabilities", "capability-refused", x86 + "default: errno(EPERM)\nrules:\n- allow: [acct]\n", nil},
	{"left to the default", "capability-refused", x86 + "default: allow\ncapabilities: []\n", nil},
	{"denied", "capability-refused", x86 + "default: allow\ncapabilities: []\nrules:\n- errno(EPERM): [acct]\n", nil},

	{"everywhere", "kill-thread", x86 + "default: kill_thread\nunknown: kill_thread\nforeign: kill_thread\nrules:\n- allow: [read]\n- kill_thread: [ptrace, bpf]\n",
		[]string{`4:10: "kill_thread" ends one thread, and the others go on without it | write kill_process`, `5:10: "kill_thread" ends one thread, and the others go on without it | write kill_process`,
			`6:10: "kill_thread" ends one thread, and the others go on without it | write kill_process`, `9:3: "kill_thread" ends one thread, and the others go on without it | write kill_process`}},
	{"kill_process", "kill-thread", x86 + "default: kill_process\nrules:\n- kill_process: [ptrace]\n", nil},
	{"a rule that decides nothing", "kill-thread", x86 + "default: allow\nrules:\n- errno(EPERM): [ptrace]\n- kill_thread: [ptrace]\n- kill_thread: [bpf]\n  abis: [aarch64]\n", nil},

	{"everywhere", "errno-zero", x86 + "default: errno(0)\nrules:\n- allow: [read]\n- errno(0x0): [write]\n",
		[]string{"4:16: errno(0) tells the program that the call succeeded, and it did not happen | name the errno that the program should see",
			"7:9: errno(0) tells the program that the call succeeded, and it did not happen | name the errno that the program should see"}},
	{"other actions, and tests of it", "errno-zero", x86 + "default: trap(0)\nrules:\n- errno(1): [write]\n- errno(EPERM): [read]\n- trace(0): [close]\ntests:\n- {call: ptrace, want: errno(0)}\n", nil},
	{"a rule for other capabilities", "errno-zero", x86 + "default: allow\nrules:\n- errno(0): [reboot]\n  caps: [CAP_SYS_BOOT]\n", nil},

	{"under seccomp-load", "notify-unserved", x86 + "default: allow\nrules:\n- notify: [mount]\n",
		[]string{`6:3: "notify" asks nobody under seccomp-load: the call fails with ENOSYS | say errno(ENOSYS), or install: self where a supervisor installs the program`}},
	{"by the process itself", "notify-unserved", x86 + "default: allow\ninstall: self\nrules:\n- notify: [mount]\n", nil},
	{"trace", "notify-unserved", x86 + "default: allow\nrules:\n- trace: [mount]\n", nil},

	{"an old variant", "name-absent", x86 + "default: errno(EPERM)\nrules:\n- allow: [mmap2]\n", []string{`6:11: "mmap2" is a call of other ABIs only | x86_64 has "mmap"`}},
	{"nothing like it", "name-absent", x86 + "default: errno(EPERM)\nrules:\n- allow: [read, socketcall]\n",
		[]string{`6:17: "socketcall" is a call of other ABIs only | take it out, or add a target that has it`}},
	{"a variant for 64-bit times", "name-absent", "seccompc: 1\nreviewed: \"7.0\"\ntargets: [aarch64]\ndefault: errno(EPERM)\nrules:\n- allow: [futex_time64]\n", []string{`6:11: "futex_time64" is a call of other ABIs only | aarch64 has "futex"`}},
	{"several in a rule and in a group", "name-absent", mixed + "default: errno(EPERM)\ngroups:\n  \"@g\": [\"@aio\", set_tls, cacheflush]\nrules:\n- allow: [\"@g\", newfstatat, breakpoint, fstatat64]\n- allow: [rtas]\n",
		[]string{`6:18: "set_tls" is a call of other ABIs only, as are cacheflush | take them out, or add a target that has them`,
			`8:29: "breakpoint" is a call of other ABIs only | take it out, or add a target that has it`, `9:11: "rtas" is a call of other ABIs only | take it out, or add a target that has it`}},
	{"on the rule's ABIs", "name-absent", mixed + "default: errno(EPERM)\nrules:\n- allow: [socketcall, mmap2]\n  abis: [x86_64, aarch64]\n",
		[]string{`6:11: "socketcall" is a call of other ABIs only, as are mmap2`}},
	{"names of some of the ABIs", "name-absent", mixed + "default: errno(EPERM)\nrules:\n- allow: [mmap, mmap2, open, \"@startup-glibc\", fstat64]\n", nil},
	{"a rule for ABIs that no target serves", "name-absent", x86 + "default: errno(EPERM)\nrules:\n- allow: [set_tls]\n  abis: [arm]\n", nil},
	{"names in what is included", "name-absent", x86 + "default: errno(EPERM)\nrules:\n- include: testdata/fragment.yaml\n", nil},
	{"a number", "name-absent", x86 + "default: errno(EPERM)\nrules:\n- allow: [999]\n", nil},

	{"no key", "reviewed-missing", "seccompc: 1\ntargets: [x86_64]\ndefault: errno(EPERM)\n",
		[]string{"0:0: no key reviewed: a newer compiler may change what the policy decides | the newest kernel whose calls this compiler knows: reviewed: \"7.0\""}},
	{"a group that grows", "reviewed-missing", "seccompc: 1\ntargets: [x86_64]\ndefault: errno(EPERM)\nunknown: errno(EPERM)\nrules:\n- allow: [\"@default\"]\n",
		[]string{"0:0: no key reviewed: a newer compiler may change what the policy decides"}},
	{"a group that grows within one", "reviewed-missing", "seccompc: 1\ntargets: [x86_64]\ndefault: errno(EPERM)\nunknown: errno(EPERM)\ngroups:\n  \"@g\": [\"@aio\"]\nrules:\n- allow: [\"@g\"]\n",
		[]string{"0:0: no key reviewed: a newer compiler may change what the policy decides"}},
	{"reviewed", "reviewed-missing", x86 + "default: errno(EPERM)\nrules:\n- allow: [\"@default\"]\n", nil},
	{"known calls are decided like others", "reviewed-missing", "seccompc: 1\ntargets: [x86_64]\ndefault: kill_process\nunknown: kill_process\nrules:\n- allow: [read]\n", nil},
}

func TestHabits(t *testing.T) {
	fires, quiet := map[string]bool{}, map[string]bool{}
	for _, v := range habitVectors {
		t.Run(v.code+"/"+v.name, func(t *testing.T) {
			hints := len(v.want) > 0 && strings.Contains(v.want[0], " | ")
			if got := of(v.code, run(t, v.text), hints); !slices.Equal(got, v.want) {
				t.Errorf("got\n%s\nwant\n%s\nin\n%s", strings.Join(got, "\n"), strings.Join(v.want, "\n"), v.text)
			}
		})
		fires[v.code], quiet[v.code] = fires[v.code] || len(v.want) > 0, quiet[v.code] || len(v.want) == 0
	}
	for _, c := range habits {
		if !fires[c.Code] || !quiet[c.Code] {
			t.Errorf("%s: fires in a vector: %v, is quiet in one: %v", c.Code, fires[c.Code], quiet[c.Code])
		}
		if c.Error || c.Title == "" || len(c.Explanation) < 200 || strings.ContainsAny(c.Title, "\n.") {
			t.Errorf("%s: error %v, title %q, %d bytes of explanation", c.Code, c.Error, c.Title, len(c.Explanation))
		}
	}
}

// TestNotTheAuthors shows that names and a missing key are no findings where the author has no say.
func TestNotTheAuthors(t *testing.T) {
	text := []byte("seccompc: 1\ntargets: [x86_64]\ndefault: errno(EPERM)\ninstall: self\nrules:\n- allow: [mmap2]\n")
	for _, v := range []struct {
		name   string
		change func(*policy.Policy)
		want   []string
	}{
		{"the author's policy", func(*policy.Policy) {}, []string{"name-absent", "reviewed-missing"}},
		{"an imported profile", func(p *policy.Policy) { p.Imported = true }, nil},
		{"targets of the command line", func(p *policy.Policy) { p.Targets[0].Pos = policy.Pos{File: "--target"} }, []string{"reviewed-missing"}},
	} {
		p, _ := policy.Parse("policy.yaml", text, nil)
		v.change(p)
		var got []string
		for _, d := range runPolicy(t, p) {
			got = append(got, d.Code)
		}
		if !slices.Equal(got, v.want) {
			t.Errorf("%s: %q, want %q", v.name, got, v.want)
		}
	}
}

// Capabilities of the command line count as the policy's do.
func TestCapabilitiesGranted(t *testing.T) {
	text := x86 + "default: errno(EPERM)\ncapabilities: []\nrules:\n- allow: [settimeofday, acct]\n"
	got := of("capability-refused", run(t, text, "CAP_SYS_TIME"), false)
	if want := []string{"7:25: the kernel refuses it to this program: acct (CAP_SYS_PACCT)"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestAccepted shows that a finding is accepted by its code, and that a reason for none is found.
func TestAcceptedHabits(t *testing.T) {
	text := x86 + "default: errno(0)\ninstall: self\naccept:\n  errno-zero: the program is told nothing\n  kill-thread: it has one thread\n"
	if got := run(t, text); len(got) != 1 || got[0].Code != "accepted-nothing" || got[0].Pos.Line != 8 {
		t.Errorf("%v", got)
	}
}

// TestRisks holds the tables to names that exist, each in one of them.
func TestRisks(t *testing.T) {
	seen := map[string]bool{}
	for _, list := range []risks{attack, machine, access} {
		for _, r := range list {
			for _, call := range strings.Fields(r.calls) {
				if _, ok := slices.BinarySearch(arch.Names(), call); !ok || seen[call] {
					t.Errorf("%s: a call: %v, listed before: %v", call, ok, seen[call])
				}
				seen[call] = true
			}
		}
	}
}

// TestProbes tries each row on each ABI that has the newer call and an older one.
func TestProbes(t *testing.T) {
	for _, p := range probes {
		tried := 0
		for _, a := range arch.All() {
			older := slices.DeleteFunc(strings.Fields(p.older), func(name string) bool { _, ok := a.Number(name); return !ok })
			if _, ok := a.Number(p.call); !ok || len(older) == 0 {
				continue
			}
			tried++
			const head = "seccompc: 1\nreviewed: \"7.0\"\ntargets: [%s]\ndefault: errno(EPERM)\ninstall: self\nrules:\n- %s: [%s]\n"
			for _, name := range older {
				rest := "- allow: [" + name + "]\n"
				found := func(action string) bool {
					return slices.ContainsFunc(of("probe-eperm", run(t, fmt.Sprintf(head, a.Name, action, p.call)+rest), false), func(s string) bool {
						return slices.Contains(strings.Split(strings.SplitN(s, "only: ", 2)[1], ", "), p.call)
					})
				}
				if !found("errno(EPERM)") || !found("kill_thread") || found("errno(ENOSYS)") || found("allow") {
					t.Errorf("%s on %s beside %s: EPERM %v, kill %v, ENOSYS %v, allow %v", p.call, a.Name, name,
						found("errno(EPERM)"), found("kill_thread"), found("errno(ENOSYS)"), found("allow"))
				}
			}
		}
		if tried == 0 {
			t.Errorf("%s: no ABI has it and one of %s", p.call, p.older)
		}
	}
}

// TestVDSO tries each row on each ABI that has the call.
func TestVDSO(t *testing.T) {
	for _, v := range vdso {
		abis := strings.Fields(v.abis)
		for _, a := range arch.All() {
			listed := slices.Contains(abis, a.Name)
			if _, ok := a.Number(v.call); !ok {
				if listed {
					t.Errorf("%s has no %s", a.Name, v.call)
				}
				continue
			}
			text := fmt.Sprintf("seccompc: 1\nreviewed: \"7.0\"\ntargets: [%s]\ndefault: allow\nrules:\n- errno(EPERM): [%s]\n", a.Name, v.call)
			if got := of("vdso-call", run(t, text), false); listed != (len(got) == 1) {
				t.Errorf("%s on %s: %q", v.call, a.Name, got)
			}
			abis = slices.DeleteFunc(abis, func(name string) bool { return name == a.Name })
		}
		if len(abis) > 0 {
			t.Errorf("%s: no ABIs %q", v.call, abis)
		}
	}
}
