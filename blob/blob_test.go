package blob

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// program returns n instructions in a byte order: loads, then a return of an action.
func program(order binary.ByteOrder, n int, action uint32) (p []byte) {
	put := func(code uint16, k uint32) {
		in := make([]byte, InstructionSize)
		order.PutUint16(in, code)
		order.PutUint32(in[4:], k)
		p = append(p, in...)
	}
	for range n - 1 {
		put(0x20, 4)
	}
	put(opRet, action)
	return p
}

func sample() *Blob {
	return &Blob{
		Name:    "web-1.0_x",
		Install: Exec,
		Flags:   FlagLog,
		Kernel:  Version(5, 11, 0),
		Inputs:  Inputs{Source: [32]byte{1, 2, 3}, Caps: []string{"CAP_CHOWN", "CAP_SYS_BOOT"}, Kernel: Version(4, 8, 0)},
		Targets: []Target{
			{Label: "x86_64+i386", ABIs: []ABI{{Audit: 0xc000003e}, {Audit: 0x40000003}}, Order: LittleEndian,
				Program: program(binary.LittleEndian, 3, 0x7fff0000), Allows: AllowsExecve, Actions: ReturnsAllow},
			{Label: "x32", ABIs: []ABI{{Audit: 0xc000003e, Bit: 0x40000000}}, Order: LittleEndian,
				Program: program(binary.LittleEndian, MaxInstructions, 0), Actions: ReturnsKillThread},
			{Label: "s390x", ABIs: []ABI{{Audit: 0x80000016}}, Order: BigEndian,
				Program: program(binary.BigEndian, 1, 0x00050001), Actions: ReturnsErrno},
		},
	}
}

func encode(t testing.TB, b *Blob) []byte {
	t.Helper()
	data, err := Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRoundTrip(t *testing.T) {
	bare := sample()
	bare.Inputs = Inputs{}
	bare.Targets = bare.Targets[2:]
	for _, b := range []*Blob{sample(), bare} {
		data := encode(t, b)
		got, err := Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b, got); diff != "" {
			t.Errorf("decoded (+) is not what was encoded (-):\n%s", diff)
		}
		if again := encode(t, got); !bytes.Equal(again, data) {
			t.Error("encoding what was decoded gives other bytes")
		}
	}
}

// seal puts the checksums right after a fault was planted, so that the fault itself is what is found.
func seal(data []byte) {
	le := binary.LittleEndian
	targets := int(le.Uint16(data[20:]))
	text := int(le.Uint16(data[36:])) + int(le.Uint16(data[38:]))
	for i := range targets {
		e := data[headerSize+entrySize*i:]
		text += int(le.Uint16(e[52:]))
		from := min(int(le.Uint32(e[36:])), len(data))
		to := min(from+InstructionSize*int(le.Uint16(e[34:])), len(data))
		le.PutUint32(e[40:], crc32.Checksum(data[from:to], castagnoli))
	}
	first := min((headerSize+entrySize*targets+text+7)&^7, len(data))
	le.PutUint32(data[16:], crc32.Checksum(data[20:first], castagnoli))
}

