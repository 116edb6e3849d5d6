package compiler_test

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/codegen"
	"github.com/seccompc/seccompc/compiler/resolve"
	"github.com/seccompc/seccompc/compiler/resolve/resolvetest"
	"github.com/seccompc/seccompc/testdata/probe/probetest"
)

// TestKernel asks the running kernel what programs decide. Each rule's answer is an errno of its own that the kernel
// itself never gives, so every call comes back, nothing happens, and the errno names the rule.
func TestKernel(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the calls are made through x86_64's door")
	}
	probe := probetest.Build(t, "amd64")
	int80 := has(t, probe, "int80", 20) // getpid of i386
	if !int80 {
		t.Log("this kernel has no i386: its calls are not made")
	}
	r := rand.New(rand.NewPCG(*seed, 1))
	made := map[string]int{}
	for i := range max(*count/6, 1) {
		abis := []*arch.ABI{arch.Lookup("x86_64")}
		for _, name := range []string{"i386", "x32"} {
			if r.IntN(2) == 0 {
				abis = append(abis, arch.Lookup(name))
			}
		}
		target := resolvetest.Target(r, abis...)
		tell(target)
		prog, err := codegen.Program(target)
		if err != nil {
			t.Fatal(err)
		}
		var raw []byte
		for _, in := range prog {
			raw = binary.NativeEndian.AppendUint16(raw, in.Op)
			raw = append(raw, in.Jt, in.Jf)
			raw = binary.NativeEndian.AppendUint32(raw, in.K)
		}
		var calls []probetest.Call
		var want []resolve.Action
		for _, c := range resolvetest.Calls(r, target, resolvetest.Values(target), 300) {
			door := "native"
			switch {
			case c.Arch == resolve.X86_64 && (c.NR == 335 || c.NR == 336): // uretprobe and uprobe bypass filters
				continue
			case c.Arch == resolve.X86_64:
			case c.Arch == 0x40000003 && int80:
				door = "int80"
				for j := range c.Args { // the registers that int 0x80 passes have 32 bits
					c.Args[j] &= 0xffffffff
				}
			default:
				continue
			}
			calls = append(calls, probetest.Call{Door: door, NR: c.NR, Args: c.Args})
			want = append(want, target.Decide(c))
		}
		results, state, err := probetest.Run(probe, raw, 10*time.Second, calls)
		if err != nil {
			t.Fatal(err)
		}
		for j, got := range results {
			made[calls[j].Door]++
			if !got.Returned || got.Value != -int64(want[j].Data()) {
				t.Fatalf("target %d, call %d, %+v: the kernel says %v, Decide %s; the probe: %v", i, j, calls[j], got, want[j], state)
			}
		}
	}
	t.Logf("calls made: %v", made)
	if made["native"] < 1000 {
		t.Errorf("%d calls made", made["native"])
	}
}

// has reports whether a call through a door returns something sensible without a filter.
func has(t *testing.T, probe, door string, nr uint32) bool {
	t.Helper()
	results, _, err := probetest.Run(probe, nil, 10*time.Second, []probetest.Call{{Door: door, NR: nr}})
	if err != nil {
		t.Fatal(err)
	}
	return results[0].Returned && results[0].Value > 0
}

// tell gives each answer of a target an errno of its own.
func tell(target *resolve.Target) {
	next := resolve.Errno | 2000
	answer := func(a *resolve.Action) {
		*a = next
		next++
	}
	answer(&target.Foreign)
	for _, f := range target.Filters {
		answer(&f.Default)
		answer(&f.Unknown)
		for i := range f.Rules {
			answer(&f.Rules[i].Action)
		}
	}
}
