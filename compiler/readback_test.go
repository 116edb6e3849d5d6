package compiler_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
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

// provenBack has a blob imported, and what comes of it proven equal once more: each target's program decides every call as the
// policy's text does. It returns the text, and the lengths of its conditions.
func provenBack(t *testing.T, b *blob.Blob) (text string, lengths []int) {
	t.Helper()
	src, err := compiler.Import("a blob", b)
	if err != nil {
		t.Fatal(err)
	}
	text = string(src)
	p, diags := compiler.Parse("back.yaml", src, nil)
	if p == nil {
		t.Fatalf("%v\n%s", diags, text)
	}
	for _, rule := range p.Rules {
		if cond := rule.Calls[0].If; cond != nil {
			lengths = append(lengths, len(cond.String()))
		}
	}
	abis, diags := resolve.Targets(p.Targets)
	if len(abis) != len(b.Targets) || diags.Err() != nil {
		t.Fatalf("%d targets for %d, %v\n%s", len(abis), len(b.Targets), diags, text)
	}
	for i, target := range b.Targets {
		if name := resolve.TargetName(abis[i]); name != target.Label {
			t.Fatalf("target %s is %s\n%s", target.Label, name, text)
		}
		prog, err := inspect.Instructions(target.Program, abis[i][0].BigEndian)
		if err != nil {
			t.Fatal(err)
		}
		d, err := prove.Read(prog, abis[i][0].BigEndian)
		if err != nil {
			t.Fatal(err)
		}
		again, diags := resolve.Resolve(p, abis[i], resolve.Options{Caps: b.Inputs.Caps})
		if again == nil {
			t.Fatalf("%s: %v\n%s", target.Label, diags, text)
		}
		if err := d.Equal(again); err != nil {
			t.Errorf("%s: what is read back differs: %v\n%s", target.Label, err, text)
		}
	}
	return text, lengths
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
		_, lengths := provenBack(t, b)
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
			_, more := provenBack(t, res.Blob)
			lengths = append(lengths, more...)
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
		"arg0 == 0xffffff9c":                                   "arg0 == 0xffffff9c", // no register is AT_FDCWD, which is negative
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
		"oneof(flags, O_RDONLY, O_PATH, 8)":                    "oneof(flags, O_PATH, O_RDONLY, 8)",
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
