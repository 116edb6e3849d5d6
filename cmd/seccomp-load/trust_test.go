//go:build linux

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestTrust tries who may have written a blob, and loaders that have more rights than their caller.
func TestTrust(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root gives files away")
	}
	const caller, other = 4001, 4002
	data, err := os.ReadFile(compile(t, "open", "default: allow"))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "trust") // t.TempDir is for its owner alone
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	copied := func(name string, data []byte, owner int, mode os.FileMode) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(file, data, 0o600), os.Chown(file, owner, owner), os.Chmod(file, mode)); err != nil {
			t.Fatal(err)
		}
		return file
	}
	file := func(name string, owner int, mode os.FileMode) string { return copied(name, data, owner, mode) }
	for _, entry := range entries {
		program, err := os.ReadFile(filepath.Join(bin, entry, "seccomp-load"))
		if err != nil {
			t.Fatal(err)
		}
		loader := copied(entry, program, 0, 0o755)
		setuid := copied(entry+"-setuid", program, other, 0o755|os.ModeSetuid)
		setgid := copied(entry+"-setgid", program, other, 0o755|os.ModeSetgid)
		for _, tt := range []struct {
			loader, file string
			uid          int
			want         string // "" if it starts
		}{
			{loader, file("root's", 0, 0o644), caller, ""},
			{loader, file("caller's", caller, 0o644), caller, ""},
			{loader, file("group's", 0, 0o664), caller, ""},
			{loader, file("other's", other, 0o644), caller, "belongs to user 4002, who is neither root nor the caller (user 4001)"},
			{loader, file("everybody's", 0, 0o646), caller, "everybody may write this file (mode 0646)"},
			{loader, file("everybody's own", caller, 0o666), caller, "everybody may write this file (mode 0666)"},
			{loader, file("a user's", caller, 0o644), 0, "belongs to user 4001, who is neither root nor the caller (user 0)"},
			{setuid, file("root's", 0, 0o644), caller, "more rights than its caller"},
			{setgid, file("root's", 0, 0o644), caller, "more rights than its caller"},
			{setuid, file("root's", 0, 0o644), other, ""}, // no more rights
		} {
			cmd := exec.Command(tt.loader, tt.file, "--", "echo", "started")
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(tt.uid), Gid: uint32(tt.uid)}}
			cmd.Dir = "/"
			out, err := cmd.CombinedOutput()
			switch {
			case tt.want == "" && (err != nil || string(out) != "started\n"):
				t.Errorf("%s: %s by user %d: %v: %s", filepath.Base(tt.loader), filepath.Base(tt.file), tt.uid, err, out)
			case tt.want != "" && (cmd.ProcessState.ExitCode() != failed || !strings.Contains(string(out), tt.want) || !strings.Contains(string(out), "\nhint: ")):
				t.Errorf("%s: %s by user %d: %v: %s, want %q", filepath.Base(tt.loader), filepath.Base(tt.file), tt.uid, err, out, tt.want)
			}
		}
	}
}
