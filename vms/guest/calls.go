//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/blob/load"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/resolve"
	"github.com/seccompc/seccompc/compiler/resolve/resolvetest"
)

// A policy is compiled here, on this machine, and compared with the blob that was checked in.
type policy struct {
	blob    *blob.Blob
	program *blob.Target
	target  *resolve.Target
}

func read(name string) (p policy, err error) {
	if p.blob, err = load.Read(beside(name + ".seccomp")); err != nil {
		return p, err
	}
	if p.program, err = load.Select(p.blob); err != nil {
		return p, err
	}
	src, err := os.ReadFile(beside(name + ".yaml"))
	if err != nil {
		return p, err
	}
	r, diags := compiler.Compile(name+".yaml", src, compiler.Options{Targets: []string{p.program.Label}})
	if err := diags.Err(); err != nil {
		return p, err
	}
	p.target = r.Targets[0]
	if !slices.Equal(r.Blob.Targets[0].Program, p.program.Program) {
		return p, fmt.Errorf("%s: compiled on this machine, the program for %s is another than the one checked in", name, p.program.Label)
	}
	return p, nil
}

// A difference is a call that the kernel did not answer as Decide says.
type difference struct {
	trial
	want resolve.Action
}

func (d difference) String() string {
	return fmt.Sprintf("call %#x with %#x: errno %d, want %s", d.nr, d.args, d.errno, d.want)
}

// compare makes the calls under the program and returns those that are not answered as the policy says.
func (p policy) compare(d door, trials []trial, program []byte) (found []difference, err error) {
	if err := d.answers(trials, program); err != nil {
		return nil, err
	}
	for _, t := range trials {
		if want := p.target.Decide(shown(d.abi, t.call(d.abi))); want.Kind() != resolve.Errno || t.errno != syscall.Errno(want.Data()) {
			found = append(found, difference{t, want})
		}
	}
	return found, nil
}

// call is a trial's call, as it was made.
func (t trial) call(abi *arch.ABI) resolve.Call {
	c := resolve.Call{Arch: abi.Audit, NR: uint32(t.nr)}
	for i, a := range t.args {
		c.Args[i] = uint64(a)
	}
	return c
}

// shown is the call that the kernel shows a filter: not always the one that was made.
func shown(abi *arch.ABI, c resolve.Call) resolve.Call {
	switch {
	case abi.Family == "s390": // arch/s390/kernel/syscall.c
		c.NR &= 0xffff
	case (abi.Name == "mips" || abi.Name == "mipsel") && c.NR == 4000: // the indirect call: scall*-o32.S
		c.NR = uint32(c.Args[0])
		copy(c.Args[:], c.Args[1:])
	}
	return c
}

func (d door) unfiltered(nr uint32) bool { return d.past != nil && d.past(nr) }

// numbers makes the call of every number up to the table's end and a few more, arguments 0, under a policy that answers
// each with an errno of its own.
func numbers() (found []finding, err error) {
	p, err := read("numbers")
	if err != nil {
		return nil, err
	}
	for _, d := range doors() {
		trials, left := every(d)
		diffs, err := p.compare(d, trials, p.program.Program)
		if err != nil {
			return found, fmt.Errorf("%s: %w", d.abi.Name, err)
		}
		if len(diffs) > 0 {
			return found, fmt.Errorf("%s%s: %d of %d numbers: %v", d.abi.Name, d.by, len(diffs), len(trials), diffs[:min(len(diffs), 5)])
		}
		found = append(found, finding{d.abi.Name, len(trials), fmt.Sprintf("up to %#x%s%s", trials[len(trials)-1].nr, left, d.by)})
	}
	return found, nil
}

// every returns the calls of all numbers by a door but those that are left.
func every(d door) (trials []trial, left string) {
	const more = 64
	exit, _ := d.abi.Number("exit")
	calls := d.abi.Syscalls()
	for nr := d.abi.Bit; nr <= calls[len(calls)-1].Number+more; nr++ {
		switch {
		case nr == exit: // it ends the thread
		case d.unfiltered(nr):
			left += fmt.Sprintf(", not %d, which this kernel answers past filters", nr)
		default:
			trials = append(trials, trial{nr: uintptr(nr)})
		}
	}
	return trials, left
}

