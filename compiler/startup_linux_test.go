package compiler_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob/load"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/policy"
)

// A kind is a way to build programs, with the start-up sets that it must get along with.
type kind struct {
	name    string
	groups  []string
	compile []string
	shared  bool // libraries are loaded at the start
}

var kinds = []kind{
	{"glibc static", []string{"@startup-static"}, []string{"gcc", "-static"}, false},
	{"glibc static-pie", []string{"@startup-static"}, []string{"gcc", "-static-pie"}, false},
	{"glibc", []string{"@startup-glibc"}, []string{"gcc"}, true},
	{"C++ static", []string{"@startup-static"}, []string{"g++", "-static"}, false},
	{"C++", []string{"@startup-glibc"}, []string{"g++"}, true},
	{"musl static", []string{"@startup-static", "@startup-musl"}, []string{"musl-gcc", "-static"}, false},
	{"musl", []string{"@startup-musl"}, []string{"musl-gcc"}, true},
	{"no library", []string{"@startup-static"}, []string{"gcc", "-static", "-nostdlib", "-fno-stack-protector"}, false},
	{"glibc static for i386", []string{"@startup-static"}, []string{"gcc", "-m32", "-static"}, false},
	{"glibc for i386", []string{"@startup-glibc"}, []string{"gcc", "-m32"}, true},
	{"no library for i386", []string{"@startup-static"}, []string{"gcc", "-m32", "-static", "-nostdlib", "-fno-stack-protector"}, false},
	{"Go", []string{"@startup-go"}, []string{"go", runtime.GOARCH}, false},
	{"Go for i386", []string{"@startup-go"}, []string{"go", "386"}, false},
}

// A started program has its executable and what comes of it.
type started struct {
	name    string
	command []string
	adds    string // calls that it makes beyond starting and ending
	want    outcome
}

type outcome struct {
	out    string // a piece of standard output and error
	code   int
	signal syscall.Signal
}

const (
	describe = "fstat fstat64 newfstatat statx"
	later    = "timer_create timer_settime timer_settime64 nanosleep clock_nanosleep clock_nanosleep_time64"
	raising  = "rt_sigaction rt_sigprocmask getpid gettid tkill tgkill"
)

// programs builds what a kind can build, or skips.
func (k kind) programs(t *testing.T) (list []started) {
	t.Helper()
	if path, err := exec.LookPath(k.compile[0]); err != nil {
		t.Skipf("%s is not tried: %v", k.name, err)
	} else if strings.HasSuffix(k.name, "i386") && runtime.GOARCH != "amd64" {
		t.Skipf("%s is not tried on %s with %s", k.name, runtime.GOARCH, path)
	}
	dir, hello := t.TempDir(), outcome{out: "hello\n"}
	if k.compile[0] == "go" {
		p := filepath.Join(dir, "program")
		goBuild(t, k.compile[1], p, "./testdata/startup/go")
		return []started{
			{"hello", []string{p, "hello"}, "", hello},
			{"work", []string{p, "work", "/proc/self/status"}, describe, hello},
			{"stop", []string{p, "stop"}, later, hello},
			{"die", []string{p, "die"}, "kill", outcome{signal: syscall.SIGTERM}},
		}
	}
	build := func(name, adds string, want outcome, args ...string) {
		p := filepath.Join(dir, name)
		cmd := exec.Command(k.compile[0], append(append(slices.Clone(k.compile[1:]), "-o", p), args...)...)
		cmd.Dir = "testdata/startup"
		if out, err := cmd.CombinedOutput(); err != nil && slices.Contains(k.compile, "-m32") {
			t.Skipf("%s is not tried: %v\n%s", k.name, err, out)
		} else if err != nil {
			t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
		}
		list = append(list, started{name, []string{p}, adds, want})
	}
	switch {
	case slices.Contains(k.compile, "-nostdlib"):
		build("hello", "write", hello, "nolibc.c")
	case k.compile[0] == "g++":
		build("hello", "write "+describe, hello, "hello.cc")
	default:
		build("hello", "write", hello, "hello.c")
		build("signals", "write "+raising+" "+later, hello, "signals.c", "-lrt")
		if !k.shared {
			build("user", "write", hello, "user.c", "library.c")
			break
		}
		build("library.so", "", outcome{}, "-shared", "-fPIC", "library.c")
		list = list[:len(list)-1]
		build("user", "write", hello, "user.c", "-L"+dir, "-l:library.so", "-Wl,-rpath,$ORIGIN")
		lost := filepath.Join(t.TempDir(), "user")
		if err := os.Link(filepath.Join(dir, "user"), lost); err != nil {
			t.Fatal(err)
		}
		list = append(list, started{"user without its library", []string{lost}, "", outcome{out: "library.so", code: 127}})
	}
	return list
}

