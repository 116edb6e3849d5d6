package arch

import (
	"encoding/binary"
	"maps"
	"regexp"
	"runtime"
	"slices"
	"testing"
	"unsafe"
)

// counts is the number of calls per ABI. A difference means that a table
// changed: look at the diff of syscalls.csv before correcting it here.
var counts = map[string]int{
	"x86_64": 385, "i386": 461, "x32": 374, "arm": 430, "aarch64": 327,
	"riscv64": 328, "riscv32": 318, "loongarch64": 324, "s390x": 390, "s390": 440,
	"ppc64le": 424, "ppc64": 424, "ppc": 452,
	"mips": 437, "mipsel": 437, "mips64": 373, "mipsel64": 373, "mips64n32": 397, "mipsel64n32": 397,
	"parisc": 407, "parisc64": 387, "m68k": 443, "sh": 436, "sheb": 436, "xtensa": 392, "csky": 347,
}

// base is what the kernel adds to each number of a MIPS ABI (asm/unistd.h),
// and x32's bit.
func base(a *ABI) uint32 {
	switch a.Name {
	case "mips", "mipsel":
		return 4000
	case "mips64", "mipsel64":
		return 5000
	case "mips64n32", "mipsel64n32":
		return 6000
	}
	return a.Bit
}

func abi(t *testing.T, spelling string) *ABI {
	t.Helper()
	a := Lookup(spelling)
	if a == nil {
		t.Fatalf("no ABI %q", spelling)
	}
	return a
}

func TestTables(t *testing.T) {
	name := regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)
	all := Names()
	if !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Error("Names: not sorted or not unique")
	}
	for _, a := range All() {
		calls := a.Syscalls()
		if len(calls) != counts[a.Name] {
			t.Errorf("%s: %d calls, want %d", a.Name, len(calls), counts[a.Name])
		}
		for i, c := range calls {
			if !name.MatchString(c.Name) {
				t.Errorf("%s: bad name %q", a.Name, c.Name)
			}
			if i > 0 && calls[i-1].Number >= c.Number {
				t.Errorf("%s: %s %d isn't above %s %d", a.Name, c.Name, c.Number, calls[i-1].Name, calls[i-1].Number)
			}
			private := a.Name == "arm" && c.Number>>16 == 0xf
			if off := c.Number - base(a); off >= 600 && !private {
				t.Errorf("%s: %s %#x is out of range", a.Name, c.Name, c.Number)
			}
			if nr, ok := a.Number(c.Name); !ok || nr != c.Number {
				t.Errorf("%s: Number(%s) = %d, %v, want %d", a.Name, c.Name, nr, ok, c.Number)
			}
			if got, ok := a.SyscallName(c.Number); !ok || got != c.Name {
				t.Errorf("%s: SyscallName(%d) = %q, %v, want %q", a.Name, c.Number, got, ok, c.Name)
			}
			if _, ok := slices.BinarySearch(all, c.Name); !ok {
				t.Errorf("Names lacks %s", c.Name)
			}
		}
		for _, nr := range []uint32{0xffffffff, 0x7fffffff, base(a) + 999} {
			if got, ok := a.SyscallName(nr); ok {
				t.Errorf("%s: SyscallName(%#x) = %q", a.Name, nr, got)
			}
		}
		if nr, ok := a.Number("no_such_call"); ok {
			t.Errorf("%s: Number(no_such_call) = %d", a.Name, nr)
		}
	}
}

// From 403 on the kernel gives a call the same number everywhere.
func TestUniformNumbers(t *testing.T) {
	names := map[uint32]string{}
	for _, a := range All() {
		for _, c := range a.Syscalls() {
			off := c.Number - base(a)
			if off < 403 || off > 999 || a.Bit != 0 && off < 548 && off > 511 {
				continue
			}
			if other, ok := names[off]; ok && other != c.Name {
				t.Errorf("%s: %d is %s, elsewhere %s", a.Name, off, c.Name, other)
			}
			names[off] = c.Name
		}
	}
	if names[435] != "clone3" || names[471] != "rseq_slice_yield" {
		t.Errorf("435 is %q, 471 is %q", names[435], names[471])
	}
}

