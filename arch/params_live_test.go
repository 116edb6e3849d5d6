//go:build linux && amd64

package arch_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/testdata/enter"
)

// The campaign asks the running kernel which bits of a register a parameter
// is. It makes harmless calls, and then each of them again with one bit more,
// which the table says the kernel ignores; nothing may change. So that this
// says something, it makes them with another value of the parameter too, and
// something must change.

var update = flag.Bool("update", false, "write params-untested.txt")

// args are values by parameter name; arg0 to arg5 are registers without one.
type args map[string]uint64

// A probe is a call to make, and what is to be seen of it.
type probe struct {
	calls  string // names, separated by spaces: the same call of several ABIs, or calls with the same parameters
	args   args
	must   args                       // a value of that parameter alone whose outcome differs
	whole  string                     // parameters of 64 bits of whose high bits each makes a difference
	before func(*world)               // puts back what the call or after changed
	after  func(*world, int64) string // describes the outcome; nil for the returned value itself
	fork   bool                       // in a process of its own, the outcome is how it ended
}

// A door is how a call enters the kernel, and so its ABI.
type door struct {
	abi         *arch.ABI
	word        int // bytes of C long
	enter, fork func(*enter.Registers) int64
}

var doors = map[string]door{
	"x86_64": {arch.Lookup("x86_64"), 8, enter.Native, enter.ForkNative},
	"i386":   {arch.Lookup("i386"), 4, enter.Int80, enter.ForkInt80},
}

// A report is what a campaign through one door found.
type report struct {
	Parameters, Bits int      // tested: bits that must not make a difference
	Used, High       int      // parameters of which a value made one; bits of the high halves of 64 that did
	Faults           []string // what must not be
	Unavailable      []string // what this machine doesn't allow to see
}

// refused matches the outcome where a kernel lacks a call or forbids it.
var refused = regexp.MustCompile(`^(ENOSYS|EOPNOTSUPP|EPERM|EACCES)`)

const childEnv = "ARCH_PARAMS_CAMPAIGN" // of the process that makes the calls: door, whether it is in namespaces, directory

