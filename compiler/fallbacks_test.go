package compiler_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// replaced returns a target whose answers are those that stand in for others.
func replaced(t *resolve.Target, instead map[resolve.Action]resolve.Action) *resolve.Target {
	by := func(a resolve.Action) resolve.Action {
		if b, has := instead[a.Kind()]; has {
			return b
		}
		return a
	}
	other := &resolve.Target{Foreign: by(t.Foreign)}
	for _, f := range t.Filters {
		g := *f
		g.Default, g.Unknown, g.Rules = by(f.Default), by(f.Unknown), nil
		for _, r := range f.Rules {
			r.Action = by(r.Action)
			g.Rules = append(g.Rules, r)
		}
		other.Filters = append(other.Filters, &g)
	}
	return other
}

// TestFallbacks proves that a program to which fallbacks are applied decides every call as the policy does with the other
// action in its place, and that it no longer decides as the policy itself where that has the action.
func TestFallbacks(t *testing.T) {
	kill := map[resolve.Action]resolve.Action{resolve.KillProcess: resolve.KillThread}
	log := map[resolve.Action]resolve.Action{resolve.Log: resolve.Allow}
	both := map[resolve.Action]resolve.Action{resolve.KillProcess: resolve.KillThread, resolve.Log: resolve.Allow}
	proven, changed := 0, map[blob.Fallbacks]int{}
	check := func(name string, res *compiler.Result) {
		t.Helper()
		b, err := blob.Decode(res.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		for i, target := range b.Targets {
			bigEndian := target.Order == blob.BigEndian
			for f, instead := range map[blob.Fallbacks]map[resolve.Action]resolve.Action{
				0: nil, blob.ReturnsKillProcess: kill, blob.ReturnsLog: log, blob.ReturnsKillProcess | blob.ReturnsLog: both,
			} {
				prog, err := inspect.Instructions(f.Apply(&target), bigEndian)
				if err != nil {
					t.Fatal(err)
				}
				d, err := prove.Read(prog, bigEndian)
				if err == nil {
					err = d.Equal(replaced(res.Targets[i], instead))
				}
				if err != nil {
					t.Errorf("%s, %s, %v: %v", name, target.Label, f, err)
				}
				proven++
				var difference *prove.Difference
				err = d.Equal(res.Targets[i])
				if is := errors.As(err, &difference); is != (target.Actions&uint32(f) != 0) {
					t.Errorf("%s, %s, %v: actions %#x, and against the policy itself: %v", name, target.Label, f, target.Actions, err)
				} else if is {
					changed[f]++
				}
			}
		}
	}
	files, err := filepath.Glob("../policies/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("policies %q, error %v", files, err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		res, diags := compiler.Compile(file, src, compiler.Options{Read: os.ReadFile})
		if res == nil {
			t.Fatal(diags)
		}
		check(file, res)
	}
	r := rand.New(rand.NewPCG(*seed, 23))
	for range *count / 6 {
		a := &author{Rand: r, met: map[string]int{}}
		text := a.policy([][]*arch.ABI{{arch.Lookup("x86_64"), arch.Lookup("i386")}, {arch.Lookup("s390x")}, {arch.Lookup("mips")}})
		res, _ := compile(t, text)
		check(text, res)
	}
	t.Logf("%d programs proven, of which otherwise than the policy itself: %v", proven, changed)
	if len(changed) != 3 || changed[blob.ReturnsLog] < 10 {
		t.Errorf("otherwise than the policy itself: %v", changed)
	}
}

// TestFallbacksOf: a blob has the fallbacks that the policy declares, in so far as its programs return the actions.
func TestFallbacksOf(t *testing.T) {
	const declared = "fallbacks: {kill_process: kill_thread, log: allow}\n"
	const head = "seccompc: 1\ninstall: self\ntargets: [x86_64, aarch64]\ndefault: errno(EPERM)\n"
	for src, want := range map[string]blob.Fallbacks{
		head:                              0,
		head + "rules: [{log: [read]}]\n": 0,
		head + "fallbacks: {}\n":          0,
		head + "fallbacks: {kill_process: kill_thread}\nrules: [{log: [read]}]\n":                                     blob.ReturnsKillProcess,
		head + declared + "rules: [{log: [read]}]\n":                                                                  blob.ReturnsKillProcess | blob.ReturnsLog,
		head + declared + "rules: [{log: [read], abis: [aarch64]}]\n":                                                 blob.ReturnsKillProcess | blob.ReturnsLog,
		head + declared + "rules: [{log: [reboot], caps: [CAP_SYS_BOOT]}]\n":                                          blob.ReturnsKillProcess,
		head + declared + "rules: [{log: [reboot], caps: [CAP_SYS_BOOT]}, {allow: [read], if: arg0 == 0x7ffc0000}]\n": blob.ReturnsKillProcess,
		head + declared + "foreign: errno(ENOSYS)\nrules: [{kill_process: [read]}, {log: [write]}]\n":                 blob.ReturnsKillProcess | blob.ReturnsLog,
		"seccompc: 1\ndefault: log\nforeign: log\nfallbacks: {log: allow}\n":                                          blob.ReturnsLog,
	} {
		res, diags := compiler.Compile("fallbacks.yaml", []byte(src), compiler.Options{})
		if diags.Err() != nil {
			t.Errorf("%s%v", src, diags)
			continue
		}
		if b, err := blob.Decode(res.Bytes); err != nil || b.Fallbacks != want {
			t.Errorf("%s%v, error %v, want %v", src, b.Fallbacks, err, want)
		}
	}
}
