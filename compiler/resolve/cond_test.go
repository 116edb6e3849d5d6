package resolve_test

import (
	"strings"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/resolve"
)

func TestConditions(t *testing.T) {
	for _, v := range []struct {
		target, cond string // of read
		hold, fail   string // values of argument 0, or of 0/1/2
	}{
		{"x86_64", "arg0 == 5", "5", "4 6 0x100000005 0x500000000"},
		{"x86_64", "arg0 != 5", "4 6 0x100000005", "5"},
		{"x86_64", "arg0 < 5", "0 4", "5 0x100000000 0xffffffffffffffff"},
		{"x86_64", "arg0 <= 5", "0 5", "6 0x100000005"},
		{"x86_64", "arg0 > 5", "6 0x100000000 0x8000000000000000", "0 5"},
		{"x86_64", "arg0 >= 5", "5 0xffffffffffffffff", "4 0"},
		{"x86_64", "arg0 < 0x8000000000000000", "0 0x7fffffffffffffff", "0x8000000000000000 0xffffffffffffffff"},
		{"x86_64", "arg0 == 18446744073709551615", "0xffffffffffffffff", "0xffffffff 0xffffffff00000000"},
		{"x86_64", "arg0 == 1 << 63", "0x8000000000000000", "0 0x80000000"},
		{"x86_64", "arg0 == 0xffffffffffffffff >> 32", "0xffffffff", "0xffffffffffffffff"},
		{"x86_64", "arg0 == 0o17 | 0x20 ^ 0x21", "0xe", "0xf 0x2e"}, // (15|32)^33, left to right
		{"x86_64", "arg0 == 7 & ~2", "5", "7 2"},
		{"x86_64", "arg0 == -1 & 0xff", "0xff", "0xffffffffffffffff 0x1ff"},
		{"x86_64", "arg0 == ~0 & 0xffffffff", "0xffffffff", "0xffffffffffffffff"},
		{"x86_64", "arg0 == - -5", "5", "4"},
		{"x86_64", "arg0 == ~~5", "5", "4"},
		{"x86_64", "arg0 == 1 << 4 << 4 >> 4", "16", "1 256"},
		// Masks.
		{"x86_64", "arg0 & 0xf0 == 0x50", "0x50 0x5f 0x150", "0x40 0xd0"},
		{"x86_64", "arg0 & 0xf0 != 0x50", "0x40 0xd0", "0x50 0xf5f"},
		{"x86_64", "arg0 & 0xf0 < 0x50", "0 0x4f 0x10f", "0x50 0xff"},
		{"x86_64", "arg0 & 0xf0 >= 0x50", "0x50 0xff", "0x4f 0x500"},
		{"x86_64", "arg0 & (1|2) == 0", "0 4 0xfffffffffffffffc", "1 2 3 7"},
		{"x86_64", "arg0 & ~3 == 0", "0 1 3", "4 0x100000000 0x8000000000000000"},
		{"x86_64", "arg0 & -4 == 0", "0 3", "4 0x8000000000000000"},
		{"x86_64", "arg0 & ~0 == 5", "5", "0x100000005"},
		{"x86_64", "arg0 & ~0x7fffffffffffffff == 0", "0 0x7fffffffffffffff", "0x8000000000000000 0xffffffffffffffff"},
		{"x86_64", "arg0 & ~0x8000000000000000 == 1", "1 0x8000000000000001", "0 2"},
		{"x86_64", "arg0 & ~0xffffffff00000000 == 1", "1 0xffffffff00000001", "0 2"},
		{"x86_64", "arg0 & ~0xffffffff == 0", "0 0xffffffff", "0x100000000 0xffffffffffffffff"},
		{"x86_64", "arg0 & (~0 << 32) == 0", "0 0xffffffff", "0x100000000 0xffffffffffffffff"},
		{"x86_64", "arg0 & 0xffffffff == 0x5412", "0x5412 0xdeadbeef00005412", "0x5413"},
		// Widths: registers of 32 bits have no upper half.
		{"i386", "arg0 == 5", "5 0xdeadbeef00000005 0xffffffff00000005", "4 0x500000000"},
		{"i386", "arg0 == 0xffffffff", "0xffffffff 0xffffffffffffffff", "0xfffffffe"},
		{"i386", "arg0 >= 0x80000000", "0x80000000 0x80000000", "0x7fffffff 0xffffffff7fffffff 0x8000000000000000"},
		{"i386", "arg0 & ~3 == 0", "3 0xffffffff00000003", "4 0x80000000"},
		{"i386", "arg0 & ~0x7fffffff == 0", "0 0x7fffffff 0x8000000000000000", "0x80000000"},
		{"i386", "arg0 & ~0xffffffff == 0", "0 0xffffffff 0xffffffffffffffff", ""}, // no bit is left
		{"i386", "arg0 & (~0 << 32) == 0", "0 0xffffffff 0xffffffffffffffff", ""},
		{"s390x", "arg0 == 0x100000005", "0x100000005", "5"},
		{"mips64n32", "arg0 == 5", "5", "0x100000005"},
		{"x32", "arg0 == 5", "5", "0x100000005"},
		{"mips", "arg3 == 0 && arg0 == 5", "5", "4"},
		// Combinations.
		{"x86_64", "arg0 == 1 || arg1 == 2 && arg2 == 3", "1/0/0 0/2/3 1/2/3", "0/2/0 0/0/3"},
		{"x86_64", "(arg0 == 1 || arg1 == 2) && arg2 == 3", "1/0/3 0/2/3", "1/0/0 0/0/3"},
		{"x86_64", "!(arg0 == 1 && arg1 == 2)", "1/0 0/2 0/0", "1/2"},
		{"x86_64", "!(arg0 == 1) && arg1 == 2", "0/2", "1/2 0/0"},
		{"x86_64", "!!(arg0 == 1)", "1", "0"},
		{"x86_64", "oneof(arg0, 1, 1|4, 0xffffffffffffffff)", "1 5 0xffffffffffffffff", "0 4 0xffffffff 0x100000001"},
		{"x86_64", "!oneof(arg0, 1, 5)", "0 4", "1 5"},
		{"x86_64", "oneof(arg0 & 0xf, 1, 2)", "1 0x12 0xf1", "0 3 0xf3"},
		{"x86_64", "oneof(arg1, 1) || oneof(arg2, 2)", "0/1/0 0/0/2", "1/2/1"},
		// Never, and always.
		{"x86_64", "arg0 < 0", "", "0 0xffffffffffffffff"},
		{"x86_64", "arg0 >= 0", "0 0xffffffffffffffff", ""},
		{"x86_64", "arg0 & 3 == 4", "", "4 7"},
		{"x86_64", "arg0 & 0 == 0", "0 1", ""},
	} {
		want := func(values, action string) (s string) {
			for _, x := range strings.Fields(values) {
				s += v.target + " read " + strings.ReplaceAll(x, "/", " ") + " = " + action + "\n"
			}
			return s
		}
		vector{name: v.target + ": " + v.cond, target: v.target,
			policy: "default: errno(EPERM)\nrules:\n- allow: [read]\n  if: '" + v.cond + "'",
			want:   want(v.hold, "allow") + want(v.fail, "errno(EPERM)")}.check(t)
	}
}

