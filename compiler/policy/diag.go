package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Pos is a place in a source file. Line and Col count from 1, Col in characters; zero means unknown.
type Pos struct {
	File      string
	Line, Col int
}

func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Compare orders places as they stand in the sources: by file, line and column. It returns -1, 0 or 1, as cmp.Compare
// does.
func (p Pos) Compare(q Pos) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Col, q.Col))
}

// A Diagnostic is one finding about a policy: an error, or a warning where Warning is set. Code is its kind, words in
// kebab case that later versions keep. Msg says what is wrong with the value in quotes, Hint what to do; both are single
// lines in lower case without a final period.
type Diagnostic struct {
	Pos     Pos
	Code    string
	Warning bool
	Msg     string
	Hint    string
}

// Diagnostics collects findings. As an error it prints one line each.
type Diagnostics []Diagnostic

// Errorf adds an error. The hint may be empty.
func (d *Diagnostics) Errorf(code string, pos Pos, hint, format string, args ...any) {
	*d = append(*d, Diagnostic{Pos: pos, Code: code, Msg: message(format, args), Hint: hint})
}

// Warnf adds a warning. The hint may be empty.
func (d *Diagnostics) Warnf(code string, pos Pos, hint, format string, args ...any) {
	*d = append(*d, Diagnostic{Pos: pos, Code: code, Warning: true, Msg: message(format, args), Hint: hint})
}

// message formats what is said of pieces of the source, which may be a whole file long.
func message(format string, args []any) string {
	const most = 120
	for i, a := range args {
		s, ok := a.(string)
		if e, isExpr := a.(*Expr); isExpr {
			s, ok = e.String(), true
		}
		if r := []rune(s); ok && len(r) > most {
			args[i] = string(r[:most]) + "..."
		}
	}
	return fmt.Sprintf(format, args...)
}

// Err returns d as an error if it holds any error, else nil: warnings alone are no reason to fail.
func (d Diagnostics) Err() error {
	for _, x := range d {
		if !x.Warning {
			return d
		}
	}
	return nil
}

// Sorted returns the findings in the order of the source, each once: what several ABIs meet in one place differs in the
// hint at most.
func (d Diagnostics) Sorted() Diagnostics {
	s := slices.Clone(d)
	slices.SortStableFunc(s, func(a, b Diagnostic) int {
		return cmp.Or(a.Pos.Compare(b.Pos), cmp.Compare(a.Msg, b.Msg))
	})
	return slices.CompactFunc(s, func(a, b Diagnostic) bool {
		return a.Pos == b.Pos && a.Code == b.Code && a.Warning == b.Warning && a.Msg == b.Msg
	})
}

func (d Diagnostics) Error() string {
	var lines []string
	for _, x := range d.Sorted() {
		kind := ""
		if x.Warning {
			kind = "warning: "
		}
		lines = append(lines, fmt.Sprintf("%s: %s%s", x.Pos, kind, x.Msg))
	}
	return strings.Join(lines, "\n")
}

// Suggest returns a hint naming the candidate nearest to word, or "" when none is near: at most a third of its
// letters differ, and at most three.
func Suggest(word string, candidates []string) string {
	best, at := "", min(len(word)/3, 3)+1
	for _, c := range candidates {
		if len(c) > len(word)+at || len(word) > len(c)+at {
			continue
		}
		if n := distance(word, c); n < at {
			best, at = c, n
		}
	}
	if best == "" || best == word {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// distance is the optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
func distance(a, b string) int {
	if max(len(a), len(b)) > 64 {
		return 64
	}
	var rows [65][65]int
	for i := range len(a) + 1 {
		rows[i][0] = i
	}
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
