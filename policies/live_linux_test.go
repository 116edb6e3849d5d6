package policies

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob/load"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/testdata/probe/probetest"
)

// A door is a way into the kernel, with the ABI whose numbers it takes.
type door struct {
	name    string
	abi     string
	goarch  string // of the probe
	by      string // the probe's door
	garbage bool   // registers have high halves for a program to set
	probe   string // its path
}

// TestLive makes calls under the policies on this machine's kernel, through each door that it has.
func TestLive(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skipf("the probe knows amd64 and 386, this is %s", runtime.GOARCH)
	}
	supported(t)
	amd64, i386 := probetest.Build(t, "amd64"), probetest.Build(t, "386")
	for _, d := range []door{
		{"x86_64", "x86_64", "amd64", "native", true, amd64},
		{"x32", "x32", "amd64", "native", true, amd64},
		{"i386 by int 0x80 from x86_64", "i386", "amd64", "int80", true, amd64},
		{"i386", "i386", "386", "native", false, i386},
	} {
		t.Run(d.name, func(t *testing.T) {
			d.usable(t)
			t.Run("denied", d.denied)
			t.Run("let through", d.letThrough)
			t.Run("foreign", d.foreign)
			if d.abi != "x32" {
				t.Run("ways around", d.waysAround)
			}
			if d.abi == "x86_64" {
				t.Run("a hole is reported", d.holeIsReported)
			}
		})
	}
}

// supported skips where there are no seccomp filters.
func supported(t *testing.T) {
	t.Helper()
	if err := load.Check(checkedIn(t, "toaster")); errors.Is(err, load.ErrUnsupported) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
}

// usable skips where the kernel does not have the door.
func (d door) usable(t *testing.T) {
	t.Helper()
	r, state, err := probetest.Run(d.probe, nil, 10*time.Second, []probetest.Call{d.call(t, "getppid")})
	switch {
	case d.goarch == "386" && errors.Is(err, syscall.ENOEXEC):
		t.Skip("this kernel runs no i386 programs")
	case err != nil:
		t.Fatal(err)
	case d.by == "int80" && state.Sys().(syscall.WaitStatus).Signaled():
		t.Skipf("this kernel has no int 0x80: %v", state)
	case !r[0].Returned:
		t.Fatalf("getppid does not return: %v", state)
	}
	t.Logf("getppid without a filter: %v", r[0])
}

// call returns a call by name; arguments that are not given are zero.
func (d door) call(t *testing.T, name string, args ...uint64) probetest.Call {
	t.Helper()
	nr, ok := arch.Lookup(d.abi).Number(name)
	if !ok {
		t.Fatalf("%s has no %s", d.abi, name)
	}
	c := probetest.Call{Door: d.by, NR: nr}
	copy(c.Args[:], args)
	return c
}

// violations makes the calls under a filter, and returns those that it did not answer as wanted.
func violations(t *testing.T, probe string, filter []byte, trials []trial) (found []string) {
	t.Helper()
	var calls []probetest.Call
	for _, tr := range trials {
		calls = append(calls, tr.Call)
	}
	results, state, err := probetest.Run(probe, filter, time.Minute, calls)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if !r.Returned {
			return append(found, fmt.Sprintf("%v: no return, %v", trials[i], state))
		}
		if r.Value != trials[i].want {
			found = append(found, fmt.Sprintf("%v: %v, want errno %d", trials[i], r, -trials[i].want))
		}
	}
	return found
}

// without makes calls without a filter and remembers what came of them.
type without struct {
	probe string
	known map[probetest.Call]probetest.Result
}