// The relations on the edges of words, as numbers on paper.
func TestCompare(t *testing.T) {
	const max32, max64 = 0xffffffff, 0xffffffffffffffff
	for _, v := range []struct {
		c    resolve.Compare
		x    uint64
		want bool
	}{
		{resolve.Compare{Bits: 64, Mask: max64, Op: resolve.EQ, Value: max32}, max32, true},
		{resolve.Compare{Bits: 64, Mask: max64, Op: resolve.EQ, Value: max32}, max64, false},
		{resolve.Compare{Bits: 32, Mask: max32, Op: resolve.EQ, Value: max32}, max64, true},
		{resolve.Compare{Bits: 32, Mask: max32, Op: resolve.NE, Value: max32}, max64, false},
		{resolve.Compare{Bits: 64, Mask: max64, Op: resolve.NE, Value: max32}, max64, true},
		{resolve.Compare{Bits: 64, Mask: max64, Op: resolve.LT, Value: 1 << 32}, max32, true},
		{resolve.Compare{Bits: 64, Mask: max64, Op: resolve.LT, Value: 1 << 32}, 1 << 32, false},
		{resolve.Compare{Bits: 64, Mask: max64, Op: resolve.LE, Value: 1 << 32}, 1 << 32, true},
		{resolve.Compare{Bits: 64, Mask: max64, Op: resolve.LE, Value: 1 << 32}, 1<<32 + 1, false},
		{resolve.Compare{Bits: 64, Mask: max64, Op: resolve.GT, Value: max32}, 1 << 32, true},
		{resolve.Compare{Bits: 64, Mask: max64, Op: resolve.GT, Value: max32}, max32, false},
		{resolve.Compare{Bits: 64, Mask: max64, Op: resolve.GE, Value: 1 << 63}, 1 << 63, true},
		{resolve.Compare{Bits: 64, Mask: max64, Op: resolve.GE, Value: 1 << 63}, 1<<63 - 1, false},
		{resolve.Compare{Bits: 32, Mask: max32, Op: resolve.GE, Value: 1 << 31}, 1 << 63, false},
		{resolve.Compare{Bits: 32, Mask: max32, Op: resolve.LT, Value: 1}, max32 << 32, true},
		{resolve.Compare{Bits: 64, Mask: 0xf0, Op: resolve.EQ, Value: 0x50}, 0xf5f, true},
		{resolve.Compare{Bits: 64, Mask: 0xf0, Op: resolve.LT, Value: 0x50}, 0xf4f, true},
		{resolve.Compare{Bits: 64, Mask: 1 << 63, Op: resolve.NE, Value: 0}, 1<<63 - 1, false},
		{resolve.Compare{Arg: 5, Bits: 64, Mask: max64, Op: resolve.EQ, Value: 7}, 0, false},
	} {
		if got := v.c.Holds([6]uint64{v.x}); got != v.want {
			t.Errorf("%+v on %#x: %v", v.c, v.x, got)
		}
	}
	arg5 := resolve.Compare{Arg: 5, Bits: 64, Mask: max64, Op: resolve.EQ, Value: 7}
	if !arg5.Holds([6]uint64{5: 7}) {
		t.Error("argument 5 is not read")
	}
	always, never := resolve.All(nil), resolve.Any(nil)
	for _, v := range []struct {
		c    resolve.Cond
		want bool
	}{
		{always, true}, {never, false}, {resolve.Not{Cond: always}, false}, {resolve.Not{Cond: never}, true},
		{resolve.All{always, never}, false}, {resolve.All{always, always}, true}, {resolve.All{never, always}, false},
		{resolve.Any{never, always}, true}, {resolve.Any{never, never}, false}, {resolve.Any{always, never}, true},
	} {
		if got := v.c.Holds([6]uint64{}); got != v.want {
			t.Errorf("%#v: %v", v.c, got)
		}
	}
}

