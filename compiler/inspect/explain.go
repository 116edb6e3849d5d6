package inspect

import (
	"slices"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// A Program is a program of any origin and who runs it.
type Program struct {
	ABIs      []*arch.ABI // served, native first; may be none
	BigEndian bool
	Code      []bpf.RawInstruction
}

// An Explanation is what a program does with a call.
type Explanation struct {
	Action   resolve.Action
	Path     []Step
	Cached   bool            // the kernel allows the number without running the program: Linux 5.11 and newer
	Outcomes []prove.Outcome // of all calls that agree in what is given, as prove.Diagram has them
	Unknown  error           // why there are none
	Reached  []int           // instructions that decide about the number, as Reached has them; none if Unknown
}

// Explain runs a program on an ABI's call, of whose arguments the bits of given are. If want is one of the program's answers
// to what else the call may be, it is that call which is explained: it is returned too.
func Explain(p Program, abi *arch.ABI, c resolve.Call, given [6]uint64, want func(resolve.Action) bool) (e Explanation, _ resolve.Call, err error) {
	if e.Action, e.Path, err = Path(p.Code, p.BigEndian, c); err != nil {
		return e, c, err
	}
	if len(p.ABIs) > 0 {
		e.Cached = Cached(p.Code, p.ABIs[0], abi, c.NR)
	}
	d, err := prove.Read(p.Code, p.BigEndian)
	if err != nil {
		e.Unknown = err
		return e, c, nil
	}
	e.Outcomes = d.Outcomes(c, given)
	e.Reached = Reached(p.Code, c.Arch, c.NR)
	if !want(e.Action) {
		if i := slices.IndexFunc(e.Outcomes, func(o prove.Outcome) bool { return want(o.Action) }); i >= 0 {
			c = e.Outcomes[i].Call
			e.Action, e.Path, err = Path(p.Code, p.BigEndian, c)
		}
	}
	return e, c, err
}

// Lines returns the lines of a blob that may decide a call on one of its targets: those whose rules come to all the
// instructions that decide about it. The line of the rule that decides is among them, if a rule does.
func Lines(b *blob.Blob, target int, reached []int) (lines []blob.Line) {
	for _, l := range b.Lines {
		has := func(pc int) bool {
			return slices.ContainsFunc(l.Ranges, func(r blob.Range) bool { return r.Target == target && r.First <= pc && pc <= r.Last })
		}
		if !slices.ContainsFunc(reached, func(pc int) bool { return !has(pc) }) {
			lines = append(lines, l)
		}
	}
	return lines
}
