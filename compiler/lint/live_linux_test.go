package lint_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler"
)

// Here real programs run under policies that the linter finds fault with, and meet what it says.

// A stage has seccomp-load and the programs of testdata/live.
type stage struct{ loader, dir string }

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{dir: t.TempDir()}
	s.loader = s.build(t, "seccomp-load", "go", "build", "-o", "", "../../cmd/seccomp-load")
	return s
}

// build returns the program that a command makes, whose empty argument is replaced by the program's place; "" where there
// is no such compiler.
func (s *stage) build(t *testing.T, name string, command ...string) string {
	t.Helper()
	if _, err := exec.LookPath(command[0]); err != nil {
		t.Logf("%s is not tried: %v", name, err)
		return ""
	}
	out := filepath.Join(s.dir, name)
	command[slices.Index(command, "")] = out
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, text)
	}
	return out
}

const liveC = "testdata/live/live.c"

// compile compiles a policy for this machine's ABI, and returns what the linter finds of one code.
func (s *stage) compile(t *testing.T, text, code string) (found []string) {
	t.Helper()
	text = fmt.Sprintf("seccompc: 1\nreviewed: \"7.0\"\ntargets: [%s]\n%s", arch.Host().Name, text)
	r, diags := compiler.Compile("policy.yaml", []byte(text), compiler.Options{Check: true})
	if r == nil {
		t.Fatalf("%v\n%s", diags, text)
	}
	for _, d := range diags {
		if d.Code == code {
			found = append(found, d.Msg)
		}
	}
	if err := os.WriteFile(filepath.Join(s.dir, "policy.seccomp"), r.Bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	return found
}

// run runs a command under the policy compiled last, and returns how it ended and its output.
func (s *stage) run(t *testing.T, command ...string) (syscall.WaitStatus, string) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(s.loader, append([]string{filepath.Join(s.dir, "policy.seccomp"), "--"}, command...)...)
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &out, []string{"LC_ALL=C"}
	if err := cmd.Run(); cmd.ProcessState == nil || strings.Contains(out.String(), "seccomp-load") {
		t.Fatalf("the loader: %v\n%s", err, &out)
	}
	return cmd.ProcessState.Sys().(syscall.WaitStatus), out.String()
}

// TestStartupMissing takes calls out of all start-up sets together: where the check fires, programs of no kind start.
func TestStartupMissing(t *testing.T) {
	s := newStage(t)
	programs := map[string]string{
		"glibc": s.build(t, "glibc", "gcc", "-static", "-o", "", liveC, "-lpthread"),
		"musl":  s.build(t, "musl", "musl-gcc", "-static", "-o", "", liveC),
		"Go":    s.build(t, "Go", "go", "build", "-o", "", "./testdata/live"),
	}
	for _, v := range []struct{ otherwise, without, starts, fails string }{
		{"errno(EPERM)", "", "glibc musl Go", ""},
		{"kill_process", "", "glibc musl Go", ""},
		{"errno(EPERM)", "arch_prctl", "", "glibc musl Go"},
		{"errno(EPERM)", "brk, mmap", "", "glibc musl Go"},
		{"errno(EPERM)", "exit_group, exit", "", "glibc"}, // the others never end
		{"errno(EPERM)", "exit_group", "glibc musl", ""},  // nor does Go's
		{"errno(EPERM)", "rt_sigaction", "glibc musl", "Go"},
		{"errno(EPERM)", "rt_sigprocmask", "glibc musl", "Go"},
		{"errno(EPERM)", "clone", "glibc musl", "Go"},
		{"errno(EPERM)", "futex", "glibc musl", "Go"},
		{"errno(EPERM)", "set_tid_address", "glibc musl Go", ""},
		{"kill_process", "set_tid_address", "Go", "glibc musl"},
		{"kill_process", "set_tid_address, rt_sigaction", "", "glibc musl Go"},
		{"kill_process", "set_tid_address, rt_sigprocmask", "", "glibc musl Go"},
		{"kill_process", "set_tid_address, clone", "", "glibc musl Go"},
		{"kill_process", "set_tid_address, futex", "", "glibc musl Go"},
	} {
		if v.without == "arch_prctl" && runtime.GOARCH != "amd64" {
			continue
		}
		text := "default: " + v.otherwise + "\nrules:\n"
		if v.without != "" {
			text += "- default: [" + v.without + "]\n"
		}
		text += "- allow: [\"@startup-static\", \"@startup-musl\", \"@startup-go\", write]\n"
		found := s.compile(t, text, "startup-missing")
		if (v.starts == "") != (len(found) == 1) {
			t.Errorf("%s otherwise and without %q: found %q", v.otherwise, v.without, found)
		}
		for name, program := range programs {
			starts := slices.Contains(strings.Fields(v.starts), name)
			if program == "" || !starts && !slices.Contains(strings.Fields(v.fails), name) {
				continue
			}
			if ws, out := s.run(t, program); starts != (well(ws) && out == "hello\n") {
				t.Errorf("%s otherwise and without %q: %s: %#x, %q", v.otherwise, v.without, name, ws, out)
			}
		}
	}
}

