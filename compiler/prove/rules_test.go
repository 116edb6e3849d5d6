package prove_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/codegen"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
	"github.com/seccompc/seccompc/compiler/resolve/resolvetest"
)

// A world is a filter whose conditions look at few bits of two arguments, so that some calls stand for all.
type world struct {
	filter  *resolve.Filter
	numbers []uint32 // of rules, the last of none
	bits    uint64   // that conditions look at, in either argument
	values  []uint64 // of an argument: each assignment of the bits
}

func newWorld(r *rand.Rand) world {
	w := world{filter: &resolve.Filter{ABI: arch.Lookup("x86_64"), Default: resolve.Errno | 1, Unknown: resolve.Errno | 38}, numbers: []uint32{0, 1, 5, 600}}
	positions := []int{0, 1, 31, 32, 63}
	if r.IntN(3) == 0 {
		w.filter.ABI, positions = arch.Lookup("i386"), []int{0, 1, 2, 30, 31}
	}
	w.values = []uint64{0}
	for _, p := range positions {
		w.bits |= 1 << p
		for _, v := range slices.Clone(w.values) {
			w.values = append(w.values, v|1<<p)
		}
	}
	actions := []resolve.Action{resolve.Allow, resolve.Errno | 1, resolve.KillProcess}
	for range 1 + r.IntN(5) {
		rule := resolve.Rule{Cond: w.cond(r, 2), Action: actions[r.IntN(len(actions))]}
		for _, n := range w.numbers[:3] {
			if r.IntN(2) == 0 || len(rule.Numbers) == 0 && n == 5 {
				rule.Numbers = append(rule.Numbers, n)
			}
		}
		if r.IntN(4) == 0 && len(w.filter.Rules) > 0 { // what was there before
			rule.Cond = w.filter.Rules[r.IntN(len(w.filter.Rules))].Cond
		}
		w.filter.Rules = append(w.filter.Rules, rule)
	}
	w.filter.Known = w.numbers[:3]
	return w
}

func (w world) cond(r *rand.Rand, depth int) resolve.Cond {
	switch form := r.IntN(8); {
	case form == 0:
		return resolve.All(nil)
	case form == 1 && depth > 0:
		return resolve.Not{Cond: w.cond(r, depth-1)}
	case form <= 3 && depth > 0:
		return resolve.Any{w.cond(r, depth-1), w.cond(r, depth-1)}
	case form == 4 && depth > 0:
		return resolve.All{w.cond(r, depth-1), w.cond(r, depth-1)}
	}
	c := resolve.Compare{Arg: r.IntN(2), Bits: w.filter.ABI.RegBits, Mask: w.values[r.IntN(len(w.values))], Op: resolve.Op(r.IntN(6)), Value: w.values[r.IntN(len(w.values))]}
	if r.IntN(3) == 0 {
		c.Mask = w.bits
	}
	return c
}

// calls returns the argument lists that stand for all that equal args in the bits of mask.
func (w world) calls(args, mask [6]uint64) (list [][6]uint64) {
	for _, a := range w.values {
		for _, b := range w.values {
			if (a^args[0])&mask[0]&w.bits == 0 && (b^args[1])&mask[1]&w.bits == 0 {
				list = append(list, [6]uint64{a, b})
			}
		}
	}
	return list
}

// decider returns the index of the rule that decides.
func (w world) decider(nr uint32, args [6]uint64) int {
	return slices.IndexFunc(w.filter.Rules, func(r resolve.Rule) bool { return slices.Contains(r.Numbers, nr) && r.Cond.Holds(args) })
}

// TestDeciders holds Deciders, and Outcomes on the program, against all calls there are.
func TestDeciders(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	several, limited := 0, 0
	for range 250 {
		w := newWorld(r)
		target := &resolve.Target{Filters: []*resolve.Filter{w.filter}, Foreign: resolve.Trap}
		prog, err := codegen.Program(target)
		if err != nil {
			t.Fatal(err)
		}
		diagram, err := prove.Read(prog, false)
		if err != nil {
			t.Fatal(err)
		}
		rules, err := prove.NewRules(w.filter)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			c := resolve.Call{Arch: w.filter.ABI.Audit, NR: w.numbers[r.IntN(len(w.numbers))]}
			var mask [6]uint64
			for i := range mask {
				c.Args[i], mask[i] = r.Uint64(), r.Uint64()&r.Uint64()
				switch r.IntN(4) {
				case 0:
					mask[i] = 0
				case 1:
					mask[i] = ^uint64(0)
				}
			}
			var deciders []int
			var actions []resolve.Action
			for _, args := range w.calls(c.Args, mask) {
				deciders = append(deciders, w.decider(c.NR, args))
				actions = append(actions, w.filter.Decide(c.NR, args))
			}
			slices.Sort(deciders)
			deciders = slices.Compact(deciders)
			slices.Sort(actions)
			actions = slices.Compact(actions)

			if got, err := rules.Deciders(c.NR, c.Args, mask); err != nil || !slices.Equal(got, deciders) {
				t.Fatalf("%+v\ncall %#x under %#x: deciders %v, want %v", w.filter.Rules, c, mask, got, deciders)
			}
			var met []resolve.Action
			for _, o := range diagram.Outcomes(c, mask) {
				met = append(met, o.Action)
				if got := target.Decide(o.Call); got != o.Action {
					t.Errorf("call %#x meets %v, not %v", o.Call, got, o.Action)
				}
				for i := range mask {
					if (o.Call.Args[i]^c.Args[i])&mask[i] != 0 || o.Call.Arch != c.Arch || o.Call.NR != c.NR {
						t.Errorf("call %#x is none of %#x under %#x", o.Call, c, mask)
					}
				}
			}
			if !slices.Equal(met, actions) {
				t.Fatalf("call %#x under %#x: outcomes %v, want %v", c, mask, met, actions)
			}
			if len(deciders) > 1 {
				several++
			}
			if every, _ := rules.Deciders(c.NR, c.Args, [6]uint64{}); len(deciders) > 1 && len(deciders) < len(every) {
				limited++
			}
		}
	}
	if several < 500 || limited < 50 {
		t.Errorf("%d calls with several deciders, of which the mask leaves some out for %d: too few to tell", several, limited)
	}
}

