//go:build linux && amd64

package arch_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// probes is the table of the campaign: harmless calls by their man page names.
func probes(w *world) []probe {
	return slices.Concat(files(w), paths(w), memory(w), sockets(w), events(w), processes(w), ipc(w), security(w))
}

func files(w *world) []probe {
	buf := w.alloc(4096)
	iov := w.words(buf, 1)
	offset, offset2 := w.wide(0), w.wide(0)
	zero := func(w *world) { copy(w.at(offset, 8), make([]byte, 8)); copy(w.at(offset2, 8), make([]byte, 8)) }
	rewind := func(w *world) { unix.Seek(int(w.file), 0, 0); unix.Seek(int(w.dir), 0, 0) }
	size := func(w *world, ret int64) string {
		var st unix.Stat_t
		unix.Fstat(int(w.mem), &st)
		unix.Ftruncate(int(w.mem), 4096)
		return fmt.Sprint(result(ret), " ", st.Size)
	}
	refill := func(w *world, ret int64) string { // full is to hold one byte, pipe none
		var b [16]byte
		n, _ := unix.Read(w.full[0], b[:])
		m, _ := unix.Read(w.pipe[0], b[:])
		unix.Write(w.full[1], b[:1])
		return fmt.Sprint(result(ret), " ", n, " ", m)
	}
	flags := func(w *world, ret int64) string {
		fl, _ := unix.FcntlInt(200, unix.F_GETFD, 0)
		fl2, _ := unix.FcntlInt(201, unix.F_GETFD, 0)
		unix.Close(200)
		unix.Close(201)
		return fmt.Sprint(result(ret), fl, fl2)
	}
	pair := func(w *world, ret int64) string {
		if ret < 0 {
			return result(ret)
		}
		b := w.at(buf, 8)
		return opened(w, int64(binary.NativeEndian.Uint32(b))) + " " + opened(w, int64(binary.NativeEndian.Uint32(b[4:])))
	}
	return []probe{
		{calls: "read", args: args{"fd": w.file, "buf": buf, "count": 1}, must: args{"fd": absent}, whole: "count", before: rewind},
		{calls: "write", args: args{"fd": w.null, "buf": buf, "count": 1}, must: args{"fd": absent}, whole: "count"},
		{calls: "pread64", args: args{"fd": w.file, "buf": buf, "count": 1, "offset": 1}, must: args{"fd": absent}, whole: "count offset"},
		{calls: "pwrite64", args: args{"fd": w.null, "buf": buf, "count": 1, "offset": 1}, must: args{"fd": absent}, whole: "count"},
		{calls: "readv preadv preadv2", args: args{"fd": w.file, "iov": iov, "iovcnt": 1, "offset": 0, "flags": 0},
			must: args{"fd": absent, "iovcnt": 0, "flags": 0x1000}, whole: "offset", before: rewind},
		{calls: "writev pwritev pwritev2", args: args{"fd": w.null, "iov": iov, "iovcnt": 1, "flags": 0}, must: args{"fd": absent, "iovcnt": 0, "flags": 0x1000}},
		{calls: "close", args: args{"fd": 200}, must: args{"fd": 201}, before: func(w *world) { unix.Dup2(int(w.file), 200) }},
		{calls: "fstat fstat64 oldfstat", args: args{"fd": w.file, "statbuf": buf}, must: args{"fd": absent}},
		{calls: "fstatfs fstatfs64", args: args{"fd": w.file, "buf": buf, "sz": map[int]uint64{4: 84, 8: 120}[w.word]}, must: args{"fd": absent}},
		{calls: "lseek", args: args{"fd": w.file, "offset": 5, "whence": unix.SEEK_SET}, must: args{"fd": absent, "whence": unix.SEEK_END}, whole: "offset"},
		{calls: "_llseek", args: args{"fd": w.file, "offset_low": 5, "result": buf, "whence": unix.SEEK_SET}, must: args{"fd": absent, "whence": 99}},
		{calls: "ioctl", args: args{"fd": uint64(w.full[0]), "request": unix.TIOCINQ, "arg": buf}, must: args{"fd": absent, "request": 0x1234}},
		{calls: "fcntl fcntl64", args: args{"fd": w.file, "cmd": unix.F_GETFD}, must: args{"fd": absent, "cmd": unix.F_GETFL}},
		{calls: "flock", args: args{"fd": w.file, "operation": unix.LOCK_SH}, must: args{"fd": absent, "operation": 0}},
		{calls: "dup", args: args{"oldfd": w.file}, must: args{"oldfd": absent}, after: opened},
		{calls: "dup2 dup3", args: args{"oldfd": w.file, "newfd": 200, "flags": 0}, must: args{"oldfd": absent, "newfd": 201, "flags": unix.O_CLOEXEC}, after: flags},
		{calls: "fsync fdatasync syncfs", args: args{"fd": w.mem}, must: args{"fd": absent}},
		{calls: "ftruncate", args: args{"fd": w.mem, "length": 1}, must: args{"fd": absent}, whole: "length", after: size},
		{calls: "ftruncate64", args: args{"fd": w.mem}, must: args{"fd": absent}, after: size},
		{calls: "fallocate", args: args{"fd": w.mem, "mode": 0, "len": 8192, "arg4": 8192}, must: args{"fd": absent, "mode": 0x100}, after: size},
		{calls: "fadvise64", args: args{"fd": w.file, "advice": 0}, must: args{"fd": absent, "advice": 99}},
		{calls: "fadvise64_64", args: args{"fd": w.file, "advice": 0}, must: args{"fd": absent, "advice": 99}},
		{calls: "readahead", args: args{"fd": w.file}, must: args{"fd": absent}},
		{calls: "sync_file_range", args: args{"fd": w.file, "flags": 0}, must: args{"fd": absent, "flags": 0x100}},
		{calls: "cachestat", args: args{"fd": w.file, "cstat_range": w.wide(0, 4096), "cstat": buf, "flags": 0}, must: args{"fd": absent, "flags": 1}},
		{calls: "getdents getdents64 readdir", args: args{"fd": w.dir, "dirp": buf, "count": 4096}, must: args{"fd": w.file}, before: rewind},
		{calls: "getdents getdents64", args: args{"fd": w.dir, "dirp": buf, "count": 4096}, must: args{"count": 1}, before: rewind},
		{calls: "fchdir", args: args{"fd": w.dir}, must: args{"fd": w.file}},
		{calls: "fchmod", args: args{"fd": w.file, "mode": 0o644}, must: args{"fd": absent, "mode": 0o755}, after: made("f")},
		{calls: "fchown fchown32", args: args{"fd": w.file, "owner": w.uid, "group": w.gid}, must: args{"fd": absent, "owner": 1234, "group": 1234}, after: made("f")},
		{calls: "sendfile sendfile64", args: args{"out_fd": w.null, "in_fd": w.file, "offset": offset, "count": 1},
			must: args{"out_fd": absent, "in_fd": absent}, whole: "count", before: zero},
		{calls: "copy_file_range", args: args{"fd_in": w.file, "fd_out": w.mem, "off_in": offset, "off_out": offset2, "len": 1, "flags": 0},
			must: args{"fd_in": absent, "fd_out": absent, "flags": 0x100}, before: zero},
		{calls: "splice", args: args{"fd_in": uint64(w.full[0]), "fd_out": w.null, "len": 1, "flags": 2}, must: args{"fd_in": absent, "fd_out": absent, "flags": 0x102}, after: refill},
		{calls: "tee", args: args{"fd_in": uint64(w.full[0]), "fd_out": uint64(w.pipe[1]), "len": 1, "flags": 2},
			must: args{"fd_in": absent, "fd_out": absent, "flags": 0x102}, after: refill},
		{calls: "vmsplice", args: args{"fd": uint64(w.pipe[1]), "iov": iov, "nr_segs": 1, "flags": 2}, must: args{"fd": absent, "nr_segs": 0, "flags": 0x102}, after: refill},
		{calls: "pipe2", args: args{"pipefd": buf, "flags": 0}, must: args{"flags": unix.O_CLOEXEC}, after: pair},
		{calls: "close_range", args: args{"first": 900, "last": 900, "flags": 0}, must: args{"first": 901, "last": 899, "flags": 0x100}},
		{calls: "memfd_create", args: args{"name": w.str("x"), "flags": 0}, must: args{"flags": unix.MFD_CLOEXEC}, after: opened},
		{calls: "memfd_secret", args: args{"flags": 0}, must: args{"flags": unix.O_CLOEXEC}, after: opened},
		{calls: "ustat", args: args{"dev": w.dev, "ubuf": buf}, must: args{"dev": absent}},
	}
}

