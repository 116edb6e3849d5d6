// Package codegen turns a resolved target into a cBPF program that decides the same at the least cost to the kernel.
//
// It builds a graph of tests from the leaves to the root, immutable and hash-consed, so that equal conditions and equal
// tails exist once. The graph is emitted in reverse, so that each jump's target has its place before the jump does and
// jumps that reach too far are found at once.
//
// The kernel walks a program once for every syscall number when it is installed, to learn which numbers it always
// allows. It follows loads of nr and arch, AND, JA, JEQ, JGT, JGE, JSET and RET, so that is the whole vocabulary here:
// see seccomp_is_const_allow in kernel/seccomp.c.
//
// Known weaknesses: conditions about different bits of one argument are tested one after the other, a test that is
// decided on some of the paths that lead to it is not copied for the others, and no memory is used.
package codegen

import (
	"slices"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// MaxInstructions is the kernel's BPF_MAXINSNS.
const MaxInstructions = 4096

// Program returns the target's program. Constants are numbers; the byte order in memory is left to whoever writes the
// program down, but the offsets of the arguments' words are those of the target's byte order. A program of more than
// MaxInstructions is a *TooLong error.
func Program(t *resolve.Target) ([]bpf.RawInstruction, error) {
	b := &builder{nodes: map[node]*node{}}
	prog := emit(b.prune(b.target(t)))
	if len(prog) > MaxInstructions {
		return nil, &TooLong{len(prog), costs(t)}
	}
	return prog, nil
}

// Offsets in struct seccomp_data.
const (
	offNR   = 0
	offArch = 4
	offArgs = 16
)

var number = field{offNR, all}

// target dispatches on the audit architecture.
func (b *builder) target(t *resolve.Target) *node {
	root := b.ret(t.Foreign)
	for _, f := range slices.Backward(t.Filters) {
		if f.ABI.Audit == resolve.X86_64 {
			if i := slices.IndexFunc(t.Filters, func(g *resolve.Filter) bool { return g.ABI.Audit == f.ABI.Audit }); t.Filters[i] != f {
				continue // the first of the two builds both
			}
		}
		root = b.test(field{offArch, all}, jeq, f.ABI.Audit, b.numbers(t, f), root)
	}
	return root
}

// numbers searches the number space of f's audit architecture.
func (b *builder) numbers(t *resolve.Target, f *resolve.Filter) *node {
	if f.ABI.Audit != resolve.X86_64 {
		return b.search(number, b.runs(f, 0, resolve.NoCall))
	}
	// Two ABIs share this audit number, and bit 30 tells them apart: the quarters of the number space alternate.
	quarter := func(i uint32) []run {
		first := i * resolve.X32Bit
		for _, g := range t.Filters {
			if g.ABI.Audit == f.ABI.Audit && g.ABI.Bit == first&resolve.X32Bit {
				return b.runs(g, first, first+(resolve.X32Bit-1))
			}
		}
		return []run{{start: first, to: b.ret(t.Foreign)}}
	}
	low, high := quarter(0), quarter(1)
	upper := slices.Concat(quarter(2), quarter(3), []run{{start: resolve.NoCall, to: b.ret(f.Unknown)}})
	if len(upper) == 3 { // no rule reaches up here: only the bit counts, and whether there is a call at all
		native, x32 := upper[0].to, upper[1].to
		top := b.test(number, jset, resolve.X32Bit, b.test(number, jeq, resolve.NoCall, upper[2].to, x32), native)
		upper = []run{{start: 2 * resolve.X32Bit, to: top}}
		// The numbers above each table can share the test.
		if above := &high[len(high)-1].to; *above == x32 {
			*above = top
			if above := &low[len(low)-1].to; len(high) == 1 && *above == native {
				*above = top
			}
		}
	}
	return b.search(number, slices.Concat(low, high, upper))
}

// runs cuts the numbers from first to last into runs of equal outcome.
func (b *builder) runs(f *resolve.Filter, first, last uint32) []run {
	var named []uint64 // for each number of each rule, the number and then the rule's index
	for i, r := range f.Rules {
		for _, n := range r.Numbers {
			named = append(named, uint64(n)<<32|uint64(i))
		}
	}
	slices.Sort(named)
	var rules []resolve.Rule // of a number
	unknown, standard := b.ret(f.Unknown), b.ret(f.Default)
	runs := []run{{start: first, to: unknown}}
	next := uint64(first) // the first number not yet covered
	for _, n := range f.Known {
		if n < first || n > last {
			continue
		}
		rules = rules[:0]
		for ; len(named) > 0 && named[0]>>32 <= uint64(n); named = named[1:] {
			if named[0]>>32 == uint64(n) {
				rules = append(rules, f.Rules[uint32(named[0])])
			}
		}
		if uint64(n) > next { // a gap in the table, unless its start or MIPS' base is above
			gap := run{start: uint32(next), to: unknown}
			if len(runs) > 1 {
				gap.weight = weightNumber * int64(uint64(n)-next)
			}
			runs = append(runs, gap)
		}
		r := run{start: n, to: b.rules(rules, standard, f.ABI), weight: weightNumber}
		switch {
		case r.to.op != ret:
			r.weight += weightConditional
		case resolve.Action(r.to.k).Kind() == resolve.Allow:
			r.weight += weightAllowed
		}
		runs = append(runs, r)
		next = uint64(n) + 1
	}
	if next <= uint64(last) {
		runs = append(runs, run{start: uint32(next), to: unknown})
	}
	return merge(runs)
}
