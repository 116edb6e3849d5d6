package load_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/blob/load"
)

// What a filter does can't be undone, so each case runs in a process of its own: this test binary, told what to do.
const role = "SECCOMPC_TEST_ROLE"

func TestMain(m *testing.M) {
	if r := os.Getenv(role); r != "" {
		if err := roles[r](); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func as(r string) (string, error) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), role+"="+r)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// denies returns a blob that answers a syscall of this machine with errno 2000 and allows all others.
func denies(nr uint32) *blob.Blob { return answers(nr, 0x00050000|2000) }

func answers(nr, action uint32) *blob.Blob {
	abi, order, err := load.Host()
	if err != nil {
		panic(err)
	}
	var p []byte
	for _, in := range [][4]uint32{
		{0x20, 0, 0, 0}, {0x15, 0, 1, nr}, {0x06, 0, 0, action}, {0x06, 0, 0, 0x7fff0000},
	} {
		p = binary.NativeEndian.AppendUint16(p, uint16(in[0]))
		p = append(p, byte(in[1]), byte(in[2]))
		p = binary.NativeEndian.AppendUint32(p, in[3])
	}
	return &blob.Blob{Name: "test", Install: blob.Exec, Targets: []blob.Target{
		{Label: "host", ABIs: []blob.ABI{abi}, Order: order, Program: p, Allows: blob.AllowsExecve | blob.AllowsPrctl}}}
}

func denied() bool {
	_, _, errno := unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
	return errno == 2000
}

var roles = map[string]func() error{
	"thread": func() error {
		runtime.LockOSThread()
		if err := load.Thread(denies(unix.SYS_GETPPID)); err != nil {
			return err
		}
		other := make(chan bool)
		go func() {
			runtime.LockOSThread()
			other <- denied()
		}()
		if !denied() || <-other {
			return errors.New("the filter is not on this thread, or not on this thread alone")
		}
		return nil
	},
	"complaining": func() error {
		runtime.LockOSThread()
		b := denies(unix.SYS_GETPPID)
		b.Complain = true
		for how, install := range map[string]func(*blob.Blob) error{"Thread": load.Thread, "Process": load.Process,
			"Listener": func(b *blob.Blob) error { _, err := load.Listener(b); return err }} {
			if err := install(b); err == nil || !strings.Contains(err.Error(), "policy test complains: ") || load.Active() {
				return fmt.Errorf("%s of a blob that complains: %v, a filter is on: %v", how, err, load.Active())
			}
		}
		b.Complain = false
		if err := load.Thread(b); err != nil || !denied() {
			return fmt.Errorf("it is not installed as it is: %v", err)
		}
		return nil
	},
	"process": func() error {
		const threads = 16
		var ready, done sync.WaitGroup
		installed := make(chan bool)
		free := make(chan int, threads)
		for i := range threads {
			ready.Add(1)
			done.Add(1)
			go func() {
				defer done.Done()
				runtime.LockOSThread()
				ready.Done()
				<-installed
				if !denied() {
					free <- i
				}
			}()
		}
		ready.Wait()
		if err := load.Process(denies(unix.SYS_GETPPID)); err != nil {
			return err
		}
		close(installed)
		done.Wait()
		if len(free) > 0 {
			return fmt.Errorf("%d threads without the filter", len(free))
		}
		return nil
	},
	// A thread that has a filter of its own can't take over another one: the kernel answers with its id.
	"refusing": func() error {
		started, end := make(chan error), make(chan bool)
		go func() {
			runtime.LockOSThread()
			started <- load.Thread(denies(unix.SYS_GETPPID))
			<-end
		}()
		if err := <-started; err != nil {
			return err
		}
		err := load.Process(denies(unix.SYS_GETPPID))
		var refusing *load.ThreadError
		if !errors.As(err, &refusing) || refusing.TID <= 0 || refusing.TID == unix.Gettid() {
			return fmt.Errorf("error %v", err)
		}
		if denied() {
			return errors.New("the filter is on in spite of the error")
		}
		close(end)
		return nil
	},
	"flags": func() error {
		runtime.LockOSThread()
		b := denies(unix.SYS_GETPPID)
		b.Flags = blob.FlagLog | blob.FlagSpecAllow
		if err := load.Thread(b); err != nil || !denied() {
			return fmt.Errorf("error %v, denied %t", err, denied())
		}
		return nil
	},
	"none": func() error {
		err := load.Exec(load.Command{Path: "/bin/true", Args: []string{"true"}})
		if err == nil {
			return errors.New("a command without a filter")
		}
		return nil
	},
	"exec": func() error {
		return load.Exec(load.Command{Path: "/bin/sh", Args: []string{"sh", "-c", "grep ^Seccomp: /proc/self/status; echo $X"},
			Env: []string{"X=env", "PATH=/bin:/usr/bin"}}, denies(unix.SYS_GETPPID))
	},
	"missing": func() error {
		err := load.Exec(load.Command{Path: "/no/such/file", Args: []string{"x"}}, denies(unix.SYS_GETPPID))
		var failed *load.ExecError
		if !errors.As(err, &failed) || !errors.Is(err, unix.ENOENT) || !denied() {
			return fmt.Errorf("error %v, denied %t", err, denied())
		}
		return nil
	},
}

