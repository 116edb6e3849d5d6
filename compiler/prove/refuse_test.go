package prove_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/codegen"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
	"github.com/seccompc/seccompc/compiler/resolve/resolvetest"
)

func TestReadRefuses(t *testing.T) {
	ld, and, jeq, ja, ret := in{Op: 0x20}, in{Op: 0x54, K: 1}, in{Op: 0x15, K: 1}, in{Op: 0x05}, in{Op: 0x06}
	jump := func(i in, jt, jf uint8, k uint32) in { i.Jt, i.Jf, i.K = jt, jf, k; return i }
	from := func(k uint32) in { return in{Op: 0x20, K: k} }
	for _, c := range []struct {
		name string
		prog program
		want string // part of the error; "": accepted
	}{
		{"empty", nil, "program of 0 instructions"},
		{"the longest", slices.Repeat(program{ret}, 4096), ""},
		{"too long", slices.Repeat(program{ret}, 4097), "program of 4097 instructions: the kernel takes 1 to 4096"},
		{"one return", program{ret}, ""},
		{"no return at the end", program{ret, ld}, "instruction 1: jump by 0 with 0 instructions left"},
		{"AND at the end", program{ld, and}, "instruction 1: jump by 0 with 0 instructions left"},
		{"a jump at the end", program{ld, ja}, "instruction 1: jump by 0 with 0 instructions left"},
		{"jt to the end", program{ld, jump(jeq, 1, 0, 1), ret}, "instruction 1: jump by 1 with 1 instructions left"},
		{"jf to the end", program{ld, jump(jeq, 0, 1, 1), ret}, "instruction 1: jump by 1 with 1 instructions left"},
		{"jt to the last", program{ld, jump(jeq, 1, 0, 1), ret, ret}, ""},
		{"jf beyond the end", program{ld, jump(jeq, 0, 255, 1), ret}, "instruction 1: jump by 255"},
		{"JA to the last", program{jump(ja, 0, 0, 1), ret, ret}, ""},
		{"JA to the end", program{jump(ja, 0, 0, 1), ret}, "instruction 0: jump by 1"},
		{"JA backwards", program{ld, jump(ja, 0, 0, 0xfffffffe), ret}, "instruction 1: jump by 4294967294"},
		{"JA onto itself", program{ld, jump(ja, 0, 0, 0xffffffff), ret}, "instruction 1: jump by 4294967295"},
		{"an unreachable fault", program{ret, jump(ja, 0, 0, 7), ret}, "instruction 1: jump by 7"},
		{"the number", program{from(0), ret}, ""},
		{"the architecture", program{from(4), ret}, ""},
		{"the last word", program{from(60), ret}, ""},
		{"the instruction pointer's low half", program{from(8), ret}, "instruction 0: load from offset 8: only arch, nr and the arguments are modelled"},
		{"the instruction pointer's high half", program{from(12), ret}, "load from offset 12"},
		{"behind the arguments", program{from(64), ret}, "load from offset 64"},
		{"far behind", program{from(0xfffffffc), ret}, "load from offset 4294967292"},
		{"between words", program{from(18), ret}, "load from offset 18"},
		{"an odd offset", program{from(61), ret}, "load from offset 61"},
		{"a jump before a load", program{jeq, ret}, "instruction 0: the accumulator is used before a load"},
		{"AND before a load", program{and, ret}, "instruction 0: the accumulator is used before a load"},
		{"a jump over the load", program{jump(ja, 0, 0, 1), ld, jeq, ret}, "instruction 2: the accumulator is used before a load"},
		{"no load needed", program{jump(ja, 0, 0, 1), jeq, ret}, ""},
	} {
		for _, big := range []bool{false, true} {
			_, err := prove.Read(c.prog, big)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("%s: %v", c.name, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%s: error %v, want %q", c.name, err, c.want)
			}
		}
	}
}

// TestOpcodes: of all opcodes the eight that codegen uses are modelled.
func TestOpcodes(t *testing.T) {
	modelled := []uint16{0x20, 0x54, 0x05, 0x15, 0x25, 0x35, 0x45, 0x06}
	for op := range 1 << 16 {
		_, err := prove.Read(program{{Op: 0x20}, {Op: uint16(op)}, {Op: 0x06}}, false)
		if slices.Contains(modelled, uint16(op)) {
			if err != nil {
				t.Errorf("opcode %#x: %v", op, err)
			}
		} else if err == nil || err.Error() != fmt.Sprintf("instruction 1: opcode %#04x is not modelled", op) {
			t.Errorf("opcode %#x: error %v", op, err)
		}
	}
}

