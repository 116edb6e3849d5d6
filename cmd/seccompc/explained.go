package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// An explanation is the answer.
type explanation struct {
	Call       string    `json:"call"`
	ABI        string    `json:"abi"`
	How        string    `json:"abi_chosen"`
	Number     uint32    `json:"number"`
	Target     string    `json:"target"`
	Decision   string    `json:"decision"`
	LetThrough bool      `json:"let_through"`
	Rule       string    `json:"rule,omitempty"`   // file:line:column, or where the policy isn't there file:line
	Source     string    `json:"source,omitempty"` // the rule's line
	Lines      []string  `json:"lines,omitempty"`  // without the policy: the lines one of which it is, if a rule decides
	By         string    `json:"by"`               // "rule", "default", "unknown", "foreign"; without the policy "lines", "no-rule", or "not-told"
	Steps      int       `json:"steps"`
	Cached     bool      `json:"cached"`
	Open       string    `json:"open"` // "nothing", "no-difference", "decides", "not-told"
	Others     []outcome `json:"others,omitempty"`
	Path       []step    `json:"path"`
	Allow      string    `json:"allow_rule,omitempty"` // a rule that would allow it
	Place      string    `json:"allow_place,omitempty"`
	Note       string    `json:"note,omitempty"`
}

type outcome struct {
	Decision string `json:"decision"`
	Call     string `json:"call"` // that meets it
}

type step struct {
	Index int    `json:"index"`
	Text  string `json:"text"`
	Value uint32 `json:"value"` // of the accumulator
	Taken *bool  `json:"taken,omitempty"`
	shown string
}

func (q *question) explained(e inspect.Explanation) *explanation {
	p := q.programs[q.target]
	x := &explanation{Call: callText(q.abi, q.call, q.given), ABI: q.abi.Name, How: q.how, Number: q.call.NR, Target: p.label,
		Decision: e.Action.Format(q.abi), LetThrough: inspect.LetsThrough(e.Action), Steps: len(e.Path), Cached: e.Cached}
	lines := inspect.Disasm(p.Code, p.ABIs)
	for _, s := range e.Path {
		at := step{Index: s.PC, Text: lines[s.PC].Text, Value: s.A, shown: lines[s.PC].Show(s.A)}
		if op := p.Code[s.PC].Op; op&7 == 5 && op != 0x05 {
			at.Taken = &s.Taken
		}
		x.Path = append(x.Path, at)
	}
	x.Open = "no-difference"
	switch {
	case e.Unknown != nil:
		x.Open = "not-told"
	case len(e.Outcomes) > 1:
		x.Open = "decides"
		for _, o := range e.Outcomes {
			if o.Action != e.Action {
				x.Others = append(x.Others, outcome{o.Action.Format(q.abi), callText(q.abi, o.Call, q.given)})
			}
		}
	case q.allGiven():
		x.Open = "nothing"
	}
	q.rule(x, e)
	if q.refusal && !q.want(e.Action) {
		x.Note = "this filter does not answer so: another one did, or the kernel itself"
	}
	denied := !x.LetThrough || q.blob != nil && q.blob.Complain && e.Action == resolve.Log // by the policy
	if denied {
		x.Allow = allowRule(q.abi, q.call, q.given)
		if x.Open == "decides" && !strings.Contains(x.Allow, "==") {
			defer func() { x.Place += ", though it allows the call whatever its arguments" }()
		}
		switch {
		case !q.served:
			x.Allow, x.Place = "", "add "+q.abi.Name+" to the target "+p.label+" of the policy"
		case x.By == "rule":
			x.Place = "above the rule at " + x.Rule
		case x.By == "default", x.By == "unknown":
			x.Place = "anywhere among the rules"
		default:
			x.Place = "above the rule that refuses it"
		}
	}
	return x
}

// callText shows a call up to the last argument that is given or isn't zero, by the names of constants where there are.
func callText(abi *arch.ABI, c resolve.Call, given [6]uint64) string {
	name, ok := abi.SyscallName(c.NR)
	if !ok {
		name = fmt.Sprint(c.NR)
	}
	n := len(c.Args)
	for n > 0 && c.Args[n-1] == 0 && given[n-1] == 0 {
		n--
	}
	args := make([]string, n)
	for i, v := range c.Args[:n] {
		args[i] = fmt.Sprintf("%#x", v)
		for _, p := range abi.Params(name) {
			low := v << (64 - p.Bits)
			if p.Index == i && p.Established && !p.Pointer && (low>>(64-p.Bits) == v || p.Signed && uint64(int64(low)>>(64-p.Bits)) == v) {
				args[i] = inspect.Value(abi, name, p, v, false)
			}
		}
	}
	return name + "(" + strings.Join(args, ", ") + ")"
}

// allGiven reports whether all parameters of the call are given.
func (q *question) allGiven() bool {
	name, _ := q.abi.SyscallName(q.call.NR)
	params := q.abi.Params(name)
	return len(params) > 0 && !slices.ContainsFunc(params, func(p arch.Param) bool { return q.given[p.Index] == 0 })
}

