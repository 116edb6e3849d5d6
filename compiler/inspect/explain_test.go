package inspect_test

import (
	"math/rand/v2"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/codegen"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/resolve"
	"github.com/seccompc/seccompc/compiler/resolve/resolvetest"
)

// TestExplain: on random policies an explanation says what the policy decides, its steps are those of the machine and each leads to
// the next, what the kernel has in its cache is allowed whatever else holds, and outcomes and instructions that decide are
// those that calls meet.
func TestExplain(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 7))
	cached, several := 0, 0
	for range 60 {
		target := resolvetest.Target(r, resolvetest.ABIs(r)...)
		prog, err := codegen.Program(target)
		if err != nil {
			t.Fatal(err)
		}
		p := inspect.Program{Code: prog, BigEndian: target.Filters[0].ABI.BigEndian}
		for _, f := range target.Filters {
			p.ABIs = append(p.ABIs, f.ABI)
		}
		values := resolvetest.Values(target)
		for _, c := range resolvetest.Calls(r, target, values, 20) {
			var abi *arch.ABI
			for _, f := range target.Filters {
				if f.Serves(c.Arch, c.NR) {
					abi = f.ABI
				}
			}
			if abi == nil {
				continue // what is foreign has no explanation but that
			}
			var given [6]uint64
			for i := range given {
				if r.IntN(2) == 0 {
					given[i] = ^uint64(0)
				}
			}
			any := func(resolve.Action) bool { return true }
			e, same, err := inspect.Explain(p, abi, c, given, any)
			if err != nil || same != c || e.Action != target.Decide(c) {
				t.Fatalf("%#x is %v, not %v; of %#x; error %v", c, e.Action, target.Decide(c), same, err)
			}
			if _, steps, _ := inspect.Run(prog, p.BigEndian, c); steps != len(e.Path) {
				t.Fatalf("%d steps, not %d", len(e.Path), steps)
			}
			pc, decides := 0, map[int]bool{}
			for _, pc := range e.Reached {
				decides[pc] = true
			}
			for i, s := range e.Path {
				in := prog[s.PC]
				if s.PC != pc {
					t.Fatalf("step %d is at %d, not %d", i, s.PC, pc)
				}
				switch pc++; {
				case in.Op == 0x05:
					pc += int(in.K)
				case in.Op&7 == 5 && s.Taken:
					pc += int(in.Jt)
				case in.Op&7 == 5:
					pc += int(in.Jf)
				case in.Op == 0x06 && (i != len(e.Path)-1 || resolve.Action(in.K) != e.Action || !decides[s.PC]):
					t.Fatalf("step %d of %d returns %#x", i, len(e.Path), in.K)
				}
			}
			for range 8 { // what is left open
				other := c
				for i := range other.Args {
					if given[i] == 0 {
						other.Args[i] = values[r.IntN(len(values))]
					}
				}
				action, found := target.Decide(other), false
				for _, o := range e.Outcomes {
					found = found || o.Action == action
				}
				if !found {
					t.Fatalf("%#x is %v, which is not among %v", other, action, e.Outcomes)
				}
			}
			for _, o := range e.Outcomes {
				got, call, err := inspect.Explain(p, abi, c, given, func(a resolve.Action) bool { return a == o.Action })
				if err != nil || got.Action != o.Action || target.Decide(call) != o.Action {
					t.Fatalf("asked for %v: %#x is %v; error %v", o.Action, call, got.Action, err)
				}
			}
			if e.Cached {
				cached++
				for range 4 {
					c.Args = [6]uint64{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), values[r.IntN(len(values))]}
					if target.Decide(c) != resolve.Allow {
						t.Fatalf("%#x is cached and %v", c, target.Decide(c))
					}
				}
			}
			if len(e.Outcomes) > 1 {
				several++
			}
		}
	}
	if cached < 20 || several < 20 {
		t.Errorf("%d cached, %d with several outcomes", cached, several)
	}
}
