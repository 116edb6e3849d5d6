// Probe makes system calls exactly as it is told, with or without a filter: the tests use it to see what the kernel does.
//
//	probe [-filter FILE] <CALLS >RESULTS
//
// FILE is a raw struct sock_filter array. CALLS has a line per call: the door it goes through (native; on amd64 also
// int80, which leads to i386), the number and six arguments. RESULTS must be a regular file of 8 bytes per call: it is
// mapped, and each call's return value is stored there in host byte order, so that reporting needs no call that the
// filter might deny. A slot stays as it was if its call did not return. Package probetest does all this.
//
// The calls are made on one thread, which alone has the filter, with all signals blocked. A call that makes a child
// returns in the parent only. The exit code is 0, and 3 if the calls could not be made.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A call is a number and six arguments, as registers take them.
type call [7]uintptr

// A door makes a call and returns the register of its result, sign-extended where it has 32 bits.
type door struct {
	enter func(*call) int64
	forks map[uintptr]bool // numbers of calls that return in a child too
}

// forks tells the assembly that the call returns in a child too, in which 0 means: exit at once. It is a variable because
// a child on i386 has neither a register left nor a stack that it could trust.
//
//lint:ignore U1000 the assembly reads it
var forks uint32

type step struct {
	enter func(*call) int64
	forks uint32
	call  call
}

func init() {
	runtime.LockOSThread() // main stays on the first thread, whose end could not be seen
}

func main() {
	file := flag.String("filter", "", "install the program in `FILE` first")
	flag.Parse()
	steps, err := read(os.Stdin)
	var results []int64
	if err == nil {
		results, err = mapped(len(steps))
	}
	var program []byte
	if err == nil && *file != "" {
		program, err = os.ReadFile(*file)
	}
	if err != nil {
		fail(err)
	}
	debug.SetGCPercent(-1)
	tid := make(chan int)
	go func() {
		runtime.LockOSThread()
		tid <- unix.Gettid()
		perform(steps, results, program)
	}()
	for worker := <-tid; unix.Tgkill(os.Getpid(), worker, 0) == nil; {
		time.Sleep(time.Millisecond)
	}
	// The thread ended alone: by exit, or by a filter that kills threads.
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "probe:", err)
	os.Exit(3)
}

func read(r io.Reader) (steps []step, err error) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		var name string
		var c call
		var args [7]uint64
		if _, err := fmt.Sscan(lines.Text(), &name, &args[0], &args[1], &args[2], &args[3], &args[4], &args[5], &args[6]); err != nil {
			return nil, fmt.Errorf("call %q: %w", lines.Text(), err)
		}
		d, ok := doors[name]
		if !ok {
			return nil, fmt.Errorf("call %q: %s has no door %q", lines.Text(), runtime.GOARCH, name)
		}
		for i, a := range args {
			c[i] = uintptr(a)
		}
		s := step{enter: d.enter, call: c}
		if d.forks[c[0]] {
			s.forks = 1
		}
		steps = append(steps, s)
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("no calls")
	}
	return steps, nil
}

func mapped(n int) ([]int64, error) {
	m, err := unix.Mmap(1, 0, 8*n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mmap of standard output: %w", err)
	}
	return unsafe.Slice((*int64)(unsafe.Pointer(&m[0])), n), nil
}

// perform makes the calls and ends the process. Under the filter it makes no others.
func perform(steps []step, results []int64, program []byte) {
	var all unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, nil); err != nil {
		fail(fmt.Errorf("blocking signals: %w", err))
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		fail(fmt.Errorf("PR_SET_NO_NEW_PRIVS: %w", err))
	}
	if program != nil {
		f := unix.SockFprog{Len: uint16(len(program) / 8), Filter: (*unix.SockFilter)(unsafe.Pointer(&program[0]))}
		if _, _, errno := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&f))); errno != 0 {
			fail(fmt.Errorf("PR_SET_SECCOMP: %w", errno))
		}
	}
	enter(steps, results)
}

// enter makes the calls and ends the process. Being nosplit, as all that it calls, it has no place where the scheduler
// could take the thread away from it, which would need system calls of its own.
//
//go:nosplit
func enter(steps []step, results []int64) {
	for i := range steps {
		s := &steps[i]
		forks = s.forks
		results[i] = s.enter(&s.call)
	}
	forks = 0
	native(&call{unix.SYS_EXIT_GROUP})
	*(*int)(nil) = 0 // exit_group was denied; SIGSEGV is blocked, so this ends the process too
}
