//go:build linux

package main

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/blob/load"
)

// The direct entry does the loader's whole job before the Go runtime starts, which alone would take longer than the job. It is
// entered when the program is linked with -ldflags -E=_seccomp_load_start, and runs on the stack that the kernel made,
// without a heap, a g or package initialisers. So it is made of nosplit functions that call nosplit functions only: no
// bounds checks, no maps, no interfaces, no pointers written to memory, no division of 64 bits. A test walks its calls.
//
// It does the plain case, BLOB... -- COMMAND [ARG...] with everything in order. In any other case it returns before a
// filter is on, the entry jumps on to the runtime's, and main does the job from the start, with words for what is wrong.

// stack is where the kernel put argc, argv, the environment and the auxiliary vector. The entry stores it; it is nil
// where the runtime's entry was taken at once.
var stack unsafe.Pointer

// What the runtime changes at its start and main changes back.
var (
	ignored, blocked uint64 // signals: bit n-1 for signal n
	closed           uint32 // descriptors that were closed: bits 0 to 2
)

const (
	maxBlobs = 8    // that the direct entry takes
	chunk    = 4096 // is read of a blob at first: the header and, mostly, the program
)

// work is all the memory that the direct entry has, in one place: each page touched costs as much as a system call.
var work struct {
	info     unix.Statx_t
	programs [maxBlobs]program
	fprogs   [maxBlobs]struct{ count, at uintptr } // struct sock_fprog
	crcTable [256]uint32
	files    [blob.MaxSize/8 + 1]uint64 // the blobs' bytes, one blob behind the other
	path     [4096]byte                 // the command's, where PATH was searched
	uname    unix.Utsname
}

// direct is what the entry calls. When it returns, the entry jumps to the runtime's.
//
//lint:ignore U1000 the entry is assembly
//go:nosplit
func direct() {
	attempt()
	ignored, blocked, _ = load.SignalState()
	for fd := uintptr(0); fd < 3; fd++ {
		if _, errno := call(unix.SYS_FCNTL, fd, unix.F_GETFD, 0, 0, 0); errno != 0 {
			closed |= 1 << fd
		}
	}
}

// attempt executes the command under the filters, or returns before one of them is on.
//
//go:nosplit
func attempt() {
	argc := *(*uintptr)(stack)
	end := uintptr(1) // of the blobs
	for ; end < argc && !separator(arg(end)); end++ {
		if c := u8(arg(end), 0); c == '-' || c == 0 {
			return
		}
	}
	count := end - 1
	if count < 1 || count > maxBlobs || end+1 >= argc {
		return
	}
	env := unsafe.Add(stack, (argc+2)*wordSize)
	euid, secure := identity(env)
	if secure {
		return
	}
	size, actions, kernel, common := uintptr(0), uint32(0), uint32(0), ^uint32(0)
	for i := uintptr(0); i < count && i < maxBlobs; i++ {
		b, p := unsafe.Add(unsafe.Pointer(&work.files), size), &work.programs[i]
		n := read(arg(i+1), euid, b, unsafe.Sizeof(work.files)-size, p)
		if n == 0 {
			return
		}
		size += (n + 7) &^ 7
		by := uint32(blob.AllowsPrctl)
		if p.flags != 0 {
			by = blob.AllowsSeccomp
			// A kernel that knows the flags gets as far as the missing program.
			if _, errno := call(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, uintptr(p.flags), 0, 0, 0); errno != uintptr(unix.EFAULT) {
				return
			}
		}
		if common&by == 0 || p.allowed&blob.AllowsExecve == 0 {
			return
		}
		common &= p.allowed
		actions |= p.actions
		kernel = max(kernel, p.kernel)
		work.fprogs[i].at = uintptr(b) + p.at
		*(*uint16)(unsafe.Pointer(&work.fprogs[i].count)) = uint16(p.count)
	}
	if actions&blob.ReturnsNotify != 0 || kernel != 0 && release() < kernel ||
		actions&blob.ReturnsKillProcess != 0 && !available(unix.SECCOMP_RET_KILL_PROCESS) ||
		actions&blob.ReturnsLog != 0 && !available(unix.SECCOMP_RET_LOG) {
		return
	}
	command := locate(arg(end+1), env)
	if command == nil {
		return
	}
	if _, errno := call(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); errno != 0 {
		return
	}
	for i := uintptr(0); i < count && i < maxBlobs; i++ {
		nr, arg0, arg1 := uintptr(unix.SYS_PRCTL), uintptr(unix.PR_SET_SECCOMP), uintptr(unix.SECCOMP_MODE_FILTER)
		if flags := work.programs[i].flags; flags != 0 {
			nr, arg0, arg1 = unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, uintptr(flags)
		}
		switch ret, errno := call(nr, arg0, arg1, uintptr(unsafe.Pointer(&work.fprogs[i])), 0, 0); {
		case errno == 0 && ret == 0:
		case i == 0:
			return
		default:
			die(failed)
		}
	}
	argv := uintptr(unsafe.Add(stack, (end+2)*wordSize))
	if _, errno := call(unix.SYS_EXECVE, uintptr(command), argv, uintptr(env), 0, 0); errno == uintptr(unix.ENOENT) {
		die(notFound)
	}
	die(notExecutable)
}

