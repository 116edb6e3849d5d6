package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/policy"
)

func verifyCommand() *cobra.Command {
	var structure, asJSON bool
	c := &cobra.Command{
		Use:   "verify [flags] PATH...",
		Short: "Check that blobs are what their policies compile to",
		Long: `Verify checks a blob's structure, and compares it byte for byte with what this compiler makes of
the policy beside it: of web.seccomp it is web.yaml or web.json, else the file that the blob was
made of, by its name. Capabilities, kernel and targets are those that the blob was compiled with. Of a
folder it checks all files that end in .seccomp, in all folders below whose names begin with no dot.

  identical  it is what the policy compiles to
  stale      it is not, and proven to decide every call as the policy does
  differs    it decides some calls otherwise: shown as diff does, from the policy to the blob
  complains  it was compiled with --complain, and restricts nothing
  unusable   it is damaged, or nothing can be said of it: no policy, or one that does not compile

Exit codes: 0 all are identical; 3 one is stale; 1 one differs or complains; 2 one is unusable. Of several the last of
these counts: what nothing can be said of may do anything.`,
		Example: `  seccompc verify policies
  seccompc verify --json policies/web.seccomp policies/plugin.seccomp
  seccompc verify --structure-only policies/web.seccomp`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("expected a blob or a folder with blobs")}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			var list []*verdict
			for _, arg := range args {
				list = append(list, verdicts(arg)...)
			}
			inOrder(len(list), func(i int) { list[i].reach(structure) }, func(int) {})
			var err error
			if asJSON {
				err = printJSON(list)
			} else {
				err = printVerdicts(list)
			}
			worst := slices.MaxFunc(list, func(a, b *verdict) int {
				rank := []int{0, 3, 1, 2} // of the exit codes, the better ones first
				return cmp.Compare(slices.Index(rank, a.code()), slices.Index(rank, b.code()))
			})
			if err == nil && worst.code() != 0 {
				err = reported(worst.code())
			}
			return err
		},
	}
	f := c.Flags()
	f.BoolVar(&structure, "structure-only", false, "check the blobs alone, also those that have no policy")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// States of a blob beside its policy.
const (
	identical = "identical"
	intact    = "intact" // as --structure-only has it
	stale     = "stale"
	differs   = "differs"
	unusable  = "unusable"
)

// A verdict is what was found of a blob.
type verdict struct {
	Blob       string      `json:"blob"`
	Policy     string      `json:"policy,omitempty"`
	State      string      `json:"state"`     // of one that complains, beside the policy compiled so
	Complains  bool        `json:"complains"` // it restricts nothing
	Inputs     *madeWith   `json:"inputs,omitempty"`
	Why        string      `json:"why,omitempty"` // it is not identical
	Findings   []finding   `json:"findings,omitempty"`
	Difference *difference `json:"difference,omitempty"` // from the policy to the blob
	Mend       string      `json:"mend,omitempty"`       // a command

	say func() // the findings
}

// madeWith are the inputs of a compilation that a blob names.
type madeWith struct {
	Caps    []string `json:"caps"`
	Kernel  string   `json:"kernel,omitempty"`
	Targets []string `json:"targets"`
	other   bool     // than the policy's
}

// verdicts are those still to be reached on a file, or on the blobs in a folder.
func verdicts(path string) (list []*verdict) {
	bad := func(path string, err error) {
		list = append(list, &verdict{Blob: path, State: unusable, Why: err.Error()})
	}
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return []*verdict{{Blob: path}}
	}
	err := filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			bad(file, err)
		case d.IsDir() && file != path && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case !d.IsDir() && strings.EqualFold(filepath.Ext(file), ".seccomp"):
			list = append(list, &verdict{Blob: file})
		}
		return nil
	})
	if err != nil {
		bad(path, err)
	}
	if len(list) == 0 {
		bad(path, errors.New("no file in it ends in .seccomp"))
	}
	return list
}

func (v *verdict) code() int {
	switch {
	case v.State == unusable:
		return 2
	case v.State == differs || v.Complains:
		return 1
	case v.State == stale:
		return 3
	}
	return 0
}

// reach finds out about one blob.
func (v *verdict) reach(structure bool) {
	if v.State != "" {
		return
	}
	v.State = unusable
	s, err := openBlob(v.Blob)
	if err != nil {
		v.Why = err.Error()
		return
	}
	v.Complains = s.blob.Complain
	v.Inputs = &madeWith{Caps: append([]string{}, s.blob.Inputs.Caps...), Targets: s.labels()}
	if structure {
		v.State = intact
		return
	}
	if v.Policy = s.pair(); v.Policy == "" {
		v.Why = "no policy is beside it"
		return
	}
	r, findings, err := s.recompile(v.Policy)
	if k := s.policy.Kernel; s.blob.Inputs.Kernel != 0 {
		v.Inputs.Kernel = k.String()
	}
	switch {
	case err != nil:
		v.Why = err.Error()
		return
	case r == nil || r.Bytes == nil:
		v.Why = "its policy does not compile with the blob's inputs"
		v.Findings = jsonFindings(findings)
		v.say = func() { report(findings, s.policy.texts) }
		return
	}
	v.Inputs.other = len(s.policy.Targets) > 0
	v.Mend = s.command(v.Policy, r.Policy.Capabilities)
	if bytes.Equal(r.Bytes, s.data) {
		v.State = identical
		if !v.Complains {
			v.Mend = ""
		}
		return
	}
	heads, targets, err := inspect.Diff(r.Blob, s.blob)
	if err != nil {
		v.Why = err.Error()
		return
	}
	v.Difference = newDifference(append(heads, entries(r.Blob, s.blob)...), targets)
	v.Difference.names(v.Policy, v.Blob)
	v.State, v.Why = differs, "it does not decide as its policy does"
	if v.Difference.Equal {
		v.State, v.Why = stale, "the policy's text has changed since; every call is proven to be decided as before"
		if r.Blob.Inputs.Source == s.blob.Inputs.Source {
			v.Why = "this seccompc compiles the same text to other bytes; every call is proven to be decided alike"
		}
		v.Difference = nil
	}
}

