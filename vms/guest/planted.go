//go:build linux

package main

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler/inspect"
)

// planted has the comparisons find two faults: the words of each argument swapped, and one number that is off by one.
func planted() (found []finding, err error) {
	p, err := read("words")
	if err != nil {
		return nil, err
	}
	order := p.program.ByteOrder()
	for _, d := range doors() {
		swapped := bytes.Clone(p.program.Program)
		for i := 0; i < len(swapped); i += blob.InstructionSize {
			const load, args = 0x20, 16 // BPF_LD|BPF_W|BPF_ABS; offsetof(struct seccomp_data, args)
			if k := order.Uint32(swapped[i+4:]); order.Uint16(swapped[i:]) == load && k >= args {
				order.PutUint32(swapped[i+4:], k^4)
			}
		}
		trials := p.boundaries(d, 100)
		diffs, err := p.compare(d, trials, swapped)
		if err == nil && len(diffs) == 0 {
			err = fmt.Errorf("swapped words are not found in %d calls", len(trials))
		}
		if err != nil {
			return found, fmt.Errorf("%s%s: %w", d.abi.Name, d.by, err)
		}
		found = append(found, finding{d.abi.Name, len(diffs), fmt.Sprintf("of %d calls show that words are swapped%s", len(trials), d.by)})
	}
	if p, err = read("numbers"); err != nil {
		return found, err
	}
	for _, d := range doors() {
		trials, _ := every(d)
		trials = slices.DeleteFunc(trials, func(t trial) bool { return t.nr&^uintptr(d.abi.Bit) > 1<<13 }) // arm's gap
		off, want, err := p.offByOne(d, trials)
		if err != nil {
			return found, err
		}
		diffs, err := p.compare(d, trials, off)
		if err == nil && !slices.EqualFunc(diffs, want, func(d difference, nr uintptr) bool { return d.nr == nr }) {
			err = fmt.Errorf("a number off by one: the simulation differs at %d, the kernel %v", want, diffs)
		}
		if err != nil {
			return found, fmt.Errorf("%s%s: %w", d.abi.Name, d.by, err)
		}
		found = append(found, finding{d.abi.Name, len(diffs), fmt.Sprintf("of %d numbers shows that one is off by one%s", len(trials), d.by)})
	}
	return found, nil
}

// offByOne adds 1 to a number that the program compares with, so that calls by the door are decided otherwise, and returns
// the numbers of these calls.
func (p policy) offByOne(d door, trials []trial) (program []byte, differ []uintptr, err error) {
	order := p.program.ByteOrder()
	n := len(p.program.Program) / blob.InstructionSize
	for i := range n {
		at := (n/2 + i) % n * blob.InstructionSize
		const compare, class = 0x05, 0x07 // BPF_JMP
		if code := order.Uint16(p.program.Program[at:]); code&class != compare || code == compare {
			continue
		}
		program = bytes.Clone(p.program.Program)
		order.PutUint32(program[at+4:], order.Uint32(program[at+4:])+1)
		in, err := inspect.Instructions(program, d.abi.BigEndian)
		if err != nil {
			return nil, nil, err
		}
		differs := func(t trial) bool {
			c := shown(d.abi, t.call(d.abi))
			got, _, err := inspect.Run(in, d.abi.BigEndian, c)
			return err != nil || got != p.target.Decide(c)
		}
		k := uintptr(order.Uint32(p.program.Program[at+4:]))
		if !slices.ContainsFunc(trials, func(t trial) bool { return t.nr == k && differs(t) }) {
			continue // it is about another ABI
		}
		for _, t := range trials {
			if differs(t) {
				differ = append(differ, t.nr)
			}
		}
		return program, differ, nil
	}
	return nil, nil, fmt.Errorf("%s: no instruction to change", d.abi.Name)
}
