// Package load puts programs of a blob into the kernel: for this thread, for all threads of the process, or for this
// process and the command it becomes.
//
// A service that has its blob embedded installs it on itself:
//
//	b, err := blob.Decode(embedded)
//	if err == nil {
//		err = load.Process(b)
//	}
//	if err != nil {
//		log.Fatal(err) // it must not run without the filter
//	}
//
// The package policies of this module has the whole of it as an example.
//
// It builds on every system and returns ErrUnsupported off Linux.
package load

import (
	"errors"
	"runtime"
	"strconv"
	"syscall"

	"github.com/seccompc/seccompc/blob"
)

// ErrUnsupported means that this system has no seccomp filters: it is not Linux, or the kernel was built without.
var ErrUnsupported = errors.New("this system has no seccomp filters")

// A Command is what Exec turns the process into.
type Command struct {
	Path string   // as execve takes it: no search takes place
	Args []string // from argv[0] on
	Env  []string
	// Signals that the command finds ignored and blocked, beside those that are: bit n-1 for signal n. The Go runtime
	// stops ignoring most signals when it starts, and unblocks some.
	Ignored, Blocked uint64
}

// An ExecError means that a filter is on and the command is not: what failed is the installation of a further filter
// (Op "install") or the execution of the command (Op "execve").
type ExecError struct {
	Op  string
	Err error
}

func (e *ExecError) Error() string { return e.Op + ": " + e.Err.Error() }

func (e *ExecError) Unwrap() error { return e.Err }

// A ThreadError means that a thread of the process can't take a filter over, and that no thread got it.
type ThreadError struct {
	Policy string // its name
	TID    int    // the thread's id
}

func (e *ThreadError) Error() string {
	return "policy " + e.Policy + ": thread " + strconv.Itoa(e.TID) + " can't take the filter over"
}

// Host returns the ABI and byte order of this program, by the architecture it was built for. The kernel may be that
// of another one (an i386 program on x86_64), so uname is not asked. Seccomp-load calls it before the Go runtime has
// started: known architectures cost no more than constants.
//
//go:nosplit
func Host() (blob.ABI, blob.Order, error) {
	const little, big = blob.LittleEndian, blob.BigEndian
	switch runtime.GOARCH { // AUDIT_ARCH_* of linux/audit.h
	case "386":
		return blob.ABI{Audit: 0x40000003}, little, nil
	case "amd64":
		return blob.ABI{Audit: 0xc000003e}, little, nil
	case "arm":
		return blob.ABI{Audit: 0x40000028}, little, nil
	case "arm64":
		return blob.ABI{Audit: 0xc00000b7}, little, nil
	case "loong64":
		return blob.ABI{Audit: 0xc0000102}, little, nil
	case "mips":
		return blob.ABI{Audit: 0x00000008}, big, nil
	case "mipsle":
		return blob.ABI{Audit: 0x40000008}, little, nil
	case "mips64":
		return blob.ABI{Audit: 0x80000008}, big, nil
	case "mips64le":
		return blob.ABI{Audit: 0xc0000008}, little, nil
	case "ppc64":
		return blob.ABI{Audit: 0x80000015}, big, nil
	case "ppc64le":
		return blob.ABI{Audit: 0xc0000015}, little, nil
	case "riscv64":
		return blob.ABI{Audit: 0xc00000f3}, little, nil
	case "s390x":
		return blob.ABI{Audit: 0x80000016}, big, nil
	}
	return blob.ABI{}, 0, errNoABI
}

var errNoABI = &wrapped{"no ABI is known for GOARCH " + runtime.GOARCH, ErrUnsupported}

// A wrapped error has words in front of another error. Package fmt would make seccomp-load a tenth larger.
type wrapped struct {
	context string
	err     error
}

func (e *wrapped) Error() string { return e.context + ": " + e.err.Error() }

func (e *wrapped) Unwrap() error { return e.err }

// Select returns the blob's program for this machine, and an error that lists those it has if there is none.
func Select(b *blob.Blob) (*blob.Target, error) {
	abi, order, err := Host()
	if err != nil {
		return nil, err
	}
	if t := b.For(abi, order); t != nil {
		return t, nil
	}
	has := ""
	for _, t := range b.Targets {
		has += " " + t.Label
	}
	return nil, errors.New("policy " + b.Name + " has no program for " + runtime.GOARCH + ": it has" + has)
}

// A File is a blob's file as it was when it was read, once: its bytes are a private copy, which no writer changes any
// more. They may be half of one version and half of another; that is for Decode to find.
type File struct {
	Path string
	Data []byte
	mode uint32
	uid  uint32
}

// Decode checks the blob.
func (f *File) Decode() (*blob.Blob, error) {
	b, err := blob.Decode(f.Data)
	if err != nil {
		return nil, &wrapped{f.Path, err}
	}
	return b, nil
}

// Trusted returns an error if others than root and the caller may have written the file: everybody may write it, or
// it belongs to a third user. A blob's checksums find damage, not malice.
func (f *File) Trusted() error {
	switch euid := syscall.Geteuid(); {
	case f.mode&0o002 != 0:
		return errors.New(f.Path + ": everybody may write this file (mode 0" + strconv.FormatUint(uint64(f.mode&0o7777), 8) + ")")
	case f.uid != 0 && int(f.uid) != euid:
		return errors.New(f.Path + ": the file belongs to user " + strconv.Itoa(int(f.uid)) + ", who is neither root nor the caller (user " + strconv.Itoa(euid) + ")")
	}
	return nil
}
