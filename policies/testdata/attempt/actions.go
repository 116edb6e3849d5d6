package main

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What every user can do.
var free = []action{
	{"open to read", func() error { return second(unix.Open(file, unix.O_RDONLY, 0)) }},
	{"open to write", func() error { return second(unix.Open(file, unix.O_WRONLY, 0)) }},
	{"open a directory", func() error { return second(unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)) }},
	{"open for its path", func() error { return second(unix.Open(file, unix.O_PATH, 0)) }},
	{"create a file", func() error { return second(unix.Open(dir+"/new", unix.O_WRONLY|unix.O_CREAT, 0o600)) }},
	{"create a file with set-user-ID", func() error { return second(unix.Open(dir+"/su", unix.O_WRONLY|unix.O_CREAT, 0o4700)) }},
	{"stat", func() error { return unix.Stat(file, new(unix.Stat_t)) }},
	{"statx", func() error { return unix.Statx(unix.AT_FDCWD, file, 0, unix.STATX_BASIC_STATS, new(unix.Statx_t)) }},
	{"access", func() error { return unix.Access(file, unix.R_OK) }},
	{"read a link", func() error { return second(unix.Readlink("/proc/self/exe", make([]byte, 100))) }},
	{"truncate", func() error { return unix.Truncate(file, 3) }},
	{"make a directory", func() error { return unix.Mkdir(dir+"/d", 0o700) }},
	{"make a directory with set-group-ID", func() error { return unix.Mkdir(dir+"/sd", 0o2700) }},
	{"make a named pipe", func() error { return unix.Mkfifo(dir+"/fifo", 0o600) }},
	{"make a symbolic link", func() error { return unix.Symlink("file", dir+"/symlink") }},
	{"make a link", func() error { return unix.Link(file, dir+"/link") }},
	{"rename", func() error { return unix.Rename(file, dir+"/file2") }},
	{"remove", func() error { return unix.Unlink(file) }},
	{"chmod", func() error { return unix.Chmod(file, 0o644) }},
	{"chmod with set-user-ID", func() error { return unix.Chmod(file, 0o4755) }},
	{"chmod by an open file, with set-group-ID", func() error { return unix.Fchmod(leaked, 0o2755) }},
	{"chown", func() error { return unix.Chown(file, os.Getuid(), os.Getgid()) }},
	{"set times", func() error { return unix.UtimesNano(file, []unix.Timespec{{Sec: 1}, {Sec: 1}}) }},
	{"change the directory", func() error { return unix.Chdir(dir) }},
	{"watch a directory", func() error { return second(unix.InotifyInit1(0)) }},
	{"ask for free space", func() error { return unix.Statfs(dir, new(unix.Statfs_t)) }},

	{"read a leaked descriptor", func() error { return second(unix.Read(leaked, make([]byte, 1))) }},
	{"readv a leaked descriptor", func() error { return second(unix.Readv(leaked, [][]byte{make([]byte, 1)})) }},
	{"pread a leaked descriptor", func() error { return second(unix.Pread(leaked, make([]byte, 1), 0)) }},
	{"write to a leaked descriptor", func() error { return second(unix.Write(leaked, []byte("x"))) }},
	{"writev to a leaked descriptor", func() error { return second(unix.Writev(leaked, [][]byte{[]byte("x")})) }},
	{"pwrite to a leaked descriptor", func() error { return second(unix.Pwrite(leaked, []byte("x"), 0)) }},
	{"map a leaked descriptor", func() error { return second(unix.Mmap(leaked, 0, 4096, unix.PROT_READ, unix.MAP_SHARED)) }},
	{"move a leaked descriptor by dup", func() error { return second(unix.Dup(leaked)) }},
	{"move a leaked descriptor by dup3", func() error { return unix.Dup3(leaked, 0, 0) }},
	{"move a leaked descriptor by fcntl", func() error { return second(unix.FcntlInt(leaked, unix.F_DUPFD, 0)) }},
	{"sendfile from a leaked descriptor", func() error { return second(unix.Sendfile(1, leaked, new(int64), 0)) }},
	{"memory as a file", func() error { return second(unix.MemfdCreate("m", 0)) }},
	{"a pipe", func() error { return unix.Pipe2(make([]int, 2), 0) }},

	{"a socket of the machine", socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)},
	{"a TCP socket", socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)},
	{"a UDP socket", socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, unix.IPPROTO_UDP)},
	{"the network's interfaces", socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)},
	{"the kernel's events", socket(unix.AF_NETLINK, unix.SOCK_DGRAM, unix.NETLINK_KOBJECT_UEVENT)},
	{"a pair of sockets", func() error { return second(unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)) }},

	{"a child by clone", func() error { return clone(uintptr(unix.SIGCHLD)) }},
	{"execute a static program", func() error { return unix.Exec("/proc/self/exe", []string{"attempt", "done"}, nil) }},
	{"execute a dynamic program", func() error { return unix.Exec("/bin/sh", []string{"sh", "-c", "echo ok"}, nil) }},
	{"kill another", func() error { return unix.Kill(victim, unix.SIGTERM) }},
	{"kill another's thread", func() error { return unix.Tgkill(victim, victim, unix.SIGTERM) }},
	{"urge another's thread", func() error { return unix.Tgkill(victim, victim, unix.SIGURG) }},
	{"a handle of another", func() error { return second(unix.PidfdOpen(victim, 0)) }},
	{"be traced", func() error {
		var all unix.Sigset_t // a traced thread stops at a signal, and the tracer doesn't know that it is one
		for i := range all.Val {
			all.Val[i] = ^all.Val[i]
		}
		if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, nil); err != nil {
			return err
		}
		return call(unix.SYS_PTRACE, unix.PTRACE_TRACEME)
	}},
	{"another's limits", func() error { return unix.Prlimit(victim, unix.RLIMIT_CORE, nil, new(unix.Rlimit)) }},
	{"another's processors", func() error { return unix.SchedGetaffinity(victim, new(unix.CPUSet)) }},
	{"another's priority", func() error { return unix.Setpriority(unix.PRIO_PROCESS, victim, 19) }},
	{"limits of its own", func() error { return unix.Prlimit(0, unix.RLIMIT_CORE, &unix.Rlimit{}, nil) }},
	{"change its user to the same", func() error { return unix.Setresuid(-1, -1, -1) }},
	{"a session", func() error { return second(unix.Setsid()) }},
	{"name its thread", func() error { return unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name[0])), 0, 0, 0) }},
	{"read its securebits", func() error { return unix.Prctl(unix.PR_GET_SECUREBITS, 0, 0, 0, 0) }},
	{"personality", func() error { return call(unix.SYS_PERSONALITY, 0xffffffff) }},
	{"shared memory", func() error {
		id, err := unix.SysvShmGet(unix.IPC_PRIVATE, 4096, 0o600)
		if err == nil {
			_, err = unix.SysvShmCtl(id, unix.IPC_RMID, nil)
		}
		return err
	}},
	{"system's memory and load", func() error { return unix.Sysinfo(new(unix.Sysinfo_t)) }},
}

