//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/seccompc/seccompc/arch"
)

// A record is what a machine said: its serial log, and the lines of it that are the guest's.
type record struct {
	name    string
	machine machine
	run     func(io.Writer) error
	log     bytes.Buffer
	err     error
	kernel  string
	lines   []line
	done    bool
}

// A line is one of the guest's.
type line struct {
	status, check, abi string
	count              int
	words              string
}

var ours = regexp.MustCompile(`(?m)^vms: (ok|fail|skip) (\S+) (\S+) (\d+) (.*?)\r*$`)

// parse reads the log.
func (r *record) parse() {
	for _, m := range ours.FindAllStringSubmatch(r.log.String(), -1) {
		l := line{status: m[1], check: m[2], abi: m[3], words: m[5]}
		fmt.Sscan(m[4], &l.count)
		r.lines = append(r.lines, l)
	}
	if m := regexp.MustCompile(`vms: kernel (\S+)`).FindStringSubmatch(r.log.String()); m != nil {
		r.kernel = m[1]
	}
	r.done = regexp.MustCompile(`(?m)^vms: done`).MatchString(r.log.String())
}

func (r *record) failed() bool {
	return r.err != nil || !r.done || slices.ContainsFunc(r.lines, func(l line) bool { return l.status == "fail" })
}

// report shows what a machine said.
func (r *record) report(w io.Writer, took time.Duration) {
	var none *unavailable
	if errors.As(r.err, &none) {
		fmt.Fprintf(w, "%s could not be had: %v\n\n", r.name, r.err)
		return
	}
	fmt.Fprintf(w, "%s: Linux %s, %.0f s\n", r.name, r.kernel, took.Seconds())
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, l := range r.lines {
		fmt.Fprintf(t, "  %s\t%s\t%s\t%d\t%s\n", l.status, l.abi, l.check, l.count, l.words)
	}
	t.Flush()
	if r.err != nil || !r.done {
		text := strings.TrimSpace(r.log.String())
		fmt.Fprintf(w, "  fail: %v; the machine did not come to its end, and said last:\n%s\n", r.err, text[max(0, len(text)-3000):])
	}
	fmt.Fprintln(w)
}

const head = `# Architectures

What was shown for which ABI, taken by ` + "`make test-vms`" + ` from what the machines said on their serial lines; nothing here is written
by hand. Simulated are the calls of which our own reading of the program is compared with the policy's ` + "`Decide`" + `; live are those
that a kernel answered, compared with the same: every number up to the table's end and 64 more, and arguments at the
boundaries of conditions. In each run each machine also finds two planted faults for each ABI: words of arguments swapped,
and a number off by one. The policies are in [vms/testdata](../vms/testdata), with one blob each for all machines, and every
machine compiles them to the same bytes.

Without a machine are those ABIs that neither Debian's kernels nor Go's programs are there for: parisc, m68k, sh, xtensa, csky, riscv32,
and ppc, whose programs would have to be made by hand as those of n32 and s390 are; and ppc64 and loongarch64, for which Debian's releases
have no kernel. The one for mips64, big-endian, is built from Debian's source (` + "`make test-vms-built`" + `).

| ABI | simulated | machine | Linux | numbers | arguments | actions | faults found | high word of a negative argument |
|---|---:|---|---|---:|---:|---:|---:|---|
`

const loads = `
On each machine seccomp-load took its blob by the direct entry, handed on signal mask, ignored signals and limits, and ended
with the documented exit codes; load.Process gave every thread of a Go program the filter:

| machine | calls before the command starts | exit codes tried |
|---|---:|---:|
`

