//go:build linux && amd64

package main

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// A program is what a compiler made of the profile, and what became known of it.
type program struct {
	compiler, abis string
	subject
	compile          func() error  // once more; nil where build is already known
	build            time.Duration // warm, in process; ours with proof
	cached, uncached sample        // nanoseconds that a call costs more
	differs          []string      // how it differs from ours
	witness          error         // a call on which it differs beyond that, or nil: there is none
}

func (p *program) name() string { return p.compiler + ", " + p.abis }

const (
	oneABI    = "x86_64"
	threeABIs = "x86_64+i386+x32"
)

// compileAll has every compiler compile the profile, libseccomp runs times. Without a command that calls it, "", that is
// left out.
func compileAll(p *profile, libseccomp string, runs int) (list []*program, libseccompVersion string, err error) {
	targets := map[string]*resolve.Target{}
	own := map[string][]bpf.RawInstruction{}
	for _, abis := range []string{oneABI, threeABIs} {
		t, prog, err := ours("profile.json", p.json, abis)
		if err != nil {
			return nil, "", err
		}
		targets[abis], own[abis] = t, prog
		list = append(list, &program{compiler: "seccompc", abis: abis, subject: subject{prog: prog},
			compile: func() error { return compileProven(t) }})
	}
	rules, err := p.calls()
	if err != nil {
		return nil, "", err
	}
	otherwise, err := actionOf(p.DefaultAction, p.DefaultErrnoRet)
	if err != nil {
		return nil, "", err
	}
	goPeers, err := compileGoPeers(rules, otherwise)
	if err != nil {
		return nil, "", err
	}
	list = append(list, goPeers...)
	if libseccomp != "" {
		var more []*program
		more, libseccompVersion, err = compileWithLibseccomp(libseccomp, rules, otherwise, runs)
		if err != nil {
			return nil, "", err
		}
		list = append(list, more...)
	}
	for _, p := range list {
		if err := p.count(); err != nil {
			return nil, "", fmt.Errorf("%s: %w", p.name(), err)
		}
		if p.compiler == "seccompc" {
			continue
		}
		if err := p.compare(targets[p.abis], own[p.abis]); err != nil {
			return nil, "", fmt.Errorf("%s: %w", p.name(), err)
		}
	}
	return list, libseccompVersion, nil
}

// compare finds out how the program differs from the target, whose program is ours.
func (p *program) compare(t *resolve.Target, ours []bpf.RawInstruction) error {
	found, err := differences(t, ours, p.prog)
	var d *prove.Difference
	if errors.As(err, &d) && p.abis == threeABIs {
		if _, narrowed := differences(narrow(t), ours, p.prog); narrowed == nil {
			p.differs = append(p.differs, "x32's conditions look at the low half of the registers, ours at all 64 bits")
			err = nil
		}
	}
	p.differs = append(p.differs, describe(t, found)...)
	if p.witness = err; err != nil && d == nil {
		return err
	}
	return nil
}

func compileGoPeers(rules []*call, otherwise resolve.Action) ([]*program, error) {
	sets, err := gvisorRules(rules)
	if err != nil {
		return nil, fmt.Errorf("gVisor: %w", err)
	}
	policy, err := elasticPolicy(rules, otherwise)
	if err != nil {
		return nil, fmt.Errorf("go-seccomp-bpf: %w", err)
	}
	list := []*program{{compiler: "gVisor pkg/seccomp", abis: oneABI}, {compiler: "go-seccomp-bpf", abis: oneABI}}
	for i, build := range []func() ([]bpf.RawInstruction, error){
		func() ([]bpf.RawInstruction, error) { return buildGvisor(sets, otherwise) },
		func() ([]bpf.RawInstruction, error) { return buildElastic(policy) },
	} {
		p := list[i]
		p.compile = func() (err error) { p.prog, err = build(); return err }
		if err := p.compile(); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name(), err)
		}
	}
	return list, nil
}

func compileWithLibseccomp(command string, rules []*call, otherwise resolve.Action, runs int) (list []*program, version string, err error) {
	text, err := libseccompRules(rules, otherwise)
	if err != nil {
		return nil, "", err
	}
	for _, abis := range []string{oneABI, threeABIs} {
		var archs []string
		if abis == threeABIs {
			archs = []string{"x86", "x32"}
		}
		for i, kind := range []string{"linear", "tree"} {
			run, err := runLibseccomp(command, text, i+1, runs, archs...)
			if err != nil {
				return nil, "", err
			}
			version = run.version
			list = append(list, &program{compiler: "libseccomp, " + kind, abis: abis, subject: subject{prog: run.prog}, build: run.built})
		}
	}
	return list, version, nil
}
