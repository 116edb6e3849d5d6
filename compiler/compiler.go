// Package compiler turns a policy file into a blob, one room after the other:
//
//	policy.Parse or importer.OCI   the file's text to a policy.Policy
//	resolve.Resolve                the policy to a resolve.Target, once per target
//	codegen.Program                the target to a cBPF program
//	prove.Equal                    the program against the target; nothing skips it
//	blob.Encode                    all programs to one file
//
// The same input gives the same bytes on every machine.
package compiler

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler/codegen"
	"github.com/seccompc/seccompc/compiler/importer"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// Options are the inputs of a compilation beside the policy. The zero value takes all from the policy.
type Options struct {
	Targets []string     // in place of the policy's, "x86_64+i386"
	Caps    []string     // capabilities granted, with or without "CAP_"
	Kernel  arch.Version // oldest kernel to run on; zero: whichever the rules assume
}

// A Result is a compiled policy.
type Result struct {
	Policy   *policy.Policy
	Targets  []*resolve.Target // resolved, in the order of the blob's
	Programs [][]bpf.RawInstruction
	Blob     *blob.Blob
	Bytes    []byte // the encoded blob
}

// Compile compiles the policy in src; a file name that ends in .json marks an OCI profile. The findings hold warnings
// too; the result is nil if one of them is an error.
func Compile(file string, src []byte, o Options) (*Result, policy.Diagnostics) {
	p, diags := Parse(file, src)
	if p == nil {
		return nil, diags
	}
	r, more := CompilePolicy(p, src, o)
	return r, append(diags, more...)
}

var noName = regexp.MustCompile(`[^A-Za-z0-9._-]`)

// Parse reads a policy file in either form. A policy without a name has the file's, as far as names go.
func Parse(file string, src []byte) (*policy.Policy, policy.Diagnostics) {
	read := policy.Parse
	if strings.EqualFold(filepath.Ext(file), ".json") {
		read = importer.OCI
	}
	p, diags := read(file, src)
	if p != nil && p.Name.Text == "" {
		base := filepath.Base(file)
		name := noName.ReplaceAllString(strings.TrimSuffix(base, filepath.Ext(base)), "-")
		p.Name.Text = cmp.Or(name[:min(len(name), 64)], "policy")
	}
	return p, diags
}

// CompilePolicy compiles a policy that was read, or made, before; src is what the blob's digest is of.
func CompilePolicy(p *policy.Policy, src []byte, o Options) (*Result, policy.Diagnostics) {
	var diags policy.Diagnostics
	if len(o.Targets) > 0 {
		own := *p
		own.Targets = nil
		for _, t := range o.Targets {
			own.Targets = append(own.Targets, policy.Word{Text: t, Pos: policy.Pos{File: "--target"}})
		}
		p = &own
	}
	r := &Result{Policy: p, Blob: head(p, src, o, &diags)}
	for _, abis := range targets(p, &diags) {
		t, more := resolve.Resolve(p, abis, resolve.Options{Caps: r.Blob.Inputs.Caps, Kernel: o.Kernel})
		diags = append(diags, more...)
		if t == nil {
			continue
		}
		if err := r.add(t, abis, &diags); err != nil {
			diags.Errorf(policy.Pos{File: p.File}, "", "target %s: %v", resolve.TargetName(abis), err)
		}
	}
	if diags.Err() != nil {
		return nil, diags
	}
	var err error
	if r.Bytes, err = blob.Encode(r.Blob); err != nil {
		diags.Errorf(policy.Pos{File: p.File}, "", "%v", err)
		return nil, diags
	}
	return r, diags
}

