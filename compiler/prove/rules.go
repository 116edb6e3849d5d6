package prove

import (
	"slices"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// Rules tells what each rule of a filter contributes to its decisions.
type Rules struct {
	filter *resolve.Filter
	store  *store
	conds  []ref   // by rule
	named  []named // ascending
}

// None stands for the index of a rule where no rule decides.
const None = -1

// NewRules reads a filter's rules. The error is ErrNotProven.
func NewRules(f *resolve.Filter) (r *Rules, err error) {
	s := newStore(Budget)
	defer s.recover(&err)
	r = &Rules{filter: f, store: s}
	for _, rule := range f.Rules {
		r.conds = append(r.conds, s.cond(rule.Cond))
	}
	r.named = byNumber(f)
	return r, nil
}

// of returns the rules that have a number, in order.
func (r *Rules) of(nr uint32) []named {
	first, _ := slices.BinarySearch(r.named, named(nr)<<32)
	return leading(r.named[first:], nr)
}

// leading returns the rules at the head of a list that have a number.
func leading(list []named, nr uint32) []named {
	n := 0
	for n < len(list) && list[n].nr() == nr {
		n++
	}
	return list[:n]
}

// Deciders returns the indexes of the rules that decide some call of the number whose arguments equal args in the bits
// of mask, ascending; None stands first where no rule decides some of them. The error is ErrNotProven.
func (r *Rules) Deciders(nr uint32, args, mask [6]uint64) (rules []int, err error) {
	s := r.store
	defer s.recover(&err)
	open := yes // no rule so far matches
	for _, n := range r.of(nr) {
		cond := s.given(r.conds[n.rule()], args, mask, [6]uint64{})
		if s.ite(cond, open, no) != no {
			rules = append(rules, n.rule())
		}
		if open = s.ite(cond, no, open); open == no {
			return rules, nil
		}
	}
	return append([]int{None}, rules...), nil
}

// given is a function of the arguments where these equal args in the bits of mask. It is a condition if some has bits: then
// it holds where it does for some value of these.
func (s *store) given(f ref, args, mask, some [6]uint64) ref {
	if mask == some { // both are empty
		return f
	}
	known, value, other := resolve.Call{Args: mask}, resolve.Call{Args: args}, resolve.Call{Args: some}
	done := map[ref]ref{}
	var walk func(ref) ref
	walk = func(at ref) (to ref) {
		v := s.vertices[at]
		if v.level == leaf {
			return at
		}
		if to, ok := done[at]; ok {
			return to
		}
		switch {
		case bitOf(known, v.level) && bitOf(value, v.level):
			to = walk(v.hi)
		case bitOf(known, v.level):
			to = walk(v.lo)
		case bitOf(other, v.level):
			to = s.ite(walk(v.lo), yes, walk(v.hi))
		default:
			to = s.branch(v.level, walk(v.lo), walk(v.hi))
		}
		done[at] = to
		return to
	}
	return walk(f)
}

// Escapes reports whether some call of the number does not pass and would with other bits of free set. The call equals
// args in the bits of mask and has no bit of free, which has none of mask; passes tells whether calls pass that a rule
// decides, or None. The error is ErrNotProven.
func (r *Rules) Escapes(nr uint32, args, mask, free [6]uint64, passes func(rule int) bool) (found bool, err error) {
	s := r.store
	defer s.recover(&err)
	leaf := map[bool]ref{false: no, true: yes}
	pass := leaf[passes(None)] // the condition that a call passes
	for _, n := range slices.Backward(r.of(nr)) {
		pass = s.ite(r.conds[n.rule()], leaf[passes(n.rule())], pass)
	}
	with := s.given(pass, args, mask, free)
	for i := range args {
		args[i] &= mask[i]
		mask[i] |= free[i]
	}
	return s.ite(with, s.given(pass, args, mask, [6]uint64{}), yes) != yes, nil
}

// An Effect says what of a rule could go: any of the bits below, or none, as where both the rule and its condition count.
// What holds for several rules are the bits that they have in common.
type Effect uint8

// The reasons, of which each implies the next but for the last.
const (
	NeverTrue Effect = 1 << iota // the condition holds for no call
	Shadowed                     // earlier rules decide every call that it matches
	Redundant                    // without it, the calls that it decides would be decided alike
	Unlimited                    // without its condition, if it has one, every call would be decided alike
)

// First returns the first of the reasons, or 0 if there is none.
func (e Effect) First() Effect { return e & -e }

// Effects returns the effect of each rule, exactly. It leaves aside that rules make their numbers known. The error is
// ErrNotProven.
func (r *Rules) Effects() (effects []Effect, err error) {
	s := r.store
	defer s.recover(&err)
	effects = make([]Effect, len(r.filter.Rules))
	for i := range effects {
		effects[i] = NeverTrue | Shadowed | Redundant | Unlimited
	}
	actions := make([]ref, len(effects))
	for i, rule := range r.filter.Rules {
		actions[i] = s.action(rule.Action)
	}
	standard := s.action(r.filter.Default)
	var after []ref // after[k]: what the rules behind rules[k] decide
	for all := r.named; len(all) > 0; {
		rules := leading(all, all[0].nr())
		all = all[len(rules):]
		after = slices.Grow(after[:0], len(rules))[:len(rules)]
		after[len(rules)-1] = standard
		for k := len(rules) - 1; k > 0; k-- {
			i := rules[k].rule()
			after[k-1] = s.ite(r.conds[i], actions[i], after[k])
		}
		open := yes // no rule before rules[k] matches
		for k, n := range rules {
			cond := r.conds[n.rule()]
			effects[n.rule()] &= s.effect(cond, open, after[k], actions[n.rule()])
			open = s.ite(cond, no, open)
		}
	}
	return effects, nil
}

// effect is that of a rule on one number.
func (s *store) effect(cond, open, after, action ref) (e Effect) {
	decides := s.ite(cond, open, no)
	passes := s.ite(cond, no, open)
	if cond == no {
		e |= NeverTrue
	}
	if decides == no {
		e |= Shadowed
	}
	if !s.differs(decides, after, action, map[[2]ref]bool{}) { // where it decides, what follows decides alike
		e |= Redundant
	}
	if !s.differs(passes, after, action, map[[2]ref]bool{}) { // where its condition fails, what follows decides as the rule would
		e |= Unlimited
	}
	return e
}

// differs reports whether a function is not always is, a leaf, where a condition holds. It makes no diagram of that, for
// mostly there is a difference near at hand. What it has been through in vain is in seen.
func (s *store) differs(cond, f, is ref, seen map[[2]ref]bool) bool {
	at := [2]ref{cond, f}
	switch {
	case cond == no, f == is, seen[at]:
		return false
	case cond == yes:
		return true
	}
	s.spend()
	level := min(s.vertices[cond].level, s.vertices[f].level)
	c0, c1 := s.at(cond, level)
	f0, f1 := s.at(f, level)
	if s.differs(c0, f0, is, seen) || s.differs(c1, f1, is, seen) {
		return true
	}
	seen[at] = true
	return false
}
