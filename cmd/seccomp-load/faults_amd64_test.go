//go:build linux

package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A key tells the loader's calls apart.
func (c sysCall) key() string {
	switch c.nr {
	case unix.SYS_PRCTL:
		return fmt.Sprintf("prctl(%d, program %t)", c.args[0], c.args[2] != 0)
	case unix.SYS_SECCOMP:
		return fmt.Sprintf("seccomp(%d)", c.args[0])
	case unix.SYS_EXECVE:
		return fmt.Sprintf("execve(%s)", filepath.Base(c.path))
	}
	return fmt.Sprintf("call %d", c.nr)
}

// The kinds of calls that the loader makes; the rest are the runtime's.
var loaders = map[uint64]bool{unix.SYS_OPENAT: true, unix.SYS_FSTAT: true, unix.SYS_STATX: true, unix.SYS_READ: true, unix.SYS_CLOSE: true,
	unix.SYS_GETEUID: true, unix.SYS_PRCTL: true, unix.SYS_SECCOMP: true, unix.SYS_UNAME: true, unix.SYS_NEWFSTATAT: true, unix.SYS_FACCESSAT: true,
	unix.SYS_RT_SIGACTION: true, unix.SYS_RT_SIGPROCMASK: true, unix.SYS_PRLIMIT64: true, unix.SYS_EXECVE: true, unix.SYS_ARCH_PRCTL: true}

var errnos = []unix.Errno{unix.ENOSYS, unix.EPERM, unix.EACCES, unix.EINVAL, unix.ENOMEM, unix.EFAULT, unix.EINTR, unix.EIO}

// What fails here costs nothing that is promised: the filter is on and the command has it. Without statx, as before Linux 4.11,
// the runtime's path does the job.
var harmless = map[string]bool{fmt.Sprintf("call %d", unix.SYS_CLOSE): true, fmt.Sprintf("call %d", unix.SYS_GETEUID): true,
	fmt.Sprintf("call %d", unix.SYS_PRLIMIT64): true, fmt.Sprintf("call %d", unix.SYS_STATX): true, "execve(.)": true}

// The probe of a kernel with filters, which has to fail with EFAULT.
const probe = "prctl(22, program false)"

// TestFaults makes each system call of the loader fail, once and for good, in every way, by both entries. The command
// never starts without its filter.
func TestFaults(t *testing.T) {
	file := compile(t, "marks", marks(41))
	for _, entry := range entries {
		args := []string{bin + "/" + entry + "/seccomp-load", file, "--", bin + "/direct/witness"}
		// The loader's own calls: all by the direct entry, those from the blob's openat on by the runtime's.
		own := false
		mine := func(c sysCall) bool {
			own = own || entry == "direct" || c.nr == unix.SYS_OPENAT && c.path == file
			return own && loaders[c.nr] && !(c.nr == unix.SYS_RT_SIGPROCMASK && c.args[0] != 0)
		}
		var keys []string
		seen := map[string]bool{}
		tr := trace(t, func(c sysCall) *answer {
			if mine(c) && !seen[c.key()] {
				seen[c.key()] = true
				keys = append(keys, c.key())
			}
			return nil
		}, args...)
		if !tr.executed || tr.status.ExitStatus() != 41 {
			t.Fatalf("%s: without a fault: executed %t, status %#x: %s", entry, tr.executed, tr.status, tr.stderr)
		}
		cases, started := 0, 0
		for _, key := range keys {
			for _, once := range []bool{false, true} {
				var answers []answer
				for _, errno := range errnos {
					answers = append(answers, answer{errno: errno})
				}
				if key == fmt.Sprintf("call %d", unix.SYS_READ) {
					answers = append(answers, answer{short: true})
				}
				for _, a := range answers {
					own = false
					injected := 0
					tr := trace(t, func(c sysCall) *answer {
						if !mine(c) || c.key() != key || once && injected > 0 {
							return nil
						}
						injected++
						return &a
					}, args...)
					what := fmt.Sprintf("%s: %s: %v, once %t", entry, key, a, once)
					runtimeRan := strings.Contains(fmt.Sprint(tr.keys()), fmt.Sprintf("call %d ", unix.SYS_SCHED_GETAFFINITY))
					code := tr.status.ExitStatus()
					cases++
					last := key == "execve(witness)" // the filter is on
					switch {
					case injected == 0:
						t.Errorf("%s: not met", what)
					case key == fmt.Sprintf("call %d", unix.SYS_ARCH_PRCTL) && !once: // nor does the runtime start then
						if tr.executed || !tr.status.Signaled() {
							t.Errorf("%s: executed %t, status %#x", what, tr.executed, tr.status)
						}
					case entry == "direct" && a.short && tr.executed && code == 41: // enough was there, and checked
						started++
					case entry == "direct" && runtimeRan == last:
						t.Errorf("%s: the runtime's path ran: %t", what, runtimeRan)
					case harmless[key] || key == probe && a.errno == unix.EFAULT || entry == "direct" && once && !last:
						if !tr.executed || code != 41 {
							t.Errorf("%s: executed %t, exit code %d, want the command under its filter: %s", what, tr.executed, code, tr.stderr)
						}
						started++
					case tr.executed || code < 125 || code > 127 || code != 125 && !strings.Contains(key, "execve") && !strings.Contains(tr.stderr, "can't be executed"):
						t.Errorf("%s: executed %t, exit code %d: %s", what, tr.executed, code, tr.stderr)
					}
				}
			}
		}
		t.Logf("%s: %d kinds of calls %q, %d cases, the command started under its filter in %d", entry, len(keys), keys, cases, started)
		if cases < 120 {
			t.Errorf("%s: %d cases", entry, cases)
		}
	}
}

func (tr *traced) keys() (keys []string) {
	for _, c := range tr.calls {
		keys = append(keys, c.key())
	}
	return keys
}
