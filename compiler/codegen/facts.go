package codegen

import (
	"math/bits"
	"slices"
)

// A fact is what earlier tests told about a word: the range it is in, and bits that it has or has not.
type fact struct {
	word        uint32
	least, most uint32
	has, hasNot uint32
}

// facts are about different words, in ascending order of their offsets.
type facts []fact

// prune takes out the tests that earlier ones have decided, on every path on which that is so for all ways to get there.
func (b *builder) prune(root *node) *node {
	for {
		next := b.pass(root)
		if next == root {
			return root
		}
		root = next
	}
}

func (b *builder) pass(root *node) *node {
	order := descend(root)
	known := map[*node]facts{root: nil}
	type edges struct{ yes, no *node }
	leads := map[*node]edges{}
	for _, n := range order {
		here, reached := known[n]
		if !reached || n.op == ret {
			continue
		}
		follow := func(to *node, taken bool) *node {
			after := here.learn(n, taken)
			for to.op != ret {
				taken, sure := after.decide(to)
				if !sure {
					break
				}
				if taken {
					to = to.yes
				} else {
					to = to.no
				}
			}
			if before, met := known[to]; met {
				after = before.meet(after)
			}
			known[to] = after
			return to
		}
		leads[n] = edges{follow(n.yes, true), follow(n.no, false)}
	}
	done := map[*node]*node{}
	for _, n := range slices.Backward(order) {
		if e, ok := leads[n]; ok {
			done[n] = b.test(field{n.word, n.mask}, n.op, n.k, done[e.yes], done[e.no])
		} else {
			done[n] = n
		}
	}
	return done[root]
}

// descend lists the nodes, parents before their children.
func descend(root *node) []*node {
	var order []*node
	seen := map[*node]bool{}
	var visit func(*node)
	visit = func(n *node) {
		if seen[n] {
			return
		}
		seen[n] = true
		if n.op != ret {
			visit(n.no)
			visit(n.yes)
		}
		order = append(order, n)
	}
	visit(root)
	slices.Reverse(order)
	return order
}

func (f facts) of(word uint32) fact {
	for _, x := range f {
		if x.word == word {
			return x
		}
	}
	return fact{word: word, most: all}
}

// learn returns what is known behind a test that went one way.
func (f facts) learn(n *node, yes bool) facts {
	x := f.of(n.word)
	switch {
	case n.op == jeq && yes:
		x.has |= n.k
		x.hasNot |= n.mask &^ n.k
	case n.op == jeq && n.mask == all && n.k == x.least:
		x.least++
	case n.op == jeq && n.mask == all && n.k == x.most:
		x.most--
	case n.op == jset && yes && n.k&(n.k-1) == 0:
		x.has |= n.k
	case n.op == jset && !yes:
		x.hasNot |= n.k
	case n.mask != all:
	case n.op == jge && yes:
		x.least = max(x.least, n.k)
	case n.op == jge:
		x.most = min(x.most, n.k-1)
	case n.op == jgt && yes:
		x.least = max(x.least, n.k+1)
	case n.op == jgt:
		x.most = min(x.most, n.k)
	}
	x.least, x.most = max(x.least, x.has), min(x.most, ^x.hasNot)
	if x.least <= x.most { // else nothing gets here
		same := ^uint32(0) << bits.Len32(x.least^x.most) // the leading bits that least and most agree in
		x.has |= x.least & same
		x.hasNot |= ^x.least & same
	}
	out := slices.Clone(f)
	i, found := slices.BinarySearchFunc(out, x.word, func(x fact, word uint32) int { return int(x.word) - int(word) })
	if !found {
		return slices.Insert(out, i, x)
	}
	out[i] = x
	return out
}

// decide reports which way a test goes, if that is sure.
func (f facts) decide(n *node) (yes, sure bool) {
	x := f.of(n.word)
	least, most := x.has&n.mask, ^x.hasNot&n.mask
	if n.mask == all {
		least, most = x.least, x.most
	}
	switch n.op {
	case jeq:
		switch {
		case n.k < least || n.k > most || n.k&x.hasNot != 0 || n.mask&^n.k&x.has != 0:
			return false, true
		case least == most:
			return true, true
		}
	case jge:
		return least >= n.k, least >= n.k || most < n.k
	case jgt:
		return least > n.k, least > n.k || most <= n.k
	case jset:
		return x.has&n.k != 0, x.has&n.k != 0 || n.k&^x.hasNot == 0
	}
	return false, false
}

// meet keeps what is known on both of two ways.
func (f facts) meet(g facts) (out facts) {
	for _, x := range f {
		y := g.of(x.word)
		x = fact{x.word, min(x.least, y.least), max(x.most, y.most), x.has & y.has, x.hasNot & y.hasNot}
		if x != (fact{word: x.word, most: all}) {
			out = append(out, x)
		}
	}
	return out
}
