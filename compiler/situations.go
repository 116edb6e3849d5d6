package compiler

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// A profile is one to be imported, with the situations that its rules tell apart: the first is that of no capabilities and the
// oldest kernel, and each stands behind those that it adds to.
type profile struct {
	*policy.Policy
	all     []situation
	kernels []arch.Version // ascending
}

// survey finds the situations.
func (p *profile) survey() error {
	sets := map[string][]string{}
	versions := map[arch.Version]bool{}
	add := func(words []policy.Word) {
		if caps := texts(words); len(caps) > 0 {
			sets[fmt.Sprint(caps)] = caps
		}
	}
	var both []situation
	for _, r := range p.Rules {
		add(r.When.Caps)
		for _, c := range r.When.NotCaps {
			add([]policy.Word{c})
		}
		for _, w := range []policy.Word{r.When.Kernel, r.When.NotKernel} {
			if w.Text == "" {
				continue
			}
			v, err := arch.ParseVersion(w.Text)
			if err != nil {
				return fmt.Errorf("%s: %w", w.Pos, err)
			}
			versions[v] = true
			if caps := texts(slices.Concat(r.When.Caps, r.When.NotCaps)); len(caps) > 0 {
				both = append(both, situation{caps: caps, kernel: v})
			}
		}
	}
	p.kernels = slices.SortedFunc(maps.Keys(versions), arch.Version.Compare)
	p.all = append(p.all, situation{kernel: p.oldest()})
	for _, v := range p.kernels {
		p.all = append(p.all, situation{kernel: v})
	}
	for _, key := range slices.Sorted(maps.Keys(sets)) {
		p.all = append(p.all, situation{caps: sets[key], kernel: p.oldest()})
	}
	for _, s := range both {
		if !slices.ContainsFunc(p.all, func(t situation) bool { return slices.Equal(s.caps, t.caps) && s.kernel == t.kernel }) {
			p.all = append(p.all, s)
		}
	}
	slices.SortStableFunc(p.all, func(a, b situation) int { return cmp.Compare(len(a.caps), len(b.caps)) })
	return nil
}

// oldest is a kernel before all that the profile names; none if it names none.
func (p *profile) oldest() arch.Version {
	if len(p.kernels) == 0 {
		return arch.Version{}
	}
	return arch.Version{Patch: 1}
}

func texts(words []policy.Word) (list []string) {
	for _, w := range words {
		list = append(list, w.Text)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// more writes the rules that a situation adds: for calls that are decided as in none that it adds to.
func (p *profile) more(n int, standard string) []*written {
	s := p.all[n]
	var under []*decided
	for _, t := range p.all[:n] {
		if t.kernel.Compare(s.kernel) <= 0 && !slices.ContainsFunc(t.caps, func(c string) bool { return !slices.Contains(s.caps, c) }) {
			under = append(under, t.decided)
		}
	}
	others := func(abi *arch.ABI, nr uint32) bool {
		return !slices.ContainsFunc(under, func(d *decided) bool { return !d.differs(s.decided, abi, nr) })
	}
	falls := func(abi *arch.ABI, nr uint32) bool {
		for _, d := range under {
			if of := d.by[abi].of[nr]; len(of) != 1 || of[0].Action.Format(abi) != standard && of[0].Action.String() != standard {
				return false
			}
		}
		return true
	}
	return s.decided.rules(standard, others, falls)
}

// maxCaps bounds the capabilities that the rules of one call may ask for.
const maxCaps = 6

// checks are the situations that can differ in what they decide about some call: for each call, every set of the capabilities that its
// rules ask for, on kernels of each age.
func (p *profile) checks() ([]situation, error) {
	asked := map[string][]policy.Word{}
	for _, r := range p.Rules {
		for _, c := range r.Calls {
			through, _, _ := resolve.Multiplexed(c.Name.Text) // or no other call
			for _, name := range slices.Compact([]string{c.Name.Text, cmp.Or(through, c.Name.Text)}) {
				asked[name] = slices.Concat(asked[name], r.When.Caps, r.When.NotCaps)
			}
		}
	}
	sets := map[string][]string{"": nil}
	for name, words := range asked {
		caps := texts(words)
		if len(caps) > maxCaps {
			return nil, fmt.Errorf("the rules of %s ask for %d capabilities: an import has at most %d", name, len(caps), maxCaps)
		}
		for bits := 1; bits < 1<<len(caps); bits++ {
			var set []string
			for i, c := range caps {
				if bits>>i&1 != 0 {
					set = append(set, c)
				}
			}
			sets[fmt.Sprint(set)] = set
		}
	}
	var list []situation
	for _, key := range slices.Sorted(maps.Keys(sets)) {
		kernels := []arch.Version{{}} // which is the same as the newest
		if n := len(p.kernels); n > 0 {
			kernels = append(append(kernels, p.oldest()), p.kernels[:n-1]...)
		}
		for _, k := range kernels {
			r, findings := CompilePolicy(p.Policy, Options{Caps: sets[key], Kernel: k, Warn: true})
			if r == nil {
				return nil, unsaid(findings)
			}
			list = append(list, situation{caps: sets[key], kernel: k, blob: r.Blob})
		}
	}
	return list, nil
}
