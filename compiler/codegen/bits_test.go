package codegen

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// TestBitArithmetic compares what is worked out about ranges under a mask with counting, over all values of 7 bits.
func TestBitArithmetic(t *testing.T) {
	for mask := uint32(1); mask < 128; mask++ {
		for first := uint32(0); first < 128; first++ {
			var or uint32
			clear := uint64(1 << 40)
			for v := first; v < 300; v++ {
				if v&mask == 0 {
					clear = min(clear, uint64(v))
				}
				if or |= v; v < 128 && orOf(first, v) != or {
					t.Fatalf("orOf(%d, %d) is %#x, want %#x", first, v, orOf(first, v), or)
				}
			}
			if got := nextClear(first, mask); got != clear {
				t.Fatalf("nextClear(%d, %#x) is %d, want %d", first, mask, got, clear)
			}
		}
	}
	for _, c := range []struct{ got, want uint64 }{
		{nextClear(all, 1), 1 << 32}, {nextClear(all, all), 1 << 32}, {nextClear(0, all), 0}, {uint64(orOf(1<<31-1, 1<<31)), all},
	} {
		if c.got != c.want {
			t.Errorf("at the end of the word: %#x, want %#x", c.got, c.want)
		}
	}
}

// TestDivide holds what a bit test leaves of an interval against a look at each of its values, wherever it lies.
func TestDivide(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	outcomes := []*node{{op: ret, k: 1}, {op: ret, k: 2}, {op: ret, k: 3}}
	shared := 0
	for range 20000 {
		s := &searcher{runs: []run{{to: outcomes[0]}}} // a run before the interval
		i, j := 1, 2+r.IntN(bitRuns-1)
		start := r.Uint32() >> r.IntN(32)
		if r.IntN(4) == 0 { // up to the end of the word
			start = all - uint32(10*j)
		}
		for k := i; k <= j+1; k++ {
			s.runs = append(s.runs, run{start: start, to: outcomes[r.IntN(3)], weight: weightNumber})
			start += 1 + r.Uint32N(30)
		}
		if s.runs[j+1].start < s.runs[i].start || s.runs[i].start == 0 {
			continue
		}
		mask, kind := r.Uint32()&(1<<r.IntN(10)-1)|1<<r.IntN(32), anySet+kind(r.IntN(2))
		in, ok := s.interval(i, j)
		if fits := s.end(j)-s.runs[i].start < bitSpan; ok != fits {
			t.Fatalf("interval %d to %d of %v: %v, want %v", i, j, s.runs, ok, fits)
		}
		if !ok {
			continue
		}
		var one []*node // the outcomes on the test's one side
		var left []run
		for k := i; k <= j; k++ {
			var values []uint32
			size := s.end(k) - s.runs[k].start + 1
			for v := s.runs[k].start; v <= s.end(k) && v >= s.runs[k].start; v++ {
				if (v&mask != 0) == (kind == noneSet) {
					values = append(values, v)
				} else if !slices.Contains(one, s.runs[k].to) {
					one = append(one, s.runs[k].to)
				}
			}
			if len(values) == 0 {
				continue
			}
			weight := weightNumber * int64(len(values)) / int64(size)
			if n := len(left); n > 0 && left[n-1].to == s.runs[k].to {
				left[n-1].weight += weight
				left[n-1].single = false
				continue
			}
			left = append(left, run{values[0], s.runs[k].to, weight, len(values) == 1})
		}
		if got := in.uniform(mask, kind); got != (len(one) == 1) {
			t.Fatalf("uniform(%#x, %d) of %d to %d of %v is %v, outcomes %v", mask, kind, i, j, s.runs, got, one)
		}
		if len(one) != 1 {
			continue
		}
		shared++
		if to, got := in.divide(mask, kind, nil); to != one[0] || !slices.Equal(got, left) {
			t.Fatalf("divide(%#x, %d) of %d to %d of %v is %v, %v; want %v, %v", mask, kind, i, j, s.runs, to, got, one[0], left)
		}
	}
	if shared < 1000 {
		t.Errorf("only %d tests with one outcome on a side", shared)
	}
}

// TestShapes counts the instructions of sets that a bit test or a cube shortens, returns included.
func TestShapes(t *testing.T) {
	eq := func(arg int, mask, v uint64) resolve.Cond {
		return resolve.Compare{Arg: arg, Bits: 32, Mask: mask, Op: resolve.EQ, Value: v}
	}
	set := func(mask uint64, values ...uint64) (any resolve.Any) {
		for _, v := range values {
			any = append(any, eq(0, mask, v))
		}
		return any
	}
	var even []uint64
	for i := range uint64(20) {
		even = append(even, 2*i)
	}
	for _, c := range []struct {
		name string
		cond resolve.Cond
		most int
	}{
		{"combinations of two flags", set(all, 0, 8, 0x20000, 0x20008), 4},   // load, jset
		{"the same, and all bits", set(all, 0, 8, 0x20000, 0x20008, all), 5}, // and one comparison
		{"combinations on a base", set(all, 0x101, 0x109, 0x501, 0x509), 5},  // load, and, jeq
		{"even numbers", set(all, even...), 7},
		{"values under one mask", set(0xff00, 0x100, 0x200, 0x300, 0x400, 0x500), 7},
		{"an alternative taken apart", resolve.Any{eq(0, all, 1), eq(1, all, 5), eq(0, all, 2)}, 7}, // one search for argument 0
	} {
		b := newBuilder()
		prog := emit(b.prune(b.lower(c.cond, b.ret(resolve.Allow), b.ret(resolve.KillProcess), arch.Lookup("i386"))))
		if len(prog) > c.most {
			t.Errorf("%s: %d instructions, want %d", c.name, len(prog), c.most)
		}
	}
}

