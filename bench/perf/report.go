//go:build linux && amd64

package main

import (
	_ "embed"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/prove"
)

// A report is everything that the page says.
type report struct {
	Kernel, CPU, JIT, Go     string
	Profile, GVisor, Elastic string // versions
	Libseccomp               string // version
	NoLibseccomp             string // why there is none
	Rounds, CallRounds       int
	AllowAll                 sample // installs, microseconds
	programs                 []*program
	curve                    [][]*point // by form
	fit                      [3]float64 // microseconds: at least, per instruction, per step
	stages                   []stage
}

// A stage is a part of our compilation, warm and in process.
type stage struct {
	what string
	took map[string]time.Duration // by ABIs
}

//go:embed page.md
var page string

// fact reads one line of a file of /proc, or the line's value that starts with key.
func fact(file, key string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); key != "" && ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		} else if key == "" {
			return strings.TrimSpace(line)
		}
	}
	return "unknown"
}

// machine fills in what the report was made on and from.
func (r *report) machine() {
	r.Kernel, _, _ = strings.Cut(fact("/proc/sys/kernel/osrelease", ""), "-")
	r.CPU = fact("/proc/cpuinfo", "model name")
	r.JIT = fact("/proc/sys/net/core/bpf_jit_enable", "")
	r.Go = runtime.Version()
	r.Profile = version("github.com/moby/profiles/seccomp")
	r.GVisor = version("gvisor.dev/gvisor")
	r.Elastic = version("github.com/elastic/go-seccomp-bpf")
}

