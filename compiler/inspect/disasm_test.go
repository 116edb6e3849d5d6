package inspect

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/resolve"
	"github.com/seccompc/seccompc/compiler/resolve/resolvetest"
)

// FuzzDisasm lists any bytes, one line each, and explains a call by them, without a crash.
func FuzzDisasm(f *testing.F) {
	f.Add([]byte{0x20, 0, 0, 0, 4, 0, 0, 0, 0x15, 0, 0, 1, 0x3e, 0, 0, 0xc0, 0x06, 0, 0, 0, 0, 0, 0xff, 0x7f}, uint8(0))
	f.Add([]byte{0x35, 0, 255, 255, 4, 0, 0, 0}, uint8(8))
	for op := range 256 { // every opcode, jumping out of the program
		f.Add(append(binary.LittleEndian.AppendUint16(nil, uint16(op)), 255, 255, 255, 255, 255, 255), uint8(0))
	}
	f.Fuzz(func(t *testing.T, raw []byte, which uint8) {
		abis := arch.All()[int(which)%len(arch.All()):][:1]
		prog, err := Instructions(raw, abis[0].BigEndian)
		if err != nil {
			return
		}
		p := Program{abis, abis[0].BigEndian, prog}
		call := resolve.Call{Arch: abis[0].Audit, NR: abis[0].Syscalls()[0].Number}
		if e, _, err := Explain(p, abis[0], call, [6]uint64{}, LetsThrough); err == nil && len(e.Path) == 0 {
			t.Fatalf("%+v", e)
		}
		WalkSteps(prog, abis[0])
		for _, lines := range [][]Line{Disasm(prog, abis), Disasm(prog, nil)} {
			if len(lines) != len(prog) {
				t.Fatalf("%d lines for %d instructions", len(lines), len(prog))
			}
			for _, l := range lines {
				if l.Text == "" || strings.ContainsAny(l.Text+l.Goto+l.Calls, "\n\t") {
					t.Fatalf("line %+v", l)
				}
			}
		}
	})
}

// TestReaching: whatever calls are run, each instruction that they come to has them among its calls, and what A holds.
func TestReaching(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	ops := []uint16{0x20, 0x20, 0x54, 0x05, 0x15, 0x15, 0x25, 0x35, 0x45, 0x1d, 0x00, 0x04, 0x07, 0x87, 0x02, 0x60}
	for range 3000 {
		abis := resolvetest.ABIs(r)
		constants := []uint32{0, 1, 0x40000000, abis[0].Audit, abis[0].Syscalls()[0].Number + r.Uint32N(400), r.Uint32()}
		k := func() uint32 { return constants[r.IntN(len(constants))] + r.Uint32N(3) - 1 }
		prog := make([]bpf.RawInstruction, 24)
		for i := range prog[:20] {
			prog[i] = bpf.RawInstruction{Op: ops[r.IntN(len(ops))], Jt: uint8(r.IntN(4)), Jf: uint8(r.IntN(4)), K: k()}
			switch prog[i].Op {
			case 0x20:
				prog[i].K = 4 * r.Uint32N(6)
			case 0x05, 0x02, 0x60:
				prog[i].K = r.Uint32N(3)
			}
		}
		for i := 20; i < 24; i++ {
			prog[i] = bpf.RawInstruction{Op: 0x06}
		}
		known := reaching(prog, abis)
		for range 20 {
			c := resolve.Call{Arch: abis[r.IntN(len(abis))].Audit, NR: k(), Args: [6]uint64{uint64(k())}}
			if r.IntN(4) == 0 {
				c.Arch = k()
			}
			_, path, err := Path(prog, abis[0].BigEndian, c)
			if err != nil {
				t.Fatal(err)
			}
			a := uint32(0) // before the instruction
			for _, s := range path {
				at := known[s.PC]
				key := c.Arch
				if _, listed := known[0].calls[key]; !listed {
					key = 0
				}
				if !slices.ContainsFunc(at.calls[key], func(s span) bool { return s.lo <= c.NR && c.NR <= s.hi }) {
					t.Fatalf("%#x comes to %d, where only %v are expected, of %v", c, s.PC, at.calls, prog)
				}
				if at.word != noWord {
					if word, _ := (&machine{call: c, bigEndian: abis[0].BigEndian}).word(at.word); word&at.mask != a {
						t.Fatalf("%#x comes to %d with %#x, not word %d under %#x, of %v", c, s.PC, a, at.word, at.mask, prog)
					}
				}
				a = s.A
			}
		}
	}
}

