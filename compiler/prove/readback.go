package prove

import (
	"errors"
	"slices"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// A Cond is a condition on the arguments of a call.
type Cond struct {
	store *store
	is    ref
}

// Always reports whether every call meets the condition.
func (c Cond) Always() bool { return c.is == yes }

// Bits returns the bits of each argument that the condition depends on.
func (c Cond) Bits() [6]uint64 { return newReader(c.store, [6]View{}).support(c.is) }

// ErrEntangled means that a condition is too long to be written down.
var ErrEntangled = errors.New("too entangled to write down")

// The bounds of the work to find a condition's words and those of all conditions of a diagram, in steps, and of how long one may be.
// Where the work was too much, the nearest words are taken.
const (
	readBudget = Budget
	readTotal  = 30_000_000
	maxCost    = 4000
)

// asked is what a form depends on.
type asked struct {
	is    ref
	views [6]View
}

// Form writes the condition with the relations of the policy language: All, Any, Not and Comparison, each of which looks at
// its argument as in views. It means what the diagram does, exactly, and is as short as was found. The views must have the bits
// that the condition depends on. The error is ErrEntangled.
func (c Cond) Form(views [6]View) (resolve.Cond, error) {
	q := asked{c.is, views}
	form, known := c.store.forms[q]
	if !known {
		form = c.find(views)
		c.store.forms[q] = form
	}
	if form == nil {
		return nil, ErrEntangled
	}
	return form, nil
}

// find tries ways to write a condition, each with less to try than the last; nil means that none came to its end. Each has a store of its
// own, for most of what it makes is of no further use.
func (c Cond) find(views [6]View) resolve.Cond {
	for ways := 2; ways >= -1; ways-- {
		budget := min(readBudget/(2+2*max(ways, 0)), readTotal-c.store.read)
		r := newReader(newStore(budget), views)
		r.ways = ways
		got, err := r.whole(c)
		c.store.read += budget - max(0, r.budget)
		if err == nil {
			return got
		}
	}
	return nil
}

// copied is a function of another store.
func (s *store) copied(from *store, f ref) ref {
	done := map[ref]ref{no: no, yes: yes}
	var walk func(ref) ref
	walk = func(at ref) ref {
		if to, ok := done[at]; ok {
			return to
		}
		v := from.vertices[at]
		done[at] = s.branch(v.level, walk(v.lo), walk(v.hi))
		return done[at]
	}
	return walk(f)
}

// whole writes a condition down, and reads what is written.
func (r *formReader) whole(c Cond) (form resolve.Cond, err error) {
	defer r.recover(&err)
	f := r.copied(c.store, c.is)
	got := r.read(f, f)
	if got.is != f || r.cond(plainly(got.form)) != f {
		panic("prove: a condition was read back wrongly")
	}
	return got.form, nil
}

// A formReader writes functions down. Each is asked for by two bounds, which are equal at first: what is written must hold where
// the lower one does, and may where the upper one does.
type formReader struct {
	*store
	views    [6]View
	memo     map[pair]reading
	supports map[ref][6]uint64
	ways     int // how often within what it writes it may still look for further ways; less than 0: nor for short ones
}

// A reading is a condition, as it is written, and the function that it is.
type reading struct {
	form resolve.Cond
	is   ref
	cost int
}

var (
	always = reading{form: resolve.All{}, is: yes}
	never  = reading{form: resolve.Any{}, is: no}
)

func newReader(s *store, views [6]View) *formReader {
	return &formReader{store: s, views: views, memo: map[pair]reading{}, supports: map[ref][6]uint64{}}
}

func (s *store) not(f ref) ref                  { return s.ite(f, no, yes) }
func (s *store) and(a, b ref) ref               { return s.ite(a, b, no) }
func (s *store) or(a, b ref) ref                { return s.ite(a, yes, b) }
func (s *store) implies(a, b ref) bool          { return s.ite(a, b, yes) == yes }
func (s *store) opposite(f pair) pair           { return pair{s.not(f[1]), s.not(f[0])} }
func (s *store) some(f ref, bits [6]uint64) ref { return s.given(f, [6]uint64{}, [6]uint64{}, bits) }

// support returns the bits that a function depends on.
func (r *formReader) support(f ref) (bits [6]uint64) {
	v := r.vertices[f]
	if v.level == leaf {
		return bits
	}
	if known, ok := r.supports[f]; ok {
		return known
	}
	bits = union(r.support(v.lo), r.support(v.hi))
	bits[(v.level-levelArgs)/64] |= 1 << (63 - (v.level-levelArgs)%64)
	r.supports[f] = bits
	return bits
}

func union(a, b [6]uint64) [6]uint64 {
	for i := range a {
		a[i] |= b[i]
	}
	return a
}

// opposed is the reading of the opposite.
func (r *formReader) opposed(x reading) reading {
	return r.reading(negated(x.form), r.not(x.is))
}

func (r *formReader) reading(form resolve.Cond, is ref) reading { return reading{form, is, cost(form)} }

// both joins two readings by &&.
func (r *formReader) both(a, b reading) reading {
	return r.reading(all(a.form, b.form), r.and(a.is, b.is))
}

// read finds the shorter of what a condition is and what its opposite is not.
func (r *formReader) read(l, u ref) reading {
	switch {
	case l == no:
		return never
	case u == yes:
		return always
	}
	f := pair{l, u}
	if known, ok := r.memo[f]; ok {
		return known
	}
	r.spend()
	bits := union(r.support(l), r.support(u))
	var args []int
	for i, b := range bits {
		if b != 0 {
			args = append(args, i)
		}
	}
	var best reading
	if len(args) == 1 {
		best = r.set(args[0], f)
	} else if r.ways < 0 {
		best = r.along(args[0], f)
	} else if g, less := r.without(f, args); less {
		best = r.read(g[0], g[1])
	} else {
		best = r.opposed(r.cover(args[0], r.opposite(f)))
		if x := r.cover(args[0], f); x.cost <= best.cost {
			best = x
		}
		if x, ok := r.product(f, args); ok && x.cost < best.cost {
			best = x
		}
		if x, ok := r.product(r.opposite(f), args); ok && x.cost+1 < best.cost {
			best = r.opposed(x)
		}
	}
	if best.cost > maxCost {
		panic(exhausted{})
	}
	r.memo[f] = best
	return best
}

// along writes a condition as the diagram has it: for each class of the first argument's values, what is to be said then.
func (r *formReader) along(a int, f pair) reading {
	sum := never
	for _, c := range r.classes(a, f) {
		if c.to[0] == no {
			continue
		}
		t := r.both(r.read(c.values, c.values), r.read(c.to[0], c.to[1]))
		sum = r.reading(anyOf(sum.form, t.form), r.or(sum.is, t.is))
	}
	return sum
}

// without leaves out an argument that can be left out.
func (r *formReader) without(f pair, args []int) (pair, bool) {
	for _, a := range args {
		var bits [6]uint64
		bits[a] = ^uint64(0)
		if l := r.some(f[0], bits); r.implies(l, f[1]) {
			return pair{l, r.not(r.some(r.not(f[1]), bits))}, true
		}
	}
	return f, false
}

// product writes a condition that is one on an argument and one on the others.
func (r *formReader) product(f pair, args []int) (reading, bool) {
	for _, a := range args {
		var its, other [6]uint64
		for i := range other {
			other[i] = ^uint64(0)
		}
		its[a], other[a] = ^uint64(0), 0
		x, y := r.some(f[0], other), r.some(f[0], its)
		if x != yes && y != yes && r.implies(r.and(x, y), f[1]) {
			return r.both(r.read(x, x), r.read(y, y)), true
		}
	}
	return reading{}, false
}

// A class is the values of an argument from which the same is to be said of the others.
type class struct {
	values ref
	to     pair // what is left to be said is the lower bound
}

// classes divides the values of an argument, which must be the functions' first.
func (r *formReader) classes(a int, f pair) (list []class) {
	end := int32(levelArgs + 64*(a+1))
	index := map[pair]int{}
	seen := map[pair]bool{}
	var find func(pair)
	find = func(f pair) {
		if seen[f] {
			return
		}
		seen[f] = true
		r.spend()
		level := r.level(f)
		if level >= end {
			index[f] = len(list)
			list = append(list, class{to: f})
			return
		}
		lo, hi := r.halves(f, level)
		find(lo)
		find(hi)
	}
	find(f)
	for i := range list {
		done := map[pair]ref{}
		var walk func(pair) ref
		walk = func(f pair) ref {
			if j, is := index[f]; is {
				return [...]ref{no, yes}[b2i(i == j)]
			}
			if to, ok := done[f]; ok {
				return to
			}
			r.spend()
			level := r.level(f)
			lo, hi := r.halves(f, level)
			done[f] = r.branch(level, walk(lo), walk(hi))
			return done[f]
		}
		list[i].values = walk(f)
	}
	return list
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// cover writes a condition as alternatives, each of which is one on the first argument and one on those behind it. It begins
// with those that hold for the most classes of that argument's values, and says of the others what these leave open.
func (r *formReader) cover(a int, f pair) reading {
	list := r.classes(a, f)
	var terms []reading
	for {
		best, at := []int(nil), -1
		for j, c := range list {
			if c.to[0] == no {
				continue
			}
			var on []int // the classes for which this may be said too
			for k, d := range list {
				r.spend() // what is asked may be known, but it is much
				if r.implies(c.to[0], d.to[1]) {
					on = append(on, k)
				}
			}
			if len(on) > len(best) {
				best, at = on, j
			}
		}
		if at < 0 {
			break
		}
		upper := yes
		for _, k := range best {
			upper = r.and(upper, list[k].to[1])
		}
		rest := r.read(list[at].to[0], upper)
		must, may := no, no
		for _, k := range best {
			may = r.or(may, list[k].values)
			if left := list[k].to[0]; k == at || left != no && r.implies(left, rest.is) {
				must = r.or(must, list[k].values)
			}
		}
		values := r.read(must, may)
		for _, k := range best {
			if r.implies(list[k].values, values.is) {
				list[k].to[0] = r.and(list[k].to[0], r.not(rest.is))
			}
		}
		terms = append(terms, r.both(values, rest))
	}
	sum := never
	for _, t := range slices.Backward(terms) {
		sum = r.reading(anyOf(t.form, sum.form), r.or(t.is, sum.is))
	}
	return sum
}
