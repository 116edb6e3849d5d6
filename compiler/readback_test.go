package compiler_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

var readbacks = flag.Int("readbacks", 30, "how many random policies are read back")

// readBackPolicy writes a policy from what a target's program decides. It is not one that a person would write, but each of its
// conditions is.
func readBackPolicy(t *testing.T, d *prove.Diagram, abis []*arch.ABI) string {
	t.Helper()
	parts, err := prove.Compare(d, d)
	if err != nil {
		t.Fatal(err)
	}
	met := func(audit, nr uint32) resolve.Action { // where arguments don't matter
		o := d.Outcomes(resolve.Call{Arch: audit, NR: nr}, [6]uint64{})
		return o[0].Action
	}
	unknown := met(abis[0].Audit, resolve.NoCall)
	var w strings.Builder
	fmt.Fprintf(&w, "seccompc: 1\ninstall: self\ntargets: [%s]\ndefault: %s\nunknown: %s\nforeign: %s\n", resolve.TargetName(abis), unknown, unknown, met(1, 0))
	head := w.Len()
	for _, abi := range abis {
		numbers := map[uint32]bool{}
		for _, s := range abi.Syscalls() {
			numbers[s.Number] = true
		}
		for _, p := range parts {
			at := slices.ContainsFunc(p.Arches, func(r prove.Range) bool { return r.First <= abi.Audit && abi.Audit <= r.Last })
			for _, r := range p.Numbers {
				if at && r.Last-r.First < 2000 { // what rules name, not what is between
					for n := uint64(r.First); n <= uint64(r.Last); n++ {
						numbers[uint32(n)] = true
					}
				}
			}
		}
		for _, n := range slices.Sorted(maps.Keys(numbers)) {
			if n == resolve.NoCall || abi.Audit == resolve.X86_64 && n&resolve.X32Bit != abi.Bit {
				continue
			}
			decisions, err := inspect.Decisions(d, abi, n)
			if err != nil {
				t.Errorf("%s, number %d: %v", abi.Name, n, err)
			}
			name, ok := abi.SyscallName(n)
			if !ok {
				name = fmt.Sprintf("%#x", n)
			}
			for _, x := range decisions {
				if x.Action == unknown && x.If == "" {
					continue
				}
				fmt.Fprintf(&w, "  - {%s: {%s: %q}, abis: [%s]}\n", x.Action, name, x.If, abi.Name)
			}
		}
	}
	text := w.String()
	if len(text) > head {
		text = text[:head] + "rules:\n" + text[head:]
	}
	return strings.ReplaceAll(text, `: ""`, ": ")
}

// provenBack reads each target of a blob back and has it proven equal. It returns the lengths of the conditions.
func provenBack(t *testing.T, b *blob.Blob) (lengths []int) {
	t.Helper()
	for _, target := range b.Targets {
		var abis []*arch.ABI
		for _, served := range target.ABIs {
			for _, a := range arch.All() {
				if a.Audit == served.Audit && a.Bit == served.Bit && a.BigEndian == (target.Order == blob.BigEndian) {
					abis = append(abis, a)
				}
			}
		}
		prog, err := inspect.Instructions(target.Program, abis[0].BigEndian)
		if err != nil {
			t.Fatal(err)
		}
		d, err := prove.Read(prog, abis[0].BigEndian)
		if err != nil {
			t.Fatal(err)
		}
		text := readBackPolicy(t, d, abis)
		for line := range strings.Lines(text) {
			if _, cond, found := strings.Cut(line, `: "`); found {
				lengths = append(lengths, strings.Index(cond, `"`))
			}
		}
		p, diags := compiler.Parse("back.yaml", []byte(text), nil)
		if p == nil {
			t.Fatalf("%s: %v\n%s", target.Label, diags, text)
		}
		again, diags := resolve.Resolve(p, abis, resolve.Options{})
		if again == nil {
			t.Fatalf("%s: %v\n%s", target.Label, diags, text)
		}
		if err := d.Equal(again); err != nil {
			t.Errorf("%s: what is read back differs: %v\n%s", target.Label, err, text)
		}
	}
	return lengths
}

// TestReadBackShipped reads the shipped blobs back, each into policies that are proven equal.
func TestReadBackShipped(t *testing.T) {
	blobs, err := filepath.Glob("../policies/*.seccomp")
	if err != nil || len(blobs) < 7 {
		t.Fatal(blobs, err)
	}
	for _, path := range blobs {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b, err := blob.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		lengths := provenBack(t, b)
		if slices.Sort(lengths); len(lengths) > 0 && lengths[len(lengths)-1] > 400 {
			t.Errorf("%s: a condition of %d characters", path, lengths[len(lengths)-1])
		}
	}
}

