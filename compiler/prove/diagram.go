package prove

import "github.com/seccompc/seccompc/compiler/resolve"

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
	ites     []ite // likewise, of what ite has been asked
	asked    int   // how many that are
	budget   int   // steps that may still be made: vertices asked for, ites and program states
}

// An ite is a question to store.ite and its answer. All zero means empty: ite(no, ...) is never stored.
type ite struct{ c, t, e, is ref }

// yes and no are the leaves of diagrams that are conditions. They are actions like others, told apart by place.
const (
	no  ref = 0
	yes ref = 1
)

func newStore(budget int) *store {
	s := &store{index: make([]ref, 1<<11), ites: make([]ite, 1<<11), budget: budget}
	s.vertices = append(s.vertices, vertex{level: leaf}, vertex{level: leaf})
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
		s.index = make([]ref, 2*len(old))
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

// known is the place of a question among the ites, or the empty one where it belongs.
func (s *store) known(q ite) uint32 {
	mask := uint32(len(s.ites) - 1)
	at := hash(uint32(q.c)^uint32(q.t)<<16, uint32(q.e)^uint32(q.t)>>16) & mask
	for m := s.ites[at]; m.c != 0 && (m.c != q.c || m.t != q.t || m.e != q.e); m = s.ites[at] {
		at = (at + 1) & mask
	}
	return at
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
	if m := s.ites[s.known(q)]; m.c != 0 {
		return m.is
	}
	s.spend()
	level := min(s.vertices[c].level, s.vertices[t].level, s.vertices[e].level)
	c0, c1 := s.at(c, level)
	t0, t1 := s.at(t, level)
	e0, e1 := s.at(e, level)
	r := s.branch(level, s.ite(c0, t0, e0), s.ite(c1, t1, e1))
	s.remember(q, r)
	return r
}

func (s *store) remember(q ite, is ref) {
	if s.asked++; 2*s.asked > len(s.ites) {
		old := s.ites
		s.ites = make([]ite, 2*len(old))
		for _, m := range old {
			if m.c != 0 {
				s.ites[s.known(m)] = m
			}
		}
	}
	q.is = is
	s.ites[s.known(q)] = q
}

// at returns the two halves of a function with regard to a bit no later than its own first.
func (s *store) at(r ref, level int32) (lo, hi ref) {
	if v := s.vertices[r]; v.level == level {
		return v.lo, v.hi
	}
	return r, r
}

// equals is the condition that width bits from level on, under mask, equal k.
func (s *store) equals(level int32, width int, mask, k uint64) ref {
	if k&^mask != 0 || k>>width != 0 {
		return no
	}
	r := yes
	for i := range width { // from the last bit, the least significant
		bit := uint64(1) << i
		at := level + int32(width-1-i)
		switch {
		case mask&bit == 0:
		case k&bit == 0:
			r = s.branch(at, r, no)
		default:
			r = s.branch(at, no, r)
		}
	}
	return r
}

// less is the condition that width bits from level on, under mask, are less than k, or equal to it where orEqual.
func (s *store) less(level int32, width int, mask, k uint64, orEqual bool) ref {
	if k>>width != 0 {
		return yes
	}
	r := no
	if orEqual {
		r = yes
	}
	for i := range width { // r: the condition on the bits below i
		bit := uint64(1) << i
		at := level + int32(width-1-i)
		zero, one := r, r // the condition on the bits up to i, for either value of i's
		if k&bit == 0 {
			one = no
		} else {
			zero = yes
		}
		if mask&bit == 0 {
			one = zero
		}
		r = s.branch(at, zero, one)
	}
	return r
}

// anyOf is the condition that some of width bits from level on are set under mask.
func (s *store) anyOf(level int32, width int, mask uint64) ref {
	return s.ite(s.equals(level, width, mask, 0), no, yes)
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
