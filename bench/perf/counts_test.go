//go:build linux && amd64

package main

import (
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

func dockerProfile(t *testing.T) *profile {
	t.Helper()
	p, err := docker()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func compileOurs(t *testing.T, file, src, abis string) (*resolve.Target, []bpf.RawInstruction) {
	t.Helper()
	target, prog, err := ours(file, []byte(src), abis)
	if err != nil {
		t.Fatal(err)
	}
	return target, prog
}

// TestCounts holds our program of Docker's profile to what the project promises.
func TestCounts(t *testing.T) {
	target, prog := compileOurs(t, "profile.json", string(dockerProfile(t).json), oneABI)
	s := &subject{prog: prog}
	if err := s.count(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d instructions, %.2f executed on average, %d at most, %.1f us modelled", s.instructions, s.mean, s.max, s.modelled)
	if s.instructions > 80 || s.mean > 9.3 || s.max > 16 || s.modelled > 39 {
		t.Error("the limits are 80, 9.3, 16, 39")
	}
	unconditional := 0
	for nr := range uint32(numbers) {
		allowed := func(r resolve.Rule) bool {
			all, ok := r.Cond.(resolve.All)
			return r.Action == resolve.Allow && slices.Contains(r.Numbers, nr) && ok && len(all) == 0
		}
		if slices.ContainsFunc(target.Filters[0].Rules, allowed) {
			unconditional++
		}
	}
	if s.inCache != unconditional || s.allowed <= unconditional {
		t.Errorf("%d of %d allowed numbers are in the cache, %d have no condition", s.inCache, s.allowed, unconditional)
	}
}

// TestCount counts by hand.
func TestCount(t *testing.T) {
	s := &subject{prog: []bpf.RawInstruction{
		{Op: 0x20, K: 4},
		{Op: 0x15, K: auditX86_64, Jt: 1},
		{Op: 0x06, K: uint32(resolve.KillProcess)}, // i386: 3
		{Op: 0x20, K: 0},
		{Op: 0x15, K: 7, Jt: 4}, // 7 is always allowed: 5 executed
		{Op: 0x15, K: 9, Jf: 2}, // most are denied: 6
		{Op: 0x20, K: 16},       // 9 is by its argument, so that the kernel's walk ends here
		{Op: 0x15, K: 1, Jf: 1}, // with 0 it is allowed: 8
		{Op: 0x06, K: uint32(denied)},
		{Op: 0x06, K: uint32(resolve.Allow)},
	}}
	if err := s.count(); err != nil {
		t.Fatal(err)
	}
	steps := 470*3 + 468*6 + 5 + 6
	if s.instructions != 10 || s.allowed != 2 || s.inCache != 1 || s.max != 8 || s.mean != 6.5 || s.steps != steps {
		t.Errorf("%+v, want %d steps", s.figures, steps)
	}
	if want := 12 + 1.7 + 0.0024*float64(steps); math.Abs(s.modelled-want) > 1e-9 {
		t.Errorf("modelled %v, want %v", s.modelled, want)
	}
}

// TestPeers says what the peers' programs decide differently, which is proven, and that the page has the counts that
// they and we have now. Another libseccomp than the one there may count and decide otherwise.
func TestPeers(t *testing.T) {
	libseccomp, err := compileLibseccomp("testdata/libseccomp.c", t.TempDir())
	if err != nil {
		t.Logf("without libseccomp: %v", err)
	}
	list, version, err := compileAll(dockerProfile(t), libseccomp, 1)
	if err != nil {
		t.Fatal(err)
	}
	if libseccomp != "" && version != "2.5.4" {
		t.Logf("without libseccomp: this test knows 2.5.4 and not %s", version)
		list = slices.DeleteFunc(list, func(p *program) bool { return strings.HasPrefix(p.compiler, "libseccomp") })
	}
	const unnamed = "numbers without a name: `errno(EPERM)`, ours `errno(ENOSYS)`"
	const cancelled = "the number 0xffffffff: `errno(EPERM)`, ours `errno(ENOSYS)`"
	libseccomp1 := []string{unnamed, "numbers from 0x80000000 on that are not x32's: `kill_process`, ours `errno(ENOSYS)`", cancelled}
	want := map[string][]string{
		"seccompc, x86_64":          nil,
		"seccompc, x86_64+i386+x32": nil,
		"gVisor pkg/seccomp, x86_64": {unnamed, "all calls of x32: `errno(EPERM)`, ours `kill_process`",
			"numbers from 0x80000000 on that are not x32's: `errno(EPERM)`, ours `errno(ENOSYS)`", cancelled},
		"go-seccomp-bpf, x86_64": {unnamed, "all calls of x32: `errno(ENOSYS)`, ours `kill_process`",
			"all calls of i386: `errno(EPERM)`, ours `kill_process`", "all calls of other architectures: `errno(EPERM)`, ours `kill_process`"},
		"libseccomp, linear, x86_64": libseccomp1,
		"libseccomp, tree, x86_64":   libseccomp1,
	}
	for _, p := range list {
		if list, ok := want[p.name()]; ok && !slices.Equal(p.differs, list) {
			t.Errorf("%s differs:\n%s\nwant:\n%s", p.name(), strings.Join(p.differs, "\n"), strings.Join(list, "\n"))
		}
		if x32 := "x32's conditions look at the low half of the registers, ours at all 64 bits"; slices.Contains(p.differs, x32) !=
			(p.abis == threeABIs && p.compiler != "seccompc") {
			t.Errorf("%s differs: %q", p.name(), p.differs)
		}
		var d *prove.Difference
		if p.compiler != "go-seccomp-bpf" {
			if p.witness != nil {
				t.Errorf("%s: %v", p.name(), p.witness)
			}
		} else if !errors.As(p.witness, &d) || d.Call.NR != 41 || d.Call.Args[0] != 56 || d.Got != resolve.Allow || d.Want != denied {
			t.Errorf("go-seccomp-bpf takes socket(56) for clone no more: %v", p.witness)
		}
	}
	page, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	r := &report{programs: list}
	for row := range strings.Lines(r.Counts()) {
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/performance.md, which make bench writes, has no line\n%s", row)
		}
	}
}

// TestDifferences plants one fault at a time.
func TestDifferences(t *testing.T) {
	const policy = "seccompc: 1\ndefault: errno(EPERM)\nrules:\n  - allow: [read, write, exit_group]\n  - allow: {personality: arg0 == 8}\n"
	target, prog := compileOurs(t, "policy.yaml", policy, oneABI)
	if list, err := differences(target, prog, prog); err != nil || len(list) != 0 {
		t.Fatalf("differs from itself: %v, %v", list, err)
	}
	for _, tt := range []struct {
		fault, old, new, want string
		beyond                bool
	}{
		{"a call too many", "[read", "[pread64, read", "x86_64's `pread64`: `allow`, ours `errno(EPERM)`", false},
		{"a call missing", "read, ", "", "x86_64's `read`: `errno(EPERM)`, ours `allow`", false},
		{"two calls too many", "[read", "[pread64, open, read", "x86_64's `open`, `pread64`: `allow`, ours `errno(EPERM)`", false},
		{"a condition too many", "{pers", "{access: arg1 == 1, pers", "x86_64's `access`: `errno(EPERM)` or `allow`, ours `errno(EPERM)`", false},
		{"two answers to neighbours", "rules:", "rules:\n  - errno(EIO): [pread64]\n  - allow: [pwrite64]",
			"x86_64's `pread64`: `errno(EIO)`, ours `errno(EPERM)`\nx86_64's `pwrite64`: `allow`, ours `errno(EPERM)`", false},
		{"another answer to foreign ABIs", "rules:", "foreign: kill_thread\nrules:", "all calls of x32: `kill_thread`, ours `kill_process`\n" +
			"all calls of i386: `kill_thread`, ours `kill_process`\nall calls of other architectures: `kill_thread`, ours `kill_process`", false},
		{"another condition", "arg0 == 8", "arg0 == 9", "", true},
		{"a condition of 32 bits", "arg0 == 8", "arg0 & 0xffffffff == 8", "", true},
	} {
		_, theirs := compileOurs(t, "policy.yaml", strings.Replace(policy, tt.old, tt.new, 1), oneABI)
		list, err := differences(target, prog, theirs)
		var d *prove.Difference
		if got := strings.Join(describe(target, list), "\n"); got != tt.want || errors.As(err, &d) != tt.beyond || !tt.beyond && err != nil {
			t.Errorf("%s: found\n%s\nand %v; want\n%s", tt.fault, got, err, tt.want)
		}
	}
}
