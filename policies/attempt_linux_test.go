package policies

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
)

// attempts are the actions of testdata/attempt and what it takes to try them.
type attempts struct {
	program, loader string
	free, special   []string // actions that every user can do, and those that a kernel may refuse
}

// freely remembers how actions end without a filter.
var freely = map[string]string{}

func buildAttempts(t *testing.T) attempts {
	t.Helper()
	a := attempts{program: build(t, "", "./testdata/attempt"), loader: build(t, "", "github.com/seccompc/seccompc/cmd/seccomp-load")}
	lists := strings.Split(run([]string{a.program, "list"}).out, "\n\n")
	if len(lists) != 3 {
		t.Fatalf("actions %q", lists)
	}
	a.free, a.special = strings.Split(lists[0], "\n"), strings.Split(lists[1], "\n")
	return a
}

// try attempts an action for real, under a blob or, if that is "", without a filter. It returns what the program says, with
// " killed" if its victim did not survive.
func (a attempts) try(t *testing.T, blob, action string) string {
	t.Helper()
	dir := t.TempDir()
	f, err := os.OpenFile(filepath.Join(dir, "file"), os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		_, err = f.Write(bytes.Repeat([]byte("x"), 5000))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	pid, end := 0, func() string { return "" }
	if strings.Contains(action, "another") {
		pid, end = a.victim(t)
	}
	command := []string{a.program, action, dir, fmt.Sprint(pid)}
	if blob != "" {
		command = append([]string{a.loader, anybodys, blob, "--"}, command...)
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.ExtraFiles = []*os.File{nil, nil, f} // descriptor 5
	cmd.Stdin = terminal(t)
	out, _ := cmd.Output() // the exit code of a program that can't start says nothing new
	return strings.TrimSuffix(string(out), "\n") + end()
}

// victim starts a process to be attacked. The function it returns ends it, and says so if it was dead already.
func (a attempts) victim(t *testing.T) (pid int, end func() string) {
	t.Helper()
	cmd := exec.Command(a.program, "wait")
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid, func() string {
		stdin.Close()
		if cmd.Wait(); !cmd.ProcessState.Success() {
			return " killed"
		}
		return ""
	}
}

// terminal returns a terminal, or where there is none /dev/null.
func terminal(t *testing.T) *os.File {
	t.Helper()
	path := os.DevNull
	if master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0); err == nil {
		t.Cleanup(func() { master.Close() })
		n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
		if err == nil {
			err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		path = fmt.Sprintf("/dev/pts/%d", n)
	}
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// check tries every action under a blob and returns those that do not end as wanted. Without a filter, what every user can
// do must succeed: then "ok" as the wanted end means that the policy changes nothing.
func (a attempts) check(t *testing.T, blob string, want func(action string) string) (violations []string) {
	t.Helper()
	differ := 0
	for _, action := range slices.Concat(a.free, a.special) {
		if freely[action] == "" {
			freely[action] = a.try(t, "", action)
		}
		free, under := freely[action], a.try(t, blob, action)
		if !strings.HasPrefix(free, "ok") && slices.Contains(a.free, action) {
			t.Errorf("%s: %s without a filter", action, free)
		}
		w := want(action)
		if w == "ok" {
			w = free
		}
		if under != w {
			violations = append(violations, fmt.Sprintf("%s: %q, want %q", action, under, w))
		}
		if free != under {
			differ++
		}
	}
	t.Logf("%s: of %d actions %d end otherwise than without a filter", blob, len(a.free)+len(a.special), differ)
	return violations
}

// variant compiles a policy's source with one piece of its text replaced, for this machine, and returns the blob's path.
func variant(t *testing.T, name, old, new string) string {
	t.Helper()
	text := string(read(t, name+".yaml"))
	if strings.Count(text, old) != 1 {
		t.Fatalf("%q is not in %s.yaml once", old, name)
	}
	path := filepath.Join(t.TempDir(), name+".seccomp")
	p := parse(t, name+".yaml", []byte(strings.Replace(text, old, new, 1)))
	p.Targets = slices.DeleteFunc(p.Targets, func(w policy.Word) bool { return arch.Lookup(w.Text) != arch.Host() })
	r := compile(t, p)
	err := os.WriteFile(path, r.Bytes, 0o644)
	if err == nil {
		err = os.Chmod(filepath.Dir(filepath.Dir(path)), 0o755) // every user can read it
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}
