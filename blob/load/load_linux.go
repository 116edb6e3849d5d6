package load

import (
	"errors"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/blob"
)

// Thread installs the blob's program for the calling thread, which must be locked to its goroutine
// (runtime.LockOSThread), and sets no_new_privs. Threads that it starts later inherit both, others don't. Where this kernel
// lacks an action for which the policy declares a fallback, that is applied, as with Process, Listener and Exec; Fallbacks
// tells beforehand.
//
// A blob that complains is refused, here and by Process and Listener: nothing would tell that it restricts nothing. A program
// that is to learn what it needs says so and sets the blob's Complain to false before.
func Thread(b *blob.Blob) error { return install(b, 0) }

// Process installs the blob's program for all threads of the process, and sets no_new_privs. If a thread can't take it
// over (it has a filter of its own that this one doesn't descend from), no thread gets it, and the error is a *ThreadError.
func Process(b *blob.Blob) error { return install(b, unix.SECCOMP_FILTER_FLAG_TSYNC) }

func install(b *blob.Blob, flags uintptr) error {
	if t, err := Select(b); err == nil && t.Actions&blob.ReturnsNotify != 0 {
		return errors.New("policy " + b.Name + " uses the action notify, and its calls would fail without a supervisor: install it by Listener")
	}
	i, ret, errno, err := enter(b, flags)
	if err != nil {
		return err
	}
	return i.error(ret, errno)
}

// Listener is Process for a policy with the action notify. It returns the descriptor on which a supervisor, mostly another
// process, gets the calls that meet it and answers them (seccomp_unotify(2)); it is closed on exec. A supervisor under the
// filter must make no such calls itself: nobody would answer. It needs Linux 5.7; there is no *ThreadError here.
func Listener(b *blob.Blob) (fd int, err error) {
	const flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH
	i, ret, errno, err := enter(b, flags)
	if err == nil {
		err = i.error(0, errno)
	}
	if err != nil {
		return -1, err
	}
	return int(ret), nil
}

// enter sets no_new_privs and makes the call that installs a blob's program. The error is one from before that call.
func enter(b *blob.Blob, flags uintptr) (i *installation, ret uintptr, errno syscall.Errno, err error) {
	if b.Complain {
		return nil, 0, 0, errors.New("policy " + b.Name + " complains: what it denies would be done, and logged; compile it without --complain, or set Complain to false to install it as it is")
	}
	if i, err = prepare(b, flags); err != nil {
		return nil, 0, 0, err
	}
	runtime.LockOSThread() // the flag and the filter must meet on one thread
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, 0, 0, &wrapped{"PR_SET_NO_NEW_PRIVS", err}
	}
	ret, _, errno = unix.RawSyscall6(i.nr, i.arg0, i.arg1, i.prog(), 0, 0, 0)
	runtime.KeepAlive(i)
	return i, ret, errno, nil
}

// An installation is one system call that installs a filter, with all that it points to.
type installation struct {
	policy     string
	nr         uintptr
	arg0, arg1 uintptr
	fprog      unix.SockFprog
}

func (i *installation) prog() uintptr { return uintptr(unsafe.Pointer(&i.fprog)) }

// prepare checks what Check does, and applies the fallbacks that this kernel needs. It picks prctl where no flag is wanted,
// which every kernel with filters has, and seccomp(2) where one is.
func prepare(b *blob.Blob, flags uintptr) (*installation, error) {
	t, err := Select(b)
	if err != nil {
		return nil, err
	}
	// The kernel counts in 16 bits; a program that wraps there would be another one.
	if n := t.Instructions(); n < 1 || n > blob.MaxInstructions {
		return nil, errors.New("policy " + b.Name + ": program of " + strconv.Itoa(n) + " instructions")
	}
	fallbacks, err := Fallbacks(b)
	if err != nil {
		return nil, err
	}
	if err := knows(b, flags); err != nil {
		return nil, err
	}
	filter := make([]unix.SockFilter, t.Instructions())
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&filter[0])), len(t.Program)), fallbacks.Apply(t))
	i := &installation{policy: b.Name, nr: unix.SYS_PRCTL, arg0: unix.PR_SET_SECCOMP, arg1: unix.SECCOMP_MODE_FILTER}
	i.fprog = unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if flags |= uintptr(b.Flags); flags != 0 {
		i.nr, i.arg0, i.arg1 = unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags
	}
	return i, nil
}

