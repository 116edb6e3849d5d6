//go:build linux

package main

import (
	"errors"
	"strings"
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
		Name:    next(u16(p, offName)),
		Install: blob.Install(u8(p, offInstall)),
		Flags:   u32(p, offFlags),
		Kernel:  u32(p, offKernel),
		Inputs:  blob.Inputs{Source: [32]byte(data[offSource:])},
	}
	next(u16(p, offCaps))
	if !word(b.Name, "._-") {
		return nil, errors.New("its name has characters that no name may have")
	}
	for e := range targets {
		entry := headerSize + e*entrySize
		t := blob.Target{
			Label:   next(u16(p, entry+offLabel)),
			Order:   blob.Order(u8(p, entry+offOrder)),
			Program: data[u32(p, entry+offProgram):][:int(u16(p, entry+offCount))*blob.InstructionSize],
			Actions: u32(p, entry+offActions),
			Allows:  u32(p, entry+offAllows),
		}
		if !word(t.Label, "_+") {
			return nil, errors.New("a label has characters that no label may have")
		}
		for a := range uintptr(u8(p, entry+offABIs)) {
			t.ABIs = append(t.ABIs, blob.ABI{Audit: u32(p, entry+8*a), Bit: u32(p, entry+8*a+4)})
		}
		b.Targets = append(b.Targets, t)
	}
	var own program
	wrong := choose(p, &own)
	if wrong == "" && own.count > 0 {
		wrong = verify(p, &own)
	}
	if wrong != "" {
		return nil, errors.New(wrong)
	}
	return b, nil
}

// word reports whether s consists of letters, digits and the other characters given, so that it can be shown as it is.
func word(s, others string) bool {
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(others, c) >= 0) {
			return false
		}
	}
	return true
}