// identity reads the auxiliary vector behind the environment: the effective user, and whether the loader runs with more
// rights than its caller has (AT_SECURE).
//
//go:nosplit
func identity(env unsafe.Pointer) (euid uintptr, secure bool) {
	for at(env, 0) != 0 {
		env = unsafe.Add(env, wordSize)
	}
	secure = true // if nothing is said
	known := false
	for aux := unsafe.Add(env, wordSize); at(aux, 0) != 0; aux = unsafe.Add(aux, 2*wordSize) {
		switch v := at(aux, 1); at(aux, 0) {
		case atEUID:
			euid, known = v, true
		case atSecure:
			secure = v != 0
		}
	}
	return euid, secure || !known
}

// read reads a blob, as much of it as matters here, and finds its program. The file must be a regular one that nobody
// but root and the caller can have written. It returns the file's size; 0 if anything is unusual. What was read is a
// private copy: no writer changes it any more.
//
//go:nosplit
func read(name unsafe.Pointer, euid uintptr, to unsafe.Pointer, room uintptr, p *program) uintptr {
	cwd := unix.AT_FDCWD
	fd, errno := call(unix.SYS_OPENAT, uintptr(cwd), uintptr(name), unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0, 0)
	if errno != 0 {
		return 0
	}
	empty := byte(0)
	info := &work.info
	if !stat(fd, unsafe.Pointer(&empty), unix.AT_EMPTY_PATH) || info.Mode&unix.S_IWOTH != 0 || info.Uid != 0 && uintptr(info.Uid) != euid ||
		info.Size > blob.MaxSize || uintptr(info.Size) > room {
		return 0
	}
	size := uintptr(info.Size)
	have, errno := call(unix.SYS_READ, fd, uintptr(to), min(size, chunk), 0, 0)
	if errno != 0 || examine(to, size, have) != "" {
		return 0
	}
	choose(to, p)
	if p.count == 0 || u8(to, offInstall) != uint8(blob.Exec) || u8(to, offComplain) != 0 { // main warns of it
		return 0
	}
	for end := p.at + p.count*blob.InstructionSize; have < end; {
		n, errno := call(unix.SYS_READ, fd, uintptr(to)+have, end-have, 0, 0)
		if errno != 0 || n == 0 {
			return 0
		}
		have += n
	}
	if verify(to, p) != "" {
		return 0
	}
	return size
}

// stat reports whether the file is a regular one, which info then describes.
//
//go:nosplit
func stat(fd uintptr, name unsafe.Pointer, flags uintptr) bool {
	const wanted = unix.STATX_TYPE | unix.STATX_MODE | unix.STATX_UID | unix.STATX_SIZE
	_, errno := call(unix.SYS_STATX, fd, uintptr(name), flags, wanted, uintptr(unsafe.Pointer(&work.info)))
	return errno == 0 && work.info.Mask&wanted == wanted && work.info.Mode&unix.S_IFMT == unix.S_IFREG
}

