package arch

import (
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What differs by ABI, by libc, or by sign.
func TestConst(t *testing.T) {
	for _, tt := range []struct {
		abi, name string
		want      int64
	}{
		{"x86_64", "O_CREAT", 0o100}, {"mips", "O_CREAT", 0x100}, {"parisc", "O_CREAT", 0x100},
		{"x86_64", "O_DIRECTORY", 0o200000}, {"arm", "O_DIRECTORY", 0o40000}, {"ppc64le", "O_DIRECTORY", 0o40000}, {"m68k", "O_DIRECTORY", 0o40000},
		{"x86_64", "O_SYNC", 0x101000}, {"mipsel", "O_SYNC", 0x4010}, {"x86_64", "O_TMPFILE", 0x410000},
		// libc has 0 for it on 64-bit ABIs.
		{"x86_64", "O_LARGEFILE", 0o100000}, {"aarch64", "O_LARGEFILE", 0o400000}, {"i386", "O_LARGEFILE", 0o100000}, {"mips64", "O_LARGEFILE", 0x2000},
		// libc with 64-bit off_t has those of F_GETLK64 and so on for them on 32-bit ABIs.
		{"i386", "F_SETLK", 6}, {"i386", "F_SETLK64", 13}, {"arm", "F_GETLK", 5}, {"arm", "F_GETLK64", 12},
		{"mips", "F_GETLK", 14}, {"mips", "F_GETLK64", 33}, {"mips64n32", "F_SETLKW64", 35}, {"parisc", "F_SETLK64", 9}, {"x86_64", "F_SETLK", 6},
		{"x86_64", "SOCK_STREAM", 1}, {"mips", "SOCK_STREAM", 2}, {"mips64n32", "SOCK_DGRAM", 1}, {"mipsel64", "SOCK_RAW", 3},
		{"x86_64", "SOCK_NONBLOCK", 0o4000}, {"mips", "SOCK_NONBLOCK", 0x80}, {"parisc", "SOCK_NONBLOCK", 0x40000000}, {"parisc", "O_NONBLOCK", 0x10000},
		{"parisc64", "SOCK_CLOEXEC", 0x200000},
		{"x86_64", "SOL_SOCKET", 1}, {"mips", "SOL_SOCKET", 0xffff}, {"parisc", "SO_REUSEADDR", 4}, {"ppc", "SO_RCVTIMEO_OLD", 18}, {"x32", "SO_RCVTIMEO", 20},
		{"x86_64", "MAP_ANONYMOUS", 0x20}, {"mips", "MAP_ANONYMOUS", 0x800}, {"xtensa", "MAP_ANONYMOUS", 0x800}, {"parisc", "MAP_FIXED", 4}, {"i386", "MAP_32BIT", 0x40},
		{"x86_64", "MADV_HWPOISON", 100}, {"s390x", "POSIX_FADV_DONTNEED", 6}, {"s390", "POSIX_FADV_DONTNEED", 4},
		{"x86_64", "SIGCHLD", 17}, {"mips64", "SIGCHLD", 18}, {"parisc", "SIGSYS", 31}, {"mips", "SIG_BLOCK", 1}, {"x86_64", "SIG_BLOCK", 0},
		{"x86_64", "TIOCSTI", 0x5412}, {"mips", "TIOCSTI", 0x5472}, {"sh", "TIOCSTI", 0x40015412}, {"xtensa", "TIOCSTI", 0x40015412}, {"ppc64", "TCGETS", 0x402c7413},
		{"x86_64", "FS_IOC_GETFLAGS", 0x80086601}, {"i386", "FS_IOC_GETFLAGS", 0x80046601}, {"ppc64", "FS_IOC_GETFLAGS", 0x40086601},
		{"mips", "RLIMIT_NOFILE", 5}, {"x86_64", "RLIMIT_NOFILE", 7}, {"x86_64", "ARCH_SET_FS", 0x1002},
		{"x86_64", "AF_INET6", 10}, {"x86_64", "CLONE_NEWUSER", 0x10000000}, {"x86_64", "CLONE_CLEAR_SIGHAND", 1 << 32}, {"x86_64", "S_ISUID", 0o4000},
		{"x86_64", "AT_FDCWD", -100}, {"csky", "KEY_SPEC_SESSION_KEYRING", -3}, {"m68k", "PRIO_MIN", -20},
		{"x86_64", "MS_NOUSER", 1 << 31}, {"i386", "FUTEX_BITSET_MATCH_ANY", 1<<32 - 1}, {"x86_64", "PR_SET_PTRACER_ANY", -1}, {"i386", "PR_SET_PTRACER_ANY", 1<<32 - 1},
		{"i386", "SYS_SOCKET", 1}, {"s390x", "SEMTIMEDOP", 4}, {"x86_64", "__WALL", 0x40000000}, {"x86_64", "PTRACE_TRACEME", 0},
	} {
		if n, ok := abi(t, tt.abi).Const(tt.name); !ok || n != tt.want {
			t.Errorf("%s: %s is %#x, %v, want %#x", tt.abi, tt.name, n, ok, tt.want)
		}
	}
	for _, tt := range []struct{ abi, name string }{
		{"x86_64", "NO_SUCH"}, {"x86_64", ""}, {"x86_64", "O_"}, {"x86_64", "ENOSYS"}, {"x86_64", "~"},
		{"aarch64", "MAP_32BIT"}, {"aarch64", "ARCH_SET_FS"}, {"x86_64", "F_GETLK64"}, {"mips", "SIGSTKFLT"}, {"aarch64", "PTRACE_GETREGS"}, {"ppc", "TCGETS2"},
		// time_t decides, and nobody asked it.
		{"i386", "SO_RCVTIMEO"}, {"mips64n32", "SO_TIMESTAMP"}, {"arm", "SIOCGSTAMP"},
		// Nobody has these: newer kernels change them, or libc does.
		{"x86_64", "AF_MAX"}, {"x86_64", "FUTEX_CMD_MASK"}, {"x86_64", "SIGRTMIN"}, {"mips", "MAP_RENAME"},
	} {
		if n, ok := abi(t, tt.abi).Const(tt.name); ok {
			t.Errorf("%s: %s is %#x", tt.abi, tt.name, n)
		}
	}
}

// zconsts.go must say what consts.csv says, read here without the generator.
func TestConstsGenerated(t *testing.T) {
	tables := map[string][]*ABI{}
	for i, c := range sheet(t, "abis.csv") {
		tables[c[1]] = append(tables[c[1]], All()[i])
	}
	rows := map[string][][]string{}
	var names []string
	for _, c := range sheet(t, "consts.csv") {
		rows[c[0]] = append(rows[c[0]], c)
		names = append(names, c[0])
	}
	if names = slices.Compact(names); !slices.IsSorted(names) || !slices.Equal(Consts(), names) {
		t.Errorf("%d names, in consts.csv %d", len(Consts()), len(names))
	}
	for _, name := range names {
		for table, abis := range tables {
			var want, others string
			for _, c := range rows[name] {
				words := strings.Fields(c[2])
				if slices.Contains(words, table) {
					want = c[1]
				} else if words[0] == "*" && !slices.Contains(words, "-"+table) {
					others = c[1]
				}
			}
			if want == "" {
				want = others
			}
			value, err := strconv.ParseInt(want, 0, 64)
			for _, a := range abis {
				if n, ok := a.Const(name); ok != (err == nil) || n != value {
					t.Errorf("%s: %s is %#x, %v, in consts.csv %q", a.Name, name, n, ok, want)
				}
			}
		}
	}
}

// The second source of Go's ABIs is x/sys, which asked libc's headers: where
// those differ from the kernel's, the kernel's are right. Names of the families
// we mean to have whole must all be ours.
func TestXsysConsts(t *testing.T) {
	whole := regexp.MustCompile(`^(AF|AT|CAP|CLONE|EFD|FALLOC|F|GRND|IPPROTO|KEYCTL|LINUX_REBOOT|LOCK|MADV|MAP|MCL|MFD|MNT|MOUNT_ATTR|MREMAP|MS|` +
		`O|PRIO|PROT|PR|PTRACE|RENAME|RLIMIT|RUSAGE|SECCOMP|SFD|SHUT|SOCK|SOL|SPLICE_F|TFD)_[A-Z0-9_]+$|^(SIG|TIOC[GS]|TC[GS]ET)[A-Z0-9]+$`)
	// Counts and limits, what only memory has, BSD's and lockf's names, and what consts.csv says is left out.
	not := regexp.MustCompile(`_MAX$|^CAP_LAST_CAP$|^AF_FILE$|^O_FSYNC$|^F_(LOCK|TLOCK|ULOCK|TEST)$|^KEYCTL_(CAPS|SUPPORTS)|^MAP_RENAME$|^MNT_(ID|NS)_|` +
		`^PTRACE_(CFI_|TE_|PROT|O_MASK|ENABLE_TE|DISABLE_TE)|^SOL_CAN_|^SOCK_([A-Z]+_LOCK|TXREHASH|DESTROY|DIAG|IOC)|^TIOCSER_TEMT$|^SOCKFS_|^PR_FUTEX_HASH_GET_IMMUTABLE$`)
	libc := regexp.MustCompile(`^F_(GETLK|SETLK|SETLKW)(64)?$|^O_LARGEFILE$|^PTRACE_[GS]ET(FP)?REGS$`)
	ambiguous := regexp.MustCompile(`^(SO_(RCV|SND)TIMEO|SO_TIMESTAMP(NS|ING)?|SIOCGSTAMP(NS)?)$`)
	dir := unixDir(t)
	common := constants(t, filepath.Join(dir, "zerrors_linux.go"))
	for _, goarch := range goarches {
		a := abi(t, goarch)
		equal := 0
		for _, theirs := range []map[string]int64{common, constants(t, filepath.Join(dir, "zerrors_linux_"+goarch+".go"))} {
			for name, n := range theirs {
				ours, ok := a.Const(name)
				_, found := slices.BinarySearch(Consts(), name)
				switch {
				case libc.MatchString(name):
				case !ok && ambiguous.MatchString(name) && a.LongBits == 32:
				case !ok && (found || whole.MatchString(name) && !not.MatchString(name)):
					t.Errorf("%s lacks %s, in x/sys %#x", a.Name, name, n)
				case ok && uint32(ours^n) != 0:
					t.Errorf("%s: %s is %#x, in x/sys %#x", a.Name, name, ours, n)
				case ok:
					equal++
				}
			}
		}
		if equal < 1500 {
			t.Errorf("%s: only %d constants are in x/sys", a.Name, equal)
		}
		t.Logf("%s: %d equal", a.Name, equal)
	}
}
