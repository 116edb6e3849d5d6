package inspect

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// A Line is what a listing says of an instruction.
type Line struct {
	Text      string // "load nr", "if domain == AF_UNIX", "return allow"
	Goto      string // of a jump: "goto 7", or "goto 7, else 9" where that isn't the next instruction
	JumpedTo  bool   // a jump leads here
	Reachable bool   // some call may come here
	Calls     string // the names of all calls that do, if they are one to three: "ioctl"

	Show func(a uint32) string // the accumulator as Step has it, in the words of Text
}

// Disasm returns a line per instruction, for any instructions whatever. Numbers are named by the ABIs given, native first,
// whose byte order is also the program's. What an instruction means depends on which calls come to it, and on what was
// loaded before it on every way to it; where the ways disagree, the line stays numeric.
func Disasm(prog []bpf.RawInstruction, abis []*arch.ABI) []Line {
	d := &disassembler{abis: abis, lines: make([]Line, len(prog))}
	known := reaching(prog, abis)
	for pc, in := range prog {
		line := &d.lines[pc]
		line.Reachable = len(known[pc].calls) > 0
		d.line(pc, in, known[pc])
		line.Calls = callNames(known[pc].calls, abis)
	}
	return d.lines
}

type disassembler struct {
	abis  []*arch.ABI
	lines []Line
}

func callNames(c calls, abis []*arch.ABI) string {
	list, _ := c.named(abis)
	var names []string
	for _, k := range list {
		if !slices.Contains(names, k.name) {
			names = append(names, k.name)
		}
	}
	if len(names) > 3 {
		return ""
	}
	return strings.Join(names, ", ")
}

func (d *disassembler) line(pc int, in bpf.RawInstruction, k knowledge) {
	line, next := &d.lines[pc], uint64(pc)+1
	line.Show = d.show(k)
	switch {
	case in.Op == 0x20:
		k.word, k.mask = in.K, ^uint32(0)
		line.Text = "load " + d.operand(k).name
		line.Show = d.show(k)
	case in.Op == 0x54:
		line.Show = d.show(knowledge{calls: k.calls, word: k.word})
		line.Text = "and  " + d.operand(k).constant(in.K, true)
	case in.Op == 0x05:
		line.Text, line.Goto = "jump", d.goTo(next+uint64(in.K))
	case in.Op == 0x06:
		line.Text = "return " + d.action(resolve.Action(in.K), k)
	case in.Op == 0x15, in.Op == 0x25, in.Op == 0x35, in.Op == 0x45:
		line.Text = "if " + d.test(in, k)
		line.Goto = d.goTo(next + uint64(in.Jt))
		if in.Jf != 0 {
			line.Goto += ", else" + strings.TrimPrefix(d.goTo(next+uint64(in.Jf)), "goto")
		}
	default:
		line.Text = "unknown instruction"
		if known, ok := in.Disassemble().(fmt.Stringer); ok {
			line.Text = strings.ReplaceAll(known.String(), "\t", " ")
		}
		if in.Op&7 == 5 {
			d.goTo(next + uint64(in.Jt))
			d.goTo(next + uint64(in.Jf))
		}
	}
}

// show words what A holds.
func (d *disassembler) show(k knowledge) func(uint32) string {
	if k.word == wordNR && k.mask == ^uint32(0) {
		return Number
	}
	o := d.operand(k)
	return func(a uint32) string { return o.constant(a, false) }
}

func (d *disassembler) goTo(pc uint64) string {
	if pc < uint64(len(d.lines)) {
		d.lines[pc].JumpedTo = true
	}
	return fmt.Sprintf("goto %d", pc)
}

