package load

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// Active reports whether the calling thread is under a filter, whoever installed it, so that a program can refuse to run
// without one: a pod's `command:` or a compose file's `entrypoint:` drops seccomp-load without a word. Container
// runtimes install filters of their own, which count too. Where the filter kills for prctl(2), so does asking; such a
// policy is for programs that don't ask.
func Active() bool {
	mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
	switch err {
	case nil:
		return mode == unix.SECCOMP_MODE_FILTER
	case unix.EINVAL: // a kernel without seccomp says so, and maybe a filter
		fd, err := unix.Open("/proc/thread-self/status", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return false
		}
		defer unix.Close(fd)
		status := make([]byte, 8192)
		n, err := unix.Read(fd, status)
		return err == nil && bytes.Contains(status[:n], []byte("\nSeccomp:\t2\n"))
	}
	return true // only a filter answers so
}
