//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A traced process: its system calls up to the first execve that succeeds, that included.
type traced struct {
	calls    []sysCall
	executed bool // the command
	status   unix.WaitStatus
	stderr   string
}

type sysCall struct {
	nr   uint64
	args [6]uint64
	path string // of openat and execve
}

// An answer is what a tracer puts into the place of a call's result.
type answer struct {
	errno unix.Errno // instead of the call, if it is not 0
	short bool       // half of what the call returned
}

// trace runs a command and lets alter say what becomes of each call, nil for nothing.
func trace(t *testing.T, alter func(sysCall) *answer, args ...string) *traced {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var stderr bytes.Buffer
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	p, err := os.StartProcess(args[0], args, &os.ProcAttr{Files: []*os.File{null, null, w}, Sys: &unix.SysProcAttr{Ptrace: true, Setpgid: true}})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	tr := &traced{}
	err = tr.follow(p.Pid, alter)
	if err != nil {
		unix.Kill(-p.Pid, unix.SIGKILL)
		t.Fatal(err)
	}
	stderr.ReadFrom(r)
	r.Close()
	tr.stderr = stderr.String()
	return tr
}

func (tr *traced) follow(pid int, alter func(sysCall) *answer) error {
	pending := map[int]*sysCall{} // of each thread that is in a call
	answers := map[int]*answer{}
	started := false
	for {
		var status unix.WaitStatus
		tid, err := unix.Wait4(-pid, &status, unix.WALL, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("wait4: %w", err)
		case status.Exited() || status.Signaled():
			if tid == pid {
				tr.status = status
				return nil
			}
			continue
		case !started:
			started = true
			options := unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_EXITKILL
			if err := unix.PtraceSetOptions(pid, options); err != nil {
				return fmt.Errorf("PTRACE_SETOPTIONS: %w", err)
			}
		case status.StopSignal() == unix.SIGTRAP|0x80:
			if err := tr.stop(tid, pending, answers, alter); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
		case status.TrapCause() == unix.PTRACE_EVENT_EXEC:
			tr.executed = true
			if err := unix.PtraceDetach(tid); err != nil {
				return fmt.Errorf("PTRACE_DETACH: %w", err)
			}
			continue
		}
		signal := 0
		if s := status.StopSignal(); s != unix.SIGTRAP && s != unix.SIGTRAP|0x80 && s != unix.SIGSTOP {
			signal = int(s)
		}
		if err := unix.PtraceSyscall(tid, signal); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("PTRACE_SYSCALL: %w", err)
		}
	}
}

// stop handles the entry into a call, or the exit from it.
func (tr *traced) stop(tid int, pending map[int]*sysCall, answers map[int]*answer, alter func(sysCall) *answer) error {
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(tid, &regs); err != nil {
		return fmt.Errorf("PTRACE_GETREGS: %w", err)
	}
	c := pending[tid]
	if c == nil {
		c = &sysCall{nr: regs.Orig_rax, args: [6]uint64{regs.Rdi, regs.Rsi, regs.Rdx, regs.R10, regs.R8, regs.R9}}
		switch c.nr {
		case unix.SYS_OPENAT:
			c.path = peek(tid, c.args[1])
		case unix.SYS_EXECVE:
			c.path = peek(tid, c.args[0])
		}
		pending[tid] = c
		tr.calls = append(tr.calls, *c)
		a := (*answer)(nil)
		if alter != nil {
			a = alter(*c)
		}
		answers[tid] = a
		if a != nil && a.errno != 0 {
			regs.Orig_rax = ^uint64(0)
			return unix.PtraceSetRegs(tid, &regs)
		}
		return nil
	}
	delete(pending, tid)
	if a := answers[tid]; a != nil {
		if a.errno != 0 {
			regs.Rax = -uint64(a.errno)
		} else if a.short {
			regs.Rax /= 2
		}
		return unix.PtraceSetRegs(tid, &regs)
	}
	return nil
}

// peek reads a string of at most 255 bytes from the traced process.
func peek(tid int, at uint64) string {
	var buf [256]byte
	n, _ := unix.PtracePeekData(tid, uintptr(at), buf[:])
	s, _, _ := bytes.Cut(buf[:n], []byte{0})
	return string(s)
}

// TestCount counts the system calls from the loader's first instruction to the command's execve.
func TestCount(t *testing.T) {
	blob := compile(t, "few", few)
	command := bin + "/direct/exit"
	tr := trace(t, nil, bin+"/direct/seccomp-load", blob, "--", command)
	var got []uint64
	for _, c := range tr.calls {
		got = append(got, c.nr)
	}
	want := []uint64{unix.SYS_ARCH_PRCTL, unix.SYS_OPENAT, unix.SYS_STATX, unix.SYS_READ, unix.SYS_SECCOMP, unix.SYS_FACCESSAT, unix.SYS_STATX,
		unix.SYS_PRCTL, unix.SYS_PRCTL, unix.SYS_EXECVE}
	if !slices.Equal(got, want) || !tr.executed || tr.status != 0 {
		t.Errorf("the calls %d, want %d; executed %t, status %#x: %s", got, want, tr.executed, tr.status, tr.stderr)
	}
	// A search in PATH is one more for each folder that has no such command; without PATH it is in /bin and /usr/bin.
	folders := t.TempDir() + ":/no/such/folder:" + bin + "/direct"
	for _, path := range []string{folders, ""} {
		name := "exit"
		if t.Setenv("PATH", path); path == "" {
			name = "true"
			os.Unsetenv("PATH")
		}
		tr := trace(t, nil, bin+"/direct/seccomp-load", blob, "--", name)
		if n := len(want) + strings.Count(path, ":"); !tr.executed || len(tr.calls) > n+1 || path != "" && len(tr.calls) != n {
			t.Errorf("PATH %q: %d calls, executed %t: %s", path, len(tr.calls), tr.executed, tr.stderr)
		}
	}
	if tr := trace(t, nil, bin+"/runtime/seccomp-load", blob, "--", command); len(tr.calls) < 100 || !tr.executed {
		t.Errorf("by the runtime's entry %d calls, executed %t: the tracer misses some", len(tr.calls), tr.executed)
	}
}
