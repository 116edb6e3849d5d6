//go:build linux && amd64

package main

import (
	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/resolve"
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
	f := figures{instructions: len(s.prog)}
	var asked []uint32
	for nr := range uint32(numbers) {
		asked = append(asked, nr)
		always, n := inspect.ConstAllow(s.prog, auditX86_64, nr)
		_, compat := inspect.ConstAllow(s.prog, auditI386, nr)
		f.steps += n + compat
		if always {
			f.inCache++
		}
	}
	executed, err := inspect.CountSteps(s.prog, false, auditX86_64, asked)
	if err != nil {
		return err
	}
	f.allowed, f.mean, f.max = executed.Calls, executed.Mean, executed.Max
	f.modelled = inspect.InstallTime(len(s.prog), f.steps)
	s.figures = f
	return nil
}