// without returns a filter that lacks a rule, or has it without its condition.
func without(f *resolve.Filter, rule int, condition bool) *resolve.Filter {
	g := *f
	if g.Rules = slices.Clone(f.Rules); condition {
		g.Rules[rule].Cond = resolve.All(nil)
	} else {
		g.Rules = slices.Delete(g.Rules, rule, rule+1)
	}
	return &g
}

var reasons = map[prove.Effect]string{prove.NeverTrue: "never true", prove.Shadowed: "shadowed", prove.Redundant: "redundant", prove.Unlimited: "unlimited", 0: "none"}

// TestEffects holds Effects against all calls there are, with the rule and without it.
func TestEffects(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	found := map[prove.Effect]int{}
	for range 300 {
		w := newWorld(r)
		rules, err := prove.NewRules(w.filter)
		if err != nil {
			t.Fatal(err)
		}
		effects, err := rules.Effects()
		if err != nil || len(effects) != len(w.filter.Rules) {
			t.Fatalf("%d effects of %d rules, %v", len(effects), len(w.filter.Rules), err)
		}
		for i, rule := range w.filter.Rules {
			want := prove.NeverTrue | prove.Shadowed | prove.Redundant | prove.Unlimited
			deleted, bare := without(w.filter, i, false), without(w.filter, i, true)
			for _, args := range w.calls([6]uint64{}, [6]uint64{}) {
				for _, nr := range w.numbers {
					if slices.Contains(rule.Numbers, nr) && rule.Cond.Holds(args) {
						want &^= prove.NeverTrue
					}
					if w.decider(nr, args) == i {
						want &^= prove.Shadowed
					}
					if deleted.Decide(nr, args) != w.filter.Decide(nr, args) {
						want &^= prove.Redundant
					}
					if bare.Decide(nr, args) != w.filter.Decide(nr, args) {
						want &^= prove.Unlimited
					}
				}
			}
			if effects[i] != want {
				t.Fatalf("rule %d of %+v: effect %04b, want %04b", i, w.filter.Rules, effects[i], want)
			}
			found[want.First()]++
		}
	}
	for e, name := range reasons {
		if found[e] < 30 {
			t.Errorf("%s: %d rules, too few to tell", name, found[e])
		}
	}
}

// TestEffectsProven deletes rules and conditions of random targets, and has it proven whether that makes a difference.
func TestEffectsProven(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	found := map[prove.Effect]int{}
	for range 60 {
		target := resolvetest.Target(r, resolvetest.ABIs(r)...)
		prog, err := codegen.Program(target)
		if err != nil {
			t.Fatal(err)
		}
		for at, f := range target.Filters {
			rules, err := prove.NewRules(f)
			if err != nil {
				t.Fatal(err)
			}
			effects, err := rules.Effects()
			if err != nil {
				t.Fatal(err)
			}
			for i, e := range effects {
				for _, condition := range []bool{false, true} {
					other := *target
					other.Filters = slices.Clone(target.Filters)
					other.Filters[at] = without(f, i, condition)
					diagram, err := prove.Read(prog, f.ABI.BigEndian)
					if err != nil {
						t.Fatal(err)
					}
					reason := prove.Redundant
					if condition {
						reason = prove.Unlimited
					}
					if err := diagram.Equal(&other); (err == nil) != (e&reason != 0) {
						t.Fatalf("%s, rule %d %+v: effect %04b, condition %v: %v", f.ABI.Name, i, f.Rules[i], e, condition, err)
					}
				}
				found[e.First()]++
			}
		}
	}
	if found[prove.Redundant] < 10 || found[prove.Unlimited] < 10 || found[0] < 10 {
		t.Errorf("too few rules of a kind to tell: %v", found)
	}
}

// TestEffectsNotProven: conditions that outgrow the budget are an error, not an answer.
func TestEffectsNotProven(t *testing.T) {
	var entangled resolve.All // each bit of one argument or of the other is zero
	for i := range 40 {
		zero := resolve.Compare{Bits: 64, Mask: 1 << i, Op: resolve.EQ}
		other := zero
		other.Arg = 1
		entangled = append(entangled, resolve.Any{zero, other})
	}
	f := &resolve.Filter{ABI: arch.Lookup("x86_64"), Known: []uint32{0}, Rules: []resolve.Rule{{Numbers: []uint32{0}, Cond: entangled}}}
	if _, err := prove.NewRules(f); err != prove.ErrNotProven {
		t.Errorf("error %v", err)
	}
}
