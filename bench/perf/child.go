//go:build linux && amd64

package main

import (
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// cycles reads the time stamp counter, after all that comes before and before all that comes after.
func cycles() uint64

// A job is what one child process does: make a call often, install a program, make the call as often again. It is
// memory that parent and child share. The child is a fork of this process in which the Go runtime doesn't run, so
// that its code allocates nothing, calls nothing that may grow the stack, and writes no pointers.
type job struct {
	// In.
	nr, arg uintptr // the call
	chunks  int     // 0: no calls
	n       uint16  // instructions
	insns   [4096]bpf.RawInstruction
	// Out.
	before, after [maxChunks]uint64 // cycles of chunkCalls calls each
	install       uint64            // cycles
	errno         syscall.Errno     // of the installation
	result        uintptr           // of the last call, or its errno, negative
	done          bool
}

const (
	chunkCalls = 100
	maxChunks  = 64
)

// newJob returns a job in shared memory, for one child after the other.
func newJob() (*job, error) {
	mem, err := syscall.Mmap(-1, 0, int(unsafe.Sizeof(job{})), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED|syscall.MAP_ANON)
	if err != nil {
		return nil, fmt.Errorf("shared memory: %w", err)
	}
	return (*job)(unsafe.Pointer(&mem[0])), nil
}

// run has a fresh process make the call in this many chunks, install prog, and make the calls again. The outcome is in
// the job. The program must let exit_group through.
func (j *job) run(prog []bpf.RawInstruction, nr, arg uintptr, chunks int) error {
	exit := resolve.Call{Arch: auditX86_64, NR: unix.SYS_EXIT_GROUP}
	if a, _, err := inspect.Run(prog, false, exit); err != nil || a != resolve.Allow {
		return fmt.Errorf("a process under the program can't exit: %v, %v", a, err)
	}
	*j = job{nr: nr, arg: arg, chunks: chunks, n: uint16(len(prog))}
	copy(j.insns[:], prog)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pid, errno := j.fork()
	if errno != 0 {
		return fmt.Errorf("clone: %w", errno)
	}
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(int(pid), &status, 0, nil)
		if err == nil {
			break
		}
		if err != syscall.EINTR {
			return fmt.Errorf("wait4: %w", err)
		}
	}
	switch {
	case j.errno != 0:
		return fmt.Errorf("install: %w", j.errno)
	case !j.done:
		return fmt.Errorf("the child ended early, status %#x", status)
	}
	return nil
}

//go:nosplit
//go:norace
func (j *job) fork() (pid uintptr, errno syscall.Errno) {
	pid, _, errno = syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	if pid != 0 || errno != 0 {
		return pid, errno
	}
	j.work()
	for {
		syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
	}
}

//go:nosplit
//go:norace
func (j *job) work() {
	prog := unix.SockFprog{Len: j.n, Filter: (*unix.SockFilter)(unsafe.Pointer(&j.insns[0]))}
	syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0)
	j.calls(&j.before)
	start := cycles()
	_, _, errno := syscall.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog)))
	j.install = cycles() - start
	if j.errno = errno; errno != 0 {
		return
	}
	j.calls(&j.after)
	j.done = true
}

//go:nosplit
//go:norace
func (j *job) calls(spent *[maxChunks]uint64) {
	for i := 0; i < j.chunks && i < maxChunks; i++ {
		start := cycles()
		for range chunkCalls {
			r, _, errno := syscall.RawSyscall(j.nr, j.arg, 0, 0)
			if errno != 0 {
				r = -uintptr(errno)
			}
			j.result = r
		}
		spent[i] = cycles() - start
	}
}

// fastest is what one call of the fastest chunk took, in cycles.
func (j *job) fastest(spent *[maxChunks]uint64) float64 {
	return float64(slices.Min(spent[:j.chunks])) / chunkCalls
}

// frequency measures the counter's cycles per microsecond against the monotonic clock.
func frequency() float64 {
	start, c := time.Now(), cycles()
	time.Sleep(100 * time.Millisecond)
	return float64(cycles()-c) / (float64(time.Since(start)) / 1000)
}
