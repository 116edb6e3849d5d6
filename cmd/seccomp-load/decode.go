//go:build linux

package main

import (
	"errors"
	"unsafe"

	"github.com/seccompc/seccompc/blob"
)

// decode reads a blob as the direct entry does, and what that one has no use for: the names. Of the programs it checks
// this machine's. It is not blob.Decode, which checks the others too and words its errors with package fmt: that alone is a tenth of the
// loader's size.
func decode(data []byte) (*blob.Blob, error) {
	p := unsafe.Pointer(unsafe.SliceData(data))
	if wrong := examine(p, uintptr(len(data)), uintptr(len(data))); wrong != "" {
		return nil, errors.New(wrong)
	}
	targets := uintptr(u16(p, offTargets))
	text := data[headerSize+targets*entrySize:]
	next := func(n uint16) string {
		s := string(text[:n])
		text = text[n:]
		return s
	}
	b := &blob.Blob{
		Name:      next(u16(p, offName)),
		Install:   blob.Install(u8(p, offInstall)),
		Flags:     u32(p, offFlags),
		Fallbacks: blob.Fallbacks(u8(p, offFallback)),
		Complain:  u8(p, offComplain) != 0,
		Kernel:    u32(p, offKernel),
		Inputs:    blob.Inputs{Source: [32]byte(data[offSource:])},
	}
	next(u16(p, offCaps))
	b.Sources, b.Lines = rules(data)
	for e := range targets {
		entry := headerSize + e*entrySize
		t := blob.Target{
			Label:   next(u16(p, entry+offLabel)),
			Order:   blob.Order(u8(p, entry+offOrder)),
			Program: data[u32(p, entry+offProgram):][:int(u16(p, entry+offCount))*blob.InstructionSize],
			Actions: u32(p, entry+offActions),
			Allows:  u32(p, entry+offAllows),
		}
		for i := range t.Lines {
			if n := int(u16(p, entry+offLines+2*uintptr(i))); n <= len(b.Lines) {
				t.Lines[i] = n
			}
		}
		for a := range uintptr(u8(p, entry+offABIs)) {
			t.ABIs = append(t.ABIs, blob.ABI{Audit: u32(p, entry+8*a), Bit: u32(p, entry+8*a+4)})
		}
		b.Targets = append(b.Targets, t)
	}
	var own program
	if choose(p, &own); own.count > 0 {
		if wrong := verify(p, &own); wrong != "" {
			return nil, errors.New(wrong)
		}
	}
	return b, nil
}

// rules reads what the rule table says of the policy's lines, but for their instructions. It is there for words only: of
// one that is damaged nothing is taken.
func rules(data []byte) (sources []string, lines []blob.Line) {
	p := unsafe.Pointer(unsafe.SliceData(data))
	table := data[u32(p, offRules):]
	p = unsafe.Pointer(unsafe.SliceData(table))
	if crc(p, uintptr(len(table))) != u32(unsafe.Pointer(unsafe.SliceData(data)), offRulesCRC) {
		return nil, nil
	}
	n := int(u16(p, 2))
	lengths := rulesSize + uint64(n)*lineSize + uint64(u32(p, 4))*rangeSize
	text := lengths + uint64(u16(p, 0))*2
	if text > uint64(len(table)) {
		return nil, nil
	}
	for i := range uintptr(u16(p, 0)) {
		end := text + uint64(u16(p, uintptr(lengths)+2*i))
		if end > uint64(len(table)) {
			return nil, nil
		}
		sources = append(sources, string(table[text:end]))
		text = end
	}
	for i := range uintptr(n) {
		l := blob.Line{Source: int(u16(p, rulesSize+lineSize*i)), Number: int(u32(p, rulesSize+lineSize*i+4))}
		if l.Source >= len(sources) {
			return nil, nil
		}
		lines = append(lines, l)
	}
	return sources, lines
}