func goBuild(t *testing.T, goarch, out, pkg string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+goarch)
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s for %s: %v\n%s", pkg, goarch, err, msg)
	}
}

// A launcher runs commands under policies by the loader.
type launcher struct {
	loader string
	abis   []*arch.ABI // of the policies, native first
	dir    string
	cache  map[string]string // blobs by policy text
}

func newLauncher(t *testing.T) *launcher {
	t.Helper()
	l := &launcher{filepath.Join(t.TempDir(), "seccomp-load"), []*arch.ABI{arch.Host()}, t.TempDir(), map[string]string{}}
	if l.abis[0] == nil {
		t.Skipf("no ABI for %s", runtime.GOARCH)
	}
	if runtime.GOARCH == "amd64" {
		l.abis = append(l.abis, arch.Lookup("i386"))
	}
	b, err := load.Read(l.blob(t, "default: kill_process\nrules: [{allow: [execve]}]"))
	if err == nil {
		err = load.Check(b)
	}
	if errors.Is(err, load.ErrUnsupported) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	goBuild(t, runtime.GOARCH, l.loader, "../cmd/seccomp-load")
	return l
}

func (l *launcher) blob(t *testing.T, rules string) string {
	t.Helper()
	if file, ok := l.cache[rules]; ok {
		return file
	}
	var names []string
	for _, abi := range l.abis {
		names = append(names, abi.Name)
	}
	r, diags := compiler.Compile("startup.yaml", []byte("seccompc: 1\n"+rules+"\n"), compiler.Options{Targets: []string{strings.Join(names, "+")}})
	if r == nil {
		t.Fatal(diags)
	}
	file := filepath.Join(l.dir, fmt.Sprintf("%d.seccomp", len(l.cache)))
	if err := os.WriteFile(file, r.Bytes, 0o666); err != nil {
		t.Fatal(err)
	}
	l.cache[rules] = file
	return file
}

// run runs a command where everything but the calls and groups given kills it.
func (l *launcher) run(t *testing.T, allowed, command []string) outcome {
	t.Helper()
	policy := "default: kill_process\nunknown: kill_process\nrules: [{allow: ['" + strings.Join(allowed, "', '") + "']}]"
	cmd := exec.Command(l.loader, append([]string{l.blob(t, policy), "--"}, command...)...)
	return result(t, cmd)
}

func result(t *testing.T, cmd *exec.Cmd) outcome {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &out, []string{"LC_ALL=C"}
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return ended(out.String(), cmd.ProcessState.Sys().(syscall.WaitStatus))
}

func ended(out string, ws syscall.WaitStatus) outcome {
	o := outcome{out: out}
	if ws.Signaled() {
		o.signal = ws.Signal()
	} else {
		o.code = ws.ExitStatus()
	}
	return o
}

func (o outcome) is(want outcome) bool {
	return strings.Contains(o.out, want.out) && o.code == want.code && o.signal == want.signal
}