func table(head string, rows [][]string) string {
	var b strings.Builder
	columns := strings.Split(head, "|")
	b.WriteString("| " + strings.Join(columns, " | ") + " |\n|" + strings.Repeat("---|", len(columns)) + "\n")
	for _, row := range rows {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Counts is the table of what the programs are.
func (r *report) Counts() string {
	var rows [][]string
	for _, p := range r.programs {
		rows = append(rows, []string{p.compiler, p.abis, fmt.Sprint(p.instructions), number(p.mean), fmt.Sprint(p.max),
			fmt.Sprintf("%d of %d", p.inCache, p.allowed), number(p.modelled)})
	}
	return table("compiler|ABIs|instructions|executed, mean|max|in the cache|modelled install, us", rows)
}

// Times is the table of what the programs cost in this kernel.
func (r *report) Times() string {
	rows := [][]string{{"none but a return", "", spread(r.AllowAll), "1", "", "", ""}}
	for _, p := range r.programs {
		rows = append(rows, []string{p.compiler, p.abis, spread(p.install), number(p.install.over(r.AllowAll).median()),
			milliseconds(p.build), spread(p.cached), spread(p.uncached)})
	}
	return table("compiler|ABIs|install, us|to a return alone|compile, ms|cached call, + ns|uncached call, + ns", rows)
}

func spread(s sample) string {
	return fmt.Sprintf("%.0f (%.0f to %.0f)", s.median(), s.quantile(0.25), s.quantile(0.75))
}

func milliseconds(d time.Duration) string { return number(float64(d) / float64(time.Millisecond)) }

// Stages is the table of our compilation's parts.
func (r *report) Stages() string {
	var rows [][]string
	for _, s := range r.stages {
		rows = append(rows, []string{s.what, milliseconds(s.took[oneABI]), milliseconds(s.took[threeABIs])})
	}
	return table("ms|"+oneABI+"|"+threeABIs, rows)
}

// Differences is a list of the programs' differences from ours.
func (r *report) Differences() string {
	var texts []string
	names := map[string][]string{}
	for _, p := range r.programs {
		if p.compiler == "seccompc" {
			continue
		}
		text := strings.Join(p.differs, "; ") + ". "
		var d *prove.Difference
		if errors.As(p.witness, &d) {
			abi := arch.Lookup("x86_64")
			name, _ := abi.SyscallName(d.Call.NR)
			text += fmt.Sprintf("**That is not all**: `%s` with arguments %#x gets `%s`, ours `%s`.", name, d.Call.Args, d.Got.Format(abi), d.Want.Format(abi))
		} else {
			text += "Nothing else: proven."
		}
		if names[text] == nil {
			texts = append(texts, text)
		}
		names[text] = append(names[text], "**"+p.name()+"**")
	}
	for i, text := range texts {
		texts[i] = "- " + strings.Join(names[text], " and ") + ": " + text
	}
	return strings.Join(texts, "\n")
}

// Rules is the table of the two forms by number of rules.
func (r *report) Rules() string {
	var rows [][]string
	for i, n := range sizes() {
		row := []string{fmt.Sprint(n)}
		for _, of := range []func(*point) string{
			func(p *point) string { return fmt.Sprint(p.naive.instructions) },
			func(p *point) string { return fmt.Sprintf("%.0f", p.naive.install.median()) },
			func(p *point) string { return fmt.Sprintf("%.0f", p.naive.modelled) },
			func(p *point) string { return fmt.Sprint(p.ours.instructions) },
			func(p *point) string { return fmt.Sprintf("%.0f", p.ours.install.median()) },
			func(p *point) string { return fmt.Sprintf("%.0f", p.ours.modelled) },
			func(p *point) string { return milliseconds(p.build) },
		} {
			row = append(row, of(r.curve[0][i])+" / "+of(r.curve[1][i]))
		}
		rows = append(rows, row)
	}
	return table("calls|naive: instructions|install, us|modelled, us|ours: instructions|install, us|modelled, us|compile and prove, ms", rows)
}

// Apart is how far the two forms of naive code are apart at equal length, as a median over the lengths, in percent.
func (r *report) Apart() string {
	var list sample
	for i, p := range r.curve[0] {
		list = append(list, 100*math.Abs(p.naive.install.median()/r.curve[1][i].naive.install.median()-1))
	}
	return fmt.Sprintf("%.0f", list.median())
}

// Ends are the install times of naive code for the shortest and the longest list, and of ours.
func (r *report) Ends() []string {
	first, last := r.curve[0][0], r.curve[0][len(r.curve[0])-1]
	var list []string
	for _, s := range []sample{first.naive.install, last.naive.install, first.ours.install, last.ours.install} {
		list = append(list, fmt.Sprintf("%.0f", s.median()))
	}
	return list
}

// LastNumber is the last that the kernel asks for.
func (r *report) LastNumber() int { return numbers - 1 }

// Calls is how many calls a process makes before the installation, and after it.
func (r *report) Calls() int { return maxChunks * chunkCalls }

// CurveRounds is how many processes install each list.
func (r *report) CurveRounds() int { return r.Rounds / 2 }

// MaxRules is the length of the longest list.
func (r *report) MaxRules() int { return slices.Max(sizes()) }

// Model says what an installation costs by the model.
func (r *report) Model() string {
	return fmt.Sprintf("%v us + %v us for each instruction + %v us for each step", inspect.CostInstall, inspect.CostInstruction, inspect.CostStep)
}

// Fit says what the model's three constants would be on this machine.
func (r *report) Fit() string {
	return fmt.Sprintf("%.0f us + %.2f us for each instruction + %.4f us for each step", r.fit[0], r.fit[1], r.fit[2])
}

// fitModel finds these constants by least squares over everything that was installed.
func (r *report) fitModel() {
	var all []*subject
	for _, p := range r.programs {
		all = append(all, &p.subject)
	}
	for _, form := range r.curve {
		for _, p := range form {
			all = append(all, &p.naive, &p.ours)
		}
	}
	var normal [3][4]float64
	for _, s := range all {
		x := [4]float64{1, float64(s.instructions), float64(s.steps), s.install.median()}
		for i := range 3 {
			for k := range 4 {
				normal[i][k] += x[i] * x[k]
			}
		}
	}
	for i := range 3 { // Gauss and Jordan
		for k := 3; k >= i; k-- {
			normal[i][k] /= normal[i][i]
		}
		for j := range 3 {
			for k := 3; j != i && k >= i; k-- {
				normal[j][k] -= normal[j][i] * normal[i][k]
			}
		}
	}
	r.fit = [3]float64{normal[0][3], normal[1][3], normal[2][3]}
}
