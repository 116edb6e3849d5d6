package blob

import (
	"encoding/binary"
	"errors"
	"math"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sizes in the rule table.
const (
	rulesSize = 8 // its head
	lineSize  = 8
	rangeSize = 6
	maxPath   = 4096
	maxLine   = 1 << 24
)

// checkRules checks what the rule table says: whether it can be encoded, and all that its bytes alone don't tell.
func (b *Blob) checkRules() error {
	if len(b.Sources) > math.MaxUint16 || len(b.Lines) > math.MaxUint16 {
		return errorf("%d sources, %d lines", len(b.Sources), len(b.Lines))
	}
	for i, s := range b.Sources {
		if !relative(s) || slices.Contains(b.Sources[:i], s) {
			return errorf("source %q", s)
		}
	}
	for i, l := range b.Lines {
		switch {
		case l.Source < 0 || l.Source >= len(b.Sources) || l.Number < 1 || l.Number > maxLine:
			return errorf("line %d is %d of source %d", i, l.Number, l.Source)
		case i > 0 && (b.Lines[i-1].Source > l.Source || b.Lines[i-1].Source == l.Source && b.Lines[i-1].Number >= l.Number):
			return errorf("line %d does not come behind the one before it", i)
		case len(l.Ranges) < 1 || len(l.Ranges) > math.MaxUint16:
			return errorf("line %d has %d ranges", i, len(l.Ranges))
		}
		before := Range{Target: -1}
		for _, r := range l.Ranges {
			switch {
			case r.Target < 0 || r.Target >= len(b.Targets) || r.First < 0 || r.First > r.Last || r.Last >= b.Targets[r.Target].Instructions():
				return errorf("line %d: instructions %d to %d of target %d", i, r.First, r.Last, r.Target)
			case r.Target < before.Target || r.Target == before.Target && r.First <= before.Last+1:
				return errorf("line %d: a range from %d on does not come behind the one before it", i, r.First)
			}
			before = r
		}
	}
	for _, t := range b.Targets {
		for j, n := range t.Lines {
			if n < 0 || n > len(b.Lines) || n > 0 && t.Allows>>j&1 != 0 {
				return errorf("target %q names line %d of %d", t.Label, n, len(b.Lines))
			}
		}
	}
	return nil
}

// relative reports whether a path is one that a blob may hold.
func relative(p string) bool {
	odd := func(r rune) bool { return unicode.IsControl(r) || r == '\\' }
	return p != "" && len(p) <= maxPath && p[0] != '/' && p != "." && path.Clean(p) == p && utf8.ValidString(p) && !strings.ContainsFunc(p, odd)
}

func (b *Blob) encodeRules() ([]byte, error) {
	if err := b.checkRules(); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	var ranges []byte
	out := make([]byte, rulesSize)
	le.PutUint16(out, uint16(len(b.Sources)))
	le.PutUint16(out[2:], uint16(len(b.Lines)))
	for _, l := range b.Lines {
		out = le.AppendUint16(out, uint16(l.Source))
		out = le.AppendUint16(out, uint16(len(l.Ranges)))
		out = le.AppendUint32(out, uint32(l.Number))
		for _, r := range l.Ranges {
			ranges = le.AppendUint16(ranges, uint16(r.Target))
			ranges = le.AppendUint16(ranges, uint16(r.First))
			ranges = le.AppendUint16(ranges, uint16(r.Last))
		}
	}
	le.PutUint32(out[4:], uint32(len(ranges)/rangeSize))
	out = append(out, ranges...)
	for _, s := range b.Sources {
		out = le.AppendUint16(out, uint16(len(s)))
	}
	return append(out, strings.Join(b.Sources, "")...), nil
}

func (b *Blob) decodeRules(data []byte) error {
	le := binary.LittleEndian
	if len(data) < rulesSize {
		return errorf("truncated: %d bytes", len(data))
	}
	sources, lines, ranges := int(le.Uint16(data)), int(le.Uint16(data[2:])), uint64(le.Uint32(data[4:]))
	lengths := rulesSize + lineSize*uint64(lines) + rangeSize*ranges
	if text := lengths + 2*uint64(sources); text > uint64(len(data)) {
		return errorf("%d lines, %d ranges and %d sources in %d bytes", lines, ranges, sources, len(data))
	}
	rest := data[rulesSize+lineSize*lines : lengths]
	for i := range lines {
		l := data[rulesSize+lineSize*i:]
		n := rangeSize * int(le.Uint16(l[2:]))
		if n > len(rest) {
			return errors.New("the lines have more ranges than there are")
		}
		b.Lines = append(b.Lines, Line{Source: int(le.Uint16(l)), Number: int(le.Uint32(l[4:]))})
		for r := range slices.Chunk(rest[:n], rangeSize) {
			b.Lines[i].Ranges = append(b.Lines[i].Ranges, Range{int(le.Uint16(r)), int(le.Uint16(r[2:])), int(le.Uint16(r[4:]))})
		}
		rest = rest[n:]
	}
	if len(rest) > 0 {
		return errors.New("there are more ranges than the lines have")
	}
	text := data[lengths+2*uint64(sources):]
	for i := range sources {
		n := int(le.Uint16(data[int(lengths)+2*i:]))
		if n > len(text) {
			return errors.New("the sources are longer than the table")
		}
		b.Sources = append(b.Sources, string(text[:n]))
		text = text[n:]
	}
	if len(text) > 0 {
		return errorf("%d bytes behind the last source", len(text))
	}
	return b.checkRules()
}