// TestFaults plants one fault each into a valid blob. The text in the error is the kind of fault.
func TestFaults(t *testing.T) {
	le := binary.LittleEndian
	valid := encode(t, sample())
	const e0, e1, e2 = headerSize, headerSize + entrySize, headerSize + 2*entrySize
	const name = headerSize + 3*entrySize
	first := int(le.Uint32(valid[e0+36:]))
	set16 := func(at int, v uint16) func([]byte) []byte {
		return func(d []byte) []byte { le.PutUint16(d[at:], v); return d }
	}
	set32 := func(at int, v uint32) func([]byte) []byte {
		return func(d []byte) []byte { le.PutUint32(d[at:], v); return d }
	}
	set8 := func(at int, v byte) func([]byte) []byte {
		return func(d []byte) []byte { d[at] = v; return d }
	}
	for _, tt := range []struct {
		kind  string // of the fault
		plant func([]byte) []byte
		want  string
	}{
		{"empty", func([]byte) []byte { return nil }, "empty file"},
		{"too large", func(d []byte) []byte { return append(d, make([]byte, MaxSize)...) }, "a blob has at most 1048576"},
		{"first byte of the magic", set8(0, 'S'), "not a blob"},
		{"line ends of the magic", func(d []byte) []byte { return bytes.ReplaceAll(d, []byte("\r\n"), []byte("\n")) }, "not a blob"},
		{"text begins alike", func([]byte) []byte { return []byte("\x89SC") }, "not a blob"},
		{"header cut", func(d []byte) []byte { return d[:headerSize] }, "truncated"},
		{"entry cut", func(d []byte) []byte { return d[:headerSize+entrySize-1] }, "truncated"},
		{"major version 0", set16(8, 0), "format version 0.0"},
		{"major version 2", set16(8, 2), "format version 2.0"},
		{"minor version 1", set16(10, 1), "format version 1.1"},
		{"size less than the file", set32(12, uint32(len(valid)-1)), "the header says"},
		{"size more than the file", set32(12, uint32(len(valid)+1)), "the header says"},
		{"a byte too many", func(d []byte) []byte { return append(d, 0) }, "the header says"},
		{"a byte too many, counted", func(d []byte) []byte { le.PutUint32(d[12:], uint32(len(d)+1)); return append(d, 0) }, "1 bytes behind the last program"},
		{"no targets", set16(20, 0), "0 targets"},
		{"65 targets", set16(20, 65), "65 targets"},
		{"more targets than there is room for", func(d []byte) []byte {
			b := sample()
			b.Targets = b.Targets[2:]
			d = encode(t, b)
			le.PutUint16(d[20:], 64)
			return d
		}, "64 targets in a file"},
		{"install mode 0", set8(22, 0), "install mode 0"},
		{"install mode 3", set8(22, 3), "install mode 3"},
		{"reserved byte", set8(23, 1), "reserved byte"},
		{"TSYNC as a flag", set32(24, 1), "filter flags 0x1"},
		{"unknown flag", set32(24, 1<<31), "filter flags 0x80000000"},
		{"name of length 0", set16(36, 0), "name \"\""},
		{"name of length 65", set16(36, 65), "name "},
		{"names longer than the file", set16(36, 0xffff), "names of"},
		{"blank in the name", set8(name, ' '), "name "},
		{"escape in the name", set8(name, 0x1b), "name "},
		{"NUL in the name", set8(name, 0), "name "},
		{"capabilities out of order", func(d []byte) []byte { d[name+9+4] = 'Z'; return d }, "capabilities"},
		{"blank behind the capabilities", func(d []byte) []byte { d[name+9+21] = ' '; return d }, "capabilities"},
		{"label of length 0", set16(e0+52, 0), "label \"\""},
		{"label of length 65", set16(e1+52, 65), "program at"},
		{"blank in the label", set8(name+9+22, ' '), "label "},
		{"byte order 0", set8(e0+32, 0), "byte order 0"},
		{"byte order 3", set8(e0+32, 3), "byte order 3"},
		{"the other byte order", set8(e0+32, byte(BigEndian)), "does not end in a return"},
		{"no ABI", set8(e0+33, 0), "0 ABIs"},
		{"5 ABIs", set8(e0+33, 5), "5 ABIs"},
		{"fewer ABIs than there are", set8(e0+33, 1), "1 ABIs, or more than it says"},
		{"more ABIs than there are", set8(e0+33, 3), "ABI 2 is 0x0"},
		{"ABI 0", set32(e0, 0), "ABI 0 is 0x0"},
		{"the same ABI twice in a target", set32(e0+8, 0xc000003e), "ABI 1 is 0xc000003e"},
		{"the same ABI in two targets", set32(e1+4, 0), "serve the same ABI"},
		{"no instructions", set16(e0+34, 0), "0 instructions"},
		{"4097 instructions", set16(e1+34, 4097), "4097 instructions"},
		{"65535 instructions", set16(e2+34, 65535), "65535 instructions"},
		{"an instruction too many", set16(e2+34, 2), "truncated: 2 instructions"},
		{"an instruction too few", set16(e1+34, MaxInstructions-1), "does not end in a return"},
		{"offset too small", set32(e0+36, uint32(first-8)), "program at"},
		{"offset too large", set32(e0+36, uint32(first+8)), "program at"},
		{"offset that wraps", set32(e0+36, 0xfffffff8), "program at"},
		{"actions that the program lacks", set32(e0+44, ReturnsAllow|ReturnsErrno), "returns actions 0x80"},
		{"actions left out", set32(e0+44, 0), "returns actions 0x80"},
		{"unknown call allowed", set32(e0+48, 8), "allowed calls 0x8"},
		{"reserved byte of an entry", set8(e0+54, 1), "reserved bytes"},
		{"last reserved byte of an entry", set8(e2+63, 1), "reserved bytes"},
		{"padding", set8(first-1, 1), "padding is not zero"},
		{"last instruction no return", set8(len(valid)-7, 0), "does not end in a return"},
	} {
		data := tt.plant(bytes.Clone(valid))
		if len(data) >= headerSize+3*entrySize {
			seal(data)
		}
		_, err := Decode(data)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.kind, err, tt.want)
		}
	}
	if data := bytes.Clone(valid); true { // sealing itself is no fault
		seal(data)
		if _, err := Decode(data); err != nil {
			t.Error(err)
		}
	}
}

