//go:build linux && amd64

package main

import (
	"encoding/json"
	"fmt"

	moby "github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// A profile is Docker's default as its own code works it out for a container without capabilities on this machine:
// rules in force, nothing to include or exclude.
type profile struct {
	*specs.LinuxSeccomp
	json []byte
}

func docker() (*profile, error) {
	flat, err := moby.GetDefaultProfile(&specs.Spec{Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{}}})
	if err != nil {
		return nil, err
	}
	src, err := json.Marshal(flat)
	return &profile{flat, src}, err
}

// A conjunction is the arguments of one rule: all are required.
type conjunction = []specs.LinuxSeccompArg

// A call is what the profile says about a name: the action if one of the alternatives holds. A call without
// alternatives gets the action whatever its arguments.
type call struct {
	name         string
	action       resolve.Action
	alternatives []conjunction
}

// calls lists the profile's names with their rules, in the profile's order.
func (p *profile) calls() ([]*call, error) {
	var list []*call
	byName := map[string]*call{}
	for _, rule := range p.Syscalls {
		action, err := actionOf(rule.Action, rule.ErrnoRet)
		if err != nil {
			return nil, err
		}
		for _, name := range rule.Names {
			c := byName[name]
			switch {
			case c == nil:
				c = &call{name: name, action: action}
				byName[name] = c
				list = append(list, c)
			case c.action != action || len(c.alternatives) == 0 || len(rule.Args) == 0:
				return nil, fmt.Errorf("profile: rules of %q are no alternatives", name)
			}
			if len(rule.Args) > 0 {
				c.alternatives = append(c.alternatives, rule.Args)
			}
		}
	}
	return list, nil
}

func actionOf(a specs.LinuxSeccompAction, errno *uint) (resolve.Action, error) {
	switch {
	case a == specs.ActAllow:
		return resolve.Allow, nil
	case a == specs.ActErrno && errno != nil:
		return resolve.Errno | resolve.Action(*errno), nil
	}
	return 0, fmt.Errorf("profile: action %q is none that the peers are asked for here", a)
}

// number returns the call's number on x86_64.
func (c *call) number() (uint32, bool) { return arch.Lookup("x86_64").Number(c.name) }

// ours compiles a policy or profile for one target. The file's name tells which.
func ours(file string, src []byte, target string) (*resolve.Target, []bpf.RawInstruction, error) {
	r, diags := compiler.Compile(file, src, compiler.Options{Targets: []string{target}})
	if diags.Err() != nil {
		return nil, nil, diags.Err()
	}
	return r.Targets[0], r.Programs[0], nil
}