// test words what a jump asks.
func (d *disassembler) test(in bpf.RawInstruction, k knowledge) string {
	relation := map[uint16]string{0x15: " == ", 0x25: " > ", 0x35: " >= ", 0x45: " & "}[in.Op]
	o := d.operand(k)
	if k.word != noWord && k.mask != ^uint32(0) {
		return o.name + " & " + o.constant(k.mask, true) + relation + o.constant(in.K, in.Op == 0x45)
	}
	k32 := o.constant(in.K, in.Op == 0x45)
	switch {
	case k.word == wordNR && in.Op != 0x45:
		k32 = Number(in.K)
		if name := d.call(k.calls, in.K); name != "" {
			k32 += " " + name
		}
	case k.word == wordArch && in.Op == 0x15:
		if names := d.names(in.K); names != "" {
			k32 += " " + names
		}
	}
	return o.name + relation + k32
}

// An operand is what A holds: a word of the call, and if it is the low one of a parameter, that.
type operand struct {
	name  string
	value func(v uint64, mask bool) string // nil: just a number
}

func (o operand) constant(v uint32, mask bool) string {
	if o.value == nil {
		return fmt.Sprintf("%#x", v)
	}
	text := o.value(uint64(v), mask)
	if mask && strings.Contains(text, "|") {
		return "(" + text + ")"
	}
	return text
}

// operand tells what A holds. A parameter has its name if all calls that come here have it in this register.
func (d *disassembler) operand(k knowledge) operand {
	switch {
	case k.word == noWord:
		return operand{name: "A"}
	case k.word == wordNR:
		return operand{name: "nr"}
	case k.word == wordArch:
		return operand{name: "arch"}
	case k.word == 8 || k.word == 12:
		return operand{name: fmt.Sprintf("instruction_pointer+%d", k.word-8)}
	case k.word%4 != 0 || k.word > noWord:
		return operand{name: fmt.Sprintf("[%d]", k.word)}
	}
	index := int(k.word-16) / 8
	high := (k.word%8 != 0) != (len(d.abis) > 0 && d.abis[0].BigEndian)
	half := ".low"
	if high {
		half = ".high"
	}
	raw := operand{name: fmt.Sprintf("arg%d%s", index, half)}
	list, _ := k.calls.named(d.abis)
	name, narrow := "", true
	var params []arch.Param
	for i, c := range list {
		at := slices.IndexFunc(c.abi.Params(c.name), func(p arch.Param) bool { return p.Index == index })
		if at < 0 {
			return raw
		}
		p := c.abi.Params(c.name)[at]
		if i > 0 && p.Name != name {
			return raw
		}
		name, narrow = p.Name, narrow && p.Bits > 0 && p.Bits <= 32
		params = append(params, p)
	}
	if name == "" {
		return raw
	}
	o := operand{name: name + half}
	switch {
	case high:
		return o
	case narrow:
		o.name = name
	}
	o.value = func(v uint64, mask bool) string {
		text := ""
		for i, p := range params {
			if !narrow { // the upper half is the word of another instruction
				p.Bits, p.Signed = 32, false
			}
			switch t := Value(list[i].abi, list[i].name, p, v, mask); {
			case i == 0:
				text = t
			case text != t:
				return fmt.Sprintf("%#x", v)
			}
		}
		return text
	}
	return o
}

// Number shows a call's number: those with a base of their own in hexadecimal.
func Number(nr uint32) string {
	if nr >= 0xf0000 {
		return fmt.Sprintf("%#x", nr)
	}
	return fmt.Sprint(nr)
}

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

// call names a number, if all calls that come here are of ABIs that agree on it.
func (d *disassembler) call(c calls, nr uint32) (name string) {
	if len(c[0]) > 0 {
		return ""
	}
	for _, a := range d.abis {
		n, ok := a.SyscallName(nr)
		switch {
		case !ok || len(c[a.Audit]) == 0 || nr&a.Bit != a.Bit:
		case name == "":
			name = n
		case name != n:
			return ""
		}
	}
	return name
}

// action names an action, its errno by the first ABI that it is returned on.
func (d *disassembler) action(a resolve.Action, k knowledge) string {
	for _, abi := range d.abis {
		if len(k.calls[abi.Audit]) > 0 || len(k.calls) == 0 {
			return a.Format(abi)
		}
	}
	if len(d.abis) > 0 {
		return a.Format(d.abis[0])
	}
	return a.String()
}