// TestDamage flips every bit, cuts at every length and appends bytes: the checksums and sizes tell them all.
func TestDamage(t *testing.T) {
	b := sample()
	b.Targets[1].Program = program(binary.LittleEndian, 40, 0)
	valid := encode(t, b)
	for i := range 8 * len(valid) {
		data := bytes.Clone(valid)
		data[i/8] ^= 1 << (i % 8)
		if _, err := Decode(data); err == nil {
			t.Errorf("bit %d of byte %d flipped: accepted", i%8, i/8)
		}
	}
	for n := range valid {
		if _, err := Decode(valid[:n]); err == nil {
			t.Errorf("cut to %d bytes: accepted", n)
		}
	}
	for n := range 20 {
		if _, err := Decode(append(bytes.Clone(valid), make([]byte, n+1)...)); err == nil {
			t.Errorf("%d bytes appended: accepted", n+1)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*Blob){
		"no name":             func(b *Blob) { b.Name = "" },
		"name too long":       func(b *Blob) { b.Name = strings.Repeat("a", 65537) },
		"no targets":          func(b *Blob) { b.Targets = nil },
		"too many targets":    func(b *Blob) { b.Targets = make([]Target, 65537) },
		"empty program":       func(b *Blob) { b.Targets[0].Program = nil },
		"program that wraps":  func(b *Blob) { b.Targets[0].Program = make([]byte, 65537*8) },
		"half an instruction": func(b *Blob) { b.Targets[0].Program = b.Targets[0].Program[:12] },
		"five ABIs":           func(b *Blob) { b.Targets[0].ABIs = make([]ABI, 5) },
		"capability twice":    func(b *Blob) { b.Inputs.Caps = []string{"CAP_A", "CAP_A"} },
		"unsorted caps":       func(b *Blob) { b.Inputs.Caps = []string{"CAP_B", "CAP_A"} },
	} {
		b := sample()
		spoil(b)
		if data, err := Encode(b); err == nil {
			t.Errorf("%s: encoded to %d bytes", name, len(data))
		}
	}
}

func TestFor(t *testing.T) {
	b := sample()
	b.Targets = append(b.Targets, Target{Label: "i386", ABIs: []ABI{{Audit: 0x40000003}}, Order: LittleEndian})
	x86, i386 := ABI{Audit: 0xc000003e}, ABI{Audit: 0x40000003}
	for _, tt := range []struct {
		abi   ABI
		order Order
		want  string
	}{
		{x86, LittleEndian, "x86_64+i386"},
		{ABI{0xc000003e, 0x40000000}, LittleEndian, "x32"},
		{ABI{Audit: 0x80000016}, BigEndian, "s390x"},
		{ABI{Audit: 0x80000016}, LittleEndian, ""},
		{x86, BigEndian, ""},
		{ABI{}, LittleEndian, ""},
		{i386, LittleEndian, "i386"}, // the native match before one that serves it too
	} {
		got := ""
		if target := b.For(tt.abi, tt.order); target != nil {
			got = target.Label
		}
		if got != tt.want {
			t.Errorf("%+v in order %d: target %q, want %q", tt.abi, tt.order, got, tt.want)
		}
	}
	b.Targets = b.Targets[:3]
	if target := b.For(i386, LittleEndian); target == nil || target.Label != "x86_64+i386" {
		t.Error("the program that serves i386 as a compat ABI is not found")
	}
}

// FuzzDecode: what decodes is canonical.
func FuzzDecode(f *testing.F) {
	f.Add(encode(f, sample()))
	shipped, err := filepath.Glob("../policies/*.seccomp")
	if err != nil || len(shipped) == 0 {
		f.Fatalf("no shipped blobs to start from: %v", err)
	}
	for _, path := range shipped {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) >= headerSize+entrySize && int(binary.LittleEndian.Uint16(data[20:])) <= (len(data)-headerSize)/entrySize {
			data = bytes.Clone(data)
			seal(data) // a checksum is no fence for a fuzzer
		}
		b, err := Decode(data)
		if err != nil {
			return
		}
		again, err := Encode(b)
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("decoded, but not encoded to the same bytes: %v", err)
		}
	})
}
