//go:build linux

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// What can't be undone runs in a process of its own: this test binary, told what to do.
const role = "SECCOMPC_TEST_ROLE"

var roles = map[string]func() error{
	// In a state that few processes are in, executes the command in its arguments.
	"strange": func() error {
		runtime.LockOSThread()
		oom := os.WriteFile("/proc/self/oom_score_adj", []byte("321"), 0)
		unix.Umask(0o027)
		file, err := unix.Open("/etc/passwd", unix.O_RDONLY, 0)
		if err = errors.Join(oom, err); err != nil {
			return err
		}
		path, argv, env := execArgs(os.Args[1:])
		if err := errors.Join(unix.Dup2(file, 17), unix.Close(file), unix.Close(0)); err != nil {
			return err
		}
		_ = syscall.Exec("", nil, nil) // puts the limit back that the runtime raised
		limit := unix.Rlimit{Cur: 1024, Max: 4000}
		mask := unix.Sigset_t{}
		mask.Val[0] = 1<<(unix.SIGUSR2-1) | 1<<(unix.SIGURG-1) | 1<<(unix.SIGSYS-1)
		if err := errors.Join(unix.Setrlimit(unix.RLIMIT_NOFILE, &limit), unix.PthreadSigmask(unix.SIG_SETMASK, &mask, nil)); err != nil {
			return err
		}
		for sig := uintptr(1); sig <= 64; sig++ {
			var action [8]uintptr
			switch syscall.Signal(sig) {
			case unix.SIGPIPE, unix.SIGHUP, unix.SIGUSR1, unix.SIGSEGV, unix.SIGURG, unix.SIGTSTP, 35, 64:
				action[0] = 1 // SIG_IGN
			}
			unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
		}
		_, _, errno := unix.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&env[0])))
		return errno
	},
}

func execArgs(args []string) (*byte, []*byte, []*byte) {
	path, err := exec.LookPath(args[0])
	if err != nil {
		panic(err)
	}
	p, err1 := unix.BytePtrFromString(path)
	argv, err2 := syscall.SlicePtrFromStrings(args)
	env, err3 := syscall.SlicePtrFromStrings([]string{"A=1", "PATH=" + os.Getenv("PATH"), "A=2", "NOTHING", "=x", "LC_ALL=C"})
	if err := errors.Join(err1, err2, err3); err != nil {
		panic(err)
	}
	return p, argv, env
}

// What differs between two processes, and what the loader is for.
var differs = regexp.MustCompile(`(?m)^((Pid|Tgid|NStgid|SigQ|NSpid|NSpgid|Vm\w+|Rss\w+|\w*voluntary_ctxt_switches|Mems_allowed|Cpus_allowed\w*|` +
	`NoNewPrivs|Seccomp|Seccomp_filters|Speculation\w+):.*\n)|/proc/[0-9]+/fd|pipe:.*`)

// TestSees compares what a command sees with what it sees without the loader: descriptors, mask, ignored signals, limits,
// environment, arguments and the rest.
func TestSees(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root lowers an out-of-memory score")
	}
	file := compile(t, "open", "default: allow\nunknown: allow")
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("/proc/self/exe", args...)
		// A SIGURG of the runtime's, which would ask a thread to yield, would stay pending across execve.
		cmd.Env = append(os.Environ(), role+"=strange", "GODEBUG=asyncpreemptoff=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v: %s", args, err, out)
		}
		return string(out)
	}
	for _, command := range [][]string{
		{"cat", "/proc/self/status", "/proc/self/limits", "/proc/self/environ", "/proc/self/cmdline", "/proc/self/oom_score_adj", "/proc/self/timerslack_ns", "/proc/self/coredump_filter"},
		{"ls", "-l", "--time-style=+", "/proc/self/fd"},
		{"sh", "-c", "umask; ulimit -a; trap; echo $0 $A"},
	} {
		plain := run(command...)
		for _, entry := range entries {
			loader := filepath.Join(bin, entry, "seccomp-load")
			got := run(append([]string{loader, file, "--"}, command...)...)
			want := plain
			if entry == "runtime" {
				got, want = forgets(got), forgets(want)
			}
			if diff := cmp.Diff(differs.ReplaceAllString(want, ""), differs.ReplaceAllString(got, "")); diff != "" {
				t.Errorf("%s: %q: without the loader (-) and with it (+):\n%s", entry, command, diff)
			}
			if entry == "direct" { // the runtime starts, and main makes good for what it changed
				got := run(append([]string{loader, "--insecure-permissions", file, "--"}, command...)...)
				if diff := cmp.Diff(differs.ReplaceAllString(plain, ""), differs.ReplaceAllString(got, "")); diff != "" {
					t.Errorf("%s, by main: %q: without the loader (-) and with it (+):\n%s", entry, command, diff)
				}
			}
			if command[0] == "cat" && !strings.Contains(got, "\nSeccomp:\t2\n") {
				t.Errorf("%s: no filter: %s", entry, got)
			}
		}
	}
}

// forgets takes out what a loader that the runtime started can't know any more: which signals were ignored or blocked, and
// which of the first three descriptors were closed.
func forgets(s string) string {
	return regexp.MustCompile(`(?m)^Sig(Ign|Blk):.*\n|^.* [03] -> .*\n`).ReplaceAllString(s, "")
}
