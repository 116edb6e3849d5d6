//go:build linux

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/blob/load"
	"github.com/seccompc/seccompc/blob/load/loadtest"
)

func init() {
	// Executes the command in its arguments behind the first, on the kernel that this one names.
	roles["old"] = func() error {
		runtime.LockOSThread()
		major, minor := 0, 0
		if _, err := fmt.Sscanf(os.Args[1], "%d.%d", &major, &minor); err != nil {
			return err
		}
		path, argv, env := execArgs(os.Args[2:])
		if err := loadtest.Become(major, minor); err != nil {
			return err
		}
		_, _, errno := unix.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&env[0])))
		return errno
	}
	roles["fate"] = func() error {
		fate, err := loadtest.Fate(unix.SYS_KCMP, loadtest.Await)
		if err == nil {
			fmt.Println(fate)
			os.Exit(0) // what returns has failed
		}
		return err
	}
}

// on is the loader by an entry, on a kernel; "" is the running one.
func on(kernel, entry string, args ...string) *exec.Cmd {
	args = append([]string{filepath.Join(bin, entry, "seccomp-load")}, args...)
	if kernel == "" {
		return exec.Command(args[0], args[1:]...)
	}
	cmd := exec.Command("/proc/self/exe", append([]string{kernel}, args...)...)
	cmd.Env = append(os.Environ(), role+"=old")
	return cmd
}

// TestOlder: what an older kernel lacks is refused by its name, or the declared fallback is applied and said to be.
func TestOlder(t *testing.T) {
	const open = "unknown: allow\ndefault: allow\n"
	file := map[string]string{
		"kills": compile(t, "kills", open),
		"falls": compile(t, "falls", open+"fallbacks: {kill_process: kill_thread}"),
		"logs":  compile(t, "logs", open+"foreign: kill_thread\nrules: [{log: [kcmp]}]"),
		"half":  compile(t, "half", open+"fallbacks: {kill_process: kill_thread}\nrules: [{log: [kcmp]}]"),
		"both":  compile(t, "both", open+"fallbacks: {kill_process: kill_thread, log: allow}\nrules: [{log: [kcmp]}]"),
		"older": compile(t, "older", open+"foreign: kill_thread"),
		"flag":  compile(t, "flag", open+"foreign: kill_thread\nflags: [log]"),
		"spec":  compile(t, "spec", open+"foreign: kill_thread\nflags: [spec_allow]"),
	}
	const lacks = ", which this kernel lacks, as far as seccomp(2) tells: it came with Linux 4.14, and the policy declares no fallback ("
	warns := func(policy, what string) string {
		return "seccomp-load: warning: policy " + policy + ": this kernel lacks actions, the declared fallbacks are applied: " + what + "\n"
	}
	const kill, both = "kill_process: kill_thread", "kill_process: kill_thread, log: allow"
	for _, tt := range []struct {
		kernels string
		args    string // names of policies, and flags
		refused string
		says    string // on standard error, where it is not refused
	}{
		{"3.16 4.10 4.13", "kills", "policy kills uses the action kill_process" + lacks + kill + ")", ""},
		{"3.16 4.10 4.13", "logs", "policy logs uses the action log" + lacks + "log: allow)", ""},
		{"3.16 4.10 4.13", "half", "policy half uses the action log" + lacks + "log: allow)", ""},
		{"3.16 4.10 4.13", "falls kills", "policy kills uses the action kill_process" + lacks, ""},
		{"3.16", "flag", "needs the filter flag log, which came with Linux 4.14, and so seccomp(2), which this kernel lacks: it came with Linux 3.17: ", ""},
		{"4.10 4.13", "flag", "needs the filter flag log, which came with Linux 4.14: this kernel refuses it", ""},
		{"4.13 4.16", "spec", "needs the filter flag spec_allow, which came with Linux 4.17: this kernel refuses it", ""},
		{"3.16 4.10 4.13", "falls", "", warns("falls", kill)},
		{"3.16 4.10 4.13", "both", "", warns("both", both)},
		{"3.16 4.10 4.13", "falls older both", "", warns("falls", kill) + warns("both", both)},
		{"3.16 4.10 4.13", "older", "", ""},
		{"4.14 4.20 5.6 ", "falls older both", "", ""},
		{"4.17 ", "flag spec both", "", ""},
	} {
		for _, kernel := range strings.Split(tt.kernels, " ") {
			for _, entry := range entries {
				var args []string
				for _, a := range strings.Fields(tt.args) {
					args = append(args, file[a])
				}
				cmd := on(kernel, entry, append(args, "--", "echo", "started")...)
				var stdout, stderr bytes.Buffer
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				err := cmd.Run()
				what := fmt.Sprintf("Linux %s, %s, %s: %v, %q, %q", kernel, entry, tt.args, err, &stdout, &stderr)
				switch {
				case tt.refused == "" && (err != nil || stdout.String() != "started\n" || stderr.String() != tt.says):
					t.Errorf("%s, want %q", what, tt.says)
				case tt.refused != "" && (cmd.ProcessState.ExitCode() != failed || stdout.Len() > 0 || !strings.Contains(stderr.String(), tt.refused)):
					t.Errorf("%s, want %q", what, tt.refused)
				}
			}
		}
	}
	for kernel, applied := range map[string]string{"": "none", "4.14": "none", "4.13": both, "3.16": both} {
		out, err := on(kernel, "direct", "--check", file["both"], file["older"], "--", "echo", "started").CombinedOutput()
		want := "policy both: fallbacks declared: " + both + "; would apply on this kernel: " + applied + "\npolicy older: would"
		if err != nil || !strings.Contains(string(out), want) || strings.Contains(string(out), "\nstarted") || strings.Contains(string(out), "warning") {
			t.Errorf("Linux %s, --check: %v, %s", kernel, err, out)
		}
	}
	out, err := on("", "direct", "--print", file["both"], file["older"]).Output()
	if err != nil || strings.Count(string(out), "\n  fallbacks  "+both+"\n") != 1 || strings.Count(string(out), "fallbacks") != 1 {
		t.Errorf("--print: %v, %s", err, out)
	}
}

