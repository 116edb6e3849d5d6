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

// IgnoredSignals returns the signals that the process ignores: bit n-1 for signal n. Seccomp-load calls it before the Go
// runtime has started, for that installs handlers.
//
//go:nosplit
func IgnoredSignals() (ignored uint64, err syscall.Errno) {
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
	return ignored, err
}

// resetSignals does what an execve would do, and puts more signals to those that are ignored.
func resetSignals(ignored uint64) error {
	still, errno := IgnoredSignals()
	if errno != 0 {
		return &wrapped{"rt_sigaction", errno}
	}
	ignored |= still
	handler, size := sigset()
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
