package load

import (
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A sigaction has room for struct sigaction of rt_sigaction(2) on every machine. All zero it is SIG_DFL. The handler is its
// first word, on MIPS its second.
type sigaction [8]uintptr

const (
	sigIgn = 1
	nsig   = 64
)

// sigset returns the word of a sigaction that has the handler, and the size of a signal set in bytes.
//
//go:nosplit
func sigset() (handler, size uintptr) {
	switch runtime.GOARCH {
	case "mips", "mipsle", "mips64", "mips64le":
		return 1, 16
	}
	return 0, 8
}

// SignalState returns the signals that the process ignores and those that the thread blocks: bit n-1 for signal n.
// Seccomp-load calls it before the Go runtime has started, for that changes both.
//
//go:nosplit
func SignalState() (ignored, blocked uint64, err syscall.Errno) {
	handler, size := sigset()
	for sig := uintptr(1); sig <= nsig; sig++ {
		var now sigaction
		_, _, errno := syscall.RawSyscall6(unix.SYS_RT_SIGACTION, sig, 0, uintptr(unsafe.Pointer(&now)), size, 0, 0)
		if errno != 0 {
			err = errno
		}
		if now[handler&1] == sigIgn {
			ignored |= 1 << (sig - 1)
		}
	}
	var set [4]uintptr // longs, the low one first
	_, _, errno := syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, 0, 0, uintptr(unsafe.Pointer(&set)), size, 0, 0)
	if errno != 0 {
		err = errno
	}
	blocked = uint64(set[0])
	if unsafe.Sizeof(set[0]) == 4 {
		blocked |= uint64(set[1]) << 32
	}
	return ignored, blocked, err
}

// resetSignals does what an execve would do, and puts more signals to those that are ignored and blocked.
func resetSignals(ignored, blocked uint64) error {
	still, _, errno := SignalState()
	if errno != 0 {
		return &wrapped{"signal state", errno}
	}
	ignored |= still
	handler, size := sigset()
	// Blocked first: what the runtime sends itself (SIGURG) is dropped when it is reset, and not left pending.
	set := [4]uintptr{uintptr(blocked)}
	if unsafe.Sizeof(set[0]) == 4 {
		set[1] = uintptr(blocked >> 32)
	}
	if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, uintptr(unsafe.Pointer(&set)), 0, size, 0, 0); errno != 0 {
		return &wrapped{"rt_sigprocmask", errno}
	}
	for sig := uintptr(1); sig <= nsig; sig++ {
		var action sigaction
		if ignored&(1<<(sig-1)) != 0 {
			action[handler&1] = sigIgn
		}
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&action)), 0, size, 0, 0)
		if errno != 0 && sig != uintptr(unix.SIGKILL) && sig != uintptr(unix.SIGSTOP) {
			return &wrapped{"rt_sigaction: signal " + strconv.Itoa(int(sig)), errno}
		}
	}
	return nil
}
