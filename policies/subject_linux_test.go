package policies

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/blob/load"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
	"github.com/seccompc/seccompc/testdata/probe/probetest"
)

func checkedIn(t *testing.T, name string) *blob.Blob {
	t.Helper()
	b, err := blob.Decode(read(t, name+".seccomp"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// noCall is the name of a number that has none.
const noCall = "no call"

// firstMark is the first of the errnos that no kernel returns.
const firstMark = 2000

// mark gives every denying rule of a policy, and its other answers that deny, an errno of their own, so that a result
// tells which of them made it.
func mark(p *policy.Policy) {
	next := firstMark
	set := func(a *policy.Action) {
		if a.Denies() || a.Kind == 0 {
			*a = policy.Action{Kind: policy.Errno, Arg: policy.Word{Text: fmt.Sprint(next)}, Pos: a.Pos}
		}
		next++
	}
	for i := range p.Rules {
		set(&p.Rules[i].Action)
	}
	set(&p.Default)
	set(&p.Unknown)
	set(&p.Foreign)
}

// A subject is a policy under test on this machine.
type subject struct {
	name    string
	decides *prove.Diagram // what the blob checked in decides
	program []byte         // its program, also decoded
	decoded []bpf.RawInstruction
	marked  *resolve.Target // the same policy with its denials marked
	filter  []byte          // its program
}

func examine(t *testing.T, name string) *subject {
	t.Helper()
	p := parse(t, name+".yaml", read(t, name+".yaml"))
	mark(p)
	r := compile(t, p)
	real, err := load.Select(checkedIn(t, name))
	if err != nil {
		t.Fatal(err)
	}
	s := &subject{name: name, program: real.Program}
	if s.decoded, err = inspect.Instructions(real.Program, false); err != nil {
		t.Fatal(err)
	}
	if s.decides, err = prove.Read(s.decoded, false); err != nil {
		t.Fatal(err)
	}
	for i := range r.Blob.Targets {
		if target := &r.Blob.Targets[i]; target.Label == real.Label {
			s.marked, s.filter = r.Targets[i], target.Program
		}
	}
	if s.filter == nil {
		t.Fatalf("%s: the policy has no target %s, the blob has", name, real.Label)
	}
	return s
}

// A trial is a call and the errno that the filter must answer it with.
type trial struct {
	probetest.Call
	audit uint32
	name  string
	want  int64 // negative
}

func (t trial) String() string { return fmt.Sprintf("%s (%d) with %#x", t.name, t.NR, t.Args) }

// trials derives from the blob's program every call of an ABI that it does not let through: for each number of the table
// and some beyond, for each action that its arguments lead to.
func (s *subject) trials(t *testing.T, d door) (trials []trial) {
	t.Helper()
	abi := arch.Lookup(d.abi)
	for _, nr := range numbers(abi) {
		name, ok := abi.SyscallName(nr)
		if !ok {
			name = noCall
		}
		outcomes := s.decides.Outcomes(resolve.Call{Arch: abi.Audit, NR: nr}, [6]uint64{})
		for _, o := range outcomes {
			if a := o.Action.Kind(); a == resolve.Allow || a == resolve.Log {
				continue
			}
			calls := []resolve.Call{s.harmless(o.Call, name)}
			if d.garbage && len(outcomes) > 1 { // the arguments matter
				c := calls[0]
				for i := range c.Args {
					c.Args[i] ^= 0xdeadbeef << 32
				}
				calls = append(calls, c)
			}
			for i, c := range calls {
				a := s.marked.Decide(c)
				marked := a.Kind() == resolve.Errno && a.Data() >= firstMark
				if !marked && i == 0 {
					t.Errorf("%s is %s by the blob and %s by the policy", name, o.Action, a)
				}
				if marked {
					trials = append(trials, trial{probetest.Call{Door: d.by, NR: c.NR, Args: c.Args}, c.Arch, name, -int64(a.Data())})
				}
			}
		}
	}
	return trials
}

// asShipped returns the trials that the blob's own program answers with an errno, and wants that.
func (s *subject) asShipped(t *testing.T, trials []trial) (shipped []trial) {
	t.Helper()
	for _, tr := range trials {
		a, _, err := inspect.Run(s.decoded, false, resolve.Call{Arch: tr.audit, NR: tr.NR, Args: tr.Args})
		if err != nil {
			t.Fatal(err)
		}
		if a.Kind() == resolve.Errno {
			tr.want = -int64(a.Data())
			shipped = append(shipped, tr)
		}
	}
	return shipped
}

// numbers returns the numbers of an ABI's table and all between them, 128 more, and the borders of the number space.
func numbers(abi *arch.ABI) (list []uint32) {
	calls := abi.Syscalls()
	for nr := abi.Bit; nr <= calls[len(calls)-1].Number+128; nr++ {
		list = append(list, nr)
	}
	for _, nr := range []uint32{0x3fffffff, 0x7fffffff, 0x80000000, 0xbfffffff, 0xfffffffe, 0xffffffff} {
		if nr&resolve.X32Bit == abi.Bit || abi.Audit != resolve.X86_64 {
			list = append(list, nr)
		}
	}
	return list
}

// harmless replaces the arguments that don't matter to the filter by -1: no file, process or memory of that name exists,
// no call has all its flags, and clone refuses a new mount namespace that shares its root. What could still do
// something is told not to.
func (s *subject) harmless(c resolve.Call, name string) resolve.Call {
	want := s.marked.Decide(c)
	replace := func(i int, value uint64) {
		r := c
		r.Args[i] = value
		if s.marked.Decide(r) == want {
			c = r
		}
	}
	for i := range c.Args {
		replace(i, ^uint64(0))
	}
	switch name {
	case "msgget", "semget", "shmget": // the flags of -1 would create one
		for i := range c.Args[1:] {
			replace(1+i, 0)
		}
	}
	return c
}

// uprobes are uretprobe and uprobe of x86_64, which the kernel's own code in a program calls, and nobody else may.
// Kernels that have them ask no filter about them.
var uprobes = []uint32{335, 336}

// marks returns the errnos of a policy's rules, and of its other answers, that calls through a door can meet.
func (s *subject) marks(d door) []int64 {
	set := map[int64]bool{}
	add := func(a resolve.Action) {
		if a.Kind() == resolve.Errno {
			set[-int64(a.Data())] = true
		}
	}
	for _, f := range s.marked.Filters {
		if f.ABI.Name != d.abi {
			continue
		}
		for _, r := range f.Rules {
			add(r.Action)
		}
		add(f.Default)
		add(f.Unknown)
	}
	if !s.serves(d) {
		add(s.marked.Foreign)
	}
	return slices.Collect(maps.Keys(set))
}

// serves reports whether the program has an answer of its own to the calls through a door, other than the policy's foreign.
func (s *subject) serves(d door) bool {
	return slices.ContainsFunc(s.marked.Filters, func(f *resolve.Filter) bool { return f.ABI.Name == d.abi })
}
