//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/blob/load"
)

// shipped returns the blobs of policies/.
func shipped(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../../policies/*.seccomp")
	if err != nil || len(files) < 5 {
		t.Fatalf("blobs %q, error %v", files, err)
	}
	blobs := map[string][]byte{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		blobs[filepath.Base(f)] = data
	}
	return blobs
}

// TestDecode compares what the loader reads with what blob.Decode does.
func TestDecode(t *testing.T) {
	blobs := shipped(t)
	complaining, err := os.ReadFile("../../testdata/blobs/v1/complaining.seccomp")
	if err != nil {
		t.Fatal(err)
	}
	blobs["complaining"] = complaining
	for name, data := range blobs {
		want, err := blob.Decode(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want.Inputs, want.Newest = blob.Inputs{Source: want.Inputs.Source}, 0 // the loader has no use for the others
		for i := range want.Lines {
			want.Lines[i].Ranges = nil
		}
		got, err := decode(data)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v, blob.Decode (-) and the loader (+):\n%s", name, err, diff)
		}
	}
}

// TestDamage flips each bit of what the loader reads of the shipped blobs, and cuts and extends them.
func TestDamage(t *testing.T) {
	for name, data := range shipped(t) {
		b, err := blob.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		own, err := load.Select(b)
		if err != nil {
			t.Fatal(err)
		}
		first := int(binary.LittleEndian.Uint32(data[offRules:])) // of the programs
		for i := range b.Targets {
			first -= len(b.Targets[i].Program)
		}
		at := int(uintptr(unsafe.Pointer(&own.Program[0])) - uintptr(unsafe.Pointer(&data[0])))
		damaged := bytes.Clone(data)
		for i := range data {
			if i >= first && (i < at || i >= at+len(own.Program)) {
				continue
			}
			for bit := range 8 {
				damaged[i] ^= 1 << bit
				if _, err := decode(damaged); err == nil {
					t.Errorf("%s: bit %d of byte %d flipped, and not noticed", name, bit, i)
				}
				damaged[i] = data[i]
			}
		}
		for n := range data {
			if _, err := decode(bytes.Clone(data[:n])); err == nil {
				t.Errorf("%s: cut to %d bytes, and not noticed", name, n)
			}
		}
		for _, more := range [][]byte{{0}, {1}, make([]byte, 8), data} {
			if _, err := decode(append(bytes.Clone(data), more...)); err == nil {
				t.Errorf("%s: %d bytes more, and not noticed", name, len(more))
			}
		}
	}
}

// TestCraft changes bytes of blobs that are for this machine alone, one of which complains, makes the checksums right again, and
// wants the loader to refuse what blob.Decode refuses.
func TestCraft(t *testing.T) {
	t.Run("kills", func(t *testing.T) {
		craft(t, 0x80000000, &blob.Blob{Name: "craft", Fallbacks: blob.ReturnsKillProcess})
	})
	t.Run("complains", func(t *testing.T) { craft(t, 0x7ffc0000, &blob.Blob{Name: "craft", Complain: true}) })
}

// craft does it to a blob whose program returns an action.
func craft(t *testing.T, action uint32, b *blob.Blob) {
	abi, order, err := load.Host()
	if err != nil {
		t.Fatal(err)
	}
	p := binary.NativeEndian.AppendUint16(nil, 0x06)
	p = binary.NativeEndian.AppendUint32(append(p, 0, 0), action)
	b.Install, b.Inputs.Caps = blob.Exec, []string{"CAP_A", "CAP_B"}
	b.Targets = []blob.Target{{Label: "host", ABIs: []blob.ABI{abi}, Order: order, Program: append(p, p...), Allows: 7}}
	valid, err := blob.Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	programs := int(binary.LittleEndian.Uint32(valid[offRules:])) - 2*len(p)
	table := crc32.MakeTable(crc32.Castagnoli)
	r := rand.New(rand.NewPCG(1, 2))
	accepted, refused := 0, 0
	for range 200000 {
		data := bytes.Clone(valid)
		for range 1 + r.IntN(2) {
			data[r.IntN(len(data))] = []byte{0, 1, 2, 3, 4, 8, 64, 0xff, byte(r.Uint32())}[r.IntN(9)]
		}
		if r.IntN(8) == 0 {
			data = append(data, make([]byte, 8*r.IntN(3))...)
		}
		if r.IntN(8) != 0 {
			binary.LittleEndian.PutUint32(data[offSize:], uint32(len(data)))
		}
		binary.LittleEndian.PutUint32(data[headerSize+offProgCRC:], crc32.Checksum(data[programs:programs+2*len(p)], table))
		binary.LittleEndian.PutUint32(data[offRulesCRC:], crc32.Checksum(data[programs+2*len(p):], table))
		binary.LittleEndian.PutUint32(data[offCRC:], crc32.Checksum(data[offTargets:programs], table))
		_, want := blob.Decode(data)
		b, got := decode(data)
		if got == nil {
			_, got = load.Select(b)
		}
		switch {
		case got != nil:
			refused++
		case want == nil:
			accepted++
		case strings.HasPrefix(want.Error(), "rule table:"): // the loader has use for it in a message only
		default:
			t.Fatalf("blob.Decode: %v, the loader takes %x", want, data)
		}
	}
	if accepted < 1000 || refused < 1000 {
		t.Errorf("%d accepted, %d refused", accepted, refused)
	}
}

// TestVectors takes the published blobs with one fault each, and those without.
func TestVectors(t *testing.T) {
	index, err := os.ReadFile("../../testdata/blobs/index.txt")
	if err != nil {
		t.Fatal(err)
	}
	refused, taken := 0, 0
	for line := range strings.Lines(string(index)) {
		fields := strings.Split(line, "\t")
		if line[0] == '#' || len(fields) < 3 {
			continue
		}
		data, err := os.ReadFile("../../testdata/blobs/" + fields[0])
		if err != nil {
			t.Fatal(err)
		}
		_, want := blob.Decode(data)
		_, got := decode(data)
		switch {
		case got != nil && want != nil:
			refused++
		case got == nil && want != nil && unseen(fields[1], want.Error()):
			taken++
		default:
			t.Errorf("%s (%s: %s): %v, blob.Decode: %v", fields[0], fields[1], fields[2], got, want)
		}
	}
	if refused < 80 {
		t.Errorf("%d refused", refused)
	}
	t.Logf("%d refused, %d taken for what is wrong in the rule table or in another machine's program", refused, taken)
	good, err := filepath.Glob("../../testdata/blobs/v1/*.seccomp")
	if err != nil || len(good) < 4 {
		t.Fatalf("good blobs %q, error %v", good, err)
	}
	for _, f := range good {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decode(data); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
}

// unseen reports whether a fault is in the rule table or in a program of another machine.
func unseen(kind, err string) bool {
	return kind == "rules" || strings.Contains(err, "rule table") || strings.HasPrefix(err, "target ") && (kind == "program" || kind == "checksum")
}

func TestDigest(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for n := range 300 {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		if got, want := digest(data), sha256.Sum256(data); got != want {
			t.Errorf("%d bytes: %x, want %x", n, got, want)
		}
	}
}
