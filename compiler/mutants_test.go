package compiler_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// mutants calls f with each copy of a program that differs from it in one opcode, one bit of a constant or one bit of a
// jump offset, and with the instruction that is another. The copy is f's until the next call.
func mutants(prog []bpf.RawInstruction, f func(pc int, m []bpf.RawInstruction)) {
	m := slices.Clone(prog)
	for pc, in := range prog {
		try := func(other bpf.RawInstruction) {
			if other != in {
				m[pc] = other
				f(pc, m)
				m[pc] = in
			}
		}
		for _, op := range []uint16{0x20, 0x54, 0x05, 0x15, 0x25, 0x35, 0x45, 0x06, 0x44, 0x16, 0x1d, 0x00} {
			try(bpf.RawInstruction{Op: op, Jt: in.Jt, Jf: in.Jf, K: in.K})
		}
		for bit := range 32 {
			try(bpf.RawInstruction{Op: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K ^ 1<<bit})
		}
		for bit := range 8 {
			if in.Op&7 != 5 || in.Op == 0x05 {
				break // no conditional jump
			}
			try(bpf.RawInstruction{Op: in.Op, Jt: in.Jt ^ 1<<bit, Jf: in.Jf, K: in.K})
			try(bpf.RawInstruction{Op: in.Op, Jt: in.Jt, Jf: in.Jf ^ 1<<bit, K: in.K})
		}
	}
}

// A solver finds calls that take a program to an instruction.
type solver struct {
	*rand.Rand
	prog      []bpf.RawInstruction
	bigEndian bool
	into      [][]edge // the ways into each instruction
}

type edge struct {
	from  int
	taken bool // of a conditional jump
}

func newSolver(r *rand.Rand, prog []bpf.RawInstruction, bigEndian bool) *solver {
	s := &solver{Rand: r, prog: prog, bigEndian: bigEndian, into: make([][]edge, len(prog))}
	for pc, in := range prog {
		add := func(to int, taken bool) {
			if to < len(prog) {
				s.into[to] = append(s.into[to], edge{pc, taken})
			}
		}
		switch in.Op {
		case 0x06:
		case 0x05:
			add(pc+1+int(in.K), false)
		case 0x15, 0x25, 0x35, 0x45:
			add(pc+1+int(in.Jt), true)
			add(pc+1+int(in.Jf), false)
		default:
			add(pc+1, false)
		}
	}
	return s
}

// A claim is what a test on a path asks of a word of the call.
type claim struct {
	word uint32 // its offset
	mask uint32
	in   bpf.RawInstruction
	is   bool
}

func (c claim) holds(v uint32) bool {
	v &= c.mask
	switch c.in.Op {
	case 0x15:
		return (v == c.in.K) == c.is
	case 0x25:
		return (v > c.in.K) == c.is
	case 0x35:
		return (v >= c.in.K) == c.is
	default:
		return (v&c.in.K != 0) == c.is
	}
}

// path returns a random way to an instruction as the claims of its tests, and the word and mask that A holds there.
func (s *solver) path(pc int) (claims []claim, word, mask uint32) {
	var way []edge
	for at := pc; at > 0; {
		if len(s.into[at]) == 0 {
			return nil, 0, 0 // nothing leads there
		}
		e := s.into[at][s.IntN(len(s.into[at]))]
		way = append(way, e)
		at = e.from
	}
	for _, e := range slices.Backward(way) {
		switch in := s.prog[e.from]; in.Op {
		case 0x20:
			word, mask = in.K, 0xffffffff
		case 0x54:
			mask &= in.K
		case 0x15, 0x25, 0x35, 0x45:
			claims = append(claims, claim{word, mask, in, e.taken})
		}
	}
	return claims, word, mask
}

// call returns a call that meets all claims, or false where none was found among values beside the claims' constants
// and combinations of their bits.
func (s *solver) call(claims []claim) (c resolve.Call, ok bool) {
	words := map[uint32][]claim{}
	for _, x := range claims {
		words[x.word] = append(words[x.word], x)
	}
	value := func(word uint32) (uint32, bool) {
		list := words[word]
		constants := []uint32{0, 0xffffffff, s.Uint32()}
		for _, x := range list {
			constants = append(constants, x.in.K, x.in.K+1, x.in.K-1, x.mask, ^x.mask)
		}
		for range 300 {
			v := constants[s.IntN(len(constants))]
			switch s.IntN(4) {
			case 0:
				v |= constants[s.IntN(len(constants))] & s.Uint32()
			case 1:
				v &^= constants[s.IntN(len(constants))] & s.Uint32()
			case 2:
				v ^= 1 << s.IntN(32)
			}
			for _, x := range list { // equalities first, or chance would have to guess them
				if x.in.Op == 0x15 && x.is {
					v = v&^x.mask | x.in.K
				}
			}
			if !slices.ContainsFunc(list, func(x claim) bool { return !x.holds(v) }) {
				return v, true
			}
		}
		return 0, false
	}
	for offset := uint32(0); offset < 64; offset += 4 {
		if offset == 8 || offset == 12 {
			continue
		}
		v, found := value(offset)
		if !found {
			return c, false
		}
		switch offset {
		case 0:
			c.NR = v
		case 4:
			c.Arch = v
		default:
			shift := 0
			if ((offset-16)%8 != 0) != s.bigEndian {
				shift = 32
			}
			c.Args[(offset-16)/8] |= uint64(v) << shift
		}
	}
	return c, true
}

