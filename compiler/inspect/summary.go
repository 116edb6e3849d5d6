package inspect

import (
	"slices"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// A Summary is what a program costs and lets through on one of its ABIs.
type Summary struct {
	ABI    *arch.ABI
	Steps           // over the numbers that have names
	Cached int      // of all numbers, those that the kernel of the native ABI allows from its cache
	Passes []string // names of the calls of which some are let through, ascending
}

// Summarize returns a summary for each ABI of a program. An error means that the kernel would not take the program.
func Summarize(p Program) (list []Summary, err error) {
	d, unread := prove.Read(p.Code, p.BigEndian)
	for _, abi := range p.ABIs {
		s := Summary{ABI: abi}
		var nrs []uint32
		for _, call := range abi.Syscalls() {
			nrs = append(nrs, call.Number)
			c := resolve.Call{Arch: abi.Audit, NR: call.Number}
			a, _, err := Run(p.Code, p.BigEndian, c)
			if err != nil {
				return nil, err
			}
			passes := LetsThrough(a)
			if unread == nil && !passes {
				passes = slices.ContainsFunc(d.Outcomes(c, [6]uint64{}), func(o prove.Outcome) bool { return LetsThrough(o.Action) })
			}
			if passes {
				s.Passes = append(s.Passes, call.Name)
			}
		}
		slices.Sort(s.Passes)
		if s.Steps, err = CountSteps(p.Code, p.BigEndian, abi.Audit, nrs); err != nil {
			return nil, err
		}
		if slices.Contains(cached(p.ABIs[0]), abi) {
			for nr := range numbers(abi) {
				if always, _ := ConstAllow(p.Code, abi.Audit, nr); always {
					s.Cached++
				}
			}
		}
		list = append(list, s)
	}
	return list, nil
}

// Lacks returns those of some calls' names that an ABI has no call of.
func Lacks(abi *arch.ABI, names []string) (list []string) {
	for _, name := range names {
		if _, has := abi.Number(name); !has {
			list = append(list, name)
		}
	}
	return list
}
