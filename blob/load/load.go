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
	"fmt"
	"runtime"

	"github.com/seccompc/seccompc/blob"
)

// ErrUnsupported means that this system has no seccomp filters: it is not Linux, or the kernel was built without.
var ErrUnsupported = errors.New("this system has no seccomp filters")

// A Command is what Exec turns the process into.
type Command struct {
	Path string   // as execve takes it: no search takes place
	Args []string // from argv[0] on
	Env  []string
}

// An ExecError means that a filter is on and the command is not: what failed is the installation of a further filter
// (Op "install") or the execution of the command (Op "execve").
type ExecError struct {
	Op  string
	Err error
}

func (e *ExecError) Error() string { return e.Op + ": " + e.Err.Error() }

func (e *ExecError) Unwrap() error { return e.Err }

// Host returns the ABI and byte order of this program, by the architecture it was built for. The kernel may be that
// of another one (an i386 program on x86_64), so uname is not asked.
func Host() (blob.ABI, blob.Order, error) {
	h, ok := map[string]struct {
		audit uint32 // AUDIT_ARCH_* of linux/audit.h
		order blob.Order
	}{
		"386":      {0x40000003, blob.LittleEndian},
		"amd64":    {0xc000003e, blob.LittleEndian},
		"arm":      {0x40000028, blob.LittleEndian},
		"arm64":    {0xc00000b7, blob.LittleEndian},
		"loong64":  {0xc0000102, blob.LittleEndian},
		"mips":     {0x00000008, blob.BigEndian},
		"mipsle":   {0x40000008, blob.LittleEndian},
		"mips64":   {0x80000008, blob.BigEndian},
		"mips64le": {0xc0000008, blob.LittleEndian},
		"ppc64":    {0x80000015, blob.BigEndian},
		"ppc64le":  {0xc0000015, blob.LittleEndian},
		"riscv64":  {0xc00000f3, blob.LittleEndian},
		"s390x":    {0x80000016, blob.BigEndian},
	}[runtime.GOARCH]
	if !ok {
		return blob.ABI{}, 0, fmt.Errorf("%w: no ABI is known for GOARCH %s", ErrUnsupported, runtime.GOARCH)
	}
	return blob.ABI{Audit: h.audit}, h.order, nil
}

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
	return nil, fmt.Errorf("policy %s has no program for %s: it has%s", b.Name, runtime.GOARCH, has)
}