// locate finds the command as execvp does: a name with a slash is a path, any other is searched in PATH. It returns nil
// if there is none that can be executed.
//
//go:nosplit
func locate(name, env unsafe.Pointer) unsafe.Pointer {
	length := uintptr(0)
	for ; u8(name, length) != 0; length++ {
		if u8(name, length) == '/' {
			if executable(name) {
				return name
			}
			return nil
		}
	}
	dirs := unsafe.Pointer(unsafe.StringData(defaultPath + "\x00"))
	for ; at(env, 0) != 0; env = unsafe.Add(env, wordSize) {
		e := *(*unsafe.Pointer)(env)
		if u8(e, 0) == 'P' && u8(e, 1) == 'A' && u8(e, 2) == 'T' && u8(e, 3) == 'H' && u8(e, 4) == '=' {
			dirs = unsafe.Add(e, 5)
			break
		}
	}
	to := unsafe.Pointer(&work.path)
	for length != 0 {
		n := uintptr(0)
		for ; u8(dirs, n) != 0 && u8(dirs, n) != ':'; n++ {
			if n+length+2 >= unsafe.Sizeof(work.path) {
				return nil
			}
			*(*byte)(unsafe.Add(to, n)) = u8(dirs, n)
		}
		last := u8(dirs, n) == 0
		dirs = unsafe.Add(dirs, n+1)
		if n > 0 { // else the working directory
			*(*byte)(unsafe.Add(to, n)) = '/'
			n++
		}
		if n+length >= unsafe.Sizeof(work.path) {
			return nil
		}
		for i := uintptr(0); i <= length; i++ {
			*(*byte)(unsafe.Add(to, n+i)) = u8(name, i)
		}
		if executable(to) {
			return to
		}
		if last {
			break
		}
	}
	return nil
}

// executable reports whether the caller may execute the file, a regular one.
//
//go:nosplit
func executable(name unsafe.Pointer) bool {
	cwd := unix.AT_FDCWD
	return permitted(name) && stat(uintptr(cwd), name, 0)
}

// permitted reports whether the file's mode lets the caller execute it. Its real and its effective user are the same here,
// or the loader would have run with AT_SECURE.
//
//go:nosplit
func permitted(name unsafe.Pointer) bool {
	cwd := unix.AT_FDCWD
	_, errno := call(unix.SYS_FACCESSAT, uintptr(cwd), uintptr(name), unix.X_OK, 0, 0)
	return errno == 0
}

// available asks the kernel whether it knows an action.
//
//go:nosplit
func available(action uint32) bool {
	_, errno := call(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)), 0, 0)
	return errno == 0
}

// release is the kernel's version as blob.Version encodes it; 0 if it is not one.
//
//go:nosplit
func release() uint32 {
	if _, errno := call(unix.SYS_UNAME, uintptr(unsafe.Pointer(&work.uname)), 0, 0, 0, 0); errno != 0 {
		return 0
	}
	encoded, n, dots := uint32(0), uint32(0), uint32(0)
	for i := uintptr(0); i < unsafe.Sizeof(work.uname.Release); i++ {
		c := u8(unsafe.Pointer(&work.uname.Release), i)
		if c >= '0' && c <= '9' {
			n = min(n*10+uint32(c-'0'), 255)
			continue
		}
		encoded, n, dots = encoded<<8|n, 0, dots+1
		if c != '.' || dots == 3 {
			break
		}
	}
	if dots < 2 {
		return 0
	}
	return encoded << (8 * (3 - dots))
}

// die ends the process under a filter, which may deny everything else. If it denies even that, a fault ends it.
//
//go:nosplit
func die(code uintptr) {
	call(unix.SYS_EXIT_GROUP, code, 0, 0, 0, 0)
	*(*byte)(nil) = 0
}

const (
	wordSize = unsafe.Sizeof(uintptr(0))
	atEUID   = 12 // of linux/auxvec.h
	atSecure = 23
)

//go:nosplit
func arg(i uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Add(stack, (1+i)*wordSize)) }

//go:nosplit
func at(p unsafe.Pointer, i uintptr) uintptr { return *(*uintptr)(unsafe.Add(p, i*wordSize)) }

//go:nosplit
func separator(p unsafe.Pointer) bool { return u8(p, 0) == '-' && u8(p, 1) == '-' && u8(p, 2) == 0 }
