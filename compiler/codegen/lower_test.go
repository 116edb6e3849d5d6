package codegen

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// shapes are ABIs of both register widths and byte orders.
var shapes = []string{"i386", "m68k", "x86_64", "s390x"}

// boundaries are values of a register at which words, signs and halves meet.
func boundaries(bits int) []uint64 {
	list := []uint64{0, 1, 2, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff}
	if bits == 64 {
		list = append(list, 1<<32, 1<<32+1, 5<<32, 5<<32+5, 5<<32|0xffffffff, 1<<63-1, 1<<63, 0xffffffff<<32, 1<<64-2, 1<<64-1)
	}
	return list
}

// probes are the registers to ask about a comparison: every boundary and its neighbours, the constant's, its halves
// swapped, with the bits outside of the mask set; where registers have 32 bits, with garbage above.
func probes(c resolve.Compare) (list []uint64) {
	near := append(boundaries(c.Bits), c.Value, c.Value|^c.Mask, c.Value&c.Mask, bits.RotateLeft64(c.Value, 32))
	for _, v := range near {
		list = append(list, v-1, v, v+1)
		if c.Bits == 32 {
			list = append(list, v|0xdeadbeef<<32, v|1<<32)
		}
	}
	return list
}

// checkCond runs the test of a condition on each value of its argument; all other arguments are set bits.
func checkCond(t *testing.T, build func(*builder) *node, cond resolve.Cond, arg int, abi *arch.ABI, values []uint64) {
	t.Helper()
	prog := emit(build(newBuilder()))
	for _, v := range values {
		call := resolve.Call{Args: [6]uint64{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}}
		call.Args[arg] = v
		want := resolve.KillProcess
		if cond.Holds(call.Args) {
			want = resolve.Allow
		}
		got, _, err := inspect.Run(prog, abi.BigEndian, call)
		if err != nil || got != want {
			t.Fatalf("%+v on %s, argument %#x: %v, error %v, want %v", cond, abi.Name, v, got, err, want)
		}
	}
}

// TestCompare covers every relation at the words' boundaries, with and without masks, both as a comparison and as a
// set where it is one.
func TestCompare(t *testing.T) {
	for _, name := range shapes {
		abi := arch.Lookup(name)
		top := ^uint64(0) >> (64 - abi.RegBits)
		for _, mask := range []uint64{top, 0xffffffff, 0xffffffff << 32, 0xfffffffe, 0x80000001, 1, 0x80000000, 1 << 32, 1 << 63, 0xff0000ff << 16, 0} {
			for _, v := range boundaries(abi.RegBits) {
				for op := resolve.EQ; op <= resolve.GE; op++ {
					c := resolve.Compare{Arg: int(v % 6), Bits: abi.RegBits, Mask: mask & top, Op: op, Value: v}
					values := probes(c)
					checkCond(t, func(b *builder) *node {
						return b.lower(c, b.ret(resolve.Allow), b.ret(resolve.KillProcess), abi)
					}, c, c.Arg, abi, values)
				}
			}
		}
	}
}

