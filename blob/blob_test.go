package blob

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sample is a blob that uses every field.
func sample() *Blob {
	return &Blob{
		Name: "web-1.0_b", Install: Self, Flags: FlagLog | FlagSpecAllow, Fallbacks: ReturnsKillProcess, Kernel: Version(5, 10, 300), Newest: Version(6, 18, 0),
		Inputs: Inputs{Source: [32]byte{0: 1, 31: 2}, Caps: []string{"CAP_CHOWN", "CAP_KILL"}, Kernel: Version(4, 14, 0)},
		Targets: []Target{
			{Label: "x86_64+i386+x32", ABIs: []ABI{{0xc000003e, 0}, {0x40000003, 0}, {0xc000003e, 0x40000000}}, Order: LittleEndian,
				Program: instructions(LittleEndian, 0x20, 4, 0x06, 0x7fff0000, 0x06, 0x80000000), Allows: AllowsExecve | AllowsPrctl | AllowsSeccomp},
			{Label: "s390x", ABIs: []ABI{{0x80000016, 0}}, Order: BigEndian,
				Program: instructions(BigEndian, 0x06, 0x00050001), Allows: 0, Lines: [3]int{2, 0, 3}},
			{Label: "aarch64", ABIs: []ABI{{0xc00000b7, 0}}, Order: LittleEndian,
				Program: instructions(LittleEndian, 0x06, 0x7ff00000), Allows: AllowsPrctl},
			{Label: "aarch64be", ABIs: []ABI{{0xc00000b7, 0}}, Order: BigEndian,
				Program: instructions(BigEndian, 0x06, 0x00000007), Allows: AllowsExecve},
		},
		Sources: []string{"web.yaml", "../lib/base é.yaml"},
		Lines: []Line{
			{Source: 0, Number: 3, Ranges: []Range{{0, 0, 0}, {0, 2, 2}, {1, 0, 0}}},
			{Source: 0, Number: 12, Ranges: []Range{{0, 1, 2}, {3, 0, 0}}},
			{Source: 1, Number: 1, Ranges: []Range{{2, 0, 0}}},
		},
	}
}

// instructions writes a program of pairs of an opcode and a constant.
func instructions(order Order, words ...uint32) (out []byte) {
	o := (&Target{Order: order}).ByteOrder().(binary.AppendByteOrder)
	for in := range slices.Chunk(words, 2) {
		out = o.AppendUint32(append(o.AppendUint16(out, uint16(in[0])), 0, 0), in[1])
	}
	return out
}