// explosive are programs whose diagrams outgrow every memory, or nearly so. None of them allows every call.
func explosive() map[string]program {
	r := rand.New(rand.NewPCG(6, 6))
	allow, deny := in{Op: 0x06, K: uint32(resolve.Allow)}, in{Op: 0x06}
	word := func() in { return in{Op: 0x20, K: 16 + 4*r.Uint32N(12)} }
	repeat := func(prog program, step func(i int) program) program {
		for i := 0; len(prog) < 4080; i++ {
			prog = append(prog, step(i)...)
		}
		return append(prog, in{Op: 0x20, K: 0}, in{Op: 0x15, K: 5, Jt: 1}, allow, deny)
	}
	return map[string]program{
		"masks in a chain of diamonds": repeat(program{word()}, func(i int) program {
			return program{{Op: 0x45, K: 1 << (i % 32), Jf: 1}, {Op: 0x54, K: ^uint32(1 << ((i + 7) % 32))}}
		}),
		"thousands of (w & m) != k": repeat(nil, func(int) program {
			m := r.Uint32()
			return program{{Op: 0x20, K: 16}, {Op: 0x54, K: m}, {Op: 0x15, K: m & r.Uint32(), Jf: 1}, deny}
		}),
		"thousands of (w & m) != k over all words": repeat(nil, func(int) program {
			m := r.Uint32() & r.Uint32()
			return program{word(), {Op: 0x54, K: m}, {Op: 0x15, K: m & r.Uint32(), Jf: 1}, deny}
		}),
		"ranges over all words": repeat(nil, func(int) program {
			return program{word(), {Op: 0x25, K: r.Uint32(), Jf: 2}, {Op: 0x25, K: r.Uint32(), Jt: 1}, deny}
		}),
	}
}

// TestNotProven: what outgrows the budget ends there, in ErrNotProven and never in a proof.
func TestNotProven(t *testing.T) {
	for name, prog := range explosive() {
		t.Run(name, func(t *testing.T) {
			const budget = 100_000
			d, err := prove.ReadWithin(budget, prog, false)
			if !errors.Is(err, prove.ErrNotProven) {
				t.Errorf("error %v", err)
			}
			if size := prove.Size(d); size > budget+2 {
				t.Errorf("%d vertices and results for a budget of %d", size, budget)
			}
		})
	}
}

// TestStates: what a program can hold in its accumulator counts too, even where it makes no difference.
func TestStates(t *testing.T) {
	prog := program{{Op: 0x20, K: 16}}
	for i := range 20 {
		prog = append(prog, in{Op: 0x45, K: 0, Jf: 1}, in{Op: 0x54, K: ^uint32(1 << i)})
	}
	if _, err := prove.ReadWithin(100_000, append(prog, in{Op: 0x20}, in{Op: 0x06}), false); !errors.Is(err, prove.ErrNotProven) {
		t.Errorf("error %v for a million states", err)
	}
}

