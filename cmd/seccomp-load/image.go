//go:build linux

package main

import (
	"unsafe"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/blob/load"
)

// Where the fields lie that the direct entry reads: the specification is blob's package comment.
const (
	magic       = 0x0a1a0a0d46435389 // as a little-endian integer
	format      = 1                  // major 1, minor 0
	headerSize  = 88
	offVersion  = 8
	offSize     = 12
	offCRC      = 16
	offTargets  = 20
	offInstall  = 22
	offFallback = 23
	offFlags    = 24
	offKernel   = 28
	offName     = 36
	offCaps     = 38
	offSource   = 40
	offLanguage = 72
	offComplain = 74
	offZero     = 75
	offRules    = 80
	offRulesCRC = 84
	entrySize   = 64
	offOrder    = 32
	offABIs     = 33
	offCount    = 34
	offProgram  = 36
	offProgCRC  = 40
	offActions  = 44
	offAllows   = 48
	offLabel    = 52
	offLines    = 54
	offReserved = 60
	maxTargets  = 64
	maxABIs     = 4
	maxText     = 64 // a name or a label
	language    = 1
	rulesSize   = 8 // of the rule table's head
	lineSize    = 8
	rangeSize   = 6
)

// A program is what a blob holds for this machine.
type program struct {
	at                              uintptr // its offset in the blob
	count                           uintptr // of its instructions
	flags, kernel, actions, allowed uint32
	crc                             uint32
}

// What examine and choose find wrong.
const (
	notBlob      = "not a blob: the file does not begin with its magic"
	otherFormat  = "another version of the format: this loader knows 1.0"
	wrongSize    = "the file's size is not the one in its header"
	wrongHeader  = "the header's sizes do not fit into the file"
	damaged      = "damaged: the header's checksum does not match"
	wrongFields  = "the header or an entry has what the format does not allow"
	wrongNames   = "a name in the header has what no name may have"
	wrongProgram = "damaged: the program's checksum does not match"
	wrongReturns = "the program's returns are not those that its entry names"
)

// examine checks the header, the entries and the names of a blob of so many bytes, of which some are at p, and returns what
// is wrong. It refuses all that blob.Decode refuses there. It runs before the Go runtime has started.
//
//go:nosplit
func examine(p unsafe.Pointer, size, have uintptr) (wrong string) {
	switch {
	case have < 8 || uint64(u32(p, 0))|uint64(u32(p, 4))<<32 != magic:
		return notBlob
	case have < headerSize+entrySize || have > size || size > blob.MaxSize:
		return wrongSize
	case u32(p, offVersion) != format:
		return otherFormat
	case uintptr(u32(p, offSize)) != size:
		return wrongSize
	}
	targets := uintptr(u16(p, offTargets))
	text := headerSize + targets*entrySize
	if targets < 1 || targets > maxTargets || text > have {
		return wrongHeader
	}
	end := text + uintptr(u16(p, offName)) + uintptr(u16(p, offCaps))
	for e := uintptr(0); e < targets; e++ {
		end += uintptr(u16(p, headerSize+e*entrySize+offLabel))
	}
	first := (end + 7) &^ 7 // of the programs
	if first > have {
		return wrongHeader
	}
	if crc(unsafe.Add(p, offTargets), first-offTargets) != u32(p, offCRC) {
		return damaged
	}
	if mode := u8(p, offInstall); mode != uint8(blob.Exec) && mode != uint8(blob.Self) || u8(p, offComplain) > 1 || u8(p, offZero) != 0 ||
		u16(p, offLanguage) != language || u32(p, offFlags)&^(blob.FlagLog|blob.FlagSpecAllow) != 0 || !zero(p, end, first) {
		return wrongFields
	}
	name := uintptr(u16(p, offName))
	if name > maxText || !plain(p, text, text+name, '.', '-') {
		return wrongNames
	}
	text += name
	if caps := uintptr(u16(p, offCaps)); caps > 0 {
		if !ascending(p, text, text+caps) {
			return wrongNames
		}
		text += caps
	}
	at, returned := first, uint32(0)
	for e := uintptr(0); e < targets; e++ {
		entry := headerSize + e*entrySize
		abis, count, order := uintptr(u8(p, entry+offABIs)), uintptr(u16(p, entry+offCount)), u8(p, entry+offOrder)
		if abis < 1 || abis > maxABIs || !zero(p, entry+8*abis, entry+offOrder) || !zero(p, entry+offReserved, entry+entrySize) ||
			order != uint8(blob.LittleEndian) && order != uint8(blob.BigEndian) ||
			count < 1 || count > blob.MaxInstructions || uintptr(u32(p, entry+offProgram)) != at ||
			u32(p, entry+offAllows)&^(blob.AllowsExecve|blob.AllowsPrctl|blob.AllowsSeccomp) != 0 {
			return wrongFields
		}
		for a := uintptr(0); a < abis; a++ {
			if u32(p, entry+8*a) == 0 || served(p, e, a) {
				return wrongFields
			}
		}
		label := uintptr(u16(p, entry+offLabel))
		if label > maxText || !plain(p, text, text+label, '+', '+') {
			return wrongNames
		}
		text += label
		at += count * blob.InstructionSize
		returned |= u32(p, entry+offActions)
	}
	if fallbacks := uint32(u8(p, offFallback)); fallbacks&^(blob.ReturnsKillProcess|blob.ReturnsLog) != 0 || fallbacks&^returned != 0 ||
		u8(p, offComplain) != 0 && (fallbacks != 0 || returned&^(blob.ReturnsLog|blob.ReturnsAllow) != 0) {
		return wrongFields
	}
	if uintptr(u32(p, offRules)) != at || at+rulesSize > size {
		return wrongSize
	}
	return ""
}

