package inspect

import (
	"slices"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// TestConstAllow has one reason each why the kernel takes a number into its cache, or doesn't.
func TestConstAllow(t *testing.T) {
	allow := in{Op: 0x06, K: uint32(resolve.Allow)}
	deny := in{Op: 0x06, K: uint32(resolve.Errno | 1)}
	load := in{Op: 0x20}
	for _, tt := range []struct {
		name  string
		prog  []in
		want  bool
		steps int
	}{
		{"allowed", []in{allow}, true, 1},
		{"allowed with data", []in{{Op: 0x06, K: uint32(resolve.Allow) | 1}}, false, 1},
		{"denied", []in{deny}, false, 1},
		{"logged", []in{{Op: 0x06, K: uint32(resolve.Log)}}, false, 1},
		{"the accumulator returned", []in{{Op: 0x16}}, false, 1},
		{"equal", []in{load, {Op: 0x15, K: 12, Jf: 1}, allow, deny}, true, 3},
		{"not equal", []in{load, {Op: 0x15, K: 13, Jf: 1}, allow, deny}, false, 3},
		{"greater", []in{load, {Op: 0x25, K: 11, Jf: 1}, allow, deny}, true, 3},
		{"not greater", []in{load, {Op: 0x25, K: 12, Jf: 1}, allow, deny}, false, 3},
		{"greater or equal", []in{load, {Op: 0x35, K: 12, Jf: 1}, allow, deny}, true, 3},
		{"less", []in{load, {Op: 0x35, K: 13, Jf: 1}, allow, deny}, false, 3},
		{"a bit", []in{load, {Op: 0x45, K: 8, Jf: 1}, allow, deny}, true, 3},
		{"another bit", []in{load, {Op: 0x45, K: 3, Jf: 1}, allow, deny}, false, 3},
		{"under a mask", []in{load, {Op: 0x54, K: 4}, {Op: 0x15, K: 4, Jf: 1}, allow, deny}, true, 4},
		{"the architecture", []in{{Op: 0x20, K: 4}, {Op: 0x15, K: resolve.X86_64, Jf: 1}, allow, deny}, true, 3},
		{"an argument", []in{{Op: 0x20, K: 16}, allow}, false, 1},
		{"a jump", []in{{Op: 0x05, K: 1}, deny, allow}, true, 2},
		{"other arithmetic", []in{load, {Op: 0x74, K: 1}, allow}, false, 2},
	} {
		got, steps := ConstAllow(tt.prog, resolve.X86_64, 12)
		if got != tt.want || steps != tt.steps {
			t.Errorf("%s: %v after %d steps, want %v after %d", tt.name, got, steps, tt.want, tt.steps)
		}
	}
}

// TestCached has which numbers of which ABIs the kernel of a native ABI keeps in its cache.
func TestCached(t *testing.T) {
	allow := []in{{Op: 0x06, K: uint32(resolve.Allow)}}
	for _, tt := range []struct {
		native, abi, call string
		want              bool
	}{
		{"x86_64", "x86_64", "read", true}, {"x86_64", "i386", "read", true}, {"x86_64", "x32", "read", false},
		{"x32", "x32", "read", false}, {"x32", "x86_64", "read", true}, {"i386", "i386", "read", true}, {"i386", "x86_64", "read", false},
		{"aarch64", "arm", "read", true}, {"aarch64", "arm", "set_tls", false}, {"arm", "arm", "read", true}, {"arm", "aarch64", "read", false},
		{"s390x", "s390", "read", true}, {"ppc64", "ppc", "read", true}, {"ppc64le", "ppc64le", "read", true}, {"parisc64", "parisc", "read", true},
		{"riscv64", "riscv64", "read", true}, {"riscv64", "riscv32", "read", false},
		{"mips64", "mips64", "read", false}, {"mips", "mips", "read", false}, {"mipsel64n32", "mipsel64n32", "read", false},
	} {
		abi := arch.Lookup(tt.abi)
		nr, ok := abi.Number(tt.call)
		if got := Cached(allow, arch.Lookup(tt.native), abi, nr); got != tt.want || !ok {
			t.Errorf("%s of %s on %s: %v", tt.call, tt.abi, tt.native, got)
		}
	}
	for abi, want := range map[string]int{"x86_64": 2 * 472, "i386": 472, "riscv64": 472, "mips": 0} {
		if got := WalkSteps(allow, arch.Lookup(abi)); got != want {
			t.Errorf("%d steps on %s, want %d", got, abi, want)
		}
	}
}

// TestSummarize counts by hand.
func TestSummarize(t *testing.T) {
	x86, i386 := arch.Lookup("x86_64"), arch.Lookup("i386")
	prog := []in{
		{Op: 0x20, K: 4},
		{Op: 0x15, K: x86.Audit, Jt: 1},
		{Op: 0x06, K: uint32(resolve.Errno | 1)},
		{Op: 0x20, K: 0},
		{Op: 0x15, K: 2, Jt: 4}, // open: 5 executed
		{Op: 0x15, K: 0, Jt: 4}, // read: 6, which is logged
		{Op: 0x15, K: 1, Jf: 1}, // write: denied with arguments 0
		{Op: 0x20, K: 16},
		{Op: 0x15, K: 1, Jf: 2},
		{Op: 0x06, K: uint32(resolve.Allow)},
		{Op: 0x06, K: uint32(resolve.Log)},
		{Op: 0x06, K: uint32(resolve.Errno | 1)},
	}
	list, err := Summarize(Program{[]*arch.ABI{x86, i386}, false, prog})
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, error %v", list, err)
	}
	s := list[0]
	if s.ABI != x86 || s.Calls != 2 || s.Mean != 5.5 || s.Max != 6 || s.Cached != 1 || !slices.Equal(s.Passes, []string{"open", "read", "write"}) {
		t.Errorf("%+v", s)
	}
	if s := list[1]; s.ABI != i386 || s.Calls != 0 || s.Mean != 0 || s.Cached != 0 || s.Passes != nil {
		t.Errorf("%+v", s)
	}
	if got := Lacks(arch.Lookup("aarch64"), s.Passes); !slices.Equal(got, []string{"open"}) {
		t.Errorf("aarch64 lacks %v", got)
	}
	if _, err := Summarize(Program{[]*arch.ABI{x86}, false, prog[:4]}); err == nil {
		t.Error("a program without an end is summarized")
	}
}
