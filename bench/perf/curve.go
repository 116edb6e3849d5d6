//go:build linux && amd64

package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/codegen"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// A form is one of the two ways to write a list of n calls down.
type form struct {
	name              string
	listed, otherwise resolve.Action
}

const denied = resolve.Errno | 1

var forms = []form{
	{"disallow all except", resolve.Allow, denied},
	{"allow all except", denied, resolve.Allow},
}

// sizes are the numbers of rules that are tried, to all calls of x86_64 but one.
func sizes() []int {
	return []int{1, 2, 5, 10, 20, 40, 70, 100, 140, 180, 220, 260, 300, 340, len(arch.Lookup("x86_64").Syscalls()) - 1}
}

// list returns n calls of x86_64 in an order that is always the same and has nothing to do with their numbers.
// exit_group is allowed in either form, for processes must end.
func (f form) list(n int) (names []string, numbers []uint32) {
	const exit = "exit_group"
	calls := slices.Clone(arch.Lookup("x86_64").Syscalls())
	random := rand.New(rand.NewPCG(3, 4))
	random.Shuffle(len(calls), func(a, b int) { calls[a], calls[b] = calls[b], calls[a] })
	i := slices.IndexFunc(calls, func(c arch.Syscall) bool { return c.Name == exit })
	last := len(calls) - 1
	if f.listed == resolve.Allow {
		last = 0
	}
	calls[i], calls[last] = calls[last], calls[i]
	for _, c := range calls[:n] {
		names = append(names, c.Name)
		numbers = append(numbers, c.Number)
	}
	return names, numbers
}

// naive is a program as one writes it by hand: a comparison for each number, one after the other, and not a thought on
// x32. A jump reaches 255 instructions, so there is a return after each block of comparisons.
func (f form) naive(n int) (prog []bpf.RawInstruction) {
	_, numbers := f.list(n)
	prog = []bpf.RawInstruction{
		{Op: 0x20, K: 4}, // load the architecture
		{Op: 0x15, K: auditX86_64, Jt: 1},
		{Op: 0x06, K: uint32(resolve.KillProcess)},
		{Op: 0x20, K: 0}, // load the number
	}
	for block := range slices.Chunk(numbers, 250) {
		for i, nr := range block {
			prog = append(prog, bpf.RawInstruction{Op: 0x15, K: nr, Jt: uint8(len(block) - i)})
		}
		prog = append(prog, bpf.RawInstruction{Op: 0x05, K: 1}, bpf.RawInstruction{Op: 0x06, K: uint32(f.listed)})
	}
	return append(prog, bpf.RawInstruction{Op: 0x06, K: uint32(f.otherwise)})
}

// policy is the same as a policy of ours.
func (f form) policy(n int) string {
	names, _ := f.list(n)
	abi := arch.Lookup("x86_64")
	otherwise := f.otherwise.Format(abi)
	return fmt.Sprintf("seccompc: 1\nname: curve\ninstall: self\ntargets: [x86_64]\ndefault: %s\nunknown: %s\nrules:\n  - %s: [%s]\n",
		otherwise, otherwise, f.listed.Format(abi), strings.Join(names, ", "))
}

// A point of the curve is a form with n rules, as naive code and compiled by us.
type point struct {
	n           int
	naive, ours subject
	build       time.Duration // ours, with proof
}

// curve returns the points of each form.
func curve(j *job, rounds int) ([][]*point, error) {
	points := make([][]*point, len(forms))
	var subjects []*subject
	for i, f := range forms {
		for _, n := range sizes() {
			t, prog, err := ours("curve.yaml", []byte(f.policy(n)), oneABI)
			if err != nil {
				return nil, fmt.Errorf("%s %d calls: %w", f.name, n, err)
			}
			p := &point{n: n, naive: subject{prog: f.naive(n)}, ours: subject{prog: prog}}
			if p.build, err = warm(func() error { return compileProven(t) }); err != nil {
				return nil, err
			}
			points[i] = append(points[i], p)
			subjects = append(subjects, &p.naive, &p.ours)
		}
	}
	for _, s := range subjects {
		if err := s.count(); err != nil {
			return nil, err
		}
	}
	return points, installs(j, subjects, rounds)
}

// compileProven makes a resolved target's program and proves it, as each compilation does.
func compileProven(t *resolve.Target) error {
	prog, err := codegen.Program(t)
	if err != nil {
		return err
	}
	d, err := prove.Read(prog, false)
	if err != nil {
		return err
	}
	return d.Equal(t)
}
