//go:build linux && amd64

package arch_test

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

func processes(w *world) []probe {
	buf := w.alloc(4096)
	zero := w.alloc(256)
	info := w.narrow(0, 0, neg32(-1)) // a siginfo_t with si_code SI_QUEUE
	limit := w.alloc(64)
	affinity := w.alloc(1024)
	limited := func(w *world) { w.call("getrlimit", unix.RLIMIT_CORE, limit) }
	bound := func(w *world) { w.call("sched_getaffinity", 0, 1024, affinity) }
	masked := func(w *world, ret int64) string { return fmt.Sprintf("%o", unix.Umask(0)) }
	persona := w.call("personality", 0xffffffff)
	personality := func(w *world, ret int64) string {
		now := w.call("personality", 0xffffffff)
		w.call("personality", uint64(persona))
		return fmt.Sprint(result(ret), now)
	}
	named := func(w *world, ret int64) string {
		var u unix.Utsname
		unix.Uname(&u)
		return fmt.Sprintf("%s %.8s %.8s", result(ret), u.Nodename[:], u.Domainname[:])
	}
	attr := w.narrow(48)
	attr2 := w.alloc(64)
	binary.NativeEndian.PutUint32(w.at(attr2, 4), 48)
	binary.NativeEndian.PutUint32(w.at(attr2, 20)[16:], 0)
	id := args{"uid": w.uid, "ruid": w.uid, "euid": w.uid, "suid": w.uid, "gid": w.gid, "rgid": w.gid, "egid": w.gid, "sgid": w.gid, "fsuid": w.uid, "fsgid": w.gid}
	user := args{"uid": 1234, "ruid": 1234, "euid": 1234, "suid": 1234}
	group := args{"gid": 1234, "rgid": 1234, "egid": 1234, "sgid": 1234}
	pick := func(from args, names ...string) args {
		m := args{}
		for _, n := range names {
			m[n] = from[n]
		}
		return m
	}
	same := func(calls string, names ...string) probe {
		must := user
		if _, ok := user[names[0]]; !ok {
			must = group
		}
		return probe{calls: calls, args: pick(id, names...), must: pick(must, names...)}
	}
	return []probe{
		{calls: "clone", args: args{"flags": unix.CLONE_THREAD}, must: args{"flags": 0}, fork: true},
		{calls: "clone", args: args{"flags": 0}, must: args{"flags": unix.CLONE_SIGHAND}, fork: true},
		{calls: "unshare", args: args{"flags": 0}, whole: "flags", fork: true},
		{calls: "exit exit_group", args: args{"status": 3}, must: args{"status": 4}, fork: true},
		{calls: "wait4 waitpid", args: args{"pid": neg(-1), "options": unix.WNOHANG}, must: args{"pid": 0x80000000, "options": 0x10000}},
		{calls: "waitid", args: args{"idtype": 0, "options": unix.WNOHANG | unix.WEXITED}, must: args{"idtype": 9, "options": 0}},
		{calls: "waitid", args: args{"idtype": 1, "id": 1, "options": unix.WNOHANG | unix.WEXITED}, must: args{"id": 0}},
		{calls: "kill", args: args{"pid": w.pid, "sig": 0}, must: args{"pid": nobody, "sig": 99}},
		{calls: "tkill", args: args{"tid": w.tid, "sig": 0}, must: args{"tid": nobody, "sig": 99}},
		{calls: "tgkill", args: args{"tgid": w.pid, "tid": w.tid, "sig": 0}, must: args{"tgid": nobody, "tid": nobody, "sig": 99}},
		{calls: "rt_sigqueueinfo", args: args{"tgid": w.pid, "sig": 0, "info": info}, must: args{"tgid": nobody, "sig": 99}},
		{calls: "rt_tgsigqueueinfo", args: args{"tgid": w.pid, "tid": w.tid, "sig": 0, "info": info}, must: args{"tgid": nobody, "tid": nobody, "sig": 99}},
		{calls: "pidfd_open", args: args{"pid": w.pid, "flags": 0}, must: args{"pid": nobody, "flags": 1}, after: opened},
		{calls: "pidfd_send_signal", args: args{"pidfd": w.self, "sig": 0, "flags": 0}, must: args{"pidfd": absent, "sig": 99, "flags": 0x100}},
		{calls: "pidfd_getfd", args: args{"pidfd": w.self, "targetfd": w.file, "flags": 0}, must: args{"pidfd": absent, "targetfd": absent, "flags": 1}, after: opened},
		{calls: "process_mrelease", args: args{"pidfd": w.self, "flags": 0}, must: args{"pidfd": absent}},
		{calls: "process_mrelease", args: args{"pidfd": absent, "flags": 0}, must: args{"flags": 1}},
		{calls: "clone3", args: args{"cl_args": zero, "size": 8}},
		{calls: "rt_sigsuspend", args: args{"mask": zero, "sigsetsize": 1}},
		{calls: "rt_sigaction", args: args{"signum": 12, "sigsetsize": 8}, must: args{"signum": 99}, whole: "sigsetsize"},
		{calls: "sigaction", args: args{"signum": 12}, must: args{"signum": 99}},
		{calls: "rt_sigprocmask", args: args{"how": 0, "set": zero, "sigsetsize": 8}, must: args{"how": 99}, whole: "sigsetsize"},
		{calls: "sigprocmask", args: args{"how": 0, "set": zero}, must: args{"how": 99}},
		{calls: "rt_sigpending", args: args{"set": buf, "sigsetsize": 8}, whole: "sigsetsize"},
		{calls: "rt_sigtimedwait rt_sigtimedwait_time64", args: args{"set": zero, "timeout": zero, "sigsetsize": 8}, whole: "sigsetsize"},
		{calls: "ptrace", args: args{"request": unix.PTRACE_ATTACH, "pid": w.pid}, must: args{"pid": nobody}, whole: "request"},
		{calls: "getpriority", args: args{"which": 0, "who": 0}, must: args{"which": 9, "who": nobody}},
		{calls: "setpriority", args: args{"which": 0, "who": 0, "prio": w.nice}, must: args{"which": 9, "who": nobody, "prio": neg(-20)}},
		{calls: "nice", args: args{"inc": 0}, must: args{"inc": neg(-40)}},
		{calls: "ioprio_get", args: args{"which": 1, "who": 0}, must: args{"which": 9, "who": nobody}},
		{calls: "ioprio_set", args: args{"which": 1, "who": 0, "ioprio": 0}, must: args{"which": 9, "who": nobody, "ioprio": 7 << 13}},
		{calls: "getrlimit ugetrlimit", args: args{"resource": unix.RLIMIT_CORE, "rlim": buf}, must: args{"resource": 99}},
		{calls: "setrlimit", args: args{"resource": unix.RLIMIT_CORE, "rlim": limit}, must: args{"resource": 99}, before: limited},
		{calls: "prlimit64", args: args{"pid": w.pid, "resource": unix.RLIMIT_CORE, "old_limit": buf}, must: args{"pid": nobody, "resource": 99}},
		{calls: "getrusage", args: args{"who": 0, "usage": buf}, must: args{"who": 99}},
		{calls: "getpgid getsid", args: args{"pid": w.pid}, must: args{"pid": nobody}},
		{calls: "setpgid", args: args{"pid": 0, "pgid": 0}, must: args{"pid": nobody, "pgid": neg(-1)}},
		{calls: "sched_getscheduler sched_getparam sched_rr_get_interval sched_rr_get_interval_time64", args: args{"pid": w.pid, "param": buf, "tp": buf}, must: args{"pid": nobody}},
		{calls: "sched_setparam", args: args{"pid": w.pid, "param": zero}, must: args{"pid": nobody}},
		{calls: "sched_setscheduler", args: args{"pid": w.pid, "policy": 0, "param": zero}, must: args{"pid": nobody, "policy": 99}},
		{calls: "sched_get_priority_max sched_get_priority_min", args: args{"policy": 1}, must: args{"policy": 0}},
		{calls: "sched_getattr", args: args{"pid": w.pid, "attr": buf, "size": 56, "flags": 0}, must: args{"pid": nobody, "size": 1, "flags": 1}},
		{calls: "sched_setattr", args: args{"pid": w.pid, "attr": attr2, "flags": 0}, must: args{"pid": nobody, "flags": 1}},
		{calls: "sched_getaffinity", args: args{"pid": w.pid, "cpusetsize": 1024, "mask": buf}, must: args{"pid": nobody, "cpusetsize": 1}},
		{calls: "sched_setaffinity", args: args{"pid": 0, "cpusetsize": 1024, "mask": affinity}, must: args{"pid": nobody, "cpusetsize": 0}, before: bound},
		{calls: "umask", args: args{"mask": 0o22}, must: args{"mask": 0o77}, after: masked},
		{calls: "personality", args: args{"persona": uint64(persona)}, must: args{"persona": uint64(persona) ^ 0x40000}, after: personality},
		{calls: "prctl", args: args{"option": unix.PR_GET_DUMPABLE}, must: args{"option": 9999}},
		{calls: "arch_prctl", args: args{"code": 0x1011}, must: args{"code": 0x9999}},
		{calls: "modify_ldt", args: args{"func": 0, "ptr": buf, "bytecount": 16}, must: args{"func": 99}},
		{calls: "iopl", args: args{"level": 0}, must: args{"level": 9}},
		{calls: "ioperm", args: args{"from": 0, "num": 1, "turn_on": 0}, must: args{"turn_on": 1}, whole: "from num"},
		{calls: "syslog", args: args{"type": 10}, must: args{"type": 99}},
		{calls: "sysfs", args: args{"option": 3}, must: args{"option": 9}},
		{calls: "sethostname setdomainname", args: args{"name": w.str("abc"), "len": 3}, must: args{"len": 2}, after: named},
		{calls: "kcmp", args: args{"pid1": w.pid, "pid2": w.pid, "type": 0, "idx1": w.file, "idx2": w.file},
			must: args{"pid1": nobody, "pid2": nobody, "type": 99, "idx1": w.dir}},
		{calls: "setns", args: args{"fd": w.file, "nstype": 0}, must: args{"fd": absent}},
		{calls: "setns", args: args{"fd": w.self, "nstype": 0}, must: args{"nstype": 0x40000000}},
		{calls: "getgroups getgroups32", args: args{"size": 0}, must: args{"size": neg(-1)}},
		same("setuid setuid32", "uid"), same("setgid setgid32", "gid"), same("setreuid setreuid32", "ruid", "euid"), same("setregid setregid32", "rgid", "egid"),
		same("setresuid setresuid32", "ruid", "euid", "suid"), same("setresgid setresgid32", "rgid", "egid", "sgid"),
		{calls: "setfsuid setfsuid32 setfsgid setfsgid32", args: pick(id, "fsuid", "fsgid")},
		{calls: "sched_setattr", args: args{"pid": w.pid, "attr": attr, "flags": 0}},
		{calls: "ssetmask", args: args{"newmask": 0xffffffff}, must: args{"newmask": 0xfffffffe}, after: func(w *world, ret int64) string {
			now := w.call("sgetmask")
			w.call("ssetmask", 0xffffffff)
			return fmt.Sprint(ret, now)
		}},
		{calls: "signal", args: args{"signum": 9, "handler": 0}},
	}
}

