package compiler

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/lint"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// Import writes a policy that decides every call as a blob's programs do, which is proven. Origin is for the policy's first line.
// The blob may be a raw program that somebody put into one, without flags and Install. The error names what no policy can say.
func Import(origin string, b *blob.Blob) (text []byte, err error) {
	d, err := decide(b, nil)
	if err != nil {
		return nil, err
	}
	standard := d.likelyDefault()
	always := func(*arch.ABI, uint32) bool { return true }
	w, err := d.draft(origin, b, standard)
	if err != nil {
		return nil, err
	}
	w.rules = d.rules(standard, always, always)
	w.capabilities = b.Inputs.Caps
	for of, pair := range map[blob.Fallbacks]string{blob.ReturnsKillProcess: "kill_process: kill_thread", blob.ReturnsLog: "log: allow"} {
		if b.Fallbacks&of != 0 {
			w.fallbacks = append(w.fallbacks, pair)
		}
	}
	slices.Sort(w.fallbacks)
	if v := b.Kernel; v != 0 {
		if len(w.rules) == 0 {
			return nil, fmt.Errorf("the blob demands Linux %s, and a policy without rules can't", versionText(v))
		}
		w.rules[0].kernel = ">=" + versionText(v)
		w.comment += "\n# It demands a kernel, and does not say which of the calls are the reason."
	}
	return w.proven([]situation{{blob: b, caps: b.Inputs.Caps}})
}

// ImportProfile writes a policy that decides every call as an OCI profile does, with whatever capabilities and on whatever kernel,
// which is proven; for targets in place of its own, if there are any. The findings are about the profile; an error that is none of
// them names what no policy can say.
func ImportProfile(file string, src []byte, targets []string) (text []byte, findings policy.Diagnostics, err error) {
	p, findings := Parse(file, src, nil)
	if p == nil {
		return nil, findings, nil
	}
	if len(targets) > 0 {
		p.Targets = nil
	}
	for _, t := range targets {
		p.Targets = append(p.Targets, policy.Word{Text: t, Pos: policy.Pos{File: "--target"}})
	}
	i := profile{Policy: p}
	if err := i.survey(); err != nil {
		return nil, findings, err
	}
	for n := range i.all {
		s := &i.all[n]
		r, more := CompilePolicy(p, Options{Caps: s.caps, Kernel: s.kernel, Warn: true})
		if r == nil || r.Bytes == nil {
			return nil, append(findings, more...), nil
		}
		s.blob = r.Blob
		if n == 0 {
			findings = append(findings, slices.DeleteFunc(more, func(d policy.Diagnostic) bool { return isCheck(d.Code) })...)
		}
		if s.decided, err = decide(r.Blob, i.all[0].decided); err != nil {
			return nil, findings, err
		}
	}
	standard, ok := everywhere(i.all[0].decided.abis, func(a *arch.ABI) resolve.Action {
		t, _ := resolve.Resolve(&policy.Policy{Default: p.Default}, []*arch.ABI{a}, resolve.Options{})
		return t.Filters[0].Default
	})
	if !ok {
		return nil, findings, errors.New("the default is not the same on all ABIs")
	}
	base := i.all[0].decided
	w, err := base.draft(file, i.all[0].blob, standard)
	if err != nil {
		return nil, findings, err
	}
	for n := len(i.all) - 1; n > 0; n-- {
		for _, r := range i.more(n, standard) {
			r.caps = i.all[n].caps
			if k := i.all[n].kernel; len(i.kernels) > 0 && k != i.oldest() {
				r.kernel = ">=" + k.String()
			}
			w.rules = append(w.rules, r)
		}
	}
	always := func(*arch.ABI, uint32) bool { return true }
	w.rules = append(w.rules, base.rules(standard, always, always)...)
	checks, err := i.checks()
	if err != nil {
		return nil, findings, err
	}
	text, err = w.proven(checks)
	return text, findings, err
}

func isCheck(code string) bool {
	return slices.ContainsFunc(lint.Checks(), func(c lint.Check) bool { return c.Code == code })
}

func versionText(v uint32) string {
	return arch.Version{Major: uint16(v >> 16), Minor: uint16(v >> 8 & 0xff), Patch: uint16(v & 0xff)}.String()
}

