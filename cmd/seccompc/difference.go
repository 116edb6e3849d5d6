package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// A difference is what diff found, as JSON shows it.
type difference struct {
	Before  string         `json:"before"`
	After   string         `json:"after"`
	Equal   bool           `json:"equal"`  // proven
	Counts  map[string]int `json:"counts"` // of changes, by kind
	Heads   []headLine     `json:"heads"`
	Targets []targetLines  `json:"targets"`
}

type headLine struct {
	What   string `json:"what"`
	Before string `json:"before"`
	After  string `json:"after"`
}

type targetLines struct {
	Target  string       `json:"target"`
	Only    string       `json:"only,omitempty"` // "before" or "after": the other has no program for it
	Changes []changeLine `json:"changes"`
}

// A changeLine is calls with the same change. The numbers are of those without a name, from and to.
type changeLine struct {
	Kind      inspect.Kind `json:"kind"`
	ABI       string       `json:"abi,omitempty"` // none: foreign
	Arches    [][2]uint32  `json:"arches,omitempty"`
	Before    string       `json:"before"`
	After     string       `json:"after"`
	Calls     []string     `json:"calls"`
	Numbers   [][2]uint32  `json:"numbers"`
	If        string       `json:"if"` // empty: whatever the arguments, unless entangled
	Entangled bool         `json:"entangled,omitempty"`
	Witness   witness      `json:"witness"`

	who string
}

type witness struct {
	Call string    `json:"call"`
	Arch uint32    `json:"arch"`
	NR   uint32    `json:"nr"`
	Args [6]string `json:"args"` // hexadecimal: JSON's readers lose the low bits of large numbers
}

func newDifference(heads []inspect.HeadChange, targets []inspect.TargetDiff) *difference {
	r := &difference{Equal: true, Counts: map[string]int{}, Heads: []headLine{}, Targets: []targetLines{}}
	for _, h := range heads {
		r.Heads = append(r.Heads, headLine(h))
	}
	r.Counts[string(inspect.Widened)], r.Counts[string(inspect.Narrowed)], r.Counts[string(inspect.Changed)] = 0, 0, len(heads)
	for _, t := range targets {
		lines := targetLines{t.Label, t.Only, []changeLine{}}
		if t.Only != "" {
			r.Counts[string(inspect.Changed)]++
		}
		for _, c := range t.Changes {
			r.Counts[string(c.Kind)]++
			lines.Changes = append(lines.Changes, newChangeLine(c))
		}
		r.Targets = append(r.Targets, lines)
	}
	for _, n := range r.Counts {
		r.Equal = r.Equal && n == 0
	}
	return r
}

func newChangeLine(c inspect.Change) changeLine {
	l := changeLine{Kind: c.Kind, Before: c.Before.String(), After: c.After.String(), Calls: append([]string{}, c.Calls...),
		If: c.If, Entangled: c.Entangled, Witness: witness{Call: callOn(c.ABI, c.Witness), Arch: c.Witness.Arch, NR: c.Witness.NR}}
	for i, v := range c.Witness.Args {
		l.Witness.Args[i] = fmt.Sprintf("%#x", v)
	}
	l.Numbers, l.Arches = pairs(c.Numbers), pairs(c.Arches)
	if c.ABI != nil {
		l.ABI, l.Before, l.After = c.ABI.Name, c.Before.Format(c.ABI), c.After.Format(c.ABI)
	}
	l.who = strings.Join(append(numbers(c.Set), callsOf(c)...), ", ")
	switch {
	case c.Rest == inspect.EveryNumber:
		l.who = "every call"
	case c.ABI == nil && c.Arches == nil:
		l.who = "some calls"
	}
	return l
}

// pairs are ranges for JSON.
func pairs[R ~struct{ First, Last uint32 }](ranges []R) [][2]uint32 {
	list := [][2]uint32{}
	for _, r := range ranges {
		r := struct{ First, Last uint32 }(r)
		list = append(list, [2]uint32{r.First, r.Last})
	}
	return list
}

