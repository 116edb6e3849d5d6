//go:build linux

// Package libseccomp holds our programs against those that libseccomp makes of the same rules.
package libseccomp

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// For more: make campaign-libseccomp SEED=2 N=100000
var (
	seed  = flag.Uint64("seed", 1, "of the random filters")
	count = flag.Int("n", 400, "how many filters")
)

// Names of ABIs here and there. Both orders of bytes are among them, both widths of registers, and a table that does not start at 0.
var abis = [][2]string{
	{"x86_64", "x86_64"}, {"i386", "x86"}, {"aarch64", "aarch64"}, {"arm", "arm"}, {"riscv64", "riscv64"}, {"ppc64le", "ppc64le"},
	{"ppc64", "ppc64"}, {"s390x", "s390x"}, {"s390", "s390"}, {"mipsel64", "mipsel64"}, {"parisc", "parisc"},
}

// newest is the kernel whose calls libseccomp 2.5.4 knows.
var newest = arch.Version{Major: 5, Minor: 16}

// apart are calls that are something else there: through the multiplexers it reaches other calls in its own way, and of
// powerpc's sys_debug_setcontext it takes rules on x86_64 and makes no test.
var apart = []string{"socketcall", "ipc", "sys_debug_setcontext"}

const (
	denied = resolve.Errno | 1 // what neither side's rules are about, other architectures included
	every  = ^uint64(0)
)

// A rule lets calls of a number through whose arguments all are as compared.
type rule struct {
	call    string
	compare []comparison
}

// A comparison is of bits of an argument with a value.
type comparison struct {
	arg         int
	mask, value uint64
}

// A filter is random rules for an ABI.
type filter struct {
	abi, theirs string
	level       int
	rules       []rule
}

// random makes a filter of which libseccomp and our language mean the same: 64 bits are compared, or the 32 that there are.
func random(r *rand.Rand, met map[string]int) filter {
	names := abis[r.IntN(len(abis))]
	f := filter{abi: names[0], theirs: names[1], level: 1 + r.IntN(2)}
	abi := arch.Lookup(f.abi)
	met["ABI "+f.abi]++
	met[fmt.Sprintf("level %d", f.level)]++
	words := []uint64{0, 1, 2, 3, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, uint64(r.Uint32()), 1 << r.IntN(32), 0xffff0000}
	word := func() uint64 { return words[r.IntN(len(words))] }
	value := func() uint64 {
		v := word()
		if abi.RegBits == 64 && r.IntN(2) == 0 {
			v |= word() << 32
		}
		return v
	}
	var calls []string
	for _, c := range abi.Syscalls() {
		mux, _, _ := resolve.Multiplexed(c.Name)
		if mux == "" && !slices.Contains(apart, c.Name) && arch.Since(c.Name).Compare(newest) <= 0 {
			calls = append(calls, c.Name)
		}
	}
	for range 1 + r.IntN(6) {
		call := calls[r.IntN(len(calls))]
		alternatives := 1 + r.IntN(1<<r.IntN(5))
		met[fmt.Sprintf("alternatives %d", min(alternatives, 8))]++
		for range alternatives {
			c := rule{call: call}
			for _, arg := range r.Perm(6)[:r.IntN(4)] {
				x := comparison{arg, every, value()}
				if r.IntN(2) == 0 {
					x.mask = value() | 1<<r.IntN(abi.RegBits)
					x.value &= x.mask
					met["masked equality"]++
				} else {
					met["equality"]++
				}
				c.compare = append(c.compare, x)
			}
			if len(c.compare) == 0 {
				met["no condition"]++
			}
			f.rules = append(f.rules, c)
		}
	}
	return f
}

// policy is the filter in our language.
func (f *filter) policy() string {
	var w strings.Builder
	fmt.Fprintf(&w, "seccompc: 1\ntargets: [%s]\ndefault: errno(1)\nunknown: errno(1)\nforeign: errno(1)\nrules:\n", f.abi)
	for _, r := range f.rules {
		fmt.Fprintf(&w, "- allow: [%s]\n", r.call)
		var all []string
		for _, c := range r.compare {
			if c.mask == every {
				all = append(all, fmt.Sprintf("arg%d == %#x", c.arg, c.value))
			} else {
				all = append(all, fmt.Sprintf("arg%d & %#x == %#x", c.arg, c.mask, c.value))
			}
		}
		if len(all) > 0 {
			fmt.Fprintf(&w, "  if: %s\n", strings.Join(all, " && "))
		}
	}
	return w.String()
}

