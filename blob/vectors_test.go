package blob

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
)

var le = binary.LittleEndian

// checksum is CRC-32C by its reflected polynomial.
func checksum(data []byte) uint32 { return crc32.Checksum(data, crc32.MakeTable(0x82f63b78)) }

// behindText is where the programs begin, by the lengths that header and entries give.
func behindText(data []byte) int {
	n := int(le.Uint16(data[20:]))
	at := 72 + 64*n + int(le.Uint16(data[36:])) + int(le.Uint16(data[38:]))
	for i := 0; i < n && 72+64*i+64 <= len(data); i++ {
		at += int(le.Uint16(data[72+64*i+52:]))
	}
	return (at + 7) / 8 * 8
}

// resum puts the header's checksum right, in so far as the data has room for the header.
func resum(data []byte) []byte {
	if first := behindText(data); first <= len(data) {
		le.PutUint32(data[16:], checksum(data[20:first]))
	}
	return data
}

// seal puts the size, the offsets and all checksums right.
func seal(data []byte) []byte {
	if len(data) < 72 {
		return data
	}
	le.PutUint32(data[12:], uint32(len(data)))
	at := behindText(data)
	for i := 0; i < int(le.Uint16(data[20:])) && 72+64*i+64 <= len(data); i++ {
		e := data[72+64*i:]
		end := at + 8*int(le.Uint16(e[34:]))
		if end > len(data) {
			break
		}
		le.PutUint32(e[36:], uint32(at))
		le.PutUint32(e[40:], checksum(data[at:end]))
		at = end
	}
	return resum(data)
}

// retext replaces the text of a blob of four targets.
func retext(data []byte, text string) []byte {
	programs := data[le.Uint32(data[72+36:]):]
	data = append(data[:72+4*64:72+4*64], text...)
	return seal(append(append(data, make([]byte, -len(data)&7)...), programs...))
}