// callOn shows a call; a foreign one with its architecture.
func callOn(abi *arch.ABI, c resolve.Call) string {
	if abi == nil {
		return fmt.Sprintf("arch %#x, number %d, arguments %#x", c.Arch, c.NR, c.Args)
	}
	return compiler.CallString(abi, c)
}

// callsOf shows the calls that have a name; of most those that are left out.
func callsOf(c inspect.Change) []string {
	const many = 40
	if len(c.Calls) < many {
		return c.Calls
	}
	var left []string
	for _, s := range c.ABI.Syscalls() {
		if !slices.Contains(c.Calls, s.Name) {
			left = append(left, s.Name)
		}
	}
	switch {
	case len(left) == 0:
		return []string{"every call with a name"}
	case len(left) <= len(c.Calls)/10:
		return []string{"every call with a name but " + strings.Join(left, ", ")}
	}
	return c.Calls
}

// numbers shows the numbers without a name, but for those of many ranges.
func numbers(c inspect.Set) (list []string) {
	const most = 8
	if c.Rest == inspect.UnnamedNumbers {
		return []string{"every number without a name"}
	}
	for i, r := range c.Numbers {
		switch {
		case i == most && len(c.Numbers) > most+1:
			return append(list, fmt.Sprintf("and %d more ranges of numbers", len(c.Numbers)-most))
		default:
			list = append(list, numerals([2]uint32{r.First, r.Last}))
		}
	}
	return list
}

func numerals(r [2]uint32) string {
	if r[0] == r[1] {
		return numeral(r[0])
	}
	return numeral(r[0]) + "-" + numeral(r[1])
}

func numeral(n uint32) string {
	if n < 0x0f0000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%#x", n) // numbers with a base of their own read better so
}

func (r *difference) names(before, after string) { r.Before, r.After = before, after }

// fails reports whether there is a change of a kind.
func (r *difference) fails(kinds []string) bool {
	return slices.ContainsFunc(kinds, func(k string) bool { return r.Counts[k] > 0 || k == "any" && !r.Equal })
}

// A section is changes that are the same on several ABIs.
type section struct {
	where   []string
	changes []changeLine
}

// sections groups the changes by ABI, and ABIs with the same.
func (r *difference) sections() (list []section) {
	for _, t := range r.Targets {
		for changes := t.Changes; len(changes) > 0; {
			n := 1
			for n < len(changes) && changes[n].ABI == changes[0].ABI && slices.Equal(changes[n].Arches, changes[0].Arches) {
				n++
			}
			where := changes[0].ABI
			switch {
			case where == "" && len(changes[0].Arches) == 0:
				where = "all architectures"
			case where == "" && len(changes[0].Arches) == 1 && changes[0].Arches[0][0] == changes[0].Arches[0][1]:
				where = fmt.Sprintf("architecture %#x", changes[0].Arches[0][0])
			case where == "":
				where = "other architectures"
			}
			if where != t.Target {
				where += " in " + safe(t.Target)
			}
			same := func(s section) bool {
				return slices.EqualFunc(s.changes, changes[:n], func(a, b changeLine) bool {
					return a.Kind == b.Kind && a.Before == b.Before && a.After == b.After && a.who == b.who && a.If == b.If && a.Entangled == b.Entangled &&
						(a.ABI == "") == (b.ABI == "") && a.ABI != "" && a.Witness.Call == b.Witness.Call
				})
			}
			if i := slices.IndexFunc(list, same); i >= 0 {
				list[i].where = append(list[i].where, where)
			} else {
				list = append(list, section{[]string{where}, changes[:n]})
			}
			changes = changes[n:]
		}
	}
	return list
}

// outcome is the last line, and of no difference the only one.
func (r *difference) outcome() string {
	if r.Equal {
		var targets []string
		for _, t := range r.Targets {
			targets = append(targets, safe(t.Target))
		}
		return "no difference, proven for every call: " + strings.Join(targets, ", ")
	}
	var list []string
	for _, k := range []inspect.Kind{inspect.Widened, inspect.Narrowed, inspect.Changed} {
		list = append(list, fmt.Sprintf("%d %s", r.Counts[string(k)], k))
	}
	return strings.Join(list, ", ")
}

