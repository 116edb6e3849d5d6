package compiler_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler/resolve"
	"github.com/seccompc/seccompc/compiler/resolve/resolvetest"
	"github.com/seccompc/seccompc/testdata/probe/probetest"
)

// A way is one into the kernel: a probe built for a GOARCH, the door of it, and the architecture that filters then see.
type way struct {
	name, probe, door string
	audit             uint32
}

// ways returns those that this machine has.
func ways(t *testing.T) (list []way) {
	t.Helper()
	const i386 = 0x40000003
	amd64, x86 := probetest.Build(t, "amd64"), probetest.Build(t, "386")
	for _, w := range []struct {
		way
		getpid uint32
	}{
		{way{"SYSCALL", amd64, "native", resolve.X86_64}, 39},
		{way{"int 0x80 from 64 bits", amd64, "int80", i386}, 20},
		{way{"int 0x80 from 32 bits", x86, "native", i386}, 20},
	} {
		results, _, err := probetest.Run(w.probe, nil, 10*time.Second, []probetest.Call{{Door: w.door, NR: w.getpid}})
		if err == nil && results[0].Returned && results[0].Value > 0 {
			list = append(list, w.way)
		} else {
			t.Logf("this machine has no %s: its calls are not made", w.name)
		}
	}
	return list
}

// TestKernel asks the running kernel what random policies decide. Each rule's answer is an errno of its own that the
// kernel itself never gives, so every call comes back, nothing happens, and the errno names the rule.
func TestKernel(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the probe's doors are those of x86_64 kernels")
	}
	ways := ways(t)
	r := rand.New(rand.NewPCG(*seed, 1))
	combinations := [][]string{{"x86_64"}, {"x86_64", "i386"}, {"x86_64", "x32"}, {"x86_64", "i386", "x32"}, {"i386"}, {"i386", "x32"}, {"x32", "x86_64"}}
	met, made := map[string]int{}, map[string]int{}
	answers := map[resolve.Action]bool{}
	policies := max(min(*count/8, 15_000), 1)
	for i := range policies {
		if i > 0 && i%1000 == 0 {
			fmt.Fprintf(os.Stderr, "\r%d of %d policies ", i, policies)
		}
		a := &author{Rand: r, met: met, errnos: 2000}
		var abis []*arch.ABI
		for _, name := range combinations[i%len(combinations)] {
			abis = append(abis, arch.Lookup(name))
		}
		text := a.policy([][]*arch.ABI{abis})
		res, _ := compile(t, text)
		b, err := blob.Decode(res.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		target := res.Targets[0]
		list := resolvetest.Calls(r, target, resolvetest.Values(target), 600)
		for _, w := range ways {
			var calls []probetest.Call
			var want []resolve.Call
			for _, c := range list {
				switch {
				case c.Arch != w.audit: // calls of other architectures can't be made
				case c.Arch == resolve.X86_64 && (c.NR == 335 || c.NR == 336): // uretprobe and uprobe bypass filters
				default:
					calls, want = append(calls, probetest.Call{Door: w.door, NR: c.NR, Args: c.Args}), append(want, c)
				}
			}
			if len(calls) == 0 {
				continue
			}
			results, state, err := probetest.Run(w.probe, b.Targets[0].Program, 10*time.Second, calls)
			if err != nil {
				t.Fatal(err)
			}
			for j, got := range results {
				decision := target.Decide(want[j])
				if !got.Returned || got.Value != -int64(decision.Data()) {
					t.Fatalf("policy %d, %s, call %d, %#x: the kernel says %v, Decide %v; the probe: %v\n%s", i, w.name, j, want[j], got, decision, state, text)
				}
				made[w.name]++
				answers[decision] = true
				for _, how := range circumstances(target, want[j]) {
					made[how]++
				}
			}
		}
	}
	t.Logf("%d policies, %d different answers; calls made: %v", policies, len(answers), histogram(made))
	wanted := []string{"first rule", "later rule", "conditional rule that does not match", "default", "unknown", "foreign", "x32's bit", "cancelled call"}
	for _, w := range ways {
		wanted = append(wanted, w.name)
	}
	for _, how := range wanted {
		if made[how] == 0 {
			t.Errorf("%s: never met", how)
		}
	}
	if len(answers) < 10 {
		t.Errorf("only %d different answers", len(answers))
	}
}
