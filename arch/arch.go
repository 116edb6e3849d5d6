// Package arch knows the ABIs seccomp filters see: their AUDIT_ARCH_ values,
// word sizes, byte orders, system call numbers and parameters, named constants
// and errno values.
//
// An ABI here is what a seccomp filter can tell apart by the fields arch and
// nr of struct seccomp_data. x32 shares x86_64's audit value and differs by
// [ABI.Bit]; two byte orders of one machine are two ABIs with one table of
// numbers.
//
// The data lives in the CSV files beside the code, each row with its source;
// gen.go turns them into the z-files. Nothing is looked up at run time.
//
//go:generate go run gen.go genxsys.go genparams.go genconsts.go gencaps.go
package arch

import (
	"cmp"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
)

// Passing says how a 64-bit argument travels in an ABI's registers. Of two
// registers the first holds the high word on big-endian ABIs, the low word on
// the others. What libc passes isn't always this: sh puts a dummy argument
// before the offset of pread64 and pwrite64, some calls are reordered to avoid
// padding (sync_file_range2, arm_fadvise64_64), and csky programs of the old
// ABI v1 align their pairs.
type Passing uint8

const (
	Whole       Passing = iota + 1 // in one register
	Pair                           // in two adjacent registers
	AlignedPair                    // in two, the first of them arg0, arg2 or arg4
)

// String returns "whole", "pair" or "aligned pair".
func (p Passing) String() string {
	switch p {
	case Whole:
		return "whole"
	case Pair:
		return "pair"
	case AlignedPair:
		return "aligned pair"
	}
	return fmt.Sprintf("Passing(%d)", uint8(p))
}

// ABI is one system call interface of the kernel. Callers must not modify
// the values this package hands out; compare them by pointer.
type ABI struct {
	Name      string  // canonical, such as "x86_64"
	Audit     uint32  // AUDIT_ARCH_* of linux/audit.h, seccomp_data.arch
	Bit       uint32  // set in each of its numbers: __X32_SYSCALL_BIT for x32, else 0
	RegBits   int     // width of an argument as seccomp_data shows it: 32 or 64
	LongBits  int     // width of C long: 32 or 64
	Wide      Passing // how a 64-bit argument travels
	BigEndian bool    // of this entry: arm, aarch64 and xtensa kernels of the other order have the same Audit
	GOARCH    string  // whose Linux programs use this ABI, "" if Go has none
	Family    string  // ABIs of one family can be served by one kernel and meet in one program

	spellings []string
	table     *table
	errnos    []errno
}

// Syscall is one system call of an ABI.
type Syscall struct {
	Number uint32 // as seccomp_data.nr shows it: x32's bit and MIPS' bases included
	Name   string // canonical
}

// A table is the calls of one or two ABIs. Names are indexed on first use, so
// that importing the package costs nothing.
type table struct {
	bit     uint32    // its own, in the masks of params and consts
	calls   []Syscall // ascending by number
	aliases []alias

	once   sync.Once
	byName map[string]uint32
}

type alias struct{ name, canonical string }

type errno struct {
	name  string
	value uint16
}

// All returns every ABI in a fixed order: the widespread ones first, ABIs of
// one machine together. The slice is the caller's.
func All() []*ABI {
	list := make([]*ABI, len(abis))
	for i := range abis {
		list[i] = &abis[i]
	}
	return list
}

// Lookup returns the ABI of a spelling: the canonical name, GOARCH ("amd64"),
// libseccomp's ("SCMP_ARCH_X86_64") or a common other one ("i686"). Letter
// case counts. It returns nil when the spelling is unknown.
func Lookup(spelling string) *ABI {
	for i := range abis {
		a := &abis[i]
		if a.Name == spelling || slices.Contains(a.spellings, spelling) {
			return a
		}
	}
	return nil
}

// Host returns the ABI this program was built for, by runtime.GOARCH and
// whatever the operating system. It returns nil when that isn't in the table.
func Host() *ABI {
	for i := range abis {
		if abis[i].GOARCH == runtime.GOARCH {
			return &abis[i]
		}
	}
	return nil
}

// Spellings returns every string Lookup knows, sorted.
func Spellings() []string {
	var list []string
	for i := range abis {
		list = append(append(list, abis[i].Name), abis[i].spellings...)
	}
	slices.Sort(list)
	return list
}

// Number returns the number of a call by its canonical name or an alias, as
// seccomp_data.nr shows it.
func (a *ABI) Number(name string) (uint32, bool) {
	t := a.table
	t.once.Do(t.index)
	nr, ok := t.byName[name]
	return nr, ok
}

func (t *table) index() {
	t.byName = make(map[string]uint32, len(t.calls)+len(t.aliases))
	for _, c := range t.calls {
		t.byName[c.Name] = c.Number
	}
	for _, s := range t.aliases {
		t.byName[s.name] = t.byName[s.canonical]
	}
}

// SyscallName returns the canonical name of a number of seccomp_data.nr.
func (a *ABI) SyscallName(nr uint32) (string, bool) {
	calls := a.table.calls
	i, ok := slices.BinarySearchFunc(calls, nr, func(c Syscall, nr uint32) int {
		return cmp.Compare(c.Number, nr)
	})
	if !ok {
		return "", false
	}
	return calls[i].Name, true
}

// Syscalls returns every call the ABI's table has ever had, also those a new
// kernel answers with ENOSYS, ascending by number, under canonical names. The
// slice is the caller's.
func (a *ABI) Syscalls() []Syscall {
	return slices.Clone(a.table.calls)
}

// Errno returns the value of an errno name on this ABI: ENOSYS is 38 on
// x86_64, 89 on mips and 251 on parisc.
func (a *ABI) Errno(name string) (uint16, bool) {
	for _, e := range a.errnos {
		if e.name == name {
			return e.value, true
		}
	}
	return 0, false
}

// ErrnoName returns the canonical name of an errno value, EAGAIN rather than
// EWOULDBLOCK.
func (a *ABI) ErrnoName(n uint16) (string, bool) {
	for _, e := range a.errnos {
		if e.value == n {
			return e.name, true
		}
	}
	return "", false
}

// Names returns every call name, aliases included, that any ABI has, sorted.
// Callers must not modify the slice.
func Names() []string { return names() }

var names = sync.OnceValue(func() []string {
	set := map[string]bool{}
	for i := range abis {
		t := abis[i].table
		for _, c := range t.calls {
			set[c.Name] = true
		}
		for _, s := range t.aliases {
			set[s.name] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
})

// Errnos returns every errno name any ABI has, sorted. The slice is the
// caller's.
func Errnos() []string {
	set := map[string]bool{}
	for i := range abis {
		for _, e := range abis[i].errnos {
			set[e.name] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}
