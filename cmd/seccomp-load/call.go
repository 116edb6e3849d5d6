//go:build linux && !amd64

package main

import "syscall"

// call makes a system call.
//
//go:nosplit
func call(nr, a, b, c, d, e uintptr) (ret, errno uintptr) {
	ret, _, err := syscall.RawSyscall6(nr, a, b, c, d, e, 0)
	return ret, uintptr(err)
}
