package exporter

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// A profile is the seccomp object of the OCI runtime specification (config-linux.md), without the additions of engines.
type profile struct {
	DefaultAction   string   `json:"defaultAction"`
	DefaultErrnoRet *uint16  `json:"defaultErrnoRet,omitempty"`
	Architectures   []string `json:"architectures"`
	Flags           []string `json:"flags,omitempty"`
	Syscalls        []*rule  `json:"syscalls"`
}

type rule struct {
	Names    []string   `json:"names"`
	Action   string     `json:"action"`
	ErrnoRet *uint16    `json:"errnoRet,omitempty"`
	Args     []argument `json:"args,omitempty"` // all of them must hold

	does resolve.Action
}

type argument struct {
	Index    int    `json:"index"`
	Value    uint64 `json:"value"` // under SCMP_CMP_MASKED_EQ the mask
	ValueTwo uint64 `json:"valueTwo,omitempty"`
	Op       string `json:"op"`
}

// OCI writes the programs of a blob, which are given beside it, as one OCI profile. What it finds to be out of a profile's
// reach is listed in unsaid. An empty list is no proof: whoever uses the profile compiles it again and compares, for a
// call has the same rules on every ABI, those of the widest registers.
//
// The default is the answer that most calls with a name get of those that deny. Runtimes answer numbers that have no name by it
// or by ENOSYS, each in its own way, so a lenient default would let through what no blob does.
func OCI(b *blob.Blob, programs []inspect.Program) (data []byte, unsaid []string, err error) {
	p := &profile{Syscalls: []*rule{}}
	say := func(format string, args ...any) { unsaid = append(unsaid, fmt.Sprintf(format, args...)) }
	if b.Flags&blob.FlagLog != 0 {
		p.Flags = append(p.Flags, "SECCOMP_FILTER_FLAG_LOG")
	}
	if b.Flags&blob.FlagSpecAllow != 0 {
		p.Flags = append(p.Flags, "SECCOMP_FILTER_FLAG_SPEC_ALLOW")
	}
	if b.Fallbacks != 0 {
		say("fallbacks for kernels that lack an action: %s", b.Fallbacks)
	}
	if b.Kernel != 0 {
		say("that it demands kernel %d.%d", b.Kernel>>16, b.Kernel>>8&0xff)
	}
	var calls []call
	for _, program := range programs {
		d, err := prove.Read(program.Code, program.BigEndian)
		if err != nil {
			return nil, nil, err
		}
		for _, abi := range program.ABIs {
			if name := scmp(abi); name != "" {
				p.Architectures = append(p.Architectures, name)
			} else {
				say("the ABI %s", abi.Name)
			}
			enosys, _ := abi.Errno("ENOSYS")
			if a := d.Outcomes(resolve.Call{Arch: abi.Audit, NR: resolve.NoCall}, [6]uint64{})[0].Action; a != resolve.Errno|resolve.Action(enosys) {
				say("that %s gets %s for numbers without a name: runtimes answer these themselves, by errno(ENOSYS) or the default", abi.Name, a.Format(abi))
			}
			for _, s := range abi.Syscalls() {
				parts, err := d.Split(resolve.Call{Arch: abi.Audit, NR: s.Number})
				if err != nil {
					return nil, nil, fmt.Errorf("%s: %w", s.Name, err)
				}
				calls = append(calls, call{abi, s.Name, parts})
			}
		}
	}
	byDefault := strictest(calls, say)
	var ok bool
	if p.DefaultAction, p.DefaultErrnoRet, ok = action(byDefault); !ok {
		say("the default %s", byDefault)
	}
	slices.SortStableFunc(calls, func(a, b call) int { // of one name the widest registers first
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(b.abi.RegBits, a.abi.RegBits))
	})
	index := map[string]*rule{}
	for i, c := range calls {
		if i > 0 && calls[i-1].name == c.name {
			continue
		}
		for _, part := range c.parts {
			if part.Before == byDefault {
				continue
			}
			r := rule{does: part.Before}
			if r.Action, r.ErrnoRet, ok = action(part.Before); !ok {
				say("%s: the action %s", c.name, part.Before)
				continue
			}
			list, err := alternatives(part.Cond, c.abi.RegBits)
			if err != nil {
				say("%s: its condition: %v", c.name, err)
			}
			for _, other := range calls[i:] {
				if other.name == c.name && other.abi.RegBits == 32 && slices.ContainsFunc(list, wide) {
					say("%s: a condition on 64 bits, where registers of %s have 32", c.name, other.abi.Name)
					list = nil
				}
			}
			for _, args := range list {
				key := fmt.Sprint(part.Before, args)
				if index[key] == nil {
					one := r
					one.Args = args
					index[key] = &one
				}
				index[key].Names = append(index[key].Names, c.name)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(index)) {
		p.Syscalls = append(p.Syscalls, index[key])
	}
	slices.SortStableFunc(p.Syscalls, func(a, b *rule) int {
		return cmp.Or(cmp.Compare(min(len(a.Args), 1), min(len(b.Args), 1)), -cmp.Compare(a.does, b.does), cmp.Compare(a.Names[0], b.Names[0]))
	})
	data, err = json.MarshalIndent(p, "", "  ")
	return append(data, '\n'), unsaid, err
}

// wide reports whether a rule compares more than the 32 bits of a register.
func wide(args []argument) bool {
	return slices.ContainsFunc(args, func(a argument) bool { return (a.Value|a.ValueTwo)>>32 != 0 })
}

// A call is what a name of an ABI meets.
type call struct {
	abi   *arch.ABI
	name  string
	parts []prove.Part
}

// strictest returns the denying action that most calls meet whatever their arguments, and ENOSYS where there is none.
func strictest(calls []call, say func(string, ...any)) resolve.Action {
	count := map[resolve.Action]int{}
	for _, c := range calls {
		if a := c.parts[0].Before; len(c.parts) == 1 && a.Kind() <= resolve.Errno || a.Kind() == resolve.KillProcess {
			count[a]++
		}
	}
	best, most := resolve.Action(0), 0
	for _, a := range slices.Sorted(maps.Keys(count)) {
		if count[a] > most {
			best, most = a, count[a]
		}
	}
	if most == 0 && len(calls) > 0 {
		enosys, _ := calls[0].abi.Errno("ENOSYS")
		best = resolve.Errno | resolve.Action(enosys)
	}
	return best
}

// scmp is libseccomp's name of an ABI, "" where it has none.
func scmp(abi *arch.ABI) string {
	for _, s := range arch.Spellings() {
		if strings.HasPrefix(s, "SCMP_ARCH_") && arch.Lookup(s) == abi {
			return s
		}
	}
	return ""
}

var actions = map[resolve.Action]string{
	resolve.KillProcess: "SCMP_ACT_KILL_PROCESS", resolve.KillThread: "SCMP_ACT_KILL_THREAD", resolve.Trap: "SCMP_ACT_TRAP",
	resolve.Errno: "SCMP_ACT_ERRNO", resolve.Trace: "SCMP_ACT_TRACE", resolve.Log: "SCMP_ACT_LOG", resolve.Allow: "SCMP_ACT_ALLOW",
}

// action writes an action. It is not ok for trap with data, and for notify, which wants a listener.
func action(a resolve.Action) (name string, errno *uint16, ok bool) {
	name = actions[a.Kind()]
	data := a.Data()
	if k := a.Kind(); k == resolve.Errno || k == resolve.Trace {
		return name, &data, true
	}
	return name, nil, name != "" && data == 0
}