func neg32(n int) uint32 { return uint32(n) }

func ipc(w *world) []probe {
	buf := w.alloc(8192)
	key := w.pid
	op := w.bytes(0, 0, 0, 0, 0, 8) // semaphore 0, wait for 0, IPC_NOWAIT
	message := w.words(1, 0)
	context := w.alloc(8)
	created := w.alloc(8)
	setup := func(w *world) {
		clear(w.at(created, 8))
		if w.at(context, 8)[0] == 0 {
			w.call("io_setup", 1, context)
		}
	}
	setup(w)
	aio := binary.NativeEndian.Uint64(w.at(context, 8))
	destroyed := func(w *world, ret int64) string {
		if ret == 0 {
			w.call("io_destroy", binary.NativeEndian.Uint64(w.at(created, 8)))
		}
		return result(ret)
	}
	detached := func(w *world, ret int64) string {
		if ret < 0 && ret > -4096 {
			return result(ret)
		}
		s := perms(w.address(ret))
		w.call("shmdt", w.address(ret))
		return s
	}
	received := func(w *world, ret int64) string {
		n := w.call("msgrcv", w.msg, buf, 8, 0, unix.IPC_NOWAIT)
		return fmt.Sprint(result(ret), " ", result(n))
	}
	queue := w.str(fmt.Sprintf("new%d", w.pid))
	queued := func(w *world, ret int64) string {
		s := opened(w, ret)
		w.call("mq_unlink", queue)
		return s
	}
	drained := func(w *world, ret int64) string {
		n := w.call("mq_timedreceive", w.queue, buf, 8192, 0, 0)
		return fmt.Sprint(result(ret), " ", result(n))
	}
	return []probe{
		{calls: "shmget", args: args{"key": key, "size": 1, "shmflg": 0}, must: args{"key": key + 1, "shmflg": unix.IPC_CREAT | unix.IPC_EXCL}, whole: "size"},
		{calls: "shmat", args: args{"shmid": w.shm, "shmflg": unix.SHM_RDONLY}, must: args{"shmid": absent, "shmflg": 0}, after: detached},
		{calls: "shmctl", args: args{"shmid": w.shm, "cmd": unix.IPC_STAT, "buf": buf}, must: args{"shmid": absent, "cmd": 99}},
		{calls: "semget", args: args{"key": key, "nsems": 1, "semflg": 0}, must: args{"key": key + 1, "nsems": 5, "semflg": unix.IPC_CREAT | unix.IPC_EXCL}},
		{calls: "semctl", args: args{"semid": w.sem, "semnum": 0, "cmd": 12}, must: args{"semid": absent, "semnum": 5, "cmd": 99}},
		{calls: "semop semtimedop semtimedop_time64", args: args{"semid": w.sem, "sops": op, "nsops": 1}, must: args{"semid": absent, "nsops": 0}},
		{calls: "msgget", args: args{"key": key, "msgflg": 0}, must: args{"key": key + 1, "msgflg": unix.IPC_CREAT | unix.IPC_EXCL}},
		{calls: "msgsnd", args: args{"msqid": w.msg, "msgp": message, "msgsz": 1, "msgflg": unix.IPC_NOWAIT}, must: args{"msqid": absent}, whole: "msgsz", after: received},
		{calls: "msgrcv", args: args{"msqid": w.msg, "msgp": buf, "msgsz": 8, "msgtyp": 0, "msgflg": unix.IPC_NOWAIT}, must: args{"msqid": absent, "msgflg": 0x7800}},
		{calls: "msgctl", args: args{"msqid": w.msg, "cmd": unix.IPC_STAT, "buf": buf}, must: args{"msqid": absent, "cmd": 99}},
		{calls: "ipc", args: args{"call": 23, "first": key, "second": 1, "third": 0, "arg1": key, "arg2": 1}, must: args{"call": 99, "first": key + 1}},
		{calls: "mq_open", args: args{"name": queue, "oflag": unix.O_RDWR | unix.O_CREAT, "mode": 0o600}, must: args{"oflag": unix.O_RDONLY | unix.O_CREAT, "mode": 0o400}, after: queued},
		{calls: "mq_timedsend mq_timedsend_time64", args: args{"mqdes": w.queue, "msg_ptr": buf, "msg_len": 1, "msg_prio": 0},
			must: args{"mqdes": absent, "msg_prio": 0x8000}, whole: "msg_len", after: drained},
		{calls: "mq_timedreceive mq_timedreceive_time64", args: args{"mqdes": w.queue, "msg_ptr": buf, "msg_len": 1}, must: args{"mqdes": absent}, whole: "msg_len"},
		{calls: "mq_notify mq_getsetattr", args: args{"mqdes": w.queue}, must: args{"mqdes": absent}},
		{calls: "io_setup", args: args{"nr_events": 1, "ctx_idp": created}, must: args{"nr_events": 0}, before: setup, after: destroyed},
		{calls: "io_destroy io_cancel", args: args{"ctx_id": 0}},
		{calls: "io_getevents io_pgetevents io_pgetevents_time64", args: args{"ctx_id": aio, "min_nr": 0, "nr": 0}, whole: "ctx_id min_nr"},
		{calls: "io_submit", args: args{"ctx_id": aio, "nr": 0}, whole: "ctx_id nr"},
	}
}

