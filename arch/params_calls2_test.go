//go:build linux && amd64

package arch_test

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

func memory(w *world) []probe {
	buf := w.alloc(4096)
	iov := w.words(w.page, 4096)
	page := func(w *world, ret int64) string {
		s := perms(w.page)
		unix.Syscall(unix.SYS_MPROTECT, uintptr(w.page), 4096, unix.PROT_READ|unix.PROT_WRITE)
		unix.Syscall(unix.SYS_MUNLOCK, uintptr(w.page), 4096, 0)
		return result(ret) + " " + s
	}
	unlock := func(w *world, ret int64) string {
		unix.Munlockall()
		return result(ret)
	}
	private, shared := uint64(unix.MAP_PRIVATE), uint64(unix.MAP_SHARED)
	return []probe{
		{calls: "mmap", args: args{"length": 4096, "prot": unix.PROT_READ, "flags": private, "fd": w.file, "offset": 0},
			must: args{"prot": unix.PROT_READ | unix.PROT_WRITE, "flags": shared, "fd": absent}, whole: "offset", after: mapped},
		{calls: "mmap", args: args{"length": 4096, "prot": unix.PROT_READ, "flags": private | unix.MAP_ANON, "fd": neg(-1)}, must: args{"flags": private}, after: mapped},
		{calls: "mmap", args: args{"length": 4096, "prot": unix.PROT_WRITE, "flags": shared, "fd": w.file}, must: args{"prot": unix.PROT_NONE}, after: mapped},
		{calls: "mmap2", args: args{"length": 4096, "prot": unix.PROT_READ, "flags": private, "fd": w.file, "pgoffset": 0},
			must: args{"prot": unix.PROT_READ | unix.PROT_WRITE, "flags": shared, "fd": absent}, after: mapped},
		{calls: "mprotect", args: args{"addr": w.page, "len": 4096, "prot": unix.PROT_READ}, must: args{"prot": unix.PROT_NONE}, whole: "prot", after: page},
		{calls: "pkey_mprotect", args: args{"addr": w.page, "len": 4096, "prot": unix.PROT_READ, "pkey": neg(-1)},
			must: args{"prot": unix.PROT_NONE, "pkey": 15}, whole: "prot", after: page},
		{calls: "pkey_free", args: args{"pkey": absent}},
		{calls: "munmap munlock", args: args{"addr": 4096, "length": 4096, "len": 4096}},
		{calls: "brk", args: args{"addr": 0}},
		{calls: "mremap", args: args{"old_address": w.page, "old_size": 4096, "new_size": 4096, "flags": 0}, whole: "flags"},
		{calls: "msync", args: args{"addr": w.page, "length": 4096, "flags": unix.MS_ASYNC}, must: args{"flags": unix.MS_ASYNC | unix.MS_SYNC}, whole: "length"},
		{calls: "mincore", args: args{"addr": w.page, "length": 4096, "vec": buf}},
		{calls: "madvise", args: args{"addr": w.page, "length": 4096, "advice": unix.MADV_NORMAL}, must: args{"advice": absent}},
		{calls: "process_madvise", args: args{"pidfd": w.self, "iovec": iov, "vlen": 1, "advice": unix.MADV_COLD, "flags": 0},
			must: args{"pidfd": absent, "vlen": 0, "advice": absent, "flags": 1}},
		{calls: "mlock", args: args{"addr": w.page, "len": 4096}, whole: "len", after: page},
		{calls: "mlock2", args: args{"addr": w.page, "len": 4096, "flags": 0}, must: args{"flags": 2}, whole: "len", after: page},
		{calls: "mlockall", args: args{"flags": 0}, must: args{"flags": unix.MCL_CURRENT}, after: unlock},
		{calls: "mseal", args: args{"addr": 4096, "size": 4096, "flags": 0}, whole: "flags"},
		{calls: "remap_file_pages", args: args{"addr": w.shared, "size": 4096, "prot": 0}, whole: "prot"},
		{calls: "mbind", args: args{"addr": w.page, "len": 4096, "mode": 0, "flags": 0}, must: args{"mode": 99, "flags": 0x100}},
		{calls: "set_mempolicy", args: args{"mode": 0}, must: args{"mode": 99}},
		{calls: "get_mempolicy", args: args{"mode": buf, "flags": 0}, whole: "flags"},
		{calls: "set_mempolicy_home_node", args: args{"start": w.page, "len": 0, "home_node": 0, "flags": 0}, whole: "home_node flags"},
		{calls: "migrate_pages", args: args{"pid": 0, "maxnode": 0}, must: args{"pid": nobody}},
		{calls: "move_pages", args: args{"pid": 0, "count": 0, "flags": 0}, must: args{"pid": nobody, "flags": 0x100}},
		{calls: "process_vm_readv process_vm_writev", args: args{"pid": w.pid, "local_iov": iov, "liovcnt": 1, "remote_iov": iov, "riovcnt": 1, "flags": 0},
			must: args{"pid": nobody, "liovcnt": 0}, whole: "riovcnt flags"},
		{calls: "map_shadow_stack", args: args{"addr": 0, "size": 1, "flags": 0x100}},
		{calls: "userfaultfd", args: args{"flags": 1}, must: args{"flags": 1 | unix.O_CLOEXEC}, after: opened},
		{calls: "membarrier", args: args{"cmd": 0, "flags": 0, "cpu_id": 0}, must: args{"cmd": absent, "flags": 2}},
		{calls: "get_robust_list", args: args{"pid": 0, "head_ptr": buf, "len_ptr": buf + 64}, must: args{"pid": nobody}},
	}
}