// TestVectors: one fault each, with the checksums right unless they are the fault.
func TestVectors(t *testing.T) {
	set := func(at int, bytes ...byte) func([]byte) []byte {
		return func(d []byte) []byte { copy(d[at:], bytes); return seal(d) }
	}
	raw := func(at int, bytes ...byte) func([]byte) []byte {
		return func(d []byte) []byte { copy(d[at:], bytes); return d }
	}
	const e0, e1, text = 72, 72 + 64, 72 + 4*64
	program := func(at int, bytes ...byte) func([]byte) []byte { // in the first program
		return func(d []byte) []byte { copy(d[behindText(d)+at:], bytes); return seal(d) }
	}
	length := func(at int, n byte, text string) func([]byte) []byte {
		return func(d []byte) []byte { d[at] = n; return retext(d, text) }
	}
	for _, c := range []struct {
		fault, want string
		edit        func([]byte) []byte
	}{
		{"empty", "empty file", func([]byte) []byte { return nil }},
		{"magic", "not a blob", raw(0, 0x88)},
		{"magic after line-end conversion", "not a blob", func(d []byte) []byte { return bytes.ReplaceAll(d, []byte("\r\n"), []byte("\n")) }},
		{"magic with the high bit lost", "not a blob", raw(0, 0x09)},
		{"text that begins alike", "not a blob", func([]byte) []byte { return []byte("\x89SC") }},
		{"magic only", "truncated: 8 bytes", func(d []byte) []byte { return d[:8] }},
		{"major version 0", "format version 0.0", set(8, 0)},
		{"major version 2", "format version 2.0", set(8, 2)},
		{"major version 257", "format version 257.0", set(9, 1)},
		{"minor version 1", "format version 1.1", set(10, 1)},
		{"size one too great", "the header says", func(d []byte) []byte { d[12]++; return d }},
		{"size one too small", "the header says", func(d []byte) []byte { d[12]--; return d }},
		{"size in the high byte", "the header says", func(d []byte) []byte { d[15]++; return d }},
		{"header checksum", "the header's checksum", func(d []byte) []byte { d[16] ^= 1; return d }},
		{"header changed, checksum not", "the header's checksum", raw(28, 1)},
		{"name changed, checksum not", "the header's checksum", raw(text, 'x')},
		{"no targets", "0 targets", set(20, 0)},
		{"65 targets", "65 targets", func([]byte) []byte {
			b := &Blob{Name: "n", Install: Exec}
			for i := range uint32(64) {
				b.Targets = append(b.Targets, Target{Label: "x", Order: LittleEndian, ABIs: []ABI{{i + 1, 0}}, Program: instructions(LittleEndian, 6, 0)})
			}
			d := encode(t, b)
			entry, program := bytes.Clone(d[72+63*64:][:64]), d[len(d)-8:]
			entry[0] = 65
			d[20] = 65
			return seal(slices.Concat(d[:72+64*64], entry, d[72+64*64:][:65], []byte("x"), make([]byte, 6), d[len(d)-64*8:], program))
		}},
		{"65535 targets", "65535 targets", set(20, 0xff, 0xff)},
		{"more targets than bytes", "64 targets in a file of", func(d []byte) []byte { return seal(append(d[:20:20], append([]byte{64, 0}, d[22:]...)...)) }},
		{"install 0", "install mode 0", set(22, 0)},
		{"install 3", "install mode 3", set(22, 3)},
		{"reserved byte", "reserved byte of the header", set(23, 1)},
		{"flag TSYNC", "filter flags 0x7", set(24, 7)},
		{"flag 8", "filter flags 0xe", set(24, 14)},
		{"flag in the high byte", "filter flags 0x80000006", set(27, 0x80)},
		{"no name", `name ""`, length(36, 0, "CAP_CHOWN CAP_KILLx86_64+i386+x32s390xaarch64aarch64be")},
		{"long name", "name ", length(36, 65, strings.Repeat("n", 65)+"CAP_CHOWN CAP_KILLx86_64+i386+x32s390xaarch64aarch64be")},
		{"name beyond the file", "names of", set(37, 0xff)},
		{"space in the name", "name ", set(text, ' ')},
		{"slash in the name", "name ", set(text, '/')},
		{"control character in the name", "name ", set(text, 0x1b)},
		{"byte over 127 in the name", "name ", set(text, 0xc3)},
		{"zero byte in the name", "name ", set(text, 0)},
		{"capabilities beyond the file", "names of", set(39, 0xff)},
		{"capabilities unsorted", "capabilities ", set(text+9, []byte("CAP_KILLL CAP_CHOW")...)},
		{"a capability twice", "capabilities ", length(38, 17, "web-1.0_bCAP_CHOW CAP_CHOWx86_64+i386+x32s390xaarch64aarch64be")},
		{"two spaces", "capabilities ", set(text+9+8, ' ')},
		{"space before the capabilities", "capabilities ", set(text+9, ' ')},
		{"space behind the capabilities", "capabilities ", set(text+9+17, ' ')},
		{"comma between the capabilities", "capabilities ", set(text+9+9, ',')},
		{"dot in a capability", "capabilities ", set(text+9, '.')},
		{"capabilities of a space", "capabilities ", length(38, 1, "web-1.0_b x86_64+i386+x32s390xaarch64aarch64be")},
		{"padding", "padding", func(d []byte) []byte { d[behindText(d)-1] = 1; return seal(d) }},
		{"ABI 0", "ABI 0 is 0x0", set(e0, 0, 0, 0, 0)},
		{"ABI 0 behind another", "ABI 1 is 0x0", set(e0+8, 0, 0, 0, 0)},
		{"ABI twice in a target", "ABI 1 is 0xc000003e", set(e0+8, 0x3e, 0, 0, 0xc0, 0, 0, 0, 0)},
		{"native ABIs alike in two targets", `targets "x86_64+i386+x32" and "aarch64" serve the same ABI`, set(e0+2*64, 0x3e, 0, 0, 0xc0)},
		{"compat ABI native in another target", `targets "x86_64+i386+x32" and "aarch64" serve the same ABI`, set(e0+2*64, 3, 0, 0, 0x40)},
		{"same ABI once the orders agree", `targets "aarch64" and "aarch64be" serve the same ABI`, func(d []byte) []byte {
			d[e0+3*64+32] = 1
			d[e0+3*64+44] = 2
			copy(d[len(d)-8:], instructions(LittleEndian, 6, 7))
			return seal(d)
		}},
		{"ABI more than counted", "3 ABIs, or more than it says", set(e0+24, 1)},
		{"bits of an ABI more than counted", "3 ABIs, or more than it says", set(e0+31, 1)},
		{"ABIs counted too few", "2 ABIs, or more than it says", set(e0+33, 2)},
		{"no ABIs", "0 ABIs", set(e0+33, 0)},
		{"5 ABIs", "5 ABIs", set(e0+33, 5)},
		{"255 ABIs", "255 ABIs", set(e0+33, 255)},
		{"byte order 0", "byte order 0", set(e0+32, 0)},
		{"byte order 3", "byte order 3", set(e0+32, 3)},
		{"the other byte order", "does not end in a return", set(e0+32, 2)},
		{"no instructions", "0 instructions", set(e0+34, 0, 0)},
		{"4097 instructions", "target 3: 4097 instructions", func(d []byte) []byte {
			copy(d[e0+3*64+34:], []byte{1, 0x10})
			return seal(append(d, bytes.Repeat(instructions(BigEndian, 6, 0), 4096)...))
		}},
		{"4097 instructions in too few bytes", "4097 instructions", set(e0+34, 1, 0x10)},
		{"65535 instructions", "65535 instructions", set(e0+34, 0xff, 0xff)},
		{"an instruction less than there is", "target 1: program at", func(d []byte) []byte { // the first return ends it
			d[e0+34], d[e0+44] = 2, 128
			le.PutUint32(d[e0+40:], checksum(d[behindText(d):][:16]))
			return resum(d)
		}},
		{"an instruction more than there is", "target 3: truncated: 2 instructions", func(d []byte) []byte { d[e0+3*64+34] = 2; return resum(d) }},
		{"offset beside the program", "target 0: program at", func(d []byte) []byte { d[e0+36] += 8; return resum(d) }},
		{"offset of an earlier program", "target 1: program at", func(d []byte) []byte { copy(d[e1+36:e1+40], d[e0+36:e0+40]); return resum(d) }},
		{"offset beyond the file", "target 1: program at", func(d []byte) []byte { d[e1+39] = 0xff; return resum(d) }},
		{"offset that wraps", "target 0: program at", func(d []byte) []byte { copy(d[e0+36:], []byte{0xf8, 0xff, 0xff, 0xff}); return resum(d) }},
		{"program's checksum", "target 0: damaged: the program's checksum", func(d []byte) []byte { d[e0+40] ^= 1; return resum(d) }},
		{"program changed, checksum not", "target 0: damaged: the program's checksum", func(d []byte) []byte { d[behindText(d)+3] ^= 1; return d }},
		{"last instruction a load", "does not end in a return", program(16, 0x20)},
		{"last instruction RET A", "does not end in a return", program(16, 0x16)},
		{"RET A inside", "returns what is no action", program(8, 0x16)},
		{"RET X inside", "returns what is no action", program(8, 0x0e)},
		{"return of no action", "returns what is no action", program(8+6, 0xfe)},
		{"action missing", "the program returns actions 0x81, the entry says 0x1", set(e0+44, 1)},
		{"action that does not occur", "the program returns actions 0x81, the entry says 0x89", set(e0+44, 0x89)},
		{"action without a name", "the entry says 0x181", set(e0+45, 1)},
		{"allowed call without a name", "allowed calls 0xf", set(e0+48, 15)},
		{"allowed call in the high byte", "allowed calls 0x80000007", set(e0+51, 0x80)},
		{"no label", `target 1: label ""`, length(e1+52, 0, "web-1.0_bCAP_CHOWN CAP_KILLx86_64+i386+x32aarch64aarch64be")},
		{"long label", "target 1: label ", length(e1+52, 65, "web-1.0_bCAP_CHOWN CAP_KILLx86_64+i386+x32"+strings.Repeat("l", 65)+"aarch64aarch64be")},
		{"label beyond the file", "names of", set(e1+53, 0xff)},
		{"space in a label", "label ", set(text+27, ' ')},
		{"dash in a label", "label ", set(text+27, '-')},
		{"reserved byte of an entry, the first", "target 0: reserved bytes", set(e0+54, 1)},
		{"reserved byte of an entry, the last", "target 1: reserved bytes", set(e1+63, 1)},
		{"8 bytes more before the programs", "target 0: program at", func(d []byte) []byte { // the offsets reckon with them
			d = slices.Insert(d, behindText(d), make([]byte, 8)...)
			le.PutUint32(d[12:], uint32(len(d)))
			for i := range 4 {
				le.PutUint32(d[72+64*i+36:], le.Uint32(d[72+64*i+36:])+8)
			}
			return resum(d)
		}},
		{"a byte behind the end", "the header says", func(d []byte) []byte { return append(d, 0) }},
		{"a byte behind the last program", "1 bytes behind the last program", func(d []byte) []byte { return seal(append(d, 0)) }},
		{"an instruction behind the last program", "8 bytes behind the last program", func(d []byte) []byte { return seal(append(d, 6, 0, 0, 0, 0, 0, 0, 0)) }},
		{"larger than any blob", "a blob has at most 1048576", func(d []byte) []byte { return seal(append(d, make([]byte, 1<<20)...)) }},
		{"a byte larger than any blob", "file of 1048577 bytes: a blob has at most 1048576", func(d []byte) []byte { return seal(append(d, make([]byte, 1<<20+1-len(d))...)) }},
		{"exactly as large as a blob may be, filled up", "bytes behind the last program", func(d []byte) []byte { return seal(append(d, make([]byte, 1<<20-len(d))...)) }},
	} {
		t.Run(c.fault, func(t *testing.T) {
			_, err := Decode(c.edit(bytes.Clone(encode(t, sample()))))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if errors.Is(err, ErrNotBlob) != (c.want == "not a blob") {
				t.Errorf("error %v is ErrNotBlob or should be", err)
			}
		})
	}
}

