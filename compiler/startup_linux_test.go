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
		build("signals", "write "+later+" "+raising, hello, "signals.c", "-lrt")
		if k.shared {
			build("library.so", "", outcome{}, "-shared", "-fPIC", "library.c")
			list = list[:len(list)-1]
			build("user", "write", hello, "user.c", "library.so", "-L"+dir, "-l:library.so", "-Wl,-rpath,$ORIGIN")
		} else {
			build("user", "write", hello, "user.c", "library.c")
		}
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