// served reports whether an ABI of a target is served by an entry before, or is one before in its own.
//
//go:nosplit
func served(p unsafe.Pointer, target, abi uintptr) bool {
	entry := headerSize + target*entrySize
	for e := uintptr(0); e <= target; e++ {
		other := headerSize + e*entrySize
		n := uintptr(u8(p, other+offABIs))
		if e == target {
			n = abi
		}
		for a := uintptr(0); a < n; a++ {
			if u32(p, other+8*a) == u32(p, entry+8*abi) && u32(p, other+8*a+4) == u32(p, entry+8*abi+4) && u8(p, other+offOrder) == u8(p, entry+offOrder) {
				return true
			}
		}
	}
	return false
}

// plain reports whether the bytes from one offset to the other are letters, digits, '_' and the two others given, and at
// least one: they can be shown as they are.
//
//go:nosplit
func plain(p unsafe.Pointer, from, to uintptr, one, other uint8) bool {
	for i := from; i < to; i++ {
		if c := u8(p, i); !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == one || c == other) {
			return false
		}
	}
	return from < to
}

// ascending reports whether the bytes from one offset to the other are words with a space between them, in ascending order.
//
//go:nosplit
func ascending(p unsafe.Pointer, from, to uintptr) bool {
	before := to // the word before: none
	for {
		end := from
		for end < to && u8(p, end) != ' ' {
			end++
		}
		if !plain(p, from, end, '_', '_') {
			return false
		}
		if before != to { // a space is less than all that a word is made of
			i := uintptr(0)
			for from+i < end && u8(p, before+i) == u8(p, from+i) {
				i++
			}
			if from+i == end || u8(p, before+i) > u8(p, from+i) {
				return false
			}
		}
		if end == to {
			return true
		}
		before, from = from, end+1
	}
}

