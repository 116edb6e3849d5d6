package main

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// A refusal is a call that the filter must refuse, with the error that it meets.
type refusal struct {
	name  string
	errno unix.Errno // 0: none
}

// refusals makes calls which, where no filter refuses them, do nothing or fail for another reason.
func refusals() (list []refusal) {
	const none = ^uintptr(0) // no file, process, flag or operation
	self := uintptr(unix.Getpid())
	for _, c := range []struct {
		name string
		nr   uintptr
		args [6]uintptr
	}{
		{"execve", unix.SYS_EXECVE, [6]uintptr{}},
		{"execveat", unix.SYS_EXECVEAT, [6]uintptr{none}},
		{"clone", unix.SYS_CLONE, flags(unix.CLONE_SIGHAND)},
		{"clone_thread_newuser", unix.SYS_CLONE, flags(unix.CLONE_THREAD | unix.CLONE_NEWUSER)},
		{"clone3", unix.SYS_CLONE3, [6]uintptr{}},
		{"ptrace", unix.SYS_PTRACE, [6]uintptr{none, none}},
		{"process_vm_writev", unix.SYS_PROCESS_VM_WRITEV, [6]uintptr{self, 0, 0, 0, 0, none}},
		{"pidfd_open", unix.SYS_PIDFD_OPEN, [6]uintptr{self, none}},
		{"kill", unix.SYS_KILL, [6]uintptr{self}},
		{"mount", unix.SYS_MOUNT, [6]uintptr{}},
		{"chroot", unix.SYS_CHROOT, [6]uintptr{}},
		{"unshare", unix.SYS_UNSHARE, [6]uintptr{}},
		{"setns", unix.SYS_SETNS, [6]uintptr{none}},
		{"io_uring_setup", unix.SYS_IO_URING_SETUP, [6]uintptr{}},
		{"io_uring_enter", unix.SYS_IO_URING_ENTER, [6]uintptr{none}},
		{"bpf", unix.SYS_BPF, [6]uintptr{none}},
		{"perf_event_open", unix.SYS_PERF_EVENT_OPEN, [6]uintptr{}},
		{"userfaultfd", unix.SYS_USERFAULTFD, [6]uintptr{none}},
		{"keyctl", unix.SYS_KEYCTL, [6]uintptr{none}},
		{"init_module", unix.SYS_INIT_MODULE, [6]uintptr{}},
		{"mknodat", unix.SYS_MKNODAT, [6]uintptr{none}},
		{"setresuid", unix.SYS_SETRESUID, [6]uintptr{none, none, none}}, // changes nothing
		{"prctl", unix.SYS_PRCTL, [6]uintptr{unix.PR_GET_DUMPABLE}},
		{"seccomp", unix.SYS_SECCOMP, [6]uintptr{none}},
		{"mprotect", unix.SYS_MPROTECT, [6]uintptr{}},
		{"socket", unix.SYS_SOCKET, [6]uintptr{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP}},
		{"ioctl", unix.SYS_IOCTL, [6]uintptr{none}},
	} {
		_, _, errno := unix.RawSyscall6(c.nr, c.args[0], c.args[1], c.args[2], c.args[3], c.args[4], c.args[5])
		list = append(list, refusal{c.name, errno})
	}
	return list
}

// flags returns clone's arguments.
func flags(f uintptr) (args [6]uintptr) {
	if runtime.GOARCH == "s390x" {
		args[1] = f
	} else {
		args[0] = f
	}
	return args
}