// run makes each call that has a name in a process of its own, and the others, which no kernel has yet, in one after the
// other.
func (w *without) run(t *testing.T, trials []trial) {
	t.Helper()
	var nameless []probetest.Call
	var batches [][]probetest.Call
	for _, tr := range trials {
		if _, ok := w.known[tr.Call]; ok {
			continue
		}
		w.known[tr.Call] = probetest.Result{}
		if tr.name == noCall {
			nameless = append(nameless, tr.Call)
		} else {
			batches = append(batches, []probetest.Call{tr.Call})
		}
	}
	todo := make(chan []probetest.Call)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range 2 * runtime.NumCPU() {
		wg.Go(func() {
			for calls := range todo {
				for len(calls) > 0 {
					// Some calls wait for ever; a second is long enough for all others.
					results, _, err := probetest.Run(w.probe, nil, time.Second, calls)
					if err != nil {
						t.Error(err)
						break
					}
					n := 1 + slices.IndexFunc(results, func(r probetest.Result) bool { return !r.Returned })
					if n == 0 {
						n = len(calls)
					}
					mu.Lock()
					for i, r := range results[:n] {
						w.known[calls[i]] = r
					}
					mu.Unlock()
					calls = calls[n:]
				}
			}
		})
	}
	for _, b := range append(batches, nameless) {
		todo <- b
	}
	close(todo)
	wg.Wait()
}

// denied makes every call that a blob denies: without a filter, under the same policy with an errno of its own for each
// rule, which must be that of the rule that decides, and under the blob's program itself.
func (d door) denied(t *testing.T) {
	free := without{d.probe, map[probetest.Call]probetest.Result{}}
	for _, name := range bearable(t) {
		s := examine(t, name)
		trials := s.trials(t, d)
		trials = slices.DeleteFunc(trials, func(tr trial) bool { return d.abi == "x86_64" && slices.Contains(uprobes, tr.NR) })
		for _, v := range violations(t, d.probe, s.filter, trials) {
			t.Errorf("%s: %s", name, v)
		}
		shipped := s.asShipped(t, trials)
		if s.serves(d) {
			for _, v := range violations(t, d.probe, s.program, shipped) {
				t.Errorf("%s as it is: %s", name, v)
			}
		}
		free.run(t, trials)
		hit := map[int64]int{}
		changed := 0 // calls that visibly end otherwise under the program as it is
		for _, tr := range shipped {
			if r := free.known[tr.Call]; r.Returned && r.Value != tr.want {
				changed++
			}
		}
		if changed == 0 && s.serves(d) {
			t.Errorf("%s: of %d denied calls none ends otherwise without the filter", name, len(trials))
		}
		for _, tr := range trials {
			if r := free.known[tr.Call]; r.Returned && r.Value == tr.want {
				t.Errorf("%s: %v: the kernel itself answers %v", name, tr, r)
			}
			hit[tr.want]++
		}
		for _, want := range s.marks(d) {
			if hit[want] == 0 {
				t.Errorf("%s: no call meets errno %d", name, -want)
			}
		}
		t.Logf("%s: %d calls denied by %d rules, %d end otherwise without the filter", name, len(trials), len(hit), changed)
	}
}

// holeIsReported shows that denied would report a policy that lacks one of its rules.
func (d door) holeIsReported(t *testing.T) {
	s := examine(t, "toaster")
	p := parse(t, "toaster.yaml", read(t, "toaster.yaml"))
	mark(p)
	at := slices.IndexFunc(p.Rules, func(r policy.Rule) bool { return r.Calls[0].Name.Text == "add_key" })
	if at < 0 {
		t.Fatal("no rule that begins with add_key")
	}
	p.Rules = slices.Delete(p.Rules, at, at+1)
	holed := compile(t, p).Blob.Targets[0].Program
	found := map[string]bool{}
	for _, v := range violations(t, d.probe, holed, s.trials(t, d)) {
		name, _, _ := strings.Cut(v, " ")
		found[name] = true
	}
	want := map[string]bool{"add_key": true, "request_key": true, "keyctl": true}
	if !maps.Equal(found, want) {
		t.Errorf("reported are %v, want %v", found, want)
	}
}
