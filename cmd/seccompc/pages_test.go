package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

//go:generate go test -run ^TestPages$ -update .

var update = flag.Bool("update", false, "write docs/seccompc")

// TestPages: docs/seccompc has a page for each command, made of its help. go generate ./cmd/seccompc writes them.
func TestPages(t *testing.T) {
	const dir = "../../docs/seccompc"
	pages := map[string][]byte{}
	r := root()
	var index bytes.Buffer
	fmt.Fprintf(&index, "# seccompc\n\n%s| | |\n|---|---|\n", description(r))
	for _, c := range r.Commands() {
		if !c.IsAvailableCommand() {
			continue
		}
		var b bytes.Buffer
		page(t, &b, c, "#")
		pages[c.Name()+".md"] = append(bytes.TrimSpace(b.Bytes()), '\n')
		fmt.Fprintf(&index, "| [%s](%s.md) | %s |\n", c.Name(), c.Name(), escape(c.Short))
	}
	pages["README.md"] = index.Bytes()
	if len(pages) < 8 {
		t.Fatalf("%d pages", len(pages))
	}
	if *update {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		for name, text := range pages {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	there, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range there {
		if pages[e.Name()] == nil {
			if *update {
				err = os.Remove(filepath.Join(dir, e.Name()))
			}
			if !*update || err != nil {
				t.Errorf("%s/%s is the page of no command (error %v)", dir, e.Name(), err)
			}
		}
	}
	for name, text := range pages {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s/%s is not what the help says (error %v): go generate ./cmd/seccompc writes it", dir, name, err)
		}
	}
}

// page writes a command's page, and its subcommands' below.
func page(t *testing.T, b *bytes.Buffer, c *cobra.Command, level string) {
	fmt.Fprintf(b, "%s %s\n\n%s.\n\n", level, c.CommandPath(), escape(c.Short))
	if !c.HasAvailableSubCommands() {
		fmt.Fprintf(b, "```text\n%s\n```\n\n", c.UseLine())
	}
	b.WriteString(description(c))
	if c.HasExample() {
		b.WriteString("Examples:\n\n```sh\n")
		for line := range strings.Lines(c.Example) {
			if line = strings.TrimPrefix(line, "  "); !strings.HasPrefix(line, c.CommandPath()) {
				t.Errorf("%s: the example is one of another command: %s", c.CommandPath(), line)
			}
			b.WriteString(line)
		}
		b.WriteString("\n```\n\n")
	}
	if c.HasAvailableLocalFlags() {
		fmt.Fprintf(b, "Flags:\n\n```text\n%s```\n\n", c.LocalFlags().FlagUsages())
	}
	for _, sub := range c.Commands() {
		page(t, b, sub, level+"#")
	}
}

// description is a command's long help in Markdown: indented lines become a block, and exit codes a table. A command that
// names no exit codes has those of seccompc.
func description(c *cobra.Command) string {
	const codes = "Exit codes: "
	long := c.Long
	if !strings.Contains(long, codes) && !c.HasAvailableSubCommands() {
		long += c.Root().Long[strings.Index(c.Root().Long, "\n\n"+codes):]
	}
	if long == "" {
		return ""
	}
	var b strings.Builder
	for part := range strings.SplitSeq(strings.TrimLeft(long, "\n"), "\n\n") {
		words, isCodes := strings.CutPrefix(part, codes)
		switch {
		case isCodes:
			b.WriteString("| exit code | |\n|---|---|\n")
			for code := range strings.SplitSeq(strings.TrimSuffix(strings.ReplaceAll(words, "\n", " "), "."), "; ") {
				n, meaning, _ := strings.Cut(code, " ")
				fmt.Fprintf(&b, "| %s | %s |\n", n, escape(meaning))
			}
		case strings.HasPrefix(part, "  "):
			fmt.Fprintf(&b, "```text\n%s\n```\n", part)
		default:
			b.WriteString(escape(part) + "\n")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// escape keeps what Markdown would take for its own.
func escape(s string) string {
	var b strings.Builder
	for _, c := range s {
		if slices.Contains([]rune("\\`*_<>[]|#"), c) {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}
