package compiler_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// compileRules compiles rules for an ABI and returns how many steps its program takes for a call.
func compileRules(t *testing.T, abi, rules string) (instructions int, steps func(c resolve.Call) int) {
	t.Helper()
	r, diags := compiler.Compile("growth.yaml", []byte("seccompc: 1\ntargets: ["+abi+"]\ndefault: errno(EPERM)\nrules:\n"+rules), compiler.Options{Warn: true})
	if r == nil {
		t.Fatal(diags)
	}
	return len(r.Programs[0]), func(c resolve.Call) int {
		c.Arch = arch.Lookup(abi).Audit
		_, steps, err := inspect.Run(r.Programs[0], false, c)
		if err != nil {
			t.Fatal(err)
		}
		return steps
	}
}

// TestSetGrowth: the steps through a set of values grow as the logarithm of their number, and its instructions as the number.
func TestSetGrowth(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, kind := range []struct {
		name, operand string
		value         func() uint64
		first         int // steps through a set of one value
		perValue      float64
	}{
		{"32 bits", "cmd", func() uint64 { return uint64(r.Uint32()) }, 2, 1.4},
		{"16 bits of 32", "cmd", func() uint64 { return uint64(r.Uint32N(1 << 16)) }, 2, 1.4},
		{"32 bits of 64", "arg1", func() uint64 { return uint64(r.Uint32()) }, 4, 1.4},
		{"64 bits", "arg1", r.Uint64, 4, 3.6},
	} {
		base := 0
		for _, n := range []int{1, 10, 30, 100, 300, 800, 1100, 3000} {
			if kind.name == "64 bits" && n > 1100 {
				continue // more than a program can have
			}
			var list []string
			var values []uint64
			for range n {
				v := kind.value()
				values, list = append(values, v), append(list, fmt.Sprint(v))
			}
			cond := kind.operand + " == " + list[0]
			if n > 1 {
				cond = "oneof(" + kind.operand + ", " + strings.Join(list, ", ") + ")"
			}
			instructions, steps := compileRules(t, "x86_64", "- allow: [ioctl]\n  if: "+cond+"\n")
			most, sum := 0, 0
			for _, v := range values {
				s := steps(resolve.Call{NR: 16, Args: [6]uint64{1: v}}) - base
				most, sum = max(most, s), sum+s
			}
			if n == 1 {
				base = sum - kind.first
				continue
			}
			mean := float64(sum) / float64(n)
			t.Logf("%s: %d values: %d instructions, %.1f steps for the set, at most %d", kind.name, n, instructions, mean, most)
			levels := math.Log2(float64(n))
			if mean > 1.2*levels+float64(kind.first)+1.5 || float64(most) > 1.45*levels+float64(kind.first)+2.5 || float64(instructions) > kind.perValue*float64(n)+20 {
				t.Errorf("%s, %d values: %d instructions, %.1f steps, at most %d", kind.name, n, instructions, mean, most)
			}
			if n == 800 && mean > 15 || n == 800 && kind.first == 2 && mean > 12.5 {
				t.Errorf("%s, 800 values: %.1f steps", kind.name, mean)
			}
		}
	}
}

// TestCallGrowth: so do the steps to a call among many that have a condition each.
func TestCallGrowth(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	calls := arch.Lookup("i386").Syscalls()
	for _, n := range []int{1, 10, 50, 150, 300, len(calls)} {
		var rules strings.Builder
		fmt.Fprint(&rules, "- allow:\n")
		for _, c := range calls[:n] {
			fmt.Fprintf(&rules, "    %s: arg%d == %d\n", c.Name, r.IntN(6), r.Uint32())
		}
		instructions, steps := compileRules(t, "i386", rules.String())
		most := 0
		for _, c := range calls[:n] {
			most = max(most, steps(resolve.Call{NR: c.Number}))
		}
		t.Logf("%d calls: %d instructions, at most %d steps", n, instructions, most)
		if float64(most) > 1.2*math.Log2(float64(n))+10 || instructions > 6*n+20 {
			t.Errorf("%d calls: %d instructions, at most %d steps", n, instructions, most)
		}
	}
}