// TestProbe denies the newer of two calls: after ENOSYS the program makes the older, after EPERM it fails.
func TestProbe(t *testing.T) {
	s := newStage(t)
	program := s.build(t, "glibc", "gcc", "-o", "", liveC, "-lpthread")
	file, moved := filepath.Join(s.dir, "file"), filepath.Join(s.dir, "moved")
	for _, v := range []struct {
		call    string
		command []string
	}{
		{"clone3", []string{program, "thread"}},
		{"faccessat2", []string{program, "access"}},
		{"fchmodat2", []string{program, "chmod", file}},
		{"getrandom", []string{program, "random"}},
		{"preadv2", []string{program, "preadv2", file}},
		{"pwritev2", []string{program, "pwritev2", file}},
		{"statx", []string{program, "statx"}},
		{"renameat2", []string{"/bin/mv", file, moved}},
	} {
		t.Run(v.call, func(t *testing.T) {
			if version, _ := exec.Command("/bin/mv", "--version").Output(); v.call == "renameat2" && !bytes.Contains(version, []byte("GNU coreutils")) {
				t.Skip("no mv of GNU coreutils")
			} else if program == "" && v.call != "renameat2" {
				t.Skip("no gcc")
			}
			if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
				t.Fatal(err)
			}
			free, err := exec.Command(v.command[0], v.command[1:]...).CombinedOutput()
			if err != nil && strings.Contains(err.Error(), "77") {
				t.Skip("this C library makes no such call")
			} else if err != nil {
				t.Fatalf("without a filter: %v %s", err, free)
			}
			for _, action := range []string{"errno(ENOSYS)", "errno(EPERM)"} {
				found := s.compile(t, fmt.Sprintf("default: allow\nrules:\n- %s: [%s]\n", action, v.call), "probe-eperm")
				if err := errors.Join(os.WriteFile(file, []byte("text"), 0o600), os.RemoveAll(moved)); err != nil {
					t.Fatal(err)
				}
				ws, out := s.run(t, v.command...)
				if worked, want := ws.ExitStatus() == 0, action == "errno(ENOSYS)"; worked != want || want == (len(found) == 1) {
					t.Errorf("under %s: %#x %s; found %q", action, ws, out, found)
				}
			}
		})
	}
}

// TestAnswers has programs meet the actions that the linter warns of.
func TestAnswers(t *testing.T) {
	s := newStage(t)
	program := s.build(t, "glibc", "gcc", "-o", "", liveC, "-lpthread")
	if program == "" {
		t.Skip("no gcc")
	}
	number := func(name string) string { nr, _ := arch.Host().Number(name); return fmt.Sprint(nr) }
	for _, v := range []struct {
		code, rule string
		command    []string
		ends       func(syscall.WaitStatus) bool
		out        string
	}{
		{"kill-thread", "kill_thread: [getppid]", []string{"survive"}, well, ""},
		{"", "kill_process: [getppid]", []string{"survive"}, bySIGSYS, ""},
		{"errno-zero", "errno(0): [ptrace]", []string{"call", number("ptrace")}, well, ""},
		{"", "errno(EIO): [ptrace]", []string{"call", number("ptrace")}, well, "Input/output error\n"},
		{"vdso-call", "kill_process: [time, gettimeofday, clock_gettime, getcpu]", []string{"time"}, well, ""},
		{"uprobe-ignored", "kill_process: [uretprobe]", []string{"call", number("uretprobe")}, notBySIGSYS, ""},
	} {
		t.Run(v.rule, func(t *testing.T) {
			if runtime.GOARCH != "amd64" && (v.code == "vdso-call" || v.code == "uprobe-ignored") {
				t.Skip("x86_64's")
			}
			if v.code == "uprobe-ignored" && kernel(t).Compare(arch.Version{Major: 6, Minor: 14}) < 0 {
				t.Skip("the kernel may be too old to let it pass")
			}
			found := s.compile(t, "default: allow\nrules:\n- "+v.rule+"\n", v.code)
			ws, out := s.run(t, append([]string{program}, v.command...)...)
			if !v.ends(ws) || out != v.out || (v.code != "") != (len(found) == 1) {
				t.Errorf("%#x, %q; found %q", ws, out, found)
			}
		})
	}
}

func well(ws syscall.WaitStatus) bool        { return ws.Exited() && ws.ExitStatus() == 0 }
func bySIGSYS(ws syscall.WaitStatus) bool    { return ws.Signaled() && ws.Signal() == syscall.SIGSYS }
func notBySIGSYS(ws syscall.WaitStatus) bool { return !bySIGSYS(ws) }

func kernel(t *testing.T) (v arch.Version) {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err == nil {
		_, err = fmt.Sscanf(string(text), "%d.%d", &v.Major, &v.Minor)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}
