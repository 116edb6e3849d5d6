package arch

import (
	"cmp"
	"slices"
	"strings"
)

// Param is one parameter of a system call on one ABI. Bits and Signed say how
// the kernel uses the register, which isn't always how SYSCALL_DEFINE declares
// it: clone's flags are declared unsigned long and used as 32 bits. A call with
// further bits set does what the call without them does, or it fails. The
// sources, and what else is to be known, are in params.csv.
type Param struct {
	Name        string // the man page's
	Alias       string // the kernel's in SYSCALL_DEFINE where that differs, else ""
	Index       int    // of seccomp_data.args: 0 to 5
	Type        string // C, as the kernel declares it, such as "const char *"
	Bits        int    // 16, 32 or 64: the low bits of the register that the kernel uses
	Signed      bool   // how to read those bits as a number; words of flags are unsigned
	Pointer     bool   // what it points to is beyond a filter
	Established bool   // Bits and Signed are known; otherwise they are 0 and false
}

// A param is a parameter on the tables whose bits are set. Its
// Bits are 0 for the whole register.
type param struct {
	tables uint32
	call   string
	Param
}

// Params returns the parameters of a call, named canonically or by an alias,
// ascending by Index. Those that travel in two registers are left out, and
// those whose register isn't known. The slice is the caller's.
func (a *ABI) Params(syscall string) []Param {
	nr, ok := a.Number(syscall)
	if !ok {
		return nil
	}
	syscall, _ = a.SyscallName(nr)
	i, _ := slices.BinarySearchFunc(params, syscall, func(p param, call string) int {
		return strings.Compare(p.call, call)
	})
	var list []Param
	for ; i < len(params) && params[i].call == syscall; i++ {
		if p := params[i].Param; params[i].tables&a.table.bit != 0 {
			if p.Established {
				p.Bits = cmp.Or(p.Bits, a.RegBits)
			}
			list = append(list, p)
		}
	}
	return list
}

// Param returns a parameter of a call by its name or alias. None is named like
// a register of a policy, arg0 to arg5: prctl's arg2 would be arg1.
func (a *ABI) Param(syscall, name string) (Param, bool) {
	for _, p := range a.Params(syscall) {
		if name != "" && (p.Name == name || p.Alias == name) {
			return p, true
		}
	}
	return Param{}, false
}
