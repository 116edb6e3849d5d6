package lint

import (
	"fmt"
	"strings"
)

// A family is calls that do the same, and why programs make one where an earlier one is expected.
type family struct {
	from, to []twin // the calls; where to is nil each can do what the others do, else those of to what those of from do
	by       string // who; none: programs make each for itself
	narrow   bool   // on ABIs with 32-bit registers only
}

// A twin is one call of a family. Programs make a last one only where the ABI has none of the earlier ones. So with a spare
// one, for they can do without; and whoever denies it means none of the others.
type twin struct {
	call        string
	spare, last bool
}

var families = read(anywhere, narrow)

// read reads the tables: a "?" marks what is spare, a "!" what is last.
func read(tables ...[][2]string) (list []family) {
	for i, table := range tables {
		for _, row := range table {
			for _, calls := range strings.Split(row[0], ",") {
				from, to, _ := strings.Cut(calls, ">")
				list = append(list, family{members(from), members(to), row[1], i == 1})
			}
		}
	}
	return list
}

func members(calls string) (list []twin) {
	for _, s := range strings.Fields(calls) {
		list = append(list, twin{strings.TrimRight(s, "?!"), strings.HasSuffix(s, "?"), strings.HasSuffix(s, "!")})
	}
	return list
}

// pairs returns the calls that do what another one does, with that one.
func (f family) pairs() (pairs [][2]twin) {
	to := f.to
	if to == nil {
		to = f.from
	}
	for _, a := range f.from {
		for _, b := range to {
			if a != b {
				pairs = append(pairs, [2]twin{a, b})
			}
		}
	}
	return pairs
}

// The calls of each row do the same, oldest first.
var anywhere = [][2]string{
	// Files by name.
	{"open openat openat2?", "glibc since 2.26 and Go; newer ABIs have no open"},
	{"creat open! openat!", "newer ABIs have no creat"},
	{"stat newfstatat statx?, lstat newfstatat statx?", "glibc since 2.33, Go and Rust"},
	{"fstat newfstatat statx?", "glibc 2.33 to 2.38, Rust"},
	{"newfstatat > fstat", "glibc since 2.39, musl and Go"},
	{"access faccessat faccessat2?", "Go, glibc since 2.33, shells"},
	{"chmod fchmodat fchmodat2?", "Go, glibc since 2.39"},
	{"chown fchownat, lchown fchownat, mkdir mkdirat, readlink readlinkat", "Go; newer ABIs have no other"},
	{"link linkat, symlink symlinkat, unlink unlinkat, rmdir unlinkat, rename renameat renameat2?", "Go, ln, rm and mv; newer ABIs have no other"},
	{"mknod mknodat", "glibc since 2.33; newer ABIs have no other"},
	{"utime utimensat, utimes utimensat, futimesat utimensat", "newer glibc, musl and Go"},
	{"getdents getdents64", "glibc, musl and Go"},
	{"chmod fchmod fchmodat fchmodat2?", ""},
	{"chown chown32 lchown lchown32 fchown fchown32 fchownat", ""},
	{"getxattr lgetxattr fgetxattr getxattrat?, setxattr lsetxattr fsetxattr setxattrat?", ""},
	{"listxattr llistxattr flistxattr listxattrat?, removexattr lremovexattr fremovexattr removexattrat?", ""},

	// Descriptors, and waiting for them.
	{"dup2 dup3", "Go; newer ABIs have no other"},
	{"pipe pipe2", "newer glibc, Go; newer ABIs have no other"},
	{"epoll_create epoll_create1, epoll_wait epoll_pwait epoll_pwait2?", "musl and Go; newer ABIs have no epoll_create and epoll_wait"},
	{"eventfd eventfd2, signalfd signalfd4, inotify_init inotify_init1", "glibc, musl and Go"},
	{"poll ppoll", "Go; newer ABIs have no poll"},
	{"select pselect6, _newselect pselect6", "newer glibc, Go; newer ABIs have no select"},
	{"read readv pread64? preadv? preadv2?, write writev pwrite64? pwritev? pwritev2?", ""},

	// Processes.
	{"fork clone", "glibc; newer ABIs have no fork"},
	{"vfork clone!", "newer ABIs have no vfork"},
	{"clone3? > clone", "fork of every libc, Go, and all on Linux before 5.3"},
	{"waitpid wait4, wait4 waitid!", "every libc"},
	{"tkill > tgkill", "glibc and Go"},
	{"getrlimit setrlimit > prlimit64", "glibc, musl and Go"},
	{"alarm setitimer, getpgrp getpgid, nice setpriority", "musl; newer ABIs have no other"},
	{"fork vfork clone, fork vfork unshare > clone3, unshare > clone, clone > unshare, execve execveat", ""},
	{"kill tkill tgkill pidfd_send_signal? rt_sigqueueinfo? rt_tgsigqueueinfo?", ""},
	{"ptrace > process_vm_readv process_vm_writev pidfd_getfd, process_vm_readv process_vm_writev pidfd_getfd > ptrace", ""},
	{"setuid setuid32 setreuid setreuid32 setresuid setresuid32, setgid setgid32 setregid setregid32 setresgid setresgid32", ""},
	{"sched_setscheduler sched_setparam sched_setattr, mprotect > pkey_mprotect", ""},

	// Signals: the calls with 32 signals, and today's.
	{"sigaction rt_sigaction, sigprocmask rt_sigprocmask, sigpending rt_sigpending, sigsuspend rt_sigsuspend", "every libc"},
	{"signal rt_sigaction, sigreturn > rt_sigreturn", "every libc"},

	// Time.
	{"nanosleep clock_nanosleep", "glibc since 2.31"},
	{"gettimeofday clock_gettime, time clock_gettime!", "musl, and glibc where there is no vDSO"},
	{"settimeofday clock_settime clock_settime64 adjtimex? clock_adjtime? clock_adjtime64?, settimeofday clock_settime > stime", ""},

	// Networks. MSG_FASTOPEN makes sendto connect.
	{"accept accept4", "Go; i386 and s390x have no accept"},
	{"send sendto, recv recvfrom", "musl and Go; newer ABIs have no other"},
	{"send sendto sendmsg sendmmsg, connect > sendto sendmsg sendmmsg, recv recvfrom recvmsg recvmmsg recvmmsg_time64", ""},

	// The machine.
	{"semop semtimedop semtimedop_time64", ""},
	{"mount > fsmount move_mount open_tree open_tree_attr mount_setattr fspick, fsmount? move_mount? > mount, umount umount2", ""},
	{"init_module finit_module, kexec_load kexec_file_load, quotactl quotactl_fd, ioperm iopl, vm86old vm86", ""},
}