// x32 has x86_64's numbers with the bit, but 512 to 547 of its own for calls
// whose arguments differ (arch/x86/entry/syscalls/syscall_64.tbl).
func TestX32(t *testing.T) {
	x32, x64 := abi(t, "x32"), abi(t, "x86_64")
	if x32.Bit != 0x40000000 || x32.Audit != x64.Audit || x64.Bit != 0 {
		t.Errorf("x32: bit %#x, audit %#x", x32.Bit, x32.Audit)
	}
	own := 0
	for _, c := range x32.Syscalls() {
		if c.Number&x32.Bit == 0 {
			t.Errorf("%s: %#x lacks the bit", c.Name, c.Number)
		}
		nr := c.Number &^ x32.Bit
		native, ok := x64.Number(c.Name)
		if nr >= 512 && nr <= 547 {
			own++
			if !ok || native == nr {
				t.Errorf("%s: %d on x32, %d on x86_64", c.Name, nr, native)
			}
		} else if !ok || native != nr {
			t.Errorf("%s: %d on x32, %d on x86_64", c.Name, nr, native)
		}
	}
	if own != 36 {
		t.Errorf("%d calls of its own, want 36", own)
	}
	for name, want := range map[string]uint32{
		"read": 0x40000000, "rt_sigaction": 0x40000200, "ioctl": 0x40000202,
		"execve": 0x40000208, "ptrace": 0x40000209, "pwritev2": 0x40000223,
	} {
		if nr, _ := x32.Number(name); nr != want {
			t.Errorf("%s is %#x, want %#x", name, nr, want)
		}
	}
}

// Numbers of the ABIs golang.org/x/sys doesn't have, and the private ones, as
// the kernel's headers state them.
func TestNumbers(t *testing.T) {
	for _, tt := range []struct {
		abi, name string
		want      uint32
	}{
		{"arm", "breakpoint", 0xf0001}, {"arm", "cacheflush", 0xf0002}, {"arm", "usr26", 0xf0003},
		{"arm", "usr32", 0xf0004}, {"arm", "set_tls", 0xf0005}, {"arm", "get_tls", 0xf0006},
		{"mips", "syscall", 4000}, {"mipsel", "seccomp", 4352}, {"mips64", "read", 5000},
		{"mipsel64", "seccomp", 5312}, {"mips64n32", "read", 6000}, {"mipsel64n32", "seccomp", 6316},
		{"ppc", "swapcontext", 249}, {"ppc64le", "swapcontext", 249}, {"s390", "s390_runtime_instr", 342},
		{"s390", "seccomp", 348}, {"s390", "execve", 11}, {"s390", "openat", 288},
		{"riscv32", "_llseek", 62}, {"riscv32", "futex_time64", 422}, {"riscv32", "seccomp", 277},
		{"parisc", "seccomp", 338}, {"parisc64", "seccomp", 338}, {"parisc64", "_llseek", 140},
		{"m68k", "seccomp", 380}, {"m68k", "atomic_cmpxchg_32", 335},
		{"sh", "seccomp", 372}, {"sheb", "seccomp", 372}, {"xtensa", "seccomp", 337}, {"xtensa", "open", 8},
		{"csky", "seccomp", 277}, {"csky", "sync_file_range2", 84}, {"csky", "cacheflush", 245},
	} {
		if nr, ok := abi(t, tt.abi).Number(tt.name); !ok || nr != tt.want {
			t.Errorf("%s: %s is %d, %v, want %d", tt.abi, tt.name, nr, ok, tt.want)
		}
	}
	for _, absent := range [][2]string{
		{"sh", "clone3"}, {"s390", "listns"}, {"x86_64", "socketcall"}, {"aarch64", "open"}, {"csky", "sync_file_range"},
	} {
		if nr, ok := abi(t, absent[0]).Number(absent[1]); ok {
			t.Errorf("%s has %s: %d", absent[0], absent[1], nr)
		}
	}
}