// TestSeal: what the vectors are sealed with changes nothing of a blob without a fault.
func TestSeal(t *testing.T) {
	data := encode(t, sample())
	if !bytes.Equal(seal(bytes.Clone(data)), data) || !bytes.Equal(resum(bytes.Clone(data)), data) {
		t.Error("seal changes a blob")
	}
}

// TestTruncated cuts a blob at every length, as it lies and with the size and checksums put right.
func TestTruncated(t *testing.T) {
	data := encode(t, sample())
	for n := range len(data) {
		if _, err := Decode(data[:n:n]); err == nil {
			t.Errorf("%d of %d bytes are taken for a blob", n, len(data))
		}
		if _, err := Decode(seal(bytes.Clone(data[:n]))); err == nil {
			t.Errorf("%d of %d bytes, sealed, are taken for a blob", n, len(data))
		}
	}
}

// TestBitFlips flips every bit of a blob.
func TestBitFlips(t *testing.T) {
	data := encode(t, sample())
	for i := range 8 * len(data) {
		data[i/8] ^= 1 << (i % 8)
		if _, err := Decode(data); err == nil {
			t.Errorf("bit %d of byte %d flipped, and still a blob", i%8, i/8)
		}
		data[i/8] ^= 1 << (i % 8)
	}
}

// TestSealedBytes sets every byte of header and entries to every value, and puts the checksums right: what is still
// taken is a field's other value and encodes to the same bytes.
func TestSealedBytes(t *testing.T) {
	data := encode(t, sample())
	taken := 0
	for at := range 72 + 4*64 {
		for v := range 256 {
			d := bytes.Clone(data)
			d[at] = byte(v)
			seal(d)
			b, err := Decode(d)
			if err != nil {
				continue
			}
			taken++
			if again := encode(t, b); !bytes.Equal(again, d) {
				t.Fatalf("byte %d set to %d: decoding and encoding gives other bytes", at, v)
			}
		}
	}
	if taken < 10_000 { // kernels, the source's digest, ABIs
		t.Errorf("only %d were taken", taken)
	}
}
