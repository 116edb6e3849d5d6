package blob

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"regexp"
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
	at := 88 + 64*n + int(le.Uint16(data[36:])) + int(le.Uint16(data[38:]))
	for i := 0; i < n && 88+64*i+64 <= len(data); i++ {
		at += int(le.Uint16(data[88+64*i+52:]))
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

// seal puts the size, the offsets and all checksums right, where the lengths allow it.
func seal(data []byte) []byte {
	if len(data) < 88 {
		return data
	}
	le.PutUint32(data[12:], uint32(len(data)))
	at := behindText(data)
	for i := 0; i < int(le.Uint16(data[20:])) && 88+64*i+64 <= len(data); i++ {
		e := data[88+64*i:]
		end := at + 8*int(le.Uint16(e[34:]))
		if end > len(data) {
			break
		}
		le.PutUint32(e[36:], uint32(at))
		le.PutUint32(e[40:], checksum(data[at:end]))
		at = end
	}
	if at <= len(data) {
		le.PutUint32(data[80:], uint32(at))
		le.PutUint32(data[84:], checksum(data[at:]))
	}
	return resum(data)
}

// table is a blob's rule table.
func table(data []byte) []byte { return data[le.Uint32(data[80:]):] }

// retext replaces the text of a blob of four targets.
func retext(data []byte, text string) []byte {
	programs := data[le.Uint32(data[88+36:]):]
	data = append(data[:88+4*64:88+4*64], text...)
	return seal(append(append(data, make([]byte, -len(data)&7)...), programs...))
}

// A vector is a blob with one fault, and what Decode says of it.
type vector struct {
	fault, want string
	edit        func(good []byte) []byte
}

// vectors have the checksums right unless they are the fault.
func vectors(t *testing.T) []vector {
	set := func(at int, bytes ...byte) func([]byte) []byte {
		return func(d []byte) []byte { copy(d[at:], bytes); return seal(d) }
	}
	raw := func(at int, bytes ...byte) func([]byte) []byte {
		return func(d []byte) []byte { copy(d[at:], bytes); return d }
	}
	const e0, e1, text = 88, 88 + 64, 88 + 4*64
	program := func(at int, bytes ...byte) func([]byte) []byte { // in the first program
		return func(d []byte) []byte { copy(d[behindText(d)+at:], bytes); return seal(d) }
	}
	rules := func(at int, bytes ...byte) func([]byte) []byte { // in the rule table
		return func(d []byte) []byte { copy(table(d)[at:], bytes); return seal(d) }
	}
	length := func(at int, n byte, text string) func([]byte) []byte {
		return func(d []byte) []byte { d[at] = n; return retext(d, text) }
	}
	return []vector{
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
			entry, program := bytes.Clone(d[88+63*64:][:64]), d[len(d)-16:len(d)-8]
			entry[0] = 65
			d[20] = 65
			return seal(slices.Concat(d[:88+64*64], entry, d[88+64*64:][:65], []byte("x"), make([]byte, 6), d[len(d)-64*8-8:len(d)-8], program, d[len(d)-8:]))
		}},
		{"65535 targets", "65535 targets", set(20, 0xff, 0xff)},
		{"more targets than bytes", "64 targets in a file of", func(d []byte) []byte { return seal(append(d[:20:20], append([]byte{64, 0}, d[22:]...)...)) }},
		{"install 0", "install mode 0", set(22, 0)},
		{"install 3", "install mode 3", set(22, 3)},
		{"fallback for trap", "fallbacks 0x5", set(23, 5)},
		{"fallback for allow", "fallbacks 0x81", set(23, 0x81)},
		{"fallback for an action that no program returns", "fallbacks 0x41, of which the programs return 0x1", set(23, 0x41)},
		{"complain 2", "complain 2", set(74, 2)},
		{"complain 129", "complain 129", set(74, 129)},
		{"a fallback where it complains", "it complains, and has fallbacks 0x1", set(74, 1)},
		{"a program that denies where it complains", "it complains, and its programs return actions 0xab", func(d []byte) []byte {
			d[23], d[74] = 0, 1
			return seal(d)
		}},
		{"reserved byte behind complain", "a reserved byte of the header", set(75, 1)},
		{"language version 0", "policy language version 0", set(72, 0)},
		{"language version 2", "policy language version 2", set(72, 2)},
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
			copy(d[behindText(d)+5*8:], instructions(LittleEndian, 6, 7))
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
		{"an instruction more than there is", "target 3: truncated: 4096 instructions", func(d []byte) []byte { copy(d[e0+3*64+34:], []byte{0, 0x10}); return resum(d) }},
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
		{"reserved byte of an entry, the first", "target 0: reserved bytes", set(e0+60, 1)},
		{"reserved byte of an entry, the last", "target 1: reserved bytes", set(e1+63, 1)},
		{"8 bytes more before the programs", "target 0: program at", func(d []byte) []byte { // the offsets reckon with them
			d = slices.Insert(d, behindText(d), make([]byte, 8)...)
			le.PutUint32(d[12:], uint32(len(d)))
			for i := range 4 {
				le.PutUint32(d[88+64*i+36:], le.Uint32(d[88+64*i+36:])+8)
			}
			return resum(d)
		}},
		{"rule table's checksum", "the rule table's checksum", func(d []byte) []byte { d[84] ^= 1; return resum(d) }},
		{"rule table changed, checksum not", "the rule table's checksum", func(d []byte) []byte { d[len(d)-1] ^= 1; return d }},
		{"rule table 8 bytes too early", "rule table at", func(d []byte) []byte { d[80] -= 8; return resum(d) }},
		{"rule table beyond the file", "rule table at", func(d []byte) []byte { d[83] = 1; return resum(d) }},
		{"no rule table", "rule table: truncated: 0 bytes", func(d []byte) []byte { return seal(d[:len(d)-len(table(d))]) }},
		{"rule table of 7 bytes", "rule table: truncated: 7 bytes", func(d []byte) []byte { return seal(d[:len(d)-len(table(d))+7]) }},
		{"no sources, and lines", "rule table: 31 bytes behind the last source", rules(0, 0)},
		{"path of 4097 bytes", `source "`, func(d []byte) []byte {
			t := table(d)
			copy(t[70:], []byte{0x01, 0x10})
			return seal(append(d[:len(d)-19], strings.Repeat("x", 4097)...))
		}},
		{"a source more than there is", "rule table: ", rules(0, 3)},
		{"65535 lines", "65535 lines", rules(2, 0xff, 0xff)},
		{"a line less than there is", "more ranges than the lines have", rules(2, 2)},
		{"ranges beyond the table", "4294967295 ranges", rules(4, 0xff, 0xff, 0xff, 0xff)},
		{"a range less than there is", "more ranges than there are", rules(4, 5)},
		{"line of a source that is not there", "line 2 is 1 of source 2", rules(8+16, 2)},
		{"line 0", "line 0 is 0 of source 0", rules(8+4, 0)},
		{"line 16777217", "line 1 is 16777217 of source 0", rules(8+8+4, 1, 0, 0, 1)},
		{"line with the high bit", "line 1 is", rules(8+8+4+3, 0x80)},
		{"lines that descend", "line 1 does not come behind", rules(8+8+4, 2)},
		{"a line twice", "line 1 does not come behind", rules(8+8+4, 3)},
		{"sources of lines that descend", "line 1 does not come behind", rules(8, 1)},
		{"a line without ranges", "more ranges than the lines have", rules(8+2, 0)},
		{"a line without ranges, the next has them", "line 0 has 0 ranges", rules(8+2, 0, 0, 3, 0, 0, 0, 0, 0, 5)},
		{"a range of a target that is not there", "line 2: instructions 0 to 0 of target 4", rules(8+24+30, 4)},
		{"a range beyond the program", "line 2: instructions 0 to 1 of target 2", rules(8+24+30+4, 1)},
		{"a range that ends before it begins", "line 1: instructions 1 to 0 of target 0", rules(8+24+18+4, 0)},
		{"ranges that descend", "does not come behind", rules(8+24, 1, 0, 0, 0, 0, 0, 0)},
		{"ranges that overlap", "line 0: a range from 0 on does not come behind", rules(8+24+6+2, 0)},
		{"ranges that touch", "line 0: a range from 1 on does not come behind", rules(8+24+6+2, 1)},
		{"source without a path", `source ""`, rules(68, 0, 0, 27)},
		{"sources shorter than their lengths", "longer than the table", rules(68, 9)},
		{"sources longer than their lengths", "1 bytes behind the last source", rules(68, 7)},
		{"absolute path", `source "/eb.yaml"`, rules(72, '/')},
		{"path that is not clean", `source "./b.yaml"`, rules(72, '.', '/')},
		{"path with .. inside", `source "w/../aml"`, rules(73, '/', '.', '.', '/')},
		{"path that ends in /", `source "web.yam/"`, rules(79, '/')},
		{"path with a backslash", `source "w\\b.yaml"`, rules(73, '\\')},
		{"path with a control character", `source "w\x1bb.yaml"`, rules(73, 0x1b)},
		{"path with a line end", `source "w\nb.yaml"`, rules(73, '\n')},
		{"path with the control character U+0085", `source "w\u0085.yaml"`, rules(73, 0xc2, 0x85)},
		{"path that is not UTF-8", `source "w\xffb.yaml"`, rules(73, 0xff)},
		{"path with a zero byte", `source "w\x00b.yaml"`, rules(73, 0)},
		{"a source twice", `source "web.yaml"`, func(d []byte) []byte {
			t := table(d)
			t[70] = 8
			copy(t[80:], "web.yaml")
			return seal(d[:len(d)-11])
		}},
		{"a deciding line of a call that is let through", "names line 1 of 3", set(e0+54, 1)},
		{"a deciding line that is not there", "names line 4 of 3", set(e1+54, 4)},
		{"a byte behind the end", "the header says", func(d []byte) []byte { return append(d, 0) }},
		{"a byte behind the last program", "rule table: 1 bytes behind the last source", func(d []byte) []byte { return seal(append(d, 0)) }},
		{"an instruction behind the last program", "rule table: 8 bytes behind the last source", func(d []byte) []byte { return seal(append(d, 6, 0, 0, 0, 0, 0, 0, 0)) }},
		{"larger than any blob", "a blob has at most 1048576", func(d []byte) []byte { return seal(append(d, make([]byte, 1<<20)...)) }},
		{"a byte larger than any blob", "file of 1048577 bytes: a blob has at most 1048576", func(d []byte) []byte { return seal(append(d, make([]byte, 1<<20+1-len(d))...)) }},
		{"exactly as large as a blob may be, filled up", "bytes behind the last source", func(d []byte) []byte { return seal(append(d, make([]byte, 1<<20-len(d))...)) }},
	}
}

