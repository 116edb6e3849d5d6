package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/policy"
)

// A subject is the programs of a file: of a blob, of a policy, which is compiled for it, or a raw one.
type subject struct {
	file     string
	data     []byte     // of the blob or raw program
	blob     *blob.Blob // nil of a raw program
	programs []program  // in the order of the blob's targets
	chosen   []int      // of these, what was asked for; nil: all

	policy inputs           // where there is one
	result *compiler.Result // what the policy compiles to; nil: no policy
}

type program struct {
	inspect.Program
	label string
}

// open reads a file; target is for raw programs. A file that can't be used is reported with the exit code bad.
func open(file, target string, bad reported) (*subject, error) {
	s := &subject{file: file}
	if ext := strings.ToLower(filepath.Ext(file)); ext == ".yaml" || ext == ".yml" || ext == ".json" {
		return s, s.compile(bad)
	}
	var err error
	s.data, s.blob, err = readBlob(file)
	switch {
	case errors.Is(err, blob.ErrNotBlob) && target != "":
		abis, err := oneTarget(target)
		if err != nil {
			return nil, err
		}
		return s, s.add(target, s.data, abis[0].BigEndian, abis, bad)
	case errors.Is(err, blob.ErrNotBlob):
		complain(fmt.Sprintf("%s: %v", file, err), "a raw program needs --target")
		return nil, bad
	case s.data == nil:
		return nil, err
	case err != nil:
		complain(fmt.Sprintf("%s: %v", file, err), "compile it again from its policy")
		return nil, bad
	}
	return s, s.addTargets(bad)
}

// readBlob reads a file as a blob. The data is there too if they are none; it is nil if they can't be read.
func readBlob(file string) (data []byte, b *blob.Blob, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if data, err = io.ReadAll(io.LimitReader(f, blob.MaxSize+1)); err != nil {
		return nil, nil, err
	}
	b, err = blob.Decode(data)
	return data, b, err
}

func (s *subject) addTargets(bad reported) error {
	for _, t := range s.blob.Targets {
		if err := s.add(t.Label, t.Program, t.Order == blob.BigEndian, inspect.ABIs(t), bad); err != nil {
			return err
		}
	}
	return nil
}

func (s *subject) add(label string, raw []byte, bigEndian bool, abis []*arch.ABI, bad reported) error {
	code, err := inspect.Instructions(raw, bigEndian)
	if err != nil {
		complain(fmt.Sprintf("%s: %v", s.file, err), "a raw program is an array of struct sock_filter")
		return bad
	}
	s.programs = append(s.programs, program{inspect.Program{ABIs: abis, BigEndian: bigEndian, Code: code}, label})
	return nil
}

// compile makes a subject of a policy.
func (s *subject) compile(bad reported) error {
	s.policy.findings = "warn"
	r, findings, err := s.policy.compile(s.file)
	if err != nil {
		return err
	}
	if r == nil || r.Bytes == nil {
		report(findings, s.policy.texts)
		return bad
	}
	s.result, s.blob, s.data = r, r.Blob, r.Bytes
	return s.addTargets(bad)
}

// with compiles the policy that a blob is said to be of, with the blob's inputs. It reports whether its digest is the blob's,
// and whether the bytes are; what comes of the policy is kept if the digest is.
func (s *subject) with(file string) (digest, identical bool, err error) {
	r, _, err := s.recompile(file)
	if err != nil || r == nil || r.Bytes == nil {
		return false, false, err
	}
	if digest = r.Blob.Inputs.Source == s.blob.Inputs.Source; digest {
		s.result = r
	}
	return digest, bytes.Equal(r.Bytes, s.data), nil
}

// recompile compiles a policy with the blob's inputs: for its own targets, and if these are others than the blob's, for those.
func (s *subject) recompile(file string) (*compiler.Result, policy.Diagnostics, error) {
	o := &s.policy
	o.findings = "warn"
	o.Caps, o.Complain = s.blob.Inputs.Caps, s.blob.Complain
	k := s.blob.Inputs.Kernel
	o.Kernel = arch.Version{Major: uint16(k >> 16), Minor: uint16(k >> 8 & 0xff), Patch: uint16(k & 0xff)}
	r, findings, err := o.compile(file)
	same := func(t blob.Target, label string) bool { return t.Label == label }
	if err != nil || r != nil && r.Bytes != nil && slices.EqualFunc(r.Blob.Targets, s.labels(), same) {
		return r, findings, err
	}
	o.Targets = s.labels()
	return o.compile(file)
}

// beside returns the policy's path next to a blob: as the blob has its name, else the blob's own with a policy's
// extension; "" if there is none.
func (s *subject) beside() string {
	dir, stem := filepath.Dir(s.file), strings.TrimSuffix(s.file, filepath.Ext(s.file))
	var names []string
	if len(s.blob.Sources) > 0 && filepath.IsLocal(filepath.FromSlash(s.blob.Sources[0])) {
		names = append(names, filepath.Join(dir, filepath.FromSlash(s.blob.Sources[0])))
	}
	for _, name := range append(names, stem+".yaml", stem+".yml", stem+".json") {
		ext := strings.ToLower(filepath.Ext(name))
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() && slices.Contains([]string{".yaml", ".yml", ".json"}, ext) {
			return name
		}
	}
	return ""
}

// name is the policy's, which somebody wrote into a file.
func (s *subject) name() string {
	if s.blob == nil {
		return ""
	}
	return s.blob.Name
}

func (s *subject) chosenOnes() (all []int) {
	if s.chosen != nil {
		return s.chosen
	}
	for i := range s.programs {
		all = append(all, i)
	}
	return all
}

// labels are the names of the targets.
func (s *subject) labels() (list []string) {
	for _, p := range s.programs {
		list = append(list, p.label)
	}
	return list
}

// source returns a line of a policy, without what is around it; "" if it isn't known.
func (s *subject) source(p policy.Pos) string {
	lines := strings.Split(string(s.policy.texts[p.File]), "\n")
	if p.Line < 1 || p.Line > len(lines) {
		return ""
	}
	return plain(strings.TrimSpace(lines[p.Line-1]), 100)
}

// sourceLine is source for a line of the blob's table, once the policy is there.
func (s *subject) sourceLine(l blob.Line) string {
	if s.result == nil || len(s.result.Policy.Sources) != len(s.blob.Sources) {
		return ""
	}
	return s.source(policy.Pos{File: s.result.Policy.Sources[l.Source].Name, Line: l.Number})
}

// places words lines of the blob's table: "web.yaml:7,12", at most so many.
func (s *subject) places(lines []blob.Line, most int) string {
	var b strings.Builder
	for i, l := range lines {
		switch {
		case i == most && len(lines) > most+1:
			fmt.Fprintf(&b, " and %d more", len(lines)-most)
			return b.String()
		case i > 0 && lines[i-1].Source == l.Source:
			fmt.Fprintf(&b, ",%d", l.Number)
			continue
		case i > 0:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s:%d", plain(s.blob.Sources[l.Source], 200), l.Number)
	}
	return b.String()
}
