package inspect

import (
	"slices"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// The kernel's charge for an installation in microseconds, as measured on Linux 6.18 on x86_64.
const (
	CostInstall     = 12
	CostInstruction = 0.17
	CostStep        = 0.0024
)

// InstallTime models an installation's microseconds: for a program's instructions, and the steps of the kernel's walks
// (ConstAllow) for all numbers that it keeps in a cache.
func InstallTime(instructions, steps int) float64 {
	return CostInstall + CostInstruction*float64(instructions) + CostStep*float64(steps)
}

// ConstAllow does what seccomp_is_const_allow in the kernel's kernel/seccomp.c does when a filter is installed: it
// follows the program for a number as long as nothing but number and architecture decides. It reports whether the
// number is always allowed, so that it goes to the cache, and the number of instructions looked at.
func ConstAllow(prog []bpf.RawInstruction, audit, nr uint32) (always bool, steps int) {
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
			pc += int(min(in.K, blob.MaxInstructions))
			continue
		case 0x54: // AND K
			a &= in.K
			continue
		case 0x15, 0x25, 0x35, 0x45: // JEQ, JGT, JGE, JSET K
			taken, _ = (&machine{a: a}).jump(in)
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

// compats are the ABIs that the kernel of a native ABI has a cache for beside its own: SECCOMP_ARCH_COMPAT in its
// asm/seccomp.h, where both byte orders of a machine are one. x32's numbers are in none, and MIPS kernels have none.
var compats = map[string]string{"x86_64": "i386", "aarch64": "arm", "s390x": "s390", "ppc64": "ppc", "parisc64": "parisc"}

// cached returns the ABIs whose numbers the kernel of a native ABI tries on each new filter, for its cache.
func cached(native *arch.ABI) (abis []*arch.ABI) {
	if native.Bit != 0 { // x32's kernel is x86_64's
		native = arch.Lookup("x86_64")
	}
	if table := native.Syscalls(); table[0].Number > 1 { // MIPS numbers have a base
		return nil
	}
	abis = []*arch.ABI{native}
	if compat := arch.Lookup(compats[native.Name]); compat != nil {
		abis = append(abis, compat)
	}
	return abis
}

// numbers is NR_syscalls of an ABI by its table: one more than the last number, but for ARM's private ones.
func numbers(abi *arch.ABI) (n uint32) {
	for _, s := range abi.Syscalls() {
		if s.Number < 0xf0000 {
			n = s.Number + 1
		}
	}
	return n
}

// Cached reports whether the kernel of a native ABI allows an ABI's number from its cache, without running the program.
func Cached(prog []bpf.RawInstruction, native, abi *arch.ABI, nr uint32) bool {
	if !slices.Contains(cached(native), abi) || nr >= numbers(abi) {
		return false
	}
	always, _ := ConstAllow(prog, abi.Audit, nr)
	return always
}

// WalkSteps returns the steps of all walks (ConstAllow) that the kernel of a native ABI makes when a program is installed.
func WalkSteps(prog []bpf.RawInstruction, native *arch.ABI) (steps int) {
	for _, a := range cached(native) {
		for nr := range numbers(a) {
			_, n := ConstAllow(prog, a.Audit, nr)
			steps += n
		}
	}
	return steps
}

// Steps are the instructions that a program executes for the calls that it lets through.
type Steps struct {
	Calls int // numbers that are let through (allow or log) with arguments 0
	Mean  float64
	Max   int
}

// CountSteps runs a program on numbers of an architecture, with arguments 0. An error means that the kernel would not
// take the program.
func CountSteps(prog []bpf.RawInstruction, bigEndian bool, audit uint32, numbers []uint32) (s Steps, err error) {
	total := 0
	for _, nr := range numbers {
		action, executed, err := Run(prog, bigEndian, resolve.Call{Arch: audit, NR: nr})
		if err != nil {
			return s, err
		}
		if LetsThrough(action) {
			s.Calls++
			total += executed
			s.Max = max(s.Max, executed)
		}
	}
	s.Mean = float64(total) / float64(max(s.Calls, 1))
	return s, nil
}

// LetsThrough reports whether the kernel makes the call under an action: allow or log. A tracer or listener may make it too.
func LetsThrough(a resolve.Action) bool {
	return a.Kind() == resolve.Allow || a.Kind() == resolve.Log
}