// TestValue: what a value is called is that value, on ABIs that differ and for every parameter with a vocabulary.
func TestValue(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	named, used := map[*vocabulary]bool{}, map[string]bool{}
	for _, name := range []string{"x86_64", "i386", "s390x", "mips", "parisc64"} {
		abi := arch.Lookup(name)
		for _, call := range abi.Syscalls() {
			for _, p := range abi.Params(call.Name) {
				used[call.Name+"."+p.Name], used["."+p.Name] = true, true
				voc := vocabularyOf(call.Name, p.Name)
				if voc == nil || !p.Established || p.Pointer {
					continue
				}
				top := ^uint64(0) >> (64 - p.Bits)
				values := []uint64{0, ^uint64(99), r.Uint64(), r.Uint64() & 0xff, r.Uint64() & r.Uint64() & 0xffff}
				prefix := strings.Fields(voc.prefixes)[0]
				for _, name := range arch.Consts() {
					if c, ok := abi.Const(name); ok && strings.HasPrefix(name, prefix) && r.IntN(2) == 0 {
						values = append(values, uint64(c))
					}
				}
				for _, v := range values {
					text := Value(abi, call.Name, p, v, false)
					var back uint64
					for _, word := range strings.Split(text, "|") {
						if n, err := strconv.ParseInt(word, 0, 64); err == nil {
							back |= uint64(n)
						} else if c, ok := abi.Const(word); ok {
							named[voc] = true
							back |= uint64(c)
						} else if n, err := strconv.ParseUint(word, 0, 64); err == nil {
							back |= n
						} else {
							t.Fatalf("%s: %s of %s: %#x is %q", abi.Name, p.Name, call.Name, v, text)
						}
					}
					if back&top != v&top {
						t.Fatalf("%s: %s of %s: %#x is %q, which is %#x", abi.Name, p.Name, call.Name, v, text, back)
					}
				}
			}
		}
	}
	for i, voc := range vocabularies {
		for _, key := range strings.Fields(voc.params) {
			if !used[key] {
				t.Errorf("no ABI has %q", key)
			}
		}
		if !named[&vocabularies[i]] {
			t.Errorf("no value has a name of %q", voc.params)
		}
	}
}

