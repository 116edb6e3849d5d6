package blob

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"slices"
	"strings"
)

const (
	magic      = "\x89SCF\r\n\x1a\n"
	headerSize = 88
	entrySize  = 64
	language   = 1 // the policy language's version
	maxTargets = 64
	maxABIs    = 4
	maxName    = 64
	classMask  = 0x07 // of an opcode: its class
	opRet      = 0x06 // BPF_RET|BPF_K: the class of returns, with a constant
)

// Encode returns the blob's bytes. It refuses what Decode would refuse, so Decode inverts it.
func Encode(b *Blob) ([]byte, error) {
	le := binary.LittleEndian
	caps := strings.Join(b.Inputs.Caps, " ")
	if err := b.check(); err != nil {
		return nil, errorf("blob can't be written: %w", err)
	}
	if len(caps) > math.MaxUint16 || len(b.Targets) < 1 || len(b.Targets) > maxTargets {
		return nil, errorf("blob %q can't be written: capabilities of %d bytes, %d targets", b.Name, len(caps), len(b.Targets))
	}
	text := b.Name + caps
	for _, t := range b.Targets {
		text += t.Label
	}
	first := (headerSize + entrySize*len(b.Targets) + len(text) + 7) &^ 7
	out := make([]byte, first)
	copy(out, magic)
	le.PutUint16(out[8:], 1)
	le.PutUint16(out[20:], uint16(len(b.Targets)))
	out[22], out[23] = byte(b.Install), byte(b.Fallbacks)
	if b.Complain {
		out[74] = 1
	}
	le.PutUint32(out[24:], b.Flags)
	le.PutUint32(out[28:], b.Kernel)
	le.PutUint32(out[32:], b.Inputs.Kernel)
	le.PutUint16(out[36:], uint16(len(b.Name)))
	le.PutUint16(out[38:], uint16(len(caps)))
	copy(out[40:], b.Inputs.Source[:])
	le.PutUint16(out[72:], language)
	le.PutUint32(out[76:], b.Newest)
	copy(out[headerSize+entrySize*len(b.Targets):], text)
	for i, t := range b.Targets {
		e := out[headerSize+entrySize*i:][:entrySize]
		if len(t.ABIs) > maxABIs || len(t.Label) > maxName || len(t.Program) > MaxInstructions*InstructionSize || len(t.Program)%InstructionSize != 0 {
			return nil, errorf("target %q can't be written: %d ABIs, label of %d bytes, program of %d bytes", t.Label, len(t.ABIs), len(t.Label), len(t.Program))
		}
		returns, ok := t.returns()
		if !ok {
			return nil, errorf("target %q can't be written: the program returns what is no action", t.Label)
		}
		for j, a := range t.ABIs {
			le.PutUint32(e[8*j:], a.Audit)
			le.PutUint32(e[8*j+4:], a.Bit)
		}
		e[32], e[33] = byte(t.Order), byte(len(t.ABIs))
		le.PutUint16(e[34:], uint16(t.Instructions()))
		le.PutUint32(e[36:], uint32(len(out)))
		le.PutUint32(e[40:], crc32.Checksum(t.Program, castagnoli))
		le.PutUint32(e[44:], returns)
		le.PutUint32(e[48:], t.Allows)
		le.PutUint16(e[52:], uint16(len(t.Label)))
		for j, n := range t.Lines {
			le.PutUint16(e[54+2*j:], uint16(n))
		}
		out = append(out, t.Program...)
	}
	table, err := b.encodeRules()
	if err != nil {
		return nil, errorf("blob %q can't be written: %w", b.Name, err)
	}
	le.PutUint32(out[80:], uint32(len(out)))
	le.PutUint32(out[84:], crc32.Checksum(table, castagnoli))
	out = append(out, table...)
	le.PutUint32(out[12:], uint32(len(out)))
	le.PutUint32(out[16:], crc32.Checksum(out[20:first], castagnoli))
	if _, err := Decode(out); err != nil {
		return nil, errorf("blob %q can't be written: %w", b.Name, err)
	}
	return out, nil
}

// returns collects the actions of the program's returns; ok is false if one of them is no action or no constant.
func (t *Target) returns() (bits uint32, ok bool) {
	order := t.ByteOrder()
	for in := range slices.Chunk(t.Program, InstructionSize) {
		code := order.Uint16(in)
		if code&classMask != opRet {
			continue
		}
		i := slices.Index(actions[:], order.Uint32(in[4:])&^0xffff)
		if code != opRet || i < 0 {
			return 0, false
		}
		bits |= 1 << i
	}
	return bits, true
}

// actions are the SECCOMP_RET_* values of linux/seccomp.h in the order of Target.Actions' bits.
var actions = [...]uint32{0x80000000, 0, 0x00030000, 0x00050000, 0x7fc00000, 0x7ff00000, 0x7ffc0000, 0x7fff0000}
