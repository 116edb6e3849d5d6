package arch

import (
	"slices"
	"testing"
)

func TestErrno(t *testing.T) {
	for _, tt := range []struct {
		abi, name string
		want      uint16
	}{
		{"x86_64", "EPERM", 1}, {"parisc", "EPERM", 1},
		{"x86_64", "ENOSYS", 38}, {"x32", "ENOSYS", 38}, {"riscv32", "ENOSYS", 38}, {"csky", "ENOSYS", 38},
		{"mips", "ENOSYS", 89}, {"mipsel64n32", "ENOSYS", 89}, {"parisc64", "ENOSYS", 251},
		{"s390", "EDEADLOCK", 35}, {"ppc64le", "EDEADLOCK", 58}, {"ppc", "EDEADLOCK", 58},
		{"mips64", "EDEADLOCK", 56}, {"parisc", "EDEADLOCK", 45}, {"ppc", "EDEADLK", 35}, {"mips", "EDEADLK", 45},
		{"mipsel", "EDQUOT", 1133}, {"x86_64", "EDQUOT", 122},
		{"x86_64", "ENOTSUP", 95}, {"mips", "ENOTSUP", 122}, {"parisc", "ENOTSUP", 223},
	} {
		if n, ok := abi(t, tt.abi).Errno(tt.name); !ok || n != tt.want {
			t.Errorf("%s: %s is %d, %v, want %d", tt.abi, tt.name, n, ok, tt.want)
		}
	}
	for _, a := range All() {
		if n, ok := a.Errno("ENOSUCH"); ok {
			t.Errorf("%s: ENOSUCH is %d", a.Name, n)
		}
		if name, ok := a.ErrnoName(0); ok {
			t.Errorf("%s: 0 is %s", a.Name, name)
		}
		for value, want := range map[string]string{
			"EWOULDBLOCK": "EAGAIN", "ENOTSUP": "EOPNOTSUPP", "ENOSYS": "ENOSYS",
		} {
			n, _ := a.Errno(value)
			if name, ok := a.ErrnoName(n); !ok || name != want {
				t.Errorf("%s: %s %d is named %s, want %s", a.Name, value, n, name, want)
			}
		}
	}
	if n, ok := abi(t, "mips").Errno("EINIT"); !ok || n != 141 {
		t.Errorf("mips: EINIT is %d, %v", n, ok)
	}
	if _, ok := abi(t, "x86_64").Errno("EINIT"); ok {
		t.Error("x86_64 has mips' EINIT")
	}
	// 133 in asm-generic/errno.h, ENOTSUP, 2 of mips and 4 of parisc.
	if list := Errnos(); len(list) != 140 || !slices.IsSorted(list) {
		t.Errorf("%d errno names", len(list))
	}
}

func TestErrnoRoundTrip(t *testing.T) {
	for _, a := range All() {
		for _, name := range Errnos() {
			n, ok := a.Errno(name)
			if !ok {
				continue
			}
			if n == 0 || n > 4095 {
				t.Errorf("%s: %s is %d", a.Name, name, n)
			}
			canonical, _ := a.ErrnoName(n)
			if back, ok := a.Errno(canonical); !ok || back != n {
				t.Errorf("%s: %s is %d, whose name %s is %d", a.Name, name, n, canonical, back)
			}
		}
	}
}
