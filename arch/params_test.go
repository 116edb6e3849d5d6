package arch

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// one returns the only parameter of that name.
func one(t *testing.T, spelling, call, name string) Param {
	t.Helper()
	p, ok := abi(t, spelling).Param(call, name)
	if !ok {
		t.Errorf("%s: %s has no %s", spelling, call, name)
	}
	return p
}

// What differs between ABIs, or between what is declared and what is used.
func TestParam(t *testing.T) {
	for _, tt := range []struct {
		abi, call, name string
		index, bits     int
		signed          bool
	}{
		{"x86_64", "clone", "flags", 0, 32, false}, // unsigned long
		{"s390x", "clone", "flags", 1, 32, false},  // CONFIG_CLONE_BACKWARDS2
		{"s390", "clone", "flags", 1, 32, false},
		{"x86_64", "clone", "tls", 4, 64, false},
		{"aarch64", "clone", "tls", 3, 64, false}, // CONFIG_CLONE_BACKWARDS
		{"i386", "clone", "tls", 3, 32, false},
		{"x86_64", "unshare", "flags", 0, 64, false}, // compared whole
		{"x86_64", "mprotect", "prot", 2, 64, false},
		{"x86_64", "mmap", "prot", 2, 32, false},
		{"x86_64", "mmap", "flags", 3, 32, false},
		{"x86_64", "mmap", "fd", 4, 32, true},
		{"i386", "mmap2", "prot", 2, 32, false},
		{"ppc64le", "mmap", "prot", 2, 64, false}, // arch_validate_prot
		{"x86_64", "mount", "mountflags", 3, 64, false},
		{"x86_64", "kexec_load", "flags", 3, 32, false},
		{"x86_64", "writev", "fd", 0, 32, true},
		{"x86_64", "ptrace", "request", 0, 64, true},
		{"x32", "ptrace", "request", 0, 32, true}, // compat_long_t
		{"x86_64", "fchmod", "mode", 1, 16, false},
		{"mips", "openat", "mode", 3, 16, false},
		{"x86_64", "access", "mode", 1, 32, false},
		{"x86_64", "setuid", "uid", 0, 32, false},
		{"i386", "setuid", "uid", 0, 16, false},
		{"i386", "setuid32", "uid", 0, 32, false},
		{"arm", "chown", "group", 2, 16, false},
		{"ppc", "chown", "group", 2, 32, false}, // never had 16-bit ids
		{"x86_64", "ioctl", "request", 1, 32, false},
		{"x86_64", "ioctl", "cmd", 1, 32, false},
		{"x86_64", "socket", "domain", 0, 32, true},
		{"x86_64", "openat", "dirfd", 0, 32, true},
		{"x86_64", "openat", "flags", 2, 32, false}, // int, but a word of bits
		{"x86_64", "add_key", "keyring", 4, 32, true},
		{"x86_64", "reboot", "magic", 0, 32, false},
		{"x86_64", "read", "count", 2, 64, false},
		{"x32", "read", "count", 2, 64, false},
		{"x32", "recvfrom", "len", 2, 32, false},
		{"i386", "read", "count", 2, 32, false},
		{"mips64n32", "write", "count", 2, 64, false},
		// 64-bit values take two registers of 32 bits, on some ABIs from an even one on.
		{"x86_64", "fadvise64", "advice", 3, 32, true},
		{"i386", "fadvise64", "advice", 4, 32, true},
		{"ppc", "fadvise64", "advice", 5, 32, true},
		{"arm", "fadvise64_64", "advice", 1, 32, true}, // an alias of arm_fadvise64_64
		{"csky", "fadvise64_64", "advice", 1, 32, true},
		{"i386", "fadvise64_64", "advice", 5, 32, true},
		{"x86_64", "readahead", "count", 2, 64, false},
		{"i386", "readahead", "count", 3, 32, false},
		{"arm", "readahead", "count", 4, 32, false},
		{"x86_64", "sync_file_range", "flags", 3, 32, false},
		{"i386", "sync_file_range", "flags", 5, 32, false},
		{"arm", "sync_file_range2", "flags", 1, 32, false},
		{"x86_64", "fanotify_mark", "dirfd", 3, 32, true},
		{"i386", "fanotify_mark", "dirfd", 4, 32, true},
		{"x86_64", "preadv2", "flags", 5, 32, false},
		{"x32", "preadv2", "flags", 4, 32, false},
		{"s390x", "sigsuspend", "mask", 2, 64, false}, // two unused parameters before it
	} {
		p := one(t, tt.abi, tt.call, tt.name)
		if p.Index != tt.index || p.Bits != tt.bits || p.Signed != tt.signed || p.Pointer || !p.Established {
			t.Errorf("%s: %s %s is %+v", tt.abi, tt.call, tt.name, p)
		}
	}
}

