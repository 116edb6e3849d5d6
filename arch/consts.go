package arch

import (
	"slices"
	"strings"
	"sync"
)

// A constant is a value of a name on the tables whose bits are set. A name has
// a row for each of its values.
type constant struct {
	name   string
	value  int64
	tables uint32
}

// Const returns the value of a named constant, such as O_NONBLOCK or AT_FDCWD,
// as the kernel's headers have it on this ABI; consts.csv gives the header and
// says where libc's differ. Flags are positive, whatever C's int makes of them;
// AT_FDCWD and the like are negative. It returns false when this ABI has no
// such constant, though others may. Errno names are not among them.
func (a *ABI) Const(name string) (int64, bool) {
	i, _ := slices.BinarySearchFunc(consts, name, func(c constant, name string) int {
		return strings.Compare(c.name, name)
	})
	for ; i < len(consts) && consts[i].name == name; i++ {
		if consts[i].tables&a.table.bit != 0 {
			return consts[i].value, true
		}
	}
	return 0, false
}

// Consts returns the name of every constant any ABI has, sorted. Callers must
// not modify the slice.
func Consts() []string { return constNames() }

var constNames = sync.OnceValue(func() []string {
	names := make([]string, len(consts))
	for i, c := range consts {
		names[i] = c.name
	}
	return slices.Compact(names)
})
