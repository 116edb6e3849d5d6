//go:build linux && (mips64 || mips64le || s390x)

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/arch"
)

// A bare program is one for an ABI that Go has no programs of: an ELF file made here of a page of machine code and a table of
// calls. It makes the calls, writes down what came of each, sets a flag and runs on, until it is killed by who reads them
// out of its memory.
type bare struct {
	machine uint16 // e_machine
	flags   uint32 // e_flags
	code    func(table, end, done uint32) []byte
	errno   func(result [2]uint64) syscall.Errno
}

// bares are those that machines of this GOARCH may run, by ABI.
func bares() map[string]bare {
	const (
		emMIPS, emS390 = 8, 22       // linux/elf-em.h
		abi2           = 0x20        // EF_MIPS_ABI2 of the kernel's asm/elf.h: n32
		mips64         = 0x6000_0000 // EF_MIPS_ARCH_64
	)
	n32 := bare{emMIPS, abi2 | mips64, mipsCode, func(r [2]uint64) syscall.Errno {
		if r[1] == 0 { // a3: whether it failed
			return 0
		}
		return syscall.Errno(r[0])
	}}
	switch runtime.GOARCH {
	case "mips64le":
		return map[string]bare{"mipsel64n32": n32}
	case "mips64":
		return map[string]bare{"mips64n32": n32}
	case "s390x":
		return map[string]bare{"s390": {emS390, 0, s390Code, func(r [2]uint64) syscall.Errno {
			if v := int32(r[0]); v < 0 {
				return syscall.Errno(-v)
			}
			return 0
		}}}
	}
	return nil
}

// An entry of the table: the number, six arguments, and two registers that have the result.
const entrySize = 9 * 8

// mipsCode is for n32, which has registers and instructions of 64 bits.
func mipsCode(table, end, done uint32) []byte {
	const v0, a3, s0, s1, s2 = 2, 7, 16, 17, 18
	immediate := func(op, rs, rt, imm uint32) uint32 { return op<<26 | rs<<21 | rt<<16 | imm&0xffff }
	const bne, daddiu, ori, lui, sw, ld, sd = 0x05, 0x19, 0x0d, 0x0f, 0x2b, 0x37, 0x3f
	var code []uint32
	for i, v := range []uint32{table, end, done} {
		r := uint32(s0 + i)
		code = append(code, immediate(lui, 0, r, v>>16), immediate(ori, r, r, v))
	}
	loop := len(code)
	for i, r := range []uint32{v0, 4, 5, 6, a3, 8, 9} {
		code = append(code, immediate(ld, s0, r, uint32(8*i)))
	}
	const syscall, nop, forever = 0x0c, 0, 0x1000ffff
	code = append(code, syscall, immediate(sd, s0, v0, 56), immediate(sd, s0, a3, 64), immediate(daddiu, s0, s0, entrySize))
	code = append(code, immediate(bne, s0, s1, uint32(loop-len(code)-1)), nop, immediate(ori, 0, v0, 1), immediate(sw, s2, v0, 0), forever, nop)
	return words32(code)
}

func words32(list []uint32) (out []byte) {
	for _, w := range list {
		out = binary.NativeEndian.AppendUint32(out, w)
	}
	return out
}

// s390Code loads and stores registers of 64 bits, of which 31-bit programs see the lower half.
func s390Code(table, end, done uint32) (code []byte) {
	larl := func(r byte, to uint32) { // an address relative to this instruction's, in halfwords
		code = append(code, 0xc0, r<<4)
		code = binary.BigEndian.AppendUint32(code, (to-(base+codeAt+uint32(len(code))-2))/2)
	}
	larl(8, table)
	larl(9, end)
	larl(10, done)
	loop := len(code)
	for i, r := range []byte{1, 2, 3, 4, 5, 6, 7} {
		code = append(code, 0xe3, r<<4, 0x80, byte(8*i), 0, 0x04) // lg r, 8*i(r8)
	}
	code = append(code, 0x0a, 0)                       // svc 0
	code = append(code, 0xe3, 0x20, 0x80, 56, 0, 0x24) // stg r2, 56(r8)
	code = append(code, 0xa7, 0x8a, 0, entrySize)      // ahi r8, entrySize
	code = append(code, 0x19, 0x89)                    // cr r8, r9
	code = append(code, 0xa7, 0x74)                    // jne loop
	code = binary.BigEndian.AppendUint16(code, uint16((loop-len(code)+2)/2))
	return append(code, 0xa7, 0x28, 0, 1, 0x50, 0x20, 0xa0, 0, 0xa7, 0xf4, 0, 0) // lhi r2, 1; st r2, 0(r10); j .
}

