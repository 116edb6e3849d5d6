//go:build linux && amd64

package arch_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/testdata/enter"
)

const (
	absent = 899        // no descriptor, process, identifier or command
	nobody = 0x7fffff00 // no process: above pid_max
)

// A world is what the calls work on: memory that i386 reaches, files,
// descriptors. A blank one is for
// reading the table of probes only.
type world struct {
	door
	arena []byte
	used  int

	dir, file, null, mem        uint64 // descriptors: a directory, "f" in it, /dev/null, a memfd
	pipe, full                  [2]int // both non-blocking, full holds a byte
	stream, gram                [2]int // socket pairs, non-blocking
	name, bound                 uint64 // an abstract address, the datagram socket bound to it
	listener                    uint64
	epoll, inotify, timer, self uint64 // self is a pidfd
	events, queue               uint64 // an eventfd in epoll, a message queue
	shm, sem, msg               uint64 // identifiers
	uring, posix                uint64 // an io_uring, a POSIX timer
	fanotify, dev               uint64 // a group that reports file ids, the file's device
	page, shared                uint64 // mappings of one page
	pid, tid, uid, gid          uint64
	nice                        uint64
	cwd                         string
}

func blank(d door) *world {
	d.enter = func(*enter.Registers) int64 { return -int64(unix.ENOSYS) }
	return &world{door: d, arena: make([]byte, 1<<20)}
}

// alloc returns the address of n zero bytes that begin at a multiple of 64.
func (w *world) alloc(n int) uint64 {
	p := &w.arena[w.used]
	w.used += (n + 63) &^ 63
	return uint64(uintptr(unsafe.Pointer(p)))
}

// at returns memory of the arena.
func (w *world) at(p uint64, n int) []byte {
	return w.arena[p-uint64(uintptr(unsafe.Pointer(&w.arena[0]))):][:n]
}

func (w *world) bytes(b ...byte) uint64 {
	p := w.alloc(len(b))
	copy(w.at(p, len(b)), b)
	return p
}

func (w *world) str(s string) uint64 { return w.bytes(append([]byte(s), 0)...) }

// path is of a file in the directory.
func (w *world) path(s string) uint64 { return w.str(filepath.Join(w.cwd, s)) }

// words are C longs.
func (w *world) words(list ...uint64) uint64 {
	p := w.alloc(w.word * len(list))
	for i, v := range list {
		w.put(p, i, v)
	}
	return p
}

func (w *world) put(p uint64, i int, v uint64) {
	if w.word == 4 {
		binary.NativeEndian.PutUint32(w.at(p, 4*i+4)[4*i:], uint32(v))
	} else {
		binary.NativeEndian.PutUint64(w.at(p, 8*i+8)[8*i:], v)
	}
}

// wide are 64 bits each on every ABI, narrow are 32.
func (w *world) wide(list ...uint64) uint64 {
	p := w.alloc(8 * len(list))
	for i, v := range list {
		binary.NativeEndian.PutUint64(w.at(p, 8*i+8)[8*i:], v)
	}
	return p
}

func (w *world) narrow(list ...uint32) uint64 {
	p := w.alloc(4 * len(list))
	for i, v := range list {
		binary.NativeEndian.PutUint32(w.at(p, 4*i+4)[4*i:], v)
	}
	return p
}

// call makes a call of this world's ABI with plain registers.
func (w *world) call(name string, a ...uint64) int64 {
	nr, ok := w.abi.Number(name)
	if !ok {
		return -int64(unix.ENOSYS)
	}
	regs := enter.Registers{uint64(nr)}
	copy(regs[1:], a)
	return w.enter(&regs)
}

