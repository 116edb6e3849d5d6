package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// MaxSize is the most a policy file may hold, in bytes.
const MaxSize = 1 << 20

// A parser reads one file: a policy or a fragment that it includes.
type parser struct {
	*shared
	file  string
	chain []string // the files whose includes led here, outermost first
	lines [][]rune // of the source, without a byte order mark, as the YAML parser counts columns
	diags Diagnostics
}

// shared is what the files of a policy have in common.
type shared struct {
	pol  *Policy
	read func(string) ([]byte, error)
	size int // of all files read, as often as they were
}

// pos is where a node begins. The YAML parser puts what isn't there behind the end of the file.
func (p *parser) pos(n *yaml.Node) Pos {
	if n.Line > len(p.lines) {
		return Pos{p.file, len(p.lines), len(p.lines[len(p.lines)-1]) + 1}
	}
	return Pos{p.file, n.Line, n.Column}
}

func (p *parser) errorf(code string, n *yaml.Node, hint, format string, args ...any) {
	p.diags.Errorf(code, p.pos(n), hint, format, args...)
}

// document returns the top-level mapping of the only YAML document in src, or nil after an error.
func (p *parser) document(src []byte) *yaml.Node {
	top := Pos{p.file, 1, 1}
	switch {
	case len(src) > MaxSize:
		p.diags.Errorf("file-size", Pos{File: p.file}, "", "file of %d bytes: a policy has at most %d", len(src), MaxSize)
		return nil
	case p.size+len(src) > MaxSize:
		p.diags.Errorf("file-size", Pos{File: p.file}, "", "a policy and what it includes, as often as it does, have at most %d bytes together", MaxSize)
		return nil
	case !utf8.Valid(src):
		p.diags.Errorf("file-encoding", Pos{File: p.file}, "", "not UTF-8 text")
		return nil
	case len(bytes.TrimSpace(src)) == 0:
		p.diags.Errorf("file-empty", top, "a policy starts with seccompc: 1", "empty file")
		return nil
	}
	p.size += len(src)
	if !slices.ContainsFunc(p.pol.Sources, func(s Source) bool { return s.Name == p.file }) {
		p.pol.Sources = append(p.pol.Sources, Source{p.file, src})
	}
	for line := range strings.SplitSeq(strings.TrimPrefix(string(src), "\uFEFF"), "\n") {
		p.lines = append(p.lines, []rune(line))
	}
	if !p.characters() {
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			p.diags.Errorf("file-empty", top, "a policy starts with seccompc: 1", "no YAML in the file")
		} else {
			p.syntax(err)
		}
		return nil
	}
	switch err := dec.Decode(&second); {
	case err == nil:
		p.errorf("yaml-documents", &second, "one policy per file", "second YAML document")
		return nil
	case !errors.Is(err, io.EOF):
		p.syntax(err)
		return nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		p.errorf("expected-mapping", root, "a policy starts with seccompc: 1", "a policy is a YAML mapping, this is %s", kind(root))
		return nil
	}
	return root
}

// characters refuses control characters, which editors hide or obey, and line breaks that YAML knows and editors don't:
// what follows them may look like part of a comment.
func (p *parser) characters() bool {
	for i, line := range p.lines {
		for j, r := range line {
			end := r == '\r' && j == len(line)-1
			hidden := unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == '\uFEFF'
			if r == '\t' || end || !hidden {
				continue
			}
			p.diags.Errorf("control-character", Pos{p.file, i + 1, j + 1}, "take it out; lines end in LF or CRLF", "control character %q", r)
			return false
		}
	}
	return true
}

var (
	yamlLine  = regexp.MustCompile(`(?s)^yaml: (?:line (\d+): )?(.*)$`)
	bareGroup = regexp.MustCompile(`(?:^|[\s\[,:-])(@[\w-]*)`)
)

// syntax reports an error of the YAML parser, whose only trace of a position is a line number in its text.
func (p *parser) syntax(err error) {
	line, msg := 1, err.Error()
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		msg = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
		if strings.HasPrefix(msg, "did not find expected") { // of the parser, which counts from 0; the scanner from 1
			line++
		}
	}
	line = min(line, len(p.lines))
	text := string(p.lines[line-1])
	column := func(offset int) Pos { return Pos{p.file, line, utf8.RuneCountInString(text[:offset]) + 1} }
	if strings.Contains(msg, "cannot start any token") {
		if m := bareGroup.FindStringSubmatchIndex(text); m != nil {
			hint := fmt.Sprintf("put it in quotes: %q", text[m[2]:m[3]])
			p.diags.Errorf("yaml-quotes", column(m[2]), hint, "YAML can't start a word with %q", "@")
			return
		}
		indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
		if tab := strings.IndexByte(indent, '\t'); tab >= 0 {
			p.diags.Errorf("yaml-tabs", column(tab), "indent with spaces", "YAML does not indent with tabs")
			return
		}
	}
	p.diags.Errorf("yaml-syntax", column(0), "", "not YAML: %s", msg)
}