// TestReadBackRandom does so with random policies: -readbacks 1000 for more.
func TestReadBackRandom(t *testing.T) {
	var mu sync.Mutex
	var all []int
	divide(t, (*readbacks+chunk-1)/chunk, func(t *testing.T, at int) {
		r := rand.New(rand.NewPCG(*seed, uint64(at)))
		a := &author{Rand: r, met: map[string]int{}}
		var lengths []int
		for range min(chunk, *readbacks-at*chunk) {
			res, _ := compile(t, a.policy(randomTargets(r)))
			lengths = append(lengths, provenBack(t, res.Blob)...)
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, lengths...)
	})
	if slices.Sort(all); len(all) < *readbacks {
		t.Fatalf("%d conditions read", len(all))
	}
	t.Logf("%d conditions, characters: half up to %d, nine in ten up to %d, the longest %d", len(all), all[len(all)/2], all[len(all)*9/10], all[len(all)-1])
}

// TestReadBackWords: what a person wrote, or would, is what comes back.
func TestReadBackWords(t *testing.T) {
	abi := arch.Lookup("x86_64")
	nr, _ := abi.Number("openat")
	for cond, want := range map[string]string{
		"flags & O_ACCMODE == O_RDONLY":                        "flags & O_ACCMODE == 0",
		"dirfd == AT_FDCWD && flags & (O_CREAT|O_TRUNC) == 0":  "dirfd == AT_FDCWD && flags & (O_CREAT|O_TRUNC) == 0",
		"flags & O_PATH != 0":                                  "flags & O_PATH != 0",
		"flags & 8 == 8 || flags & 1 == 1":                     "flags & (O_WRONLY|0x8) != 0",
		"dirfd >= 0":                                           "dirfd >= 0",
		"dirfd < -5 || dirfd > 7":                              "dirfd <= -6 || dirfd >= 8",
		"arg0 & 0xffffffff == 3":                               "dirfd == 3",
		"arg0 == 3":                                            "arg0 == 3",
		"arg0 == 1 || arg0 == 2 || arg0 == 7":                  "oneof(arg0, 1, 2, 7)",
		"arg0 != 1 && arg0 != 3":                               "!oneof(arg0, 1, 3)",
		"arg0 < 1024":                                          "arg0 < 1024",
		"arg0 < 1000 && arg0 & 1 == 0":                         "arg0 <= 999 && arg0 & 1 == 0",
		"oneof(arg0, 4, 5, 6, 7)":                              "arg0 & 0xfffffffffffffffc == 4",
		"arg0 > 0x1234567890 && arg0 <= 0x3333333333":          "arg0 >= 0x1234567891 && arg0 <= 0x3333333333",
		"arg0 == 1 && arg2 == 2 || arg3 == 3":                  "arg3 == 3 || arg0 == 1 && arg2 == O_RDWR",
		"(arg0 == 1 || arg0 == 5) && (arg3 == 0 || arg4 != 0)": "oneof(arg0, 1, 5) && (arg4 != 0 || arg3 == 0)",
		"arg0 == 1 && arg4 == 1 || arg0 == 3 && arg4 == 4":     "arg0 == 1 && arg4 == 1 || arg0 == 3 && arg4 == 4",
		"!(arg0 == 1 && arg4 == 1 || arg0 == 3 && arg4 == 4)":  "(arg0 != 1 || arg4 != 1) && (arg0 != 3 || arg4 != 4)",
		"arg4 == 1 && (arg0 >= 10 && arg0 <= 20 || arg0 == 5)": "(arg0 == 5 || arg0 >= 10 && arg0 <= 20) && arg4 == 1",
		"flags & ~(O_CREAT|O_CLOEXEC) == 0":                    "flags & ~(O_CLOEXEC|O_CREAT) == 0",
		"oneof(flags, O_RDONLY, O_PATH)":                       "oneof(flags, O_RDONLY, O_PATH)",
		"flags >= O_RDWR":                                      "flags >= 2",
		"mode & 0o6000 == 0 || flags & 0x400040 == 0":          "mode & 0o6000 == 0 || flags & (O_CREAT|0x400000) == 0",
	} {
		src := fmt.Sprintf("seccompc: 1\ninstall: self\ntargets: [x86_64]\ndefault: errno(1)\nrules:\n  - allow: {openat: %q}\n", cond)
		res, _ := compile(t, src)
		prog, err := inspect.Instructions(res.Blob.Targets[0].Program, false)
		if err != nil {
			t.Fatal(err)
		}
		d, err := prove.Read(prog, false)
		if err != nil {
			t.Fatal(err)
		}
		got, err := inspect.Decisions(d, abi, nr)
		if err != nil || len(got) != 2 || got[0].Action != resolve.Errno|1 || got[1].Action != resolve.Allow || got[1].If != want {
			t.Errorf("%s: %+v, %v; want %s", cond, got, err, want)
		}
	}
}
