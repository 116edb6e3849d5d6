//go:build ignore

// Genparams checks params.csv and writes zparams.go. It is a part of gen.go.
package main

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// raw matches what a policy calls a whole register, which no parameter may be
// called: prctl's arg2 is register 1.
var raw = regexp.MustCompile(`^arg[0-9]+$`)

// writeParams writes a row per line of params.csv, with a bit per table: 20
// tables of rows would hold the same thing 20 times.
func writeParams(s *sheet, tables []string, syscalls *sheet) {
	has := map[string]map[string]bool{} // call, table
	for _, r := range syscalls.rows {
		call := r.cells[2]
		if has[call] == nil {
			has[call] = map[string]bool{}
		}
		has[call][r.cells[0]] = true
	}
	s.ascending(func(a, b row) int {
		// One call's parameters stand together, by position; what else has to differ is checked below.
		if c := strings.Compare(a.cells[1], b.cells[1]); c != 0 {
			return c
		}
		if a.uint(2, 8) > b.uint(2, 8) {
			return 1
		}
		return -1
	})
	taken := map[string]bool{}
	take := func(r row, table, what string) {
		key := table + " " + r.cells[1] + " " + what
		if taken[key] {
			r.fail("%s has %s of %s already", table, what, r.cells[1])
		}
		taken[key] = true
	}
	var b bytes.Buffer
	b.WriteString("var params = []param{\n")
	for _, r := range s.rows {
		call, index, name, alias, ctype, bits, signed := r.cells[1], r.uint(2, 8), r.cells[3], r.cells[4], r.cells[5], r.cells[6], r.cells[7]
		if index > 5 {
			r.fail("index %d", index)
		}
		if name == "" || ctype == "" || name == alias || raw.MatchString(name) || raw.MatchString(alias) {
			r.fail("bad name %q, alias %q or type %q", name, alias, ctype)
		}
		width, known := map[string]int{"16": 16, "32": 32, "reg": 0, "pointer": 0, "": 0}[bits]
		if !known || (signed == "") != (bits == "" || bits == "pointer") || signed != "" && signed != "yes" && signed != "no" {
			r.fail("bad used_bits %q or signed %q", bits, signed)
		}
		var mask uint32
		for _, table := range covered(r, tables, has[call]) {
			take(r, table, fmt.Sprintf("register %d", index))
			take(r, table, name)
			if alias != "" {
				take(r, table, alias)
			}
			mask |= 1 << slices.Index(tables, table)
		}
		fmt.Fprintf(&b, "{%#x, %q, Param{%q, %q, %d, %q, %d, %t, %t, %t}},\n", mask, call, name, alias, index, ctype,
			width, signed == "yes", bits == "pointer", bits != "")
	}
	b.WriteString("}\n")
	emit("zparams.go", &b)
}

// covered returns the tables a row speaks of: those it lists, or "*", all that
// have the call, but those listed with a minus sign.
func covered(r row, tables []string, has map[string]bool) []string {
	var list []string
	words := strings.Fields(r.cells[0])
	for _, table := range tables {
		if slices.Contains(words, table) || len(words) > 0 && words[0] == "*" && has[table] && !slices.Contains(words, "-"+table) {
			list = append(list, table)
		}
	}
	for i, w := range words {
		table := strings.TrimPrefix(w, "-")
		if w == "*" && i == 0 {
			continue
		}
		if !has[table] || (w == table) == (words[0] == "*") || slices.Contains(words[:i], w) {
			r.fail("bad %q in %q: no such table, or it lacks %s", w, r.cells[0], r.cells[1])
		}
	}
	if len(list) == 0 {
		r.fail("no ABI has %q", r.cells[1])
	}
	return list
}
