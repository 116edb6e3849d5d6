// Package blob is the file format for compiled seccomp policies: one program per target, ready for the kernel.
//
// # Goals
//
// A loader of a few hundred lines can check a blob and install a program from it without parsing text, allocating
// memory by sizes that it finds in the file, or knowing the names of syscalls. The same policy gives the same bytes.
// Damage is found before anything is installed. A blob can't say "no filter": it has at least one program, and a
// loader that finds none for its machine refuses. What a program was made from can be traced: by the digest of the
// policy, by all other inputs of the compilation, and by a table from the policy's lines to instructions.
//
// # Non-goals
//
// The checksums find damage, not malice: whoever can write the file can write the checksums. Against malice a blob is
// pinned by a digest of all its bytes, or signed, by what is around it. The format is not compressed, not extensible in
// place, and not a container for other data.
//
// # Format
//
// Integers are little-endian, save in the programs. A CRC-32C is the one of iSCSI (RFC 3720): polynomial 0x1edc6f41,
// bits reflected, begun with and finally inverted by 0xffffffff; of "123456789" it is 0xe3069283. Bytes and bits that
// have no meaning here are zero, and a reader refuses those that are not, as it refuses everything else that this text
// does not allow.
//
//	offset size header
//	     0    8 magic: 89 'S' 'C' 'F' 0d 0a 1a 0a; line-end conversion and text-mode copies break it
//	     8    2 major version, 1: a reader refuses any other
//	    10    2 minor version, 0: a reader refuses any other, see below
//	    12    4 size of the file, at most 1 MiB (1048576)
//	    16    4 CRC-32C of the bytes from 20 up to the first program
//	    20    2 number of targets, 1 to 64
//	    22    1 how it is installed: 1 exec (the program is loaded, then a command executed), 2 self (by the process)
//	    23    1 fallbacks, bits of the entries' actions: kill_process 1 (kill_thread stands in for it), log 64 (allow does); of
//	            actions that some program returns
//	    24    4 filter flags of seccomp(2) that the policy wants: LOG 2, SPEC_ALLOW 4
//	    28    4 least kernel that the programs assume, as KERNEL_VERSION(a,b,c) of linux/version.h: a<<16 | b<<8 | c,
//	            b and c at most 255; 0: none
//	    32    4 compilation input: oldest kernel to run on, encoded alike, 0: not given
//	    36    2 length of the policy's name, 1 to 64
//	    38    2 length of the capabilities, 0: none
//	    40   32 compilation input: SHA-256 of the policy's source with LF line ends; where the policy includes others, of
//	            the digests of all of them, its own first, each once, as they are met
//	    72    2 version of the policy language, 1
//	    74    1 complain: 1 if what the policy denies is only logged, see below; else 0
//	    75    1 zero
//	    76    4 newest kernel whose calls the compiler's tables know, encoded like the least one
//	    80    4 offset of the rule table: the end of the last program
//	    84    4 CRC-32C of the rule table
//	    88   64 for each target, its entry
//	            the policy's name: ASCII letters, digits, '.', '_' and '-'
//	            compilation input: the granted capabilities, ASCII letters, digits and '_', in ascending order of their
//	            bytes, each once, separated by one space
//	            for each target, in the order of the entries, its label: ASCII letters, digits, '_' and '+'
//	            zero bytes up to a multiple of 8
//	            the programs in the order of their entries, without gaps
//	            the rule table, up to the end of the file
//
//	offset size target entry
//	     0   32 the ABIs served, the native one first, each in 8 bytes: audit architecture (AUDIT_ARCH_* of
//	            linux/audit.h, never 0), then the bits that tell its numbers from others of that architecture (x32:
//	            0x40000000); zero where unused
//	    32    1 byte order of the program and the ABIs: 1 little-endian, 2 big-endian
//	    33    1 number of ABIs served, 1 to 4
//	    34    2 number of instructions, 1 to 4096
//	    36    4 offset of the program in the file
//	    40    4 CRC-32C of the program
//	    44    4 actions that the program returns: bit 0 kill_process, 1 kill_thread, 2 trap, 3 errno, 4 notify,
//	            5 trace, 6 log, 7 allow
//	    48    4 calls that each of the ABIs served lets through (allow or log) whatever their arguments: bit 0 execve,
//	            1 prctl, 2 seccomp
//	    52    2 length of the label, 1 to 64
//	    54    6 for each of execve, prctl and seccomp in 2 bytes: the number of the line, from 1 on in the rule table, whose
//	            rule decides the call first, where the ABIs don't all let it through whatever its arguments; 0: no rule does
//	    60    4 zero
//
//	offset size rule table
//	     0    2 number of sources
//	     2    2 number of lines
//	     4    4 number of ranges
//	     8    8 for each line of the policy with rules that are in force on some target, in ascending order: the source's
//	            number from 0 on in 2 bytes, the number of its ranges in 2, at least 1, the line's number in 4, 1 to
//	            16777216
//	            for each line its ranges, in ascending order, in 6 bytes: the target's number, the first and the last of
//	            its program's instructions, all from 0 on in 2 bytes
//	            for each source the length of its path in 2 bytes, 1 to 4096
//	            for each source its path, the policy's own first: relative to the policy's folder, as path.Clean of Go
//	            leaves it, UTF-8, separated by '/', without '\\' and control characters; each once
//
// The instructions of a line are those that calls of its rules' numbers may come to once architecture and number are
// decided: tests of arguments, and returns. Ranges of a line in one program neither touch nor overlap. The table is for
// people: a loader needs nothing of it but to say which line denies a call, and may leave the rest unchecked.
//
// An ABI is told by all of audit architecture, bits and byte order: aarch64 and arm have one audit architecture for both
// orders. No ABI is served twice, be it by one target or by two. A label names the ABIs served, for people, as in
// "x86_64+i386".
//
// A program is an array of struct sock_filter (linux/filter.h): u16 code, u8 jt, u8 jf, u32 k, in the target's byte
// order, so that a mapping of the file can be handed to the kernel as it lies. Its last instruction is a return. Every
// return (an opcode with the low three bits 6) has a constant (the opcode is 0x06), the upper half of which is one of
// the actions: 0x8000 kill_process, 0 kill_thread, 0x0003 trap, 0x0005 errno, 0x7fc0 notify, 0x7ff0 trace, 0x7ffc log,
// 0x7fff allow; the entry has the bits of exactly those that occur.
//
// Names, labels and paths are what somebody wrote into a file: whoever shows them quotes what is not plain.
//
// A later minor version may give a meaning to what is zero in this one. So a reader refuses minor versions that it
// doesn't know: whatever they say anew may be what keeps a call from being let through. There is nothing in a blob that a
// reader may pass over unknown.
//
// A loader takes the target whose native ABI is its own, else the one that serves its ABI, else it refuses. What the
// kernel would take and then not do as meant, it finds in the blob first: an action that the kernel doesn't know, a
// kernel that is too old, an execve that the program would deny the loader itself.
//
// On a kernel that lacks an action a loader refuses, unless the policy has declared a fallback for it. Then, in its copy of
// the program and after all checks, it replaces the constant of every return with that action: kill_process by kill_thread
// (0), log by allow (0x7fff0000). It does so for no other reason, and says so.
//
// A blob that complains shows what a program needs, and keeps it from nothing: its programs have log in place of every
// action of the policy but allow. So they return log and allow alone, and there are no fallbacks, for with allow in place of log
// nobody would learn anything. A loader that installs it says that it does.
package blob

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
	"strconv"
)

