package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	lines   []int // offset of each line's start
	last    int   // offset whose place was asked for last, and its column
	lastCol int
	dec     *json.Decoder
	diags   policy.Diagnostics
}

func newReader(file string, src []byte) *reader {
	r := &reader{file: file, src: src, lines: []int{0}, lastCol: 1, dec: json.NewDecoder(bytes.NewReader(src))}
	for i, c := range src {
		if c == '\n' {
			r.lines = append(r.lines, i+1)
		}
	}
	r.dec.UseNumber()
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

// next is the place of the token that comes next.
func (r *reader) next() policy.Pos {
	at := int(r.dec.InputOffset())
	for at < len(r.src) && strings.IndexByte(" \t\r\n,:", r.src[at]) >= 0 {
		at++
	}
	return r.at(at)
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
	v, err := r.value(0)
	if err == nil {
		pos := r.next()
		if _, more := r.dec.Token(); !errors.Is(more, io.EOF) {
			r.diags.Errorf("json-documents", pos, "one profile per file", "data behind the profile")
			return v, false
		}
		return v, r.diags.Err() == nil
	}
	pos := r.next()
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		errors.As(json.Unmarshal(r.src, new(json.RawMessage)), &syntax) // the decoder's own offset is only near
		pos = r.at(max(int(syntax.Offset)-1, 0))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("the file ends early")
	}
	r.diags.Errorf("json-syntax", pos, "", "not JSON: %v", err)
	return v, false
}

func (r *reader) value(depth int) (value, error) {
	v := value{pos: r.next()}
	if depth > maxDepth {
		return v, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	tok, err := r.dec.Token()
	if err != nil {
		return v, err
	}
	switch tok {
	case json.Delim('{'):
		v.kind = object
		seen := map[string]bool{}
		for r.dec.More() {
			f := field{key: policy.Word{Pos: r.next()}}
			key, err := r.dec.Token()
			if err != nil {
				return v, err
			}
			f.key.Text = key.(string) // the decoder accepts no other key
			if seen[f.key.Text] {
				r.diags.Errorf("duplicate-key", f.key.Pos, "", "key %q is there twice", f.key.Text)
			}
			seen[f.key.Text] = true
			if f.val, err = r.value(depth + 1); err != nil {
				return v, err
			}
			v.fields = append(v.fields, f)
		}
		_, err = r.dec.Token()
	case json.Delim('['):
		v.kind = array
		for r.dec.More() {
			item, err := r.value(depth + 1)
			if err != nil {
				return v, err
			}
			v.items = append(v.items, item)
		}
		_, err = r.dec.Token()
	default:
		v.scalar = tok
	}
	return v, err
}
