package compiler

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// decided is what a blob decides, ready to be put into a policy.
type decided struct {
	targets [][]*arch.ABI
	read    []*prove.Diagram             // of each target
	foreign map[*arch.ABI]resolve.Action // by the target's native ABI
	abis    []*arch.ABI                  // of all targets
	by      map[*arch.ABI]*decisions
}

// decisions are those about the calls of an ABI, by number: of all that have a name, and of others that are not unknown's.
type decisions struct {
	unknown resolve.Action
	of      map[uint32][]inspect.Decision // in any order; each call meets one of them
}

// maxNumbers is how many numbers without a name a policy may list for an ABI. Kernels have gaps of some hundred.
const maxNumbers = 2000

// decide reads a blob, beside another one of the same targets if there is one. The error names what no policy can say.
func decide(b *blob.Blob, beside *decided) (*decided, error) {
	d := &decided{by: map[*arch.ABI]*decisions{}, foreign: map[*arch.ABI]resolve.Action{}}
	for i, t := range b.Targets {
		abis := inspect.ABIs(t)
		for i, served := range t.ABIs {
			if i == len(abis) || abis[i].Audit != served.Audit || abis[i].Bit != served.Bit {
				return nil, fmt.Errorf("target %q: its ABI %#x is unknown", t.Label, served.Audit)
			}
		}
		d.targets, d.abis = append(d.targets, abis), append(d.abis, abis...)
		var other *prove.Diagram
		if beside != nil {
			other = beside.read[i]
		}
		read, err := inspect.Read(t, other)
		var rows []inspect.Row
		if err == nil {
			d.read = append(d.read, read)
			rows, err = inspect.Rows(read, abis)
		}
		if err != nil {
			return nil, fmt.Errorf("target %q: %w", t.Label, err)
		}
		for _, r := range rows {
			if slices.Contains(abis, r.ABI) {
				continue
			}
			met, has := d.foreign[abis[0]]
			if r.Entangled {
				return nil, fmt.Errorf("target %q: its numbers or those of foreign ABIs are too entangled to be told apart", t.Label)
			}
			if has && r.Action != met {
				return nil, fmt.Errorf("target %q: calls of foreign ABIs meet several actions, and a policy has one for all", t.Label)
			}
			d.foreign[abis[0]] = r.Action
		}
		for _, abi := range abis {
			if d.by[abi], err = decideABI(abi, rows); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

// decideABI takes an ABI's part from a table.
func decideABI(abi *arch.ABI, rows []inspect.Row) (*decisions, error) {
	d := &decisions{of: map[uint32][]inspect.Decision{}}
	most := uint64(0)
	for _, r := range rows {
		if r.ABI != abi {
			continue
		}
		if text := r.Action.String(); r.Entangled || strings.HasPrefix(text, "0x") {
			what := "a condition that is too entangled to write down"
			if !r.Entangled {
				what = "the action " + text + ", which no policy has"
			}
			return nil, fmt.Errorf("%s: %s: %s", abi.Name, strings.Join(append(slices.Clone(r.Calls), rangesText(r.Numbers)...), ", "), what)
		}
		if n := count32(r.Numbers); n > most && r.If == "" {
			d.unknown, most = r.Action, n
		}
	}
	listed := uint64(0)
	for _, r := range rows {
		if r.ABI != abi {
			continue
		}
		is := inspect.Decision{Action: r.Action, If: r.If}
		for _, name := range r.Calls {
			nr, _ := abi.Number(name)
			d.of[nr] = append(d.of[nr], is)
		}
		if is == (inspect.Decision{Action: d.unknown}) {
			continue
		}
		if listed += count32(r.Numbers); listed > maxNumbers || len(r.Numbers) > 0 && r.Numbers[len(r.Numbers)-1].Last == resolve.NoCall {
			return nil, fmt.Errorf("%s: numbers %s meet %s and most numbers without a name %s: a policy can't say so for ranges, nor for %#x",
				abi.Name, strings.Join(rangesText(r.Numbers), ", "), r.Action.Format(abi), d.unknown.Format(abi), uint32(resolve.NoCall))
		}
		for _, span := range r.Numbers {
			for n := span.First; n <= span.Last; n++ {
				d.of[n] = append(d.of[n], is)
			}
		}
	}
	return d, nil
}

// count32 counts the numbers in ranges.
func count32(ranges []prove.Range) (n uint64) {
	for _, r := range ranges {
		n += uint64(r.Last-r.First) + 1
	}
	return n
}

func rangesText(ranges []prove.Range) (list []string) {
	for _, r := range ranges {
		text := fmt.Sprintf("%#x", r.First)
		if r.Last > r.First {
			text += fmt.Sprintf("-%#x", r.Last)
		}
		list = append(list, text)
	}
	return list
}

// everywhere words an action for a key that holds on all ABIs: by errno's name where that is the same, else by its number.
func everywhere(abis []*arch.ABI, action func(*arch.ABI) resolve.Action) (text string, ok bool) {
	for _, word := range []func(*arch.ABI) string{
		func(a *arch.ABI) string { return action(a).Format(a) },
		func(a *arch.ABI) string { return action(a).String() },
	} {
		text = word(abis[0])
		if !slices.ContainsFunc(abis, func(a *arch.ABI) bool { return word(a) != text }) {
			return text, true
		}
	}
	return text, false
}

// likelyDefault is what most of the calls meet that are denied whatever their arguments, as in a list of what is allowed;
// unless next to all are let through.
func (d *decided) likelyDefault() string {
	met, all, best := map[string]int{}, 0, ""
	for _, abi := range d.abis {
		for _, s := range abi.Syscalls() {
			if list := d.by[abi].of[s.Number]; list[0].If == "" {
				met[list[0].Action.Format(abi)]++
			}
			all++
		}
	}
	for _, pass := range []string{"allow", "log"} {
		if met[pass]*10 > all*9 {
			return pass
		}
		delete(met, pass)
	}
	for text, n := range met {
		if best == "" || n > met[best] || n == met[best] && text < best {
			best = text
		}
	}
	if best == "" { // all calls are let through, or limited
		best, _ = everywhere(d.abis[:1], func(a *arch.ABI) resolve.Action { return d.by[a].unknown })
	}
	return best
}