// entries compares what blobs say of programs that decide alike, which a loader believes.
func entries(a, b *blob.Blob) (list []inspect.HeadChange) {
	for _, t := range b.Targets {
		was := a.For(t.ABIs[0], t.Order)
		if was == nil {
			continue
		}
		if !slices.Equal(was.ABIs, t.ABIs) {
			list = append(list, inspect.HeadChange{What: "entry of target " + t.Label + ": ABIs", Before: fmt.Sprintf("%#x", was.ABIs), After: fmt.Sprintf("%#x", t.ABIs)})
		}
		for i, call := range []string{"execve", "prctl", "seccomp"} {
			if x, y := was.Allows>>i&1 == 1, t.Allows>>i&1 == 1; x != y {
				list = append(list, inspect.HeadChange{What: "entry of target " + t.Label + ": always lets " + call + " through", Before: fmt.Sprint(x), After: fmt.Sprint(y)})
			}
		}
	}
	return list
}

// openBlob opens a file that has to be a blob.
func openBlob(file string) (s *subject, err error) {
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("it is no regular file") // a pipe could keep us waiting for ever
	}
	s = &subject{file: file}
	if s.data, s.blob, err = readBlob(file); err != nil {
		return nil, err
	}
	return s, s.addTargets(2)
}

// pair returns the policy that a blob is held against: by the blob's own name, for somebody else may have written what is
// in it. Of two it is the one that the blob names.
func (s *subject) pair() string {
	stem := strings.TrimSuffix(s.file, filepath.Ext(s.file))
	found := ""
	for _, ext := range []string{".yaml", ".yml", ".json"} {
		info, err := os.Stat(stem + ext)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if named := len(s.blob.Sources) > 0 && s.blob.Sources[0] == filepath.Base(stem)+ext; named || found == "" {
			found = stem + ext
		}
	}
	return cmp.Or(found, s.beside())
}

// command compiles the policy anew to the blob's file, with its inputs.
func (s *subject) command(file string, own []policy.Word) string {
	words := []string{"seccompc", "compile"}
	for _, c := range s.blob.Inputs.Caps {
		if !slices.ContainsFunc(own, func(w policy.Word) bool { return w.Text == c }) {
			words = append(words, "--cap", c)
		}
	}
	if s.blob.Inputs.Kernel != 0 {
		words = append(words, "--kernel", s.policy.Kernel.String())
	}
	for _, t := range s.policy.Targets { // none where they are the policy's
		words = append(words, "--target", t)
	}
	if out := strings.TrimSuffix(file, filepath.Ext(file)) + ".seccomp"; out != filepath.Clean(s.file) {
		words = append(words, "-o", shell(s.file))
	}
	return strings.Join(append(words, shell(file)), " ")
}

// shell quotes a name for a shell, where it has to be.
func shell(name string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+", r)
	}
	if strings.IndexFunc(name, func(r rune) bool { return !plain(r) }) < 0 {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// printVerdicts prints a line for each blob, and behind them what is to be said of those that are not as they should be.
func printVerdicts(list []*verdict) error {
	w := table()
	for _, v := range list {
		state := v.State
		if v.code() == 1 && v.State != differs {
			state = "complains"
		}
		line := state + "\t" + safe(v.Blob)
		if v.Policy != "" {
			line += "\t" + safe(v.Policy) + v.Inputs.words()
		}
		fmt.Fprintln(w, line)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, v := range list {
		if v.code() == 0 {
			continue
		}
		fmt.Println()
		if v.Why != "" {
			fmt.Printf("%s: %s\n", safe(v.Blob), v.Why)
		}
		if v.Complains {
			fmt.Printf("%s: it complains: what its policy denies is done, and logged; to learn from, and not to ship\n", safe(v.Blob))
		}
		if v.say != nil {
			v.say()
		}
		if v.Difference != nil {
			if err := v.Difference.print("text"); err != nil {
				return err
			}
		}
		if v.Mend != "" {
			fmt.Println("mend it by: " + v.Mend)
		}
	}
	return nil
}

// words are the inputs that are not the usual ones.
func (m *madeWith) words() string {
	s := ""
	if len(m.Caps) > 0 {
		s += "  with " + strings.Join(m.Caps, " ")
	}
	if m.Kernel != "" {
		s += "  for kernel " + m.Kernel
	}
	if m.other {
		s += "  for " + strings.Join(m.Targets, " ")
	}
	return s
}