func (r *difference) print(format string) error {
	out := bufio.NewWriter(os.Stdout)
	if format == "markdown" {
		r.markdown(out)
	} else {
		r.text(out)
	}
	return out.Flush()
}

var kindColours = map[inspect.Kind]string{inspect.Widened: red, inspect.Narrowed: green, inspect.Changed: yellow}

func (r *difference) text(w io.Writer) {
	fmt.Fprintf(w, "%s\n", colour(os.Stdout, bold, safe(r.Before)+" -> "+safe(r.After)))
	for _, h := range r.Heads {
		fmt.Fprintf(w, "%s  %s: %s -> %s\n", colour(os.Stdout, yellow, "changed "), h.What, h.Before, h.After)
	}
	for _, t := range r.Targets {
		if t.Only != "" {
			fmt.Fprintf(w, "%s  target %s: there is a program only %s\n", colour(os.Stdout, yellow, "changed "), safe(t.Target), t.Only)
		}
	}
	for _, s := range r.sections() {
		fmt.Fprintf(w, "\n%s\n", colour(os.Stdout, bold, strings.Join(s.where, ", ")))
		for _, c := range s.changes {
			fmt.Fprintf(w, "  %s  %s -> %s\n", colour(os.Stdout, kindColours[c.Kind], fmt.Sprintf("%-8s", c.Kind)), c.Before, c.After)
			const indent = "            "
			fmt.Fprintf(w, "%s%s\n", indent, wrap(c.who, 100-len(indent), indent))
			if c.Entangled {
				fmt.Fprintf(w, "%sif   the numbers or the condition are too entangled to print\n", indent)
			} else if c.If != "" {
				fmt.Fprintf(w, "%sif   %s\n", indent, c.If)
			}
			fmt.Fprintf(w, "%ssuch as %s\n", indent, c.Witness.Call)
		}
	}
	if !r.Equal {
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, r.outcome())
}

// wrap breaks a list at its commas.
func wrap(list string, width int, indent string) string {
	var b strings.Builder
	column := 0
	for i, word := range strings.Split(list, ", ") {
		if i > 0 {
			if column += 2; column+len(word) > width {
				b.WriteString(",\n" + indent)
				column = 0
			} else {
				b.WriteString(", ")
			}
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}

func (r *difference) markdown(w io.Writer) {
	fmt.Fprintf(w, "### %s → %s\n\n%s\n", span(r.Before), span(r.After), r.outcome())
	if len(r.Heads) > 0 || slices.ContainsFunc(r.Targets, func(t targetLines) bool { return t.Only != "" }) {
		fmt.Fprintln(w)
	}
	for _, h := range r.Heads {
		fmt.Fprintf(w, "- **changed** %s: %s → %s\n", h.What, span(h.Before), span(h.After))
	}
	for _, t := range r.Targets {
		if t.Only != "" {
			fmt.Fprintf(w, "- **changed** target %s: there is a program only %s\n", span(t.Target), t.Only)
		}
	}
	for _, s := range r.sections() {
		fmt.Fprintf(w, "\n#### %s\n\n| | before | after | calls | if | such as |\n|---|---|---|---|---|---|\n", span(strings.Join(s.where, ", ")))
		for _, c := range s.changes {
			cond := ""
			if c.Entangled {
				cond = "too entangled to print"
			} else if c.If != "" {
				cond = cell(c.If)
			}
			fmt.Fprintf(w, "| **%s** | %s | %s | %s | %s | %s |\n", c.Kind, cell(c.Before), cell(c.After), cell(c.who), cond, cell(c.Witness.Call))
		}
	}
}

// safe shows a name that somebody else chose so that it does nothing to a terminal.
func safe(s string) string {
	if quoted := strconv.QuoteToASCII(s); quoted != `"`+s+`"` {
		return quoted
	}
	return s
}

// span is a span of code that nothing in it ends.
func span(s string) string {
	s = safe(s)
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

// cell is code in a table, whose cells end at | even there.
func cell(s string) string { return strings.ReplaceAll(span(s), "|", `\|`) }
