package compiler

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// place is a line of a source.
type place struct{ source, line int }

// trace fills in the blob's table from the policy's lines to instructions, and which lines decide about the calls that
// loaders make.
func (r *Result) trace() {
	sources := map[string]int{} // by the file's name
	for _, s := range r.Policy.Sources {
		path := beside(r.Policy.File, s.Name)
		i := slices.Index(r.Blob.Sources, path)
		if i < 0 {
			i = len(r.Blob.Sources)
			r.Blob.Sources = append(r.Blob.Sources, path)
		}
		sources[s.Name] = i
	}
	at := func(p policy.Pos) place { return place{sources[p.File], p.Line} }
	lines := map[place][]blob.Range{}
	for i, t := range r.Targets {
		reached := map[place][]bool{} // of the target's program
		for _, f := range t.Filters {
			for _, rule := range f.Rules {
				p := at(rule.Pos)
				if reached[p] == nil {
					reached[p] = make([]bool, len(r.Programs[i]))
				}
				for _, nr := range rule.Numbers {
					for _, pc := range inspect.Reached(r.Programs[i], f.ABI.Audit, nr) {
						reached[p][pc] = true
					}
				}
			}
		}
		for p, is := range reached {
			for pc, is := range is {
				last := len(lines[p]) - 1
				switch {
				case !is:
				case last >= 0 && lines[p][last].Target == i && lines[p][last].Last == pc-1:
					lines[p][last].Last = pc
				default:
					lines[p] = append(lines[p], blob.Range{Target: i, First: pc, Last: pc})
				}
			}
		}
	}
	for p, ranges := range lines {
		r.Blob.Lines = append(r.Blob.Lines, blob.Line{Source: p.source, Number: p.line, Ranges: ranges})
	}
	order := func(a, b blob.Line) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Number, b.Number))
	}
	slices.SortFunc(r.Blob.Lines, order)
	for i, t := range r.Targets {
		for j, name := range loaderCalls {
			if e := &r.Blob.Targets[i]; e.Allows>>j&1 == 0 {
				if p, ok := first(t, name); ok {
					n, _ := slices.BinarySearchFunc(r.Blob.Lines, blob.Line{Source: at(p).source, Number: p.Line}, order)
					e.Lines[j] = n + 1
				}
			}
		}
	}
}

// first returns the place of the first rule about a call, on the first ABI that has one.
func first(t *resolve.Target, name string) (p policy.Pos, ok bool) {
	for _, f := range t.Filters {
		nr, has := f.ABI.Number(name)
		for _, rule := range f.Rules {
			if has && slices.Contains(rule.Numbers, nr) {
				return rule.Pos, true
			}
		}
	}
	return p, false
}

// beside returns the path of a source relative to the policy's folder, as blobs have it, or where that can't be said the
// file's name alone.
func beside(policy, source string) string {
	path, err := filepath.Rel(filepath.Dir(policy), source)
	if err != nil || len(path) > 4096 { // a name alone is shorter on any system
		path = filepath.Base(source)
	}
	return strings.Map(func(r rune) rune {
		if r == '\\' || r == unicode.ReplacementChar || unicode.IsControl(r) {
			return '-'
		}
		return r
	}, filepath.ToSlash(path))
}
