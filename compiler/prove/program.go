package prove

import (
	"fmt"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// An accumulator is what the program knows of its register A at some instruction: a word of the call under a mask.
type accumulator struct {
	level int32 // of the word's first bit; -1 before the first load
	mask  uint32
}

// A reader turns a program into a diagram: the function of each instruction, given what A holds there, is made from
// those of the instructions that may follow. Jumps go forward, so this ends.
type reader struct {
	*store
	prog      []bpf.RawInstruction
	bigEndian bool
	memo      map[state]ref
	err       error
}

type state struct {
	pc int
	a  accumulator
}

// The opcodes that are modelled, from linux/bpf_common.h. Everything else makes a program unprovable.
const (
	ldAbs = 0x20
	andK  = 0x54
	ja    = 0x05
	jeqK  = 0x15
	jgtK  = 0x25
	jgeK  = 0x35
	jsetK = 0x45
	retK  = 0x06
)

func (s *store) program(prog []bpf.RawInstruction, bigEndian bool) (ref, error) {
	if len(prog) == 0 || len(prog) > 4096 {
		return no, fmt.Errorf("program of %d instructions: the kernel takes 1 to 4096", len(prog))
	}
	r := &reader{store: s, prog: prog, bigEndian: bigEndian, memo: map[state]ref{}}
	for pc := range prog {
		if err := r.check(pc); err != nil {
			return no, fmt.Errorf("instruction %d: %w", pc, err)
		}
	}
	root := r.from(0, accumulator{level: -1})
	return root, r.err
}

// check refuses instructions that are not modelled, and jumps and loads out of range.
func (r *reader) check(pc int) error {
	in := r.prog[pc]
	left := uint64(len(r.prog) - pc - 1) // instructions behind this one
	jump := func(offset uint64) error {
		if offset >= left {
			return fmt.Errorf("jump by %d with %d instructions left", offset, left)
		}
		return nil
	}
	switch in.Op {
	case retK:
		return nil
	case ldAbs:
		if in.K%4 != 0 || in.K >= 64 || in.K == 8 || in.K == 12 {
			return fmt.Errorf("load from offset %d: only arch, nr and the arguments are modelled", in.K)
		}
		return jump(0)
	case andK:
		return jump(0)
	case ja:
		return jump(uint64(in.K))
	case jeqK, jgtK, jgeK, jsetK:
		if err := jump(uint64(in.Jt)); err != nil {
			return err
		}
		return jump(uint64(in.Jf))
	}
	return fmt.Errorf("opcode %#04x is not modelled", in.Op)
}

// from is the function of the program from pc on.
func (r *reader) from(pc int, a accumulator) ref {
	at := state{pc, a}
	if f, ok := r.memo[at]; ok {
		return f
	}
	r.spend()
	f := r.step(pc, a)
	r.memo[at] = f
	return f
}

func (r *reader) step(pc int, a accumulator) ref {
	in := r.prog[pc]
	switch in.Op {
	case retK:
		return r.action(resolve.Action(in.K))
	case ldAbs:
		return r.from(pc+1, accumulator{r.levelOf(in.K), 0xffffffff})
	case ja:
		return r.from(pc+1+int(in.K), a)
	}
	if a.level < 0 {
		if r.err == nil {
			r.err = fmt.Errorf("instruction %d: the accumulator is used before a load", pc)
		}
		return no
	}
	if in.Op == andK {
		a.mask &= in.K
		return r.from(pc+1, a)
	}
	t, f := r.from(pc+1+int(in.Jt), a), r.from(pc+1+int(in.Jf), a)
	mask, k := uint64(a.mask), uint64(in.K)
	switch in.Op {
	case jeqK:
		return r.compare(equal, a.level, 32, mask, k, t, f)
	case jgtK:
		return r.compare(above, a.level, 32, mask, k, t, f)
	case jgeK:
		return r.compare(atLeast, a.level, 32, mask, k, t, f)
	default: // jsetK: some of the bits are not zero
		return r.compare(equal, a.level, 32, mask&k, 0, f, t)
	}
}

// levelOf returns the first bit of the word at an offset of struct seccomp_data.
func (r *reader) levelOf(offset uint32) int32 {
	switch offset {
	case 0:
		return levelNR
	case 4:
		return levelArch
	}
	arg, second := int32(offset-16)/8, (offset-16)%8 != 0
	level := levelArgs + 64*arg
	if second == r.bigEndian { // the low word
		level += 32
	}
	return level
}
