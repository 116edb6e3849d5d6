// Package compiler turns a policy file into a blob, one room after the other:
//
//	policy.Parse or importer.OCI   the file's text to a policy.Policy
//	resolve.Resolve                the policy to a resolve.Target, once per target
//	lint.Run                       what the author can't have meant
//	codegen.Program                the target to a cBPF program
//	prove.Equal                    the program against the target; nothing skips it
//	Result.test                    the policy's tests, on the same bytes
//	Result.trace                   from the policy's lines to instructions
//	blob.Encode                    all programs to one file
//
// The same input gives the same bytes on every machine.
//
//go:generate go run genschema.go
package compiler

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
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
	"github.com/seccompc/seccompc/compiler/lint"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// Options are the inputs of a compilation beside the policy. The zero value takes all from the policy, which can then
// include nothing.
type Options struct {
	Targets  []string     // in place of the policy's, "x86_64+i386"
	Caps     []string     // capabilities granted beside the policy's, with or without "CAP_"
	Kernel   arch.Version // oldest kernel to run on; zero: whichever the rules assume
	Check    bool         // report the linter's warnings too
	Urgent   bool         // of these, report the urgent ones
	Warn     bool         // the linter's errors are warnings
	Complain bool         // log what the policy denies, and let it through
	Read     func(name string) ([]byte, error)
}

// A Result is a compiled policy.
type Result struct {
	Policy   *policy.Policy
	Targets  []*resolve.Target // resolved, in the order of the blob's
	Programs [][]bpf.RawInstruction
	Blob     *blob.Blob
	Tests    []TestResult
	Reached  map[policy.Pos]bool // by the tests, of the words of rules that are in force on some ABI
	Bytes    []byte              // the encoded blob; nil if a test failed
}

// Compile compiles the policy in src; a file name that ends in .json marks an OCI profile. The findings hold warnings
// too. If one of them is an error, the result is nil, or where only tests failed, it has no bytes.
func Compile(file string, src []byte, o Options) (*Result, policy.Diagnostics) {
	p, diags := Parse(file, src, o.Read)
	if p == nil {
		return nil, diags
	}
	r, more := CompilePolicy(p, o)
	return r, append(diags, more...)
}

var noName = regexp.MustCompile(`[^A-Za-z0-9._-]`)

// Parse reads a policy file in either form. A policy without a name has the file's, as far as names go. Read returns
// the text of what a policy includes; it may be nil.
func Parse(file string, src []byte, read func(name string) ([]byte, error)) (p *policy.Policy, diags policy.Diagnostics) {
	if strings.EqualFold(filepath.Ext(file), ".json") {
		p, diags = importer.OCI(file, src)
	} else {
		p, diags = policy.Parse(file, src, read)
	}
	if p != nil && p.Name.Text == "" {
		base := filepath.Base(file)
		name := noName.ReplaceAllString(strings.TrimSuffix(base, filepath.Ext(base)), "-")
		p.Name.Text = cmp.Or(name[:min(len(name), 64)], "policy")
	}
	return p, diags
}

// CompilePolicy compiles a policy that was read, or made, before.
func CompilePolicy(p *policy.Policy, o Options) (*Result, policy.Diagnostics) {
	r, abis, diags := prepare(p, o)
	if r == nil {
		return nil, diags
	}
	for i, t := range r.Targets {
		if r.Policy.Imported && contradictory(t, &diags) {
			continue
		}
		if o.Complain {
			t = t.Complaining()
			r.Targets[i] = t
		}
		switch err := r.add(t, abis[i], &diags); {
		case errors.Is(err, prove.ErrNotProven):
			diags.Errorf("not-proven", policy.Pos{File: p.File}, entangled, "%s: %v", resolve.TargetName(abis[i]), err)
		case err != nil:
			diags.Errorf("not-compiled", policy.Pos{File: p.File}, "please report this", "target %s: %v", resolve.TargetName(abis[i]), err)
		}
	}
	if diags.Err() != nil {
		return nil, diags
	}
	if r.failed(o, &diags); diags.Err() != nil {
		return r, diags
	}
	r.trace()
	var err error
	if r.Bytes, err = blob.Encode(r.Blob); err != nil {
		diags.Errorf("not-compiled", policy.Pos{File: p.File}, "please report this", "%v", err)
		return nil, diags
	}
	return r, diags
}

