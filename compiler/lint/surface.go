package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seccompc/seccompc/arch"
)

// Calls that should rarely pass. Where a policy denies what it knows and allows the rest, one finding lists what is left.
var surface = []Check{
	{
		Code: "attack-surface", Title: "calls that open much of the kernel and that few programs make",
		Explanation: `Whoever takes over the program attacks the kernel next, by the calls that the policy leaves. These have been the way in
again and again, and few programs make them.

` + attack.explain() + `
Deny them. Programs that need one, such as a profiler or an emulator, accept the finding.`,
		run: func(l *linter, c Check) { l.risky(c, attack, "open much of the kernel") },
	},
	{
		Code: "capability-refused", Title: "an allowed call that the kernel refuses to a program without the capability",
		Explanation: `The policy says which capabilities the program has, and a rule allows a call that needs another one whatever its
arguments. No user namespace gives it back. So the rule allows what can't happen, until the program is started with more rights
than the policy says: then it can.

Take the call out, or make the rule one for programs with the capability: caps: [CAP_SYS_TIME].`,
		run: (*linter).capabilityRefused,
	},
	{
		Code: "machine-control", Title: "calls that act on the whole machine, or on what the program is to be kept from",
		Explanation: `These calls change the kernel, the hardware, the clock or what is mounted where. Most need a capability, which is what the
filter should not rely on: it is the second wall. Calls that the kernel refuses to a program with the policy's capabilities
are not reported.

` + machine.explain() + `
Deny them. An administrator's program accepts the finding.`,
		run: func(l *linter, c Check) { l.risky(c, machine, "control the machine") },
	},
	{
		Code: "process-access", Title: "calls that reach into other processes",
		Explanation: `A filter limits one program. By these calls it has others do the work: all that the same user runs, within the limits
of Yama, user namespaces and dumpability, and none of them is under this filter.

` + access.explain() + `
Deny them. Debuggers, tracers and some sandboxes' helpers need them and accept the finding.`,
		run: func(l *linter, c Check) { l.risky(c, access, "reach into other processes") },
	},
}

// risks are calls by what is bad about them.
type risks []struct{ calls, why string }

var attack = risks{
	{"add_key keyctl request_key", "keyrings are not separated between containers, and their counters overflowed (CVE-2016-0728)"},
	{"bpf", "loads programs into the kernel past a verifier that was outwitted often (CVE-2017-16995, CVE-2020-8835, CVE-2021-3490)"},
	{"modify_ldt vm86 vm86old", "16-bit modes of x86: rarely trodden code on the way into the kernel and out of it"},
	{"perf_event_open", "shows what other programs and the kernel do, and has given root (CVE-2013-2094)"},
	{"userfaultfd", "stops the kernel in the middle of a copy for as long as the program likes, by which races in it are won"},
}

var machine = risks{
	{"acct swapoff swapon quotactl quotactl_fd", "accounting, swap and quotas, for all"},
	{"clock_settime clock_settime64 settimeofday stime", "the clock, by which certificates and logs are judged"},
	{"delete_module finit_module init_module", "code for the kernel"},
	{"fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree_attr pivot_root umount umount2", "what is mounted, which is what many a sandbox is made of"},
	{"ioperm iopl pciconfig_iobase pciconfig_read pciconfig_write rtas", "the hardware itself"},
	{"kexec_file_load kexec_load reboot", "another kernel, or none"},
	{"open_by_handle_at", "files by number, past directories and mounts: the classic way out of a container"},
	{"syslog", "the kernel's log, which holds addresses"},
}

var access = risks{
	{"kcmp", "tells which objects of the kernel they share, and their order"},
	{"pidfd_getfd", "takes their open files"},
	{"process_vm_readv process_vm_writev", "reads and writes their memory"},
	{"ptrace", "takes them over"},
}

func (r risks) explain() string {
	var b strings.Builder
	for _, risk := range r {
		fmt.Fprintf(&b, "  %s: %s\n", strings.ReplaceAll(risk.calls, " ", ", "), risk.why)
	}
	return b.String()
}

// risky reports the calls that pass, at the place that lets them.
func (l *linter) risky(c Check, list risks, do string) {
	t := tally{linter: l}
	for _, f := range l.filters {
		for _, r := range list {
			for _, call := range strings.Fields(r.calls) {
				for _, d := range l.all(f, call) {
					if d.passes() && l.refused(f, call) == "" {
						t.add(d, call, f)
					}
				}
			}
		}
	}
	for _, p := range t.places {
		l.found(c, p.pos, "deny it, or accept "+c.Code+" with the reason; seccompc check --explain "+c.Code+" says what each can do",
			"calls that %s pass%s: %s", do, t.on(p), p.calls)
	}
}

// refused returns the capability for want of which the kernel refuses every use of a call, "" where there is none or the
// policy says nothing of the program's.
func (l *linter) refused(f *filter, call string) string {
	nr, ok := f.ABI.Number(call)
	if !ok || l.policy.Capabilities == nil {
		return ""
	}
	call, _ = f.ABI.SyscallName(nr)
	p, ok := arch.Privileged(call)
	if !ok || p.Regranted || slices.Contains(l.caps, p.Capability) {
		return ""
	}
	return p.Capability
}

func (l *linter) capabilityRefused(c Check) {
	t := tally{linter: l}
	for _, f := range l.filters {
		for _, s := range f.ABI.Syscalls() {
			if l.refused(f, s.Name) == "" {
				continue
			}
			for _, d := range l.all(f, s.Name) {
				if d.rule != nil && d.passes() {
					t.add(d, fmt.Sprintf("%s (%s)", s.Name, l.refused(f, s.Name)), f)
				}
			}
		}
	}
	for _, p := range t.places {
		l.found(c, p.pos, "take it out, or give the rule caps:", "the kernel refuses it to this program%s: %s", t.on(p), p.calls)
	}
}