const (
	base   = 0x40_0000 // where the file is mapped
	codeAt = 0x100
	doneAt = 0x800
	progAt = 0x1000
)

// answers makes calls under a filter in a bare program.
func (b bare) answers(abi *arch.ABI, trials []trial, program []byte) error {
	order := binary.NativeEndian
	fprog := progAt + uint32(len(program))
	table := (fprog + 8 + 15) &^ 15
	number := func(name string) uint64 { nr, _ := abi.Number(name); return uint64(nr) }
	entries := [][7]uint64{
		{number("prctl"), unix.PR_SET_NO_NEW_PRIVS, 1},
		{number("prctl"), unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uint64(base + fprog)},
	}
	for _, t := range trials {
		e := [7]uint64{uint64(t.nr)}
		for i, a := range t.args {
			e[1+i] = uint64(a)
		}
		entries = append(entries, e)
	}
	end := table + uint32(entrySize*len(entries))
	file := make([]byte, end)
	// ELF32: the header, one program header.
	ident := []byte{0x7f, 'E', 'L', 'F', 1, 2, 1}
	if order.Uint16([]byte{1, 0}) == 1 {
		ident[5] = 1
	}
	copy(file, ident)
	for i, half := range []uint16{2, b.machine} { // ET_EXEC
		order.PutUint16(file[16+2*i:], half)
	}
	for i, word := range []uint32{1, base + codeAt, 52, 0, b.flags} { // version, entry, program headers, sections, flags
		order.PutUint32(file[20+4*i:], word)
	}
	for i, half := range []uint16{52, 32, 1, 0, 0, 0} {
		order.PutUint16(file[40+2*i:], half)
	}
	for i, word := range []uint32{1, 0, base, base, end, end, 7, 0x1_0000} { // PT_LOAD, all of it, readable, writable, executable
		order.PutUint32(file[52+4*i:], word)
	}
	copy(file[codeAt:], b.code(base+table, base+end, base+doneAt))
	copy(file[progAt:], program)
	order.PutUint16(file[fprog:], uint16(len(program)/8))
	order.PutUint32(file[fprog+4:], base+progAt)
	for i, e := range entries {
		for j, v := range e {
			order.PutUint64(file[int(table)+entrySize*i+8*j:], v)
		}
	}
	path := filepath.Join(os.TempDir(), "bare-"+abi.Name)
	if err := os.WriteFile(path, file, 0o700); err != nil {
		return err
	}
	defer os.Remove(path)
	cmd := exec.Command(path)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer cmd.Process.Kill()
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", cmd.Process.Pid))
	if err != nil {
		return err
	}
	defer memory.Close()
	done := make([]byte, 4)
	for order.Uint32(done) == 0 {
		select {
		case err := <-ended:
			return fmt.Errorf("the program ends by itself: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
		if _, err := memory.ReadAt(done, base+doneAt); err != nil {
			return err
		}
	}
	if _, err := memory.ReadAt(file[table:end], int64(base+table)); err != nil {
		return err
	}
	for i := range entries {
		at := file[int(table)+entrySize*i:]
		errno := b.errno([2]uint64{order.Uint64(at[56:]), order.Uint64(at[64:])})
		switch {
		case i < 2 && errno != 0:
			return fmt.Errorf("prctl: %w", errno)
		case i >= 2:
			trials[i-2].errno = errno
		}
	}
	return nil
}

// bareDoors are the doors of the ABIs that this kernel runs bare programs of.
func bareDoors() (list []door) {
	for name, b := range bares() {
		abi := arch.Lookup(name)
		getppid, _ := abi.Number("getppid")
		// A filter that allows everything, and a call: does the kernel run it?
		const ret, allow = 0x06, 0x7fff0000
		filter := binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint32(nil, 0), allow)
		binary.NativeEndian.PutUint16(filter, ret)
		try := []trial{{nr: uintptr(getppid)}}
		if err := b.answers(abi, try, filter); err != nil || try[0].errno != 0 {
			fmt.Printf("vms: skip calls %s 0 this kernel runs no such programs: %v, errno %d\n", name, err, try[0].errno)
			continue
		}
		list = append(list, door{abi: abi, by: ", in a program without a runtime", answers: func(trials []trial, program []byte) error {
			return b.answers(abi, trials, program)
		}})
	}
	return list
}
