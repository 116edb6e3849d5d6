package codegen

import "github.com/seccompc/seccompc/compiler/resolve"

// A node is a test of a word of struct seccomp_data under a mask, or a return. Nodes are immutable; equal nodes are
// one node.
type node struct {
	op      op
	word    uint32 // offset in struct seccomp_data
	mask    uint32 // all: the word as it is
	k       uint32 // operand, or the value to return
	yes, no *node
}

type op uint8

const (
	ret op = iota
	jeq
	jgt
	jge
	jset
)

const all = 0xffffffff

// A field is a word of struct seccomp_data under a mask.
type field struct{ word, mask uint32 }

type builder struct{ nodes map[node]*node }

func (b *builder) intern(n node) *node {
	if known := b.nodes[n]; known != nil {
		return known
	}
	b.nodes[n] = &n
	return &n
}

func (b *builder) ret(a resolve.Action) *node { return b.intern(node{op: ret, k: uint32(a)}) }

func (b *builder) test(f field, o op, k uint32, yes, no *node) *node {
	if yes == no {
		return yes
	}
	// Bit tests need no AND, and what they find can be told by the whole word.
	if f.mask != all {
		switch {
		case o == jeq && k == 0, o == jge && nextClear(1, ^f.mask) >= uint64(k): // all values but 0 are beyond k
			if o == jeq {
				yes, no = no, yes
			}
			o, k = jset, f.mask
		case o == jeq && k == f.mask && k&(k-1) == 0:
			o = jset
		}
	}
	if o == jset {
		k &= f.mask
		f.mask = all
	}
	return b.intern(node{o, f.word, f.mask, k, yes, no})
}
