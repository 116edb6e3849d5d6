package compiler_test

import (
	"encoding/binary"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob/load"
	"github.com/seccompc/seccompc/compiler"
)

// An entrance is a way into a user namespace: a call that makes a process, and those that this process makes.
type entrance struct {
	call    string // the one that enters, which a rule of the policy is for
	refusal error  // by that rule
	enter   request
	then    []request
}

const newNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWUTS

// entrances returns the ways into a user namespace, with new namespaces of other kinds in the same call or behind it.
func (s *shared) entrances(t *testing.T) []entrance {
	t.Helper()
	// For setns it is another process's: one that shares its table of files, and leaves an open one in it.
	r, err := s.fork(cloneCall(unix.CLONE_NEWUSER|unix.CLONE_FILES), call(unix.SYS_OPENAT, 0, s.str("/proc/self/ns/user"), unix.O_RDONLY|unix.O_CLOEXEC))
	if err != nil || r[0] < 0 {
		t.Fatalf("a user namespace of another process: %v, %v", err, r)
	}
	t.Cleanup(func() { unix.Close(int(r[0])) })
	others := call(unix.SYS_UNSHARE, newNamespaces)
	list := []entrance{
		{"clone", unix.EPERM, cloneCall(unix.CLONE_NEWUSER), []request{others}},
		{"clone", unix.EPERM, cloneCall(unix.CLONE_NEWUSER | newNamespaces), nil},
		{"unshare", unix.EPERM, cloneCall(0), []request{call(unix.SYS_UNSHARE, unix.CLONE_NEWUSER|newNamespaces)}},
		{"setns", unix.EPERM, cloneCall(0), []request{call(unix.SYS_SETNS, uintptr(r[0]), unix.CLONE_NEWUSER), others}},
	}
	if _, err := s.fork(s.clone3(0)); err == unix.ENOSYS {
		t.Log("clone3 is not tried: this kernel does not have it, or a filter around us says so")
	} else {
		list = append(list, entrance{"clone3", unix.ENOSYS, s.clone3(unix.CLONE_NEWUSER | newNamespaces), nil})
	}
	return list
}

// clone3 is the call with a struct clone_args of linux/sched.h, as fork would make it.
func (s *shared) clone3(flags uint64) request {
	return call(unix.SYS_CLONE3, s.put([8]uint64{0: flags, 4: uint64(unix.SIGCHLD)}), 64)
}

// take goes in, makes further calls there, and returns whether the process then has all capabilities, what the further
// calls returned, and the first error before them.
func (s *shared) take(e entrance, calls ...request) (all bool, results []int64, err error) {
	header, sets := s.put([2]uint32{unix.LINUX_CAPABILITY_VERSION_3}), s.used
	list := append(slices.Clone(e.then), call(unix.SYS_CAPGET, header, s.put([6]uint32{})))
	results, err = s.fork(e.enter, append(list, calls...)...)
	if err != nil {
		return false, nil, err
	}
	for _, r := range results[:len(e.then)] {
		if errno := failed(r); errno != 0 && err == nil {
			err = errno
		}
	}
	effective := binary.NativeEndian.Uint32(s.mem[sets:]) // capabilities 0 to 31: each kernel has these
	return effective == 1<<32-1, results[len(list):], err
}