// watch runs a command under a policy that asks this process, as the tracer, for every call, and returns the names of the
// calls that it made. It lets all of them pass.
func (l *launcher) watch(t *testing.T, command []string) (outcome, map[string]bool) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	policy := "default: trace(1)\nunknown: trace(1)\nrules: [{allow: [execve]}]"
	cmd := exec.Command(l.loader, append([]string{l.blob(t, policy), "--"}, command...)...)
	cmd.Stdout, cmd.Stderr, cmd.Env = out, out, []string{"LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Setpgid: true}
	runtime.LockOSThread() // a tracee obeys one thread
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); errors.Is(err, syscall.EPERM) {
		t.Skipf("no program can be traced here: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Release()
	pid, made := cmd.Process.Pid, map[string]bool{"execve": true}
	var ws, last syscall.WaitStatus
	const options = unix.PTRACE_O_TRACESECCOMP | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_EXITKILL
	if _, err := syscall.Wait4(pid, &ws, 0, nil); err != nil || !ws.Stopped() {
		t.Fatalf("the loader does not stop: %v, status %#x", err, ws)
	}
	if err := errors.Join(syscall.PtraceSetOptions(pid, options), syscall.PtraceCont(pid, 0)); err != nil {
		t.Fatal(err)
	}
	for {
		id, err := syscall.Wait4(-pid, &ws, unix.WALL, nil) // the group is the program's, so other children are left alone
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.ECHILD):
			text, err := os.ReadFile(out.Name())
			if err != nil {
				t.Fatal(err)
			}
			return ended(string(text), last), made
		case err != nil:
			t.Fatal(err)
		case !ws.Stopped():
			if id == pid {
				last = ws
			}
			continue
		}
		sig := ws.StopSignal()
		switch {
		case ws.TrapCause() == unix.PTRACE_EVENT_SECCOMP:
			if name := l.call(t, id); name != "" {
				made[name] = true
			}
			sig = 0
		case sig == syscall.SIGTRAP, sig == syscall.SIGSTOP: // another event; a new thread, or a program that stops itself
			sig = 0
		}
		if err := syscall.PtraceCont(id, int(sig)); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
	}
}

// call returns the name of the call that a thread is stopped before, or "" if another thread's exit_group has ended it
// meanwhile: it never makes the call.
func (l *launcher) call(t *testing.T, id int) string {
	t.Helper()
	var info struct { // struct ptrace_syscall_info of linux/ptrace.h
		op    uint8
		_     [3]uint8
		audit uint32
		_, _  uint64
		nr    uint64
		_     [8]uint64
	}
	if _, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(id), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0); errno == unix.EIO {
		t.Skip("the kernel is older than 5.3 and does not tell a traced program's calls")
	} else if errno == unix.ESRCH {
		return ""
	} else if errno != 0 {
		t.Fatal(errno)
	}
	for _, abi := range l.abis {
		if abi.Audit == info.audit {
			if name, ok := abi.SyscallName(uint32(info.nr)); ok {
				return name
			}
		}
	}
	return fmt.Sprintf("%d of %#x", info.nr, info.audit)
}

func members(t *testing.T, group string) []string {
	t.Helper()
	g := policy.Builtin(group)
	if g == nil {
		t.Fatalf("no group %s", group)
	}
	return g.Calls
}