// MaxSize is the most bytes a blob may have.
const MaxSize = 1 << 20

// MaxInstructions is the most instructions of a program: the kernel's BPF_MAXINSNS.
const MaxInstructions = 4096

// InstructionSize is the size of a struct sock_filter in bytes.
const InstructionSize = 8

// A Blob is a decoded file.
type Blob struct {
	Name      string
	Install   Install
	Flags     uint32 // filter flags of seccomp(2)
	Fallbacks Fallbacks
	Complain  bool   // what the policy denies is only logged
	Kernel    uint32 // least kernel that the programs assume, as Version encodes it; 0: none
	Newest    uint32 // kernel whose calls the compiler's tables know, encoded alike
	Inputs    Inputs
	Targets   []Target
	Sources   []string // paths of the policy and of what it includes, relative to the policy's folder
	Lines     []Line   // of the sources, ascending
}

// A Line of the policy's source has rules that are in force on some target.
type Line struct {
	Source int // index in Blob.Sources
	Number int // from 1 on
	Ranges []Range
}

// A Range is instructions of a target's program that calls of a line's rules may come to, both ends included.
type Range struct{ Target, First, Last int }

// Install says how a blob's program gets into the kernel.
type Install uint8

// The ways to install: exec by seccomp-load, which then executes a command, or self by the process itself.
const (
	Exec Install = 1
	Self Install = 2
)

