//go:build linux

// Package loadtest has older kernels, simulated by a filter, and what filters a process is really under, for the tests of
// what installs some.
package loadtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Become has seccomp(2) and statx(2) answer to this thread, and to what it starts and executes, as Linux major.minor does.
// It can't be undone. It sees no memory: kernels from 4.14 on have all of this one's actions.
func Become(major, minor int) error {
	before := func(otherMajor, otherMinor int) bool {
		return major < otherMajor || major == otherMajor && minor < otherMinor
	}
	arg := func(n uint32) unix.SockFilter { // its low word
		if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
			return unix.SockFilter{Code: 0x20, K: 16 + 8*n + 4}
		}
		return unix.SockFilter{Code: 0x20, K: 16 + 8*n}
	}
	unless := func(k uint32) unix.SockFilter { return unix.SockFilter{Code: 0x15, Jf: 1, K: k} }
	fails := func(errno unix.Errno) unix.SockFilter {
		return unix.SockFilter{Code: 0x06, K: unix.SECCOMP_RET_ERRNO | uint32(errno)}
	}
	passes := unix.SockFilter{Code: 0x06, K: unix.SECCOMP_RET_ALLOW}

	p := []unix.SockFilter{{Code: 0x20}} // the number
	if before(4, 11) {
		p = append(p, unless(unix.SYS_STATX), fails(unix.ENOSYS))
	}
	p = append(p, unix.SockFilter{Code: 0x15, Jt: 1, K: unix.SYS_SECCOMP}, passes)
	if before(3, 17) {
		p = append(p, fails(unix.ENOSYS))
	}
	p = append(p, arg(0))
	if before(4, 14) {
		p = append(p, unless(unix.SECCOMP_GET_ACTION_AVAIL), fails(unix.EINVAL))
	}
	if before(5, 0) {
		p = append(p, unless(unix.SECCOMP_GET_NOTIF_SIZES), fails(unix.EINVAL))
	}
	flags := uint32(unix.SECCOMP_FILTER_FLAG_TSYNC)
	for _, f := range []struct {
		flag         uint32
		major, minor int
	}{
		{unix.SECCOMP_FILTER_FLAG_LOG, 4, 14}, {unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW, 4, 17},
		{unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, 5, 0}, {unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH, 5, 7},
	} {
		if !before(f.major, f.minor) {
			flags |= f.flag
		}
	}
	p = append(p, unix.SockFilter{Code: 0x15, Jt: 1, K: unix.SECCOMP_SET_MODE_FILTER}, passes,
		arg(1), unix.SockFilter{Code: 0x45, Jf: 1, K: ^flags}, fails(unix.EINVAL), passes)

	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	_, _, errno := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return fmt.Errorf("PR_SET_SECCOMP: %w", errno)
	}
	return nil
}

// Programs reads the filters of a thread, a child's or one of its threads, oldest first, as PTRACE_SECCOMP_GET_FILTER of
// ptrace(2) has them: the bytes that were handed to the kernel. The caller must be locked to its thread, have CAP_SYS_ADMIN
// and be under no filter itself, and the kernel must be built with CONFIG_CHECKPOINT_RESTORE. The thread goes on afterwards.
func Programs(tid int) (programs [][]byte, err error) {
	if err := unix.PtraceSeize(tid); err != nil {
		return nil, fmt.Errorf("PTRACE_SEIZE: %w", err)
	}
	if err := unix.PtraceInterrupt(tid); err != nil {
		return nil, fmt.Errorf("PTRACE_INTERRUPT: %w", err)
	}
	if _, err := unix.Wait4(tid, nil, unix.WALL, nil); err != nil {
		return nil, fmt.Errorf("wait4: %w", err)
	}
	defer unix.PtraceDetach(tid)
	for {
		code := make([]byte, 8*4096)
		n, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_SECCOMP_GET_FILTER, uintptr(tid), uintptr(len(programs)), uintptr(unsafe.Pointer(&code[0])), 0, 0)
		switch {
		case errno == unix.ENOENT:
			return programs, nil
		case errno != 0:
			return nil, fmt.Errorf("PTRACE_SECCOMP_GET_FILTER: %w", errno)
		}
		programs = append(programs, code[:8*n])
	}
}

// Await prints the thread's id and waits for a byte on standard input: until somebody has read the thread's filters.
func Await() error {
	fmt.Println(unix.Gettid())
	_, err := unix.Read(0, make([]byte, 1))
	return err
}

// Fate makes a system call on a thread of its own, after before, and says what becomes of the thread: "passed" or "killed".
// Where the call kills the process, nothing is said.
func Fate(nr uintptr, before func() error) (string, error) {
	failed, passed, tid := make(chan error), make(chan bool), make(chan int)
	var thread func()
	thread = func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() { // its end would not show
			go thread()
			select {}
		}
		if err := before(); err != nil {
			failed <- err
			return
		}
		tid <- unix.Gettid()
		unix.RawSyscall(nr, 0, 0, 0)
		passed <- true
	}
	go thread()
	select {
	case err := <-failed:
		return "", err
	case id := <-tid:
		for range 1000 {
			select {
			case <-passed:
				return "passed", nil
			case <-time.After(10 * time.Millisecond):
			}
			if _, err := os.Stat(fmt.Sprint("/proc/self/task/", id)); err != nil {
				return "killed", nil
			}
		}
		return "", errors.New("the thread neither passes nor ends")
	}
}
