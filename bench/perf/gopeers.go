//go:build linux && amd64

package main

import (
	"cmp"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	elastic "github.com/elastic/go-seccomp-bpf"
	elasticarch "github.com/elastic/go-seccomp-bpf/arch"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/net/bpf"
	"gvisor.dev/gvisor/pkg/abi/linux"
	gvisor "gvisor.dev/gvisor/pkg/seccomp"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// version is that of a module in this program.
func version(module string) string {
	info, _ := debug.ReadBuildInfo()
	for _, m := range info.Deps {
		if m.Path == module {
			return m.Version
		}
	}
	return "of unknown version"
}

// gvisorRules states the profile as gVisor's rule sets, of which the first that matches decides.
func gvisorRules(calls []*call) ([]gvisor.RuleSet, error) {
	var sets []gvisor.RuleSet
	for _, c := range calls {
		nr, ok := c.number()
		if !ok {
			continue
		}
		rule, err := gvisorRule(c)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		i := slices.IndexFunc(sets, func(s gvisor.RuleSet) bool { return s.Action == linux.BPFAction(c.action) })
		if i < 0 {
			i = len(sets)
			sets = append(sets, gvisor.RuleSet{Action: linux.BPFAction(c.action), Rules: gvisor.NewSyscallRules()})
		}
		sets[i].Rules.Set(uintptr(nr), rule)
	}
	return sets, nil
}

func gvisorRule(c *call) (gvisor.SyscallRule, error) {
	if len(c.alternatives) == 0 {
		return gvisor.MatchAll{}, nil
	}
	var or gvisor.Or
	for _, all := range c.alternatives {
		var rule gvisor.PerArg
		for _, a := range all {
			switch {
			case rule[a.Index] != nil:
				return nil, errors.New("an argument twice in one rule")
			case a.Op == specs.OpEqualTo:
				rule[a.Index] = gvisor.EqualTo(a.Value)
			case a.Op == specs.OpLessThan:
				rule[a.Index] = gvisor.LessThan(a.Value)
			case a.Op == specs.OpMaskedEqual:
				rule[a.Index] = gvisor.MaskedEqual(uintptr(a.Value), uintptr(a.ValueTwo))
			default:
				return nil, fmt.Errorf("operator %q", a.Op)
			}
		}
		for i := range rule {
			if rule[i] == nil {
				rule[i] = gvisor.AnyValue{}
			}
		}
		or = append(or, rule)
	}
	return or, nil
}

func buildGvisor(sets []gvisor.RuleSet, otherwise resolve.Action) ([]bpf.RawInstruction, error) {
	insns, _, err := gvisor.BuildProgram(sets, gvisor.ProgramOptions{
		DefaultAction: linux.BPFAction(otherwise),
		BadArchAction: linux.SECCOMP_RET_KILL_PROCESS,
		Optimize:      true,
	})
	var prog []bpf.RawInstruction
	for _, in := range insns {
		prog = append(prog, bpf.RawInstruction{Op: in.OpCode, Jt: in.JumpIfTrue, Jf: in.JumpIfFalse, K: in.K})
	}
	return prog, err
}

// elasticPolicy states the profile as a policy of go-seccomp-bpf. It refuses names that its table lacks, so these are
// left out. Groups without conditions come first: after a condition it compares an argument where it means the number.
func elasticPolicy(calls []*call, otherwise resolve.Action) (*elastic.Policy, error) {
	p := &elastic.Policy{DefaultAction: elastic.ActionErrno}
	if otherwise != resolve.Errno|1 {
		return nil, fmt.Errorf("its errno is EPERM by default, and not %v", otherwise)
	}
	for _, c := range calls {
		if _, ok := elasticarch.X86_64.SyscallNames[c.name]; !ok {
			continue
		}
		i := slices.IndexFunc(p.Syscalls, func(g elastic.SyscallGroup) bool { return g.Action == elastic.Action(c.action) })
		if i < 0 {
			i = len(p.Syscalls)
			p.Syscalls = append(p.Syscalls, elastic.SyscallGroup{Action: elastic.Action(c.action)})
		}
		g := &p.Syscalls[i]
		if len(c.alternatives) == 0 {
			g.Names = append(g.Names, c.name)
		}
		for _, all := range c.alternatives {
			conds, err := elasticConditions(all)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			g.NamesWithCondtions = append(g.NamesWithCondtions, elastic.NameWithConditions{Name: c.name, Conditions: conds})
		}
	}
	slices.SortStableFunc(p.Syscalls, func(a, b elastic.SyscallGroup) int {
		return cmp.Compare(len(a.NamesWithCondtions), len(b.NamesWithCondtions))
	})
	return p, nil
}

func elasticConditions(all conjunction) (conds elastic.ArgumentConditions, err error) {
	for _, a := range all {
		c := elastic.Condition{Argument: uint32(a.Index), Value: a.Value}
		switch {
		case a.Op == specs.OpEqualTo:
			c.Operation = elastic.Equal
		case a.Op == specs.OpLessThan:
			c.Operation = elastic.LessThan
		case a.Op == specs.OpMaskedEqual && a.ValueTwo == 0:
			c.Operation = elastic.BitsNotSet
		default:
			return nil, fmt.Errorf("operator %q with values %#x, %#x", a.Op, a.Value, a.ValueTwo)
		}
		conds = append(conds, c)
	}
	return conds, nil
}

func buildElastic(p *elastic.Policy) ([]bpf.RawInstruction, error) {
	insns, err := p.Assemble()
	if err != nil {
		return nil, err
	}
	return bpf.Assemble(insns)
}
