package prove_test

import (
	"math/rand/v2"
	"testing"

	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// TestProgramDiagram holds the package's reading of programs against the VM.
func TestProgramDiagram(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 1000 {
		prog := randomProgram(r)
		for _, big := range []bool{false, true} {
			d, err := prove.Read(prog, big)
			if err != nil {
				t.Fatal(err)
			}
			for range 40 {
				c := path(r, prog, big, r.IntN(len(prog)))
				got, _, err := inspect.Run(prog, big, c)
				if want := d.Decide(c); err != nil || got != want {
					t.Fatalf("%v\ncall %#x: the VM says %v, error %v, the diagram %v", prog, c, got, err, want)
				}
			}
		}
	}
}

// randomProgram is any program of the modelled instructions, as no compiler would write it.
func randomProgram(r *rand.Rand) program {
	n := 2 + r.IntN(40)
	prog := program{load(r)}
	for len(prog) < n {
		left := n - len(prog) // instructions behind the next, the last return included
		k := r.Uint32() >> r.IntN(32)
		switch r.IntN(8) {
		case 0:
			prog = append(prog, load(r))
		case 1, 2:
			prog = append(prog, in{Op: 0x54, K: r.Uint32() | r.Uint32()})
		case 3:
			prog = append(prog, in{Op: 0x05, K: r.Uint32N(uint32(min(left, 4)))})
		case 4:
			prog = append(prog, in{Op: 0x06, K: r.Uint32N(4)})
		default:
			op := []uint16{0x15, 0x25, 0x35, 0x45}[r.IntN(4)]
			prog = append(prog, in{Op: op, Jt: uint8(r.IntN(left)), Jf: uint8(r.IntN(left)), K: k})
		}
	}
	return append(prog, in{Op: 0x06, K: 9})
}

func load(r *rand.Rand) in {
	return in{Op: 0x20, K: []uint32{0, 4, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60}[r.IntN(14)]}
}

// word points to the word of a call that a load of this offset sees.
func word(c *resolve.Call, big bool, offset uint32) (get func() uint32, set func(uint32)) {
	switch offset {
	case 0:
		return func() uint32 { return c.NR }, func(v uint32) { c.NR = v }
	case 4:
		return func() uint32 { return c.Arch }, func(v uint32) { c.Arch = v }
	}
	arg, shift := &c.Args[(offset-16)/8], uint32(0)
	if (offset%8 != 0) != big {
		shift = 32
	}
	return func() uint32 { return uint32(*arg >> shift) },
		func(v uint32) { *arg = *arg&^(0xffffffff<<shift) | uint64(v)<<shift }
}

// path returns a call made to take a random way through a program by way of one of its instructions, in so far as the
// conditions on the way agree with each other.
func path(r *rand.Rand, prog program, big bool, via int) (c resolve.Call) {
	leads := make([]bool, len(prog)) // to via
	next := func(pc int) (a, b int) {
		switch i := prog[pc]; i.Op {
		case 0x06:
			return pc, pc
		case 0x05:
			return pc + 1 + int(i.K), pc + 1 + int(i.K)
		case 0x15, 0x25, 0x35, 0x45:
			return pc + 1 + int(i.Jt), pc + 1 + int(i.Jf)
		}
		return pc + 1, pc + 1
	}
	for pc := len(prog) - 1; pc >= 0; pc-- {
		a, b := next(pc)
		leads[pc] = pc == via || leads[a] || leads[b]
	}
	for i := range c.Args {
		c.Args[i] = r.Uint64() >> r.IntN(64)
	}
	get, set, mask := func() uint32 { return 0 }, func(uint32) {}, uint32(0)
	for pc := 0; prog[pc].Op != 0x06; {
		i := prog[pc]
		a, b := next(pc)
		switch i.Op {
		case 0x20:
			get, set = word(&c, big, i.K)
			mask = 1<<32 - 1
		case 0x54:
			mask &= i.K
		case 0x15, 0x25, 0x35, 0x45:
			taken := r.IntN(2) == 0
			if leads[a] != leads[b] {
				taken = leads[a]
			}
			meet(r, i, mask, taken, get, set)
			if !taken {
				a = b
			}
		}
		pc = a
	}
	return c
}

// meet changes a word so that a jump is taken or not, most often just so.
func meet(r *rand.Rand, jump in, mask uint32, taken bool, get func() uint32, set func(uint32)) {
	holds := func(w uint32) bool {
		w &= mask
		return map[uint16]bool{0x15: w == jump.K, 0x25: w > jump.K, 0x35: w >= jump.K, 0x45: w&jump.K != 0}[jump.Op]
	}
	w := get()
	for _, v := range []uint32{w, w&^mask | jump.K&mask, w&^mask | (jump.K+1)&mask, w&^mask | (jump.K-1)&mask, w &^ mask, w | mask,
		w&^mask | jump.K&-jump.K, w ^ 1<<r.IntN(32)} {
		if holds(v) == taken {
			set(v)
			if r.IntN(3) > 0 {
				return
			}
		}
	}
}
