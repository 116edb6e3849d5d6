package main

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/policy"
)

func listSyscalls(abis []*arch.ABI, long, asJSON bool) error {
	type row struct {
		Name    string            `json:"name"`
		Numbers map[string]uint32 `json:"numbers"` // by ABI
		Since   string            `json:"since,omitempty"`
		Params  []parameter       `json:"parameters,omitempty"` // on the native ABI
	}
	byName := map[string]row{}
	for _, a := range abis {
		for _, s := range a.Syscalls() {
			r, ok := byName[s.Name]
			if !ok {
				r = row{Name: s.Name, Numbers: map[string]uint32{}}
				if v := arch.Since(s.Name); v != (arch.Version{}) {
					r.Since = v.String()
				}
				if long {
					for _, p := range abis[0].Params(s.Name) {
						r.Params = append(r.Params, parameter{p.Index, p.Name, p.Alias, p.Bits, p.Signed, p.Pointer})
					}
				}
				byName[s.Name] = r
			}
			r.Numbers[a.Name] = s.Number
		}
	}
	var rows []row
	for _, r := range byName {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b row) int {
		for _, abi := range abis { // by number, calls that the native ABI lacks last
			x, inA := a.Numbers[abi.Name]
			y, inB := b.Numbers[abi.Name]
			switch {
			case inA && inB:
				return cmp.Compare(x, y)
			case inA:
				return -1
			case inB:
				return 1
			}
		}
		return 0
	})
	if asJSON {
		return printJSON(rows)
	}
	w := table()
	head := "SYSCALL"
	for _, a := range abis {
		head += "\t" + strings.ToUpper(a.Name)
	}
	head += "\tSINCE"
	if long {
		head += "\tPARAMETERS"
	}
	fmt.Fprintln(w, head)
	for _, r := range rows {
		fmt.Fprint(w, r.Name)
		for _, a := range abis {
			if n, ok := r.Numbers[a.Name]; !ok {
				fmt.Fprint(w, "\t-")
			} else {
				fmt.Fprint(w, "\t", inspect.Number(n))
			}
		}
		fmt.Fprintf(w, "\t%s", cmp.Or(r.Since, "-"))
		for i, p := range r.Params {
			fmt.Fprint(w, map[bool]string{true: "\t", false: ", "}[i == 0], p)
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// A parameter is what a condition on it compares. Bits is 0 where that is not established.
type parameter struct {
	Argument int    `json:"argument"`
	Name     string `json:"name"`
	Alias    string `json:"alias,omitempty"`
	Bits     int    `json:"bits"`
	Signed   bool   `json:"signed"`
	Pointer  bool   `json:"pointer"`
}

func (p parameter) String() string {
	kind := fmt.Sprintf("u%d", p.Bits)
	switch {
	case p.Pointer:
		kind = "pointer"
	case p.Bits == 0:
		kind = "?"
	case p.Signed:
		kind = fmt.Sprintf("s%d", p.Bits)
	}
	return fmt.Sprintf("arg%d %s:%s", p.Argument, p.Name, kind)
}

func listConstants(abis []*arch.ABI, pattern string, asJSON bool) error {
	type row struct {
		Name   string           `json:"name"`
		Values map[string]int64 `json:"values"` // by ABI
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return usageError{fmt.Errorf("pattern %q: %w", pattern, err)}
	}
	rows := []row{}
	for _, name := range arch.Consts() {
		if ok, _ := path.Match(strings.ToUpper(pattern), strings.ToUpper(name)); !ok && pattern != "" {
			continue
		}
		r := row{name, map[string]int64{}}
		for _, a := range abis {
			if v, ok := a.Const(name); ok {
				r.Values[a.Name] = v
			}
		}
		if len(r.Values) > 0 {
			rows = append(rows, r)
		}
	}
	if asJSON {
		return printJSON(rows)
	}
	if len(rows) == 0 {
		complain(fmt.Sprintf("no constant matches %q", pattern), "a pattern is that of file names: 'AF_*'")
		return reported(1)
	}
	w := table()
	fmt.Fprint(w, "CONSTANT")
	for _, a := range abis {
		fmt.Fprint(w, "\t", strings.ToUpper(a.Name))
	}
	fmt.Fprintln(w)
	for _, r := range rows {
		fmt.Fprint(w, r.Name)
		for _, a := range abis {
			if v, ok := r.Values[a.Name]; !ok {
				fmt.Fprint(w, "\t-")
			} else if v < 0 {
				fmt.Fprintf(w, "\t%d", v)
			} else {
				fmt.Fprintf(w, "\t%d (%#x)", v, v)
			}
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// listGroups lists the built-in groups, or the members of one.
func listGroups(name string, asJSON bool) error {
	type row struct {
		Name        string   `json:"name"`
		Description string   `json:"description"`
		Members     []string `json:"members"`
	}
	var rows []row
	for _, g := range policy.Builtins() {
		if name == "" || name == g.Name {
			rows = append(rows, row{g.Name, g.Description, g.Calls})
		}
	}
	switch {
	case len(rows) == 0:
		complain(fmt.Sprintf("no group %q is built in", name), "seccompc list groups shows them")
		return reported(1)
	case asJSON:
		return printJSON(rows)
	case name != "":
		fmt.Println("#", rows[0].Description)
		for _, m := range rows[0].Members {
			fmt.Println(m)
		}
		return nil
	}
	w := table()
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\n", r.Name, r.Description)
	}
	return w.Flush()
}