// render returns the page that says what was shown for which ABI. Rows of machines that were not run are taken from the old
// page. What kernel this machine has differs, so that of it only the simulation is on the page.
func render(logs []*record, old []byte) []byte {
	var out bytes.Buffer
	out.WriteString(head)
	kept := rows(old)
	ran := map[string]*record{}
	for _, r := range logs {
		ran[r.name] = r
	}
	for _, a := range arch.All() {
		simulated := ""
		for _, row := range kept {
			if len(row) == 9 && row[0] == a.Name {
				simulated = row[1]
			}
		}
		if host := ran["host"]; host != nil {
			simulated = count(host.of("simulated", a.Name))
		}
		live := false
		for _, m := range machines {
			for _, row := range kept {
				if ran[m.name] == nil && len(row) == 9 && row[0] == a.Name && row[2] == m.name {
					row[1], live = simulated, true
					out.WriteString("| " + strings.Join(row, " | ") + " |\n")
				}
			}
			r := ran[m.name]
			if r == nil || len(r.of("numbers", a.Name)) == 0 {
				continue
			}
			live = true
			high := "none"
			if a.RegBits == 32 {
				high = ""
			}
			for _, l := range r.of("registers", a.Name) {
				if _, word, ok := strings.Cut(l.words, "negative one is "); ok {
					high = word
				}
			}
			fmt.Fprintf(&out, "| %s | %s | %s | %s | %s | %s | %s | %d | %s |\n", a.Name, simulated, r.name, r.kernel, count(r.of("numbers", a.Name)),
				count(r.of("words", a.Name)), count(r.of("actions", a.Name)), len(r.of("planted", a.Name)), high)
		}
		if !live {
			fmt.Fprintf(&out, "| %s | %s |  |  |  |  |  |  |  |\n", a.Name, simulated)
		}
	}
	out.WriteString(loads)
	for _, m := range machines {
		for _, row := range kept {
			if ran[m.name] == nil && len(row) == 3 && row[0] == m.name {
				out.WriteString("| " + strings.Join(row, " | ") + " |\n")
			}
		}
		if r := ran[m.name]; r != nil {
			host := arch.Lookup(m.goarch).Name
			if l := r.of("loader", host); len(l) == 2 && len(r.of("process", host)) == 1 {
				fmt.Fprintf(&out, "| %s | %d | %d |\n", r.name, l[0].count, l[1].count)
			}
		}
	}
	out.WriteString("\nNot shown, or otherwise than one would think:\n\n")
	for _, m := range machines {
		r := ran[m.name]
		if r == nil {
			for _, l := range strings.Split(string(old), "\n") {
				if strings.HasPrefix(l, "- "+m.name+": ") {
					out.WriteString(l + "\n")
				}
			}
			continue
		}
		for _, l := range r.lines {
			switch _, rest, more := strings.Cut(l.words, ", "); {
			case l.status == "skip":
				fmt.Fprintf(&out, "- %s: %s of %s: %s\n", m.name, l.check, l.abi, l.words)
			case l.check == "numbers" && more:
				fmt.Fprintf(&out, "- %s: numbers of %s: %s\n", m.name, l.abi, rest)
			case l.check == "actions" && strings.Contains(l.words, "no record"):
				_, rest, _ := strings.Cut(l.words, "tracer, ")
				fmt.Fprintf(&out, "- %s: actions of %s: %s\n", m.name, l.abi, rest)
			}
		}
	}
	return out.Bytes()
}

// of returns the lines of a check that passed on an ABI.
func (r *record) of(check, abi string) (found []line) {
	for _, l := range r.lines {
		if l.check == check && l.abi == abi && l.status == "ok" {
			found = append(found, l)
		}
	}
	return found
}

func count(list []line) string {
	n := 0
	for _, l := range list {
		n = max(n, l.count)
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// rows returns the cells of a page's tables.
func rows(page []byte) (list [][]string) {
	for _, l := range strings.Split(string(page), "\n") {
		if strings.HasPrefix(l, "| ") {
			cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(l, "|"), "|"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			list = append(list, cells)
		}
	}
	return list
}

// release is the part of a row that changes with Debian's updates.
var release = regexp.MustCompile(`\| \d+\.\d+\S* \|`)

// hold compares the page with what was shown now.
func hold(old, text []byte) (code int) {
	mask := func(b []byte) []string {
		return strings.Split(string(release.ReplaceAll(b, []byte("| Linux |"))), "\n")
	}
	before, now := mask(old), mask(text)
	for _, l := range before {
		if !slices.Contains(now, l) {
			fmt.Println("-", l)
			code = 1
		}
	}
	for _, l := range now {
		if !slices.Contains(before, l) {
			fmt.Println("+", l)
			code = 1
		}
	}
	switch {
	case code != 0:
		fmt.Println(page + " says otherwise: bin/vms -write renews it")
	case !bytes.Equal(old, text):
		fmt.Println(page + " names other releases of the kernels: bin/vms -write renews it")
	default:
		fmt.Println(page + " says the same")
	}
	return code
}
