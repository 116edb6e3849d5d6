package main

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler/inspect"
)

func disasmCommand() *cobra.Command {
	var target, policy string
	var asJSON, summary bool
	c := &cobra.Command{
		Use:   "disasm [--target T] [--policy POLICY] [--summary] FILE",
		Short: "List the programs of a blob, of a policy, or a raw program",
		Long: `Disasm lists programs, instruction by instruction: the number, a > where a jump leads
there, the words of struct sock_filter, what they mean, and behind the # the calls that come to
the instruction, if they are few, and the policy's lines whose rules do. FILE is a blob, a policy,
which is compiled in memory, or a raw program.

With --target it lists only that program; for a raw file --target is required, since the file
does not say which ABIs and byte order it is for. With --policy the lines' text is shown too, if
the policy compiles to the blob byte for byte.

With --summary it says instead what each program costs: instructions; the numbers that are let
through with arguments 0, and the instructions executed for these; numbers that the kernel keeps
in its cache of what is always allowed; microseconds to install it, modelled on x86_64; and the
calls that the first ABI lets through and another one has no number for.`,
		Example: `  seccompc disasm policies/toaster.seccomp
  seccompc disasm --target riscv64 --policy policies/web.yaml policies/web.seccomp
  seccompc disasm --summary policies/web.seccomp
  seccompc disasm --target x86_64 toaster.bpf`,
		Args: oneFile("blob, policy or raw file"),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := open(args[0], target, 1)
			if err != nil {
				return err
			}
			if err := s.only(target); err != nil {
				return err
			}
			if summary {
				return summarize(s, asJSON)
			}
			return disasm(s, policy, asJSON)
		},
	}
	f := c.Flags()
	f.StringVar(&target, "target", "", "list only `TARGET`; required for raw files")
	f.StringVar(&policy, "policy", "", "show the lines of `POLICY`, if it compiles to this blob")
	f.BoolVar(&summary, "summary", false, "say what the programs cost")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// only chooses one target's program.
func (s *subject) only(target string) error {
	if target == "" || s.blob == nil {
		return nil
	}
	i := slices.IndexFunc(s.programs, func(p program) bool {
		return p.label == target || len(p.ABIs) > 0 && arch.Lookup(target) == p.ABIs[0]
	})
	if i < 0 {
		complain(fmt.Sprintf("%s: no target %q", s.file, target), "it has "+strings.Join(s.labels(), ", "))
		return reported(1)
	}
	s.chosen = []int{i}
	return nil
}

type instruction struct {
	Index     int      `json:"index"`
	Op        uint16   `json:"code"`
	Jt        uint8    `json:"jt"`
	Jf        uint8    `json:"jf"`
	K         uint32   `json:"k"`
	Text      string   `json:"text"`
	Goto      string   `json:"goto,omitempty"`
	JumpedTo  bool     `json:"jumped_to"`
	Reachable bool     `json:"reachable"`
	Calls     string   `json:"calls,omitempty"`
	Lines     []string `json:"lines,omitempty"`  // of the policy: "web.yaml:12"
	Source    string   `json:"source,omitempty"` // the line's text, if it is one
	lines     []blob.Line
}

type listing struct {
	Target       string        `json:"target"`
	Instructions []instruction `json:"instructions"`
}

func (s *subject) list(target int) listing {
	p := s.programs[target]
	l := listing{Target: p.label}
	for pc, line := range inspect.Disasm(p.Code, p.ABIs) {
		raw := p.Code[pc]
		in := instruction{pc, raw.Op, raw.Jt, raw.Jf, raw.K, line.Text, line.Goto, line.JumpedTo, line.Reachable, line.Calls, nil, "", nil}
		if s.blob != nil {
			in.lines = inspect.Lines(s.blob, target, []int{pc})
		}
		for _, at := range in.lines {
			in.Lines = append(in.Lines, s.places([]blob.Line{at}, 1))
		}
		if len(in.lines) == 1 && raw.Op&7 != 6 { // a return is other lines' too, which have no instruction of their own
			in.Source = s.sourceLine(in.lines[0])
		}
		l.Instructions = append(l.Instructions, in)
	}
	return l
}

