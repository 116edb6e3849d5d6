package prove

import (
	"slices"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// A ref names a node of the store. Equal functions have equal refs: that is what makes a comparison a proof.
type ref int32

// A vertex decides on one bit of a call; level counts the bits in their order, most significant first:
// 0 to 31 the audit architecture, 32 to 63 the number, then for each argument 64. A leaf has the level leaf and an
// action.
type vertex struct {
	level  int32
	lo, hi ref // for a bit of 0, of 1
	action resolve.Action
}

const (
	levelArch = 0
	levelNR   = 32
	levelArgs = 64
	leaf      = 64 + 6*64
)

// A store holds reduced ordered decision diagrams (Bryant 1986, with actions for leaves): no vertex has equal
// children and no two vertices are equal.
type store struct {
	vertices []vertex
	index    []ref // a hash table of the vertices, by open addressing; its size is a power of two
	ites     []ite // what ite has been asked, half as many as index has places; a question takes the place of another of its hash
	budget   int   // steps that may still be made: vertices asked for, ites and program states

	forms map[asked]resolve.Cond // what conditions were written as; nil: too entangled
	read  int                    // steps that this took
}

// An ite is a question to store.ite and its answer. All zero means empty: ite(no, ...) is never stored.
type ite struct{ c, t, e, is ref }

// yes and no are the leaves of diagrams that are conditions. They are actions like others, told apart by place.
const (
	no  ref = 0
	yes ref = 1
)

func newStore(budget int) *store {
	s := &store{vertices: make([]vertex, 2, 1<<12), index: make([]ref, 1<<13), ites: make([]ite, 1<<12), budget: budget, forms: map[asked]resolve.Cond{}}
	s.vertices[no], s.vertices[yes] = vertex{level: leaf}, vertex{level: leaf}
	return s
}

// exhausted is panicked with when the budget is spent, and recovered by the package's entry points.
type exhausted struct{}

func (s *store) spend() {
	if s.budget--; s.budget < 0 {
		panic(exhausted{})
	}
}

func (s *store) intern(v vertex) ref {
	s.spend()
	if 2*len(s.vertices) > len(s.index) {
		old := s.index
		s.index, s.ites = make([]ref, 4*len(old)), make([]ite, 2*len(old))
		s.vertices = slices.Grow(s.vertices, 2*len(old)-len(s.vertices))
		for _, r := range old {
			if r != 0 {
				s.index[s.slot(s.vertices[r])] = r
			}
		}
	}
	at := s.slot(v)
	if s.index[at] == 0 { // no is in no table
		s.index[at] = ref(len(s.vertices))
		s.vertices = append(s.vertices, v)
	}
	return s.index[at]
}

// slot is the place of a vertex in the index, or the empty one where it belongs.
func (s *store) slot(v vertex) uint32 {
	mask := uint32(len(s.index) - 1)
	at := hash(uint32(v.level)<<16^uint32(v.lo), uint32(v.hi)^uint32(v.action)) & mask
	for s.index[at] != 0 && s.vertices[s.index[at]] != v {
		at = (at + 1) & mask
	}
	return at
}

// hash mixes two words by the multiplications of SplitMix64.
func hash(a, b uint32) uint32 {
	x := uint64(a)<<32 | uint64(b)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return uint32(x >> 32)
}

// known is the place for a question and its answer.
func (s *store) known(q ite) *ite {
	return &s.ites[hash(uint32(q.c)^uint32(q.t)<<16, uint32(q.e)^uint32(q.t)>>16)&uint32(len(s.ites)-1)]
}

func (s *store) action(a resolve.Action) ref { return s.intern(vertex{level: leaf, action: a}) }

func (s *store) branch(level int32, lo, hi ref) ref {
	if lo == hi {
		return lo
	}
	return s.intern(vertex{level: level, lo: lo, hi: hi})
}

// ite is the function that is t where the condition c holds and e elsewhere.
func (s *store) ite(c, t, e ref) ref {
	switch {
	case c == yes || t == e:
		return t
	case c == no:
		return e
	}
	q := ite{c: c, t: t, e: e}
	if m := s.known(q); m.c == c && m.t == t && m.e == e {
		return m.is
	}
	s.spend()
	level := min(s.vertices[c].level, s.vertices[t].level, s.vertices[e].level)
	c0, c1 := s.at(c, level)
	t0, t1 := s.at(t, level)
	e0, e1 := s.at(e, level)
	q.is = s.branch(level, s.ite(c0, t0, e0), s.ite(c1, t1, e1))
	*s.known(q) = q // the place may be another by now
	return q.is
}

// at returns the two halves of a function with regard to a bit no later than its own first.
func (s *store) at(r ref, level int32) (lo, hi ref) {
	if v := s.vertices[r]; v.level == level {
		return v.lo, v.hi
	}
	return r, r
}

// A relation is that of some bits to a number.
type relation uint8

const (
	equal relation = iota
	atLeast
	above
)

// compare is the function that is t where width bits from level on, under mask, are in the relation to k, and e elsewhere.
func (s *store) compare(is relation, level int32, width int, mask, k uint64, t, e ref) ref {
	top := ^uint64(0) >> (64 - width)
	switch {
	case k > top:
		return e
	case mask&top != top, s.vertices[t].level < level, s.vertices[e].level < level:
		return s.ite(s.walk(is, level, width, mask, k, yes, no), t, e)
	}
	return s.walk(is, level, width, mask, k, t, e)
}

// walk is compare, bit by bit, for functions of no earlier bit; and of none that the mask has not, or it would take
// both ways at each of these.
func (s *store) walk(is relation, level int32, width int, mask, k uint64, t, e ref) ref {
	switch {
	case t == e:
		return t
	case width == 0 && is == above:
		return e
	case width == 0:
		return t
	}
	t0, t1 := s.at(t, level)
	e0, e1 := s.at(e, level)
	bit := uint64(1) << (width - 1)
	switch {
	case mask&bit == 0 && k&bit == 0:
		return s.walk(is, level+1, width-1, mask, k, t, e)
	case mask&bit == 0: // the bits are less
		return e
	case k&bit != 0:
		e1 = s.walk(is, level+1, width-1, mask, k, t1, e1)
		return s.branch(level, e0, e1)
	case is == equal:
		t1 = e1
	}
	return s.branch(level, s.walk(is, level+1, width-1, mask, k, t0, e0), t1)
}

// lookup returns the leaf that a call reaches.
func (s *store) lookup(r ref, c resolve.Call) ref {
	for s.vertices[r].level != leaf {
		v := s.vertices[r]
		if bitOf(c, v.level) {
			r = v.hi
		} else {
			r = v.lo
		}
	}
	return r
}

func bitOf(c resolve.Call, level int32) bool {
	switch {
	case level < levelNR:
		return c.Arch>>(31-level)&1 != 0
	case level < levelArgs:
		return c.NR>>(31-(level-levelNR))&1 != 0
	}
	return c.Args[(level-levelArgs)/64]>>(63-(level-levelArgs)%64)&1 != 0
}

func setBit(c *resolve.Call, level int32) {
	switch {
	case level < levelNR:
		c.Arch |= 1 << (31 - level)
	case level < levelArgs:
		c.NR |= 1 << (31 - (level - levelNR))
	default:
		c.Args[(level-levelArgs)/64] |= 1 << (63 - (level-levelArgs)%64)
	}
}

// difference returns a call on which two functions differ. Reduced diagrams that differ differ below one of the two
// halves, so the way down needs no search.
func (s *store) difference(a, b ref) (c resolve.Call) {
	for a != b {
		level := min(s.vertices[a].level, s.vertices[b].level)
		if level == leaf {
			return c
		}
		a0, a1 := s.at(a, level)
		b0, b1 := s.at(b, level)
		if a0 != b0 {
			a, b = a0, b0
			continue
		}
		setBit(&c, level)
		a, b = a1, b1
	}
	return c
}