func paths(w *world) []probe {
	buf := w.alloc(4096)
	f, l, rel, fresh, sub := w.path("f"), w.path("l"), w.str("f"), w.path("new"), w.str("new")
	empty := w.str("")
	attr := w.str("user.x")
	xargs := w.wide(buf, 1)
	none := func(w *world) { os.RemoveAll(filepath.Join(w.cwd, "new")) }
	owned := args{"dirfd": w.dir, "pathname": f, "owner": w.uid, "group": w.gid, "flags": 0}
	capacity := func(w *world) { binary.NativeEndian.PutUint32(w.at(buf, 4), 0) }
	unmounted := func(w *world, ret int64) string {
		var st unix.Statfs_t
		unix.Statfs(filepath.Join(w.cwd, "m"), &st)
		for unix.Unmount(filepath.Join(w.cwd, "m"), unix.MNT_DETACH) == nil {
		}
		return fmt.Sprintf("%s %x %x", result(ret), st.Type, st.Flags)
	}
	return []probe{
		{calls: "open", args: args{"pathname": f, "flags": unix.O_RDONLY}, must: args{"flags": unix.O_WRONLY}, after: opened},
		{calls: "openat", args: args{"dirfd": w.dir, "pathname": rel, "flags": unix.O_RDONLY}, must: args{"dirfd": absent, "flags": unix.O_WRONLY}, after: opened},
		{calls: "open openat creat", args: args{"dirfd": w.dir, "pathname": fresh, "flags": unix.O_RDWR | unix.O_CREAT, "mode": 0o600}, must: args{"mode": 0o755}, after: made("new")},
		{calls: "openat2", args: args{"dirfd": w.dir, "pathname": rel, "how": w.wide(0, 0, 0), "size": 24}, must: args{"dirfd": absent}, whole: "size", after: opened},
		{calls: "mkdir mkdirat", args: args{"dirfd": w.dir, "pathname": fresh, "mode": 0o700}, must: args{"mode": 0o755}, after: made("new")},
		{calls: "mkdirat", args: args{"dirfd": w.dir, "pathname": sub, "mode": 0o700}, must: args{"dirfd": absent}, after: made("new")},
		{calls: "mknod mknodat", args: args{"dirfd": w.dir, "pathname": fresh, "mode": unix.S_IFREG | 0o600}, must: args{"mode": unix.S_IFIFO | 0o600}, after: made("new")},
		{calls: "mknod mknodat", args: args{"dirfd": w.dir, "pathname": fresh, "mode": unix.S_IFCHR | 0o600, "dev": 0}, must: args{"dev": 0x103}, after: made("new")},
		{calls: "mknodat", args: args{"dirfd": w.dir, "pathname": sub, "mode": unix.S_IFREG | 0o600}, must: args{"dirfd": absent}, after: made("new")},
		{calls: "chmod fchmodat fchmodat2", args: args{"dirfd": w.dir, "pathname": f, "mode": 0o644}, must: args{"mode": 0o755}, after: made("f")},
		{calls: "fchmodat fchmodat2", args: args{"dirfd": w.dir, "pathname": rel, "mode": 0o644, "flags": 0}, must: args{"dirfd": absent, "flags": 1}, after: made("f")},
		{calls: "chown chown32 lchown lchown32 fchownat", args: owned, must: args{"owner": 1234, "group": 1234}, after: made("f")},
		{calls: "fchownat", args: args{"dirfd": w.dir, "pathname": rel, "owner": w.uid, "group": w.gid, "flags": 0}, must: args{"dirfd": absent, "flags": 1}, after: made("f")},
		{calls: "access faccessat faccessat2", args: args{"dirfd": w.dir, "pathname": f, "mode": unix.R_OK}, must: args{"mode": 8}},
		{calls: "faccessat faccessat2", args: args{"dirfd": w.dir, "pathname": rel, "mode": unix.R_OK, "flags": 0}, must: args{"dirfd": absent, "flags": 1}},
		{calls: "readlink readlinkat", args: args{"dirfd": w.dir, "pathname": l, "buf": buf, "bufsiz": 4096}, must: args{"bufsiz": 0}},
		{calls: "readlinkat", args: args{"dirfd": w.dir, "pathname": w.str("l"), "buf": buf, "bufsiz": 9}, must: args{"dirfd": absent}},
		{calls: "newfstatat fstatat64", args: args{"dirfd": w.dir, "pathname": rel, "statbuf": buf, "flags": 0}, must: args{"dirfd": absent, "flags": 1}},
		{calls: "statx", args: args{"dirfd": w.dir, "pathname": rel, "flags": 0, "mask": 0, "statxbuf": buf}, must: args{"dirfd": absent, "flags": 0x6000, "mask": 0x80000000}},
		{calls: "futimesat", args: args{"dirfd": w.dir, "pathname": rel}, must: args{"dirfd": absent}},
		{calls: "utimensat utimensat_time64", args: args{"dirfd": w.dir, "pathname": rel, "flags": 0}, must: args{"dirfd": absent, "flags": 1}},
		{calls: "unlinkat", args: args{"dirfd": w.dir, "pathname": sub, "flags": 0}, must: args{"dirfd": absent, "flags": unix.AT_REMOVEDIR}, before: create("new"), after: made("new")},
		{calls: "renameat renameat2", args: args{"olddirfd": w.dir, "oldpath": sub, "newdirfd": w.dir, "newpath": w.str("new2"), "flags": 0},
			must: args{"olddirfd": absent, "newdirfd": absent, "flags": 0x100}, before: create("new"), after: made("new2")},
		{calls: "linkat", args: args{"olddirfd": w.dir, "oldpath": rel, "newdirfd": w.dir, "newpath": sub, "flags": 0},
			must: args{"olddirfd": absent, "newdirfd": absent, "flags": 1}, before: none, after: made("new")},
		{calls: "symlinkat", args: args{"target": rel, "newdirfd": w.dir, "linkpath": sub}, must: args{"newdirfd": absent}, before: none, after: made("new")},
		{calls: "execveat", args: args{"dirfd": w.dir, "pathname": w.str("absent"), "argv": w.words(rel, 0), "envp": w.words(0), "flags": 0}, must: args{"dirfd": absent, "flags": 1}},
		{calls: "inotify_add_watch", args: args{"fd": w.inotify, "pathname": f, "mask": unix.IN_ACCESS}, must: args{"fd": absent, "mask": 0}},
		{calls: "inotify_rm_watch", args: args{"fd": w.inotify, "wd": absent}, must: args{"fd": absent}},
		{calls: "name_to_handle_at", args: args{"dirfd": w.dir, "pathname": rel, "handle": buf, "mount_id": buf + 64, "flags": 0},
			must: args{"dirfd": absent, "flags": 4}, before: capacity},
		{calls: "setxattr lsetxattr", args: args{"path": f, "name": attr, "value": buf, "size": 1, "flags": 0}, must: args{"flags": 0x10}, whole: "size"},
		{calls: "fsetxattr", args: args{"fd": w.file, "name": attr, "value": buf, "size": 1, "flags": 0}, must: args{"fd": absent, "flags": 0x10}, whole: "size"},
		{calls: "getxattr lgetxattr listxattr llistxattr", args: args{"path": f, "name": attr, "value": buf, "list": buf, "size": 4096}},
		{calls: "statfs64", args: args{"path": f, "sz": map[int]uint64{4: 84, 8: 120}[w.word], "buf": buf}},
		{calls: "fgetxattr", args: args{"fd": w.file, "name": attr, "value": buf, "size": 9}, must: args{"fd": absent}},
		{calls: "flistxattr", args: args{"fd": w.file, "list": buf, "size": 4096}, must: args{"fd": absent}},
		{calls: "fremovexattr", args: args{"fd": w.file, "name": w.str("user.absent")}, must: args{"fd": absent}},
		{calls: "setxattrat getxattrat", args: args{"dirfd": w.dir, "pathname": rel, "name": attr, "uargs": xargs, "usize": 16, "at_flags": 0},
			must: args{"dirfd": absent, "at_flags": 1}, whole: "usize"},
		{calls: "listxattrat", args: args{"dirfd": w.dir, "pathname": rel, "at_flags": 0, "list": buf, "size": 4096}, must: args{"dirfd": absent, "at_flags": 1}},
		{calls: "removexattrat", args: args{"dirfd": w.dir, "pathname": rel, "at_flags": 0, "name": w.str("user.absent")}, must: args{"dirfd": absent, "at_flags": 1}},
		{calls: "file_getattr", args: args{"dirfd": w.dir, "pathname": rel, "ufattr": buf, "usize": 24, "at_flags": 0}, must: args{"dirfd": absent, "at_flags": 1}, whole: "usize"},
		{calls: "file_setattr", args: args{"dirfd": w.dir, "pathname": rel, "ufattr": w.alloc(64), "usize": 24, "at_flags": 0}, must: args{"dirfd": absent, "at_flags": 1}, whole: "usize"},
		{calls: "mount", args: args{"source": w.str("none"), "target": w.path("m"), "filesystemtype": w.str("tmpfs"), "mountflags": unix.MS_NOEXEC},
			must: args{"mountflags": unix.MS_RDONLY}, whole: "mountflags", after: unmounted},
		{calls: "umount2", args: args{"target": w.path("m"), "flags": 0}, must: args{"flags": 0x100}, after: unmounted,
			before: func(w *world) { unix.Mount("none", filepath.Join(w.cwd, "m"), "tmpfs", 0, "") }},
		{calls: "open_tree", args: args{"dirfd": w.dir, "pathname": rel, "flags": 0}, must: args{"dirfd": absent, "flags": 2}, after: opened},
		{calls: "open_tree_attr", args: args{"dirfd": w.dir, "pathname": rel, "flags": 0, "usize": 0}, must: args{"dirfd": absent, "flags": 2}, after: opened},
		{calls: "move_mount", args: args{"from_dirfd": w.dir, "from_pathname": rel, "to_dirfd": absent, "to_pathname": rel, "flags": 0},
			must: args{"to_dirfd": w.dir, "flags": 0x1000}},
		{calls: "move_mount", args: args{"from_dirfd": absent, "from_pathname": rel, "to_dirfd": w.dir, "to_pathname": rel, "flags": 0}, must: args{"from_dirfd": w.dir}},
		{calls: "mount_setattr", args: args{"dirfd": w.dir, "pathname": empty, "flags": 0x1000, "attr": w.wide(0, 0, 0, 0), "size": 32},
			must: args{"flags": 2}, whole: "size"},
		{calls: "mount_setattr", args: args{"dirfd": w.dir, "pathname": empty, "flags": 0x1000, "attr": w.wide(1<<7, 0, 0, 0), "size": 32}, must: args{"dirfd": absent}},
		{calls: "fsopen", args: args{"fsname": w.str("tmpfs"), "flags": 0}, must: args{"flags": 1}, after: opened},
		{calls: "fsconfig", args: args{"fd": absent, "cmd": 1, "key": rel, "value": rel, "aux": 0}, must: args{"fd": w.file, "cmd": 99, "aux": 1}},
		{calls: "fsmount", args: args{"fsfd": absent, "flags": 0, "attr_flags": 0}, must: args{"fsfd": w.file, "flags": 2, "attr_flags": 0x80000000}},
		{calls: "fspick", args: args{"dirfd": w.dir, "pathname": empty, "flags": 8}, must: args{"dirfd": absent, "flags": 0x108}, after: opened},
		{calls: "quotactl", args: args{"cmd": 0x80000100}, must: args{"cmd": 99}},
		{calls: "quotactl_fd", args: args{"fd": w.file, "cmd": 0x80000400, "addr": buf}, must: args{"fd": absent, "cmd": 99}},
		{calls: "truncate", args: args{"path": f, "length": 4096}, whole: "length", after: func(w *world, ret int64) string {
			st, _ := os.Stat(filepath.Join(w.cwd, "f"))
			os.Truncate(filepath.Join(w.cwd, "f"), 4096)
			return fmt.Sprint(result(ret), st.Size())
		}},
		{calls: "getcwd", args: args{"buf": buf, "size": 1}, whole: "size", after: func(w *world, ret int64) string { return strings.TrimLeft(result(min(ret, 0)), "0") }},
	}
}
