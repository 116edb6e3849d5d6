package compiler_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/arch"
)

const powerlessEnv = "SECCOMPC_TEST_POWERLESS" // set in the process without capabilities

// powerless runs the calling test again, in a process that has no capability in any of its sets, is not root's and
// can't become so. There it returns true, and what is in the file, which that process may not be able to open. Here
// it passes on how the test ended there.
func powerless(t *testing.T, file string) (bool, string) {
	t.Helper()
	if os.Getenv(powerlessEnv) != "" {
		checkPowerless(t)
		text, err := io.ReadAll(os.Stdin)
		if err != nil {
			t.Fatal(err)
		}
		return true, string(text)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := exec.Command("/proc/self/exe", "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), powerlessEnv+"=yes")
	cmd.Stdin = f
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	ended := make(chan error)
	go func() { // what this thread gives up is gone, so it ends with the goroutine
		runtime.LockOSThread()
		ended <- func() error {
			if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
				return err
			}
			if os.Geteuid() != 0 {
				return cmd.Run()
			}
			for c := uintptr(0); unix.Prctl(unix.PR_CAPBSET_READ, c, 0, 0, 0) == nil; c++ {
				if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
					return fmt.Errorf("dropping capability %d of the bounding set: %w", c, err)
				}
			}
			header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
			var sets [2]unix.CapUserData
			if err := unix.Capget(&header, &sets[0]); err != nil {
				return err
			}
			sets[0].Inheritable, sets[1].Inheritable = 0, 0
			if err := unix.Capset(&header, &sets[0]); err != nil {
				return err
			}
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			return cmd.Run()
		}()
	}()
	err = <-ended
	text := strings.TrimSpace(out.String())
	switch errno := syscall.Errno(0); {
	case errors.As(err, &errno) && !machineRoot():
		t.Skipf("this user namespace does not let its root become another user: %v", err)
	case err != nil:
		t.Errorf("without capabilities: %v\n%s", err, text)
	case !strings.Contains(text, "--- PASS: "+t.Name()+" ") && !strings.Contains(text, "--- SKIP: "+t.Name()+" "):
		t.Errorf("the test does not run without capabilities:\n%s", text)
	case strings.Contains(text, "--- SKIP"):
		t.Skipf("not all of it, without capabilities:\n%s", text)
	default:
		t.Logf("without capabilities:\n%s", text)
	}
	return false, ""
}

// machineRoot reports whether this process is root, and not only in a user namespace: there root has all capabilities, and
// much is refused.
func machineRoot() bool {
	ids, err := os.ReadFile("/proc/self/uid_map")
	return os.Geteuid() == 0 && (err != nil || strings.Join(strings.Fields(string(ids)), " ") == "0 0 4294967295")
}

// checkPowerless wants the whole process to be without capabilities. A user who isn't root can't empty the bounding set,
// of which no_new_privs lets nothing out.
func checkPowerless(t *testing.T) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	sets := "Inh|Prm|Eff|Amb"
	if os.Geteuid() == 65534 {
		sets += "|Bnd"
	}
	if n := len(regexp.MustCompile(`(?m)^(Cap(`+sets+`):\t0+|NoNewPrivs:\t1)$`).FindAll(status, -1)); n != strings.Count(sets, "|")+2 || os.Geteuid() == 0 {
		t.Fatalf("this process has powers left:\n%s", status)
	}
}

// A request is a system call with what is in its registers.
type request struct {
	nr   uintptr
	args [6]uintptr
}

// previous as an argument stands for what the call before returned.
const previous = ^uintptr(0x5ecc)

func call(nr uintptr, args ...uintptr) request {
	r := request{nr: nr}
	copy(r.args[:], args)
	return r
}

// cloneCall is clone with flags, which are not everywhere in the first register, as fork would make it.
func cloneCall(flags uintptr) request {
	p, _ := arch.Host().Param("clone", "flags")
	r := request{nr: unix.SYS_CLONE}
	r.args[p.Index] = flags | uintptr(unix.SIGCHLD)
	return r
}

