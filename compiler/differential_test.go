package compiler_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
	"github.com/seccompc/seccompc/compiler/resolve/resolvetest"
)

// For more than the default: make campaign SEED=2 N=10000
var (
	seed      = flag.Uint64("seed", 1, "of the differential test's random policies")
	count     = flag.Int("n", 600, "how many random policies the differential test makes")
	perPolicy = flag.Int("mutants", 15, "how many mutants of each policy's programs; 0: all")
)

// compile compiles a policy's text and returns the result with its programs as the blob has them.
func compile(t *testing.T, text string) (*compiler.Result, [][]bpf.RawInstruction) {
	t.Helper()
	res, diags := compiler.Compile("random.yaml", []byte(text), compiler.Options{Warn: true})
	if res == nil {
		t.Fatalf("%v\n%s", diags, text)
	}
	b, err := blob.Decode(res.Bytes)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var progs [][]bpf.RawInstruction
	for i, target := range b.Targets {
		prog, err := inspect.Instructions(target.Program, target.Order == blob.BigEndian)
		if err != nil || target.ABIs[0].Audit != res.Targets[i].Filters[0].ABI.Audit || (target.Order == blob.BigEndian) != res.Targets[i].Filters[0].ABI.BigEndian {
			t.Fatalf("target %d of the blob: %v, error %v\n%s", i, target.Label, err, text)
		}
		progs = append(progs, prog)
	}
	return res, progs
}

// A survey is what a chunk of the differential test's policies met.
type survey struct {
	met, decided             map[string]int
	programs, calls, noticed int
	digest                   []byte
}

// chunk is how many policies have a random source of their own: the workers take chunks in any order.
const chunk = 100

// TestDifferential compiles random policies and holds what the blob's bytes decide, in our VM and in that of x/net/bpf,
// against Decide, on calls at the boundaries of words. A changed copy of each program must be noticed by the prover.
func TestDifferential(t *testing.T) {
	chunks := make([]*survey, (*count+chunk-1)/chunk)
	divide(t, len(chunks), func(t *testing.T, i int) {
		chunks[i] = differential(t, uint64(i), min(chunk, *count-i*chunk))
	})
	all, digest := newSurvey(), sha256.New()
	for _, c := range chunks {
		if c == nil {
			return // a worker has failed
		}
		all.programs, all.calls, all.noticed = all.programs+c.programs, all.calls+c.calls, all.noticed+c.noticed
		for k, n := range c.met {
			all.met[k] += n
		}
		for k, n := range c.decided {
			all.decided[k] += n
		}
		digest.Write(c.digest)
	}
	t.Logf("%d policies, %d programs, %d calls compared with each VM; %d of %d mutants differ", *count, all.programs, all.calls, all.noticed, all.programs)
	t.Logf("seed %d, digest of all blobs: %x", *seed, digest.Sum(nil))
	t.Logf("policies: %v", histogram(all.met))
	t.Logf("decisions: %v", histogram(all.decided))
	want := slices.Clone(features)
	for _, abi := range arch.All() {
		want = append(want, "ABI "+abi.Name)
	}
	for _, f := range want {
		if all.met[f] == 0 {
			t.Errorf("%s: never used", f)
		}
	}
	for _, how := range []string{"first rule", "later rule", "conditional rule that does not match", "default", "unknown", "foreign", "cancelled call",
		"garbage above 32 bits", "x32's bit", "big-endian 32 bits", "big-endian 64 bits", "little-endian 32 bits", "little-endian 64 bits",
		"action kill_process", "action kill_thread", "action trap", "action errno(0)", "action notify", "action trace", "action log", "action allow"} {
		if all.decided[how] == 0 {
			t.Errorf("%s: never met", how)
		}
	}
	if all.noticed < all.programs/2 {
		t.Errorf("only %d of %d changed programs differ from their policies", all.noticed, all.programs)
	}
}

func newSurvey() *survey { return &survey{met: map[string]int{}, decided: map[string]int{}} }

// differential makes and compares n policies, those of a chunk.
func differential(t *testing.T, number uint64, n int) *survey {
	r := rand.New(rand.NewPCG(*seed, number))
	found, digest := newSurvey(), sha256.New()
	for i := range n {
		a := &author{Rand: r, met: found.met}
		text := a.policy(randomTargets(r))
		res, progs := compile(t, text)
		digest.Write(res.Bytes)
		for j, target := range res.Targets {
			bigEndian := target.Filters[0].ABI.BigEndian
			vm, err := bpf.NewVM(disassembled(t, progs[j]))
			if err != nil {
				t.Fatalf("policy %d of chunk %d: x/net/bpf: %v\n%s", i, number, err, text)
			}
			for _, f := range target.Filters {
				found.met["ABI "+f.ABI.Name]++
			}
			var constants []uint32
			for _, in := range progs[j] {
				constants = append(constants, in.K)
			}
			list := resolvetest.Calls(r, target, resolvetest.Values(target, constants...), 250)
			for _, c := range list {
				want := target.Decide(c)
				if got, _, err := inspect.Run(progs[j], bigEndian, c); err != nil || got != want {
					t.Fatalf("policy %d of chunk %d, call %#x: our VM says %v (error %v), Decide %v\n%s", i, number, c, got, err, want, text)
				}
				if got, err := vm.Run(packet(c, bigEndian)); err != nil || resolve.Action(uint32(got)) != want {
					t.Fatalf("policy %d of chunk %d, call %#x: x/net/bpf says %#x (error %v), Decide %v\n%s", i, number, c, got, err, want, text)
				}
				for _, how := range circumstances(target, c) {
					found.decided[how]++
				}
				found.decided["action "+want.Kind().String()]++
			}
			found.calls += len(list)
			found.programs++
			if changed(t, r, target, progs[j], list) {
				found.noticed++
			}
		}
	}
	found.digest = digest.Sum(nil)
	return found
}