// TestStartup runs programs of each kind under exactly one start-up set and what they say they add. What the sets hold
// beyond the needs of these runs is logged; groups.txt has the reason for each.
func TestStartup(t *testing.T) {
	l := newLauncher(t)
	native, needed := l.abis[0], map[string]map[string]bool{}
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			for i, p := range k.programs(t) {
				free := exec.Command(p.command[0], p.command[1:]...)
				if _, err := free.CombinedOutput(); errors.Is(err, syscall.ENOEXEC) {
					t.Skipf("this kernel runs no program of %s", k.name)
				}
				got, made := l.watch(t, p.command)
				if !got.is(p.want) {
					t.Fatalf("%s without a filter: %+v, want %+v", p.name, got, p.want)
				}
				for _, group := range k.groups {
					calls := append(strings.Fields(p.adds), members(t, group)...)
					for call := range made {
						if !slices.Contains(calls, call) {
							t.Errorf("%s makes the call %s, which %s lacks", p.name, call, group)
						}
						if needed[group] == nil {
							needed[group] = map[string]bool{}
						}
						if !slices.Contains(strings.Fields(p.adds), call) && !strings.HasSuffix(k.name, "i386") {
							needed[group][call] = true
						}
					}
					if got := l.run(t, append(strings.Fields(p.adds), group), p.command); !got.is(p.want) {
						t.Errorf("%s under %s: %+v, want %+v", p.name, group, got, p.want)
					}
					if i == 0 && k.compile[0] != "go" { // the calls of Go's threads differ from run to run
						l.needs(t, p, made, calls)
					}
				}
			}
		})
	}
	for _, group := range slices.Sorted(maps.Keys(needed)) {
		var rest []string
		for _, call := range members(t, group) {
			if _, ok := native.Number(call); ok && !needed[group][call] {
				rest = append(rest, call)
			}
		}
		t.Logf("%s on %s: %d calls needed by these runs, not needed: %s", group, native.Name, len(needed[group]), strings.Join(rest, " "))
	}
}

// needs takes one after the other of the calls that a program makes from those it may make, and wants it not to run: what a
// set lacks is noticed.
func (l *launcher) needs(t *testing.T, p started, made map[string]bool, calls []string) {
	t.Helper()
	for call := range made {
		less := slices.DeleteFunc(slices.Clone(calls), func(c string) bool { return c == call })
		if got := l.run(t, less, p.command); got.is(p.want) {
			t.Errorf("%s runs without %s", p.name, call)
		}
	}
}

// TestStartupElsewhere runs Go programs of other ABIs in QEMU's user emulation, where it is installed, and wants each call
// that it reports in the set.
func TestStartupElsewhere(t *testing.T) {
	known := regexp.MustCompile(`(?m)^\d+ ([a-z_0-9]+)\(`)
	unknown := regexp.MustCompile(`(?m)^\d+ Unknown syscall (\d+)`)
	for _, abi := range arch.All() {
		if abi.GOARCH == "" || abi == arch.Host() {
			continue
		}
		t.Run(abi.Name, func(t *testing.T) {
			name := strings.Replace(abi.Name, "mipsel64", "mips64el", 1)
			emulator, err := exec.LookPath("qemu-" + name + "-static")
			if err != nil {
				emulator, err = exec.LookPath("qemu-" + name)
			}
			if err != nil {
				t.Skipf("Go for %s is not tried: %v", abi.Name, err)
			}
			p := filepath.Join(t.TempDir(), "program")
			goBuild(t, abi.GOARCH, p, "./testdata/startup/go")
			allowed := append(strings.Fields(describe), members(t, "@startup-go")...)
			seen := 0
			for _, args := range [][]string{{"hello"}, {"work", "/proc/self/status"}} {
				got := result(t, exec.Command(emulator, append([]string{"-strace", p}, args...)...))
				var calls []string
				for _, m := range known.FindAllStringSubmatch(got.out, -1) {
					if _, ok := abi.Number(m[1]); ok { // else it is a piece of two lines in one
						calls = append(calls, m[1])
					}
				}
				for _, m := range unknown.FindAllStringSubmatch(got.out, -1) {
					nr, _ := strconv.ParseUint(m[1], 10, 32)
					call, _ := abi.SyscallName(uint32(nr))
					calls = append(calls, call)
				}
				slices.Sort(calls)
				calls = slices.Compact(calls)
				seen = max(seen, len(calls))
				for _, call := range calls {
					if !slices.Contains(allowed, call) {
						t.Errorf("%s makes the call %q, which @startup-go lacks", args[0], call)
					}
				}
			}
			if seen < 15 {
				t.Errorf("%d calls seen", seen)
			}
		})
	}
}
