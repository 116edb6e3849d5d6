package prove_test

import (
	"math/rand/v2"
	"testing"

	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// TestEscapes compares Escapes with a search through all calls, on filters that look at 4 bits of two arguments.
func TestEscapes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	bits := func() uint64 { return r.Uint64N(16) }
	var cond func(depth int) resolve.Cond
	cond = func(depth int) resolve.Cond {
		switch n := r.IntN(6); {
		case n == 0 && depth > 0:
			return resolve.All{cond(depth - 1), cond(depth - 1)}
		case n == 1 && depth > 0:
			return resolve.Any{cond(depth - 1), cond(depth - 1)}
		case n == 2 && depth > 0:
			return resolve.Not{Cond: cond(depth - 1)}
		}
		mask := bits()
		return resolve.Compare{Arg: r.IntN(2), Bits: 64, Mask: mask, Op: resolve.Op(r.IntN(6)), Value: bits() & mask}
	}
	outcomes := map[bool]int{}
	for range 2000 {
		f := &resolve.Filter{Known: []uint32{7}, Default: resolve.Allow, Unknown: resolve.Errno | 38}
		if r.IntN(2) == 0 {
			f.Default = resolve.Errno | 1
		}
		for range r.IntN(4) {
			f.Rules = append(f.Rules, resolve.Rule{Numbers: []uint32{7}, Cond: cond(2), Action: []resolve.Action{resolve.Allow, resolve.Errno | 1}[r.IntN(2)]})
		}
		free := [6]uint64{bits(), bits()}
		mask := [6]uint64{bits() &^ free[0], bits() &^ free[1]}
		args := [6]uint64{bits() & mask[0], bits() & mask[1]}

		passes := func(x, y uint64) bool { return f.Decide(7, [6]uint64{x, y}) == resolve.Allow }
		want := false
		for x := range uint64(16) {
			for y := range uint64(16) {
				if x&mask[0] != args[0] || y&mask[1] != args[1] || x&free[0] != 0 || y&free[1] != 0 || passes(x, y) {
					continue
				}
				for i := range uint64(16) {
					for j := range uint64(16) {
						want = want || i&^free[0] == 0 && j&^free[1] == 0 && passes(x|i, y|j)
					}
				}
			}
		}
		rules, err := prove.NewRules(f)
		if err != nil {
			t.Fatal(err)
		}
		got, err := rules.Escapes(7, args, mask, free, func(rule int) bool {
			if rule == prove.None {
				return f.Default == resolve.Allow
			}
			return f.Rules[rule].Action == resolve.Allow
		})
		if err != nil || got != want {
			t.Fatalf("%v %v, want %v: args %#x mask %#x free %#x\n%+v", got, err, want, args[:2], mask[:2], free[:2], f)
		}
		outcomes[want]++
	}
	if outcomes[true] < 100 || outcomes[false] < 100 {
		t.Errorf("one-sided: %v", outcomes)
	}
}