func disasm(s *subject, policy string, asJSON bool) error {
	if policy != "" {
		if s.blob == nil || s.result != nil {
			return usageError{fmt.Errorf("--policy %s: %s is no blob", policy, s.file)}
		}
		_, identical, err := s.with(policy)
		if err != nil {
			return err
		}
		if !identical {
			s.result = nil
			warn(fmt.Sprintf("%s does not compile to %s: its lines are not shown", policy, s.file))
		}
	}
	var lists []listing
	for _, i := range s.chosenOnes() {
		lists = append(lists, s.list(i))
	}
	if asJSON {
		return printJSON(struct {
			Policy    string    `json:"policy,omitempty"`
			Complains bool      `json:"complains,omitempty"`
			Targets   []listing `json:"targets"`
		}{s.name(), s.blob != nil && s.blob.Complain, lists})
	}
	out := bufio.NewWriter(os.Stdout)
	if s.blob != nil && s.blob.Fallbacks != 0 {
		fmt.Fprintln(out, "# on kernels that lack an action:", s.blob.Fallbacks)
	}
	for i, l := range lists {
		if i > 0 {
			fmt.Fprintln(out)
		}
		head := fmt.Sprintf("target %s, %s", l.Target, count(len(l.Instructions), "instruction"))
		if s.blob != nil {
			head = "policy " + s.name() + ", " + head
			if s.blob.Complain {
				head += ", complains"
			}
		}
		fmt.Fprintln(out, colour(os.Stdout, bold, "# "+head))
		text, jump := 0, 0
		for _, in := range l.Instructions {
			text, jump = max(text, min(len(in.Text), 56)), max(jump, len(in.Goto))
		}
		shown := ""
		for _, in := range l.Instructions {
			mark := " "
			if in.JumpedTo {
				mark = ">"
			}
			about := []string{}
			if in.Calls != "" {
				about = append(about, in.Calls)
			}
			if !in.Reachable {
				about = append(about, "nothing comes here")
			}
			if len(in.lines) > 0 {
				about = append(about, s.places(in.lines, 3))
			}
			if in.Source != "" && in.Lines[0] != shown {
				about = append(about, in.Source) // once for the instructions behind each other
			}
			shown = strings.Join(in.Lines, "")
			line := fmt.Sprintf("%4d %s %04x %3d %3d %08x  %-*s  %-*s", in.Index, mark, in.Op, in.Jt, in.Jf, in.K, text, in.Text, jump, in.Goto)
			if len(about) > 0 {
				line += "  " + colour(os.Stdout, green, "# "+strings.Join(about, "  "))
			}
			fmt.Fprintln(out, strings.TrimRight(line, " "))
		}
	}
	return out.Flush()
}

type cost struct {
	Target       string    `json:"target"`
	Instructions int       `json:"instructions"`
	Install      float64   `json:"install_us"` // modelled on x86_64
	ABIs         []abiCost `json:"abis"`
}

type abiCost struct {
	ABI    string   `json:"abi"`
	Calls  int      `json:"let_through"` // numbers with names, with arguments 0
	Mean   float64  `json:"mean_steps"`
	Max    int      `json:"max_steps"`
	Cached int      `json:"cached"`
	Lacks  []string `json:"lacks"` // of the calls that the first ABI lets through
	passes int      // how many these are
}

func summarize(s *subject, asJSON bool) error {
	costs := []cost{}
	var first *inspect.Summary
	for _, i := range s.chosenOnes() {
		p := s.programs[i]
		c := cost{Target: p.label, Instructions: len(p.Code), ABIs: []abiCost{}}
		list, err := inspect.Summarize(p.Program)
		if err != nil {
			complain(fmt.Sprintf("%s: target %s: %v", s.file, p.label, err), "the kernel would not take this program")
			return reported(1)
		}
		if len(list) > 0 {
			c.Install = inspect.InstallTime(len(p.Code), inspect.WalkSteps(p.Code, p.ABIs[0]))
			first = cmp.Or(first, &list[0])
		}
		for _, sum := range list {
			lacks := append([]string{}, inspect.Lacks(sum.ABI, first.Passes)...)
			c.ABIs = append(c.ABIs, abiCost{sum.ABI.Name, sum.Calls, sum.Mean, sum.Max, sum.Cached, lacks, len(first.Passes)})
		}
		costs = append(costs, c)
	}
	if asJSON {
		return printJSON(struct {
			Policy  string `json:"policy,omitempty"`
			Targets []cost `json:"targets"`
		}{s.name(), costs})
	}
	w := table()
	fmt.Fprintln(w, "TARGET\tINSTRUCTIONS\tINSTALL\tABI\tLET THROUGH\tSTEPS MEAN\tMAX\tCACHED")
	for _, c := range costs {
		install := "-"
		if len(c.ABIs) > 0 {
			install = fmt.Sprintf("%.0f us", c.Install)
		}
		fmt.Fprintf(w, "%s\t%d\t%s", c.Target, c.Instructions, install)
		for i, a := range c.ABIs {
			if i > 0 {
				fmt.Fprint(w, "\n\t\t")
			}
			fmt.Fprintf(w, "\t%s\t%d\t%.1f\t%d\t%d", a.ABI, a.Calls, a.Mean, a.Max, a.Cached)
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, c := range costs {
		for _, a := range c.ABIs {
			if len(a.Lacks) > 0 {
				fmt.Printf("\n%s lacks %d of the %s that %s lets through: %s\n", a.ABI, len(a.Lacks), count(a.passes, "call"), first.ABI.Name, strings.Join(a.Lacks, " "))
			}
		}
	}
	return nil
}