// What needs privileges, or what a kernel, or the container around the test, may refuse.
var special = []action{
	{"create a file without a name and with set-user-ID", func() error { return second(unix.Open(dir, unix.O_WRONLY|unix.O_TMPFILE, 0o4700)) }},
	{"openat2", func() error { return second(unix.Openat2(unix.AT_FDCWD, file, &unix.OpenHow{})) }},
	{"a TCP socket of IPv6", socket(unix.AF_INET6, unix.SOCK_STREAM, unix.IPPROTO_TCP)},
	{"a raw socket", socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)},
	{"a ping socket", socket(unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP)},
	{"an SCTP socket", socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP)},
	{"a packet socket", socket(unix.AF_PACKET, unix.SOCK_RAW, 0)},
	{"a packet socket of AF_INET", socket(unix.AF_INET, unix.SOCK_PACKET, 0)},
	{"the kernel's crypto", socket(unix.AF_ALG, unix.SOCK_SEQPACKET, 0)},
	{"the way out of a virtual machine", socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0)},
	{"the audit log", socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT)},
	{"netfilter", socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER)},

	{"trace another", func() error { return unix.PtraceSeize(victim) }},
	{"read another's memory", func() error {
		to, from := make([]byte, 8), unix.RemoteIovec{Base: uintptr(unsafe.Pointer(&name)), Len: 8} // at the same place there
		return second(unix.ProcessVMReadv(victim, []unix.Iovec{{Base: &to[0], Len: 8}}, []unix.RemoteIovec{from}, 0))
	}},
	{"compare with another", func() error { return call(unix.SYS_KCMP, uintptr(victim), uintptr(victim), kcmpVM) }},
	{"a child in a user namespace", func() error { return clone(uintptr(unix.SIGCHLD) | unix.CLONE_NEWUSER) }},
	{"a child in a network namespace", func() error { return clone(uintptr(unix.SIGCHLD) | unix.CLONE_NEWNET) }},
	{"a child by clone3", func() error {
		args := [11]uint64{4: uint64(unix.SIGCHLD)} // struct clone_args: exit_signal
		return fork(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args), 0)
	}},
	{"a new user namespace", func() error { return unix.Unshare(unix.CLONE_NEWUSER) }},
	{"a new mount namespace", func() error { return unix.Unshare(unix.CLONE_NEWNS) }},
	{"mount", func() error {
		err := unix.Mount("none", dir, "tmpfs", 0, "")
		if err == nil {
			unix.Unmount(dir, 0)
		}
		return err
	}},
	{"a detached mount", func() error { return second(unix.OpenTree(unix.AT_FDCWD, dir, unix.OPEN_TREE_CLONE)) }},
	{"change the root", func() error { return unix.Chroot(dir) }},
	{"a device", func() error { return unix.Mknod(dir+"/null", unix.S_IFCHR|0o600, 1<<8|3) }},
	{"a file by its handle", func() error {
		h, _, err := unix.NameToHandleAt(unix.AT_FDCWD, file, 0)
		if err == nil {
			_, err = unix.OpenByHandleAt(unix.AT_FDCWD, h, unix.O_RDONLY)
		}
		return err
	}},
	{"a BPF map", func() error {
		attr := [5]uint32{2, 4, 8, 1} // BPF_MAP_TYPE_ARRAY; sizes of key and value, entries
		return call(unix.SYS_BPF, unix.BPF_MAP_CREATE, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	}},
	{"performance events", func() error {
		return second(unix.PerfEventOpen(&unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Bits: unix.PerfBitDisabled}, 0, -1, -1, 0))
	}},
	{"page faults", func() error { return call(unix.SYS_USERFAULTFD, unix.O_CLOEXEC) }},
	{"a ring", func() error {
		var params [120]byte
		return call(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&params)))
	}},
	{"a keyring", func() error { return second(unix.KeyctlGetKeyringID(unix.KEY_SPEC_PROCESS_KEYRING, true)) }},
	{"a key", func() error {
		return second(unix.AddKey("user", "attempt", []byte("x"), unix.KEY_SPEC_PROCESS_KEYRING))
	}},
	{"a module", func() error { return unix.InitModule([]byte("no module"), "") }},
	{"typing for others", func() error { return call(unix.SYS_IOCTL, 0, unix.TIOCSTI, uintptr(unsafe.Pointer(&name[0]))) }},
	{"the kernel's log", func() error { return second(unix.Klogctl(unix.SYSLOG_ACTION_SIZE_BUFFER, nil)) }},
	{"the host's name", func() error { return call(unix.SYS_SETHOSTNAME, 0, ^uintptr(0)) }},
	{"the clock", func() error { return unix.Settimeofday(nil) }},
	{"swap", func() error { return call(unix.SYS_SWAPON, uintptr(unsafe.Pointer(&name[0])), 0) }},
	{"accounting", func() error { return unix.Acct("/attempt/no/such/file") }},
	{"reboot", func() error { return call(unix.SYS_REBOOT, 0, 0, 0) }},
}

const (
	leaked = 5
	kcmpVM = 1 // KCMP_VM, which the package unix lacks
)

// name is a C string.
var name = [8]byte{'a'}

func socket(domain, kind, protocol int) func() error {
	return func() error { return second(unix.Socket(domain, kind, protocol)) }
}