// TestUserNamespaces is behind the first of docs/answers.md.
func TestUserNamespaces(t *testing.T) {
	inside, doc := powerless(t, "../docs/answers.md")
	if !inside {
		return
	}
	s := share(t)
	works := []request{
		call(unix.SYS_MOUNT, s.str("none"), s.str("/"), s.str("tmpfs"), 0, 0),
		call(unix.SYS_SETHOSTNAME, s.str("renamed"), 7),
		call(unix.SYS_UNSHARE, unix.CLONE_NEWNET),
		call(unix.SYS_SOCKET, unix.AF_PACKET, unix.SOCK_RAW, 0),
	}
	t.Run("other namespaces are refused", func(t *testing.T) {
		for _, e := range []entrance{
			{"clone", nil, cloneCall(unix.CLONE_NEWNS), nil},
			{"clone3", nil, s.clone3(unix.CLONE_NEWNS), nil},
			{"unshare", nil, cloneCall(0), []request{call(unix.SYS_UNSHARE, unix.CLONE_NEWNS)}},
		} {
			if all, _, err := s.take(e); err != unix.EPERM && (e.call != "clone3" || err != unix.ENOSYS) || all {
				t.Errorf("%s(CLONE_NEWNS): %v, all capabilities: %t", e.call, err, all)
			}
		}
		all, results, err := s.take(entrance{enter: cloneCall(0)}, works...)
		for i, r := range results {
			if failed(r) != unix.EPERM {
				t.Errorf("call %d: %d", works[i].nr, r)
			}
		}
		if err != nil || all {
			t.Errorf("%v, all capabilities: %t", err, all)
		}
	})
	t.Run("user namespaces", func(t *testing.T) {
		if why := namespacesForbidden(s); why != "" {
			t.Skip(why)
		}
		list := s.entrances(t)
		bounding := call(unix.SYS_PRCTL, unix.PR_CAPBSET_READ, unix.CAP_SYS_ADMIN)
		for _, e := range list {
			all, results, err := s.take(e, append([]request{bounding}, works...)...)
			if err != nil || !all {
				t.Errorf("%s: %v, all capabilities: %t", e.call, err, all)
				continue
			}
			if results[0] != 1 {
				t.Errorf("%s: CAP_SYS_ADMIN in the bounding set: %d", e.call, results[0])
			}
			for i, r := range results[1:] {
				if failed(r) != 0 {
					t.Errorf("%s, then call %d: %d", e.call, works[i].nr, r)
				}
			}
		}
		t.Run("under the policy", func(t *testing.T) { s.underPolicy(t, doc, list) })
	})
}

// underPolicy goes all ways under the policy that the answer shows, and under those that lack one of its rules.
func (s *shared) underPolicy(t *testing.T, doc string, list []entrance) {
	_, rest, _ := strings.Cut(doc, "```yaml\n")
	policy, _, _ := strings.Cut(rest, "```")
	without := []string{""}
	for _, e := range list {
		if !slices.Contains(without, e.call) {
			without = append(without, e.call)
		}
	}
	for _, left := range without {
		var text string
		for line := range strings.Lines(policy) {
			if left == "" || !strings.Contains(line, " "+left+":") && !strings.Contains(line, "["+left+"]") {
				text += line
			}
		}
		if (text == policy) != (left == "") {
			t.Fatalf("the policy has no line for %q:\n%s", left, policy)
		}
		r, diags := compiler.Compile("answers.yaml", []byte(text), compiler.Options{Targets: []string{arch.Host().Name}, Warn: true}) // the linter sees it too
		if r == nil {
			t.Fatalf("%v\n%s", diags, text)
		}
		under := func(what func()) {
			done := make(chan error)
			go func() { // the filter ends with this thread
				runtime.LockOSThread()
				err := load.Thread(r.Blob)
				if err == nil {
					what()
				}
				done <- err
			}()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		for _, e := range list {
			under(func() {
				all, _, err := s.take(e)
				if open := e.call == left; all != open || !open && err != e.refusal {
					t.Errorf("%s, rule left out %q: %v, all capabilities: %t", e.call, left, err, all)
				}
			})
		}
		for _, flag := range []uintptr{0, unix.CLONE_NEWNS, unix.CLONE_NEWUTS, unix.CLONE_NEWIPC, unix.CLONE_NEWPID, unix.CLONE_NEWNET, unix.CLONE_NEWCGROUP} {
			if denied := !holds(r.Targets[0].Filters[0], cloneCall(flag)); denied != (flag != 0 && left != "clone") {
				t.Errorf("clone with %#x, rule left out %q: denied %t", flag, left, denied)
			}
		}
	}
}