func TestAliases(t *testing.T) {
	want := map[[2]string]string{
		{"i386", "madvise1"}:        "madvise",
		{"arm", "fadvise64_64"}:     "arm_fadvise64_64",
		{"arm", "sync_file_range2"}: "arm_sync_file_range",
		{"aarch64", "fstatat"}:      "newfstatat",
		{"riscv64", "fstatat"}:      "newfstatat",
		{"riscv32", "llseek"}:       "_llseek",
		{"csky", "llseek"}:          "_llseek",
	}
	got := map[[2]string]string{}
	all := Names()
	for _, a := range All() {
		for _, s := range a.table.aliases {
			got[[2]string{a.Name, s.name}] = s.canonical
			nr, ok := a.Number(s.name)
			if name, _ := a.SyscallName(nr); !ok || name != s.canonical {
				t.Errorf("%s: alias %s leads to %q", a.Name, s.name, name)
			}
			if !slices.Contains(all, s.name) {
				t.Errorf("Names lacks the alias %s", s.name)
			}
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("aliases %v, want %v", got, want)
	}
}

func TestSpellings(t *testing.T) {
	for spelling, want := range map[string]string{
		"x86_64": "x86_64", "amd64": "x86_64", "SCMP_ARCH_X86_64": "x86_64",
		"386": "i386", "x86": "i386", "i686": "i386", "SCMP_ARCH_X86": "i386", "SCMP_ARCH_X32": "x32",
		"arm": "arm", "SCMP_ARCH_ARM": "arm", "arm64": "aarch64", "SCMP_ARCH_AARCH64": "aarch64",
		"loong64": "loongarch64", "SCMP_ARCH_LOONGARCH64": "loongarch64", "SCMP_ARCH_RISCV64": "riscv64",
		"s390": "s390", "SCMP_ARCH_S390": "s390", "SCMP_ARCH_S390X": "s390x",
		"ppc": "ppc", "SCMP_ARCH_PPC": "ppc", "SCMP_ARCH_PPC64": "ppc64", "ppc64le": "ppc64le", "ppc64el": "ppc64le", "SCMP_ARCH_PPC64LE": "ppc64le",
		"mips": "mips", "SCMP_ARCH_MIPS": "mips", "mipsle": "mipsel", "SCMP_ARCH_MIPSEL": "mipsel",
		"mips64": "mips64", "SCMP_ARCH_MIPS64": "mips64", "mips64le": "mipsel64", "mips64el": "mipsel64", "SCMP_ARCH_MIPSEL64": "mipsel64",
		"SCMP_ARCH_MIPS64N32": "mips64n32", "SCMP_ARCH_MIPSEL64N32": "mipsel64n32",
		"parisc": "parisc", "SCMP_ARCH_PARISC": "parisc", "SCMP_ARCH_PARISC64": "parisc64",
		"SCMP_ARCH_M68K": "m68k", "SCMP_ARCH_SH": "sh", "SCMP_ARCH_SHEB": "sheb",
	} {
		if a := Lookup(spelling); a == nil || a.Name != want {
			t.Errorf("Lookup(%q) = %v, want %s", spelling, a, want)
		}
	}
	for _, spelling := range []string{"", "AMD64", "mips64p32", "SCMP_ARCH_NATIVE", "sparc64"} {
		if a := Lookup(spelling); a != nil {
			t.Errorf("Lookup(%q) = %s", spelling, a.Name)
		}
	}
	list := Spellings()
	if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
		t.Error("Spellings: not sorted or not unique")
	}
	for _, a := range All() {
		if a.GOARCH != "" && Lookup(a.GOARCH) != a || Lookup(a.Name) != a || !slices.Contains(list, a.Name) {
			t.Errorf("%s isn't found by its names", a.Name)
		}
	}
}