var narrow = [][2]string{
	{"futex futex_time64", "Go since 1.26, where the kernel has it"},
	{"clock_gettime clock_gettime64!, clock_getres clock_getres_time64!, clock_nanosleep clock_nanosleep_time64!, " +
		"nanosleep clock_nanosleep_time64!, clock_settime clock_settime64!, clock_adjtime clock_adjtime64!, " +
		"io_pgetevents io_pgetevents_time64!, mq_timedreceive mq_timedreceive_time64!, mq_timedsend mq_timedsend_time64!, " +
		"ppoll ppoll_time64!, pselect6 pselect6_time64!, recvmmsg recvmmsg_time64!, rt_sigtimedwait rt_sigtimedwait_time64!, " +
		"sched_rr_get_interval sched_rr_get_interval_time64!, timer_gettime timer_gettime64!, " +
		"timer_settime timer_settime64!, timerfd_gettime timerfd_gettime64!, timerfd_settime timerfd_settime64!, " +
		"utimensat utimensat_time64!", "riscv32 has no other"},
	{"stat stat64 fstatat64! statx?, lstat lstat64 fstatat64! statx?, fstat fstat64 statx?, truncate truncate64, " +
		"ftruncate ftruncate64, statfs statfs64, fstatfs fstatfs64, sendfile sendfile64, lseek _llseek, fcntl fcntl64, " +
		"fadvise64 fadvise64_64! arm_fadvise64_64!, mmap mmap2", "glibc, musl and Go, for files over 2 GB"},
	{"chown chown32, lchown lchown32, fchown fchown32, getuid getuid32, geteuid geteuid32, getgid getgid32, " +
		"getegid getegid32, getgroups getgroups32, setgroups setgroups32, getresuid getresuid32, getresgid getresgid32, " +
		"setuid setuid32, setgid setgid32, setreuid setreuid32, setregid setregid32, setresuid setresuid32, " +
		"setresgid setresgid32, setfsuid setfsuid32, setfsgid setfsgid32", "every libc, for ids over 65535"},
}

// table shows the families of which programs make one call for another.
func table() string {
	var b strings.Builder
	for _, rows := range [][][2]string{anywhere, narrow} {
		for _, row := range rows {
			if row[1] != "" {
				fmt.Fprintf(&b, "\n  %s: %s", row[1], strings.NewReplacer("?", "", "!", "").Replace(row[0]))
			}
		}
	}
	return b.String()
}
