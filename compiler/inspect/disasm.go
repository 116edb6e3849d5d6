package inspect

import (
	"fmt"
	"strings"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// Disasm returns one line of text per instruction, for any instructions whatever. Numbers are named by the ABIs
// given, native first, whose byte order is also the program's. What an instruction means depends on what was loaded
// before it on every way to it; where the ways disagree, the line stays numeric.
func Disasm(prog []bpf.RawInstruction, abis []*arch.ABI) []string {
	d := &disassembler{prog: prog, abis: abis, at: make([]knowledge, len(prog))}
	if len(prog) > 0 {
		d.at[0] = knowledge{reached: true}
	}
	var lines []string
	for pc := range prog { // jumps go forward, so all ways to pc were seen before it
		lines = append(lines, d.line(pc))
	}
	return lines
}

// knowledge is what is known before an instruction: what A holds and which audit architecture the call has.
type knowledge struct {
	reached bool
	a       string // "arch", "nr", "arg0.low" and so on; "" unknown
	masked  bool
	audit   uint32 // 0: unknown
}

type disassembler struct {
	prog []bpf.RawInstruction
	abis []*arch.ABI
	at   []knowledge
}

// flow merges what is known on one way into the instruction at pc.
func (d *disassembler) flow(pc uint64, k knowledge) {
	if pc >= uint64(len(d.prog)) {
		return
	}
	to := &d.at[pc]
	if !to.reached {
		*to = k
		to.reached = true
		return
	}
	if to.a != k.a || to.masked != k.masked {
		to.a, to.masked = "", false
	}
	if to.audit != k.audit {
		to.audit = 0
	}
}

func (d *disassembler) line(pc int) string {
	in, k := d.prog[pc], d.at[pc]
	next := uint64(pc) + 1
	name := k.a
	if name == "" {
		name = "A"
	}
	var text string
	switch in.Op {
	case 0x20:
		k.a, k.masked = d.word(in.K), false
		text = "load " + k.a
	case 0x54:
		k.masked = true
		text = fmt.Sprintf("and  %#x", in.K)
	case 0x05:
		d.flow(next+uint64(in.K), k)
		return fmt.Sprintf("goto %d", next+uint64(in.K))
	case 0x06:
		return "return " + d.action(resolve.Action(in.K), k)
	case 0x15, 0x25, 0x35, 0x45:
		return d.jump(pc, name)
	default:
		k.a, k.masked = "", false
		text = "unknown instruction"
		if known, ok := in.Disassemble().(fmt.Stringer); ok {
			text = known.String()
		}
		if in.Op&7 == 5 || in.Op == 0x16 { // other jumps, and a return of A
			d.flow(next+uint64(in.Jt), k)
			d.flow(next+uint64(in.Jf), k)
			return text
		}
	}
	d.flow(next, k)
	return text
}

func (d *disassembler) jump(pc int, name string) string {
	in, k := d.prog[pc], d.at[pc]
	operand := fmt.Sprintf("%#x", in.K)
	yes, no := k, k
	switch {
	case k.masked:
	case k.a == "nr" && in.Op != 0x45:
		operand = fmt.Sprint(in.K)
		if call := d.call(k.audit, in.K); call != "" {
			operand += " " + call
		}
	case k.a == "arch" && in.Op == 0x15:
		yes.audit = in.K
		if names := d.names(in.K); names != "" {
			operand += " " + names
		}
	}
	t, f := uint64(pc)+1+uint64(in.Jt), uint64(pc)+1+uint64(in.Jf)
	d.flow(t, yes)
	d.flow(f, no)
	relation := map[uint16]string{0x15: "==", 0x25: ">", 0x35: ">=", 0x45: "&"}[in.Op]
	text := fmt.Sprintf("if %-34s goto %d", name+" "+relation+" "+operand, t)
	if f != uint64(pc)+1 {
		text += fmt.Sprintf(", else %d", f)
	}
	return text
}

// word names a word of struct seccomp_data.
func (d *disassembler) word(offset uint32) string {
	switch {
	case offset == 0:
		return "nr"
	case offset == 4:
		return "arch"
	case offset == 8 || offset == 12:
		return fmt.Sprintf("instruction_pointer+%d", offset-8)
	case offset%4 != 0 || offset >= 64:
		return fmt.Sprintf("[%d]", offset)
	}
	half := "low"
	if (offset%8 != 0) != d.bigEndian() {
		half = "high"
	}
	return fmt.Sprintf("arg%d.%s", (offset-16)/8, half)
}

func (d *disassembler) bigEndian() bool { return len(d.abis) > 0 && d.abis[0].BigEndian }

// names lists the ABIs that share an audit architecture.
func (d *disassembler) names(audit uint32) string {
	var names []string
	for _, a := range d.abis {
		if a.Audit == audit {
			names = append(names, a.Name)
		}
	}
	return strings.Join(names, ", ")
}

func (d *disassembler) call(audit, nr uint32) string {
	for _, a := range d.abis {
		if name, ok := a.SyscallName(nr); ok && a.Audit == audit && nr&a.Bit == a.Bit {
			return name
		}
	}
	return ""
}

// action names an action, its errno by the ABI that it is returned on.
func (d *disassembler) action(a resolve.Action, k knowledge) string {
	abis := d.abis
	for i, abi := range d.abis {
		if abi.Audit == k.audit {
			abis = d.abis[i:]
			break
		}
	}
	if len(abis) == 0 {
		return a.String()
	}
	return a.Format(abis[0])
}