// TestMember covers sets of spans that touch, straddle and fill words.
func TestMember(t *testing.T) {
	for _, c := range []struct {
		name string
		bits int
		set  set
	}{
		{"nothing", 32, nil},
		{"nothing", 64, nil},
		{"everything", 32, set{{0, 1<<32 - 1}}},
		{"everything", 64, set{{0, 1<<64 - 1}}},
		{"the first value", 64, set{{0, 0}}},
		{"the last value", 64, set{{1<<64 - 1, 1<<64 - 1}}},
		{"both ends", 64, set{{0, 0}, {1<<64 - 1, 1<<64 - 1}}},
		{"both ends", 32, set{{0, 0}, {1<<32 - 1, 1<<32 - 1}}},
		{"a whole high word", 64, set{{5 << 32, 6<<32 - 1}}},
		{"all but a whole high word", 64, set{{0, 5<<32 - 1}, {6 << 32, 1<<64 - 1}}},
		{"across a high word", 64, set{{5<<32 + 7, 6<<32 + 7}}},
		{"across several high words", 64, set{{5<<32 + 7, 9<<32 - 2}}},
		{"up to a high word", 64, set{{7, 5<<32 - 1}}},
		{"from a high word", 64, set{{5 << 32, 9<<32 + 3}}},
		{"the top of the last word", 64, set{{1<<64 - 2, 1<<64 - 1}}},
		{"the last word", 64, set{{0xffffffff << 32, 1<<64 - 1}}},
		{"gaps in one word", 64, set{{5<<32 + 1, 5<<32 + 1}, {5<<32 + 3, 5<<32 + 9}, {5<<32 + 0xffffffff, 6 << 32}}},
		{"one value per word", 64, set{{1, 1}, {1<<32 + 1, 1<<32 + 1}, {2<<32 + 1, 2<<32 + 1}, {1<<63 + 1, 1<<63 + 1}}},
		{"the sign bit", 32, set{{1 << 31, 1<<32 - 1}}},
	} {
		for _, order := range []string{"little", "big"} {
			t.Run(fmt.Sprintf("%s/%d/%s", c.name, c.bits, order), func(t *testing.T) {
				abi := arch.Lookup(map[string]string{"little32": "i386", "big32": "m68k", "little64": "x86_64", "big64": "s390x"}[order+fmt.Sprint(c.bits)])
				values := boundaries(c.bits)
				for _, s := range c.set {
					for _, v := range []uint64{s.first, s.last} {
						values = append(values, v-1, v, v+1, bits.RotateLeft64(v, 32), v+1<<32, v-1<<32)
					}
				}
				var cond resolve.Any
				top := ^uint64(0) >> (64 - c.bits)
				for _, s := range c.set {
					from := resolve.Compare{Arg: 4, Bits: c.bits, Mask: top, Op: resolve.GE, Value: s.first}
					to := resolve.Compare{Arg: 4, Bits: c.bits, Mask: top, Op: resolve.LE, Value: s.last}
					cond = append(cond, resolve.All{from, to})
				}
				checkCond(t, func(b *builder) *node {
					return b.member(subject{4, c.bits, top}, overlay([]piece{{0, b.ret(resolve.KillProcess)}}, c.set, b.ret(resolve.Allow)), abi)
				}, cond, 4, abi, values)
			})
		}
	}
}

func TestMemberRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 10))
	for range 2000 {
		abi := arch.Lookup(shapes[2+r.IntN(2)])
		var values []uint64
		for range 2 * (1 + r.IntN(12)) {
			high := []uint64{0, 1, 2, 3, 0x7fffffff, 0x80000000, 0xfffffffd, 0xfffffffe, 0xffffffff}
			low := []uint64{0, 1, 2, 0x7fffffff, 0xfffffffe, 0xffffffff}
			values = append(values, high[r.IntN(len(high))]<<32|low[r.IntN(len(low))])
		}
		slices.Sort(values)
		var s set
		var cond resolve.Any
		for x := range slices.Chunk(slices.Compact(values), 2) {
			if n := len(s); len(x) == 2 && (n == 0 || s[n-1].last+1 < x[0]) {
				s = append(s, span{x[0], x[1]})
				cond = append(cond, resolve.All{resolve.Compare{Arg: 1, Bits: 64, Mask: 1<<64 - 1, Op: resolve.GE, Value: x[0]},
					resolve.Compare{Arg: 1, Bits: 64, Mask: 1<<64 - 1, Op: resolve.LE, Value: x[1]}})
			}
		}
		for _, v := range values {
			values = append(values, v-1, v+1)
		}
		checkCond(t, func(b *builder) *node {
			return b.member(subject{1, 64, 1<<64 - 1}, overlay([]piece{{0, b.ret(resolve.KillProcess)}}, s, b.ret(resolve.Allow)), abi)
		}, cond, 1, abi, values)
	}
}

