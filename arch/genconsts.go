//go:build ignore

// Genconsts checks consts.csv and writes zconsts.go. It is a part of gen.go.
package main

import (
	"bytes"
	"fmt"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// source matches a header of the kernel or the words for one of libc.
var source = regexp.MustCompile(`^(include/)?(asm|linux|mtd)/[a-z0-9_/-]+\.h$|^libc [a-z/]+\.h(: [A-Z0-9_]+)?$`)

// writeConsts writes a row per line of consts.csv, with the bits of its tables.
func writeConsts(s *sheet, tables []string) {
	var b bytes.Buffer
	b.WriteString("var consts = []constant{\n")
	for i := 0; i < len(s.rows); {
		end := i + 1
		for end < len(s.rows) && s.rows[end].cells[0] == s.rows[i].cells[0] {
			end++
		}
		if i > 0 && s.rows[i].cells[0] < s.rows[i-1].cells[0] {
			s.rows[i].fail("not in order")
		}
		writeConst(&b, s.rows[i:end], tables)
		i = end
	}
	b.WriteString("}\n")
	emit("zconsts.go", &b)
}

// writeConst writes the rows of one name.
func writeConst(b *bytes.Buffer, rows []row, tables []string) {
	values := map[int64]bool{}
	masks := make([]uint32, len(rows))
	var listed uint32 // tables that a row names, with or without a minus sign
	for i, r := range rows {
		value, err := strconv.ParseInt(r.cells[1], 0, 64)
		if err != nil || values[value] {
			r.fail("bad or repeated value %q", r.cells[1])
		}
		values[value] = true
		if !token.IsIdentifier(r.cells[0]) || !source.MatchString(r.cells[3]) {
			r.fail("bad name %q or source %q", r.cells[0], r.cells[3])
		}
		words := strings.Fields(r.cells[2])
		others := i == 0 && len(words) > 0 && words[0] == "*"
		if others {
			words = words[1:]
		}
		for _, word := range words {
			table, minus := strings.CutPrefix(word, "-")
			at := slices.Index(tables, table)
			if at < 0 || minus != others || listed>>at&1 != 0 {
				r.fail("bad %q: no such table, there already, or a minus sign without * in the first row", word)
			}
			listed |= 1 << at
			if !minus {
				masks[i] |= 1 << at
			}
		}
	}
	for i, r := range rows {
		if strings.HasPrefix(r.cells[2], "*") {
			masks[i] = (1<<len(tables) - 1) &^ listed
		}
		if masks[i] == 0 {
			r.fail("no table has this value")
		}
		fmt.Fprintf(b, "{%q, %s, %#x},\n", r.cells[0], r.cells[1], masks[i])
	}
}
