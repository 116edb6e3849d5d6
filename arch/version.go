package arch

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Version is a kernel release such as 6.12 or 2.6.28. The zero Version means
// not known, or always there.
type Version struct{ Major, Minor, Patch uint16 }

// ParseVersion reads two or three decimal numbers joined by dots, each at
// most 65535 and without leading zeros: "4.8", "2.6.28". Suffixes, such as
// uname's "-amd64", are errors.
func ParseVersion(s string) (Version, error) {
	parts := strings.Split(s, ".")
	if len(parts) != 2 && len(parts) != 3 {
		return Version{}, fmt.Errorf("kernel version %q: want two or three numbers, such as 6.12", s)
	}
	var n [3]uint16
	for i, p := range parts {
		u, err := strconv.ParseUint(p, 10, 16)
		if err != nil || strconv.FormatUint(u, 10) != p {
			return Version{}, fmt.Errorf("kernel version %q: bad number %q", s, p)
		}
		n[i] = uint16(u)
	}
	return Version{n[0], n[1], n[2]}, nil
}

// Compare returns -1, 0 or +1: whether v is older than, equal to or newer
// than w.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor), cmp.Compare(v.Patch, w.Patch))
}

// String returns "6.12" or, where Patch isn't 0, "2.6.28".
func (v Version) String() string {
	if v.Patch == 0 {
		return fmt.Sprintf("%d.%d", v.Major, v.Minor)
	}
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

type introduction struct {
	name   string
	kernel Version
}

// Since returns the first kernel release that had a call on any ABI, by its
// canonical name or an alias; other ABIs may have got it later. It is the zero
// Version where that isn't known, the call is as old as its ABI, or no ABI has
// the name. introduced.csv gives the sources, syscalls(2) for most.
func Since(name string) Version {
	if v, ok := since(name); ok {
		return v
	}
	for i := range abis {
		for _, s := range abis[i].table.aliases {
			if s.name == name {
				v, _ := since(s.canonical)
				return v
			}
		}
	}
	return Version{}
}

func since(name string) (Version, bool) {
	i, ok := slices.BinarySearchFunc(introduced, name, func(in introduction, name string) int {
		return strings.Compare(in.name, name)
	})
	if !ok {
		return Version{}, false
	}
	return introduced[i].kernel, true
}

// Newest returns the newest kernel that brought a call of the tables.
func Newest() (v Version) {
	for _, in := range introduced {
		if in.kernel.Compare(v) > 0 {
			v = in.kernel
		}
	}
	return v
}