func sockets(w *world) []probe {
	buf := w.alloc(4096)
	iov := w.words(buf, 1)
	msg := w.words(0, 0, iov, 1, 0, 0, 0)
	msgs := w.alloc(128)
	w.put(msgs, 2, iov)
	w.put(msgs, 3, 1)
	size := w.narrow(128)
	addr := uint64(3 + len(fmt.Sprintf("arch%d", w.pid)))
	one := w.narrow(1)
	full := func(w *world) { binary.NativeEndian.PutUint32(w.at(size, 4), 128) }
	a, b := uint64(w.gram[0]), uint64(w.gram[1])
	oob := uint64(unix.MSG_OOB)
	drain := func(w *world, ret int64) string {
		var data [64]byte
		n := 0
		for _, fd := range []int{w.gram[1], int(w.bound)} {
			for {
				if _, _, err := unix.Recvfrom(fd, data[:], unix.MSG_DONTWAIT); err != nil {
					break
				}
				n++
			}
		}
		return fmt.Sprint(result(ret), " ", n)
	}
	pair := func(w *world, ret int64) string {
		if ret < 0 {
			return result(ret)
		}
		p := w.at(buf, 8)
		unix.Close(int(binary.NativeEndian.Uint32(p[4:])))
		return opened(w, int64(binary.NativeEndian.Uint32(p)))
	}
	fresh := func(kind int) func(*world) {
		return func(w *world) {
			fd, _ := unix.Socket(unix.AF_UNIX, kind, 0)
			unix.Dup2(fd, 200)
			unix.Close(fd)
		}
	}
	client := func(w *world) {
		full(w)
		fresh(unix.SOCK_STREAM | unix.SOCK_NONBLOCK)(w)
		unix.Connect(200, &unix.SockaddrUnix{Name: fmt.Sprintf("@arch%d", w.pid)})
	}
	accepted := func(w *world, ret int64) string {
		if ret < 0 {
			if fd, _, err := unix.Accept(int(w.listener)); err == nil {
				unix.Close(fd)
			}
		}
		return opened(w, ret)
	}
	named := w.bytes(append([]byte{unix.AF_UNIX, 0, 0, 'b'}, fmt.Sprint(w.pid)...)...)
	return []probe{
		{calls: "socket", args: args{"domain": unix.AF_UNIX, "type": unix.SOCK_STREAM, "protocol": 0},
			must: args{"domain": unix.AF_INET, "type": unix.SOCK_STREAM | unix.SOCK_CLOEXEC, "protocol": 99}, after: opened},
		{calls: "socketpair", args: args{"domain": unix.AF_UNIX, "type": unix.SOCK_STREAM, "protocol": 0, "sv": buf},
			must: args{"domain": 99, "type": unix.SOCK_DGRAM, "protocol": 99}, after: pair},
		{calls: "bind", args: args{"sockfd": 200, "addr": named, "addrlen": 8}, must: args{"sockfd": absent, "addrlen": 1}, before: fresh(unix.SOCK_STREAM)},
		{calls: "connect", args: args{"sockfd": 200, "addr": w.name, "addrlen": addr}, must: args{"sockfd": absent, "addrlen": 4}, before: fresh(unix.SOCK_DGRAM)},
		{calls: "listen", args: args{"sockfd": w.listener, "backlog": 100}, must: args{"sockfd": absent}},
		{calls: "accept accept4", args: args{"sockfd": w.listener, "addr": buf, "addrlen": size, "flags": 0},
			must: args{"sockfd": absent, "flags": unix.SOCK_CLOEXEC}, before: client, after: accepted},
		{calls: "getsockname getpeername", args: args{"sockfd": a, "addr": buf, "addrlen": size}, must: args{"sockfd": absent}, before: full},
		{calls: "setsockopt", args: args{"sockfd": a, "level": unix.SOL_SOCKET, "optname": unix.SO_PASSCRED, "optval": w.narrow(0), "optlen": 4},
			must: args{"sockfd": absent, "level": 99, "optname": absent, "optlen": 1}},
		{calls: "getsockopt", args: args{"sockfd": a, "level": unix.SOL_SOCKET, "optname": unix.SO_TYPE, "optval": buf, "optlen": size},
			must: args{"sockfd": absent, "level": 99, "optname": absent}, before: full},
		{calls: "shutdown", args: args{"sockfd": uint64(w.stream[0]), "how": unix.SHUT_RD}, must: args{"sockfd": absent, "how": 9}},
		{calls: "sendto", args: args{"sockfd": a, "buf": buf, "len": 1, "flags": 0}, must: args{"sockfd": absent, "flags": oob}, whole: "len", after: drain},
		{calls: "sendto", args: args{"sockfd": w.bound, "buf": buf, "len": 1, "flags": 0, "dest_addr": w.name, "addrlen": addr}, must: args{"addrlen": 1}, after: drain},
		{calls: "recvfrom recvmsg", args: args{"sockfd": b, "buf": buf, "len": 1, "msg": msg, "flags": unix.MSG_DONTWAIT}, must: args{"sockfd": absent, "flags": oob}},
		{calls: "sendmsg", args: args{"sockfd": a, "msg": msg, "flags": 0}, must: args{"sockfd": absent, "flags": oob}, after: drain},
		{calls: "sendmmsg", args: args{"sockfd": a, "msgvec": msgs, "vlen": 1, "flags": 0}, must: args{"sockfd": absent, "vlen": 0, "flags": oob}, after: drain},
		{calls: "recvmmsg recvmmsg_time64", args: args{"sockfd": b, "msgvec": msgs, "vlen": 1, "flags": unix.MSG_DONTWAIT},
			must: args{"sockfd": absent, "vlen": 0, "flags": oob}},
		{calls: "socketcall", args: args{"call": 1, "args": w.words(unix.AF_UNIX, unix.SOCK_STREAM, 0)}, must: args{"call": 99}, after: opened},
		{calls: "io_uring_setup", args: args{"entries": 1, "params": one}, must: args{"entries": 0}, before: func(w *world) { clear(w.at(one, 64)); clear(w.at(one+64, 56)) }, after: opened},
		{calls: "io_uring_enter", args: args{"fd": w.uring, "to_submit": 0, "min_complete": 0, "flags": 0}, must: args{"fd": absent, "flags": 0x80000000}},
		{calls: "io_uring_register", args: args{"fd": w.uring, "opcode": 8, "arg": buf, "nr_args": 1}, must: args{"fd": absent, "opcode": 99, "nr_args": 300},
			before: func(w *world) { clear(w.at(buf, 64)) }},
	}
}

