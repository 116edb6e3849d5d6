// Package enter makes system calls with every bit of every register as told, for tests.
package enter

// Registers are a call's number and its six arguments.
type Registers [7]uint64

// Native is the instruction SYSCALL. It returns the kernel's result, -errno if the call failed.
//
//go:noescape
func Native(regs *Registers) int64

// Int80 is the instruction INT 0x80, which takes i386's numbers and the low halves of i386's registers.
//
//go:noescape
func Int80(regs *Registers) int64

// ForkNative makes a process that makes the call and ends, if the call lets it, with the status errno, 0 if it
// succeeded. A child the call makes does the same. It returns the process id or -errno.
func ForkNative(regs *Registers) int64

// ForkInt80 is ForkNative for Int80.
func ForkInt80(regs *Registers) int64

// ForkEach makes a process that makes n calls, one after the other whatever comes of them, and ends, if they let it, by
// exit (not exit_group) with the status errno of the last. It returns the process id or -errno.
func ForkEach(regs *Registers, n int) int64
