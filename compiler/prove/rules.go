package prove

import "github.com/seccompc/seccompc/compiler/resolve"

// Rules tells what each rule of a filter contributes to its decisions.
type Rules struct {
	filter  *resolve.Filter
	store   *store
	conds   []ref            // by rule
	numbers map[uint32][]int // by number, the rules that have it, in order
	first   map[uint32]ref   // by number, the first rule that matches, in place of the leaves' actions
}

// None stands for the index of a rule where no rule decides.
const None = -1

// NewRules reads a filter's rules. The error is ErrNotProven.
func NewRules(f *resolve.Filter) (r *Rules, err error) {
	s := newStore(Budget)
	defer s.recover(&err)
	r = &Rules{filter: f, store: s, numbers: map[uint32][]int{}, first: map[uint32]ref{}}
	for i, rule := range f.Rules {
		r.conds = append(r.conds, s.cond(rule.Cond))
		for _, n := range rule.Numbers {
			r.numbers[n] = append(r.numbers[n], i)
		}
	}
	for n, rules := range r.numbers {
		at := s.index32(None)
		for k := len(rules) - 1; k >= 0; k-- {
			at = s.ite(r.conds[rules[k]], s.index32(rules[k]), at)
		}
		r.first[n] = at
	}
	return r, nil
}

// index32 is a leaf that is no action but a rule's index.
func (s *store) index32(i int) ref { return s.action(resolve.Action(int32(i))) }

// Deciders returns the indexes of the rules that decide some call of the number whose arguments equal args in the bits
// of mask, ascending; None stands first where no rule decides some of them.
func (r *Rules) Deciders(nr uint32, args, mask [6]uint64) (rules []int) {
	at, has := r.first[nr]
	if !has {
		return []int{None}
	}
	for _, o := range r.store.outcomes(at, resolve.Call{NR: nr, Args: args}, mask) {
		rules = append(rules, int(int32(o.Action)))
	}
	if last := len(rules) - 1; rules[last] == None { // as an action, the greatest
		copy(rules[1:], rules[:last])
		rules[0] = None
	}
	return rules
}

// Escapes reports whether some call of the number does not pass and would with other bits of free set. The call equals
// args in the bits of mask and has no bit of free, which has none of mask; passes tells whether calls pass that a rule
// decides, or None. The error is ErrNotProven.
func (r *Rules) Escapes(nr uint32, args, mask, free [6]uint64, passes func(rule int) bool) (found bool, err error) {
	s := r.store
	defer s.recover(&err)
	root, has := r.first[nr]
	if !has {
		return false, nil
	}
	given, value, other := resolve.Call{Args: mask}, resolve.Call{Args: args}, resolve.Call{Args: free}
	// with is the condition that a call passes: the call itself, or for some value of the bits of free.
	with := func(some bool) ref {
		done := map[ref]ref{}
		var walk func(ref) ref
		walk = func(at ref) (to ref) {
			if to, ok := done[at]; ok {
				return to
			}
			switch v := s.vertices[at]; {
			case v.level == leaf:
				if to = no; passes(int(int32(v.action))) {
					to = yes
				}
			case bitOf(given, v.level) && bitOf(value, v.level):
				to = walk(v.hi)
			case bitOf(given, v.level), bitOf(other, v.level) && !some:
				to = walk(v.lo)
			case bitOf(other, v.level):
				to = s.ite(walk(v.lo), yes, walk(v.hi))
			default:
				to = s.branch(v.level, walk(v.lo), walk(v.hi))
			}
			done[at] = to
			return to
		}
		return walk(root)
	}
	return s.ite(with(true), with(false), yes) != yes, nil
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
	for _, rules := range r.numbers {
		// after[k]: what the rules behind rules[k] decide.
		after := make([]ref, len(rules))
		rest := s.action(r.filter.Default)
		for k := len(rules) - 1; k >= 0; k-- {
			after[k] = rest
			rest = s.ite(r.conds[rules[k]], s.action(r.filter.Rules[rules[k]].Action), rest)
		}
		open := yes // no rule before rules[k] matches
		for k, i := range rules {
			effects[i] &= s.effect(r.conds[i], open, after[k], s.action(r.filter.Rules[i].Action))
			open = s.ite(r.conds[i], no, open)
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
	if s.ite(decides, after, action) == action { // where it decides, what follows decides alike
		e |= Redundant
	}
	if s.ite(passes, after, action) == action { // where its condition fails, what follows decides as the rule would
		e |= Unlimited
	}
	return e
}
