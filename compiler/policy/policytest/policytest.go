// Package policytest reads the corpus of bad policies, testdata/policies/bad, for the tests of the rooms that meet them.
package policytest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A Section is a policy or profile with the files that it includes, and all its findings.
type Section struct {
	Name     string // "rules.txt/calls.yaml"
	File     string // the policy's name, whose extension tells the form
	Text     string // of the policy, then of what it includes, as Split divides them
	Findings []Finding
}

// A Finding is expected beside the line that it is about. Text is "line:column: code: message | hint", in a file that the
// policy includes with "file:" before it. Elsewhere says that the place doesn't show the word that the message quotes
// first.
type Finding struct {
	Text      string
	Elsewhere bool
}

// Read returns the sections of the text files in dir, which begin with "=== name". A line's findings stand behind it,
// "### column: code: message | hint", or "###~" for one that is elsewhere.
func Read(dir string) (sections []Section, err error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		for _, body := range strings.Split(string(text), "\n=== ")[1:] {
			name, body, _ := strings.Cut(body, "\n")
			sections = append(sections, section(filepath.Base(path), name, body))
		}
	}
	if len(sections) == 0 {
		return nil, fmt.Errorf("%s: no sections", dir)
	}
	return sections, nil
}

var divider = regexp.MustCompile(`(?m)^--- (\S+)(?:\n|\z)`)

func section(in, name, body string) Section {
	s := Section{Name: in + "/" + name, File: name}
	prefix, number := "", 0
	for line := range strings.Lines(body) {
		if m := divider.FindStringSubmatch(line); m != nil {
			prefix, number = m[1]+":", -1
		}
		number++
		line, end := strings.CutSuffix(line, "\n")
		parts := strings.Split(line, "###")
		for _, part := range parts[1:] {
			text, elsewhere := strings.CutPrefix(part, "~")
			s.Findings = append(s.Findings, Finding{fmt.Sprintf("%s%d:%s", prefix, number, strings.TrimSpace(text)), elsewhere})
		}
		if s.Text += strings.TrimRight(parts[0], " "); end {
			s.Text += "\n"
		}
	}
	return s
}

// Split divides the text of a policy and of what it includes, each behind a line "--- name". It returns the policy's own
// text, and a function that reads the others.
func Split(text string) (policy string, read func(name string) ([]byte, error)) {
	at := divider.FindAllStringSubmatchIndex(text, -1)
	included := map[string]string{}
	end := len(text)
	for i := len(at) - 1; i >= 0; i-- {
		included[text[at[i][2]:at[i][3]]] = text[at[i][1]:end]
		end = at[i][0]
	}
	return text[:end], func(name string) ([]byte, error) {
		text, ok := included[filepath.ToSlash(name)]
		if !ok {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		return []byte(text), nil
	}
}
