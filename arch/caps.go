package arch

import (
	"slices"
	"strings"
)

// Privilege says what a system call needs whatever its arguments. Without the
// capability, the kernel refuses the call with Errno; arguments that it looks
// at before can make that another error, but not a success. The sources are in
// caps.csv, with further calls that need a capability for some arguments only.
type Privilege struct {
	Capability string // such as "CAP_SYS_TIME"
	Errno      string // such as "EPERM"
	Regranted  bool   // a process can get past the check in a user namespace, which it can make without a capability
}

type privilege struct {
	call string
	Privilege
}

// Privileged returns the privilege that every use of a call needs, by its
// canonical name. It returns false where some uses need none, or where nobody
// has looked.
func Privileged(call string) (p Privilege, ok bool) {
	i, ok := slices.BinarySearchFunc(privileges, call, func(p privilege, call string) int {
		return strings.Compare(p.call, call)
	})
	if !ok {
		return Privilege{}, false
	}
	return privileges[i].Privilege, true
}
