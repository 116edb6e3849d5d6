//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob/load"
)

// Calls that the Go runtime never makes, each with an action of its own in actions.yaml. With these arguments the kernel
// refuses them.
var marked = map[string]uintptr{
	"acct": unix.SYS_ACCT, "swapon": unix.SYS_SWAPON, "swapoff": unix.SYS_SWAPOFF, "vhangup": unix.SYS_VHANGUP,
	"sethostname": unix.SYS_SETHOSTNAME, "setdomainname": unix.SYS_SETDOMAINNAME,
}

// roles are what a process of ours does when it is told to.
var roles = map[string]func(args []string){
	// Installs the policy actions and makes a call, whose errno is the exit code.
	"call": func(args []string) {
		filtered()
		_, _, errno := unix.RawSyscall(marked[args[0]], 0, ^uintptr(0), 0)
		os.Exit(int(errno))
	},
	// Makes the call on another thread, and says by the exit code 7 that it has outlived it.
	"thread": func(args []string) {
		runtime.GOMAXPROCS(4) // the thread takes one of these with it
		filtered()
		tid := make(chan int)
		go func() {
			runtime.LockOSThread()
			tid <- unix.Gettid()
			unix.RawSyscall(marked[args[0]], 0, ^uintptr(0), 0)
			os.Exit(8)
		}()
		for thread := <-tid; unix.Tgkill(os.Getpid(), thread, 0) == nil; {
			time.Sleep(time.Millisecond)
		}
		os.Exit(7)
	},
}

func filtered() {
	b, err := load.Read(beside("actions.seccomp"))
	if err == nil {
		err = load.Process(b)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "guest:", err)
		os.Exit(99)
	}
}

// actions makes the calls of the policy actions, each in a process of its own, with and without a tracer.
func actions() ([]finding, error) {
	const none = syscall.Signal(0)
	host := arch.Host()
	var errs []error
	made := 0
	wants := func(role, call string, tracer func(pid int, s unix.WaitStatus) (syscall.Signal, error), signal syscall.Signal, code int) {
		made++
		end, err := traced(tracer, role, call)
		switch {
		case err != nil:
		case signal != none && (!end.Signaled() || end.Signal() != signal):
			err = fmt.Errorf("ends with status %#x, not by %v", uint32(end), signal)
		case signal == none && (!end.Exited() || end.ExitStatus() != code):
			err = fmt.Errorf("ends with status %#x, not by exit code %d", uint32(end), code)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s %s: %w", role, call, err))
		}
	}
	errno := func(e syscall.Errno) int { return int(e) }
	wants("call", "acct", nil, none, 77)
	wants("call", "vhangup", nil, unix.SIGSYS, 0)
	wants("thread", "vhangup", nil, unix.SIGSYS, 0)
	wants("thread", "swapoff", nil, none, 7)
	wants("call", "sethostname", nil, none, errno(unix.EINVAL))   // logged, and then the kernel's own answer
	wants("call", "setdomainname", nil, none, errno(unix.ENOSYS)) // nobody traces it

	nr, _ := host.Number("swapon")
	trapped := false
	wants("call", "swapon", func(pid int, s unix.WaitStatus) (syscall.Signal, error) {
		if s.StopSignal() != unix.SIGSYS {
			return s.StopSignal(), nil
		}
		info, err := signalInfo(pid)
		if err != nil {
			return 0, err
		}
		if want := (sigsys{nr: nr, arch: host.Audit, errno: 9}); info != want {
			return 0, fmt.Errorf("siginfo has %+v, not %+v", info, want)
		}
		trapped = true
		return unix.SIGKILL, nil
	}, unix.SIGKILL, 0)
	event := false
	wants("call", "setdomainname", func(pid int, s unix.WaitStatus) (syscall.Signal, error) {
		if int(s)>>8 != int(unix.SIGTRAP)|unix.PTRACE_EVENT_SECCOMP<<8 {
			return stopSignal(s), nil
		}
		if msg, err := unix.PtraceGetEventMsg(pid); err != nil || msg != 11 {
			return 0, fmt.Errorf("the event's message is %d, not 11: %w", msg, err)
		}
		event = true
		return 0, nil
	}, none, errno(unix.EINVAL))
	if !trapped || !event {
		errs = append(errs, fmt.Errorf("the tracer has seen the trap: %t, the trace event: %t", trapped, event))
	}
	words := "errno, kill_process, kill_thread, trap with si_syscall and si_arch, trace with and without a tracer, log"
	switch record, any, err := logged(host); {
	case err != nil:
		words += ", whose record can't be read here (" + err.Error() + ")"
	case !any:
		words += ", of which this kernel makes no record, nor of a kill"
	case !record:
		errs = append(errs, errors.New("log: no record in the kernel's log"))
	default:
		words += " with its record"
	}
	return []finding{{host.Name, made, words}}, errors.Join(errs...)
}

