// Package resolvetest makes random targets, and calls that meet their boundaries, for the tests of the rooms behind
// resolve. The same random source gives the same targets and calls.
package resolvetest

import (
	"math/bits"
	"math/rand/v2"
	"slices"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// Combinations are the ABIs of targets that serve more than one.
var Combinations = [][]string{
	{"x86_64", "x32"}, {"x86_64", "i386"}, {"x86_64", "i386", "x32"}, {"x32", "x86_64"}, {"i386", "x32"},
	{"aarch64", "arm"}, {"s390x", "s390"}, {"ppc64", "ppc"}, {"mips64", "mips64n32", "mips"},
	{"mipsel64", "mipsel", "mipsel64n32"}, {"parisc64", "parisc"}, {"riscv64", "riscv32"},
}

// Actions are the actions that random targets are made of.
var Actions = []resolve.Action{
	resolve.KillProcess, resolve.KillThread, resolve.Trap, resolve.Trap | 7, resolve.Errno | 1, resolve.Errno | 38,
	resolve.Errno | resolve.MaxErrno, resolve.Notify, resolve.Trace | 0xffff, resolve.Log, resolve.Allow, resolve.Allow,
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// ABIs returns one ABI, or a combination of them that one program can serve.
func ABIs(r *rand.Rand) (abis []*arch.ABI) {
	if r.IntN(2) == 0 {
		return []*arch.ABI{pick(r, arch.All()...)}
	}
	for _, name := range pick(r, Combinations...) {
		abis = append(abis, arch.Lookup(name))
	}
	return abis
}

// Target returns a random target of the ABIs: few or many numbers, several rules per number, conditions of each form.
func Target(r *rand.Rand, abis ...*arch.ABI) *resolve.Target {
	t := &resolve.Target{Foreign: pick(r, Actions...)}
	for _, abi := range abis {
		t.Filters = append(t.Filters, filter(r, abi))
	}
	return t
}

func filter(r *rand.Rand, abi *arch.ABI) *resolve.Filter {
	f := &resolve.Filter{ABI: abi, Default: pick(r, Actions...), Unknown: pick(r, Actions...)}
	if r.IntN(3) == 0 {
		for _, s := range abi.Syscalls() {
			f.Known = append(f.Known, s.Number)
		}
	}
	numbers := func() (list []uint32) {
		for range 1 + r.IntN(6) {
			list = append(list, number(r, f))
		}
		slices.Sort(list)
		return slices.Compact(list)
	}
	f.Known = append(f.Known, numbers()...)
	for range r.IntN(8) {
		rule := resolve.Rule{Numbers: numbers(), Cond: Cond(r, abi, 3), Action: pick(r, Actions...)}
		f.Known = append(f.Known, rule.Numbers...)
		f.Rules = append(f.Rules, rule)
	}
	slices.Sort(f.Known)
	f.Known = slices.Compact(f.Known)
	return f
}

// number returns a number of the filter's ABI: near known ones, or at the ends of the number space.
func number(r *rand.Rand, f *resolve.Filter) uint32 {
	for {
		n := pick(r, f.ABI.Syscalls()...).Number
		switch r.IntN(8) {
		case 0:
			n = pick(r, edges...) + uint32(r.IntN(3)) - 1
		case 1, 2, 3:
			if len(f.Known) > 0 {
				n = pick(r, f.Known...) + uint32(r.IntN(5)) - 2
			}
		}
		if n != resolve.NoCall && f.Serves(f.ABI.Audit, n) {
			return n
		}
	}
}

var edges = []uint32{0, 0x3fffffff, 0x40000000, 0x7fffffff, 0x80000000, 0xbfffffff, 0xc0000000, 0xfffffffe}

// Cond returns a random condition on an ABI, nested at most so deep.
func Cond(r *rand.Rand, abi *arch.ABI, depth int) resolve.Cond {
	parts := func() (list []resolve.Cond) {
		for range r.IntN(4) {
			list = append(list, Cond(r, abi, depth-1))
		}
		return list
	}
	form := r.IntN(8)
	switch {
	case depth > 0 && form == 0:
		return resolve.All(parts())
	case depth > 0 && form == 1:
		return resolve.Any(parts())
	case depth > 0 && form == 2:
		return resolve.Not{Cond: Cond(r, abi, depth-1)}
	case depth > 0 && form == 3:
		return oneOf(r, abi)
	case form == 4:
		return resolve.All(nil)
	}
	return compare(r, abi)
}

// oneOf returns a set of values of one argument, as an author's oneof or list of alternatives gives it.
func oneOf(r *rand.Rand, abi *arch.ABI) resolve.Cond {
	c := compare(r, abi)
	c.Op = resolve.EQ
	if r.IntN(4) > 0 {
		c.Mask = ^uint64(0) >> (64 - abi.RegBits)
	}
	var any resolve.Any
	for range 1 + r.IntN(1<<r.IntN(7)) {
		c.Value = value(r, abi)
		if r.IntN(2) == 0 {
			c.Value &= 0xff
		}
		any = append(any, c)
	}
	return any
}

func compare(r *rand.Rand, abi *arch.ABI) resolve.Compare {
	c := resolve.Compare{Arg: r.IntN(6), Bits: abi.RegBits, Op: resolve.Op(r.IntN(6))}
	top := ^uint64(0) >> (64 - c.Bits)
	c.Mask = top
	switch r.IntN(6) {
	case 0:
		c.Mask = value(r, abi)
	case 1:
		c.Mask = 1 << r.IntN(c.Bits)
	case 2:
		c.Mask = pick(r, 0xffffffff, 0xffffffff<<32&top, 0)
	}
	c.Value = value(r, abi)
	if r.IntN(2) == 0 {
		c.Value &= c.Mask
	}
	return c
}

// value returns a register's value, most often one at a word's boundary.
func value(r *rand.Rand, abi *arch.ABI) uint64 {
	word := func() uint64 {
		switch r.IntN(4) {
		case 0:
			return uint64(r.Uint32())
		case 1:
			return 1 << r.IntN(32)
		}
		return uint64(pick[uint32](r, 0, 1, 2, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff))
	}
	return (word()<<32 | word()) & (^uint64(0) >> (64 - abi.RegBits))
}

// Values returns the values at which a target's conditions may change: each constant, its neighbours, with its halves
// swapped, without and with the bits that the mask leaves out; and the boundaries of words.
func Values(t *resolve.Target, more ...uint32) []uint64 {
	values := []uint64{0, 1, 1 << 31, 1 << 32, 1 << 63, 1<<31 - 1, 1<<32 - 1, 1<<63 - 1, ^uint64(0)}
	add := func(v uint64) {
		values = append(values, v, v+1, v-1, bits.RotateLeft64(v, 32), v|0xffffffff<<32, v&0xffffffff)
	}
	for _, f := range t.Filters {
		for _, r := range f.Rules {
			for _, c := range Compares(r.Cond) {
				add(c.Value)
				add(c.Value | ^c.Mask)
				add(c.Value&c.Mask + c.Mask&-c.Mask) // the next value of the bits under the mask
			}
		}
	}
	for _, k := range more {
		add(uint64(k))
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// Compares returns the comparisons in a condition.
func Compares(c resolve.Cond) (list []resolve.Compare) {
	switch c := c.(type) {
	case resolve.All:
		for _, x := range c {
			list = append(list, Compares(x)...)
		}
	case resolve.Any:
		for _, x := range c {
			list = append(list, Compares(x)...)
		}
	case resolve.Not:
		return Compares(c.Cond)
	case resolve.Compare:
		return []resolve.Compare{c}
	}
	return list
}

// Calls returns n calls of all ABIs the target serves, and of others, whose arguments are drawn from values, halves
// of them mixed.
func Calls(r *rand.Rand, t *resolve.Target, values []uint64, n int) []resolve.Call {
	calls := make([]resolve.Call, n)
	for i := range calls {
		f := pick(r, t.Filters...)
		c := resolve.Call{Arch: f.ABI.Audit, NR: f.ABI.Bit}
		if k := r.IntN(len(f.Known) + 1); k < len(f.Known) {
			c.NR = f.Known[k]
		}
		switch r.IntN(16) {
		case 0:
			c.NR = pick(r, edges...) + uint32(r.IntN(3)) - 1
		case 1:
			c.NR ^= resolve.X32Bit
		case 2:
			c.NR += uint32(r.IntN(3)) - 1
		case 3:
			c.Arch = pick(r, 0, resolve.X86_64, pick(r, arch.All()...).Audit, c.Arch^1<<r.IntN(32))
		case 4, 5, 6, 7, 8, 9:
			if len(f.Rules) > 0 {
				c.NR = pick(r, pick(r, f.Rules...).Numbers...)
			}
		}
		for j := range c.Args {
			c.Args[j] = pick(r, values...)
			if r.IntN(4) == 0 {
				c.Args[j] = c.Args[j]<<32 | pick(r, values...)&0xffffffff
			}
		}
		calls[i] = c
	}
	return calls
}
