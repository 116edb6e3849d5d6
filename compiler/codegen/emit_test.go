package codegen

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// walk follows a graph itself, without a program: the argument's words lie as on little-endian ABIs.
func walk(n *node, c resolve.Call) resolve.Action {
	for n.op != ret {
		v := c.NR
		if n.word >= offArgs {
			v = uint32(c.Args[(n.word-offArgs)/8] >> ((n.word - offArgs) % 8 * 8))
		}
		v &= n.mask
		taken := map[op]bool{jeq: v == n.k, jgt: v > n.k, jge: v >= n.k, jset: v&n.k != 0}[n.op]
		if taken {
			n = n.yes
		} else {
			n = n.no
		}
	}
	return resolve.Action(n.k)
}

func count(prog []bpf.RawInstruction, op uint16) (n int) {
	for _, in := range prog {
		if in.Op == op {
			n++
		}
	}
	return n
}

// far counts the conditional jumps that go as far as they can.
func far(prog []bpf.RawInstruction) (n int) {
	for _, in := range prog {
		if in.Op&7 == 5 && in.Op != opJA && max(in.Jt, in.Jf) == reach {
			n++
		}
	}
	return n
}

// ladder is a chain of n equality tests on the number: whatever is found goes to found, the rest to rest.
func ladder(b *builder, n int, found, rest *node) *node {
	for i := n; i > 0; i-- {
		rest = b.test(field{offNR, all}, jeq, uint32(i), found, rest)
	}
	return rest
}

// TestReach stretches jumps to 254..257 instructions, and far beyond, over what lies between them and their target.
func TestReach(t *testing.T) {
	low, high := uint32(offArgs), uint32(offArgs+4)
	for _, c := range []struct {
		name  string
		graph func(b *builder, n int) *node
		fits  int    // the greatest n that needs no relay
		relay uint16 // what the next one needs
	}{
		{"to a return", func(b *builder, n int) *node {
			return ladder(b, n, b.ret(1), b.ret(2))
		}, 255, opRet},
		{"over to a return", func(b *builder, n int) *node { // the jump's other way is short
			return b.test(field{low, all}, jgt, 7, ladder(b, n, b.ret(1), b.ret(2)), b.ret(1))
		}, 253, opRet},
		{"to a test", func(b *builder, n int) *node {
			return ladder(b, n, b.test(field{low, all}, jgt, 7, b.ret(1), b.ret(2)), b.ret(3))
		}, 255, opJA},
		{"to a masked test", func(b *builder, n int) *node {
			return ladder(b, n, b.test(field{low, 0xff0}, jeq, 0x70, b.ret(1), b.ret(2)), b.ret(3))
		}, 255, opJA},
		{"to a test of the word at hand", func(b *builder, n int) *node { // entered with the number loaded
			return ladder(b, n, b.test(field{offNR, all}, jset, 0x10000, b.ret(1), b.ret(2)), b.ret(3))
		}, 255, opJA},
		{"to a masked test of the word at hand", func(b *builder, n int) *node { // entered at its AND
			return ladder(b, n, b.test(field{offNR, 0xff0}, jeq, 0x10, b.ret(1), b.ret(2)), b.ret(3))
		}, 255, opJA},
		{"both ways to returns", func(b *builder, n int) *node {
			return b.test(field{high, all}, jset, 1, ladder(b, n, b.ret(1), b.ret(2)), b.test(field{low, all}, jgt, 7, b.ret(2), b.ret(1)))
		}, 253, opRet},
		{"both ways to tests", func(b *builder, n int) *node {
			x, y := b.test(field{low, all}, jgt, 7, b.ret(1), b.ret(2)), b.test(field{low, all}, jgt, 9, b.ret(3), b.ret(4))
			return b.test(field{high, all}, jset, 1, ladder(b, n, x, y), b.test(field{high, all}, jgt, 7, y, x))
		}, 250, opJA},
	} {
		t.Run(c.name, func(t *testing.T) {
			atReach := false
			for _, n := range []int{1, 200, 250, 251, 252, 253, 254, 255, 256, 257, 258, 300, 511, 512, 513, 1000, 2000} {
				b := newBuilder()
				root := c.graph(b, n)
				prog := emit(root)
				atReach = atReach || far(prog) > 0
				relays := count(prog, c.relay)
				if c.relay == opRet {
					rets := 0
					for x := range b.nodes {
						if x.op == ret {
							rets++
						}
					}
					relays -= rets
				}
				if (relays > 0) != (n > c.fits) {
					t.Errorf("%d tests between: %d relays", n, relays)
				}
				for _, nr := range []uint32{0, 1, 2, 0x10, 0x11, uint32(n) / 2, uint32(n) - 1, uint32(n), uint32(n) + 1, 0x7f0, 0x10000, all} {
					for _, arg := range []uint64{0, 7, 8, 9, 10, 0x70, 0xf70, 0x71f, 1 << 32, 7 << 32, 8<<32 | 8, 1<<32 | 8, 1<<32 | 10} {
						call := resolve.Call{NR: nr, Args: [6]uint64{arg}}
						got, _, err := inspect.Run(prog, false, call)
						if want := walk(root, call); err != nil || got != want {
							t.Fatalf("%d tests between, number %#x, argument %#x: %v, error %v, want %v", n, nr, arg, got, err, want)
						}
					}
				}
			}
			if !atReach {
				t.Error("no jump of 255")
			}
		})
	}
}