func TestFilterDecide(t *testing.T) {
	is := func(arg int, value uint64) resolve.Cond {
		return resolve.Compare{Arg: arg, Bits: 64, Mask: ^uint64(0), Op: resolve.EQ, Value: value}
	}
	f := &resolve.Filter{
		ABI: arch.Lookup("x86_64"),
		Rules: []resolve.Rule{
			{Numbers: []uint32{1, 3}, Cond: is(0, 7), Action: resolve.Allow},
			{Numbers: []uint32{3, 9}, Cond: resolve.All(nil), Action: resolve.Trap},
			{Numbers: []uint32{1, 3, 9}, Cond: resolve.All(nil), Action: resolve.Log},
			{Numbers: []uint32{4}, Cond: resolve.Any(nil), Action: resolve.Allow},
			{Numbers: nil, Cond: resolve.All(nil), Action: resolve.KillThread},
		},
		Known:   []uint32{1, 2, 3, 4},
		Default: resolve.Errno | 1,
		Unknown: resolve.Errno | 38,
	}
	for _, v := range []struct {
		nr   uint32
		arg  uint64
		want resolve.Action
	}{
		{1, 7, resolve.Allow}, {1, 8, resolve.Log}, {3, 7, resolve.Allow}, {3, 8, resolve.Trap}, {9, 7, resolve.Trap},
		{2, 7, resolve.Errno | 1}, {4, 7, resolve.Errno | 1}, {0, 7, resolve.Errno | 38}, {5, 7, resolve.Errno | 38},
		{0xffffffff, 7, resolve.Errno | 38},
	} {
		if got := f.Decide(v.nr, [6]uint64{v.arg}); got != v.want {
			t.Errorf("%d with %d: %s, want %s", v.nr, v.arg, got, v.want)
		}
		target := &resolve.Target{Filters: []*resolve.Filter{f}, Foreign: resolve.KillProcess}
		if got := target.Decide(resolve.Call{Arch: resolve.X86_64, NR: v.nr, Args: [6]uint64{v.arg}}); got != v.want {
			t.Errorf("the target, %d with %d: %s, want %s", v.nr, v.arg, got, v.want)
		}
		if got := target.Decide(resolve.Call{Arch: 0x40000003, NR: v.nr, Args: [6]uint64{v.arg}}); got != resolve.KillProcess {
			t.Errorf("a foreign call is %s", got)
		}
	}
}

func TestActionValues(t *testing.T) {
	mips := arch.Lookup("mips")
	for _, v := range []struct {
		a            resolve.Action
		text, onMips string
	}{
		{0x80000000, "kill_process", "kill_process"}, // linux/seccomp.h
		{0x00000000, "kill_thread", "kill_thread"},
		{0x00030000, "trap", "trap"},
		{0x0003ffff, "trap(65535)", "trap(65535)"},
		{0x00050000, "errno(0)", "errno(0)"},
		{0x00050026, "errno(38)", "errno(EL2NSYNC)"},
		{0x00050059, "errno(89)", "errno(ENOSYS)"},
		{0x00050fff, "errno(4095)", "errno(4095)"},
		{0x7fc00000, "notify", "notify"},
		{0x7ff00000, "trace", "trace"},
		{0x7ff00001, "trace(1)", "trace(1)"},
		{0x7ffc0000, "log", "log"},
		{0x7fff0000, "allow", "allow"},
		{0x7fff0001, "0x7fff0001", "0x7fff0001"},
		{0x00060000, "0x00060000", "0x00060000"},
		{0x80000001, "0x80000001", "0x80000001"},
	} {
		if got := v.a.String(); got != v.text {
			t.Errorf("%#x: %s, want %s", uint32(v.a), got, v.text)
		}
		if got := v.a.Format(mips); got != v.onMips {
			t.Errorf("%#x on mips: %s, want %s", uint32(v.a), got, v.onMips)
		}
	}
}
