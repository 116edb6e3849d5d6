package blob

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"strings"
)

// ErrNotBlob means that the data does not begin like a blob at all.
var ErrNotBlob = errors.New("not a blob: the file does not begin with its magic")

// Decode checks every byte of a blob and returns its contents, which share memory with data. Encode gives the same
// bytes back.
func Decode(data []byte) (*Blob, error) {
	le := binary.LittleEndian
	switch {
	case len(data) == 0:
		return nil, errors.New("empty file")
	case len(data) > MaxSize:
		return nil, errorf("file of %d bytes: a blob has at most %d", len(data), MaxSize)
	case !bytes.HasPrefix(data, []byte(magic)):
		return nil, ErrNotBlob
	case len(data) < headerSize+entrySize:
		return nil, errorf("truncated: %d bytes", len(data))
	}
	if major, minor := le.Uint16(data[8:]), le.Uint16(data[10:]); major != 1 || minor != 0 {
		return nil, errorf("format version %d.%d: this reader knows 1.0", major, minor)
	}
	if size := le.Uint32(data[12:]); uint64(size) != uint64(len(data)) {
		return nil, errorf("the header says %d bytes, the file has %d", size, len(data))
	}
	targets, nameLen, capsLen := int(le.Uint16(data[20:])), int(le.Uint16(data[36:])), int(le.Uint16(data[38:]))
	text := headerSize + entrySize*targets
	if targets < 1 || targets > maxTargets || text > len(data) {
		return nil, errorf("%d targets in a file of %d bytes", targets, len(data))
	}
	textLen := nameLen + capsLen
	for i := range targets {
		textLen += int(le.Uint16(data[headerSize+entrySize*i+52:]))
	}
	first := (text + textLen + 7) &^ 7
	if first > len(data) {
		return nil, errorf("names of %d bytes in a file of %d", textLen, len(data))
	}
	if crc32.Checksum(data[20:first], castagnoli) != le.Uint32(data[16:]) {
		return nil, errors.New("damaged: the header's checksum does not match")
	}
	r := textReader(data[text:first])
	b := &Blob{
		Name:      r.next(nameLen),
		Install:   Install(data[22]),
		Flags:     le.Uint32(data[24:]),
		Fallbacks: Fallbacks(data[23]),
		Complain:  data[74] == 1,
		Kernel:    le.Uint32(data[28:]),
		Newest:    le.Uint32(data[76:]),
		Inputs:    Inputs{Kernel: le.Uint32(data[32:]), Source: [32]byte(data[40:72])},
	}
	if caps := r.next(capsLen); caps != "" {
		b.Inputs.Caps = strings.Split(caps, " ")
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	if data[74] > 1 {
		return nil, errorf("complain %d", data[74])
	}
	if data[75] != 0 {
		return nil, errors.New("a reserved byte of the header is not zero")
	}
	if v := le.Uint16(data[72:]); v != language {
		return nil, errorf("policy language version %d: this reader knows 1", v)
	}
	at, returned := first, uint32(0)
	for i := range targets {
		t, err := decodeTarget(data, data[headerSize+entrySize*i:][:entrySize], at, &r)
		if err != nil {
			return nil, errorf("target %d: %w", i, err)
		}
		for _, a := range t.ABIs {
			for _, other := range b.Targets {
				if slices.Contains(other.ABIs, a) && other.Order == t.Order {
					return nil, errorf("targets %q and %q serve the same ABI", other.Label, t.Label)
				}
			}
		}
		b.Targets = append(b.Targets, t)
		at += len(t.Program)
		returned |= t.Actions
	}
	switch {
	case b.Complain && returned&^(ReturnsLog|ReturnsAllow) != 0:
		return nil, errorf("it complains, and its programs return actions %#x", returned)
	case uint32(b.Fallbacks)&^returned != 0:
		return nil, errorf("fallbacks %#x, of which the programs return %#x", uint32(b.Fallbacks), uint32(b.Fallbacks)&returned)
	case !zero(r):
		return nil, errors.New("padding is not zero")
	case uint64(le.Uint32(data[80:])) != uint64(at):
		return nil, errorf("rule table at %d instead of %d", le.Uint32(data[80:]), at)
	case crc32.Checksum(data[at:], castagnoli) != le.Uint32(data[84:]):
		return nil, errors.New("damaged: the rule table's checksum does not match")
	}
	if err := b.decodeRules(data[at:]); err != nil {
		return nil, errorf("rule table: %w", err)
	}
	return b, nil
}

func (b *Blob) check() error {
	switch {
	case len(b.Name) > maxName || !word(b.Name, "._-"):
		return errorf("name %q", b.Name)
	case b.Install != Exec && b.Install != Self:
		return errorf("install mode %d", b.Install)
	case b.Flags&^(FlagLog|FlagSpecAllow) != 0:
		return errorf("filter flags %#x", b.Flags)
	case b.Fallbacks&^(ReturnsKillProcess|ReturnsLog) != 0:
		return errorf("fallbacks %#x", uint32(b.Fallbacks))
	case b.Complain && b.Fallbacks != 0:
		return errorf("it complains, and has fallbacks %#x", uint32(b.Fallbacks))
	}
	for i, c := range b.Inputs.Caps {
		if !word(c, "_") || i > 0 && b.Inputs.Caps[i-1] >= c {
			return errorf("capabilities %q", b.Inputs.Caps)
		}
	}
	return nil
}

func decodeTarget(data, e []byte, at int, r *textReader) (Target, error) {
	le := binary.LittleEndian
	t := Target{
		Label:   r.next(int(le.Uint16(e[52:]))),
		Order:   Order(e[32]),
		Actions: le.Uint32(e[44:]),
		Allows:  le.Uint32(e[48:]),
	}
	abis, count := int(e[33]), int(le.Uint16(e[34:]))
	offset, end := le.Uint32(e[36:]), at+count*InstructionSize
	switch {
	case len(t.Label) > maxName || !word(t.Label, "_+"):
		return t, errorf("label %q", t.Label)
	case t.Order != LittleEndian && t.Order != BigEndian:
		return t, errorf("byte order %d", t.Order)
	case abis < 1 || abis > maxABIs || !zero(e[8*abis:32]):
		return t, errorf("%d ABIs, or more than it says", abis)
	case count < 1 || count > MaxInstructions:
		return t, errorf("%d instructions", count)
	case uint64(offset) != uint64(at):
		return t, errorf("program at %d instead of %d", offset, at)
	case end > len(data):
		return t, errorf("truncated: %d instructions at %d in a file of %d bytes", count, at, len(data))
	case t.Allows&^(AllowsExecve|AllowsPrctl|AllowsSeccomp) != 0:
		return t, errorf("allowed calls %#x", t.Allows)
	case !zero(e[60:]):
		return t, errors.New("reserved bytes are not zero")
	}
	for j := range t.Lines {
		t.Lines[j] = int(le.Uint16(e[54+2*j:]))
	}
	for j := range abis {
		a := ABI{le.Uint32(e[8*j:]), le.Uint32(e[8*j+4:])}
		if a.Audit == 0 || slices.Contains(t.ABIs, a) {
			return t, errorf("ABI %d is %#x, %#x", j, a.Audit, a.Bit)
		}
		t.ABIs = append(t.ABIs, a)
	}
	t.Program = data[at:end:end]
	returns, ok := t.returns()
	switch {
	case crc32.Checksum(t.Program, castagnoli) != le.Uint32(e[40:]):
		return t, errors.New("damaged: the program's checksum does not match")
	case t.ByteOrder().Uint16(t.Program[len(t.Program)-InstructionSize:]) != opRet:
		return t, errors.New("the program does not end in a return")
	case !ok:
		return t, errors.New("the program returns what is no action")
	case returns != t.Actions:
		return t, errorf("the program returns actions %#x, the entry says %#x", returns, t.Actions)
	}
	return t, nil
}

// A textReader is the rest of a blob's text. The lengths were added up before, so it never runs dry.
type textReader []byte

func (r *textReader) next(n int) string {
	s := string((*r)[:n])
	*r = (*r)[n:]
	return s
}

func zero(b []byte) bool { return !slices.ContainsFunc(b, func(x byte) bool { return x != 0 }) }

// word reports whether s consists of letters, digits and the other characters given, and of at least one, so that it can
// be shown as is.
func word(s, others string) bool {
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(others, c) >= 0) {
			return false
		}
	}
	return s != ""
}