func events(w *world) []probe {
	buf := w.alloc(4096)
	pollfd := w.bytes(byte(w.full[0]), 0, 0, 0, unix.POLLIN, 0, 0, 0)
	set := w.alloc(128)
	n := uint64(w.full[0] + 1)
	refill := func(w *world) {
		clear(w.at(set, 128))
		w.at(set, 128)[w.full[0]/8] = 1 << (w.full[0] % 8)
	}
	past := w.wide(0, 0)
	mask := w.wide(^uint64(0)) // a signal would interrupt a call
	event := w.narrow(unix.EPOLLIN, 0, 0)
	spec := w.wide(0, 0, 1000, 0) // 1000 seconds
	short := w.words(0, 0, 1000, 0)
	armed := func(w *world, ret int64) string {
		unix.Syscall(unix.SYS_TIMERFD_GETTIME, uintptr(w.timer), uintptr(buf), 0)
		return fmt.Sprint(result(ret), binary.NativeEndian.Uint64(w.at(buf+16, 8)) > 0)
	}
	timer := func(w *world, ret int64) string {
		w.call("timer_gettime", w.posix, buf)
		if w.word == 4 {
			return fmt.Sprint(result(ret), binary.NativeEndian.Uint32(w.at(buf+8, 4)) > 0)
		}
		return fmt.Sprint(result(ret), binary.NativeEndian.Uint64(w.at(buf+16, 8)) > 0)
	}
	deleted := func(w *world, ret int64) string {
		if ret == 0 {
			w.call("timer_delete", uint64(binary.NativeEndian.Uint32(w.at(buf, 4))))
		}
		return result(ret)
	}
	mono := uint64(unix.CLOCK_MONOTONIC)
	word := w.narrow(5)
	waiter := w.wide(6, word, 2|128)
	return []probe{
		{calls: "poll", args: args{"fds": pollfd, "nfds": 1, "timeout": 0}, must: args{"nfds": 0}},
		{calls: "ppoll ppoll_time64", args: args{"fds": pollfd, "nfds": 1, "tmo_p": past, "sigmask": mask, "sigsetsize": 8}, must: args{"nfds": 0}, whole: "sigsetsize"},
		{calls: "select _newselect pselect6 pselect6_time64", args: args{"nfds": n, "readfds": set, "timeout": past}, must: args{"nfds": 0}, before: refill},
		{calls: "epoll_create", args: args{"size": 1}, must: args{"size": 0}, after: opened},
		{calls: "epoll_create1", args: args{"flags": 0}, must: args{"flags": unix.O_CLOEXEC}, after: opened},
		{calls: "epoll_ctl", args: args{"epfd": w.epoll, "op": unix.EPOLL_CTL_MOD, "fd": w.events, "event": event}, must: args{"epfd": absent, "op": 99, "fd": absent}},
		{calls: "epoll_wait epoll_pwait epoll_pwait2", args: args{"epfd": w.epoll, "events": buf, "maxevents": 1, "timeout": 0, "sigmask": mask, "sigsetsize": 8},
			must: args{"epfd": absent, "maxevents": 0}, whole: "sigsetsize"},
		{calls: "eventfd", args: args{"initval": 1}, must: args{"initval": 2}, after: opened},
		{calls: "eventfd2", args: args{"initval": 1, "flags": 0}, must: args{"initval": 2, "flags": unix.O_CLOEXEC}, after: opened},
		{calls: "signalfd signalfd4", args: args{"fd": neg(-1), "mask": mask, "sizemask": 8, "flags": 0},
			must: args{"fd": absent, "flags": unix.O_CLOEXEC}, whole: "sizemask", after: opened},
		{calls: "timerfd_create", args: args{"clockid": mono, "flags": 0}, must: args{"clockid": 0, "flags": unix.O_CLOEXEC}, after: opened},
		{calls: "timerfd_settime", args: args{"fd": w.timer, "flags": 0, "new_value": short}, must: args{"fd": absent, "flags": 0x100}, after: armed},
		{calls: "timerfd_settime64", args: args{"fd": w.timer, "flags": 0, "new_value": spec}, must: args{"fd": absent, "flags": 0x100}, after: armed},
		{calls: "timerfd_gettime timerfd_gettime64", args: args{"fd": w.timer, "curr_value": buf}, must: args{"fd": absent}},
		{calls: "inotify_init1", args: args{"flags": 0}, must: args{"flags": unix.O_CLOEXEC}, after: opened},
		{calls: "timer_create", args: args{"clockid": mono, "timerid": buf}, must: args{"clockid": 99}, after: deleted},
		{calls: "timer_settime", args: args{"timerid": w.posix, "flags": 0, "new_value": short}, must: args{"timerid": absent, "flags": 1}, after: timer},
		{calls: "timer_settime64", args: args{"timerid": w.posix, "flags": 0, "new_value": spec}, must: args{"timerid": absent, "flags": 1}, after: timer},
		{calls: "timer_gettime timer_gettime64", args: args{"timerid": w.posix, "curr_value": buf}, must: args{"timerid": absent}},
		{calls: "timer_getoverrun", args: args{"timerid": w.posix}, must: args{"timerid": absent}},
		{calls: "timer_delete", args: args{"timerid": absent}},
		{calls: "clock_gettime clock_getres clock_gettime64 clock_getres_time64", args: args{"clockid": mono, "tp": buf, "res": buf}, must: args{"clockid": 99}},
		{calls: "clock_settime clock_settime64", args: args{"clockid": 99}, must: args{"clockid": 0}},
		{calls: "clock_adjtime clock_adjtime64", args: args{"clk_id": 0, "buf": w.alloc(256)}, must: args{"clk_id": 99}},
		{calls: "clock_nanosleep clock_nanosleep_time64", args: args{"clockid": mono, "flags": 0, "request": past}, must: args{"clockid": 99}},
		{calls: "getitimer", args: args{"which": 0, "curr_value": buf}, must: args{"which": 9}},
		{calls: "setitimer", args: args{"which": 0, "new_value": w.alloc(64)}, must: args{"which": 9}},
		{calls: "alarm", args: args{"seconds": 1000000}, must: args{"seconds": 2000000}, after: func(w *world, ret int64) string {
			left := w.call("alarm", 0)
			return fmt.Sprint(result(ret), (left+1000)/1000000)
		}},
		{calls: "futex futex_time64", args: args{"uaddr": word, "futex_op": 129, "val": 1}, must: args{"futex_op": 99}},
		{calls: "futex futex_time64", args: args{"uaddr": word, "futex_op": 128, "val": 6, "timeout": past}, must: args{"val": 5}},
		{calls: "futex futex_time64", args: args{"uaddr": word, "futex_op": 132, "uaddr2": buf, "val3": 6}, must: args{"val3": 5}},
		{calls: "futex_waitv", args: args{"waiters": waiter, "nr_futexes": 1, "flags": 0, "timeout": past, "clockid": mono}, must: args{"nr_futexes": 0, "flags": 1, "clockid": 99}},
		{calls: "futex_wake", args: args{"uaddr": word, "mask": 1, "nr": 1, "flags": 2 | 128}, must: args{"flags": 0x100}, whole: "mask"},
		{calls: "futex_wait", args: args{"uaddr": word, "val": 6, "mask": 1, "flags": 2 | 128, "timeout": past, "clockid": mono},
			must: args{"flags": 0x100, "clockid": 99}, whole: "val mask"},
		{calls: "futex_requeue", args: args{"waiters": w.wide(6, word, 2|128, 0, word, 2|128), "flags": 0, "nr_wake": 0, "nr_requeue": 0},
			must: args{"flags": 1, "nr_wake": neg(-1), "nr_requeue": neg(-1)}},
	}
}