// Filter flags of seccomp(2).
const (
	FlagLog       = 1 << 1
	FlagSpecAllow = 1 << 2
)

// Inputs are what the compilation depended on, beside the compiler.
type Inputs struct {
	Source [32]byte // SHA-256 of the policy's source with LF line ends
	Caps   []string // capabilities granted, ascending
	Kernel uint32   // oldest kernel to run on, as Version encodes it; 0: not given
}

// A Target is one program and the ABIs it serves.
type Target struct {
	Label   string // "x86_64+i386"
	ABIs    []ABI  // 1 to 4, the native one first
	Order   Order
	Program []byte // struct sock_filter, 8 bytes each, in the byte order Order
	Allows  uint32 // calls let through whatever their arguments: AllowsExecve, ...
	Lines   [3]int // for each bit of Allows that is not set: the line, from 1 on, whose rule decides the call first; 0: none
	Actions uint32 // actions returned: ReturnsKillProcess, ...; Encode sets it
}

// An ABI is told by its audit architecture, by the bits that its numbers have set (x32's 0x40000000, else 0), and by
// its target's byte order.
type ABI struct{ Audit, Bit uint32 }

// Order is a byte order.
type Order uint8

// The byte orders.
const (
	LittleEndian Order = 1
	BigEndian    Order = 2
)

// Bits of Target.Allows.
const (
	AllowsExecve = 1 << iota
	AllowsPrctl
	AllowsSeccomp
)

// Bits of Target.Actions, in the kernel's order of precedence.
const (
	ReturnsKillProcess = 1 << iota
	ReturnsKillThread
	ReturnsTrap
	ReturnsErrno
	ReturnsNotify
	ReturnsTrace
	ReturnsLog
	ReturnsAllow
)

// Version encodes a kernel version as KERNEL_VERSION of linux/version.h does.
func Version(major, minor, patch int) uint32 {
	return uint32(major)<<16 | uint32(min(minor, 255))<<8 | uint32(min(patch, 255))
}

// Decides says where the policy decides first about a call that a target doesn't always let through, "web.yaml:12"; it is
// empty where no rule does. The call is one of the bits of Target.Allows. A path of more than printable ASCII is quoted.
func (b *Blob) Decides(t *Target, call uint32) string {
	n := t.Lines[bits.TrailingZeros32(call)]
	if n == 0 {
		return ""
	}
	source := b.Sources[b.Lines[n-1].Source]
	if quoted := strconv.QuoteToASCII(source); quoted != `"`+source+`"` {
		source = quoted
	}
	return source + ":" + strconv.Itoa(b.Lines[n-1].Number)
}

// For returns the target for programs of an ABI: the one native to it, else the one that serves it, else nil.
func (b *Blob) For(abi ABI, order Order) *Target {
	var serves *Target
	for i := range b.Targets {
		t := &b.Targets[i]
		for j, a := range t.ABIs {
			switch {
			case a != abi || t.Order != order:
			case j == 0:
				return t
			default:
				serves = t
			}
		}
	}
	return serves
}

// ByteOrder returns the order in which integers of the program lie.
func (t *Target) ByteOrder() binary.ByteOrder {
	if t.Order == BigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// Instructions returns the number of the program's instructions.
func (t *Target) Instructions() int { return len(t.Program) / InstructionSize }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)
