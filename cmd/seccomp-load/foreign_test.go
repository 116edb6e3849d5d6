//go:build linux

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The names that qemu has for machines whose GOARCH is another.
var qemus = map[string]string{"386": "i386", "amd64": "x86_64", "arm": "arm", "arm64": "aarch64", "loong64": "loongarch64", "mips": "mips",
	"mipsle": "mipsel", "mips64": "mips64", "mips64le": "mips64el", "ppc64": "ppc64", "ppc64le": "ppc64le", "riscv64": "riscv64", "s390x": "s390x"}

// TestForeign enters the loader of each other GOARCH: on this kernel, if it runs such programs (386 on
// amd64), else in qemu's emulation of a process, which has no seccomp. There the direct entry goes up to the installation
// and gives way to main, and main refuses.
func TestForeign(t *testing.T) {
	for _, arch := range goarchs(t) {
		if arch == runtime.GOARCH {
			continue
		}
		t.Run(arch, func(t *testing.T) {
			loader := filepath.Join(t.TempDir(), "seccomp-load")
			cmd := exec.Command("go", "build", "-o", loader, "-ldflags=-E=_seccomp_load_start", ".")
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+arch)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("go build: %v\n%s", err, out)
			}
			args := []string{loader}
			native := runtime.GOARCH == "amd64" && arch == "386" && exec.Command(loader, "--version").Run() == nil
			if !native {
				qemu, err := exec.LookPath("qemu-" + qemus[arch] + "-static")
				if err != nil {
					t.Skipf("%v: make test-qemu installs it", err)
				}
				args = []string{qemu, "-strace", loader}
			}
			run := func(more ...string) (string, int) {
				all := append(args, more...)
				out, err := exec.Command(all[0], all[1:]...).CombinedOutput()
				var exit *exec.ExitError
				if errors.As(err, &exit) {
					return string(out), exit.ExitCode()
				}
				return string(out), 0
			}
			if out, code := run("--version"); code != 0 || !strings.Contains(out, "entry: direct\n") {
				t.Errorf("--version: exit code %d: %q", code, out)
			}
			open := compile(t, "open", "default: allow\nforeign: errno(EPERM)") // no action to ask the kernel for
			if out, code := run(open, "--", loader, "--version"); native != (code == 0 && strings.HasSuffix(out, "entry: direct\n")) ||
				!native && (code != failed || !strings.Contains(out, "prctl(PR_SET_SECCOMP): invalid argument: this system has no seccomp filters")) {
				t.Errorf("a command: exit code %d: %q", code, out)
			}
			if !native {
				out, _ := run(open, "--", "env")
				direct, _, _ := strings.Cut(out, "rt_sigaction")
				for _, call := range []string{"openat(", "read(", "faccessat(", "prctl(38,1,", "prctl(22,2,"} {
					if !strings.Contains(direct, call) {
						t.Errorf("the direct entry made no %s): %s", call, direct)
					}
				}
				return
			}
			closed := compile(t, "closed", "default: allow\nrules: [{errno(EIO): [openat]}]")
			if out, code := run(closed, "--", loader, "--check", closed); code != failed || !strings.Contains(out, unix.EIO.Error()) {
				t.Errorf("under a filter: exit code %d: %q", code, out)
			}
		})
	}
}
