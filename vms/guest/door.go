//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
)

// A door is a way into the kernel.
type door struct {
	abi     *arch.ABI                                  // that filters see by it
	by      string                                     // how, for people, if it is not the usual way
	answers func(trials []trial, program []byte) error // makes calls under a filter that denies all of them but exit
	past    func(nr uint32) bool                       // whether this kernel answers a number's calls past any filter; nil: none
}

// A trial is a call and what the kernel answered.
type trial struct {
	nr    uintptr
	args  [6]uintptr
	errno syscall.Errno
}

// An entry is the instruction of a door.
type entry func(nr uintptr, args *[6]uintptr) syscall.Errno

// entries are the doors of programs of Go, by name.
var entries = map[string]entry{"native": native}

//go:nosplit
func native(nr uintptr, args *[6]uintptr) syscall.Errno {
	_, _, errno := syscall.RawSyscall6(nr, args[0], args[1], args[2], args[3], args[4], args[5])
	return errno
}

// A ledger is the memory that a process which makes calls shares with the one that wants to know the answers. The trials
// follow it.
type ledger struct {
	tid, errno uint32 // of the thread that makes the calls; of its installation of the filter
	done       atomic.Uint32
	count      uint32
}

const ledgerSize = 64

// share maps the file of a ledger.
func share(file *os.File, size int) (*ledger, error) {
	m, err := unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mmap: %w", err)
	}
	return (*ledger)(unsafe.Pointer(&m[0])), nil
}

func (l *ledger) trials() []trial {
	return unsafe.Slice((*trial)(unsafe.Add(unsafe.Pointer(l), ledgerSize)), l.count)
}

// by makes calls by an entry in a child, on a thread that has the filter alone and ends: what the runtime makes of such a
// thread is the child's trouble.
func by(name string) func(trials []trial, program []byte) error {
	return func(trials []trial, program []byte) error {
		dir, err := os.MkdirTemp("", "")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		size := ledgerSize + len(trials)*int(unsafe.Sizeof(trial{}))
		file, err := os.Create(filepath.Join(dir, "ledger"))
		if err != nil {
			return err
		}
		defer file.Close()
		if err := errors.Join(file.Truncate(int64(size)), os.WriteFile(filepath.Join(dir, "program"), program, 0o600)); err != nil {
			return err
		}
		l, err := share(file, size)
		if err != nil {
			return err
		}
		defer unix.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(l)), size))
		l.count = uint32(len(trials))
		copy(l.trials(), trials)
		cmd := exec.Command(beside(filepath.Base(os.Args[0])), "answer", name, dir)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			return err
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		defer cmd.Process.Kill()
		for range 60_000 {
			select {
			case err := <-ended:
				return fmt.Errorf("the process that makes the calls: %w", err)
			case <-time.After(5 * time.Millisecond):
			}
			task := fmt.Sprintf("/proc/%d/task/%d", cmd.Process.Pid, l.tid)
			if _, err := os.Stat(task); l.done.Load() != 0 && errors.Is(err, os.ErrNotExist) { // exit was let through
				copy(trials, l.trials())
				if l.errno != 0 {
					return fmt.Errorf("PR_SET_SECCOMP: %w", syscall.Errno(l.errno))
				}
				return nil
			}
		}
		return errors.New("the calls don't come to an end")
	}
}

func init() {
	roles["answer"] = func(args []string) {
		debug.SetGCPercent(-1) // nobody may have to wait for that thread
		file, err1 := os.OpenFile(filepath.Join(args[1], "ledger"), os.O_RDWR, 0)
		program, err2 := os.ReadFile(filepath.Join(args[1], "program"))
		info, err3 := file.Stat()
		if err := errors.Join(err1, err2, err3); err != nil {
			panic(err)
		}
		l, err := share(file, int(info.Size()))
		if err != nil {
			panic(err)
		}
		go answer(l, entries[args[0]], program)
		select {}
	}
}

func answer(l *ledger, enter entry, program []byte) {
	runtime.LockOSThread()
	var every unix.Sigset_t
	for i := range every.Val {
		every.Val[i] = ^every.Val[i]
	}
	if err := errors.Join(unix.PthreadSigmask(unix.SIG_SETMASK, &every, nil), unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); err != nil {
		panic(err)
	}
	l.tid = uint32(unix.Gettid())
	f := unix.SockFprog{Len: uint16(len(program) / blob.InstructionSize), Filter: (*unix.SockFilter)(unsafe.Pointer(&program[0]))}
	perform(enter, l, l.trials(), &f)
}

// perform installs the filter, makes the calls and ends the thread. Being nosplit, as all that it calls, it has no place
// where the scheduler could take the thread away from it, which would need system calls of its own.
//
//go:nosplit
func perform(enter entry, l *ledger, trials []trial, f *unix.SockFprog) {
	_, _, errno := syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(f)), 0, 0, 0)
	if l.errno = uint32(errno); errno == 0 {
		for i := range trials {
			t := &trials[i]
			t.errno = enter(t.nr, &t.args)
		}
	}
	l.done.Store(1)
	for {
		syscall.RawSyscall6(unix.SYS_EXIT, 0, 0, 0, 0, 0, 0)
	}
}