// head fills in what a blob says beside its programs.
func head(p *policy.Policy, src []byte, o Options, diags *policy.Diagnostics) *blob.Blob {
	b := &blob.Blob{Name: p.Name.Text, Install: blob.Exec}
	if p.Install.Text == "self" {
		b.Install = blob.Self
	}
	for _, w := range p.Flags {
		switch w.Text {
		case "log":
			b.Flags |= blob.FlagLog
		case "spec_allow":
			b.Flags |= blob.FlagSpecAllow
		default:
			diags.Errorf(w.Pos, "flags are log and spec_allow", "unknown filter flag %q", w.Text)
		}
	}
	for _, c := range o.Caps {
		name := strings.ToUpper(c)
		if !strings.HasPrefix(name, "CAP_") {
			name = "CAP_" + name
		}
		if !slices.Contains(resolve.Capabilities, name) {
			diags.Errorf(policy.Pos{File: "--cap"}, policy.Suggest(name, resolve.Capabilities), "unknown capability %q", c)
		}
		b.Inputs.Caps = append(b.Inputs.Caps, name)
	}
	slices.Sort(b.Inputs.Caps)
	b.Inputs.Caps = slices.Compact(b.Inputs.Caps)
	b.Inputs.Kernel = version(o.Kernel)
	b.Inputs.Source = sha256.Sum256(bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n")))
	return b
}

func version(v arch.Version) uint32 { return blob.Version(int(v.Major), int(v.Minor), int(v.Patch)) }

// targets returns the ABIs of each program: the policy's targets, else every ABI that the loader can be built for.
func targets(p *policy.Policy, diags *policy.Diagnostics) [][]*arch.ABI {
	words := p.Targets
	if len(words) == 0 {
		for _, a := range arch.All() {
			if a.GOARCH != "" {
				words = append(words, policy.Word{Text: a.Name})
			}
		}
	}
	abis, more := resolve.Targets(words)
	*diags = append(*diags, more...)
	return abis
}

// add compiles one target and puts its program into the blob.
func (r *Result) add(t *resolve.Target, abis []*arch.ABI, diags *policy.Diagnostics) error {
	if r.Policy.Imported && contradictory(r.Policy, t, diags) {
		return nil
	}
	prog, err := codegen.Program(t)
	if err != nil {
		return err
	}
	native := abis[0]
	e := blob.Target{Label: resolve.TargetName(abis), Order: blob.LittleEndian}
	if native.BigEndian {
		e.Order = blob.BigEndian
	}
	order := e.ByteOrder().(binary.AppendByteOrder)
	for _, in := range prog {
		e.Program = append(order.AppendUint16(e.Program, in.Op), in.Jt, in.Jf)
		e.Program = order.AppendUint32(e.Program, in.K)
	}
	// What is proven is read back from the bytes that the loader installs.
	diagram, err := readBack(e)
	if err == nil {
		err = diagram.Equal(t)
	}
	if err != nil {
		return fmt.Errorf("the program is not the policy, please report this: %w", err)
	}
	for _, a := range abis {
		e.ABIs = append(e.ABIs, blob.ABI{Audit: a.Audit, Bit: a.Bit})
	}
	for i, name := range []string{"execve", "prctl", "seccomp"} { // blob.AllowsExecve and so on
		if letsThrough(diagram, abis, name) {
			e.Allows |= blob.AllowsExecve << i
		}
	}
	r.Targets = append(r.Targets, t)
	r.Programs = append(r.Programs, prog)
	r.Blob.Targets = append(r.Blob.Targets, e)
	r.Blob.Kernel = max(r.Blob.Kernel, version(t.Kernel))
	return nil
}

func readBack(t blob.Target) (*prove.Diagram, error) {
	bigEndian := t.Order == blob.BigEndian
	prog, err := inspect.Instructions(t.Program, bigEndian)
	if err != nil {
		return nil, err
	}
	return prove.Read(prog, bigEndian)
}

// letsThrough reports whether a call is let through on each of the ABIs, whatever its arguments.
func letsThrough(d *prove.Diagram, abis []*arch.ABI, name string) bool {
	for _, abi := range abis {
		nr, ok := abi.Number(name)
		if !ok {
			continue // no program of this ABI can make the call
		}
		outcomes := d.Outcomes(abi.Audit, nr)
		if a := outcomes[0].Action.Kind(); len(outcomes) != 1 || a != resolve.Allow && a != resolve.Log {
			return false
		}
	}
	return true
}

// contradictory reports rules of an imported policy that give one call different actions: their order would decide,
// and they have none.
func contradictory(p *policy.Policy, t *resolve.Target, diags *policy.Diagnostics) bool {
	found := false
	for _, f := range t.Filters {
		c, err := prove.Contradicts(f)
		switch {
		case err != nil:
			diags.Errorf(f.Rules[0].Pos, "", "%v", err)
		case c != nil:
			name, _ := f.ABI.SyscallName(c.Call.NR)
			hint := fmt.Sprintf("both match arguments %#x on %s, and rules of a profile have no order", c.Call.Args, f.ABI.Name)
			diags.Errorf(place(p, c.Second, f.ABI, c.Call.NR), hint, "rules contradict each other: %s is %s here and %s at %s", name,
				c.Second.Action, c.First.Action, place(p, c.First, f.ABI, c.Call.NR))
		}
		found = found || c != nil || err != nil
	}
	return found
}

// place returns where a rule names a call; its own position is that of its first call.
func place(p *policy.Policy, r resolve.Rule, abi *arch.ABI, nr uint32) policy.Pos {
	for _, rule := range p.Rules {
		if !slices.ContainsFunc(rule.Calls, func(c policy.Call) bool { return c.Name.Pos == r.Pos }) {
			continue
		}
		for _, c := range rule.Calls {
			if n, ok := abi.Number(c.Name.Text); ok && n == nr {
				return c.Name.Pos
			}
		}
	}
	return r.Pos
}
