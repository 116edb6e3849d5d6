//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob/load"
	"github.com/seccompc/seccompc/compiler"
)

// blobs compiles every policy for all its targets on this machine and compares it with the blob.
func blobs() (found []finding, err error) {
	files, err := filepath.Glob(beside("*.seccomp"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no blobs: %w", err)
	}
	for _, file := range files {
		have, err := os.ReadFile(file)
		if err != nil {
			return found, err
		}
		name := filepath.Base(strings.TrimSuffix(file, ".seccomp"))
		src, err := os.ReadFile(beside(name + ".yaml"))
		if err != nil {
			return found, err
		}
		r, diags := compiler.Compile(name+".yaml", src, compiler.Options{})
		if err := diags.Err(); err != nil {
			return found, err
		}
		if !bytes.Equal(r.Bytes, have) {
			return found, fmt.Errorf("%s: compiled on this machine, the blob is another", name)
		}
		found = append(found, finding{arch.Host().Name, len(have), fmt.Sprintf("bytes of %s, compiled here, sha256 %x", name, sha256.Sum256(have))})
	}
	return found, nil
}

const (
	ignored = unix.SIGUSR1
	blocked = unix.SIGUSR2
)

func init() {
	roles["exit"] = func(args []string) { os.Exit(atoi(args[0])) }
	roles["die"] = func([]string) {
		signal.Reset()
		unix.Kill(os.Getpid(), unix.SIGKILL)
		select {}
	}
	// Becomes the command in a state that a loader may disturb.
	roles["become"] = func(args []string) {
		signal.Ignore(ignored)
		var mask unix.Sigset_t
		width := 8 * int(unsafe.Sizeof(mask.Val[0]))
		mask.Val[int(blocked-1)/width] = 1 << (int(blocked-1) % width)
		limit := unix.Rlimit{Cur: 1000, Max: 4000}
		err := errors.Join(unix.PthreadSigmask(unix.SIG_SETMASK, &mask, nil), unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
		if err == nil {
			unix.RawSyscall(unix.SYS_PTRACE, unix.PTRACE_TRACEME, 0, 0)
			err = syscall.Exec(args[0], args, []string{"A=1"})
		}
		fmt.Fprintln(os.Stderr, "guest:", err)
		os.Exit(99)
	}
}

// loader runs seccomp-load: what it hands on to the command, by how many calls, and its exit codes.
func loader() (found []finding, err error) {
	self, command, toaster := beside("guest"), beside("seccomp-load"), beside("toaster.seccomp")
	if err := handsOn(&found, command, toaster, "--", self, "exit", "7"); err != nil {
		return found, err
	}
	tmp, err := os.MkdirTemp("", "")
	if err != nil {
		return found, err
	}
	defer os.RemoveAll(tmp)
	good, err := os.ReadFile(toaster)
	if err != nil {
		return found, err
	}
	b, err := load.Read(toaster)
	if err != nil {
		return found, err
	}
	t, err := load.Select(b)
	if err != nil {
		return found, err
	}
	damaged := bytes.Clone(good)
	damaged[bytes.Index(good, t.Program)+4] ^= 1
	bad, text := filepath.Join(tmp, "bad.seccomp"), filepath.Join(tmp, "text")
	if err := errors.Join(os.WriteFile(bad, damaged, 0o600), os.WriteFile(text, good, 0o600)); err != nil {
		return found, err
	}
	codes := []struct {
		args []string
		code int
	}{
		{[]string{toaster, "--", self, "exit", "0"}, 0},
		{[]string{toaster, "--", self, "exit", "7"}, 7},
		{[]string{toaster, toaster, "--", self, "exit", "200"}, 200},
		{[]string{toaster, "--", self, "die"}, -1},
		{[]string{toaster, self, "exit", "0"}, 125},
		{[]string{bad, "--", self, "exit", "0"}, 125},
		{[]string{filepath.Join(tmp, "none"), "--", self, "exit", "0"}, 125},
		{[]string{beside("actions.seccomp"), "--", self, "exit", "0"}, 125}, // install: self
		{[]string{"--", self, "exit", "0"}, 125},
		{[]string{toaster, "--", text}, 126},
		{[]string{toaster, "--", filepath.Join(tmp, "none")}, 127},
	}
	for _, c := range codes {
		cmd := exec.Command(command, c.args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		err := cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != c.code || code == 125 && stderr.Len() == 0 {
			return found, fmt.Errorf("seccomp-load %q: exit code %d, not %d: %v; %s", c.args, code, c.code, err, stderr.Bytes())
		}
	}
	return append(found, finding{arch.Host().Name, len(codes), "exit codes of seccomp-load"}), nil
}

// handsOn looks at the command that a loader becomes, when it has not yet made a call, and counts the loader's calls.
func handsOn(found *[]finding, args ...string) error {
	self := beside("guest")
	cmd := exec.Command(self, append([]string{"become"}, args...)...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	pid := cmd.Process.Pid
	stops, execs := 0, 0
	for execs < 2 {
		var s unix.WaitStatus
		if _, err := unix.Wait4(pid, &s, 0, nil); err != nil {
			return err
		}
		if !s.Stopped() {
			return fmt.Errorf("seccomp-load ends with status %#x, before the command", uint32(s))
		}
		var err error
		signal := syscall.Signal(0)
		switch {
		case execs == 0 && s.StopSignal() == unix.SIGTRAP: // the loader begins
			execs++
			err = unix.PtraceSetOptions(pid, unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_TRACEEXEC|unix.PTRACE_O_EXITKILL)
		case s.StopSignal() == unix.SIGTRAP|0x80:
			stops++
		case int(s)>>8 == int(unix.SIGTRAP)|unix.PTRACE_EVENT_EXEC<<8:
			execs++
			continue
		default:
			signal = s.StopSignal()
		}
		switch {
		case err != nil:
		case execs == 0: // a stop at a call would look like the one that is awaited
			err = unix.PtraceCont(pid, int(signal))
		default:
			err = unix.PtraceSyscall(pid, int(signal))
		}
		if err != nil {
			return err
		}
	}
	status, err1 := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	var limit unix.Rlimit
	err2 := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &limit)
	err3 := unix.PtraceDetach(pid)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	err := cmd.Wait()
	// The masks have 32 digits on MIPS, which has 128 signals.
	ign, _ := strconv.ParseUint(strings.TrimLeft(field(string(status), "SigIgn"), "0"), 16, 64)
	blk, _ := strconv.ParseUint(strings.TrimLeft(field(string(status), "SigBlk"), "0"), 16, 64)
	if ign>>(ignored-1)&1 == 0 || blk != 1<<(blocked-1) || field(string(status), "NoNewPrivs") != "1" || field(string(status), "Seccomp") != "2" {
		return fmt.Errorf("the command finds signals %x ignored and %x blocked, NoNewPrivs %s, Seccomp %s", ign, blk, field(string(status), "NoNewPrivs"),
			field(string(status), "Seccomp"))
	}
	if limit != (unix.Rlimit{Cur: 1000, Max: 4000}) {
		return fmt.Errorf("the command finds RLIMIT_NOFILE %+v", limit)
	}
	if code := cmd.ProcessState.ExitCode(); code != 7 {
		return fmt.Errorf("the command's exit code is %d, not 7: %v", code, err)
	}
	calls := (stops + 1) / 2 // each stops it twice, and the execve once by now
	if calls > 14 {
		return fmt.Errorf("seccomp-load makes %d calls before the command: that is not the direct entry", calls)
	}
	*found = append(*found, finding{arch.Host().Name, calls, "calls of seccomp-load by the direct entry, mask, ignored signals and limit handed on"})
	return nil
}