// error reads the kernel's answer: TSYNC reports the thread that refused by its id instead of an errno.
func (i *installation) error(ret uintptr, errno syscall.Errno) error {
	switch {
	case errno != 0:
		return &wrapped{"policy " + i.policy + ": the kernel refuses the filter", errno}
	case ret != 0:
		return &ThreadError{Policy: i.policy, TID: int(ret)}
	}
	return nil
}

// CheckExec reports why Exec would refuse the blobs. Nothing is changed.
func CheckExec(blobs ...*blob.Blob) error {
	if len(blobs) == 0 {
		return errors.New("no blob: the command would run without a filter")
	}
	for n, b := range blobs {
		if err := Check(b); err != nil {
			return err
		}
		if err := letsThrough(b, blobs[n+1:]); err != nil {
			return err
		}
	}
	return nil
}

// Exec installs the blobs' programs for this thread in the order given and executes the command. On success it does
// not return. An *ExecError means that filters are on and the command is not: the caller must end the process.
//
// Everything that the Go runtime would do under the filter is done before: its signal handlers are taken away, for even
// to return from one is a system call, and the limit on open files, which it raised, is put back.
func Exec(c Command, blobs ...*blob.Blob) error {
	if err := CheckExec(blobs...); err != nil {
		return err
	}
	var installs []*installation
	for _, b := range blobs {
		i, err := prepare(b, 0)
		if err != nil {
			return err
		}
		installs = append(installs, i)
	}
	path, err := unix.BytePtrFromString(c.Path)
	if err != nil {
		return err
	}
	argv, err := syscall.SlicePtrFromStrings(c.Args)
	if err != nil {
		return err
	}
	envv, err := syscall.SlicePtrFromStrings(c.Env)
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return &wrapped{"PR_SET_NO_NEW_PRIVS", err}
	}
	// An execve that fails: before it, package syscall restores RLIMIT_NOFILE, which it raised at start and lets
	// nobody else see.
	_ = syscall.Exec("", nil, nil)
	if err := resetSignals(c.Ignored, c.Blocked); err != nil {
		return err
	}
	for n, i := range installs {
		if ret, _, errno := unix.RawSyscall6(i.nr, i.arg0, i.arg1, i.prog(), 0, 0, 0); errno != 0 || ret != 0 {
			if err := i.error(ret, errno); n > 0 {
				return &ExecError{Op: "install", Err: err}
			} else {
				return err
			}
		}
	}
	_, _, errno := unix.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&envv[0])))
	runtime.KeepAlive(installs)
	return &ExecError{Op: "execve", Err: errno}
}

// letsThrough refuses a program that would stop the loader itself: at its execve, or at the installation of one of the
// filters behind it. A filter that answers for the kernel there could even fake success.
func letsThrough(b *blob.Blob, later []*blob.Blob) error {
	t, err := Select(b)
	switch {
	case err != nil:
		return err
	case b.Install != blob.Exec:
		return errors.New("policy " + b.Name + " is made for a process that installs it itself (install: self)")
	case t.Actions&blob.ReturnsNotify != 0:
		return errors.New("policy " + b.Name + " uses the action notify: it is made for a supervisor that listens, and its calls would fail without one")
	case t.Allows&blob.AllowsExecve == 0:
		return errors.New(denies(b, t, blob.AllowsExecve, "execve") + "; no command could start under it: allow it without a condition")
	}
	for _, next := range later {
		call, name := uint32(blob.AllowsPrctl), "prctl"
		if next.Flags != 0 {
			call, name = blob.AllowsSeccomp, "seccomp(2)"
		}
		if t.Allows&call == 0 {
			return errors.New(denies(b, t, call, name) + "; policy " + next.Name + " could not be installed: put it first")
		}
	}
	return nil
}

// denies says that a target does not let a call through whatever its arguments, and where the policy decides that.
func denies(b *blob.Blob, t *blob.Target, call uint32, name string) string {
	where := b.Decides(t, call)
	if where == "" {
		return "policy " + b.Name + " denies " + name + ", which no rule allows"
	}
	return "policy " + b.Name + " denies " + name + ": rule at " + where
}