// TestFacts builds each audit value from elf-em.h's EM_ number and audit.h's
// flags, and states the other facts once more.
func TestFacts(t *testing.T) {
	const (
		is64 = 0x80000000 // __AUDIT_ARCH_64BIT
		le   = 0x40000000 // __AUDIT_ARCH_LE
		n32  = 0x20000000 // __AUDIT_ARCH_CONVENTION_MIPS64_N32
	)
	all := All()
	for i, want := range []ABI{
		{Name: "x86_64", Audit: 62 | is64 | le, RegBits: 64, LongBits: 64, Wide: Whole, Family: "x86"},
		{Name: "i386", Audit: 3 | le, RegBits: 32, LongBits: 32, Wide: Pair, Family: "x86"},
		{Name: "x32", Audit: 62 | is64 | le, RegBits: 64, LongBits: 32, Wide: Whole, Family: "x86"},
		{Name: "arm", Audit: 40 | le, RegBits: 32, LongBits: 32, Wide: AlignedPair, Family: "arm"},
		{Name: "aarch64", Audit: 183 | is64 | le, RegBits: 64, LongBits: 64, Wide: Whole, Family: "arm"},
		{Name: "riscv64", Audit: 243 | is64 | le, RegBits: 64, LongBits: 64, Wide: Whole, Family: "riscv"},
		{Name: "riscv32", Audit: 243 | le, RegBits: 32, LongBits: 32, Wide: Pair, Family: "riscv"},
		{Name: "loongarch64", Audit: 258 | is64 | le, RegBits: 64, LongBits: 64, Wide: Whole, Family: "loongarch"},
		{Name: "s390x", Audit: 22 | is64, RegBits: 64, LongBits: 64, Wide: Whole, Family: "s390"},
		{Name: "s390", Audit: 22, RegBits: 32, LongBits: 32, Wide: Pair, Family: "s390"},
		{Name: "ppc64le", Audit: 21 | is64 | le, RegBits: 64, LongBits: 64, Wide: Whole, Family: "ppc64le"},
		{Name: "ppc64", Audit: 21 | is64, RegBits: 64, LongBits: 64, Wide: Whole, Family: "powerpc"},
		{Name: "ppc", Audit: 20, RegBits: 32, LongBits: 32, Wide: AlignedPair, Family: "powerpc"},
		{Name: "mips", Audit: 8, RegBits: 32, LongBits: 32, Wide: AlignedPair, Family: "mips"},
		{Name: "mipsel", Audit: 8 | le, RegBits: 32, LongBits: 32, Wide: AlignedPair, Family: "mipsel"},
		{Name: "mips64", Audit: 8 | is64, RegBits: 64, LongBits: 64, Wide: Whole, Family: "mips"},
		{Name: "mipsel64", Audit: 8 | is64 | le, RegBits: 64, LongBits: 64, Wide: Whole, Family: "mipsel"},
		{Name: "mips64n32", Audit: 8 | is64 | n32, RegBits: 64, LongBits: 32, Wide: Whole, Family: "mips"},
		{Name: "mipsel64n32", Audit: 8 | is64 | le | n32, RegBits: 64, LongBits: 32, Wide: Whole, Family: "mipsel"},
		{Name: "parisc", Audit: 15, RegBits: 32, LongBits: 32, Wide: Pair, Family: "parisc"},
		{Name: "parisc64", Audit: 15 | is64, RegBits: 64, LongBits: 64, Wide: Whole, Family: "parisc"},
		{Name: "m68k", Audit: 4, RegBits: 32, LongBits: 32, Wide: Pair, Family: "m68k"},
		{Name: "sh", Audit: 42 | le, RegBits: 32, LongBits: 32, Wide: Pair, Family: "sh"},
		{Name: "sheb", Audit: 42, RegBits: 32, LongBits: 32, Wide: Pair, Family: "sheb"},
		{Name: "xtensa", Audit: 94, RegBits: 32, LongBits: 32, Wide: AlignedPair, Family: "xtensa"},
		{Name: "csky", Audit: 252 | le, RegBits: 32, LongBits: 32, Wide: Pair, Family: "csky"},
	} {
		if i >= len(all) {
			t.Fatalf("only %d ABIs", len(all))
		}
		a := all[i]
		if a.Name != want.Name || a.Audit != want.Audit || a.RegBits != want.RegBits || a.LongBits != want.LongBits ||
			a.Wide != want.Wide || a.Family != want.Family {
			t.Errorf("%s, %#x, %d, %d, %s, %s; want %s, %#x, %d, %d, %s, %s",
				a.Name, a.Audit, a.RegBits, a.LongBits, a.Wide, a.Family,
				want.Name, want.Audit, want.RegBits, want.LongBits, want.Wide, want.Family)
		}
		// xtensa has no flag and both orders; ours is the common one.
		if a.BigEndian != (a.Audit&le == 0) && a.Name != "xtensa" {
			t.Errorf("%s: BigEndian is %v", a.Name, a.BigEndian)
		}
	}
	if len(all) != len(counts) {
		t.Errorf("%d ABIs, want %d", len(all), len(counts))
	}
}

func TestHost(t *testing.T) {
	a := Host()
	if a == nil {
		t.Skipf("no ABI has GOARCH %s", runtime.GOARCH)
	}
	big := binary.NativeEndian.Uint16([]byte{0, 1}) == 1
	if a.GOARCH != runtime.GOARCH || a.BigEndian != big || a.LongBits != 8*int(unsafe.Sizeof(uintptr(0))) {
		t.Errorf("Host is %s on GOARCH %s", a.Name, runtime.GOARCH)
	}
}