// calls returns calls that come to an instruction, with values there that tell it from its mutant.
func (s *solver) calls(pc int, mutant bpf.RawInstruction) (list []resolve.Call) {
	in := s.prog[pc]
	for range 2 {
		claims, word, mask := s.path(pc)
		if pc > 0 && claims == nil && len(s.into[pc]) == 0 {
			return nil
		}
		if c, ok := s.call(claims); ok {
			list = append(list, c)
		}
		diff := in.K ^ mutant.K
		for _, v := range []uint32{in.K, mutant.K, in.K + 1, in.K - 1, mutant.K + 1, mutant.K - 1, diff, ^diff, in.K | diff, 0} {
			is := claim{word, mask, bpf.RawInstruction{Op: 0x15, K: v & mask}, true}
			if c, ok := s.call(append(slices.Clip(claims), is)); ok {
				list = append(list, c)
			}
		}
	}
	return list
}

// A tally counts what became of mutants. Solved are those that differ where a call that was solved for shows it.
type tally struct{ mutants, refused, equal, differ, solved int }

// judge lets the prover judge one mutant, and holds its judgement against calls that were solved for.
func (n *tally) judge(t *testing.T, s *solver, target *resolve.Target, pc int, m []bpf.RawInstruction) {
	t.Helper()
	n.mutants++
	run := func(c resolve.Call) (resolve.Action, bool) {
		a, _, err := inspect.Run(m, s.bigEndian, c)
		return a, err == nil
	}
	differs := func(c resolve.Call) bool {
		a, ok := run(c)
		return !ok || a != target.Decide(c)
	}
	d, err := prove.Read(m, s.bigEndian)
	if err == nil {
		err = d.Equal(target)
	} else if !errors.Is(err, prove.ErrNotProven) {
		n.refused++
		return
	}
	solved := slices.ContainsFunc(s.calls(pc, m[pc]), differs)
	var diff *prove.Difference
	switch {
	case err == nil && solved:
		t.Fatalf("instruction %d as %+v: proven equal, and a call solved for differs", pc, m[pc])
	case err == nil:
		n.equal++
	case !errors.As(err, &diff):
		t.Fatalf("instruction %d as %+v: %v", pc, m[pc], err)
	case !differs(diff.Call):
		t.Fatalf("instruction %d as %+v: %v, and it does not", pc, m[pc], diff)
	default:
		if n.differ++; solved {
			n.solved++
		}
	}
}

// policy judges mutants of a policy's programs.
func (n *tally) policy(t *testing.T, r *rand.Rand, text string) {
	res, progs := compile(t, text)
	total := 0
	for _, prog := range progs {
		mutants(prog, func(int, []bpf.RawInstruction) { total++ })
	}
	for i, prog := range progs {
		target := res.Targets[i]
		s := newSolver(r, prog, target.Filters[0].ABI.BigEndian)
		mutants(prog, func(pc int, m []bpf.RawInstruction) {
			if *perPolicy == 0 || r.IntN(total) < *perPolicy {
				n.judge(t, s, target, pc, m)
			}
		})
	}
}

// TestMutants changes programs of this repository's policies and of random ones in single opcodes, constants' bits and
// jump offsets. Of every mutant that differs the prover must say so: it names a call on which the mutant does differ, or
// finds it equal where calls that were solved for, along the paths to the changed instruction, agree. Each policy gives
// the test so many mutants; -args -mutants 0 makes it all.
func TestMutants(t *testing.T) {
	files, err := filepath.Glob("../policies/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no policies", err)
	}
	tallies := make([]*tally, len(files)+*count/6)
	divide(t, len(tallies), func(t *testing.T, i int) {
		r := rand.New(rand.NewPCG(*seed, 1<<32+uint64(i)))
		var text string
		if i < len(files) {
			src, err := os.ReadFile(files[i])
			if err != nil {
				t.Fatal(err)
			}
			text = string(src)
		} else {
			text = (&author{Rand: r, met: map[string]int{}}).policy([][]*arch.ABI{{arch.All()[r.IntN(len(arch.All()))]}})
		}
		tallies[i] = new(tally)
		tallies[i].policy(t, r, text)
	})
	var all tally
	for i, n := range tallies {
		if n == nil {
			return // a worker has failed
		}
		if i < len(files) {
			t.Logf("%s: %+v", filepath.Base(files[i]), *n)
		}
		all = tally{all.mutants + n.mutants, all.refused + n.refused, all.equal + n.equal, all.differ + n.differ, all.solved + n.solved}
	}
	t.Logf("%d policies: %+v", len(tallies), all)
	if all.solved < all.differ*4/5 || all.equal == 0 || all.refused == 0 {
		t.Errorf("the mutants are too much alike: %+v", all)
	}
}
