package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/inspect"
)

// An abiTable is what a program decides about the calls of an ABI, and of those that have the same table.
type abiTable struct {
	ABIs []abiName `json:"abis"`
	Rows []rowLine `json:"rows"`
}

type abiName struct {
	ABI    string      `json:"abi,omitempty"` // none: architectures that the program has no ABI for
	Arches [][2]uint32 `json:"arches,omitempty"`
	Target string      `json:"target"`
}

// A rowLine is calls that meet one action. The numbers are of those without a name, from and to.
type rowLine struct {
	Action    string      `json:"action"`
	If        string      `json:"if"` // empty: whatever the arguments, unless entangled
	Entangled bool        `json:"entangled,omitempty"`
	Calls     []string    `json:"calls"`
	Numbers   [][2]uint32 `json:"numbers"`
	set       inspect.Set
}

// tabulate shows what the programs of a file decide about every call; target chooses a program, or one of its ABIs.
func tabulate(file, target string, long, asJSON bool) error {
	s, err := open(file, target, 2)
	if err != nil {
		return err
	}
	abi := arch.Lookup(target)
	if s.blob == nil || abi != nil && len(s.programs) == 1 && len(s.programs[0].ABIs) == 1 {
		abi = nil
	}
	chosen := func(p program) bool {
		return target == "" || s.blob == nil || p.label == target || abi != nil && slices.Contains(p.ABIs, abi)
	}
	if !slices.ContainsFunc(s.programs, chosen) {
		complain(fmt.Sprintf("%s: no program for %q", s.file, target), "it has "+strings.Join(s.labels(), ", "))
		return reported(2)
	}
	tables := []abiTable{}
	for _, p := range s.programs {
		if !chosen(p) {
			continue
		}
		rows, err := inspect.Table(p.Program)
		if err != nil {
			complain(fmt.Sprintf("%s, target %s: %v", file, safe(p.label), err), "seccompc disasm lists its instructions")
			return reported(2)
		}
		for len(rows) > 0 {
			n := 1
			for n < len(rows) && rows[n].ABI == rows[0].ABI && slices.Equal(rows[n].Arches, rows[0].Arches) {
				n++
			}
			if one := rows[0].ABI; abi == nil || p.label == target || one == abi {
				tables = addTable(tables, p.label, rows[:n])
			}
			rows = rows[n:]
		}
	}
	if asJSON {
		return printJSON(struct {
			File   string     `json:"file"`
			Policy string     `json:"policy,omitempty"`
			Tables []abiTable `json:"tables"`
		}{file, s.name(), tables})
	}
	out := bufio.NewWriter(os.Stdout)
	if long {
		longTables(out, tables)
	} else {
		shortTables(out, tables)
	}
	return out.Flush()
}

// addTable adds an ABI's table, or its name to one that is the same.
func addTable(tables []abiTable, target string, rows []inspect.Row) []abiTable {
	name := abiName{Arches: pairs(rows[0].Arches), Target: target}
	if rows[0].ABI != nil {
		name.ABI = rows[0].ABI.Name
	}
	var lines []rowLine
	for _, r := range rows {
		l := rowLine{r.Action.String(), r.If, r.Entangled, append([]string{}, r.Calls...), pairs(r.Numbers), r.Set}
		if r.ABI != nil {
			l.Action = r.Action.Format(r.ABI)
		}
		if l.set.Rest == inspect.EveryNumber { // each ABI has its own
			l.Calls, l.Numbers = []string{}, [][2]uint32{{0, 0xffffffff}}
		}
		lines = append(lines, l)
	}
	same := func(t abiTable) bool {
		return slices.EqualFunc(t.Rows, lines, func(a, b rowLine) bool {
			rest := a.set.Rest == b.set.Rest && (a.set.Rest != inspect.SomeNumbers || slices.Equal(a.Numbers, b.Numbers))
			return a.Action == b.Action && a.If == b.If && !a.Entangled && !b.Entangled && slices.Equal(a.Calls, b.Calls) && rest
		})
	}
	if i := slices.IndexFunc(tables, same); i >= 0 {
		tables[i].ABIs = append(tables[i].ABIs, name)
		return tables
	}
	return append(tables, abiTable{[]abiName{name}, lines})
}

// heads names the tables: by the ABIs, and by the program where it is not that of all with this name.
func heads(tables []abiTable) [][]string {
	plain := func(n abiName) string {
		switch {
		case n.ABI != "":
			return n.ABI
		case len(n.Arches) == 1 && n.Arches[0][0] == n.Arches[0][1]:
			return fmt.Sprintf("architecture %#x", n.Arches[0][0])
		case len(n.Arches) > 0:
			return "other architectures"
		}
		return "all architectures"
	}
	in := map[string]map[int]bool{}
	for i, t := range tables {
		for _, n := range t.ABIs {
			if in[plain(n)] == nil {
				in[plain(n)] = map[int]bool{}
			}
			in[plain(n)][i] = true
		}
	}
	list := make([][]string, len(tables))
	for i, t := range tables {
		for _, n := range t.ABIs {
			head := plain(n)
			if len(in[head]) > 1 && head != n.Target {
				head += " in " + safe(n.Target)
			}
			if !slices.Contains(list[i], head) {
				list[i] = append(list[i], head)
			}
		}
	}
	return list
}

// numbered are the calls of a row without a name, in words.
func (r rowLine) numbered() []string {
	var list []string
	switch {
	case r.set.Rest == inspect.EveryNumber:
		return []string{"every call"}
	case r.set.Rest == inspect.UnnamedNumbers:
		return []string{"every number without a name"}
	case r.set.ABI == nil && r.set.Arches == nil:
		return []string{"some calls"}
	}
	for _, n := range r.Numbers {
		list = append(list, numerals(n))
	}
	return list
}

func (r rowLine) condition() string {
	switch {
	case r.Entangled:
		return "if too entangled to print"
	case r.If != "":
		return "if " + r.If
	}
	return ""
}

// shortTables prints as many calls to a line as there is room for, each with the action and the condition.
func shortTables(w io.Writer, tables []abiTable) {
	names := heads(tables)
	for i, t := range tables {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, colour(os.Stdout, bold, strings.Join(names[i], ", ")))
		width := 0
		for _, r := range t.Rows {
			width = max(width, len(r.Action))
		}
		for _, r := range t.Rows {
			for line := range strings.SplitSeq(wrap(strings.Join(append(slices.Clone(r.Calls), r.numbered()...), ", "), 96-width, ""), "\n") {
				text := fmt.Sprintf("  %-*s  %s", width, r.Action, strings.TrimSuffix(line, ","))
				fmt.Fprintln(w, strings.TrimRight(text+"  "+r.condition(), " "))
			}
		}
	}
}

// longTables prints a line for each call, with all that is known of it.
func longTables(w io.Writer, tables []abiTable) {
	var lines [][4]string
	names := heads(tables)
	for i, t := range tables {
		head := strings.ReplaceAll(strings.Join(names[i], ","), " ", "-") // one word
		for _, r := range t.Rows {
			for _, call := range append(slices.Clone(r.Calls), r.numbered()...) {
				lines = append(lines, [4]string{head, r.Action, call, r.condition()})
			}
		}
	}
	var width [4]int
	for _, l := range lines {
		for i, cell := range l {
			width[i] = max(width[i], len(cell))
		}
	}
	for _, l := range lines {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%-*s  %-*s  %-*s  %s", width[0], l[0], width[1], l[1], width[2], l[2], l[3]), " "))
	}
}