// draft fills in a policy's head.
func (d *decided) draft(origin string, b *blob.Blob, standard string) (*draft, error) {
	w := &draft{comment: fmt.Sprintf("Imported from %q, and proven to decide every call alike.", origin), name: b.Name, reviewed: arch.Newest().String(),
		standard: standard, reason: "as in what the policy was imported from", install: "exec"}
	for _, abis := range d.targets {
		w.targets = append(w.targets, resolve.TargetName(abis))
	}
	var ok bool
	if w.unknown, ok = everywhere(d.abis, func(a *arch.ABI) resolve.Action { return d.by[a].unknown }); !ok {
		return nil, errors.New("numbers without a name meet one action on one ABI and another on others, and a policy has one for all")
	}
	var natives []*arch.ABI
	for _, abis := range d.targets {
		natives = append(natives, abis[0])
	}
	if w.foreign, ok = everywhere(natives, func(a *arch.ABI) resolve.Action { return d.foreign[a] }); !ok {
		return nil, errors.New("calls of foreign ABIs meet one action on one target and another on others, and a policy has one for all")
	}
	if strings.HasPrefix(w.foreign, "0x") || strings.HasPrefix(w.unknown, "0x") {
		return nil, fmt.Errorf("numbers without a name meet %s and foreign ABIs %s: a policy can't say so", w.unknown, w.foreign)
	}
	if b.Flags&blob.FlagLog != 0 {
		w.flags = append(w.flags, "log")
	}
	if b.Flags&blob.FlagSpecAllow != 0 {
		w.flags = append(w.flags, "spec_allow")
	}
	if b.Install == blob.Self || b.Install == 0 && !d.starts() {
		w.install = "self"
	}
	return w, nil
}

// starts reports whether seccomp-load could execute a command.
func (d *decided) starts() bool {
	for _, a := range d.abis {
		nr, _ := a.Number("execve")
		if is := d.by[a].of[nr]; len(is) != 1 || is[0].Action != resolve.Allow && is[0].Action != resolve.Log {
			return false
		}
	}
	return true
}

// A situation is capabilities and an oldest kernel to compile for, and what comes of it.
type situation struct {
	caps    []string
	kernel  arch.Version
	blob    *blob.Blob
	decided *decided
}

// proven writes the policy and has it proven equal to what it is to say in each situation. What the linter calls an error and
// lets policies accept is accepted: it is so in the original.
func (w *draft) proven(checks []situation) ([]byte, error) {
	for {
		text := []byte(w.text())
		p, findings := Parse("policy.yaml", text, nil)
		if p == nil {
			return nil, unsaid(findings)
		}
		accepted := len(w.accept)
		for _, s := range checks {
			r, _, findings := prepare(p, Options{Caps: s.caps, Kernel: s.kernel})
			for _, d := range findings {
				c := slices.IndexFunc(lint.Checks(), func(c lint.Check) bool { return c.Code == d.Code && c.Acceptable })
				if c >= 0 && !d.Warning && !slices.Contains(w.accept, d.Code) {
					w.accept = append(w.accept, d.Code)
				}
			}
			if len(w.accept) > accepted {
				continue
			}
			if findings.Err() != nil {
				return nil, unsaid(findings)
			}
			if err := s.same(r); err != nil {
				return nil, err
			}
		}
		if len(w.accept) > accepted {
			slices.Sort(w.accept)
			continue
		}
		_, findings = CompilePolicy(p, Options{Caps: checks[0].caps, Kernel: checks[0].kernel})
		return text, unsaid(findings)
	}
}

// unsaid is the error where a policy can't be written.
func unsaid(findings policy.Diagnostics) error {
	for _, d := range findings.Sorted() {
		if !d.Warning {
			return fmt.Errorf("no policy can say it: %s", d.Msg)
		}
	}
	return nil
}

// same returns nil if a policy decides as is wanted in the situation, which is a proof, and demands the same of the kernel.
func (s situation) same(r *Result) error {
	with := ""
	if len(s.caps) > 0 {
		with += " with " + strings.Join(s.caps, ", ")
	}
	if s.kernel != (arch.Version{}) {
		with += " for kernels from " + s.kernel.String() + " on"
	}
	if len(r.Targets) != len(s.blob.Targets) {
		return fmt.Errorf("the policy has %d targets%s, the original %d", len(r.Targets), with, len(s.blob.Targets))
	}
	for i, t := range s.blob.Targets {
		d, err := inspect.Read(t, nil)
		if err == nil {
			err = d.Equal(r.Targets[i])
		}
		var diff *prove.Difference
		switch {
		case errors.As(err, &diff):
			for _, f := range r.Targets[i].Filters {
				if f.Serves(diff.Call.Arch, diff.Call.NR) {
					return fmt.Errorf("no policy says it so far: %s on %s meets %s%s, in the policy it would be %s", CallString(f.ABI, diff.Call), f.ABI.Name,
						diff.Got.Format(f.ABI), with, diff.Want.Format(f.ABI))
				}
			}
			return fmt.Errorf("no policy says it so far%s: %w", with, err)
		case err != nil:
			return fmt.Errorf("target %q%s: %w", t.Label, with, err)
		}
	}
	demands := uint32(0)
	for _, t := range r.Targets {
		demands = max(demands, version(t.Kernel))
	}
	if demands != s.blob.Kernel {
		return fmt.Errorf("the original demands Linux %s%s, and no policy says so that decides alike", versionText(s.blob.Kernel), with)
	}
	return nil
}
