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
// Known weaknesses: masked tests are not merged with each other, and what one test told about a word is forgotten by
// the next condition.
package codegen

import (
	"fmt"
	"slices"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// MaxInstructions is the kernel's BPF_MAXINSNS.
const MaxInstructions = 4096

// Program returns the target's program. Constants are numbers; the byte order in memory is left to whoever writes the
// program down, but the offsets of the arguments' words are those of the target's byte order. A program of more than
// MaxInstructions is an error.
func Program(t *resolve.Target) ([]bpf.RawInstruction, error) {
	b := &builder{nodes: map[node]*node{}}
	prog := emit(b.target(t))
	if len(prog) > MaxInstructions {
		return nil, fmt.Errorf("program of %d instructions: the kernel takes %d", len(prog), MaxInstructions)
	}
	return prog, nil
}

// Offsets in struct seccomp_data.
const (
	offNR   = 0
	offArch = 4
	offArgs = 16
)

// target dispatches on the audit architecture.
func (b *builder) target(t *resolve.Target) *node {
	root := b.ret(t.Foreign)
	for _, f := range slices.Backward(t.Filters) {
		if f.ABI.Audit == resolve.X86_64 {
			if i := slices.IndexFunc(t.Filters, func(g *resolve.Filter) bool { return g.ABI.Audit == f.ABI.Audit }); t.Filters[i] != f {
				continue // the first of the two builds both
			}
		}
		root = b.test(offArch, all, jeq, f.ABI.Audit, b.numbers(t, f), root)
	}
	return root
}

// numbers searches the number space of f's audit architecture.
func (b *builder) numbers(t *resolve.Target, f *resolve.Filter) *node {
	if f.ABI.Audit != resolve.X86_64 {
		return b.search(offNR, b.runs(f, 0, resolve.NoCall))
	}
	// Two ABIs share this audit number; bit 30 tells them apart, but for the number of a cancelled call.
	foreign, unknown := b.ret(t.Foreign), b.ret(f.Unknown)
	native, x32 := []run{{start: 0, to: foreign}}, []run{{start: resolve.X32Bit, to: foreign}}
	for _, g := range t.Filters {
		switch {
		case g.ABI.Audit != resolve.X86_64:
		case g.ABI.Bit == 0:
			native = b.runs(g, 0, resolve.X32Bit-1)
		default:
			x32 = b.runs(g, resolve.X32Bit, 2*resolve.X32Bit-1)
		}
	}
	// Above both tables only the bit counts.
	last := b.test(offNR, all, jeq, resolve.NoCall, unknown, x32[len(x32)-1].to)
	top := b.test(offNR, all, jset, resolve.X32Bit, last, native[len(native)-1].to)
	if len(x32) == 1 { // nothing to find below it either
		native[len(native)-1].to = top
		return b.search(offNR, native)
	}
	x32[len(x32)-1].to = top
	return b.search(offNR, append(native, x32...))
}

// runs cuts the numbers from first to last into runs of equal outcome.
func (b *builder) runs(f *resolve.Filter, first, last uint32) []run {
	rules := map[uint32][]resolve.Rule{}
	for _, r := range f.Rules {
		for _, n := range r.Numbers {
			rules[n] = append(rules[n], r)
		}
	}
	unknown := b.ret(f.Unknown)
	runs := []run{{start: first, to: unknown}}
	next := uint64(first) // the first number not yet covered
	for _, n := range f.Known {
		if uint64(n) > next {
			runs = append(runs, run{start: uint32(next), to: unknown})
		}
		runs = append(runs, run{start: n, to: b.rules(rules[n], b.ret(f.Default), f.ABI), weight: 1})
		next = uint64(n) + 1
	}
	if next <= uint64(last) {
		runs = append(runs, run{start: uint32(next), to: unknown})
	}
	return merge(runs)
}
