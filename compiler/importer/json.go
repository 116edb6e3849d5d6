package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seccompc/seccompc/compiler/policy"
)

// A value is a JSON value with its place. encoding/json decodes into structs without one, takes keys in any letter
// case and lets a duplicate key win silently.
type value struct {
	pos    policy.Pos
	scalar any // string, json.Number, bool or nil
	fields []field
	items  []value
	kind   kind
}

type field struct {
	key policy.Word
	val value
}

type kind uint8

const (
	scalar kind = iota
	object
	array
)

func (v value) describe() string {
	switch x := v.scalar.(type) {
	case string:
		return strconv.Quote(x)
	case nil:
		return [...]string{"null", "an object", "an array"}[v.kind]
	default:
		return fmt.Sprint(x)
	}
}

const maxDepth = 32

type reader struct {
	file    string
	src     []byte
	text    string // src again: words are parts of it
	lines   []int  // offset of each line's start
	last    int    // offset whose place was asked for last, and its column
	lastCol int
	offset  int // of what is read next
	diags   policy.Diagnostics
}

func newReader(file string, src []byte) *reader {
	r := &reader{file: file, src: src, text: string(src), lines: []int{0}, lastCol: 1}
	for i, c := range src {
		if c == '\n' {
			r.lines = append(r.lines, i+1)
		}
	}
	return r
}

func (r *reader) at(offset int) policy.Pos {
	offset = min(offset, len(r.src))
	line := sort.Search(len(r.lines), func(i int) bool { return r.lines[i] > offset }) - 1
	from, col := r.lines[line], 1
	if from <= r.last && r.last <= offset { // on from the last place: a profile may be one long line
		from, col = r.last, r.lastCol
	}
	r.last, r.lastCol = offset, col+utf8.RuneCount(r.src[from:offset])
	return policy.Pos{File: r.file, Line: line + 1, Col: r.lastCol}
}

// document reads the only value of the source; ok is false after an error.
func (r *reader) document() (v value, ok bool) {
	switch {
	case len(r.src) > policy.MaxSize:
		r.diags.Errorf("file-size", policy.Pos{File: r.file}, "", "file of %d bytes: a profile has at most %d", len(r.src), policy.MaxSize)
		return v, false
	case len(bytes.TrimSpace(r.src)) == 0:
		r.diags.Errorf("file-empty", policy.Pos{File: r.file, Line: 1, Col: 1}, "", "empty file")
		return v, false
	}
	if at, deep := r.deep(); deep {
		r.diags.Errorf("json-syntax", r.at(at), "", "not JSON: nested deeper than %d levels", maxDepth)
		return v, false
	}
	if !json.Valid(r.src) {
		r.invalid()
		return v, false
	}
	v = r.value()
	return v, r.diags.Err() == nil
}

// deep finds the first bracket that too many others are open around. encoding/json has a limit too, far beyond.
func (r *reader) deep() (at int, is bool) {
	open, quoted := 0, false
	for at = 0; at < len(r.src); at++ {
		switch c := r.src[at]; {
		case quoted && c == '\\':
			at++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			if open++; open > maxDepth+1 {
				return at, true
			}
		case c == ']' || c == '}':
			open--
		}
	}
	return 0, false
}

// invalid says why the source is not one JSON value.
func (r *reader) invalid() {
	dec := json.NewDecoder(bytes.NewReader(r.src))
	err := dec.Decode(new(json.RawMessage))
	r.offset = int(dec.InputOffset())
	r.next()
	pos := r.at(r.offset)
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		r.diags.Errorf("json-documents", pos, "one profile per file", "data behind the profile")
		return
	case errors.As(err, &syntax):
		errors.As(json.Unmarshal(r.src, new(json.RawMessage)), &syntax) // the decoder's own offset is only near
		pos = r.at(max(int(syntax.Offset)-1, 0))
	default:
		err, pos = errors.New("the file ends early"), r.at(len(r.src))
	}
	r.diags.Errorf("json-syntax", pos, "", "not JSON: %v", err)
}

// next goes on to the next token, past what stands between tokens, and returns its first byte; 0 at the end.
func (r *reader) next() byte {
	for r.offset < len(r.src) && strings.IndexByte(" \t\r\n,:", r.src[r.offset]) >= 0 {
		r.offset++
	}
	if r.offset == len(r.src) {
		return 0
	}
	return r.src[r.offset]
}

// value reads the value that comes next. The source is known to be JSON.
func (r *reader) value() value {
	first := r.next()
	v := value{pos: r.at(r.offset)}
	switch first {
	case '{':
		v.kind = object
		seen := map[string]bool{}
		for r.offset++; r.next() == '"'; {
			f := field{key: policy.Word{Pos: r.at(r.offset)}}
			f.key.Text = r.string()
			if seen[f.key.Text] {
				r.diags.Errorf("duplicate-key", f.key.Pos, "", "key %q is there twice", f.key.Text)
			}
			seen[f.key.Text] = true
			f.val = r.value()
			v.fields = append(v.fields, f)
		}
		r.offset++
	case '[':
		v.kind = array
		for r.offset++; r.next() != ']'; {
			v.items = append(v.items, r.value())
		}
		r.offset++
	case '"':
		v.scalar = r.string()
	default:
		from := r.offset
		for r.offset < len(r.src) && strings.IndexByte(" \t\r\n,]}", r.src[r.offset]) < 0 {
			r.offset++
		}
		switch text := r.text[from:r.offset]; text {
		case "null":
		case "true", "false":
			v.scalar = first == 't'
		default:
			v.scalar = json.Number(text)
		}
	}
	return v
}

// string reads a string.
func (r *reader) string() (s string) {
	from, plain := r.offset, true
	for r.offset++; r.src[r.offset] != '"'; r.offset++ {
		if c := r.src[r.offset]; c == '\\' {
			r.offset++
			plain = false
		} else if c >= utf8.RuneSelf {
			plain = false
		}
	}
	r.offset++
	if plain {
		return r.text[from+1 : r.offset-1]
	}
	json.Unmarshal(r.src[from:r.offset], &s) // which can't fail
	return s
}