// newWorld makes everything, in a directory of its own if the process has
// namespaces, and otherwise without capabilities. It keeps the thread.
func newWorld(d door, dir string, spaces bool) (*world, error) {
	runtime.LockOSThread()
	if spaces {
		if err := unix.Mount("none", dir, "tmpfs", 0, ""); err != nil {
			return nil, fmt.Errorf("mounting tmpfs: %w", err)
		}
	} else {
		var none [2]unix.CapUserData
		if err := unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &none[0]); err != nil {
			return nil, fmt.Errorf("capset: %w", err)
		}
	}
	var all unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, nil); err != nil { // Go's preemption interrupts calls
		return nil, fmt.Errorf("blocking signals: %w", err)
	}
	unix.Umask(0)
	w := &world{door: d, cwd: dir, pid: uint64(os.Getpid()), tid: uint64(unix.Gettid()), uid: uint64(os.Getuid()), gid: uint64(os.Getgid())}
	var fault error
	fd := func(n int, err error) uint64 {
		if err != nil && fault == nil {
			fault = err
		}
		return uint64(n)
	}
	do := func(err error) { fd(0, err) }
	var err error
	w.arena, err = unix.Mmap(-1, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_32BIT)
	do(err)
	if fault != nil {
		return nil, fault
	}
	do(os.WriteFile(filepath.Join(dir, "f"), make([]byte, 4096), 0o644))
	do(os.Symlink("f", filepath.Join(dir, "l")))
	do(os.Mkdir(filepath.Join(dir, "d"), 0o755))
	do(os.Mkdir(filepath.Join(dir, "m"), 0o755))
	w.dir = fd(unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0))
	w.file = fd(unix.Open(filepath.Join(dir, "f"), unix.O_RDWR, 0))
	w.null = fd(unix.Open("/dev/null", unix.O_RDWR, 0))
	w.mem = fd(unix.MemfdCreate("m", unix.MFD_ALLOW_SEALING))
	do(unix.Ftruncate(int(w.mem), 4096))
	do(unix.Pipe2(w.pipe[:], unix.O_NONBLOCK))
	do(unix.Pipe2(w.full[:], unix.O_NONBLOCK))
	_, err = unix.Write(w.full[1], []byte{1})
	do(err)
	w.stream, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	do(err)
	w.gram, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0)
	do(err)
	unique := fmt.Sprintf("arch%d", w.pid)
	w.bound = fd(unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0))
	do(unix.Bind(int(w.bound), &unix.SockaddrUnix{Name: "@" + unique}))
	w.name = w.bytes(append([]byte{unix.AF_UNIX, 0, 0}, unique...)...)
	w.listener = fd(unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0))
	do(unix.Bind(int(w.listener), &unix.SockaddrUnix{Name: "@" + unique}))
	do(unix.Listen(int(w.listener), 100))
	w.epoll = fd(unix.EpollCreate1(0))
	w.events = fd(unix.Eventfd(1, unix.EFD_NONBLOCK))
	do(unix.EpollCtl(int(w.epoll), unix.EPOLL_CTL_ADD, int(w.events), &unix.EpollEvent{Events: unix.EPOLLIN}))
	w.inotify = fd(unix.InotifyInit1(unix.IN_NONBLOCK))
	w.timer = fd(unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK))
	w.self = fd(unix.PidfdOpen(int(w.pid), 0))
	w.page = w.map1(unix.MAP_PRIVATE | unix.MAP_ANON | unix.MAP_32BIT)
	w.shared = w.map1(unix.MAP_SHARED | unix.MAP_ANON | unix.MAP_32BIT)
	if fault != nil {
		return nil, fault
	}
	// These may fail; campaign leaves out what needs them.
	key := w.pid
	w.shm, w.sem, w.msg = uint64(w.call("shmget", key, 4096, unix.IPC_CREAT|0o600)), uint64(w.call("semget", key, 1, unix.IPC_CREAT|0o600)),
		uint64(w.call("msgget", key, unix.IPC_CREAT|0o600))
	w.queue = uint64(w.call("mq_open", w.str(unique), unix.O_RDWR|unix.O_CREAT|unix.O_NONBLOCK, 0o600, 0))
	w.call("mq_unlink", w.str(unique))
	w.uring = uint64(w.call("io_uring_setup", 1, w.alloc(512)))
	w.fanotify = uint64(w.call("fanotify_init", unix.FAN_REPORT_FID, 0))
	var st unix.Stat_t
	unix.Fstat(int(w.file), &st)
	w.dev = uint64(uint32(st.Dev))
	id := w.alloc(4)
	w.call("timer_create", unix.CLOCK_REALTIME, w.narrowEvent(), id)
	w.posix = uint64(binary.NativeEndian.Uint32(w.at(id, 4)))
	nice, _ := unix.Getpriority(unix.PRIO_PROCESS, 0)
	w.nice = neg(20 - nice) // the system call returns 20 less
	return w, nil
}