func TestInstall(t *testing.T) {
	for _, r := range []string{"thread", "complaining", "process", "refusing", "flags", "none", "missing"} {
		if out, err := as(r); err != nil {
			t.Errorf("%s: %v: %s", r, err, out)
		}
	}
	if out, err := as("exec"); err != nil || out != "Seccomp:\t2\nenv\n" {
		t.Errorf("exec: %v: %q", err, out)
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		fault string
		spoil func(*blob.Blob)
		want  string
	}{
		{"none", func(*blob.Blob) {}, ""},
		{"no program for this machine", func(b *blob.Blob) { b.Targets[0].ABIs[0].Audit ^= 1 }, "has no program for " + runtime.GOARCH + ": it has host"},
		{"the other byte order", func(b *blob.Blob) { b.Targets[0].Order = 3 - b.Targets[0].Order }, "has no program"},
		{"kernel of the future", func(b *blob.Blob) { b.Kernel = blob.Version(99, 2, 0) }, "assumes Linux 99.2.0 or newer"},
		{"kernel of the past", func(b *blob.Blob) { b.Kernel = blob.Version(2, 6, 32) }, ""},
		{"unknown flag", func(b *blob.Blob) { b.Flags = 1 << 30 }, "needs the filter flag 0x40000000: this kernel refuses it: invalid argument"},
		{"known flags", func(b *blob.Blob) { b.Flags = blob.FlagLog | blob.FlagSpecAllow }, ""},
		{"every action", func(b *blob.Blob) { b.Targets[0].Actions = 0xff }, ""},
	} {
		b := denies(unix.SYS_GETPPID)
		tt.spoil(b)
		err := load.Check(b)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: error %v, want %q", tt.fault, err, tt.want)
		}
	}
}

func TestExecRefuses(t *testing.T) {
	command := load.Command{Path: "/bin/true", Args: []string{"true"}}
	for _, tt := range []struct {
		fault string
		blobs func() []*blob.Blob
		want  string
	}{
		{"execve denied", func() []*blob.Blob {
			b := denies(unix.SYS_EXECVE)
			b.Targets[0].Allows = 0
			return []*blob.Blob{b}
		}, "policy test denies execve, which no rule allows"},
		{"install self", func() []*blob.Blob {
			b := denies(unix.SYS_GETPPID)
			b.Install = blob.Self
			return []*blob.Blob{b}
		}, "install: self"},
		{"prctl denied to the next", func() []*blob.Blob {
			b := denies(unix.SYS_PRCTL)
			b.Targets[0].Allows = blob.AllowsExecve
			return []*blob.Blob{b, denies(unix.SYS_GETPPID)}
		}, "policy test denies prctl"},
		{"seccomp denied to the next", func() []*blob.Blob {
			last := denies(unix.SYS_GETPPID)
			last.Flags = blob.FlagLog
			return []*blob.Blob{denies(unix.SYS_SECCOMP), last}
		}, "policy test denies seccomp(2)"},
		{"prctl denied to the last but one", func() []*blob.Blob {
			first, last := denies(unix.SYS_PRCTL), denies(unix.SYS_GETPPID)
			first.Targets[0].Allows = blob.AllowsExecve | blob.AllowsSeccomp
			middle := denies(unix.SYS_GETPPID)
			middle.Flags, middle.Targets[0].Allows = blob.FlagLog, blob.AllowsExecve|blob.AllowsPrctl
			return []*blob.Blob{first, middle, last}
		}, "policy test denies prctl"},
		{"seccomp denied to the last but one", func() []*blob.Blob {
			last := denies(unix.SYS_GETPPID)
			last.Flags = blob.FlagLog
			return []*blob.Blob{denies(unix.SYS_SECCOMP), denies(unix.SYS_GETPPID), last}
		}, "policy test denies seccomp(2)"},
		{"NUL in the path", func() []*blob.Blob { command.Path = "/bin/\x00true"; return []*blob.Blob{denies(unix.SYS_GETPPID)} }, "invalid argument"},
	} {
		err := load.Exec(command, tt.blobs()...)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.fault, err, tt.want)
		}
	}
	if n, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0); n != 0 || err != nil {
		t.Errorf("a refused Exec left seccomp mode %d, error %v", n, err)
	}
}

// TestReadAgain: reading leaves no descriptor open, whatever came of it.
func TestReadAgain(t *testing.T) {
	valid, err := blob.Encode(denies(unix.SYS_GETPPID))
	if err != nil {
		t.Fatal(err)
	}
	good, bad := filepath.Join(t.TempDir(), "good"), filepath.Join(t.TempDir(), "bad")
	if err := errors.Join(os.WriteFile(good, valid, 0o600), os.WriteFile(bad, valid[:50], 0o600)); err != nil {
		t.Fatal(err)
	}
	open := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	before := open()
	for range 50_000 {
		if _, err := load.Read(good); err != nil {
			t.Fatal(err)
		}
		if _, err := load.Read(bad); err == nil {
			t.Fatal("half a blob is taken for one")
		}
	}
	if after := open(); after > before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	valid, err := blob.Encode(denies(unix.SYS_GETPPID))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		file("valid", valid):                        "",
		file("empty", nil):                          "empty file",
		file("large", make([]byte, blob.MaxSize+1)): "a blob has at most",
		file("text", []byte("seccompc: 1\n")):       "not a blob",
		file("cut", valid[:len(valid)-1]):           "the header says",
		filepath.Join(dir, "missing"):               "no such file or directory",
		dir:                                         "is a directory",
		fifo:                                        "not a regular file",
		"/dev/zero":                                 "not a regular file",
		"/proc/version":                             "empty file",
	} {
		b, err := load.Read(path)
		switch {
		case want == "" && (err != nil || b.Name != "test"):
			t.Errorf("%s: %v", path, err)
		case want != "" && (err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
}