// TestConstant: what a mask or a constant decides alone needs no test.
func TestConstant(t *testing.T) {
	for _, c := range []struct {
		mask  uint64
		op    resolve.Op
		value uint64
		holds bool
	}{
		{0xff, resolve.GT, 0xff, false},
		{0xff, resolve.LE, 0xff, true},
		{0xff, resolve.EQ, 0x100, false},
		{0xff, resolve.NE, 0x100, true},
		{0xff, resolve.LT, 0x100, true},
		{0xff << 32, resolve.GE, 0, true},
		{0xff << 32, resolve.LT, 0, false},
		{0xff << 32, resolve.GT, 0xff << 32, false},
		{0xff << 32, resolve.LT, 0x100 << 32, true},
		{0, resolve.EQ, 0, true},
		{0, resolve.GT, 0, false},
	} {
		b := newBuilder()
		yes, no := b.ret(1), b.ret(2)
		want := no
		if c.holds {
			want = yes
		}
		if got := b.lower(resolve.Compare{Arg: 0, Bits: 64, Mask: c.mask, Op: c.op, Value: c.value}, yes, no, arch.Lookup("x86_64")); got != want {
			t.Errorf("x & %#x %s %#x needs a test: %+v", c.mask, c.op, c.value, got)
		}
		if got := b.test(field{offNR, all}, jeq, 1, yes, yes); got != yes {
			t.Errorf("a test without a choice: %+v", got)
		}
	}
}

// TestRules: the first rule that matches decides, also where neighbours of one action are merged.
func TestRules(t *testing.T) {
	abi := arch.Lookup("x86_64")
	is := func(v uint64) resolve.Cond {
		return resolve.Compare{Arg: 0, Bits: 64, Mask: 1<<64 - 1, Op: resolve.EQ, Value: v}
	}
	below := func(v uint64) resolve.Cond {
		return resolve.Compare{Arg: 0, Bits: 64, Mask: 1<<64 - 1, Op: resolve.LT, Value: v}
	}
	rule := func(c resolve.Cond, a resolve.Action) resolve.Rule {
		return resolve.Rule{Numbers: []uint32{1}, Cond: c, Action: a}
	}
	always := resolve.All(nil)
	for name, rules := range map[string][]resolve.Rule{
		"none":                       nil,
		"overlap":                    {rule(below(5), resolve.Log), rule(below(9), resolve.Trap)},
		"hidden":                     {rule(below(9), resolve.Log), rule(is(5), resolve.Trap)},
		"split by another":           {rule(is(5), resolve.Log), rule(below(7), resolve.Trap), rule(is(6), resolve.Log), rule(is(8), resolve.Log)},
		"merged":                     {rule(is(5), resolve.Log), rule(is(7), resolve.Log), rule(below(3), resolve.Log)},
		"after one that always does": {rule(always, resolve.Log), rule(is(5), resolve.Trap)},
		"always last":                {rule(is(5), resolve.Trap), rule(always, resolve.Log), rule(is(6), resolve.Trap)},
		"merged with always":         {rule(is(5), resolve.Log), rule(always, resolve.Log), rule(is(6), resolve.Trap)},
		"never":                      {rule(resolve.Any(nil), resolve.Log), rule(is(5), resolve.Trap)},
		"the default's action":       {rule(is(5), resolve.KillThread), rule(below(9), resolve.Trap)},
	} {
		t.Run(name, func(t *testing.T) {
			f := &resolve.Filter{ABI: abi, Rules: rules, Known: []uint32{1}, Default: resolve.KillThread}
			b := newBuilder()
			prog := emit(b.rules(rules, b.ret(f.Default), abi))
			for v := range uint64(12) {
				args := [6]uint64{v}
				got, _, err := inspect.Run(prog, false, resolve.Call{Args: args})
				if want := f.Decide(1, args); err != nil || got != want {
					t.Fatalf("argument %d: %v, error %v, want %v", v, got, err, want)
				}
			}
		})
	}
}
