package prove

import (
	"math/bits"
	"slices"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// How much of a set is written down in one way before that is given up.
const (
	maxIntervals = 300
	maxCubes     = 200
)

// plenty is the cost from which on it is worth looking for more ways to say the same.
const plenty = 6

// set writes a condition on one argument.
func (r *formReader) set(a int, f pair) reading {
	best, found := r.direct(a, f)
	if !found || best.cost > plenty && r.ways > 0 {
		r.ways--
		for _, way := range []func(int, pair) (reading, bool){r.within, r.halved} {
			if x, ok := way(a, f); ok && (!found || x.cost < best.cost) {
				best, found = x, true
			}
			if x, ok := way(a, r.opposite(f)); ok && (!found || x.cost < best.cost) {
				best, found = r.opposed(x), true
			}
		}
		r.ways++
	}
	if !found {
		level := r.level(f)
		lo, hi := r.halves(f, level)
		bit := r.branch(level, no, yes)
		zero, set := r.read(r.not(bit), r.not(bit)), r.read(bit, bit)
		x, y := r.both(zero, r.read(lo[0], lo[1])), r.both(set, r.read(hi[0], hi[1]))
		best = r.reading(anyOf(x.form, y.form), r.or(x.is, y.is))
	}
	return best
}

// direct is the shorter of what a set is and what its opposite is not, in one step.
func (r *formReader) direct(a int, f pair) (reading, bool) {
	best, found := r.simple(a, f)
	if x, ok := r.simple(a, r.opposite(f)); ok && (!found || x.cost < best.cost) {
		return r.opposed(x), true
	}
	return best, found
}

// simple writes a set as intervals of the argument, as intervals of the bits that it depends on, or as values under masks.
func (r *formReader) simple(a int, f pair) (best reading, ok bool) {
	support := r.support(f[0])[a] | r.support(f[1])[a]
	view := r.views[a]
	take := func(form resolve.Cond, found bool) {
		if n := cost(form); found && (!ok || n < best.cost) {
			best.form, best.cost, ok = form, n, true
		}
	}
	take(r.intervals(Comparison{Arg: a, View: view}, view.mask(), f))
	if support != view.mask() {
		take(r.intervals(Comparison{Arg: a, View: view, Mask: support}, support, f))
	}
	var list []cube
	if _, few := r.cubes(f, &list); few {
		take(r.alternatives(a, list), true)
	}
	if ok {
		best.is = r.cond(plainly(best.form))
	}
	return best, ok
}

type interval struct{ first, last uint64 }

// intervals writes a set as intervals of the bits of mask, which has all that it depends on.
func (r *formReader) intervals(c Comparison, mask uint64, f pair) (resolve.Cond, bool) {
	sign := uint64(0)
	if c.View.Signed && c.Mask == 0 {
		sign = 1 << (c.View.Bits - 1)
	}
	least, most := sign, mask&^sign // in the order of the argument
	var list []interval
	steps, open, before := 0, false, true // open: nothing has been left out since the last interval; before: nor before it
	run := func(f pair, first, last uint64) bool {
		switch {
		case f[1] == no:
			open, before = false, false
		case f[0] == no:
		case open:
			list[len(list)-1].last = last
		default:
			if before {
				first = least
			}
			list, open, before = append(list, interval{first, last}), true, false
		}
		return len(list) <= maxIntervals
	}
	var walk func(f pair, left, value uint64) bool
	walk = func(f pair, left, value uint64) bool {
		if steps++; steps > 64*maxIntervals {
			return false
		}
		if r.level(f) == leaf || left == 0 {
			return run(f, value|left&sign, value|left&^sign)
		}
		bit := uint64(1) << (63 - bits.LeadingZeros64(left))
		lo, hi := r.halves(f, int32(levelArgs+64*c.Arg+bits.LeadingZeros64(left)))
		if bit == sign {
			return walk(hi, left&^bit, value|bit) && walk(lo, left&^bit, value)
		}
		return walk(lo, left&^bit, value) && walk(hi, left&^bit, value|bit)
	}
	if !walk(f, mask, 0) {
		return nil, false
	}
	if open {
		list[len(list)-1].last = most
	}
	return c.in(list, least, most), true
}

// in says that the argument is in one of some intervals.
func (c Comparison) in(list []interval, least, most uint64) resolve.Cond {
	x := func(op resolve.Op, v uint64) resolve.Cond {
		c.Op, c.Values = op, []uint64{v}
		return c
	}
	mask := c.Mask
	if mask == 0 {
		mask = c.View.mask()
	}
	step := mask & -mask
	dense := mask/step&(mask/step+1) == 0 // each value but the greatest has step to the next
	singles := 0
	for _, i := range list {
		if i.first == i.last {
			singles++
		}
	}
	var values []uint64
	var alternatives []resolve.Cond
	for _, i := range list {
		switch {
		case i.first == i.last, singles > 0 && dense && i.last-i.first < 3*step: // the few are better named
			for v := i.first; ; v += step {
				if values = append(values, v); v == i.last {
					break
				}
			}
		case i.first == least && i.last == most:
			return resolve.All{}
		case i.first == least+step && i.last == most && least == 0:
			alternatives = append(alternatives, x(resolve.NE, least))
		case i.first == least && c.Mask == 0 && i.last&(i.last+1) == 0 && i.last > 1 && i.last < most:
			alternatives = append(alternatives, x(resolve.LT, i.last+1))
		case i.first == least:
			alternatives = append(alternatives, x(resolve.LE, i.last))
		case i.last == most:
			alternatives = append(alternatives, x(resolve.GE, i.first))
		default:
			alternatives = append(alternatives, resolve.All{x(resolve.GE, i.first), x(resolve.LE, i.last)})
		}
	}
	if len(values) > 0 {
		one := c
		one.Op, one.Values = resolve.EQ, values
		alternatives = slices.Insert(alternatives, 0, resolve.Cond(one))
	}
	return anyOf(alternatives...)
}

// A cube is the values that equal value in the bits of mask.
type cube struct{ mask, value uint64 }

// cubes covers a set with cubes none of which can be left out (Minato 1993); is is what they are together. It gives up where
// there are too many.
func (r *formReader) cubes(f pair, list *[]cube) (is ref, ok bool) {
	switch {
	case f[0] == no:
		return no, true
	case f[1] == yes:
		*list = append(*list, cube{})
		return yes, len(*list) <= maxCubes
	}
	r.spend()
	level := r.level(f)
	bit := uint64(1) << (63 - (level-levelArgs)%64)
	lo, hi := r.halves(f, level)
	first := len(*list)
	zero, ok := r.cubes(pair{r.and(lo[0], r.not(hi[1])), lo[1]}, list)
	if !ok {
		return no, false
	}
	second := len(*list)
	set, ok := r.cubes(pair{r.and(hi[0], r.not(lo[1])), hi[1]}, list)
	if !ok {
		return no, false
	}
	third := len(*list)
	left := r.or(r.and(lo[0], r.not(zero)), r.and(hi[0], r.not(set)))
	free, ok := r.cubes(pair{left, r.and(lo[1], hi[1])}, list)
	for i := first; i < third; i++ {
		c := &(*list)[i]
		c.mask |= bit
		if i >= second {
			c.value |= bit
		}
	}
	return r.or(r.branch(level, zero, set), free), ok
}

// alternatives says that the argument is in one of some cubes. Those of one bit are a comparison together, those of one mask
// a oneof.
func (r *formReader) alternatives(a int, list []cube) resolve.Cond {
	c := Comparison{Arg: a, View: r.views[a]}
	single := cube{}
	var masks []uint64
	values := map[uint64][]uint64{}
	for _, x := range list {
		if bits.OnesCount64(x.mask) == 1 && x.mask&single.mask == 0 {
			single.mask |= x.mask
			single.value |= x.mask &^ x.value
			continue
		}
		if values[x.mask] == nil {
			masks = append(masks, x.mask)
		}
		values[x.mask] = append(values[x.mask], x.value)
	}
	var any []resolve.Cond
	add := func(mask uint64, op resolve.Op, values []uint64) {
		c.Mask, c.Op, c.Values = mask, op, values
		if mask == c.View.mask() {
			c.Mask = 0
		}
		any = append(any, c)
	}
	if single.mask != 0 {
		add(single.mask, resolve.NE, []uint64{single.value})
	}
	for _, mask := range masks {
		if slices.Sort(values[mask]); mask == 0 {
			return resolve.All{}
		}
		add(mask, resolve.EQ, values[mask])
	}
	return anyOf(any...)
}

// within takes the bits apart that all values of a set have in common.
func (r *formReader) within(a int, f pair) (reading, bool) {
	common := r.common(f[0], map[ref]cube{})
	support := r.support(f[0])[a] | r.support(f[1])[a]
	if common.mask == 0 || common.mask == support {
		return reading{}, false
	}
	var value, mask [6]uint64
	value[a], mask[a] = common.value, common.mask
	box := r.compare(equal, int32(levelArgs+64*a), 64, common.mask, common.value, yes, no)
	x := r.read(box, box)
	y := r.read(r.given(f[0], value, mask, [6]uint64{}), r.given(f[1], value, mask, [6]uint64{}))
	return r.both(x, y), true
}

// common is the least cube around a set.
func (r *formReader) common(f ref, done map[ref]cube) cube {
	v := r.vertices[f]
	if v.level == leaf {
		return cube{}
	}
	if c, ok := done[f]; ok {
		return c
	}
	bit := uint64(1) << (63 - (v.level-levelArgs)%64)
	var c cube
	switch {
	case v.lo == no:
		c = r.common(v.hi, done)
		c.mask, c.value = c.mask|bit, c.value|bit
	case v.hi == no:
		c = r.common(v.lo, done)
		c.mask |= bit
	default:
		x, y := r.common(v.lo, done), r.common(v.hi, done)
		c.mask = x.mask & y.mask &^ (x.value ^ y.value)
		c.value = x.value & c.mask
	}
	done[f] = c
	return c
}

// halved writes a set as one of the higher bits and one of the lower.
func (r *formReader) halved(a int, f pair) (reading, bool) {
	support := r.support(f[0])[a] | r.support(f[1])[a]
	best, found := reading{}, false
	var lower, higher [65]ref // without the bits below that, and without those from it on
	lower[0], higher[64] = f[0], f[0]
	for at := range 64 {
		var low, high [6]uint64
		low[a], high[a] = 1<<at, 1<<(63-at)
		lower[at+1] = r.some(lower[at], low)
		higher[63-at] = r.some(higher[64-at], high)
	}
	for at := 1; at < 64; at++ {
		x, y := lower[at], higher[at]
		if support>>(at-1)&1 == 0 { // the same as below
			continue
		}
		if x == yes || y == yes || !r.implies(r.and(x, y), f[1]) {
			continue
		}
		above, ok := r.direct(a, pair{x, x})
		below, too := r.direct(a, pair{y, y})
		if !ok || !too {
			continue
		}
		if z := r.both(above, below); !found || z.cost < best.cost {
			best, found = z, true
		}
	}
	return best, found
}