func stopSignal(s unix.WaitStatus) syscall.Signal {
	if s.StopSignal() == unix.SIGTRAP {
		return 0
	}
	return s.StopSignal()
}

// traced runs a role of this program in a process that is traced if there is a tracer: it is asked what signal to go on with
// after each stop.
func traced(tracer func(int, unix.WaitStatus) (syscall.Signal, error), args ...string) (end unix.WaitStatus, err error) {
	devnull, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer devnull.Close()
	self := beside(filepath.Base(os.Args[0]))
	p, err := os.StartProcess(self, append([]string{self}, args...), &os.ProcAttr{
		Env: os.Environ(), Files: []*os.File{devnull, os.Stdout, devnull}, Sys: &syscall.SysProcAttr{Ptrace: tracer != nil}})
	if err != nil {
		return 0, err
	}
	options := false
	for {
		var s unix.WaitStatus
		if _, err := unix.Wait4(p.Pid, &s, 0, nil); err != nil {
			return 0, err
		}
		if !s.Stopped() {
			return s, nil
		}
		var signal syscall.Signal
		if !options {
			options = true
			err = unix.PtraceSetOptions(p.Pid, unix.PTRACE_O_TRACESECCOMP|unix.PTRACE_O_EXITKILL)
		} else {
			signal, err = tracer(p.Pid, s)
		}
		if err == nil {
			err = unix.PtraceCont(p.Pid, int(signal))
		}
		if err != nil {
			unix.Kill(p.Pid, unix.SIGKILL)
			unix.Wait4(p.Pid, &s, 0, nil)
			return 0, err
		}
	}
}

// sigsys is what siginfo_t of sigaction(2) tells of a trap.
type sigsys struct{ nr, arch, errno uint32 }

func signalInfo(pid int) (s sigsys, err error) {
	var info [128]byte
	if _, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GETSIGINFO, uintptr(pid), 0, uintptr(unsafe.Pointer(&info)), 0, 0); errno != 0 {
		return s, errno
	}
	word := func(i int) uint32 { return binary.NativeEndian.Uint32(info[i:]) }
	errno, union := 4, 12 // offsets of si_errno and of what depends on the signal
	if strings.HasPrefix(runtime.GOARCH, "mips") {
		errno = 8 // behind si_code
	}
	if unsafe.Sizeof(uintptr(0)) == 8 {
		union = 16
	}
	call := union + int(unsafe.Sizeof(uintptr(0))) // behind the address
	return sigsys{nr: word(call), arch: word(call + 4), errno: word(errno)}, nil
}

// logged reports whether the kernel's log has the record of sethostname, and whether it has any of a filter.
func logged(abi *arch.ABI) (record, any bool, err error) {
	f, err := os.OpenFile("/dev/kmsg", os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return false, false, err
	}
	defer f.Close()
	nr, _ := abi.Number("sethostname")
	want := fmt.Sprintf(" arch=%x syscall=%d ", abi.Audit, nr)
	buf := make([]byte, 8192)
	for {
		n, err := unix.Read(int(f.Fd()), buf)
		switch {
		case err == unix.EAGAIN:
			return record, any, nil
		case err == unix.EPIPE: // overwritten meanwhile
			continue
		case err != nil:
			return false, false, err
		}
		line, _, _ := strings.Cut(string(buf[:n]), "\n")
		if strings.Contains(line, "type=1326") {
			any = true
			record = record || strings.Contains(line, want)
		}
	}
}

