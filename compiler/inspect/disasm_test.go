package inspect

import (
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/arch"
)

// FuzzDisasm lists any bytes: one line each, without a crash.
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
		for _, lines := range [][]string{Disasm(prog, abis), Disasm(prog, nil)} {
			if len(lines) != len(prog) {
				t.Fatalf("%d lines for %d instructions", len(lines), len(prog))
			}
			for _, l := range lines {
				if l == "" || strings.ContainsAny(l, "\n\t") {
					t.Fatalf("line %q", l)
				}
			}
		}
	})
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
			[]bpf.RawInstruction{ld(4), jeq(0xc000003e, 0, 2), ld(0), jeq(0x40000003, 0, 0), ret(0)}, 3, "if nr == 1073741827 close "},
		{"unnamed before the architecture is known", abis("x86_64", "i386"),
			[]bpf.RawInstruction{ld(0), jeq(3, 0, 0), ret(0)}, 1, "if nr == 3  "},
		{"where two ways meet with different words, A is A", abis("x86_64"),
			[]bpf.RawInstruction{ld(4), jeq(1, 0, 1), ld(0), jeq(3, 0, 0), ret(0)}, 3, "if A == 0x3 "},
		{"a masked number is no number", abis("x86_64"),
			[]bpf.RawInstruction{ld(0), {Op: 0x54, K: 1}, jeq(1, 0, 0), ret(0)}, 2, "if nr == 0x1 "},
		{"little-endian low word", abis("x86_64"), []bpf.RawInstruction{ld(24), ret(0)}, 0, "load arg1.low"},
		{"little-endian high word", abis("x86_64"), []bpf.RawInstruction{ld(28), ret(0)}, 0, "load arg1.high"},
		{"big-endian high word", abis("s390x"), []bpf.RawInstruction{ld(24), ret(0)}, 0, "load arg1.high"},
		{"errno by the ABI's table", abis("mips"), []bpf.RawInstruction{ret(0x00050059)}, 0, "return errno(ENOSYS)"},
		{"an answer that no policy gives", abis("mips"), []bpf.RawInstruction{ret(0x12345678)}, 0, "return 0x12345678"},
	} {
		if got := Disasm(tt.prog, tt.abis)[tt.line]; !strings.HasPrefix(got+" ", tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
