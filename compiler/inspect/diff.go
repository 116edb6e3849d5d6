package inspect

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// A Kind of change: Widened is one towards allow in the kernel's order of precedence, or to errno(0), which fakes success;
// Narrowed is one away from allow, or from errno(0) to another errno; Changed is every other.
type Kind string

// The kinds of change.
const (
	Widened  Kind = "widened"
	Narrowed Kind = "narrowed"
	Changed  Kind = "changed"
)

var precedence = []resolve.Action{
	resolve.KillProcess, resolve.KillThread, resolve.Trap, resolve.Errno, resolve.Notify, resolve.Trace, resolve.Log, resolve.Allow,
}

// kindOf compares two actions that differ. To one that it does not know the kernel reacts as to kill_process.
func kindOf(before, after resolve.Action) Kind {
	a, b := max(0, slices.Index(precedence, before.Kind())), max(0, slices.Index(precedence, after.Kind()))
	switch {
	case after == resolve.Errno, a < b:
		return Widened
	case before == resolve.Errno, a > b:
		return Narrowed
	}
	return Changed
}

// A HeadChange is one of what a blob says beside its programs: its flags, who installs it, the kernel it demands, its fallbacks,
// whether it complains.
type HeadChange struct{ What, Before, After string }

// A TargetDiff is what differs between the programs for one target. Only is "before" or "after" where the other has no program for
// it, and seccomp-load refuses.
type TargetDiff struct {
	Label   string
	Only    string
	Changes []Change // by ABI, the native one first and foreign ones last; of each what is widened first
}

// A Change is calls of one ABI that met one action and meet another.
type Change struct {
	Kind          Kind
	Before, After resolve.Action
	Set
}

// A Set is calls of one ABI that a condition holds for.
type Set struct {
	ABI       *arch.ABI // nil: of architectures that none of the programs serves
	Arches    []prove.Range
	Calls     []string      // the names of those that have one, ascending
	Numbers   []prove.Range // of the others
	Rest      Rest
	If        string // the condition in the policy language; empty: whatever the arguments
	Entangled bool   // the condition is too entangled to write down or, without an ABI, the numbers are; the witness is one of them
	Witness   resolve.Call
}

// Rest says that the numbers of a set are more than some.
type Rest uint8

// Numbers may be all of the ABI, or all that have no name.
const (
	SomeNumbers Rest = iota
	UnnamedNumbers
	EveryNumber
)

// Diff compares what two blobs decide, exactly: that there is no change is a proof. A nil blob stands for no filter, under
// which all calls are allowed. The error says what in a program can't be compared.
func Diff(before, after *blob.Blob) (heads []HeadChange, targets []TargetDiff, err error) {
	if before != nil && after != nil {
		heads = headChanges(before, after)
	}
	type programs struct{ before, after *blob.Target }
	var done []programs
	for _, b := range []*blob.Blob{before, after} {
		if b == nil {
			continue
		}
		for _, t := range b.Targets {
			p := programs{programFor(before, t), programFor(after, t)}
			if slices.Contains(done, p) {
				continue
			}
			done = append(done, p)
			d := TargetDiff{Label: t.Label}
			switch {
			case before != nil && p.before == nil:
				d.Only = "after"
			case after != nil && p.after == nil:
				d.Only = "before"
			default:
				if d.Changes, err = compare(p.before, p.after); err != nil {
					return nil, nil, fmt.Errorf("target %s: %w", t.Label, err)
				}
			}
			targets = append(targets, d)
		}
	}
	return heads, targets, nil
}

// programFor returns the program that a loader of t's native ABI takes.
func programFor(b *blob.Blob, t blob.Target) *blob.Target {
	if b == nil || len(t.ABIs) == 0 {
		return nil
	}
	return b.For(t.ABIs[0], t.Order)
}

func headChanges(a, b *blob.Blob) (list []HeadChange) {
	if a.Install == 0 || b.Install == 0 { // a raw program says nothing of it
		return nil
	}
	flags := func(f uint32) string {
		var names []string
		if f&blob.FlagLog != 0 {
			names = append(names, "log")
		}
		if f&blob.FlagSpecAllow != 0 {
			names = append(names, "spec_allow")
		}
		return "[" + strings.Join(names, ", ") + "]"
	}
	yesNo := func(yes bool) string { return map[bool]string{true: "yes", false: "no"}[yes] }
	install := map[blob.Install]string{blob.Exec: "exec", blob.Self: "self"}
	kernel := func(v uint32) string {
		if v == 0 {
			return "any"
		}
		return fmt.Sprintf(">=%d.%d.%d", v>>16, v>>8&255, v&255)
	}
	for _, h := range []HeadChange{
		{"flags", flags(a.Flags), flags(b.Flags)},
		{"install", install[a.Install], install[b.Install]},
		{"kernel", kernel(a.Kernel), kernel(b.Kernel)},
		{"fallbacks", a.Fallbacks.String(), b.Fallbacks.String()},
		{"complain", yesNo(a.Complain), yesNo(b.Complain)},
	} {
		if h.Before != h.After {
			list = append(list, h)
		}
	}
	return list
}

// noFilter is the program that allows every call.
var noFilter = binary.LittleEndian.AppendUint32([]byte{0x06, 0, 0, 0}, uint32(resolve.Allow))

func compare(a, b *blob.Target) ([]Change, error) {
	var abis []*arch.ABI
	read := func(t *blob.Target, beside *prove.Diagram) (*prove.Diagram, error) {
		if t == nil {
			t = &blob.Target{Program: noFilter, Order: blob.LittleEndian}
		}
		for _, abi := range ABIs(*t) {
			if !slices.Contains(abis, abi) {
				abis = append(abis, abi)
			}
		}
		return Read(*t, beside)
	}
	x, err := read(a, nil)
	if err != nil {
		return nil, fmt.Errorf("before: %w", err)
	}
	y, err := read(b, x)
	if err != nil {
		return nil, fmt.Errorf("after: %w", err)
	}
	parts, err := prove.Compare(x, y)
	if err != nil {
		return nil, err
	}
	parts = slices.DeleteFunc(parts, func(p prove.Part) bool { return p.Before == p.After })
	return changes(parts, abis), nil
}