// registers has a listener look at what the kernel shows filters of a call's arguments, and what the call gets.
func registers() ([]finding, error) {
	host := arch.Host()
	b, err := load.Read(beside("notify.seccomp"))
	if err != nil {
		return nil, err
	}
	fd, err := load.Listener(b)
	if err != nil {
		return nil, err
	}
	nr, _ := host.Number("sethostname")
	args := [6]uintptr{1, 0x7fffffff, 0x80000000, ^uintptr(0), ^uintptr(0) &^ 0xffff, 0x89abcdef}
	answer := make(chan syscall.Errno)
	go func() {
		_, _, errno := unix.Syscall6(unix.SYS_SETHOSTNAME, args[0], args[1], args[2], args[3], args[4], args[5])
		answer <- errno
	}()
	// struct seccomp_notif: id, pid, flags, struct seccomp_data; struct seccomp_notif_resp: id, val, error, flags.
	var call struct {
		id         uint64
		pid, flags uint32
		nr, arch   uint32
		ip         uint64
		args       [6]uint64
	}
	ioctl := func(request uintptr, arg unsafe.Pointer) (errno syscall.Errno) {
		for errno = unix.EINTR; errno == unix.EINTR; { // by a signal of the runtime
			_, _, errno = unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
		}
		return errno
	}
	if errno := ioctl(unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&call)); errno != 0 {
		return nil, fmt.Errorf("SECCOMP_IOCTL_NOTIF_RECV: %w", errno)
	}
	reply := struct {
		id    uint64
		val   int64
		error int32
		flags uint32
	}{id: call.id, error: -55}
	if errno := ioctl(unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&reply)); errno != 0 {
		return nil, fmt.Errorf("SECCOMP_IOCTL_NOTIF_SEND: %w", errno)
	}
	if errno := <-answer; errno != 55 {
		return nil, fmt.Errorf("the listener's answer is errno 55, the call gets %d", errno)
	}
	if call.nr != nr || call.arch != host.Audit {
		return nil, fmt.Errorf("the listener sees number %d of arch %#x, not %d of %#x", call.nr, call.arch, nr, host.Audit)
	}
	highs := map[string]bool{}
	for i, a := range args {
		if call.args[i]&(1<<host.RegBits-1) != uint64(a) {
			return nil, fmt.Errorf("argument %d is %#x, the listener sees %#x", i, a, call.args[i])
		}
		if host.RegBits == 32 && int32(a) < 0 {
			highs[fmt.Sprintf("%#x", call.args[i]>>32)] = true
		}
	}
	words := "notify: a listener sees all bits of the arguments and answers"
	if host.RegBits == 32 {
		words = "notify: a listener sees the arguments and answers"
		for h := range highs {
			words += "; the high word of a negative one is " + h
		}
	}
	return []finding{{host.Name, len(args), words}}, nil
}

// process installs a policy for all threads by TSYNC.
func process() ([]finding, error) {
	for range 8 {
		go func() { runtime.LockOSThread(); select {} }()
	}
	for { // until they have threads
		if tasks, _ := filepath.Glob("/proc/self/task/*"); len(tasks) >= 8 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	b, err := load.Read(beside("actions.seccomp"))
	if err == nil {
		err = load.Process(b)
	}
	if err != nil {
		return nil, err
	}
	tasks, _ := filepath.Glob("/proc/self/task/*/status")
	for _, task := range tasks {
		status, err := os.ReadFile(task)
		if err == nil && (field(string(status), "Seccomp") != "2" || field(string(status), "Seccomp_filters") == "0") {
			err = fmt.Errorf("%s: no filter", task)
		}
		if err != nil {
			return nil, err
		}
	}
	if !load.Active() {
		return nil, errors.New("load.Active sees no filter")
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_ACCT, 0, 0, 0); errno != 77 {
		return nil, fmt.Errorf("acct: errno %d, not 77", errno)
	}
	return []finding{{arch.Host().Name, len(tasks), "threads have the filter by load.Process"}}, nil
}

// field returns the value of a line of /proc/PID/status.
func field(status, name string) string {
	_, rest, _ := strings.Cut("\n"+status, "\n"+name+":")
	value, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(value)
}

func atoi(s string) int { n, _ := strconv.Atoi(s); return n }
