//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob/load"
)

// TestComplain: what a policy refuses is done where its blob complains, the kernel logs it, and the loader warns once for each
// such blob, however it is entered.
func TestComplain(t *testing.T) {
	const text = "default: allow\nfallbacks: {kill_process: kill_thread, log: allow}\nrules: [{errno(EXDEV): [mkdir, mkdirat]}, {kill_process: [kcmp]}, {log: [sync]}]"
	denies := compile(t, "denies", text)
	learns := compile(t, "learns", text, "--complain")
	const warning = "seccomp-load: warning: policy learns complains: what it denies is done, and logged\n"
	for _, entry := range entries {
		loader := filepath.Join(bin, entry, "seccomp-load")
		dir := filepath.Join(t.TempDir(), "made")
		made := func() bool {
			_, err := os.Stat(dir)
			return err == nil
		}
		if out, err := exec.Command(loader, denies, "--", "mkdir", dir).CombinedOutput(); err == nil || made() || strings.Contains(string(out), "warning") {
			t.Errorf("%s: the policy does not refuse: %v, %s", entry, err, out)
		}
		cmd := exec.Command(loader, learns, "--", "mkdir", dir)
		if out, err := cmd.CombinedOutput(); err != nil || !made() || string(out) != warning {
			t.Errorf("%s: %v, %q, made: %v", entry, err, out, made())
		}
		if record, err := recordOf(cmd.Process.Pid); err != nil {
			t.Logf("the kernel's log can't be read: %v", err)
		} else if record == "" {
			t.Log("the kernel's log has no record: it takes only so many in a time")
		} else if !strings.Contains(record, " code=0x7ffc0000") || !slices.Contains(mkdirs(t), record[strings.Index(record, "arch="):strings.Index(record, " compat=")]) {
			t.Errorf("%s: the kernel's log has %q", entry, record)
		}
		// One that denies still does, in front of it and behind.
		for _, blobs := range [][]string{{learns, learns, denies}, {denies, learns, learns}} {
			os.Remove(dir)
			out, err := exec.Command(loader, append(blobs, "--", "mkdir", dir)...).CombinedOutput()
			if err == nil || made() || strings.Count(string(out), warning) != 2 || strings.Count(string(out), "warning") != 2 {
				t.Errorf("%s, %q: %v, %s", entry, blobs, err, out)
			}
		}
	}
	out, err := on("", "direct", "--check", learns, denies, "--", "echo", "started").CombinedOutput()
	if err != nil || strings.Count(string(out), "complains") != 1 || !strings.Contains(string(out), "\npolicy learns: complains: what it denies would be done, and logged\npolicy denies: ") {
		t.Errorf("--check: %v, %s", err, out)
	}
	out, err = on("", "direct", "--print", learns, denies).CombinedOutput()
	if err != nil || strings.Count(string(out), "complains") != 1 || !strings.Contains(string(out), "\n  complains: what it denies is done, and logged\n  target") {
		t.Errorf("--print: %v, %s", err, out)
	}
	// Where the kernel can't log, nothing would be learnt: the policy's fallback is for its own log.
	out, err = on("4.13", "direct", learns, "--", "echo", "started").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "error: policy learns uses the action log, which this kernel lacks") {
		t.Errorf("Linux 4.13: %v, %s", err, out)
	}
}

// TestComplainOn: the program that is on is the blob's, and what it would kill for passes.
func TestComplainOn(t *testing.T) {
	file := compile(t, "learns", "default: allow\nunknown: allow\nrules: [{kill_process: [kcmp]}]", "--complain")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		cmd := on("", entry, file, "--", "/usr/bin/env", role+"=fate", self)
		in, err1 := cmd.StdinPipe()
		out, err2 := cmd.StdoutPipe()
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(out)
		first, _ := lines.ReadString('\n')
		tid := 0
		if _, err := fmt.Sscan(first, &tid); err != nil {
			t.Errorf("%s: %q: %v", entry, first, err)
		} else if programs, err := readBack(tid); err != nil {
			t.Logf("%s: the program can't be read back: %v", entry, err)
		} else if !bytes.Equal(programs[len(programs)-1], own(t, file, 0)) {
			t.Errorf("%s: on is % x", entry, programs[len(programs)-1])
		}
		in.Write([]byte("\n"))
		rest, _ := io.ReadAll(lines)
		if err := cmd.Wait(); err != nil || string(rest) != "passed\n" {
			t.Errorf("%s: %q, %v", entry, rest, err)
		}
	}
}

// mkdirs are the calls of this machine that make folders, as records name them.
func mkdirs(t *testing.T) (list []string) {
	host, _, err := load.Host()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mkdir", "mkdirat"} {
		if nr, ok := arch.Host().Number(name); ok {
			list = append(list, fmt.Sprintf("arch=%x syscall=%d", host.Audit, nr))
		}
	}
	return list
}

// recordOf is what the kernel's log has of a filter's answer to a process; "" if there is nothing.
func recordOf(pid int) (string, error) {
	f, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(f)
	buf := make([]byte, 8192)
	found := ""
	for {
		n, err := unix.Read(f, buf)
		switch {
		case err == unix.EAGAIN:
			return found, nil
		case err == unix.EPIPE: // overwritten meanwhile
			continue
		case err != nil:
			return "", err
		}
		if line, _, _ := strings.Cut(string(buf[:n]), "\n"); strings.Contains(line, "type=1326") && strings.Contains(line, fmt.Sprintf(" pid=%d ", pid)) {
			found = line
		}
	}
}