// TestSets searches sets made of runs, cubes, lone values and all of these, under masks and without, one of three
// outcomes for each value.
func TestSets(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 11))
	abi := arch.Lookup("i386")
	for i := range 3000 {
		mask := []uint64{all, all, 0xff, 0xf0f0, 0x80000001, r.Uint64() & all}[r.IntN(6)]
		var rules []resolve.Rule
		values := []uint64{0, 1, all, all - 1, 1 << 31}
		for range 1 + r.IntN(5) {
			var any resolve.Any
			base, step := r.Uint64N(1<<[]int{5, 9, 32}[r.IntN(3)]), uint64(1)<<r.IntN(20)
			for j := range uint64(1 + r.IntN(20)) {
				v := base
				switch r.IntN(3) {
				case 0:
					v = base + j*step
				case 1:
					v = base | j&1*step | j&2<<8 | j&4
				}
				v &= all
				any = append(any, resolve.Compare{Arg: 0, Bits: 32, Mask: mask, Op: resolve.Op(r.IntN(2) * r.IntN(6)), Value: v & mask})
				values = append(values, v, v+1, v-1, v^1<<r.IntN(32))
			}
			rules = append(rules, resolve.Rule{Numbers: []uint32{1}, Cond: any, Action: []resolve.Action{resolve.Allow, resolve.Log, resolve.Trap}[r.IntN(3)]})
		}
		f := &resolve.Filter{ABI: abi, Rules: rules, Known: []uint32{1}, Default: resolve.KillThread}
		b := newBuilder()
		prog := emit(b.prune(b.rules(rules, b.ret(f.Default), abi)))
		for _, v := range values {
			args := [6]uint64{v & all}
			if got, _, err := inspect.Run(prog, false, resolve.Call{Args: args}); err != nil || got != f.Decide(1, args) {
				t.Fatalf("set %d, value %#x: %v, error %v, want %v\n%+v", i, v, got, err, f.Decide(1, args), rules)
			}
		}
	}
}

// TestPrune: what an earlier test has decided is not tested again, whichever way the two are said.
func TestPrune(t *testing.T) {
	low := uint32(offArgs)
	for _, c := range []struct {
		name          string
		first, second field
		o, p          op
		k, l          uint32
		on            bool // the second test stands where the first holds
		tests         int
	}{
		{"equal, then equal to another", field{low, all}, field{low, all}, jeq, jeq, 5, 6, true, 1},
		{"equal, then a bit of it", field{low, all}, field{low, all}, jeq, jset, 5, 4, true, 1},
		{"at least, then at least less", field{low, all}, field{low, all}, jge, jge, 9, 5, true, 1},
		{"below, then above", field{low, all}, field{low, all}, jge, jgt, 9, 8, false, 1},
		{"below, then at least less", field{low, all}, field{low, all}, jge, jge, 9, 5, false, 2},
		{"no bit, then one of them", field{low, all}, field{low, all}, jset, jset, 7, 2, false, 1},
		{"no bit, then another", field{low, all}, field{low, all}, jset, jset, 7, 8, false, 2},
		{"bits under a mask, then one of them", field{low, 0xf0}, field{low, all}, jeq, jset, 0x30, 0x10, true, 1},
		{"a range, then its leading bits", field{low, all}, field{low, 0xffff0000}, jge, jeq, 0xffff0000, 0xffff0000, true, 1},
		{"another word", field{low, all}, field{low + 4, all}, jeq, jeq, 5, 6, true, 2},
	} {
		b := newBuilder()
		inner := b.test(c.second, c.p, c.l, b.ret(1), b.ret(2))
		root := b.test(c.first, c.o, c.k, inner, b.ret(3))
		if !c.on {
			root = b.test(c.first, c.o, c.k, b.ret(3), inner)
		}
		jumps := 0
		for _, in := range emit(b.prune(root)) {
			if slices.Contains(opJump[jeq:], in.Op) {
				jumps++
			}
		}
		if jumps != c.tests {
			t.Errorf("%s: %d tests, want %d", c.name, jumps, c.tests)
		}
	}
}

// TestTooLong: the error names the rules by what they cost, the dearest first.
func TestTooLong(t *testing.T) {
	target := conditional(6000)
	f := target.Filters[0]
	f.Rules[0].Pos.Line = 7
	few := resolve.Rule{Numbers: []uint32{7}, Cond: resolve.Compare{Arg: 1, Bits: 32, Mask: all, Op: resolve.EQ, Value: 1}, Action: resolve.Log}
	few.Pos.Line = 3
	f.Rules = append([]resolve.Rule{few}, f.Rules...)
	prog, err := Program(target)
	long, ok := err.(*TooLong)
	if !ok || prog != nil || long.Costs[0].Rule.Pos.Line != 7 || long.Costs[0].Tests != 6000 || long.Costs[1].Tests != 1 {
		t.Fatalf("error %v", fmt.Sprintf("%+.200v", err))
	}
	if got, want := long.Places(1), ":7:0 (6000 tests)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