// divide has workers do n pieces of work, in any order, with a line of progress where it takes long.
func divide(t *testing.T, n int, do func(t *testing.T, i int)) {
	var next, done atomic.Int64
	start := time.Now()
	t.Run("workers", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
					do(t, int(i))
					if done := done.Add(1); time.Since(start) > time.Minute && done%10 == 0 {
						fmt.Fprintf(os.Stderr, "\r%d of %d after %v ", done, n, time.Since(start).Round(time.Second))
					}
				}
			})
		}
	})
}

// circumstances tells how a target comes to its decision about a call.
func circumstances(t *resolve.Target, c resolve.Call) (list []string) {
	if c.NR == resolve.NoCall {
		list = append(list, "cancelled call")
	}
	if c.Arch == resolve.X86_64 && c.NR&resolve.X32Bit != 0 {
		list = append(list, "x32's bit")
	}
	for _, f := range t.Filters {
		if !f.Serves(c.Arch, c.NR) {
			continue
		}
		order := map[bool]string{false: "little", true: "big"}[f.ABI.BigEndian]
		list = append(list, fmt.Sprintf("%s-endian %d bits", order, f.ABI.RegBits))
		missed := false
		for _, r := range f.Rules {
			switch {
			case !slices.Contains(r.Numbers, c.NR):
				continue
			case !r.Cond.Holds(c.Args):
				missed = true
				list = append(list, "conditional rule that does not match")
				continue
			case missed:
				list = append(list, "later rule")
			default:
				list = append(list, "first rule")
			}
			if f.ABI.RegBits == 32 && len(resolvetest.Compares(r.Cond)) > 0 && slices.ContainsFunc(c.Args[:], func(v uint64) bool { return v>>32 != 0 }) {
				list = append(list, "garbage above 32 bits")
			}
			return list
		}
		if slices.Contains(f.Known, c.NR) {
			return append(list, "default")
		}
		return append(list, "unknown")
	}
	return append(list, "foreign")
}

func histogram(m map[string]int) string {
	var list []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, fmt.Sprintf("%s %d", k, m[k]))
	}
	return strings.Join(list, ", ")
}

// changed changes one number or jump of a program, holds the prover's judgement of it against the VM, and reports
// whether the copy decides otherwise than the policy.
func changed(t *testing.T, r *rand.Rand, target *resolve.Target, prog []bpf.RawInstruction, calls []resolve.Call) bool {
	t.Helper()
	m := slices.Clone(prog)
	for slices.Equal(m, prog) {
		in := &m[r.IntN(len(m))]
		switch {
		case in.Op&7 == 5 && in.Op != 5 && r.IntN(2) == 0:
			in.Jt, in.Jf = in.Jf, in.Jt
		case in.Op == 0x20:
			in.K ^= 4 << r.IntN(4)
		default:
			in.K ^= 1 << r.IntN(32)
		}
	}
	bigEndian := target.Filters[0].ABI.BigEndian
	d, err := prove.Read(m, bigEndian)
	if err != nil {
		return true // not a program
	}
	differs := func(c resolve.Call) bool {
		got, _, err := inspect.Run(m, bigEndian, c)
		return err != nil || got != target.Decide(c)
	}
	err = d.Equal(target)
	var diff *prove.Difference
	switch {
	case err == nil:
		if i := slices.IndexFunc(calls, differs); i >= 0 {
			t.Fatalf("a changed program is proven, and differs on %#x", calls[i])
		}
	case !errors.As(err, &diff):
		t.Fatal(err)
	case !differs(diff.Call):
		t.Fatalf("%v: it does not", diff)
	}
	return err != nil
}

func disassembled(t *testing.T, prog []bpf.RawInstruction) (list []bpf.Instruction) {
	t.Helper()
	for i, raw := range prog {
		in := raw.Disassemble()
		if _, unknown := in.(bpf.RawInstruction); unknown {
			t.Fatalf("x/net/bpf does not know instruction %d: %v", i, raw)
		}
		list = append(list, in)
	}
	return list
}

// packet lays a call out as struct seccomp_data for a VM whose loads are big-endian, as those of network packets are: each
// word stands where the target's byte order has it.
func packet(c resolve.Call, bigEndian bool) []byte {
	p := make([]byte, 64)
	binary.BigEndian.PutUint32(p[0:], c.NR)
	binary.BigEndian.PutUint32(p[4:], c.Arch)
	for i, a := range c.Args {
		high, low := 20+8*i, 16+8*i
		if bigEndian {
			high, low = low, high
		}
		binary.BigEndian.PutUint32(p[high:], uint32(a>>32))
		binary.BigEndian.PutUint32(p[low:], uint32(a))
	}
	return p
}