// TestFallbacks: the program that is on is the proven one with the other action in its place, and on a kernel that lacks
// nothing the proven one. The command sees it: by what becomes of a thread.
func TestFallbacks(t *testing.T) {
	const open = "unknown: allow\ndefault: allow\n"
	kills := compile(t, "kills", open+"fallbacks: {kill_process: kill_thread}\nrules: [{kill_process: [kcmp]}]")
	logs := compile(t, "logs", open+"foreign: kill_thread\nfallbacks: {log: allow}\nrules: [{log: [kcmp]}]")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		kernel, file string
		applied      blob.Fallbacks
		fate         string
	}{
		{"3.16", kills, blob.ReturnsKillProcess, "killed\n"}, {"4.10", kills, blob.ReturnsKillProcess, "killed\n"},
		{"4.13", kills, blob.ReturnsKillProcess, "killed\n"}, {"4.14", kills, 0, ""}, {"", kills, 0, ""},
		{"3.16", logs, blob.ReturnsLog, "passed\n"}, {"4.13", logs, blob.ReturnsLog, "passed\n"}, {"4.14", logs, 0, "passed\n"}, {"", logs, 0, "passed\n"},
	} {
		for _, entry := range entries {
			what := fmt.Sprintf("Linux %s, %s, %s", tt.kernel, entry, filepath.Base(tt.file))
			cmd := on(tt.kernel, entry, tt.file, "--", "/usr/bin/env", role+"=fate", self)
			in, err1 := cmd.StdinPipe()
			out, err2 := cmd.StdoutPipe()
			if err := errors.Join(err1, err2, cmd.Start()); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(out)
			first, _ := lines.ReadString('\n')
			tid := 0
			if _, err := fmt.Sscan(first, &tid); err != nil {
				t.Errorf("%s: %q: %v", what, first, err)
			} else if programs, err := readBack(tid); err != nil {
				t.Logf("%s: the program can't be read back: %v", what, err)
			} else if want := own(t, tt.file, tt.applied); !slices.EqualFunc(programs[len(programs)-1:], [][]byte{want}, bytes.Equal) {
				t.Errorf("%s: on is % x, want % x", what, programs[len(programs)-1], want)
			}
			in.Write([]byte("\n"))
			rest, _ := io.ReadAll(lines)
			err := cmd.Wait()
			status := cmd.ProcessState.Sys().(syscall.WaitStatus)
			if died := status.Signaled() && status.Signal() == unix.SIGSYS; string(rest) != tt.fate || died != (tt.fate == "") || err != nil && !died {
				t.Errorf("%s: %q, %v, want %q", what, rest, err, tt.fate)
			}
		}
	}
}

// own is a blob's program for this machine, with fallbacks applied.
func own(t *testing.T, file string, applied blob.Fallbacks) []byte {
	t.Helper()
	b, err := load.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	target, err := load.Select(b)
	if err != nil {
		t.Fatal(err)
	}
	if applied == 0 {
		return target.Program
	}
	return applied.Apply(target)
}

func readBack(tid int) ([][]byte, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return loadtest.Programs(tid)
}