// write states the filter as the C program reads it.
func (f *filter) write(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %d %x %d\n", f.theirs, f.level, uint32(denied), len(f.rules))
	for _, r := range f.rules {
		fmt.Fprintf(&b, "%x %s %d\n", uint32(resolve.Allow), r.call, len(r.compare))
		for _, c := range r.compare {
			fmt.Fprintf(&b, "%d %x %x\n", c.arg, c.mask, c.value)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// libseccomp is the C program at work.
type libseccomp struct {
	in      io.WriteCloser
	out     *bufio.Reader
	stderr  *bytes.Buffer
	version string
}

func start(t *testing.T) *libseccomp {
	t.Helper()
	program := filepath.Join(t.TempDir(), "filters")
	if out, err := exec.Command("cc", "-O2", "-o", program, "testdata/filters.c", "-lseccomp").CombinedOutput(); err != nil {
		t.Skipf("no C compiler or no libseccomp-dev: %v\n%s", err, out)
	}
	cmd := exec.Command(program)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	l := &libseccomp{in: in, out: bufio.NewReader(out), stderr: new(bytes.Buffer)}
	cmd.Stderr = l.stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	if _, err := fmt.Fscanln(l.out, &l.version); err != nil {
		t.Fatalf("%v: %s", err, l.stderr)
	}
	return l
}

// program returns libseccomp's program of a filter.
func (l *libseccomp) program(f *filter, bigEndian bool) ([]bpf.RawInstruction, error) {
	if err := f.write(l.in); err != nil {
		return nil, fmt.Errorf("%w: %s", err, l.stderr)
	}
	var n int
	if _, err := fmt.Fscanln(l.out, &n); err != nil {
		return nil, fmt.Errorf("%w: %s", err, l.stderr)
	}
	code := make([]byte, 8*n)
	if _, err := io.ReadFull(l.out, code); err != nil {
		return nil, fmt.Errorf("%w: %s", err, l.stderr)
	}
	return inspect.Instructions(code, bigEndian)
}

// TestSame proves that libseccomp's programs decide every call as the resolved rules do, as ours are proven to do.
func TestSame(t *testing.T) {
	l := start(t)
	r := rand.New(rand.NewPCG(*seed, 0))
	met, digest := map[string]int{}, sha256.New()
	ours, theirs, noticed := 0, 0, 0
	begin := time.Now()
	for i := range *count {
		if time.Since(begin) > time.Minute && i%1000 == 0 {
			fmt.Fprintf(os.Stderr, "\r%d of %d filters ", i, *count)
		}
		f := random(r, met)
		res, diags := compiler.Compile("random.yaml", []byte(f.policy()), compiler.Options{Warn: true})
		if res == nil {
			t.Fatalf("%v\n%s", diags, f.policy())
		}
		target, bigEndian := res.Targets[0], res.Targets[0].Filters[0].ABI.BigEndian
		prog, err := l.program(&f, bigEndian)
		if err != nil {
			t.Fatalf("filter %d: %v\n%s", i, err, f.policy())
		}
		if err := equal(prog, bigEndian, target); err != nil {
			t.Fatalf("filter %d, libseccomp %s on %s: %v\n%s", i, l.version, f.abi, err, f.policy())
		}
		ours, theirs = ours+len(res.Programs[0]), theirs+len(prog)
		binary.Write(digest, binary.LittleEndian, prog)
		digest.Write(res.Bytes)
		// A changed constant must be noticed.
		m := slices.Clone(prog)
		in := &m[r.IntN(len(m))]
		in.K ^= 1 << r.IntN(32)
		if equal(m, bigEndian, target) != nil {
			noticed++
		}
	}
	t.Logf("libseccomp %s: %d filters decide alike, proven; %d instructions here, %d there; %d of as many changed programs differ", l.version, *count, ours, theirs, noticed)
	t.Logf("seed %d, digest of all programs: %x", *seed, digest.Sum(nil))
	var list []string
	for _, k := range slices.Sorted(maps.Keys(met)) {
		list = append(list, fmt.Sprintf("%s %d", k, met[k]))
	}
	t.Logf("filters: %s", strings.Join(list, ", "))
	if noticed < *count/2 {
		t.Errorf("only %d of %d changed programs differ", noticed, *count)
	}
}

// equal proves that a program decides as the target, and shows a difference by running both.
func equal(prog []bpf.RawInstruction, bigEndian bool, t *resolve.Target) error {
	d, err := prove.Read(prog, bigEndian)
	if err != nil {
		return err
	}
	err = d.Equal(t)
	var diff *prove.Difference
	if errors.As(err, &diff) {
		got, _, runErr := inspect.Run(prog, bigEndian, diff.Call)
		if want := t.Decide(diff.Call); runErr != nil || got != diff.Got || want != diff.Want {
			return fmt.Errorf("%w; run, it is %v (error %v), and Decide says %v", err, got, runErr, want)
		}
	}
	return err
}