func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		if n.Tag == "!!null" && n.Value == "" {
			return "empty"
		}
		return strconv.Quote(n.Value)
	}
	return "no value"
}

// strict refuses the parts of YAML that say one thing in two ways or hide what they say.
func (p *parser) strict(n *yaml.Node, depth int) bool {
	ok := true
	fail := func(code, hint, format string, args ...any) {
		p.errorf(code, n, hint, format, args...)
		ok = false
	}
	switch {
	case depth > maxDepth:
		fail("yaml-depth", "", "nested deeper than %d levels", maxDepth)
		return false
	case n.Kind == yaml.AliasNode:
		fail("yaml-alias", "write the value out, or make it a group", "alias %q: a policy has no aliases", "*"+n.Value)
		return false
	case n.Anchor != "":
		fail("yaml-anchor", "write the value out, or make it a group", "anchor %q: a policy has no anchors", "&"+n.Anchor)
	case n.Style&yaml.TaggedStyle != 0 || p.startsWith(n, '!'): // a lone ! is a tag that leaves no trace in the node
		tag := n.Tag
		if n.Style&yaml.TaggedStyle == 0 {
			tag = "!"
		}
		fail("yaml-tag", "a condition that starts with ! needs quotes: '!(arg0 == 1)'", "YAML tag %q: a policy has no tags", tag)
	case n.Kind == yaml.ScalarNode && n.Tag == "!!merge":
		fail("yaml-merge", "write the keys out", "merge key %q: a policy has no merges", n.Value)
	case n.Kind == yaml.ScalarNode && n.Tag == "!!float" && n.Style == 0:
		fail("yaml-float", fmt.Sprintf("put it in quotes if it is meant as text: %q", n.Value), "%q is a floating-point number to YAML", n.Value)
	}
	if n.Kind == yaml.MappingNode {
		seen := map[string]*yaml.Node{}
		for i := 0; i < len(n.Content); i += 2 {
			k := n.Content[i]
			if k.Kind != yaml.ScalarNode {
				p.errorf("expected-word", k, "", "a key is a word, this is %s", kind(k))
				return false
			}
			if first := seen[k.Value]; first != nil {
				p.errorf("duplicate-key", k, "", "key %q is already on line %d", k.Value, first.Line)
				ok = false
			}
			seen[k.Value] = k
		}
	}
	for _, c := range n.Content {
		ok = p.strict(c, depth+1) && ok
	}
	return ok
}

// startsWith reports whether the node's text in the source begins with the character.
func (p *parser) startsWith(n *yaml.Node, r rune) bool {
	line := n.Line - 1
	return line < len(p.lines) && n.Column <= len(p.lines[line]) && p.lines[line][n.Column-1] == r
}

// fields calls the function named by each key of a mapping with its value, and reports unknown keys; others are keys
// that were read before.
func (p *parser) fields(n *yaml.Node, known map[string]func(*yaml.Node), others ...string) {
	for i := 0; i < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if f := known[k.Value]; f != nil {
			f(v)
			continue
		}
		if p.remainder(v) {
			continue
		}
		var keys []string
		for name := range known {
			keys = append(keys, name)
		}
		slices.Sort(keys)
		hint := Suggest(k.Value, slices.Concat(keys, others))
		if hint == "" {
			hint = "the keys here are " + strings.Join(slices.Concat(keys, others), ", ")
		}
		p.errorf("unknown-key", k, hint, "unknown key %q", k.Value)
	}
}

// inScalar maps byte offsets in a scalar's value to places in the source. YAML folds white space and nothing else as
// long as no escape is used, so the two texts are matched by their other characters; behind an escape, all offsets map
// to its place.
func (p *parser) inScalar(n *yaml.Node) func(int) Pos {
	line, col := n.Line-1, n.Column-1
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 && line+1 < len(p.lines):
		line, col = line+1, 0
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		col++
	}
	type place struct{ line, col int }
	places := make([]place, len(n.Value)+1)
	at := place{line + 1, col + 1}
	var rest []rune
	if line < len(p.lines) {
		rest = p.lines[line][min(col, len(p.lines[line])):]
	}
	for i, r := range n.Value {
		if !unicode.IsSpace(r) {
			for { // to the next character of the source that isn't white space
				for len(rest) > 0 && unicode.IsSpace(rest[0]) {
					rest, at.col = rest[1:], at.col+1
				}
				if len(rest) > 0 || at.line >= len(p.lines) {
					break
				}
				rest, at = p.lines[at.line], place{at.line + 1, 1}
			}
			if len(rest) == 0 || rest[0] != r {
				break
			}
			places[i] = at
			rest, at.col = rest[1:], at.col+1
		}
	}
	places[len(n.Value)] = at
	for i := len(n.Value) - 1; i >= 0; i-- {
		if places[i].line == 0 { // white space, or inside a character
			places[i] = places[i+1]
		}
	}
	return func(offset int) Pos {
		pl := places[min(offset, len(n.Value))]
		return Pos{p.file, pl.line, pl.col}
	}
}
