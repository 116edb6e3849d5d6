package prove

import (
	"math/rand/v2"
	"testing"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// TestConditions compares the conditions on four bits with arithmetic, for every constant, mask and value.
func TestConditions(t *testing.T) {
	const level, width = levelArgs + 64 + 60, 4 // the last bits of argument 1
	s := newStore(1 << 30)
	for mask := range uint64(16) {
		for k := range uint64(16) {
			conds := map[string]ref{
				"equal":    s.compare(equal, level, width, mask, k, yes, no),
				"at least": s.compare(atLeast, level, width, mask, k, yes, no),
				"above":    s.compare(above, level, width, mask, k, yes, no),
			}
			for v := range uint64(16) {
				call := resolve.Call{Args: [6]uint64{^v, v, ^v, ^v, ^v, ^v}}
				for name, want := range map[string]bool{"equal": v&mask == k, "at least": v&mask >= k, "above": v&mask > k} {
					if got := s.lookup(conds[name], call); got != map[bool]ref{true: yes, false: no}[want] {
						t.Fatalf("%s of %d under mask %d and %d: leaf %d, want %v", name, v, mask, k, got, want)
					}
				}
			}
		}
	}
	for is := equal; is <= above; is++ {
		if s.compare(is, level, width, 15, 16, yes, no) != no {
			t.Error("a constant of five bits is met by four")
		}
	}
}

// TestCompare: a comparison of functions of any bits is that of a condition.
func TestCompare(t *testing.T) {
	s := newStore(1 << 30)
	r := rand.New(rand.NewPCG(1, 1))
	const level, width = levelArgs + 4, 8
	var of func(from int32) ref // a function of the bits from a level on
	of = func(from int32) ref {
		if from >= levelArgs+16 || r.IntN(4) == 0 {
			return s.action(resolve.Action(r.IntN(3)))
		}
		return s.branch(from, of(from+1+r.Int32N(3)), of(from+1+r.Int32N(3)))
	}
	for range 5000 {
		is, mask, k := relation(r.IntN(3)), uint64(255), r.Uint64N(256)
		if r.IntN(3) == 0 {
			mask = r.Uint64N(256)
		}
		from := levelArgs + r.Int32N(8)
		yes1, no1 := of(from), of(from)
		if got, want := s.compare(is, level, width, mask, k, yes1, no1), s.ite(s.compare(is, level, width, mask, k, yes, no), yes1, no1); got != want {
			t.Fatalf("relation %d to %#x under %#x of functions from level %d on differs from its condition", is, k, mask, from)
		}
	}
}

// TestCanonical: functions that are equal are the same ref, however they were made.
func TestCanonical(t *testing.T) {
	s := newStore(1 << 30)
	r := rand.New(rand.NewPCG(1, 1))
	bit := func() ref { return s.compare(equal, levelArgs+int32(r.IntN(8)), 1, 1, uint64(r.IntN(2)), yes, no) }
	not := func(a ref) ref { return s.ite(a, no, yes) }
	for range 2000 {
		a, b, c := bit(), bit(), bit()
		f, g := s.ite(a, b, c), s.ite(not(a), c, b)
		if f != g {
			t.Fatal("a ? b : c differs from !a ? c : b")
		}
		if s.ite(a, b, no) != not(s.ite(not(a), yes, not(b))) {
			t.Fatal("a && b differs from !(!a || !b)")
		}
		if x, y := s.ite(f, s.action(7), s.action(8)), s.ite(not(f), s.action(8), s.action(7)); x != y {
			t.Fatal("f ? 7 : 8 differs from !f ? 8 : 7")
		}
	}
	if s.action(0) == no || s.action(1) == yes {
		t.Error("an action is taken for a condition's leaf")
	}
	for _, v := range s.vertices {
		if v.level != leaf && (v.lo == v.hi || s.vertices[v.lo].level <= v.level || s.vertices[v.hi].level <= v.level) {
			t.Fatalf("vertex %+v is not reduced and ordered", v)
		}
	}
}

// TestBits: a bit that is set is the bit that is read, for every level.
func TestBits(t *testing.T) {
	for level := range int32(leaf) {
		var c resolve.Call
		setBit(&c, level)
		for other := range int32(leaf) {
			if bitOf(c, other) != (other == level) {
				t.Fatalf("with bit %d set, bit %d reads as %v", level, other, bitOf(c, other))
			}
		}
	}
	if c := (resolve.Call{Arch: 1 << 31}); !bitOf(c, levelArch) {
		t.Error("the architecture's first level is not its highest bit")
	}
	if c := (resolve.Call{NR: 1}); !bitOf(c, levelNR+31) {
		t.Error("the number's last level is not its lowest bit")
	}
	if c := (resolve.Call{Args: [6]uint64{5: 1 << 63}}); !bitOf(c, levelArgs+5*64) {
		t.Error("an argument's first level is not its highest bit")
	}
}

// TestBudget: a spent budget ends the work instead of giving an answer.
func TestBudget(t *testing.T) {
	s := newStore(100)
	err := func() (err error) {
		defer s.recover(&err)
		r := yes
		for i := range uint64(64) {
			r = s.ite(r, s.compare(equal, levelArgs, 64, ^uint64(0), i*0x9e3779b97f4a7c15, yes, no), no)
			r = s.ite(r, no, yes)
		}
		return nil
	}()
	if err != ErrNotProven {
		t.Errorf("error %v", err)
	}
	if n := len(s.vertices); n > 102 {
		t.Errorf("%d vertices for a budget of 100", n)
	}
	func() {
		defer func() {
			if recover() != "other" {
				t.Error("another panic was taken for a spent budget")
			}
		}()
		var err error
		defer s.recover(&err)
		panic("other")
	}()
}