// TestBudgetMemory spends the whole budget.
func TestBudgetMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := prove.Read(explosive()["thousands of (w & m) != k"], false)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, prove.ErrNotProven) {
		t.Errorf("error %v", err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<30 {
		t.Errorf("%d MB were allocated in all", n>>20)
	}
	t.Logf("%d MB", (after.TotalAlloc-before.TotalAlloc)>>20)
}

// TestSharedBudget: reading and comparing draw on one budget, so a diagram that took all of it proves nothing.
func TestSharedBudget(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	target := resolvetest.Target(r, arch.Lookup("x86_64"), arch.Lookup("i386"))
	prog, err := codegen.Program(target)
	if err != nil {
		t.Fatal(err)
	}
	d, err := prove.Read(prog, false)
	if err != nil {
		t.Fatal(err)
	}
	prove.Spend(d)
	if err := d.Equal(target); !errors.Is(err, prove.ErrNotProven) {
		t.Errorf("error %v", err)
	}
}

func TestOutcomes(t *testing.T) {
	abi := arch.Lookup("x86_64")
	compare := func(arg int, op resolve.Op, mask, v uint64) resolve.Cond {
		return resolve.Compare{Arg: arg, Bits: 64, Mask: mask, Op: op, Value: v}
	}
	rule := func(n uint32, c resolve.Cond, a resolve.Action) resolve.Rule {
		return resolve.Rule{Numbers: []uint32{n}, Cond: c, Action: a}
	}
	f := &resolve.Filter{ABI: abi, Known: []uint32{1, 2, 3, 4, 5, 6}, Default: resolve.Errno | 1, Unknown: resolve.Errno | 38, Rules: []resolve.Rule{
		rule(1, resolve.All(nil), resolve.Allow),
		rule(2, compare(0, resolve.EQ, 1<<64-1, 1<<63), resolve.Allow),
		rule(3, resolve.Any{compare(0, resolve.LT, 1<<64-1, 7), compare(0, resolve.GE, 1<<64-1, 7)}, resolve.Allow),
		rule(4, compare(5, resolve.EQ, 3, 1), resolve.KillProcess),
		rule(4, compare(5, resolve.EQ, 1, 1), resolve.KillThread),
		rule(4, compare(1, resolve.GT, 1<<64-1, 1<<64-2), resolve.Log),
		rule(4, resolve.All(nil), resolve.Trap),
		rule(5, resolve.All{compare(2, resolve.EQ, 0xf, 1), compare(2, resolve.EQ, 0xf0f, 0x302)}, resolve.Allow),
		rule(6, resolve.Any(nil), resolve.Allow),
	}}
	target := &resolve.Target{Foreign: resolve.KillProcess, Filters: []*resolve.Filter{f}}
	prog, err := codegen.Program(target)
	if err != nil {
		t.Fatal(err)
	}
	d, err := prove.Read(prog, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		audit, nr uint32
		want      []resolve.Action
	}{
		{"unconditional", abi.Audit, 1, []resolve.Action{resolve.Allow}},
		{"one value", abi.Audit, 2, []resolve.Action{resolve.Errno | 1, resolve.Allow}},
		{"both sides", abi.Audit, 3, []resolve.Action{resolve.Allow}},
		{"several", abi.Audit, 4, []resolve.Action{resolve.KillThread, resolve.Trap, resolve.Log, resolve.KillProcess}},
		{"a contradiction", abi.Audit, 5, []resolve.Action{resolve.Errno | 1}},
		{"never", abi.Audit, 6, []resolve.Action{resolve.Errno | 1}},
		{"unknown", abi.Audit, 7, []resolve.Action{resolve.Errno | 38}},
		{"no call", abi.Audit, resolve.NoCall, []resolve.Action{resolve.Errno | 38}},
		{"x32", abi.Audit, 0x40000001, []resolve.Action{resolve.KillProcess}},
		{"foreign", 0x40000003, 1, []resolve.Action{resolve.KillProcess}},
	} {
		var got []resolve.Action
		for _, o := range d.Outcomes(resolve.Call{Arch: c.audit, NR: c.nr}, [6]uint64{}) {
			got = append(got, o.Action)
			a, _, err := inspect.Run(prog, false, o.Call)
			if err != nil || a != o.Action || o.Call.Arch != c.audit || o.Call.NR != c.nr {
				t.Errorf("%s: call %#x meets %v, error %v, not %v", c.name, o.Call, a, err, o.Action)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestOutcomesBounded: a diagram with very many paths is walked by its vertices.
func TestOutcomesBounded(t *testing.T) {
	// The parity of 250 bits: two lanes, for even and odd, which each bit set makes the program change. That is 2^250
	// paths to two returns.
	var prog program
	for i := range uint32(250) {
		load, bit := in{Op: 0x20, K: 16 + 4*(i/32)}, uint32(1)<<(i%32)
		prog = append(prog, load, in{Op: 0x45, K: bit, Jt: 4, Jf: 2}, load, in{Op: 0x45, K: bit, Jt: 0, Jf: 2})
	}
	prog = append(prog, in{Op: 0x06, K: 1}, in{Op: 0x06, K: 1}, in{Op: 0x06, K: 2}, in{Op: 0x06, K: 2})
	d, err := prove.Read(prog, false)
	if err != nil {
		t.Fatal(err)
	}
	outcomes := d.Outcomes(resolve.Call{Arch: 0, NR: 0}, [6]uint64{})
	if len(outcomes) != 2 {
		t.Fatalf("%v", outcomes)
	}
	for _, o := range outcomes {
		if a, _, err := inspect.Run(prog, false, o.Call); err != nil || a != o.Action {
			t.Errorf("call %#x meets %v, error %v, not %v", o.Call, a, err, o.Action)
		}
	}
}

func TestContradicts(t *testing.T) {
	cmp := func(arg int, op resolve.Op, v uint64) resolve.Cond {
		return resolve.Compare{Arg: arg, Bits: 64, Mask: 1<<64 - 1, Op: op, Value: v}
	}
	rule := func(c resolve.Cond, a resolve.Action, numbers ...uint32) resolve.Rule {
		return resolve.Rule{Numbers: numbers, Cond: c, Action: a}
	}
	always := resolve.All(nil)
	big := uint64(1 << 32)
	for _, c := range []struct {
		name          string
		rules         []resolve.Rule
		first, second int // indices of the rules at odds; both 0: none
	}{
		{"no rules", nil, 0, 0},
		{"one rule", []resolve.Rule{rule(always, resolve.Allow, 1, 2)}, 0, 0},
		{"the same action", []resolve.Rule{rule(always, resolve.Allow, 1), rule(cmp(0, resolve.EQ, 1), resolve.Allow, 1)}, 0, 0},
		{"other numbers", []resolve.Rule{rule(always, resolve.Allow, 1, 3), rule(always, resolve.Log, 2, 4)}, 0, 0},
		{"always and always", []resolve.Rule{rule(always, resolve.Allow, 1, 3), rule(always, resolve.Log, 2, 3)}, 0, 1},
		{"errnos", []resolve.Rule{rule(always, resolve.Errno|1, 1), rule(always, resolve.Errno|2, 1)}, 0, 1},
		{"disjoint", []resolve.Rule{rule(cmp(0, resolve.LT, big), resolve.Allow, 1), rule(cmp(0, resolve.GE, big), resolve.Log, 1)}, 0, 0},
		{"one point", []resolve.Rule{rule(cmp(0, resolve.LE, big), resolve.Allow, 1), rule(cmp(0, resolve.GE, big), resolve.Log, 1)}, 0, 1},
		{"other arguments", []resolve.Rule{rule(cmp(0, resolve.EQ, 1), resolve.Allow, 1), rule(cmp(1, resolve.EQ, 1), resolve.Log, 1)}, 0, 1},
		{"never", []resolve.Rule{rule(resolve.Any(nil), resolve.Allow, 1), rule(always, resolve.Log, 1)}, 0, 0},
		{"the last of three", []resolve.Rule{rule(cmp(0, resolve.EQ, 1), resolve.Allow, 1), rule(cmp(0, resolve.EQ, 2), resolve.Log, 1),
			rule(cmp(0, resolve.EQ, 2), resolve.Allow, 1)}, 1, 2},
		{"disjoint for one number, which says nothing of others", []resolve.Rule{rule(cmp(0, resolve.EQ, 1), resolve.Allow, 1, 2),
			rule(cmp(0, resolve.EQ, 2), resolve.Log, 1, 2), rule(always, resolve.Log, 2)}, 0, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &resolve.Filter{ABI: arch.Lookup("s390x"), Rules: c.rules}
			got, err := prove.Contradicts(f)
			if err != nil {
				t.Fatal(err)
			}
			if c.second == 0 {
				if got != nil {
					t.Fatalf("%+v", got)
				}
				return
			}
			if got == nil {
				t.Fatal("none found")
			}
			for _, r := range []resolve.Rule{got.First, got.Second} {
				if !slices.Contains(r.Numbers, got.Call.NR) || !r.Cond.Holds(got.Call.Args) || got.Call.Arch != f.ABI.Audit {
					t.Errorf("the call %#x does not meet the rule %+v", got.Call, r)
				}
			}
			if fmt.Sprint(got.First, got.Second) != fmt.Sprint(c.rules[c.first], c.rules[c.second]) {
				t.Errorf("rules %+v and %+v", got.First, got.Second)
			}
		})
	}
}

// TestContradictsRandom holds the search against calls: where it finds nothing, no call meets two actions.
func TestContradictsRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	none := 0
	for range 400 {
		target := resolvetest.Target(r, resolvetest.ABIs(r)[0])
		f := target.Filters[0]
		f.Rules = f.Rules[:min(len(f.Rules), 3)]
		c, err := prove.Contradicts(f)
		if err != nil {
			t.Fatal(err)
		}
		if c != nil {
			if !c.First.Cond.Holds(c.Call.Args) || !c.Second.Cond.Holds(c.Call.Args) || c.First.Action == c.Second.Action {
				t.Fatalf("%+v is no contradiction", c)
			}
			continue
		}
		none++
		for _, call := range resolvetest.Calls(r, target, resolvetest.Values(target), 100) {
			met := map[resolve.Action]bool{}
			for _, rule := range f.Rules {
				if slices.Contains(rule.Numbers, call.NR) && rule.Cond.Holds(call.Args) {
					met[rule.Action] = true
				}
			}
			if len(met) > 1 {
				t.Fatalf("call %#x meets %v", call, met)
			}
		}
	}
	if none < 50 || none > 390 {
		t.Errorf("%d of 400 filters without a contradiction", none)
	}
}
