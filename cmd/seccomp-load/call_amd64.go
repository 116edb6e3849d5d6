package main

// call makes a system call. That of package syscall lies in other pages of the program: to touch those costs more than
// the loader's system calls together.
//
//go:noescape
func call(nr, a, b, c, d, e uintptr) (ret, errno uintptr)

// tls is the thread-local storage of the direct entry: a nil g.
//
//lint:ignore U1000 the entry uses it
var tls [2]uintptr