func security(w *world) []probe {
	buf := w.alloc(8192)
	perf := w.wide(1, 0, 0, 0, 0, 1<<5|1<<6)
	rule := w.alloc(64)
	binary.NativeEndian.PutUint64(w.at(rule, 8), 4) // LANDLOCK_ACCESS_FS_READ_FILE
	binary.NativeEndian.PutUint32(w.at(rule, 12)[8:], uint32(w.file))
	area := w.alloc(64)
	retained := func(w *world, ret int64) string {
		if ret < 0 {
			return result(ret)
		}
		return result(w.call("rseq", area, 32, 1, 0x1234)) + result(w.call("rseq", area, 32, 1, 0x4321))
	}
	ok := func(w *world, ret int64) string { return result(min(ret, 0)) }
	process := neg(-2) // KEY_SPEC_PROCESS_KEYRING
	kind, desc := w.str("user"), w.str("arch")
	ruleset := uint64(w.call("landlock_create_ruleset", w.wide(4), 8, 0))
	size := w.narrow(4096)
	sized := func(w *world) { binary.NativeEndian.PutUint32(w.at(size, 4), 4096) }
	return []probe{
		{calls: "seccomp", args: args{"operation": 2, "flags": 0, "args": w.narrow(0x7fff0000)}, must: args{"operation": 99, "flags": 1}},
		{calls: "getrandom", args: args{"buf": buf, "buflen": 8, "flags": unix.GRND_NONBLOCK}, must: args{"flags": 0x100}},
		{calls: "bpf", args: args{"cmd": 1, "attr": w.narrow(absent), "size": 8}, must: args{"cmd": 999, "size": 5000}},
		{calls: "perf_event_open", args: args{"attr": perf, "pid": 0, "cpu": neg(-1), "group_fd": neg(-1), "flags": 0},
			must: args{"pid": nobody, "cpu": nobody, "group_fd": absent}, whole: "flags", after: opened},
		{calls: "fanotify_init", args: args{"flags": 0x200, "event_f_flags": 0}, must: args{"flags": 0x80000200, "event_f_flags": unix.O_TRUNC}, after: opened},
		{calls: "fanotify_mark", args: args{"fanotify_fd": absent, "flags": 1, "arg2": 0x20, "dirfd": w.dir}, must: args{"fanotify_fd": w.file, "flags": 0x80000001}, whole: "mask"},
		{calls: "fanotify_mark", args: args{"fanotify_fd": w.fanotify, "flags": 1, "arg2": 0x20, "dirfd": w.dir, "pathname": w.str("f")}, must: args{"dirfd": absent}},
		{calls: "landlock_create_ruleset", args: args{"attr": w.wide(4), "size": 8, "flags": 0}, must: args{"flags": 0x100}, whole: "size", after: opened},
		{calls: "landlock_add_rule", args: args{"ruleset_fd": ruleset, "rule_type": 1, "rule_attr": rule, "flags": 0}, must: args{"ruleset_fd": absent, "rule_type": 99, "flags": 1}},
		{calls: "landlock_restrict_self", args: args{"ruleset_fd": absent, "flags": 0}, must: args{"ruleset_fd": w.file, "flags": 0x100}},
		{calls: "lsm_get_self_attr", args: args{"attr": 100, "ctx": buf, "size": size, "flags": 0}, must: args{"attr": 0, "flags": 0x100}, before: sized},
		{calls: "lsm_set_self_attr", args: args{"attr": 100, "ctx": w.wide(0, 0, 32, 0), "size": 32, "flags": 0}, must: args{"size": 8, "flags": 1}},
		{calls: "lsm_list_modules", args: args{"ids": buf, "size": size, "flags": 0}, must: args{"flags": 1}, before: sized},
		{calls: "listmount", args: args{"req": w.wide(24, ^uint64(0), 0), "mnt_ids": buf, "nr_mnt_ids": 1, "flags": 0}, must: args{"flags": 0x100}},
		{calls: "statmount", args: args{"req": w.wide(24, 1<<40, 1), "buf": buf, "bufsize": 4096, "flags": 0}, must: args{"flags": 0x100}},
		{calls: "add_key", args: args{"type": kind, "description": desc, "payload": buf, "plen": 1, "keyring": process}, must: args{"keyring": nobody}, whole: "plen", after: ok},
		{calls: "request_key", args: args{"type": kind, "description": desc, "dest_keyring": process}, must: args{"dest_keyring": nobody}, after: ok},
		{calls: "keyctl", args: args{"operation": 0, "arg1": process, "arg2": 1}, must: args{"operation": 99}, after: ok},
		{calls: "rseq", args: args{"rseq": area, "rseq_len": 32, "flags": 0, "sig": 0x1234}, must: args{"rseq_len": 8, "flags": 2, "sig": 0x4321}, after: retained},
		{calls: "open_by_handle_at", args: args{"mount_fd": w.dir, "handle": buf, "flags": 0}},
	}
}