// words makes calls whose arguments lie on the boundaries of a policy's conditions.
func words() (found []finding, err error) {
	p, err := read("words")
	if err != nil {
		return nil, err
	}
	for _, d := range doors() {
		trials := p.boundaries(d, 300)
		diffs, err := p.compare(d, trials, p.program.Program)
		if err != nil {
			return found, fmt.Errorf("%s: %w", d.abi.Name, err)
		}
		if len(diffs) > 0 {
			return found, fmt.Errorf("%s%s: %d of %d calls: %v", d.abi.Name, d.by, len(diffs), len(trials), diffs[:min(len(diffs), 5)])
		}
		met := map[syscall.Errno]bool{}
		for _, t := range trials {
			met[t.errno] = true
		}
		for _, rule := range p.filter(d.abi).Rules {
			if rule.Action.Kind() == resolve.Errno && !met[syscall.Errno(rule.Action.Data())] {
				return found, fmt.Errorf("%s%s: no call meets the rule at %s", d.abi.Name, d.by, rule.Pos)
			}
		}
		found = append(found, finding{d.abi.Name, len(trials), fmt.Sprintf("calls meet each of %d rules%s", len(p.filter(d.abi).Rules), d.by)})
	}
	return found, nil
}

// boundaries returns calls by a door: n for each rule, whose arguments are values at which this rule may change, and n for
// each at which any may.
func (p policy) boundaries(d door, n int) (trials []trial) {
	r := rand.New(rand.NewPCG(1, 2))
	f := p.filter(d.abi)
	calls := resolvetest.Calls(r, p.target, resolvetest.Values(p.target), n*len(f.Rules))
	for _, rule := range f.Rules {
		own := *f
		own.Rules, own.Known = []resolve.Rule{rule}, rule.Numbers
		target := &resolve.Target{Filters: []*resolve.Filter{&own}}
		calls = append(calls, resolvetest.Calls(r, target, resolvetest.Values(target), n)...)
	}
	for _, c := range calls {
		if c.Arch != d.abi.Audit || p.target.Decide(shown(d.abi, c)).Kind() != resolve.Errno || d.unfiltered(c.NR) {
			continue
		}
		t := trial{nr: uintptr(c.NR)}
		for i, a := range c.Args {
			t.args[i] = uintptr(a)
		}
		trials = append(trials, t)
	}
	return trials
}

func (p policy) filter(abi *arch.ABI) *resolve.Filter {
	return p.target.Filters[slices.IndexFunc(p.target.Filters, func(f *resolve.Filter) bool { return f.ABI == abi })]
}

// simulated compares the simulation of the programs for every ABI with Decide, on the same calls.
func simulated() (found []finding, err error) {
	made := map[string]int{}
	for _, name := range []string{"numbers", "words"} {
		src, err := os.ReadFile(beside(name + ".yaml"))
		if err != nil {
			return found, err
		}
		for _, a := range arch.All() {
			r, diags := compiler.Compile(name+".yaml", src, compiler.Options{Targets: []string{a.Name}, Warn: true})
			if err := diags.Err(); err != nil {
				return found, err
			}
			p := policy{target: r.Targets[0]}
			d := door{abi: a}
			trials, _ := every(d)
			trials = slices.DeleteFunc(trials, func(t trial) bool { return t.nr&^uintptr(a.Bit) > 1<<13 })
			for _, t := range append(trials, p.boundaries(d, 300)...) {
				c := t.call(a)
				got, _, err := inspect.Run(r.Programs[0], a.BigEndian, c)
				if want := p.target.Decide(c); err != nil || got != want {
					return found, fmt.Errorf("%s: %s on %+v, not %s: %w", a.Name, got, c, want, err)
				}
				made[a.Name]++
			}
		}
	}
	for _, a := range arch.All() {
		found = append(found, finding{a.Name, made[a.Name], "calls of the policies numbers and words"})
	}
	return found, nil
}