// rule says what decides.
func (q *question) rule(x *explanation, e inspect.Explanation) {
	if !q.served {
		x.By = "foreign"
		return
	}
	if q.result != nil {
		for _, t := range q.result.Targets {
			for _, f := range t.Filters {
				if f.ABI != q.abi {
					continue
				}
				if f.Decide(q.call.NR, q.call.Args) != e.Action { // another version of the compiler, or of a call that is nobody's
					break
				}
				if r := f.Rule(q.call.NR, q.call.Args); r != nil {
					x.By, x.Rule, x.Source = "rule", r.Pos.String(), q.source(r.Pos)
				} else if _, known := slices.BinarySearch(f.Known, q.call.NR); known {
					x.By = "default"
				} else {
					x.By = "unknown"
				}
				return
			}
		}
	}
	x.By = "not-told"
	if q.blob == nil || e.Unknown != nil {
		return
	}
	lines := inspect.Lines(q.blob, q.target, e.Reached)
	for _, l := range lines {
		x.Lines = append(x.Lines, q.places([]blob.Line{l}, 1))
	}
	x.By = "no-rule"
	if len(lines) > 0 {
		x.By = "lines"
	}
}

// allowRule returns a rule that allows the call, on its ABI, with the arguments that are given as far as conditions can have
// them.
func allowRule(abi *arch.ABI, c resolve.Call, given [6]uint64) string {
	name, ok := abi.SyscallName(c.NR)
	if !ok {
		if c.NR == resolve.NoCall {
			return ""
		}
		name = fmt.Sprint(c.NR)
	}
	var conds []string
	for i, mask := range given {
		if mask == 0 || i >= 4 && (abi.Name == "mips" || abi.Name == "mipsel") {
			continue
		}
		var p arch.Param
		params := abi.Params(name)
		switch at := slices.IndexFunc(params, func(p arch.Param) bool { return p.Index == i }); {
		case at < 0 && ok: // records have registers that the call has no parameter in
			continue
		case at >= 0:
			p = params[at]
		}
		if p.Pointer {
			continue
		}
		if !p.Established {
			conds = append(conds, fmt.Sprintf("arg%d == %#x", i, c.Args[i]&(^uint64(0)>>(64-abi.RegBits))))
			continue
		}
		conds = append(conds, p.Name+" == "+inspect.Value(abi, name, p, c.Args[i], false))
	}
	text := "- allow: [" + name + "]\n"
	if len(conds) > 0 {
		text = "- allow:\n    " + name + ": " + strings.Join(conds, " && ") + "\n"
	}
	return text + "  abis: [" + abi.Name + "]"
}

func (x *explanation) print() error {
	code := green
	if !x.LetThrough {
		code = red
	}
	head := func(what, text string) {
		if text != "" {
			fmt.Printf("%-10s%s\n", what, text)
		}
	}
	head("call", fmt.Sprintf("%s, number %s of %s (%s), target %s", x.Call, inspect.Number(x.Number), x.ABI, x.How, x.Target))
	head("decision", colour(os.Stdout, code, x.Decision))
	switch x.By {
	case "rule":
		head("rule", x.Rule+"  "+x.Source)
	case "lines":
		text := strings.Join(x.Lines[:min(len(x.Lines), 4)], ", ")
		if len(x.Lines) > 1 {
			text = "one of " + text
		}
		if more := len(x.Lines) - 4; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		head("rule", text+", or none: only the policy tells")
	case "foreign":
		head("rule", "none: "+x.ABI+" is foreign to the target")
	case "not-told":
		head("rule", "not known")
	case "no-rule":
		head("rule", "none: default or unknown")
	default:
		head("rule", "none: "+x.By)
	}
	switch x.Open {
	case "no-difference":
		head("open", "whatever is left open makes no difference")
	case "decides":
		for _, o := range x.Others {
			head("open", "what is left open decides: "+o.Decision+" for "+o.Call)
		}
	case "not-told":
		head("open", "whether what is left open matters is not known: the program has instructions that are not modelled")
	}
	cached := "not cached: the kernel runs the program for each such call"
	if x.Cached {
		cached = "cached: since Linux 5.11 the kernel allows the number without running the program"
	}
	head("steps", fmt.Sprintf("%d, %s", x.Steps, cached))
	head("note", x.Note)
	fmt.Println()
	width := 0
	for _, s := range x.Path {
		width = max(width, min(len(s.Text), 56))
	}
	for _, s := range x.Path {
		saw := ""
		switch {
		case s.Taken != nil && *s.Taken:
			saw = s.shown + "  yes"
		case s.Taken != nil:
			saw = s.shown + "  no"
		case !strings.HasPrefix(s.Text, "return") && s.Text != "jump":
			saw = s.shown
		}
		fmt.Println(strings.TrimRight(fmt.Sprintf("%4d  %-*s  %s", s.Index, width, s.Text, saw), " "))
	}
	if x.Place != "" {
		fmt.Printf("\nto allow it, %s\n", x.Place)
	}
	if x.Allow != "" {
		fmt.Println("  " + strings.ReplaceAll(x.Allow, "\n", "\n  "))
	}
	return nil
}
