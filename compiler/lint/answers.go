package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// Answers that programs don't expect, or never get.
var answers = []Check{
	{
		Code: "probe-eperm", Title: "a newer call is denied in another way than by ENOSYS, so programs don't fall back on the older one",
		Explanation: `C libraries and runtimes try the newer of two calls first. ENOSYS says that the kernel is too old for it, and they make the
older one, which this policy lets pass. Any other error they report as that of the operation, and a killing action ends them. A
default of errno(EPERM) does that to every newer call that the policy forgets, and has often broken programs that
worked before an update of their libraries.

Allow the newer call beside the older one. Where it is denied on purpose, for a filter can't see what it does, answer
errno(ENOSYS).

` + explainProbes(),
		run: (*linter).probeEperm,
	},
	{
		Code: "uprobe-ignored", Title: "a rule about a call that the kernel asks no filter about",
		Explanation: `The kernel's own probes make uretprobe and uprobe, from code that they put into the program. Linux lets them pass every filter on
x86_64, the former since 6.14 and in updates of older releases, and refuses them to all other code. A rule about them
decides nothing.

Take it out. To keep programs from being probed, deny others bpf and perf_event_open.`,
		run: (*linter).uprobeIgnored,
	},
	{
		Code: "vdso-call", Title: "a rule about a call that programs hardly make, for the vDSO answers it",
		Explanation: `The kernel maps a small library into each program, the vDSO, which tells the time, the processor and on newer kernels random
numbers without a system call. Filters see only calls, so the rule stops no program that takes this way, and that is nearly every
one. A call is made for what the vDSO can't tell: clocks of processes, or time on a machine without a steady counter. So the rule
may well strike some day, on another machine.

Take it out. What a program can know by the vDSO no filter keeps from it.`,
		run: (*linter).vdsoCall,
	},
}

// A probe is a newer call, who makes it first, and the older calls that they make after ENOSYS and after no other error.
type probe struct{ call, who, older string }

const (
	time64 = "C libraries on 32-bit ABIs"
	gnulib = "GNU programs by gnulib, such as "
)

// probes is from the sources of glibc 2.42, musl after 1.2.5, Go 1.26 and gnulib, and from the issues named.
var probes = []probe{
	{"clock_adjtime64", time64, "clock_adjtime"},
	{"clock_getres_time64", time64, "clock_getres"},
	{"clock_gettime64", time64, "clock_gettime"},
	{"clock_settime64", time64, "clock_settime"},
	{"clone3", "glibc, for threads and processes (moby issue 42680)", "clone"},
	{"close_range", "GLib, when it starts a program (moby issue 43595)", "fork vfork"},
	{"copy_file_range", "the JDK, when it copies a file (JDK-8337966)", "sendfile sendfile64"},
	{"faccessat2", "C libraries (moby issue 41704)", "faccessat"},
	{"fchmodat2", "C libraries, for tar among others (systemd issue 30250)", "fchmodat"},
	{"getrandom", "glibc's arc4random and Go's crypto/rand, which else end the program", "open openat"},
	{"openat2", gnulib + "tar", "openat"},
	{"preadv2", "glibc", "preadv"},
	{"pwritev2", "glibc, and musl for every pwrite", "pwrite64 pwritev"},
	{"recvmmsg_time64", time64, "recvmmsg"},
	{"renameat2", gnulib + "mv", "rename renameat"},
	{"sched_rr_get_interval_time64", time64, "sched_rr_get_interval"},
	{"statx", "C libraries (moby pull request 36417)", "stat stat64 fstatat64 newfstatat"},
	{"timer_gettime64", time64, "timer_gettime"},
	{"timer_settime64", time64, "timer_settime"},
	{"timerfd_gettime64", time64, "timerfd_gettime"},
	{"utimensat_time64", "glibc up to 2.33 on 32-bit ABIs (libseccomp issue 228)", "utimensat"},
}

func (l *linter) probeEperm(c Check) {
	t := tally{linter: l}
	for _, f := range l.filters {
		enosys, _ := f.ABI.Errno("ENOSYS")
		for _, p := range probes {
			_, passes := l.open(f, p.call)
			isOpen := func(name string) bool { _, ok := l.open(f, name); return ok }
			if passes || !slices.ContainsFunc(strings.Fields(p.older), isOpen) {
				continue
			}
			for _, d := range l.all(f, p.call) {
				if d.denies() && d.action != resolve.Errno|resolve.Action(enosys) {
					t.add(d, p.call, f)
				}
			}
		}
	}
	for _, p := range t.places {
		l.found(c, p.pos, "allow it beside the older call, or add a rule before: errno(ENOSYS): ["+p.calls.String()+"]",
			"the answer is %s%s, and programs fall back on ENOSYS only: %s", p.action, t.on(p), p.calls)
	}
}

func (l *linter) uprobeIgnored(c Check) {
	t := tally{linter: l}
	for _, f := range l.filters {
		for _, call := range []string{"uretprobe", "uprobe"} {
			for _, d := range l.all(f, call) {
				if d.rule != nil && d.action.Kind() != resolve.Allow && f.ABI.Name == "x86_64" {
					t.add(d, call, f)
				}
			}
		}
	}
	for _, p := range t.places {
		l.found(c, p.pos, "take it out", "the kernel asks no filter on x86_64: %s", p.calls)
	}
}

// vdso has the calls that the vDSO answers, and the ABIs on which glibc 2.42 asks it.
var vdso = []struct{ call, abis string }{
	{"clock_getres", "x86_64 x32 i386 aarch64 riscv64 loongarch64 s390x s390 ppc64le ppc64 ppc mips mipsel mips64 mipsel64 mips64n32 mipsel64n32"},
	{"clock_gettime", "x86_64 x32 i386 aarch64 arm riscv64 loongarch64 s390x s390 ppc64le ppc64 ppc mips mipsel mips64 mipsel64 mips64n32 mipsel64n32 parisc64"},
	{"clock_gettime64", "i386 arm mips mipsel mips64n32 mipsel64n32 parisc"},
	{"getcpu", "x86_64 x32 riscv64 riscv32 loongarch64 s390x s390 ppc64le ppc64 ppc"},
	{"getrandom", "x86_64 aarch64 riscv64 loongarch64 s390x ppc64le ppc64 ppc"}, // Linux 6.11 to 6.16
	{"gettimeofday", "x86_64 x32 i386 aarch64 arm riscv64 loongarch64 s390x s390 ppc64le ppc64 ppc mips mipsel mips64 mipsel64 mips64n32 mipsel64n32"},
	{"riscv_hwprobe", "riscv64 riscv32"},
	{"time", "x86_64 x32 i386 ppc64le ppc64 ppc"},
}

func (l *linter) vdsoCall(c Check) {
	t := tally{linter: l}
	for _, f := range l.filters {
		for _, v := range vdso {
			if !slices.Contains(strings.Fields(v.abis), f.ABI.Name) {
				continue
			}
			for _, d := range l.all(f, v.call) {
				if d.rule != nil && d.action.Kind() != resolve.Allow {
					t.add(d, v.call, f)
				}
			}
		}
	}
	for _, p := range t.places {
		l.found(c, p.pos, "take it out", "programs hardly make the call%s, for the vDSO answers: %s", t.on(p), p.calls)
	}
}

func explainProbes() string {
	var b strings.Builder
	for _, p := range probes {
		fmt.Fprintf(&b, "  %s: %s\n", p.call, p.who)
	}
	return b.String()
}