// TestSharedEntries: a test that was loaded for another is entered behind its load, one with another mask before it.
func TestSharedEntries(t *testing.T) {
	low := uint32(offArgs)
	for _, c := range []struct {
		name          string
		first, second uint32 // masks of two tests of one word
		loads, ands   int
	}{
		{"bare, bare", all, all, 1, 0},
		{"bare, masked", all, 0xf0, 1, 1},
		{"masked, bare", 0xf0, all, 2, 1},
		{"masked alike", 0xf0, 0xf0, 1, 1},
		{"masked, masked otherwise", 0xf0, 0xff, 2, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBuilder()
			root := b.test(field{low, c.first}, jeq, 0x10, b.ret(1), b.test(field{low, c.second}, jgt, 0x20, b.ret(2), b.ret(3)))
			prog := emit(root)
			if loads, ands := count(prog, opLoad), count(prog, opAnd); loads != c.loads || ands != c.ands {
				t.Errorf("%d loads and %d ANDs, want %d and %d", loads, ands, c.loads, c.ands)
			}
			for v := range uint64(0x140) {
				call := resolve.Call{Args: [6]uint64{v}}
				if got, _, err := inspect.Run(prog, false, call); err != nil || got != walk(root, call) {
					t.Fatalf("argument %#x: %v, error %v, want %v", v, got, err, walk(root, call))
				}
			}
		})
	}
}

// conditional is a target whose only call has n conditions of one instruction each.
func conditional(n int) *resolve.Target {
	var any resolve.Any
	for i := range n {
		any = append(any, resolve.Compare{Arg: 3, Bits: 32, Mask: uint64(4*i + 3), Op: resolve.EQ})
	}
	return &resolve.Target{Foreign: resolve.KillProcess, Filters: []*resolve.Filter{{
		ABI: arch.Lookup("ppc"), Known: []uint32{7}, Default: resolve.Errno | 1, Unknown: resolve.Errno | 38,
		Rules: []resolve.Rule{{Numbers: []uint32{7}, Cond: any, Action: resolve.Allow}},
	}}}
}

// TestLength goes over the kernel's limit by single instructions.
func TestLength(t *testing.T) {
	var longest []bpf.RawInstruction
	for n := 4040; ; n++ {
		target := conditional(n)
		length := len(emit(newBuilder().target(target)))
		prog, err := Program(target)
		if length > MaxInstructions {
			want := fmt.Sprintf("program of %d instructions: the kernel takes 4096", length)
			if err == nil || err.Error() != want || prog != nil {
				t.Errorf("%d instructions: error %v, want %q", length, err, want)
			}
			break
		}
		if err != nil || len(prog) != length {
			t.Fatalf("%d instructions: error %v", length, err)
		}
		longest = prog
		if length == MaxInstructions {
			verify(t, rand.New(rand.NewPCG(5, 5)), target, prog, 300)
		}
	}
	if len(longest) != MaxInstructions || count(longest, opRet) != 4+MaxInstructions/(reach+1)-1 {
		t.Errorf("the longest program has %d instructions, %d of them returns", len(longest), count(longest, opRet))
	}
}