// Names that must not resolve.
func TestNoParam(t *testing.T) {
	for _, tt := range []struct{ abi, call, name string }{
		{"x86_64", "prctl", "arg2"}, // it is register 1
		{"x86_64", "keyctl", "arg2"},
		{"x86_64", "sysfs", "arg1"},
		{"x86_64", "newstat", "filename"}, // a function of the kernel, not a call
		{"x86_64", "stat", ""},
		{"x86_64", "absent", "fd"},
		{"i386", "mmap", "prot"}, // in memory
		{"s390x", "mmap", "fd"},
		{"i386", "select", "nfds"},
		{"i386", "pread64", "offset"}, // in two registers
		{"i386", "preadv", "offset"},
		{"x86_64", "preadv", "pos_h"},
		{"mips64n32", "preadv", "offset"},
		{"arm", "ftruncate64", "length"},
		{"mips", "fadvise64", "advice"}, // the seventh register
		{"csky", "readahead", "count"},  // its ABIs differ
	} {
		if p, ok := abi(t, tt.abi).Param(tt.call, tt.name); ok {
			t.Errorf("%s: %s %s is %+v", tt.abi, tt.call, tt.name, p)
		}
	}
	for _, tt := range []struct{ abi, call, name string }{
		{"x86_64", "ioctl", "arg"}, {"i386", "fcntl64", "arg"}, {"x86_64", "ptrace", "addr"}, {"x86_64", "semctl", "arg"},
		{"x86_64", "kcmp", "idx2"}, {"parisc64", "pipe2", "flags"},
	} {
		if p := one(t, tt.abi, tt.call, tt.name); p.Established || p.Bits != 0 || p.Signed || p.Pointer {
			t.Errorf("%s: %s %s is %+v, which nothing establishes", tt.abi, tt.call, tt.name, p)
		}
	}
	if p := one(t, "x86_64", "clone3", "cl_args"); !p.Pointer || p.Alias != "uargs" || p.Type != "struct clone_args *" {
		t.Errorf("clone3: %+v", p)
	}
}

var (
	integer = regexp.MustCompile(`^(const )?(unsigned )?(int|long)$|^u32$|_t$|^enum \w+$|^__u64$|^__sighandler_t$`)
	source  = regexp.MustCompile(`^(cut|whole|narrower|no wrapper cuts) \S|^(arch|block|fs|io_uring|ipc|kernel|lib|mm|net|security|drivers)/|^linux 6\.18 syscall metadata$|^a pointer|^meaning depends`)
)

// What holds for every parameter of every ABI, and that the program has what
// params.csv says.
func TestParams(t *testing.T) {
	total := 0
	for _, a := range All() {
		for _, c := range a.Syscalls() {
			names := map[string]bool{}
			last := -1
			for _, p := range a.Params(c.Name) {
				total++
				if p.Index <= last || p.Index > 5 {
					t.Errorf("%s: %s has %s at %d after %d", a.Name, c.Name, p.Name, p.Index, last)
				}
				last = p.Index
				for _, name := range []string{p.Name, p.Alias} {
					if names[name] || name == "" && p.Name == "" || strings.HasPrefix(name, "arg") && len(name) == 4 && name[3] <= '9' {
						t.Errorf("%s: %s has a bad or second %q", a.Name, c.Name, name)
					} else if name != "" {
						names[name] = true
						if got, ok := a.Param(c.Name, name); !ok || got != p {
							t.Errorf("%s: %s %s is %+v, not %+v", a.Name, c.Name, name, got, p)
						}
					}
				}
				pointer := strings.Contains(p.Type, "*") || slices.Contains([]string{"__sighandler_t", "cap_user_header_t", "cap_user_data_t", "const cap_user_data_t", "compat_uptr_t"}, p.Type)
				if pointer != p.Pointer || !pointer && !integer.MatchString(p.Type) {
					t.Errorf("%s: %s %s is a %q, pointer: %t", a.Name, c.Name, p.Name, p.Type, p.Pointer)
				}
				if p.Established != (p.Bits != 0) || p.Bits > a.RegBits || p.Pointer && (!p.Established || p.Signed || p.Bits != a.RegBits) {
					t.Errorf("%s: %s %s is %+v", a.Name, c.Name, p.Name, p)
				}
				// No flag word is signed, and no mode but access's is wider than umode_t.
				if p.Signed && strings.HasSuffix(p.Name, "flags") || p.Type == "umode_t" && p.Bits != 16 {
					t.Errorf("%s: %s %s is %+v", a.Name, c.Name, p.Name, p)
				}
			}
		}
	}
	if total < 20000 {
		t.Errorf("%d parameters of all ABIs", total)
	}
	tables := map[string]string{}
	for _, c := range sheet(t, "abis.csv") {
		tables[c[0]] = c[1]
	}
	for _, c := range sheet(t, "params.csv") {
		index, _ := strconv.Atoi(c[2])
		if !source.MatchString(c[8]) || (c[6] == "") != regexp.MustCompile("^(no wrapper|a pointer|meaning)").MatchString(c[8]) {
			t.Errorf("%s %s: source %q", c[1], c[3], c[8])
		}
		words := strings.Fields(c[0])
		for _, a := range All() {
			table := tables[a.Name]
			if _, ok := a.Number(c[1]); !ok || !slices.Contains(words, table) && (words[0] != "*" || slices.Contains(words, "-"+table)) {
				continue
			}
			bits, established := map[string]int{"16": 16, "32": 32, "reg": a.RegBits, "pointer": a.RegBits}[c[6]]
			want := Param{c[3], c[4], index, c[5], bits, c[7] == "yes", c[6] == "pointer", established}
			if got, _ := a.Param(c[1], c[3]); got != want {
				t.Errorf("%s: %s %+v, in params.csv %+v", a.Name, c[1], got, want)
			}
		}
	}
}
