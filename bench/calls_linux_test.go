package bench

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	moby "github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	tools "github.com/opencontainers/runtime-tools/generate/seccomp"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// answer is what a profile without conditional rules says about a call, read straight from the specification's types:
// rules are alternatives, a rule's arguments are all required, values are 64 bits wide and unsigned.
func answer(p *specs.LinuxSeccomp, name string, args [6]uint64) (specs.LinuxSeccompAction, *uint) {
	for _, rule := range p.Syscalls {
		fails := func(a specs.LinuxSeccompArg) bool { return !holds(a, args) }
		if slices.Contains(rule.Names, name) && !slices.ContainsFunc(rule.Args, fails) {
			return rule.Action, rule.ErrnoRet
		}
	}
	return p.DefaultAction, p.DefaultErrnoRet
}

func holds(a specs.LinuxSeccompArg, args [6]uint64) bool {
	x := args[a.Index]
	switch a.Op {
	case specs.OpNotEqual:
		return x != a.Value
	case specs.OpLessThan:
		return x < a.Value
	case specs.OpLessEqual:
		return x <= a.Value
	case specs.OpEqualTo:
		return x == a.Value
	case specs.OpGreaterEqual:
		return x >= a.Value
	case specs.OpGreaterThan:
		return x > a.Value
	}
	return x&a.Value == a.ValueTwo
}

// values are those around every constant of a profile, in either half of the register.
func values(p *specs.LinuxSeccomp) []uint64 {
	list := []uint64{0, 1 << 31, 1 << 32, 1 << 63, ^uint64(0)}
	for _, rule := range p.Syscalls {
		for _, a := range rule.Args {
			for _, v := range []uint64{a.Value, a.ValueTwo} {
				list = append(list, v-1, v, v+1, v<<32, v|1<<32, v|1<<63, ^v)
				for bit := range 64 {
					list = append(list, v&(1<<bit))
				}
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// compileFor compiles a flat profile for the machine's own ABI alone.
func compileFor(t *testing.T, p *specs.LinuxSeccomp, host *arch.ABI) *compiler.Result {
	t.Helper()
	src, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return compile(t, "profile.json", string(src), compiler.Options{Targets: []string{host.Name}})
}

// differential runs the program of a flat profile on every call of the machine's ABI.
func differential(t *testing.T, p *specs.LinuxSeccomp) {
	t.Helper()
	host := arch.Host()
	if host.RegBits != 64 {
		t.Skip("the specification's values are 64 bits wide, which these registers are not")
	}
	prog := compileFor(t, p, host).Programs[0]
	actions := map[specs.LinuxSeccompAction]resolve.Action{specs.ActAllow: resolve.Allow, specs.ActErrno: resolve.Errno}
	seen := map[resolve.Action]int{}
	for _, call := range host.Syscalls() {
		for index := range 6 {
			for _, v := range values(p) {
				c := resolve.Call{Arch: host.Audit, NR: call.Number}
				c.Args[index] = v
				kind, ret := answer(p, call.Name, c.Args)
				want, ok := actions[kind]
				switch {
				case !ok:
					t.Fatalf("the profile has the action %s, which this test doesn't know", kind)
				case want == resolve.Errno && ret == nil:
					want |= 1 // EPERM, as every runtime has it
				case want == resolve.Errno:
					want |= resolve.Action(*ret)
				}
				seen[want]++
				got, _, err := inspect.Run(prog, host.BigEndian, c)
				if err != nil || got != want {
					t.Fatalf("%s with arguments %#x: the program says %v, the profile %v (%v)", call.Name, c.Args, got, want, err)
				}
			}
		}
	}
	if len(seen) < 2 {
		t.Errorf("all calls met one answer: %v", seen)
	}
	t.Logf("answers by number of calls: %v", seen)
}

func TestDockerCalls(t *testing.T) {
	for _, caps := range [][]string{nil, resolve.Capabilities} {
		p, err := moby.GetDefaultProfile(spec(caps))
		if err != nil {
			t.Fatal(err)
		}
		differential(t, p)
	}
}

// TestRuntimeTools reads the default profile of the OCI's own tools. A rule of it names an argument three times, which
// runtimes take for alternatives and the specification for a contradiction: refused, until it says which.
func TestRuntimeTools(t *testing.T) {
	for _, caps := range [][]string{nil, {"CAP_SYS_ADMIN"}, resolve.Capabilities} {
		p := tools.DefaultProfile(spec(caps))
		src, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		r, diags := compiler.Compile("tools.json", src, compiler.Options{})
		if r != nil || !strings.Contains(diags.Error(), "argument 0 twice in one rule") {
			t.Fatalf("not refused: %v", diags)
		}
		split := 0
		for i := len(p.Syscalls) - 1; i >= 0; i-- {
			rule := p.Syscalls[i]
			if len(rule.Args) < 2 {
				continue
			}
			var alternatives []specs.LinuxSyscall
			for _, a := range rule.Args {
				rule.Args = []specs.LinuxSeccompArg{a}
				alternatives = append(alternatives, rule)
			}
			p.Syscalls = slices.Replace(p.Syscalls, i, i+1, alternatives...)
			split++
		}
		if split != 1 {
			t.Fatalf("%d rules have several arguments", split)
		}
		differential(t, p)
	}
}