// prepare is a compilation up to its programs, for which it returns each one's ABIs. The result is nil if the policy can't be resolved.
func prepare(p *policy.Policy, o Options) (r *Result, abis [][]*arch.ABI, diags policy.Diagnostics) {
	if len(o.Targets) > 0 {
		own := *p
		own.Targets = nil
		for _, t := range o.Targets {
			own.Targets = append(own.Targets, policy.Word{Text: t, Pos: policy.Pos{File: "--target"}})
		}
		p = &own
	}
	r = &Result{Policy: p, Blob: head(p, o, &diags), Reached: map[policy.Pos]bool{}}
	abis = targets(p, &diags)
	for _, list := range abis {
		t, more := resolve.Resolve(p, list, resolve.Options{Caps: r.Blob.Inputs.Caps, Kernel: o.Kernel})
		diags = append(diags, more...)
		r.Targets = append(r.Targets, t)
	}
	if diags.Err() != nil {
		return nil, nil, diags
	}
	return r, abis, append(diags, r.lint(o)...)
}

const entangled = "give the calls simpler conditions: fewer that combine bits of several arguments"

// lint returns the findings of the linter that are reported. An imported policy's are warnings: its rules are not ours
// to change.
func (r *Result) lint(o Options) (diags policy.Diagnostics) {
	want := func(c lint.Check) bool { return o.Check || c.Error || o.Urgent && c.Urgent }
	checks := lint.Checks()
	for _, d := range lint.Run(r.Policy, r.Targets, r.Blob.Inputs.Caps, want) {
		if d.Code == "accepted-nothing" && (!o.Check || len(o.Targets) > 0) {
			continue // it may be found on the policy's other targets
		}
		// Other errors are about what is accepted, which is ours to say.
		isCheck := slices.ContainsFunc(checks, func(c lint.Check) bool { return c.Code == d.Code })
		d.Warning = d.Warning || isCheck && (o.Warn || r.Policy.Imported)
		diags = append(diags, d)
	}
	return diags
}

// head fills in what a blob says beside its programs.
func head(p *policy.Policy, o Options, diags *policy.Diagnostics) *blob.Blob {
	b := &blob.Blob{Name: p.Name.Text, Install: blob.Exec, Newest: version(arch.Newest()), Complain: o.Complain}
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
			diags.Errorf("unknown-flag", w.Pos, "flags are log and spec_allow", "unknown filter flag %q", w.Text)
		}
	}
	for _, c := range o.Caps {
		name := strings.ToUpper(c)
		if !strings.HasPrefix(name, "CAP_") {
			name = "CAP_" + name
		}
		if !slices.Contains(resolve.Capabilities, name) {
			diags.Errorf("unknown-capability", policy.Pos{File: "--cap"}, policy.Suggest(name, resolve.Capabilities), "unknown capability %q", c)
		}
		b.Inputs.Caps = append(b.Inputs.Caps, name)
	}
	for _, w := range p.Capabilities {
		b.Inputs.Caps = append(b.Inputs.Caps, w.Text) // resolve knows the names
	}
	slices.Sort(b.Inputs.Caps)
	b.Inputs.Caps = slices.Compact(b.Inputs.Caps)
	b.Inputs.Kernel = version(o.Kernel)
	b.Inputs.Source = digest(p.Sources)
	return b
}