var update = flag.Bool("update", false, "write testdata/blobs")

const folder = "../testdata/blobs/"

// TestVectors: blobs with one fault each are refused for it, and are what is published; what undoes the fault makes them
// valid.
func TestVectors(t *testing.T) {
	good := encode(t, sample())
	index := bytes.NewBufferString(preface)
	published := 0
	for _, v := range vectors(t) {
		data := v.edit(bytes.Clone(good))
		_, err := Decode(data)
		if err == nil || !strings.Contains(err.Error(), v.want) {
			t.Errorf("%s: error %v, want %q", v.fault, err, v.want)
			continue
		}
		if errors.Is(err, ErrNotBlob) != (v.want == "not a blob") {
			t.Errorf("%s: error %v is ErrNotBlob or should be", v.fault, err)
		}
		kind := kindOf(err)
		mended, offset, bad, was := undo(data, good, kind)
		if kind != "checksum" {
			resum(sums(mended))
		}
		if !bytes.Equal(mended, good) {
			t.Errorf("%s: mended, it is another blob: % x", v.fault, mended)
		}
		if len(data) > 100_000 { // zeros at the end
			continue
		}
		published++
		name := slug(v.fault)
		fmt.Fprintf(index, "%s.seccomp\t%s\t%s\t%d %x %x\n", name, kind, v.fault, offset, bad, was)
		compare(t, name+".seccomp", data)
	}
	compare(t, "good.seccomp", good)
	compare(t, "index.txt", index.Bytes())
	if published < 120 {
		t.Errorf("only %d vectors", published)
	}
	files, err := filepath.Glob(folder + "*")
	if err != nil || len(files) != published+3 { // index.txt, good.seccomp, v1
		t.Errorf("%d files for %d vectors, error %v", len(files), published, err)
	}
}

