//go:build linux && amd64

package main

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// A stretch is numbers of one architecture on which a program differs from a target in the same way, whatever the
// arguments in the target.
type stretch struct {
	audit       uint32 // other: any that is neither x86_64's nor i386's
	first, last uint32
	ours        resolve.Action
	theirs      []resolve.Action // several where arguments matter there
}

const (
	other     = 0
	elsewhere = 0xc00000b7 // one of these, aarch64
)

// differences returns all stretches on which a program differs from a target. That there is no other difference is
// proven: with our answers on the stretches the program decides every call as the target does. If it doesn't, the error
// is a *prove.Difference. Also returned for a target that has our own program.
func differences(t *resolve.Target, ourProg, prog []bpf.RawInstruction) ([]stretch, error) {
	ours, err := prove.Read(ourProg, false)
	if err != nil {
		return nil, err
	}
	theirs, err := prove.Read(prog, false)
	if err != nil {
		return nil, err
	}
	var found []stretch
	for _, audit := range []uint32{auditX86_64, auditI386, other} {
		starts := cuts()
		for i, first := range starts {
			c := resolve.Call{Arch: audit, NR: first}
			if audit == other {
				c.Arch = elsewhere
			}
			a, b := actions(ours, c), actions(theirs, c)
			if len(a) != 1 || slices.Equal(a, b) {
				continue // where arguments matter in ours, the proof tells
			}
			last := resolve.NoCall
			if i+1 < len(starts) {
				last = int(starts[i+1]) - 1
			}
			s := stretch{audit, first, uint32(last), a[0], b}
			if n := len(found); n > 0 && found[n-1].joins(s) {
				found[n-1].last = s.last
				continue
			}
			found = append(found, s)
		}
	}
	patched, err := prove.Read(append(answers(found), prog...), false)
	if err != nil {
		return nil, err
	}
	return found, patched.Equal(t)
}

// actions are those that a call's number can meet, whatever its arguments.
func actions(d *prove.Diagram, c resolve.Call) (list []resolve.Action) {
	for _, o := range d.Outcomes(c, [6]uint64{}) {
		list = append(list, o.Action)
	}
	return list
}

// cuts are where programs may change their answer: at each number of the tables, and at the borders of x32's quarters.
func cuts() (starts []uint32) {
	for quarter := range uint32(4) {
		for nr := range uint32(1024) {
			starts = append(starts, quarter*resolve.X32Bit+nr)
		}
	}
	return append(starts, resolve.NoCall)
}

func (s stretch) joins(next stretch) bool {
	return s.audit == next.audit && s.last+1 == next.first && s.ours == next.ours && slices.Equal(s.theirs, next.theirs)
}

// answers is code that gives our answer on the stretches; every other call runs on into what follows.
func answers(list []stretch) (code []bpf.RawInstruction) {
	for _, audit := range []uint32{auditX86_64, auditI386, other} {
		body := []bpf.RawInstruction{{Op: 0x20, K: 0}} // load the number
		for _, s := range list {
			if s.audit == audit {
				body = append(body,
					bpf.RawInstruction{Op: 0x35, K: s.first, Jf: 2},
					bpf.RawInstruction{Op: 0x25, K: s.last, Jt: 1},
					bpf.RawInstruction{Op: 0x06, K: uint32(s.ours)})
			}
		}
		skip := bpf.RawInstruction{Op: 0x05, K: uint32(len(body))}
		code = append(code, bpf.RawInstruction{Op: 0x20, K: 4}) // load the architecture
		if audit == other {
			code = append(code,
				bpf.RawInstruction{Op: 0x15, K: auditX86_64, Jt: 1},
				bpf.RawInstruction{Op: 0x15, K: auditI386, Jf: 1}, skip)
		} else {
			code = append(code, bpf.RawInstruction{Op: 0x15, K: audit, Jt: 1}, skip)
		}
		code = append(code, body...)
	}
	return code
}

// describe says in words what the stretches are, one sentence for each kind of difference.
func describe(t *resolve.Target, list []stretch) (sentences []string) {
	type kind struct{ where, ours, theirs string }
	var kinds []kind
	names := map[kind][]string{}
	native := t.Filters[0].ABI
	for _, s := range list {
		var theirs []string
		for _, a := range s.theirs {
			theirs = append(theirs, "`"+a.Format(native)+"`")
		}
		where, calls := s.where(t)
		k := kind{where, s.ours.Format(native), strings.Join(theirs, " or ")}
		if !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
		names[k] = append(names[k], calls...)
	}
	for _, k := range kinds {
		where := k.where
		if len(names[k]) > 0 {
			where += strings.Join(names[k], ", ")
		}
		sentences = append(sentences, fmt.Sprintf("%s: %s, ours `%s`", where, k.theirs, k.ours))
	}
	return sentences
}

// where says which calls a stretch has: all of an ABI that the target doesn't serve, those with these names, or
// numbers that have none.
func (s stretch) where(t *resolve.Target) (where string, names []string) {
	abi := arch.Lookup("x86_64")
	switch {
	case s.audit == other:
		return "all calls of other architectures", nil
	case s.audit == auditI386:
		abi = arch.Lookup("i386")
	case s.first&resolve.X32Bit != 0 && s.first != resolve.NoCall:
		abi = arch.Lookup("x32")
	}
	if !slices.ContainsFunc(t.Filters, func(f *resolve.Filter) bool { return f.ABI == abi }) {
		return "all calls of " + abi.Name, nil
	}
	for nr := uint64(s.first); nr <= min(uint64(s.last), uint64(s.first)+1024); nr++ {
		if name, ok := abi.SyscallName(uint32(nr)); ok {
			names = append(names, "`"+name+"`")
		}
	}
	switch {
	case len(names) > 0:
		return abi.Name + "'s ", names
	case s.first == resolve.NoCall:
		return "the number 0xffffffff", nil
	case s.first >= 2*resolve.X32Bit:
		return "numbers from 0x80000000 on that are not x32's", nil
	}
	return "numbers without a name", nil
}

// narrow returns the target with x32's conditions on the low half of each register, as libseccomp has them.
func narrow(t *resolve.Target) *resolve.Target {
	n := *t
	n.Filters = nil
	for _, f := range t.Filters {
		if f.ABI.Name == "x32" {
			own := *f
			own.Rules = slices.Clone(f.Rules)
			for i := range own.Rules {
				own.Rules[i].Cond = low(own.Rules[i].Cond)
			}
			f = &own
		}
		n.Filters = append(n.Filters, f)
	}
	return &n
}

func low(c resolve.Cond) resolve.Cond {
	switch c := c.(type) {
	case resolve.All:
		all := resolve.All{}
		for _, c := range c {
			all = append(all, low(c))
		}
		return all
	case resolve.Any:
		or := resolve.Any{}
		for _, c := range c {
			or = append(or, low(c))
		}
		return or
	case resolve.Not:
		return resolve.Not{Cond: low(c.Cond)}
	case resolve.Compare:
		c.Mask, c.Value = uint64(uint32(c.Mask)), uint64(uint32(c.Value))
		return c
	}
	return c
}