// A shared is memory that a test has in common with the processes that it forks off.
type shared struct {
	mem  []byte
	used int
}

func share(t *testing.T) *shared {
	t.Helper()
	if arch.Host() == nil {
		t.Skipf("no ABI for %s", runtime.GOARCH)
	}
	mem, err := unix.Mmap(-1, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(mem) })
	return &shared{mem: mem}
}

// put returns the address of a copy of what v points to, a value of fixed size or a slice of such.
func (s *shared) put(v any) uintptr {
	n, err := binary.Encode(s.mem[s.used:], binary.NativeEndian, v)
	if err != nil {
		panic(err)
	}
	at := uintptr(unsafe.Pointer(&s.mem[s.used]))
	s.used += (n + 15) &^ 7
	return at
}

func (s *shared) str(text string) uintptr { return s.put(append([]byte(text), 0)) }

// fork makes a process by the call enter, and in that process the other calls, and returns what each of these returned,
// -errno if it failed. The error is that of enter, or says how the process died. It leads a session of its own.
//
//go:norace
func (s *shared) fork(enter request, calls ...request) ([]int64, error) {
	results := unsafe.Slice((*int64)(unsafe.Pointer(unsafe.SliceData(s.mem[len(s.mem)-8*len(calls):]))), len(calls))
	for i := range results {
		results[i] = 1 << 62 // not made
	}
	pid, _, errno := unix.RawSyscall6(enter.nr, enter.args[0], enter.args[1], enter.args[2], enter.args[3], enter.args[4], enter.args[5])
	if errno != 0 {
		return nil, errno
	}
	if pid == 0 { // no Go runtime in here: system calls, and no new memory
		unix.RawSyscall(unix.SYS_SETSID, 0, 0, 0)
		last := uintptr(0)
		for i := range calls {
			a := calls[i].args
			for j := range a {
				if a[j] == previous {
					a[j] = last
				}
			}
			r, _, errno := unix.RawSyscall6(calls[i].nr, a[0], a[1], a[2], a[3], a[4], a[5])
			last, results[i] = r, int64(r)
			if errno != 0 {
				results[i] = -int64(errno)
			}
		}
		for {
			unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
	}
	var ws unix.WaitStatus
	for {
		_, err := unix.Wait4(int(pid), &ws, 0, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil || !ws.Exited() {
			return nil, fmt.Errorf("the process ends with status %#x, error %v", ws, err)
		}
		return append([]int64(nil), results...), nil
	}
}

// failed returns the errno of a result, or 0.
func failed(result int64) unix.Errno {
	if result < 0 && result > -4096 {
		return unix.Errno(-result)
	}
	return 0
}

// namespacesForbidden says why a process without capabilities can't have a user namespace on this machine, as far as
// the machine tells, or "".
func namespacesForbidden(s *shared) string {
	const probe = unix.CLONE_NEWUSER | unix.CLONE_NEWUTS
	why := ""
	if _, err := os.Stat("/proc/self/ns/user"); err != nil {
		why = "this kernel has no user namespaces"
	} else if r, err := s.fork(cloneCall(probe), call(unix.SYS_SETHOSTNAME, s.str("test"), 4)); err != nil {
		why = fmt.Sprintf("clone(CLONE_NEWUSER): %v", err)
	} else if failed(r[0]) == unix.EPERM {
		if restricted, _ := os.ReadFile("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"); string(restricted) != "1\n" {
			return "" // then it is for the test to fail
		}
		why = "AppArmor takes the capabilities away in user namespaces"
	} else {
		return ""
	}
	for _, name := range []string{"user/max_user_namespaces", "kernel/unprivileged_userns_clone", "kernel/apparmor_restrict_unprivileged_userns"} {
		if value, err := os.ReadFile("/proc/sys/" + name); err == nil {
			why += fmt.Sprintf("; %s is %s", strings.ReplaceAll(name, "/", "."), bytes.TrimSpace(value))
		}
	}
	return why
}
