package inspect

import (
	"cmp"
	"slices"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// A Row is an action and calls of one ABI that meet it.
type Row struct {
	Action resolve.Action
	Set
}

// Table divides all calls there are by what a program decides: by ABI, those that it serves first and foreign ones last; of
// each what is let through first. The error says what in the program is not modelled, or is prove.ErrNotProven.
func Table(p Program) ([]Row, error) {
	d, err := prove.Read(p.Code, p.BigEndian)
	if err != nil {
		return nil, err
	}
	return Rows(d, p.ABIs)
}

// Rows is Table for a program that was read, which serves these ABIs: conditions that diagrams beside each other have in common are
// written once.
func Rows(d *prove.Diagram, abis []*arch.ABI) (rows []Row, err error) {
	parts, err := prove.Compare(d, d)
	if err != nil {
		return nil, err
	}
	for _, c := range changes(parts, abis) {
		rows = append(rows, Row{c.After, c.Set})
	}
	for first := 0; first < len(rows); {
		n := first
		for n < len(rows) && rows[n].ABI == rows[first].ABI && slices.Equal(rows[n].Arches, rows[first].Arches) {
			n++
		}
		slices.SortStableFunc(rows[first:n], func(a, b Row) int {
			return cmp.Or(cmp.Compare(slices.Index(precedence, b.Action.Kind()), slices.Index(precedence, a.Action.Kind())), cmp.Compare(a.Action, b.Action),
				cmp.Compare(min(len(a.If), 1), min(len(b.If), 1)))
		})
		first = n
	}
	return rows, nil
}