func TestMain(m *testing.M) {
	if spec := os.Getenv(childEnv); spec != "" {
		words := strings.SplitN(spec, " ", 3)
		json.NewEncoder(os.Stdout).Encode(campaign(doors[words[0]], words[2], words[1] == "true"))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestUsedBits(t *testing.T) {
	var untested bytes.Buffer
	fmt.Fprintln(&untested, "# Parameters whose width and signedness no live test has seen, by TestUsedBits: no harmless call shows them.")
	fmt.Fprintln(&untested, "# \"used:\": unused bits are tested, but no value is known that makes a difference. go test ./arch -run TestUsedBits -update writes this.")
	for _, name := range []string{"x86_64", "i386"} {
		table := probes(blank(doors[name]))
		for _, call := range doors[name].abi.Syscalls() {
			var all, used []string
			for _, p := range doors[name].abi.Params(call.Name) {
				if !p.Established || p.Pointer {
					continue
				}
				switch how := shown(table, call.Name, p); {
				case how == "":
					all = append(all, p.Name)
				case how == "unused" && (p.Bits < 32 || doors[name].abi.RegBits == 64):
					used = append(used, p.Name)
				}
			}
			if all != nil {
				fmt.Fprintf(&untested, "%s %s: %s\n", name, call.Name, strings.Join(all, " "))
			}
			if used != nil {
				fmt.Fprintf(&untested, "%s %s: used: %s\n", name, call.Name, strings.Join(used, " "))
			}
		}
		t.Run(name, func(t *testing.T) { runCampaign(t, name) })
	}
	const file = "params-untested.txt"
	if *update {
		if err := os.WriteFile(file, untested.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(file); err != nil || !bytes.Equal(kept, untested.Bytes()) {
		t.Errorf("%s is out of date (%v): go test ./arch -run TestUsedBits -update", file, err)
	}
}

// shown tells what a table of probes does with a parameter: "used", "unused"
// where only its unused bits are tested, or "".
func shown(table []probe, call string, p arch.Param) string {
	tested := ""
	for _, pr := range table {
		if !slices.Contains(strings.Fields(pr.calls), call) {
			continue
		}
		_, varied := pr.must[p.Name]
		if p.Bits < 64 && varied || p.Bits == 64 && slices.Contains(strings.Fields(pr.whole), p.Name) {
			return "used"
		}
		if p.Bits < 64 {
			tested = "unused"
		}
	}
	return tested
}

// runCampaign makes the calls in another process, in namespaces of its own
// where it may have them, and never with capabilities over the machine.
func runCampaign(t *testing.T, name string) {
	run := func(attr *syscall.SysProcAttr) (report, error) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %t %s", childEnv, name, attr != nil, t.TempDir()))
		cmd.SysProcAttr = attr
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return report{}, fmt.Errorf("%w after %s", err, stderr.Bytes())
		}
		var r report
		return r, json.Unmarshal(out, &r)
	}
	ids := func(id int) []syscall.SysProcIDMap { return []syscall.SysProcIDMap{{HostID: id, Size: 1}} }
	spaces := &syscall.SysProcAttr{UidMappings: ids(os.Getuid()), GidMappings: ids(os.Getgid()),
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC}
	r, err := run(spaces)
	if err != nil && strings.Contains(err.Error(), "fork/exec") {
		t.Logf("without namespaces: %v", err)
		r, err = run(nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if r.Parameters == 0 && r.Faults == nil {
		t.Skipf("this kernel runs no %s programs", name)
	}
	t.Logf("%d parameters, %d unused bits; %d parameters and %d high bits seen in use", r.Parameters, r.Bits, r.Used, r.High)
	for _, s := range r.Unavailable {
		t.Logf("not here: %s", s)
	}
	for _, s := range r.Faults {
		t.Error(s)
	}
}

// campaign makes every call of the table through one door.
func campaign(d door, dir string, spaces bool) (r report) {
	fault := func(format string, a ...any) { r.Faults = append(r.Faults, fmt.Sprintf(format, a...)) }
	if nr, _ := d.abi.Number("exit"); ended(d.fork(&enter.Registers{uint64(nr), 7})) != "exit 7" {
		return r
	}
	w, err := newWorld(d, dir, spaces)
	if err != nil {
		fault("%v", err)
		return r
	}
	seen := map[string]bool{}
	for _, pr := range probes(w) {
		missing := false
		for name, v := range pr.args {
			if int64(v) < 0 { // an identifier that newWorld didn't get
				missing = true
				r.Unavailable = append(r.Unavailable, fmt.Sprintf("%s %s: %s", pr.calls, name, result(int64(v))))
			}
		}
		if missing {
			continue
		}
		for name := range names(pr) {
			if !slices.ContainsFunc(strings.Fields(pr.calls), func(call string) bool {
				_, native := register(doors["x86_64"].abi, call, name)
				_, compat := register(doors["i386"].abi, call, name)
				return native || compat
			}) {
				fault("%s: no parameter %s", pr.calls, name)
			}
		}
		for _, call := range strings.Fields(pr.calls) {
			nr, ok := d.abi.Number(call)
			if !ok {
				continue
			}
			fmt.Fprintf(os.Stderr, "%s ", call) // the last one, if the process dies
			regs := enter.Registers{uint64(nr)}
			for name, v := range pr.args {
				if i, ok := register(d.abi, call, name); ok {
					regs[i+1] = v
				}
			}
			base := w.make(pr, regs)
			if again := w.make(pr, regs); again != base {
				fault("%s: %s, then %s", call, base, again)
				continue
			}
			dark := refused.MatchString(base)
			for _, p := range d.abi.Params(call) {
				if !p.Established {
					continue
				}
				at := &regs[p.Index+1]
				kept := *at
				low := p.Bits
				for bit := low; bit < 64; bit++ {
					*at = kept ^ 1<<bit
					if got := w.make(pr, regs); got != base {
						fault("%s: %s with bit %d of %s, without %s", call, got, bit, p.Name, base)
					}
					r.Bits++
				}
				if low < 64 && !seen[call+" "+p.Name] {
					seen[call+" "+p.Name] = true
					r.Parameters++
				}
				if v, ok := pr.must[p.Name]; ok {
					*at = v
					if got := w.make(pr, regs); got != base {
						r.Used++
					} else if dark {
						r.Unavailable = append(r.Unavailable, fmt.Sprintf("%s %s: %s", call, p.Name, base))
					} else {
						fault("%s: %s with %s %#x and %#x", call, got, p.Name, kept, v)
					}
				}
				for bit := 32; bit < 64 && p.Bits == 64 && slices.Contains(strings.Fields(pr.whole), p.Name) && !dark; bit++ {
					*at = kept ^ 1<<bit
					r.High++
					if got := w.make(pr, regs); got == base {
						fault("%s: %s with and without bit %d of %s", call, got, bit, p.Name)
					}
				}
				*at = kept
			}
		}
	}
	return r
}

// names returns every parameter a probe names.
func names(pr probe) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, list := range []args{pr.args, pr.must} {
			for name := range list {
				if !yield(name) {
					return
				}
			}
		}
	}
}

// register returns the index of a parameter, or of arg0 to arg5.
func register(a *arch.ABI, call, name string) (int, bool) {
	if len(name) == 4 && name[:3] == "arg" && '0' <= name[3] && name[3] <= '5' {
		return int(name[3] - '0'), true
	}
	p, ok := a.Param(call, name)
	return p.Index, ok
}

// make makes a call and describes the outcome.
func (w *world) make(pr probe, regs enter.Registers) string {
	if pr.before != nil {
		pr.before(w)
	}
	if pr.fork {
		return ended(w.fork(&regs))
	}
	ret := w.enter(&regs)
	if pr.after != nil {
		return pr.after(w, ret)
	}
	return result(ret)
}

func result(ret int64) string {
	if ret < 0 && ret > -4096 {
		return unix.ErrnoName(syscall.Errno(-ret))
	}
	return fmt.Sprint(ret)
}

// ended waits for a process.
func ended(pid int64) string {
	var status unix.WaitStatus
	if pid < 0 {
		return result(pid)
	} else if _, err := unix.Wait4(int(pid), &status, 0, nil); err != nil {
		return err.Error()
	} else if status.Signaled() {
		return status.Signal().String()
	}
	return fmt.Sprintf("exit %d", status.ExitStatus())
}
