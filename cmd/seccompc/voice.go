package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/seccompc/seccompc/compiler/policy"
)

// This file is the command's voice: how it says things to people, and what it says about mistakes, all of that on standard
// error unless JSON is asked for.

const (
	red    = "31;1"
	yellow = "33;1"
	green  = "32"
	bold   = "1"
)

// paint colours what goes to standard error.
func paint(code, s string) string { return colour(os.Stderr, code, s) }

// colour colours s where a person reads it.
func colour(out *os.File, code, s string) string {
	info, err := out.Stat()
	if s == "" || err != nil || info.Mode()&os.ModeCharDevice == 0 || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// plain makes what somebody wrote into a file safe for a terminal, and at most so many characters of it.
func plain(s string, most int) string {
	text := []rune(s)
	if len(text) > most {
		text = append(text[:most], []rune("...")...)
	}
	for i, r := range text {
		if !unicode.IsPrint(r) {
			text[i] = unicode.ReplacementChar
		}
	}
	return string(text)
}

// warn says what a person should know of an answer that is given all the same.
func warn(msg string) { fmt.Fprintf(os.Stderr, "seccompc: %s %s\n", paint(yellow, "warning:"), msg) }

// inJSON is whether the command line asks for JSON: then mistakes too are said so, on standard output, where a script reads.
var inJSON bool

// wantsJSON looks for --json in a command line that may be wrong.
func wantsJSON(args []string) (is bool) {
	for _, arg := range args {
		if arg == "--" {
			break
		}
		if name, value, given := strings.Cut(arg, "="); name == "--json" {
			yes, err := strconv.ParseBool(value)
			is = !given || yes || err != nil
		}
	}
	return is
}

// complain says what is wrong where no place in a file can be named. The hint may be empty. As JSON it is the whole of the answer.
func complain(msg, hint string) {
	if inJSON {
		if printJSON(struct {
			Error string `json:"error"`
			Hint  string `json:"hint,omitempty"`
		}{msg, hint}) == nil {
			return
		}
	}
	fmt.Fprintf(os.Stderr, "seccompc: %s %s\n", paint(red, "error:"), msg)
	say(hint)
}

func say(hint string) {
	if hint != "" {
		fmt.Fprintf(os.Stderr, "hint: %s\n", hint)
	}
}

// report prints findings in the order of the source, each with its line, from the texts by file, and a caret under the
// place. As JSON, errors are the whole of the answer.
func report(findings policy.Diagnostics, texts map[string][]byte) {
	if inJSON && findings.Err() != nil {
		if printJSON(struct {
			Findings []finding `json:"findings"`
		}{jsonFindings(findings)}) == nil {
			return
		}
	}
	for _, d := range findings.Sorted() {
		kind := paint(red, "error:")
		if d.Warning {
			kind = paint(yellow, "warning:")
		}
		fmt.Fprintf(os.Stderr, "%s: %s %s [%s]\n", paint(bold, d.Pos.String()), kind, d.Msg, d.Code)
		lines := strings.Split(string(texts[d.Pos.File]), "\n")
		if d.Pos.Line > 0 && d.Pos.Line <= len(lines) && strings.TrimSpace(lines[d.Pos.Line-1]) != "" {
			quote(lines[d.Pos.Line-1], d.Pos.Col)
		}
		say(d.Hint)
	}
}

// A finding is a diagnostic as JSON shows it. Line and column count from 1, columns in characters; 0 means the file as
// a whole.
type finding struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Code     string `json:"code"`
	Severity string `json:"severity"` // "error" or "warning"
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
}

func jsonFindings(findings policy.Diagnostics) []finding {
	list := []finding{}
	for _, d := range findings.Sorted() {
		list = append(list, finding{d.Pos.File, d.Pos.Line, d.Pos.Col, d.Code, severity(d.Warning), d.Msg, d.Hint})
	}
	return list
}

func severity(warning bool) string {
	if warning {
		return "warning"
	}
	return "error"
}

// quote shows a line and a caret under its column, which counts characters from 1. Of a long line it shows the part
// around the caret.
func quote(line string, col int) {
	const width = 100
	text := []rune(strings.TrimRight(line, "\r"))
	from, to := 0, len(text)
	before, after := "", ""
	if len(text) > width {
		from = max(0, min(col-1, len(text))-width/2)
		to = min(len(text), from+width)
		if from > 0 {
			before = "..."
		}
		if to < len(text) {
			after = "..."
		}
	}
	var shown, pad strings.Builder
	for i := from; i < to; i++ {
		r := text[i]
		blank := ' '
		switch {
		case r == '\t':
			blank = '\t' // as wide as above
		case !unicode.IsPrint(r):
			r = unicode.ReplacementChar // the file may be hostile to terminals
		}
		shown.WriteRune(r)
		if i < col-1 {
			pad.WriteRune(blank)
		}
	}
	fmt.Fprintf(os.Stderr, "    %s%s%s\n", before, shown.String(), after)
	fmt.Fprintf(os.Stderr, "    %s%s%s\n", strings.Repeat(" ", len(before)), pad.String(), paint(red, "^"))
}