// digest is that of the policy's text with LF line ends; where it includes others, that of all their digests in order.
func digest(sources []policy.Source) (sum [32]byte) {
	var all []byte
	for _, s := range sources {
		sum = sha256.Sum256(bytes.ReplaceAll(s.Text, []byte("\r\n"), []byte("\n")))
		all = append(all, sum[:]...)
	}
	if len(sources) > 1 {
		sum = sha256.Sum256(all)
	}
	return sum
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
	label := resolve.TargetName(abis)
	prog, err := codegen.Program(t)
	var long *codegen.TooLong
	switch {
	case errors.As(err, &long):
		diags.Errorf("program-size", long.Costs[0].Rule.Pos, "compare ranges or masks in place of long lists, or serve fewer ABIs by one target; most of it is for "+long.Places(3),
			"target %s: %v", label, err)
		return nil
	case err != nil:
		return err
	}
	e := inspect.Target(abis)
	order := e.ByteOrder().(binary.AppendByteOrder)
	for _, in := range prog {
		e.Program = append(order.AppendUint16(e.Program, in.Op), in.Jt, in.Jf)
		e.Program = order.AppendUint32(e.Program, in.K)
	}
	// What is proven is read back from the bytes that the loader installs.
	diagram, err := inspect.Read(e, nil)
	if err == nil {
		err = diagram.Equal(t)
	}
	switch {
	case errors.Is(err, prove.ErrNotProven):
		return err
	case err != nil:
		return notPolicy(t, err)
	}
	for i, name := range loaderCalls {
		if letsThrough(diagram, abis, name) {
			e.Allows |= blob.AllowsExecve << i
		}
	}
	for _, f := range r.Policy.Fallbacks {
		of := fallbacks[f.Kind]
		returned := slices.ContainsFunc(prog, func(in bpf.RawInstruction) bool { return in.Op == ret && resolve.Action(in.K).Kind() == of.action })
		if returned && !r.Blob.Complain { // which it would do without a word
			r.Blob.Fallbacks |= of.bit
		}
	}
	r.Programs = append(r.Programs, prog)
	r.Blob.Targets = append(r.Blob.Targets, e)
	r.Blob.Kernel = max(r.Blob.Kernel, version(t.Kernel))
	return r.test(t, label, diagram)
}

const ret = 0x06 // BPF_RET|BPF_K

// fallbacks are actions for which others can stand in, and their bits in a blob, which has those that its programs return.
var fallbacks = map[policy.ActionKind]struct {
	action resolve.Action
	bit    blob.Fallbacks
}{
	policy.KillProcess: {resolve.KillProcess, blob.ReturnsKillProcess},
	policy.Log:         {resolve.Log, blob.ReturnsLog},
}

// notPolicy words the error for a program that is not proven, with its witness as a call.
func notPolicy(t *resolve.Target, err error) error {
	var d *prove.Difference
	if !errors.As(err, &d) {
		return fmt.Errorf("the program is not the policy: %w", err)
	}
	for _, f := range t.Filters {
		if f.Serves(d.Call.Arch, d.Call.NR) {
			return fmt.Errorf("the program is not the policy: it decides %s for %s on %s, the policy %s", d.Got.Format(f.ABI),
				CallString(f.ABI, d.Call), f.ABI.Name, d.Want.Format(f.ABI))
		}
	}
	return fmt.Errorf("the program is not the policy: on a foreign ABI, %w", err)
}

// loaderCalls are the calls of blob.AllowsExecve and so on.
var loaderCalls = [...]string{"execve", "prctl", "seccomp"}

// letsThrough reports whether a call is let through on each of the ABIs, whatever its arguments.
func letsThrough(d *prove.Diagram, abis []*arch.ABI, name string) bool {
	for _, abi := range abis {
		nr, ok := abi.Number(name)
		if !ok {
			continue // no program of this ABI can make the call
		}
		outcomes := d.Outcomes(resolve.Call{Arch: abi.Audit, NR: nr}, [6]uint64{})
		if a := outcomes[0].Action.Kind(); len(outcomes) != 1 || a != resolve.Allow && a != resolve.Log {
			return false
		}
	}
	return true
}

// contradictory reports rules of an imported policy that give one call different actions: their order would decide,
// and they have none.
func contradictory(t *resolve.Target, diags *policy.Diagnostics) bool {
	found := false
	for _, f := range t.Filters {
		c, err := prove.Contradicts(f)
		switch {
		case err != nil:
			diags.Errorf("not-proven", policy.Pos{File: f.Rules[0].Pos.File}, entangled, "%s: %v", f.ABI.Name, err)
		case c != nil:
			name, _ := f.ABI.SyscallName(c.Call.NR)
			hint := fmt.Sprintf("both match arguments %#x on %s, and rules of a profile have no order", c.Call.Args, f.ABI.Name)
			diags.Errorf("oci-contradiction", c.Second.Pos, hint, "rules contradict each other: %s is %s here and %s at %s", name,
				c.Second.Action, c.First.Action, c.First.Pos)
		}
		found = found || c != nil || err != nil
	}
	return found
}
