//go:build linux && amd64

// Perf measures seccompc beside its peers on Docker's default profile and on the running kernel, and writes what it
// finds to docs/performance.md. It runs on Linux on x86_64, whose numbers and time stamp counter it uses, in bench/:
//
//	go run ./perf
package main

import (
	"bytes"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/codegen"
	"github.com/seccompc/seccompc/compiler/resolve"
)

func main() {
	out := flag.String("out", "../docs", "folder for performance.md and its plots")
	rounds := flag.Int("installs", 500, "processes that install each program")
	callRounds := flag.Int("calls", 100, "processes that make each kind of call under each program")
	flag.Parse()
	log.SetFlags(log.Ltime)
	r := &report{Rounds: *rounds, CallRounds: *callRounds}
	if err := r.make(); err != nil {
		log.Fatal(err)
	}
	if err := r.write(*out); err != nil {
		log.Fatal(err)
	}
	log.Printf("%s is written, and its plots", filepath.Join(*out, "performance.md"))
}

// make measures everything.
func (r *report) make() error {
	r.machine()
	p, err := docker()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	libseccomp, err := compileLibseccomp("perf/testdata/libseccomp.c", dir)
	if err != nil {
		r.NoLibseccomp = err.Error()
		log.Printf("without libseccomp: %v", err)
	}
	log.Print("compiling")
	if r.programs, r.Libseccomp, err = compileAll(p, libseccomp, 50); err != nil {
		return err
	}
	for _, p := range r.programs {
		if p.compile == nil {
			continue
		}
		if p.build, err = warm(p.compile); err != nil {
			return err
		}
	}
	if r.stages, err = stages(p); err != nil {
		return err
	}
	j, err := newJob()
	if err != nil {
		return err
	}
	log.Print("installing programs")
	allowAll := &subject{prog: []bpf.RawInstruction{{Op: 0x06, K: uint32(resolve.Allow)}}}
	subjects := []*subject{allowAll}
	for _, p := range r.programs {
		subjects = append(subjects, &p.subject)
	}
	if err := installs(j, subjects, r.Rounds); err != nil {
		return err
	}
	r.AllowAll = allowAll.install
	log.Print("making calls")
	cached, err := calls(j, subjects[1:], r.CallRounds, cachedCall, 0)
	if err != nil {
		return err
	}
	uncached, err := calls(j, subjects[1:], r.CallRounds, uncachedCall, uncachedArg)
	if err != nil {
		return err
	}
	for i, p := range r.programs {
		p.cached, p.uncached = cached[i], uncached[i]
	}
	log.Print("installing lists of calls")
	if r.curve, err = curve(j, r.CurveRounds()); err != nil {
		return err
	}
	r.fitModel()
	return nil
}

// stages times the parts of our compilation of the profile.
func stages(p *profile) ([]stage, error) {
	list := []stage{{what: "resolved policy to program"}, {what: "the same with the proof"}, {what: "the profile's JSON to the blob's bytes, everything"}}
	for i := range list {
		list[i].took = map[string]time.Duration{}
	}
	for _, abis := range []string{oneABI, threeABIs} {
		t, _, err := ours("profile.json", p.json, abis)
		if err != nil {
			return nil, err
		}
		for i, f := range []func() error{
			func() error { _, err := codegen.Program(t); return err },
			func() error { return compileProven(t) },
			func() error {
				_, diags := compiler.Compile("profile.json", p.json, compiler.Options{Targets: []string{abis}})
				return diags.Err()
			},
		} {
			if list[i].took[abis], err = warm(f); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// write writes the page and the plots.
func (r *report) write(dir string) error {
	t, err := template.New("page").Parse(page)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := t.Execute(&text, r); err != nil {
		return err
	}
	files := r.plots()
	files["performance.md"] = text.Bytes()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o666); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	return nil
}

// plots draws what the tables say.
func (r *report) plots() map[string][]byte {
	colours := map[string]int{"seccompc": 0}
	var install []bar
	for _, p := range r.programs {
		if _, ok := colours[p.compiler]; !ok {
			colours[p.compiler] = 1
		}
		install = append(install, bar{p.name(), p.install.median(), r.AllowAll.median(), colours[p.compiler]})
	}
	var measured, modelled []series
	for i, f := range forms {
		for k, of := range []func(*point) *subject{
			func(p *point) *subject { return &p.naive },
			func(p *point) *subject { return &p.ours },
		} {
			name := []string{"naive code", "seccompc"}[k] + ", " + f.name
			a := series{name: name, colour: 2*k + i, dashed: i == 1}
			b := a
			for _, p := range r.curve[i] {
				s := of(p)
				a.x, a.y = append(a.x, float64(p.n)), append(a.y, s.install.median())
				b.x, b.y = append(b.x, float64(p.n)), append(b.y, s.modelled)
			}
			measured, modelled = append(measured, a), append(modelled, b)
		}
	}
	return map[string][]byte{
		"performance-install.svg": bars("Installing Docker's default profile", "microseconds, median of fresh processes",
			"The line in each bar is a program that only returns: the kernel's part.", install),
		"performance-rules.svg":    lines("Installing a list of n calls, measured", "calls in the list", "microseconds, median of fresh processes", measured),
		"performance-modelled.svg": lines("Installing a list of n calls, modelled", "calls in the list", "microseconds", modelled),
	}
}