const preface = `# Blobs with one fault each, made from good.seccomp. A loader must refuse those whose fault it can see: all but those of
# the kind "rules", and "program" where the program is another target's. Columns, separated by tabs: the file; the kind of
# fault; what is wrong; how to undo it: from this offset on, these bytes (in hexadecimal) are to be replaced by those. After that the
# checksums must be made anew, but for the kind "checksum". All other checksums, sizes and offsets are right, unless they
# are the fault.
`

// kindOf tells what a fault is about.
func kindOf(err error) string {
	for _, k := range [][2]string{
		{"checksum", "checksum"}, {"rule table", "rules"}, {"empty", "size"}, {"truncated: 8", "size"}, {"the header says", "size"}, {"at most 1048576", "size"}, {"bytes behind", "size"}, {"not a blob", "magic"},
		{"version", "version"}, {"names of", "header"}, {"name ", "name"}, {"capabilities ", "capabilities"}, {"label ", "label"}, {"padding", "padding"}, {"reserved", "reserved"},
		{" targets", "header"}, {"install", "header"}, {"flags", "header"}, {"complain", "header"}, {"fallbacks", "header"}, {"program at", "entry"}, {"truncated", "entry"}, {"instructions", "entry"},
		{"ABI", "entry"}, {"byte order", "entry"}, {"calls", "entry"}, {"the entry says", "entry"}, {"return", "program"},
	} {
		if strings.Contains(err.Error(), k[0]) {
			return k[1]
		}
	}
	return "without a kind"
}

