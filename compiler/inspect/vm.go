// Package inspect shows what a program does: as a listing, or step by step on a call. Everything is derived from the
// final bytes, whoever made them.
package inspect

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// Instructions decodes an array of struct sock_filter (linux/filter.h) that lies in the given byte order. The error
// says that there are none, too many for the kernel, or a part of one.
func Instructions(raw []byte, bigEndian bool) ([]bpf.RawInstruction, error) {
	var order binary.ByteOrder = binary.LittleEndian
	if bigEndian {
		order = binary.BigEndian
	}
	switch {
	case len(raw)%blob.InstructionSize != 0:
		return nil, fmt.Errorf("%d bytes are no whole number of instructions, which have %d each", len(raw), blob.InstructionSize)
	case len(raw) == 0:
		return nil, fmt.Errorf("no instructions")
	case len(raw) > blob.InstructionSize*blob.MaxInstructions:
		return nil, fmt.Errorf("%d instructions: the kernel takes %d", len(raw)/blob.InstructionSize, blob.MaxInstructions)
	}
	var prog []bpf.RawInstruction
	for ; len(raw) > 0; raw = raw[blob.InstructionSize:] {
		prog = append(prog, bpf.RawInstruction{Op: order.Uint16(raw), Jt: raw[2], Jf: raw[3], K: order.Uint32(raw[4:])})
	}
	return prog, nil
}

// Run executes a program on a call as the kernel would and returns its answer and the number of instructions
// executed. It knows every instruction that the kernel takes for seccomp filters (seccomp_check_filter in
// kernel/seccomp.c); bigEndian tells how the arguments' words lie. The instruction pointer reads as zero. An error
// means that the kernel would not take the program.
func Run(prog []bpf.RawInstruction, bigEndian bool, c resolve.Call) (a resolve.Action, steps int, err error) {
	return run(prog, bigEndian, c, func(Step) {})
}

// A Step is one instruction that was executed.
type Step struct {
	PC    int
	A     uint32 // the accumulator, which jumps look at; behind an instruction that sets it
	Taken bool   // a conditional jump's test was true
}

// Path is Run step by step.
func Path(prog []bpf.RawInstruction, bigEndian bool, c resolve.Call) (a resolve.Action, path []Step, err error) {
	a, _, err = run(prog, bigEndian, c, func(s Step) { path = append(path, s) })
	return a, path, err
}

func run(prog []bpf.RawInstruction, bigEndian bool, c resolve.Call, see func(Step)) (a resolve.Action, steps int, err error) {
	m := machine{bigEndian: bigEndian, call: c}
	for pc := 0; pc < len(prog); pc++ {
		steps++
		in, at, taken := prog[pc], pc, false
		switch {
		case in.Op == 0x06:
			see(Step{pc, m.a, false})
			return resolve.Action(in.K), steps, nil
		case in.Op == 0x16:
			see(Step{pc, m.a, false})
			return resolve.Action(m.a), steps, nil
		case in.Op == 0x3c && m.x == 0: // a division by zero ends the program with 0
			see(Step{pc, m.a, false})
			return resolve.KillThread, steps, nil
		case in.Op == 0x05:
			pc += int(min(in.K, blob.MaxInstructions))
		case in.Op&7 == 5: // a conditional jump
			if taken, err = m.jump(in); taken {
				pc += int(in.Jt)
			} else {
				pc += int(in.Jf)
			}
		default:
			err = m.step(in)
		}
		if err != nil {
			return 0, steps, fmt.Errorf("instruction %d: %w", at, err)
		}
		see(Step{at, m.a, taken})
	}
	return 0, steps, fmt.Errorf("the program runs over its end")
}

type machine struct {
	call      resolve.Call
	bigEndian bool
	a, x      uint32
	mem       [16]uint32
}

// word reads struct seccomp_data.
func (m *machine) word(offset uint32) (uint32, error) {
	switch {
	case offset%4 != 0 || offset >= 64:
		return 0, fmt.Errorf("load from offset %d of struct seccomp_data", offset)
	case offset == 0:
		return m.call.NR, nil
	case offset == 4:
		return m.call.Arch, nil
	case offset < 16:
		return 0, nil
	}
	arg := m.call.Args[(offset-16)/8]
	if high := (offset%8 != 0) != m.bigEndian; high {
		return uint32(arg >> 32), nil
	}
	return uint32(arg), nil
}

func (m *machine) jump(in bpf.RawInstruction) (taken bool, err error) {
	operand := in.K
	if in.Op&0x08 != 0 {
		operand = m.x
	}
	switch in.Op &^ 0x08 {
	case 0x15:
		return m.a == operand, nil
	case 0x25:
		return m.a > operand, nil
	case 0x35:
		return m.a >= operand, nil
	case 0x45:
		return m.a&operand != 0, nil
	}
	return false, fmt.Errorf("opcode %#04x", in.Op)
}

func (m *machine) step(in bpf.RawInstruction) (err error) {
	operand := in.K
	if in.Op&0x08 != 0 {
		operand = m.x
	}
	if (in.Op == 0x64 || in.Op == 0x74) && in.K > 31 {
		return fmt.Errorf("shift by %d", in.K)
	}
	switch in.Op {
	case 0x20: // LD W ABS
		m.a, err = m.word(in.K)
	case 0x00:
		m.a = in.K
	case 0x01:
		m.x = in.K
	case 0x80: // LD W LEN
		m.a = 64
	case 0x81:
		m.x = 64
	case 0x60, 0x61, 0x02, 0x03:
		if in.K >= uint32(len(m.mem)) {
			return fmt.Errorf("memory cell %d", in.K)
		}
		switch in.Op {
		case 0x60:
			m.a = m.mem[in.K]
		case 0x61:
			m.x = m.mem[in.K]
		case 0x02:
			m.mem[in.K] = m.a
		case 0x03:
			m.mem[in.K] = m.x
		}
	case 0x07:
		m.x = m.a
	case 0x87:
		m.a = m.x
	case 0x84:
		m.a = -m.a
	case 0x04, 0x0c:
		m.a += operand
	case 0x14, 0x1c:
		m.a -= operand
	case 0x24, 0x2c:
		m.a *= operand
	case 0x34:
		if in.K == 0 {
			return fmt.Errorf("division by zero")
		}
		m.a /= in.K
	case 0x3c:
		m.a /= m.x // Run has seen to zero
	case 0x54, 0x5c:
		m.a &= operand
	case 0x44, 0x4c:
		m.a |= operand
	case 0xa4, 0xac:
		m.a ^= operand
	case 0x64, 0x6c:
		m.a <<= operand & 31
	case 0x74, 0x7c:
		m.a >>= operand & 31
	default:
		return fmt.Errorf("opcode %#04x", in.Op)
	}
	return err
}
