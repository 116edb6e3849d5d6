//go:build linux && amd64

package main

import (
	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// The kernel's charge for an installation in microseconds, as measured on Linux 6.18 on x86_64.
const (
	costInstall     = 12
	costInstruction = 0.17
	costStep        = 0.0024
)

// numbers is how many the kernel asks a new filter for, on each of its ABIs: NR_syscalls of Linux 6.18.
const numbers = 470

const (
	auditX86_64 = resolve.X86_64
	auditI386   = 0x40000003
)

// figures are what can be told from a program without running it in a kernel.
type figures struct {
	instructions int
	mean         float64 // instructions executed, over x86_64's numbers that are allowed with arguments 0
	max          int
	allowed      int     // such numbers
	inCache      int     // of these, those that the kernel allows from then on without running the program
	steps        int     // of the emulation that fills the cache
	modelled     float64 // install time in microseconds
}

// A subject is a program and what it costs.
type subject struct {
	prog []bpf.RawInstruction
	figures
	install sample // measured, microseconds
}

// count fills in the figures.
func (s *subject) count() error {
	prog, f := s.prog, figures{instructions: len(s.prog)}
	total := 0
	for nr := range uint32(numbers) {
		action, executed, err := inspect.Run(prog, false, resolve.Call{Arch: auditX86_64, NR: nr})
		if err != nil {
			return err
		}
		always, n := constAllow(prog, auditX86_64, nr)
		_, compat := constAllow(prog, auditI386, nr)
		f.steps += n + compat
		if action == resolve.Allow {
			f.allowed++
			total += executed
			f.max = max(f.max, executed)
		}
		if always {
			f.inCache++
		}
	}
	f.mean = float64(total) / float64(max(f.allowed, 1))
	f.modelled = costInstall + costInstruction*float64(len(prog)) + costStep*float64(f.steps)
	s.figures = f
	return nil
}

// constAllow does what seccomp_is_const_allow in the kernel's kernel/seccomp.c does when a filter is installed: it
// follows the program for a number as long as nothing but number and architecture decides. It reports whether the
// number is always allowed, so that it goes to the cache, and the number of instructions looked at.
func constAllow(prog []bpf.RawInstruction, audit, nr uint32) (always bool, steps int) {
	var a uint32
	for pc := 0; pc < len(prog); pc++ {
		steps++
		in := prog[pc]
		var taken bool
		switch in.Op {
		case 0x20: // LD W ABS
			switch in.K {
			case 0:
				a = nr
			case 4:
				a = audit
			default:
				return false, steps
			}
			continue
		case 0x06: // RET K
			return resolve.Action(in.K) == resolve.Allow, steps
		case 0x05: // JA
			pc += int(in.K)
			continue
		case 0x54: // AND K
			a &= in.K
			continue
		case 0x15: // JEQ K
			taken = a == in.K
		case 0x35: // JGE K
			taken = a >= in.K
		case 0x25: // JGT K
			taken = a > in.K
		case 0x45: // JSET K
			taken = a&in.K != 0
		default:
			return false, steps
		}
		if taken {
			pc += int(in.Jt)
		} else {
			pc += int(in.Jf)
		}
	}
	return false, steps
}