func encode(t testing.TB, b *Blob) []byte {
	t.Helper()
	data, err := Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// returned fills in what Encode derives.
func returned(b *Blob) *Blob {
	bits := map[uint32]uint32{0x8000: 1, 0: 2, 3: 4, 5: 8, 0x7fc0: 16, 0x7ff0: 32, 0x7ffc: 64, 0x7fff: 128}
	for i := range b.Targets {
		t := &b.Targets[i]
		for in := range slices.Chunk(t.Program, 8) {
			if o := t.ByteOrder(); o.Uint16(in) == 0x06 {
				t.Actions |= bits[o.Uint32(in[4:])>>16]
			}
		}
	}
	return b
}

func TestRoundTrip(t *testing.T) {
	complaining := sample()
	complaining.Complain, complaining.Fallbacks = true, 0
	for i := range complaining.Targets {
		t := &complaining.Targets[i]
		t.Program = instructions(t.Order, 0x20, 4, 0x06, 0x7fff0000, 0x06, 0x7ffc0000)
	}
	blobs := map[string]*Blob{"sample": sample(), "complaining": complaining}
	least := &Blob{Name: "a", Install: Exec, Targets: []Target{{Label: "x", ABIs: []ABI{{1, 0}}, Order: BigEndian, Program: instructions(BigEndian, 6, 0)}}}
	blobs["the least of all"] = least
	most := &Blob{Name: strings.Repeat("n", 64), Install: Exec, Flags: FlagLog | FlagSpecAllow, Kernel: 1<<32 - 1}
	for i := range 1500 {
		most.Inputs.Caps = append(most.Inputs.Caps, fmt.Sprintf("CAP_%036d", i))
	}
	for i := range uint32(64) {
		t := Target{Label: strings.Repeat("l", 64), Order: LittleEndian, Program: instructions(LittleEndian, 6, 0x7fff0000)}
		for j := range uint32(4) {
			t.ABIs = append(t.ABIs, ABI{i + 1, j})
		}
		most.Targets = append(most.Targets, t)
	}
	most.Targets[7].Program = bytes.Repeat(instructions(LittleEndian, 6, 0x00030001), 4096)
	blobs["much of everything"] = most
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 300 {
		blobs[fmt.Sprint("random ", i)] = random(r)
	}
	for name, b := range blobs {
		data := encode(t, b)
		got, err := Decode(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(returned(b), got); diff != "" {
			t.Fatalf("%s: decoded (+) is not what was encoded (-)\n%s", name, diff)
		}
		if again := encode(t, got); !bytes.Equal(again, data) {
			t.Fatalf("%s: decoding and encoding gives other bytes", name)
		}
	}
}

func random(r *rand.Rand) *Blob {
	word := func(n int, more string) string {
		letters := "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" + more
		w := make([]byte, 1+r.IntN(n))
		for i := range w {
			w[i] = letters[r.IntN(len(letters))]
		}
		return string(w)
	}
	b := &Blob{Name: word(64, "._-"), Install: Install(1 + r.IntN(2)), Flags: 2 * r.Uint32N(4) & 6, Kernel: r.Uint32() >> r.IntN(32)}
	b.Inputs.Kernel = r.Uint32() >> r.IntN(32)
	for i := range b.Inputs.Source {
		b.Inputs.Source[i] = byte(r.Uint32())
	}
	for range r.IntN(5) {
		b.Inputs.Caps = append(b.Inputs.Caps, word(20, "_"))
	}
	slices.Sort(b.Inputs.Caps)
	b.Inputs.Caps = slices.Compact(b.Inputs.Caps)
	for i := range 1 + r.Uint32N(6) {
		t := Target{Label: word(64, "_+"), Order: Order(1 + r.IntN(2)), Allows: r.Uint32N(8)}
		for j := range 1 + r.Uint32N(4) {
			t.ABIs = append(t.ABIs, ABI{i*4 + j + 1, r.Uint32() >> r.IntN(32)})
		}
		for range r.IntN(20) {
			op := uint32([]uint16{0x20, 0x54, 0x05, 0x15, 0x25, 0x35, 0x45}[r.IntN(7)])
			t.Program = append(t.Program, instructions(t.Order, op|r.Uint32N(1<<13)<<3, r.Uint32())...)
			if o := t.ByteOrder(); o.Uint16(t.Program[len(t.Program)-8:])&7 == 6 {
				t.Program = t.Program[:len(t.Program)-8]
			}
		}
		for range 1 + r.IntN(3) {
			action := []uint32{0x80000000, 0, 0x00030000, 0x00050000, 0x7fc00000, 0x7ff00000, 0x7ffc0000, 0x7fff0000}[r.IntN(8)]
			t.Program = append(t.Program, instructions(t.Order, 6, action|r.Uint32N(1<<16))...)
		}
		b.Targets = append(b.Targets, t)
	}
	fallbacks := uint32(ReturnsKillProcess|ReturnsLog) & r.Uint32()
	for _, t := range returned(&Blob{Targets: slices.Clone(b.Targets)}).Targets {
		b.Fallbacks |= Fallbacks(fallbacks & t.Actions)
	}
	b.Newest = r.Uint32() >> r.IntN(32)
	for i := range r.IntN(4) {
		b.Sources = append(b.Sources, strings.Repeat("../", r.IntN(3))+word(20, "._- ")+fmt.Sprint(i))
		for n := 1 + r.IntN(20); n < 1<<r.IntN(12); n += 1 + r.IntN(50) {
			l := Line{Source: i, Number: n}
			for j, t := range b.Targets {
				for pc := r.IntN(t.Instructions() + 3); pc < t.Instructions(); pc += 2 + r.IntN(5) {
					last := min(pc+r.IntN(3), t.Instructions()-1)
					l.Ranges = append(l.Ranges, Range{j, pc, last})
					pc = last
				}
			}
			if len(l.Ranges) > 0 {
				b.Lines = append(b.Lines, l)
			}
		}
	}
	for i := range b.Targets {
		for j := range 3 {
			if b.Targets[i].Allows>>j&1 == 0 {
				b.Targets[i].Lines[j] = r.IntN(len(b.Lines) + 1)
			}
		}
	}
	return b
}

// TestLayout reads the sample's bytes as the package comment describes them, without the package's code.
func TestLayout(t *testing.T) {
	data := encode(t, sample())
	text := "web-1.0_bCAP_CHOWN CAP_KILLx86_64+i386+x32s390xaarch64aarch64be"
	first := (88 + 4*64 + len(text) + 7) / 8 * 8
	table := data[first+6*8:]
	entry := func(i int) []byte { return data[88+64*i:][:64] }
	for name, ok := range map[string]bool{
		"magic":        string(data[:8]) == "\x89SCF\r\n\x1a\n",
		"version":      le.Uint16(data[8:]) == 1 && le.Uint16(data[10:]) == 0,
		"size":         int(le.Uint32(data[12:])) == len(data) && int(le.Uint32(data[80:])) == first+6*8,
		"checksum":     le.Uint32(data[16:]) == checksum(data[20:first]),
		"targets":      le.Uint16(data[20:]) == 4,
		"install":      data[22] == 2,
		"fallbacks":    data[23] == 1,
		"flags":        le.Uint32(data[24:]) == 6,
		"kernels":      le.Uint32(data[28:]) == 0x050aff && le.Uint32(data[32:]) == 0x040e00,
		"lengths":      le.Uint16(data[36:]) == 9 && le.Uint16(data[38:]) == 18,
		"source":       data[40] == 1 && data[71] == 2,
		"versions":     le.Uint16(data[72:]) == 1 && data[74] == 0 && data[75] == 0 && le.Uint32(data[76:]) == 0x061200,
		"deciders":     bytes.Equal(entry(1)[54:], []byte{2, 0, 0, 0, 3, 0, 0, 0, 0, 0}),
		"rule table":   le.Uint32(data[84:]) == checksum(table) && bytes.Equal(table[:8], []byte{2, 0, 3, 0, 6, 0, 0, 0}),
		"lines":        bytes.Equal(table[8:][:24], []byte{0, 0, 3, 0, 3, 0, 0, 0, 0, 0, 2, 0, 12, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0}),
		"ranges":       bytes.Equal(table[32:][:36], []byte{0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 3, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0}),
		"sources":      string(table[68:]) == "\x08\x00\x13\x00web.yaml../lib/base é.yaml",
		"text":         string(data[88+4*64:][:len(text)]) == text,
		"ABIs":         bytes.Equal(entry(0)[:24], []byte{0x3e, 0, 0, 0xc0, 0, 0, 0, 0, 3, 0, 0, 0x40, 0, 0, 0, 0, 0x3e, 0, 0, 0xc0, 0, 0, 0, 0x40}),
		"unused ABI":   bytes.Equal(entry(0)[24:32], make([]byte, 8)),
		"orders":       entry(0)[32] == 1 && entry(1)[32] == 2,
		"counts":       entry(0)[33] == 3 && le.Uint16(entry(0)[34:]) == 3 && le.Uint16(entry(1)[34:]) == 1,
		"offsets":      int(le.Uint32(entry(0)[36:])) == first && int(le.Uint32(entry(1)[36:])) == first+24,
		"program":      bytes.Equal(data[first+24:][:8], []byte{0, 6, 0, 0, 0, 5, 0, 1}),
		"its checksum": le.Uint32(entry(1)[40:]) == checksum(data[first+24:][:8]),
		"actions":      le.Uint32(entry(0)[44:]) == 1|128 && le.Uint32(entry(1)[44:]) == 8 && le.Uint32(entry(2)[44:]) == 32 && le.Uint32(entry(3)[44:]) == 2,
		"allows":       le.Uint32(entry(0)[48:]) == 7 && le.Uint32(entry(1)[48:]) == 0 && le.Uint32(entry(2)[48:]) == 2 && le.Uint32(entry(3)[48:]) == 1,
		"label":        le.Uint16(entry(0)[52:]) == 15 && le.Uint16(entry(1)[52:]) == 5,
	} {
		if !ok {
			t.Errorf("%s: % x", name, data)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, c := range []struct {
		fault, want string
		edit        func(*Blob)
	}{
		{"no targets", "0 targets", func(b *Blob) { b.Targets = nil }},
		{"65 targets", "65 targets", func(b *Blob) { b.Targets = make([]Target, 65) }},
		{"targets that wrap 16 bits", "65537 targets", func(b *Blob) { b.Targets = make([]Target, 65537) }},
		{"no name", `name ""`, func(b *Blob) { b.Name = "" }},
		{"long name", "name ", func(b *Blob) { b.Name = strings.Repeat("n", 65) }},
		{"name that wraps 16 bits", "name ", func(b *Blob) { b.Name = strings.Repeat("n", 65536+9) }},
		{"no install mode", "install mode 0", func(b *Blob) { b.Install = 0 }},
		{"unknown flag", "filter flags 0x1", func(b *Blob) { b.Flags = 1 }},
		{"a capability of two words", "capabilities ", func(b *Blob) { b.Inputs.Caps = []string{"CAP_CHOWN CAP_KILL"} }},
		{"an empty capability", "capabilities ", func(b *Blob) { b.Inputs.Caps = []string{""} }},
		{"capabilities that wrap 16 bits", "capabilities of 65537 bytes, 4 targets", func(b *Blob) {
			b.Inputs.Caps = []string{strings.Repeat("A", 65536-17), strings.Repeat("B", 17)}
		}},
		{"no label", `label ""`, func(b *Blob) { b.Targets[0].Label = "" }},
		{"long label", "label of 65 bytes", func(b *Blob) { b.Targets[0].Label = strings.Repeat("l", 65) }},
		{"no ABI", "0 ABIs", func(b *Blob) { b.Targets[0].ABIs = nil }},
		{"5 ABIs", "5 ABIs", func(b *Blob) { b.Targets[0].ABIs = make([]ABI, 5) }},
		{"more ABIs than an entry holds", "9 ABIs", func(b *Blob) { b.Targets[0].ABIs = make([]ABI, 9) }},
		{"ABI 0", "ABI 0 is 0x0", func(b *Blob) { b.Targets[0].ABIs[0].Audit = 0 }},
		{"an ABI of another target", "serve the same ABI", func(b *Blob) { b.Targets[2].ABIs = b.Targets[0].ABIs[1:2] }},
		{"no byte order", "byte order 0", func(b *Blob) { b.Targets[0].Order = 0 }},
		{"no program", "0 instructions", func(b *Blob) { b.Targets[0].Program, b.Lines, b.Targets[1].Lines = nil, nil, [3]int{} }},
		{"4097 instructions", "program of 32776 bytes", func(b *Blob) { b.Targets[0].Program = bytes.Repeat(b.Targets[0].Program[8:16], 4097) }},
		{"instructions that wrap 16 bits", "program of 524296 bytes", func(b *Blob) { b.Targets[0].Program = bytes.Repeat(b.Targets[0].Program[8:16], 65537) }},
		{"half an instruction", "program of 20 bytes", func(b *Blob) { b.Targets[0].Program = b.Targets[0].Program[:20] }},
		{"no return at the end", "does not end in a return", func(b *Blob) {
			b.Targets[0].Program, b.Lines, b.Targets[1].Lines = b.Targets[0].Program[:8], nil, [3]int{}
		}},
		{"a return of no action", "returns what is no action", func(b *Blob) { b.Targets[0].Program = instructions(LittleEndian, 6, 0x7ffd0000) }},
		{"RET A", "returns what is no action", func(b *Blob) { b.Targets[0].Program = instructions(LittleEndian, 0x16, 0, 6, 0) }},
		{"unknown allowed call", "allowed calls 0x8", func(b *Blob) { b.Targets[0].Allows = 8 }},
		{"too large", "a blob has at most", func(b *Blob) {
			for i := range uint32(33) {
				b.Targets = append(b.Targets, Target{Label: "x", Order: LittleEndian, ABIs: []ABI{{i + 1, 0}}, Program: bytes.Repeat(instructions(LittleEndian, 6, 0), 4096)})
			}
		}},
	} {
		b := sample()
		c.edit(b)
		data, err := Encode(b)
		if data != nil || err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "can't be written") {
			t.Errorf("%s: %d bytes, error %v, want %q", c.fault, len(data), err, c.want)
		}
	}
}

func TestFor(t *testing.T) {
	i386, x86, x32 := ABI{0x40000003, 0}, ABI{0xc000003e, 0}, ABI{0xc000003e, 0x40000000}
	b := &Blob{Targets: []Target{
		{Label: "x86_64+i386", ABIs: []ABI{x86, i386}, Order: LittleEndian},
		{Label: "i386", ABIs: []ABI{i386}, Order: LittleEndian},
		{Label: "x32+i386", ABIs: []ABI{x32, i386}, Order: LittleEndian},
		{Label: "big", ABIs: []ABI{{7, 0}}, Order: BigEndian},
		{Label: "little+more", ABIs: []ABI{{8, 0}, {7, 0}}, Order: LittleEndian},
	}}
	for _, c := range []struct {
		name  string
		abi   ABI
		order Order
		want  string
	}{
		{"native", x86, LittleEndian, "x86_64+i386"},
		{"native before compat", i386, LittleEndian, "i386"},
		{"bits tell", x32, LittleEndian, "x32+i386"},
		{"order tells", ABI{7, 0}, BigEndian, "big"},
		{"compat of the right order", ABI{7, 0}, LittleEndian, "little+more"},
		{"other order", x86, BigEndian, ""},
		{"other bits", ABI{0x40000003, 1}, LittleEndian, ""},
		{"other architecture", ABI{9, 0}, LittleEndian, ""},
	} {
		got := ""
		if t := b.For(c.abi, c.order); t != nil {
			got = t.Label
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	b.Targets = b.Targets[:1]
	if got := b.For(i386, LittleEndian); got != &b.Targets[0] {
		t.Errorf("compat where there is no native one: %v", got)
	}
}

func TestDecides(t *testing.T) {
	b := sample()
	for call, want := range map[uint32]string{AllowsExecve: "web.yaml:12", AllowsPrctl: "", AllowsSeccomp: `"../lib/base \u00e9.yaml":1`} {
		if got := b.Decides(&b.Targets[1], call); got != want {
			t.Errorf("call %d: %s, want %s", call, got, want)
		}
	}
}

// TestShipped flips every bit of every shipped blob, and cuts and extends it at every length.
func TestShipped(t *testing.T) {
	files, err := filepath.Glob("../policies/*.seccomp")
	if err != nil || len(files) == 0 {
		t.Fatalf("no blobs: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 8 * len(data) {
				data[i/8] ^= 1 << (i % 8)
				if _, err := Decode(data); err == nil {
					t.Errorf("bit %d of byte %d flipped, and still a blob", i%8, i/8)
				}
				data[i/8] ^= 1 << (i % 8)
			}
			for n := range len(data) {
				if _, err := Decode(data[:n:n]); err == nil {
					t.Errorf("%d of %d bytes are taken for a blob", n, len(data))
				}
			}
			for _, more := range [][]byte{{0}, {6, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 4096), data} {
				if _, err := Decode(slices.Concat(data, more)); err == nil {
					t.Errorf("with %d bytes more it is still a blob", len(more))
				}
			}
			if _, err := Decode(data); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	for _, c := range []struct {
		major, minor, patch int
		want                uint32
	}{{0, 0, 0, 0}, {6, 12, 3, 0x060c03}, {4, 9, 337, 0x0409ff}, {4, 300, 0, 0x04ff00}} {
		if got := Version(c.major, c.minor, c.patch); got != c.want {
			t.Errorf("%d.%d.%d: %#x, want %#x", c.major, c.minor, c.patch, got, c.want)
		}
	}
}

// FuzzDecode: whatever is taken for a blob encodes to the same bytes. The input is tried as it is and sealed.
func FuzzDecode(f *testing.F) {
	seeds, err := filepath.Glob("../policies/*.seccomp")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range seeds {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		if _, err := Decode(data); err != nil {
			f.Errorf("%s: %v", file, err)
		}
	}
	f.Add(encode(f, sample()))
	r := rand.New(rand.NewPCG(2, 2))
	for range 5 {
		f.Add(encode(f, random(r)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, data := range [][]byte{data, seal(bytes.Clone(data))} {
			b, err := Decode(data)
			if err != nil {
				continue
			}
			if again := encode(t, b); !bytes.Equal(again, data) {
				t.Fatal("decoding and encoding gives other bytes")
			}
		}
	})
}