// undo replaces the bytes in which a vector differs from the blob it was made of, checksums left aside unless they are
// the fault.
func undo(data, good []byte, kind string) (mended []byte, offset int, bad, was []byte) {
	like := bytes.Clone(data)
	if kind != "checksum" {
		for _, at := range []int{16, 84, 88 + 40, 88 + 64 + 40, 88 + 2*64 + 40, 88 + 3*64 + 40} {
			if at+4 <= len(like) {
				copy(like[at:], good[at:at+4])
			}
		}
	}
	first := 0
	for first < min(len(data), len(good)) && like[first] == good[first] {
		first++
	}
	last := 0
	for last < min(len(data), len(good))-first && like[len(data)-1-last] == good[len(good)-1-last] {
		last++
	}
	bad, was = data[first:len(data)-last], good[first:len(good)-last]
	return slices.Concat(data[:first], was, data[len(data)-last:]), first, bad, was
}

// sums puts the checksums of programs and rule table right.
func sums(data []byte) []byte {
	for i := range int(le.Uint16(data[20:])) {
		e := data[88+64*i:]
		at := int(le.Uint32(e[36:]))
		le.PutUint32(e[40:], checksum(data[at:at+8*int(le.Uint16(e[34:]))]))
	}
	le.PutUint32(data[84:], checksum(table(data)))
	return data
}

func slug(s string) string {
	return strings.Trim(regexp.MustCompile("[^a-z0-9]+").ReplaceAllString(strings.ToLower(s), "-"), "-")
}

// compare holds a published file against what it should be, or writes it.
func compare(t *testing.T, name string, data []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(folder+name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if was, err := os.ReadFile(folder + name); err != nil || !bytes.Equal(was, data) {
		t.Errorf("%s is not what the test makes (error %v): go test ./blob -update writes it", name, err)
	}
}

// TestFrozen: blobs that were version 1 once are for ever.
func TestFrozen(t *testing.T) {
	files, err := filepath.Glob(folder + "v1/*.seccomp")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d files, error %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Decode(data)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if !bytes.Equal(encode(t, b), data) {
			t.Errorf("%s: decoding and encoding gives other bytes", file)
		}
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
	for at := range 88 + 4*64 {
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
