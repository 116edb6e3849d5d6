//go:build ignore

// Gencaps checks caps.csv and writes zcaps.go and the table of
// docs/answers.md. It is a part of gen.go.
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
)

// writeCaps writes the calls without a condition, by name, and all of them for
// people.
func writeCaps(s *sheet, names map[string]bool, errnos, consts *sheet) {
	has := func(s *sheet, name string) bool {
		return slices.ContainsFunc(s.rows, func(r row) bool { return r.cells[0] == name })
	}
	s.ascending(func(a, b row) int { return strings.Compare(a.cells[0], b.cells[0]) })
	b := bytes.NewBufferString("var privileges = []privilege{\n")
	var table strings.Builder
	for _, r := range s.rows {
		call, condition, capability, errno, regranted := r.cells[0], r.cells[1], r.cells[2], r.cells[3], r.cells[4]
		switch {
		case !names[call]:
			r.fail("no ABI has %q", call)
		case !strings.HasPrefix(capability, "CAP_") || !has(consts, capability):
			r.fail("no capability %q", capability)
		case !has(errnos, errno):
			r.fail("no errno %q", errno)
		case regranted != "yes" && regranted != "no":
			r.fail("bad regranted %q", regranted)
		}
		if condition == "" {
			fmt.Fprintf(b, "{%q, Privilege{%q, %q, %t}},\n", call, capability, errno, regranted == "yes")
		} else {
			condition = "`" + strings.ReplaceAll(condition, "|", `\|`) + "`"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s | %s |\n", call, condition, capability, errno, regranted)
	}
	b.WriteString("}\n")
	emit("zcaps.go", b)

	const doc, begin, end = "../docs/answers.md", "|---|---|---|---|---|\n", "\n\n"
	text, err := os.ReadFile(doc)
	if err != nil {
		log.Fatal(err)
	}
	head, rest, found := strings.Cut(string(text), begin)
	_, tail, ended := strings.Cut(rest, end)
	if !found || !ended {
		log.Fatalf("%s: no table of five columns", doc)
	}
	output[doc] = []byte(head + begin + strings.TrimSuffix(table.String(), "\n") + end + tail)
}