// choose finds this machine's program in a blob that has been examined. If there is none, count is 0.
//
//go:nosplit
func choose(p unsafe.Pointer, found *program) {
	host, order, _ := load.Host()
	chosen := uintptr(0)
	for e := uintptr(0); e < uintptr(u16(p, offTargets)); e++ {
		entry := headerSize + e*entrySize
		for a := uintptr(0); a < uintptr(u8(p, entry+offABIs)); a++ {
			if u32(p, entry+8*a) != host.Audit || u32(p, entry+8*a+4) != host.Bit || u8(p, entry+offOrder) != uint8(order) {
				continue
			}
			chosen = entry
		}
	}
	if found.count = 0; chosen == 0 {
		return
	}
	found.at, found.count = uintptr(u32(p, chosen+offProgram)), uintptr(u16(p, chosen+offCount))
	found.flags, found.kernel = u32(p, offFlags), u32(p, offKernel)
	found.actions, found.allowed, found.crc = u32(p, chosen+offActions), u32(p, chosen+offAllows), u32(p, chosen+offProgCRC)
}

// verify checks the program that was chosen in the blob at p.
//
//go:nosplit
func verify(p unsafe.Pointer, found *program) (wrong string) {
	at := unsafe.Add(p, found.at)
	if crc(at, found.count*blob.InstructionSize) != found.crc {
		return wrongProgram
	}
	if found.actions == 0 || returns(at, found.count) != found.actions {
		return wrongReturns
	}
	return ""
}

// returns collects the actions that a program of this machine's byte order returns, as the bits of an entry's actions; 0
// if it does not end in a return, or has one that is no action.
//
//go:nosplit
func returns(p unsafe.Pointer, count uintptr) (bits uint32) {
	code := uint16(0)
	for i := uintptr(0); i < count; i++ {
		in := unsafe.Add(p, i*blob.InstructionSize)
		if code = *(*uint16)(in); code&7 != opReturn {
			continue
		}
		if code != opReturn {
			return 0
		}
		switch *(*uint32)(unsafe.Add(in, 4)) &^ 0xffff {
		case 0x80000000:
			bits |= blob.ReturnsKillProcess
		case 0:
			bits |= blob.ReturnsKillThread
		case 0x00030000:
			bits |= blob.ReturnsTrap
		case 0x00050000:
			bits |= blob.ReturnsErrno
		case 0x7fc00000:
			bits |= blob.ReturnsNotify
		case 0x7ff00000:
			bits |= blob.ReturnsTrace
		case 0x7ffc0000:
			bits |= blob.ReturnsLog
		case 0x7fff0000:
			bits |= blob.ReturnsAllow
		default:
			return 0
		}
	}
	if code != opReturn {
		return 0
	}
	return bits
}

const opReturn = 0x06 // BPF_RET|BPF_K

// zero reports whether the bytes from one offset to the other are.
//
//go:nosplit
func zero(p unsafe.Pointer, from, to uintptr) bool {
	for ; from < to; from++ {
		if u8(p, from) != 0 {
			return false
		}
	}
	return true
}

//go:nosplit
func u8(p unsafe.Pointer, off uintptr) uint8 { return *(*uint8)(unsafe.Add(p, off)) }

//go:nosplit
func u16(p unsafe.Pointer, off uintptr) uint16 { return uint16(u8(p, off)) | uint16(u8(p, off+1))<<8 }

//go:nosplit
func u32(p unsafe.Pointer, off uintptr) uint32 {
	return uint32(u16(p, off)) | uint32(u16(p, off+2))<<16
}

// crc is the CRC-32C of n bytes at p. The first one makes the table: package initialisers have not run when it is wanted.
//
//go:nosplit
func crc(p unsafe.Pointer, n uintptr) uint32 {
	crcTable := &work.crcTable
	if crcTable[128] == 0 {
		rest := uint32(1) // of the division of x^i by the polynomial, for the byte i
		for i := uint8(128); i > 0; i >>= 1 {
			rest = rest>>1 ^ -(rest&1)&0x82f63b78
			for j := 0; j < 256; j += 2 * int(i) {
				crcTable[uint8(j)+i] = rest ^ crcTable[uint8(j)]
			}
		}
	}
	c := ^uint32(0)
	for i := uintptr(0); i < n; i++ {
		c = c>>8 ^ crcTable[uint8(c)^u8(p, i)]
	}
	return ^c
}
