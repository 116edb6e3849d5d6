package load_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/blob/load"
)

// These tests hold docs/answers.md to the truth.

func init() {
	roles["operations"] = operations
	roles["inherit"] = inherit
	roles["inherited"] = inherited
	roles["classic"] = classic
	roles["pointers"] = pointers
}

func TestAnswers(t *testing.T) {
	for _, r := range []string{"operations", "inherit", "classic", "pointers"} {
		t.Run(r, func(t *testing.T) {
			t.Parallel()
			if out, err := as(r); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// filters counts the filters of this thread, as /proc has it since Linux 5.9.
func filters() (n int, err error) {
	status, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return 0, err
	}
	_, after, found := strings.Cut(string(status), "Seccomp_filters:")
	if !found {
		return 0, errors.New("no Seccomp_filters")
	}
	_, err = fmt.Sscan(after, &n)
	return n, err
}

// fprog is a filter of this machine's instructions.
func fprog(code ...unix.SockFilter) uintptr {
	return uintptr(unsafe.Pointer(&unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}))
}

var allowAll = unix.SockFilter{Code: 0x06, K: 0x7fff0000}

func operations() error {
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	before, err := filters()
	if err != nil {
		return err
	}
	const tsync, log, specAllow, listener, esrch, killable = 1, 2, 4, 8, 16, 32
	install := func(flags uintptr) (uintptr, error) {
		ret, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, fprog(allowAll))
		if errno != 0 {
			return 0, errno
		}
		return ret, nil
	}
	if _, err := install(tsync | log | specAllow); err != nil {
		return fmt.Errorf("three flags in one call: %w", err)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, fprog(allowAll)); errno != 0 {
		return fmt.Errorf("prctl: %w", errno)
	}
	if n, err := filters(); err != nil || n != before+2 {
		return fmt.Errorf("%d filters after two calls, %d before, error %v", n, before, err)
	}
	for flags, why := range map[uintptr]string{
		listener | tsync: "both answer by the return value",
		killable:         "there is no listener",
		1 << 30:          "nobody knows it",
	} {
		if _, err := install(flags); !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("flags %#x: error %v, though %s", flags, err, why)
		}
	}
	if fd, err := install(listener | tsync | esrch | killable); err != nil || unix.Close(int(fd)) != nil {
		return fmt.Errorf("a listener for all threads: %d, error %w", fd, err)
	}
	return nil
}

func inherit() error {
	runtime.LockOSThread()
	if err := load.Thread(denies(unix.SYS_GETPPID)); err != nil {
		return err
	}
	n, err := filters()
	if err != nil {
		return err
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), role+"=inherited", fmt.Sprint("FILTERS=", n), "AGAIN=1")
	// In a user namespace of its own it has all capabilities. They don't lift the filter either.
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWUTS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EACCES) { // no user namespaces here
		cmd = exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), role+"=inherited", fmt.Sprint("FILTERS=", n))
		out, err = cmd.CombinedOutput()
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func inherited() error {
	runtime.LockOSThread()
	check := func(when string) error {
		if n, err := filters(); err != nil || fmt.Sprint(n) != os.Getenv("FILTERS") || !denied() {
			return fmt.Errorf("%s: %d filters, denied %v, error %v", when, n, denied(), err)
		}
		return nil
	}
	if err := check("after fork and exec"); err != nil || os.Getenv("AGAIN") == "" {
		return err
	}
	uts, err := unix.Open("/proc/thread-self/ns/uts", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_NEWUTS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if err := check("after unshare"); err != nil {
		return err
	}
	if err := unix.Setns(uts, unix.CLONE_NEWUTS); err != nil {
		return fmt.Errorf("setns: %w", err)
	}
	if err := check("after setns"); err != nil {
		return err
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "AGAIN=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// classic tries what a program for the eBPF machine would need.
func classic() error {
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	for code, what := range map[uint16]string{
		0x85: "call of a helper", 0x18: "64-bit constant, as of a map or a relocated field", 0x61: "load through a pointer", 0x63: "store through a pointer",
		0xb7: "64-bit move", 0x95: "exit", 0x28: "LD H ABS", 0x30: "LD B ABS", 0xb1: "LDX B MSH",
	} {
		_, _, errno := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, fprog(unix.SockFilter{Code: code}, allowAll))
		if errno != unix.EINVAL {
			return fmt.Errorf("%s (%#x): errno %v", what, code, errno)
		}
	}
	_, _, errno := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, fprog(unix.SockFilter{Code: 0x20}, allowAll))
	if errno != 0 {
		return fmt.Errorf("LD W ABS: %w", errno)
	}
	return nil
}

// pointers opens one path by two addresses, of which the filter denies one, and then another path by the denied one.
func pointers() error {
	runtime.LockOSThread()
	one, two := [16]byte([]byte("/dev/null\x00.......")), [16]byte([]byte("/dev/null\x00......."))
	var pinner runtime.Pinner
	pinner.Pin(&one)
	pinner.Pin(&two)
	defer pinner.Unpin()
	low := uint32(16 + 8) // openat's path is argument 1
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		low += 4
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, errno := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, fprog(
		unix.SockFilter{Code: 0x20}, unix.SockFilter{Code: 0x15, Jf: 3, K: unix.SYS_OPENAT},
		unix.SockFilter{Code: 0x20, K: low}, unix.SockFilter{Code: 0x15, Jf: 1, K: uint32(uintptr(unsafe.Pointer(&one)))},
		unix.SockFilter{Code: 0x06, K: 0x00050000 | 2000}, allowAll))
	if errno != 0 {
		return errno
	}
	open := func(path *[16]byte) syscall.Errno {
		dir := unix.AT_FDCWD
		_, _, errno := unix.RawSyscall6(unix.SYS_OPENAT, uintptr(dir), uintptr(unsafe.Pointer(path)), unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
		return errno
	}
	if a, b := open(&one), open(&two); a != 2000 || b != 0 {
		return fmt.Errorf("the same path: %v by one address, %v by the other", a, b)
	}
	copy(one[:], "/dev/zero\x00")
	if a := open(&one); a != 2000 {
		return fmt.Errorf("another path at the same address: %v", a)
	}
	return nil
}
