package codegen

import (
	"slices"

	"golang.org/x/net/bpf"
)

// The opcodes of linux/bpf_common.h that programs are made of.
const (
	opLoad = 0x20 // LD W ABS
	opAnd  = 0x54 // AND K
	opJA   = 0x05
	opRet  = 0x06 // RET K
)

var opJump = [...]uint16{jeq: 0x15, jgt: 0x25, jge: 0x35, jset: 0x45}

const reach = 255 // of a conditional jump

// An entry is a way into a node: a test that needs its word loaded can be entered before the load, before the AND
// when the bare word is there, or at the jump itself.
type entry struct {
	to   *node
	with with
}

type with uint8

const (
	nothing with = iota // load, AND, jump
	word                // AND, jump
	operand             // jump
)

// into returns the entry for a jump from one test to another, or to a return.
func into(from, to *node) entry {
	switch {
	case to.op == ret:
		return entry{to, operand}
	case from == nil || from.word != to.word:
		return entry{to, nothing}
	case from.mask == to.mask:
		return entry{to, operand}
	case from.mask == all:
		return entry{to, word}
	}
	return entry{to, nothing}
}

type emitter struct {
	rev    []bpf.RawInstruction // the program from its end
	at     map[entry]int        // the last place, in rev, from which an entry is reached
	wanted map[entry]bool
	done   map[*node]bool
}

// emit writes the graph down. Children come before their parents in rev, so every jump goes forward.
func emit(root *node) []bpf.RawInstruction {
	e := &emitter{at: map[entry]int{}, wanted: map[entry]bool{into(nil, root): true}, done: map[*node]bool{}}
	e.want(root)
	clear(e.done)
	e.place(root)
	slices.Reverse(e.rev)
	return e.rev
}

// want notes the entries that are used.
func (e *emitter) want(n *node) {
	if n.op == ret || e.done[n] {
		return
	}
	e.done[n] = true
	for _, to := range []*node{n.yes, n.no} {
		e.wanted[into(n, to)] = true
		e.want(to)
	}
}

func (e *emitter) add(in bpf.RawInstruction) int {
	e.rev = append(e.rev, in)
	return len(e.rev) - 1
}

func (e *emitter) place(n *node) {
	if e.done[n] {
		return
	}
	e.done[n] = true
	if n.op == ret {
		e.at[entry{n, operand}] = e.add(bpf.RawInstruction{Op: opRet, K: n.k})
		return
	}
	e.place(n.yes)
	e.place(n.no)
	yes, no := into(n, n.yes), into(n, n.no)
	for e.distance(yes) > reach || e.distance(no) > reach {
		if e.distance(yes) > reach {
			e.relay(yes)
		} else {
			e.relay(no)
		}
	}
	jump := bpf.RawInstruction{Op: opJump[n.op], Jt: uint8(e.distance(yes)), Jf: uint8(e.distance(no)), K: n.k}
	e.at[entry{n, operand}] = e.add(jump)
	masked := n.mask != all && (e.wanted[entry{n, word}] || e.wanted[entry{n, nothing}])
	if masked {
		e.at[entry{n, word}] = e.add(bpf.RawInstruction{Op: opAnd, K: n.mask})
	}
	if e.wanted[entry{n, nothing}] {
		e.at[entry{n, nothing}] = e.add(bpf.RawInstruction{Op: opLoad, K: n.word})
	}
}

// distance is the offset of a jump placed next.
func (e *emitter) distance(to entry) int { return len(e.rev) - e.at[to] - 1 }

// relay brings an entry within reach: a return by a copy, a test by a jump to it.
func (e *emitter) relay(to entry) {
	if to.to.op == ret {
		e.at[to] = e.add(bpf.RawInstruction{Op: opRet, K: to.to.k})
		return
	}
	e.at[to] = e.add(bpf.RawInstruction{Op: opJA, K: uint32(e.distance(to))})
}
