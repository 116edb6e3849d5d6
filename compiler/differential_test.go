package compiler_test

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/compiler/codegen"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
	"github.com/seccompc/seccompc/compiler/resolve/resolvetest"
)

var (
	seed  = flag.Uint64("seed", 1, "of the differential test's random targets")
	count = flag.Int("n", 600, "how many random targets the differential test makes")
)

// TestDifferential holds four readings of one policy to each other on calls at the boundaries of words: Decide, our VM,
// x/net/bpf's VM and, by proof, the diagrams.
func TestDifferential(t *testing.T) {
	r := rand.New(rand.NewPCG(*seed, 0))
	met := map[string]int{}
	for i := range *count {
		target := resolvetest.Target(r, resolvetest.ABIs(r)...)
		prog, err := codegen.Program(target)
		if err != nil {
			t.Fatalf("target %d: %v", i, err)
		}
		bigEndian := target.Filters[0].ABI.BigEndian
		diagram, err := prove.Read(prog, bigEndian)
		if err == nil {
			err = diagram.Equal(target)
		}
		if err != nil {
			t.Fatalf("target %d: %v", i, err)
		}
		vm, err := bpf.NewVM(instructions(t, prog))
		if err != nil {
			t.Fatalf("target %d: %v", i, err)
		}
		for _, f := range target.Filters {
			met[fmt.Sprintf("%d-bit registers", f.ABI.RegBits)]++
		}
		met[fmt.Sprintf("big-endian %t", bigEndian)]++
		met[fmt.Sprintf("%d ABIs", len(target.Filters))]++
		for _, c := range resolvetest.Calls(r, target, resolvetest.Values(target), 200) {
			want := target.Decide(c)
			got, _, err := inspect.Run(prog, bigEndian, c)
			if err != nil || got != want {
				t.Fatalf("target %d, %+v: our VM says %s (error %v), Decide %s", i, c, got, err, want)
			}
			ret, err := vm.Run(packet(c, bigEndian))
			if err != nil || resolve.Action(uint32(ret)) != want {
				t.Fatalf("target %d, %+v: x/net/bpf says %#x (error %v), Decide %s", i, c, ret, err, want)
			}
			met["action "+want.Kind().String()]++
			met["calls"]++
		}
	}
	t.Logf("%d targets: %v", *count, met)
	for _, feature := range []string{"32-bit registers", "64-bit registers", "big-endian true", "big-endian false", "1 ABIs",
		"2 ABIs", "3 ABIs", "action kill_process", "action kill_thread", "action trap", "action errno(0)", "action notify",
		"action trace", "action log", "action allow"} {
		if met[feature] == 0 {
			t.Errorf("%s: never met", feature)
		}
	}
}

func instructions(t *testing.T, prog []bpf.RawInstruction) (list []bpf.Instruction) {
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