// narrowEvent is a struct sigevent that says SIGEV_NONE.
func (w *world) narrowEvent() uint64 {
	p := w.alloc(64)
	binary.NativeEndian.PutUint32(w.at(p, 64)[w.word+4:], 1)
	return p
}

// map1 maps a page.
func (w *world) map1(flags uint64) uint64 {
	r := enter.Registers{unix.SYS_MMAP, 0, 4096, unix.PROT_READ | unix.PROT_WRITE, flags, neg(-1), 0}
	return uint64(enter.Native(&r))
}

// neg is a negative number in 32 bits.
func neg(n int) uint64 { return uint64(uint32(n)) }

// opened describes the descriptor that a call returned, and closes it.
func opened(w *world, ret int64) string {
	if ret < 0 {
		return result(ret)
	}
	fd := int(ret)
	defer unix.Close(fd)
	var st unix.Stat_t
	status, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	flags, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	unix.Fstat(fd, &st)
	s := fmt.Sprintf("fd %x %x %o", status, flags, st.Mode)
	if st.Mode&unix.S_IFMT == unix.S_IFSOCK {
		for _, opt := range []int{unix.SO_DOMAIN, unix.SO_TYPE, unix.SO_PROTOCOL} {
			v, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, opt)
			s += fmt.Sprint(" ", v)
		}
	}
	return s + " " + fdinfo(fd, "eventfd-count", "clockid", "sigmask", "Pid")
}

// fdinfo returns those lines of a descriptor that begin with one of the words.
func fdinfo(fd int, words ...string) (s string) {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	for line := range strings.Lines(string(data)) {
		for _, word := range words {
			if strings.HasPrefix(line, word+":") {
				s += strings.Join(strings.Fields(line), " ") + " "
			}
		}
	}
	return s
}

// mapped describes the mapping a call returned, and takes it away.
func mapped(w *world, ret int64) string {
	if ret < 0 && ret > -4096 {
		return result(ret)
	}
	s := perms(w.address(ret))
	w.call("munmap", w.address(ret), 4096)
	return s
}

// address is a result that is one: i386's are above 2 GiB.
func (w *world) address(ret int64) uint64 { return uint64(ret) << (64 - 8*w.word) >> (64 - 8*w.word) }

// perms returns the protection and the offset of the mapping of an address.
func perms(p uint64) string {
	data, _ := os.ReadFile("/proc/self/maps")
	for line := range strings.Lines(string(data)) {
		var from, to uint64
		if fmt.Sscanf(line, "%x-%x", &from, &to); from <= p && p < to {
			return strings.Join(strings.Fields(line)[1:3], " ")
		}
	}
	return "no mapping"
}

// made describes a file that a call made or changed, and removes it unless it
// is f.
func made(name string) func(*world, int64) string {
	return func(w *world, ret int64) string {
		var st unix.Stat_t
		path := filepath.Join(w.cwd, name)
		err := unix.Lstat(path, &st)
		if name != "f" && err == nil {
			os.Remove(path)
		}
		if ret > 2 {
			unix.Close(int(ret))
			ret = 0
		}
		return fmt.Sprint(result(ret), err, fmt.Sprintf(" %o %x %d %d", st.Mode, st.Rdev, st.Uid, st.Gid))
	}
}

// create makes an empty file first.
func create(name string) func(*world) {
	return func(w *world) { os.WriteFile(filepath.Join(w.cwd, name), nil, 0o600) }
}