// TestDisasm reads what depends on the way to an instruction.
func TestDisasm(t *testing.T) {
	ld := func(k uint32) bpf.RawInstruction { return bpf.RawInstruction{Op: 0x20, K: k} }
	jeq := func(k uint32, jt, jf uint8) bpf.RawInstruction {
		return bpf.RawInstruction{Op: 0x15, Jt: jt, Jf: jf, K: k}
	}
	ret := func(k uint32) bpf.RawInstruction { return bpf.RawInstruction{Op: 0x06, K: k} }
	abis := func(names ...string) (list []*arch.ABI) {
		for _, n := range names {
			list = append(list, arch.Lookup(n))
		}
		return list
	}
	for _, tt := range []struct {
		name string
		abis []*arch.ABI
		prog []bpf.RawInstruction
		line int
		want string
	}{
		{"numbers are named by the ABI of the branch", abis("x86_64", "i386"),
			[]bpf.RawInstruction{ld(4), jeq(0x40000003, 0, 2), ld(0), jeq(3, 0, 0), ret(0)}, 3, "if nr == 3 read "},
		{"the same number of another ABI", abis("x86_64", "i386"),
			[]bpf.RawInstruction{ld(4), jeq(0xc000003e, 0, 2), ld(0), jeq(3, 0, 0), ret(0)}, 3, "if nr == 3 close "},
		{"x32's numbers have their bit", abis("x86_64", "x32"),
			[]bpf.RawInstruction{ld(4), jeq(0xc000003e, 0, 2), ld(0), jeq(0x40000003, 0, 0), ret(0)}, 3, "if nr == 0x40000003 close "},
		{"unnamed before the architecture is known", abis("x86_64", "i386"),
			[]bpf.RawInstruction{ld(0), jeq(3, 0, 0), ret(0)}, 1, "if nr == 3"},
		{"where two ways meet with different words, A is A", abis("x86_64"),
			[]bpf.RawInstruction{ld(4), jeq(1, 0, 1), ld(0), jeq(3, 0, 0), ret(0)}, 3, "if A == 0x3 "},
		{"a masked number is no number", abis("x86_64"),
			[]bpf.RawInstruction{ld(0), {Op: 0x54, K: 1}, jeq(1, 0, 0), ret(0)}, 2, "if nr & 0x1 == 0x1"},
		{"a parameter of the only call that comes here", abis("x86_64"),
			[]bpf.RawInstruction{ld(4), jeq(0xc000003e, 0, 4), ld(0), jeq(41, 0, 2), ld(16), jeq(16, 0, 0), ret(0)}, 5, "if domain == AF_NETLINK"},
		{"by elimination", abis("x86_64"),
			[]bpf.RawInstruction{ld(4), jeq(0xc000003e, 0, 5), ld(0), {Op: 0x35, K: 42, Jt: 3}, {Op: 0x35, K: 41, Jf: 2}, ld(16), ret(0), ret(0)}, 5, "load domain"},
		{"a parameter that two calls share", abis("x86_64"),
			[]bpf.RawInstruction{ld(4), jeq(0xc000003e, 0, 5), ld(0), jeq(41, 1, 0), jeq(53, 0, 2), ld(16), ret(0), ret(0)}, 5, "load domain"},
		{"but not its names if these differ", abis("x86_64"),
			[]bpf.RawInstruction{ld(4), jeq(0xc000003e, 0, 5), ld(0), jeq(41, 1, 0), jeq(16, 0, 2), ld(16), ret(0), ret(0)}, 5, "load arg0.low"},
		{"of one call on two ABIs", abis("x86_64", "i386"),
			[]bpf.RawInstruction{ld(4), jeq(0xc000003e, 3, 0), jeq(0x40000003, 0, 6), ld(0), jeq(359, 2, 4), ld(0), jeq(41, 0, 2), ld(16), jeq(10, 0, 0), ret(0)}, 8, "if domain == AF_INET6"},
		{"but not a constant that they have different names for", abis("x86_64", "mipsel64"),
			[]bpf.RawInstruction{ld(4), jeq(0xc000003e, 3, 0), jeq(0xc0000008, 0, 6), ld(0), jeq(5040, 2, 4), ld(0), jeq(41, 0, 2), ld(24), jeq(2, 0, 0), ret(0)}, 8, "if type == 0x2"},
		{"under a mask", abis("x86_64"),
			[]bpf.RawInstruction{ld(4), jeq(0xc000003e, 0, 5), ld(0), jeq(257, 0, 3), ld(32), {Op: 0x54, K: 3}, jeq(1, 0, 0), ret(0)}, 6, "if flags & O_ACCMODE == O_WRONLY"},
		{"some bits", abis("x86_64"),
			[]bpf.RawInstruction{ld(4), jeq(0xc000003e, 0, 4), ld(0), jeq(56, 0, 2), ld(16), {Op: 0x45, K: 0x30000000}, ret(0)}, 5, "if flags & (CLONE_NEWPID|CLONE_NEWUSER)"},
		{"a negative value", abis("x86_64"),
			[]bpf.RawInstruction{ld(4), jeq(0xc000003e, 0, 4), ld(0), jeq(257, 0, 2), ld(16), jeq(0xffffff9c, 0, 0), ret(0)}, 5, "if dirfd == AT_FDCWD"},
		{"bits that the kernel ignores", abis("x86_64"),
			[]bpf.RawInstruction{ld(4), jeq(0xc000003e, 0, 4), ld(0), jeq(41, 0, 2), ld(20), jeq(2, 0, 0), ret(0)}, 5, "if domain.high == 0x2"},
		{"half of a wide parameter", abis("x86_64"),
			[]bpf.RawInstruction{ld(4), jeq(0xc000003e, 0, 4), ld(0), jeq(8, 0, 2), ld(24), jeq(2, 0, 0), ret(0)}, 4, "load offset.low"},
		{"x32 is not x86_64", abis("x86_64"),
			[]bpf.RawInstruction{ld(4), jeq(0xc000003e, 0, 5), ld(0), {Op: 0x45, K: 0x40000000, Jt: 3}, {Op: 0x25, K: 0, Jt: 2}, ld(16), ret(0), ret(0)}, 5, "load fd"},
		{"little-endian low word", abis("x86_64"), []bpf.RawInstruction{ld(24), ret(0)}, 0, "load arg1.low"},
		{"little-endian high word", abis("x86_64"), []bpf.RawInstruction{ld(28), ret(0)}, 0, "load arg1.high"},
		{"big-endian high word", abis("s390x"), []bpf.RawInstruction{ld(24), ret(0)}, 0, "load arg1.high"},
		{"errno by the ABI's table", abis("mips"), []bpf.RawInstruction{ret(0x00050059)}, 0, "return errno(ENOSYS)"},
		{"an answer that no policy gives", abis("mips"), []bpf.RawInstruction{ret(0x12345678)}, 0, "return 0x12345678"},
	} {
		if got := Disasm(tt.prog, tt.abis)[tt.line].Text; got != strings.TrimSpace(tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
