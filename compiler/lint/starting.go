package lint

import "slices"

// What keeps a command from starting under seccomp-load.
var starting = []Check{
	{
		Code: "exec-denied", Urgent: true, Title: "seccomp-load can start no command, for execve is not always allowed",
		Explanation: `With install: exec, which is the default, seccomp-load installs the policy and then executes the command. So the policy
must let that execve pass, whatever its arguments and on every ABI of the target. seccomp-load asks the blob
before it installs anything, and refuses one that doesn't.

Allow execve without a condition. If the program is to install the policy itself, once it runs, say install: self.`,
		run: (*linter).execDenied,
	},
	{
		Code: "startup-missing", Title: "no program can start, for the policy lacks what all of them call first",
		Explanation: `The filter is on when seccomp-load executes the command, so what a program calls before main counts: its C library sets the
thread pointer (arch_prctl, set_thread_area or set_tls, where that is a call), gets memory, and ends by exit_group; Go's runtime
handles signals, makes threads and has them wait for each other. Where one of these calls is denied, a program dies before main, or
can't end. Here that goes for C and for Go.

Allow the start-up set for the kind of program: @startup-static, @startup-glibc, @startup-musl or @startup-go. The check knows
the least that any program needs; the sets hold what most make.`,
		run: (*linter).startupMissing,
	},
}

func (l *linter) execDenied(c Check) {
	t := tally{linter: l}
	for _, f := range l.filters {
		for _, d := range l.all(f, "execve") {
			if !d.passes() && l.loaded() {
				t.add(d, "execve", f)
			}
		}
	}
	for _, p := range t.places {
		l.found(c, p.pos, "allow execve without a condition, or say install: self", "execve is not always allowed%s: seccomp-load will start no command under this policy", t.on(p))
	}
}

// A need is what programs of a kind can't start or end without: one of the calls, of those that the ABI has. Where
// killed is set they get along with an error, and not with their end.
type need struct {
	calls  []string
	killed bool
}

// threadPointer is the call that sets it, on ABIs where it isn't a register that programs can write.
var threadPointer = map[string]string{
	"x86_64": "arch_prctl", "x32": "arch_prctl", "i386": "set_thread_area", "arm": "set_tls",
	"mips": "set_thread_area", "mipsel": "set_thread_area", "mips64": "set_thread_area", "mipsel64": "set_thread_area",
	"mips64n32": "set_thread_area", "mipsel64n32": "set_thread_area", "m68k": "set_thread_area", "csky": "set_thread_area",
}

func (l *linter) startupMissing(c Check) {
	t := tally{linter: l}
	for _, f := range l.filters {
		if _, starts := l.open(f, "execve"); !starts || !l.loaded() {
			continue // exec-denied says so
		}
		pointer := need{calls: []string{threadPointer[f.ABI.Name]}}
		inC := []need{pointer, {[]string{"set_tid_address"}, true}, {calls: []string{"brk", "mmap", "mmap2"}}, {calls: []string{"exit_group", "exit"}}}
		inGo := []need{{calls: []string{"mmap", "mmap2"}}, {calls: []string{"rt_sigaction"}}, {calls: []string{"rt_sigprocmask"}},
			{calls: []string{"clone"}}, {calls: []string{"futex", "futex_time64"}}, {calls: []string{"exit_group"}}}
		if f.native.Family == "x86" {
			inGo = append(inGo, pointer) // elsewhere Go takes a register of its own
		}
		if calls, by := l.lacking(f, inC); len(calls) > 0 && l.lacks(f, inGo) {
			for _, call := range calls {
				t.add(by, call, f)
			}
		}
	}
	for _, p := range t.places {
		l.found(c, p.pos, "allow a start-up set: @startup-static, @startup-glibc, @startup-musl or @startup-go",
			"no program can start%s: %s denied", t.on(p), p.calls)
	}
}

// lacking returns the calls that are denied to what needs them, and what denies the first.
func (l *linter) lacking(f *filter, needs []need) (missing names, by decision) {
	for _, n := range needs {
		var denied []decision
		var name string
		for _, call := range n.calls {
			list := l.all(f, call)
			if slices.ContainsFunc(list, func(d decision) bool { return !d.denies() || n.killed && !d.kills() }) {
				denied = nil
				break
			}
			if len(denied) == 0 && len(list) > 0 {
				denied, name = list, call
			}
		}
		if len(denied) > 0 {
			if missing.add(name); len(missing) == 1 {
				by = denied[0]
			}
		}
	}
	return missing, by
}

func (l *linter) lacks(f *filter, needs []need) bool {
	missing, _ := l.lacking(f, needs)
	return len(missing) > 0
}
