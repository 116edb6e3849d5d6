package inspect

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// A Decision is an action, and the condition in the policy language under which calls meet it; empty: all do.
type Decision struct {
	Action resolve.Action
	If     string
}

// Decisions returns what a number of an ABI meets: as rules of that call they decide, in any order, every call of it as the
// program does. The error is prove.ErrEntangled or prove.ErrNotProven.
func Decisions(d *prove.Diagram, abi *arch.ABI, nr uint32) (list []Decision, err error) {
	parts, err := d.Split(resolve.Call{Arch: abi.Audit, NR: nr})
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		text, err := condition(p.Cond, abi, nr)
		if err != nil {
			return nil, err
		}
		list = append(list, Decision{p.Before, text})
	}
	return list, nil
}

// condition writes a condition on a call of an ABI in the policy language, with the names of the call's parameters where it
// looks at no other bits of them than the kernel; empty: it always holds. Where a raw program looks at bits that no policy can
// name, above 32 where registers have 32, the words say so all the same. The ABI may be nil, a foreign one. The error is
// prove.ErrEntangled.
func condition(c prove.Cond, abi *arch.ABI, nr uint32) (string, error) {
	if c.Always() {
		return "", nil
	}
	w, views := conditionWriter{abi: abi}, [6]prove.View{}
	used := c.Bits()
	for i := range views {
		w.names[i], views[i] = fmt.Sprintf("arg%d", i), prove.View{Bits: 64}
		if abi != nil && used[i]>>(abi.RegBits-1)>>1 == 0 {
			views[i].Bits = abi.RegBits
		}
	}
	if abi != nil {
		w.call, _ = abi.SyscallName(nr)
		for _, p := range abi.Params(w.call) {
			if !p.Established || p.Pointer {
				continue
			}
			w.values[p.Index] = p
			if used[p.Index]>>(p.Bits-1)>>1 == 0 {
				w.names[p.Index], views[p.Index] = p.Name, prove.View{Bits: p.Bits, Signed: p.Signed}
			}
		}
	}
	form, err := c.Form(views)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	w.write(&b, form, 0)
	return b.String(), nil
}

// A conditionWriter has the names of the arguments, and what is known of their values.
type conditionWriter struct {
	abi    *arch.ABI
	call   string
	names  [6]string
	values [6]arch.Param // the parameters, where they are known
}

// The precedences of what a condition may stand in.
const (
	inOr = 1 + iota
	inAnd
	inNot
)

func (w conditionWriter) write(b *strings.Builder, c resolve.Cond, in int) {
	list := func(parts []resolve.Cond, op string, own int) {
		if in > own {
			b.WriteByte('(')
			defer b.WriteByte(')')
		}
		for i, x := range parts {
			if i > 0 {
				b.WriteString(op)
			}
			w.write(b, x, own)
		}
	}
	switch c := c.(type) {
	case resolve.All:
		list(c, " && ", inAnd)
	case resolve.Any:
		list(c, " || ", inOr)
	case resolve.Not:
		b.WriteByte('!')
		w.write(b, c.Cond, inNot)
	case prove.Comparison:
		if in == inNot && len(c.Values) == 1 {
			b.WriteByte('(')
			defer b.WriteByte(')')
		}
		w.comparison(b, c)
	}
}

func (w conditionWriter) comparison(b *strings.Builder, c prove.Comparison) {
	operand := w.names[c.Arg]
	if c.Mask != 0 {
		operand += " & " + w.mask(c)
	}
	if len(c.Values) > 1 {
		var names, numbers []string // ABIs differ in the order of values
		for _, v := range c.Values {
			if word := w.value(v, c); word[0] >= 'A' {
				names = append(names, word)
			} else {
				numbers = append(numbers, word)
			}
		}
		slices.Sort(names)
		fmt.Fprintf(b, "oneof(%s, %s)", operand, strings.Join(append(names, numbers...), ", "))
		return
	}
	// A single bit is set or not: that is what such a test is about, whatever its value.
	if v := c.Values[0]; c.Mask != 0 && v == c.Mask && bits.OnesCount64(v) == 1 && c.Op <= resolve.NE {
		fmt.Fprintf(b, "%s %s 0", operand, resolve.NE-c.Op)
		return
	}
	fmt.Fprintf(b, "%s %s %s", operand, c.Op, w.value(c.Values[0], c))
}

// mask writes a comparison's mask, by the names of its bits or of those that it leaves out.
func (w conditionWriter) mask(c prove.Comparison) string {
	if name := w.constant(c.Mask, c, true); name != "" {
		return factor(name)
	}
	all := ^uint64(0) >> (64 - c.View.Bits)
	if name := w.constant(all&^c.Mask, c, true); name != "" && bits.OnesCount64(c.Mask) > c.View.Bits/2 {
		return "~" + factor(name)
	}
	return number(c.Mask, c)
}

// factor makes one word of a constant's names.
func factor(names string) string {
	if strings.Contains(names, "|") {
		return "(" + names + ")"
	}
	return names
}

// value writes what an argument is compared with, by its name where it is one of a choice.
func (w conditionWriter) value(v uint64, c prove.Comparison) string {
	if c.Op <= resolve.NE && (c.Mask == 0 || v != 0) {
		if name := w.constant(v, c, false); name != "" {
			return name
		}
	}
	return number(v, c)
}

// constant returns the names that a value of a comparison's argument has, if any.
func (w conditionWriter) constant(v uint64, c prove.Comparison, mask bool) string {
	p := w.values[c.Arg]
	if p.Name == "" {
		return ""
	}
	raw := w.names[c.Arg] != p.Name // the whole register is compared, and not as a signed number
	if raw && (v>>(p.Bits-1)>>1 != 0 || p.Signed && v>>(p.Bits-1) != 0) {
		return ""
	}
	name := Value(w.abi, w.call, p, v, mask)
	if c := name[0]; c != '-' && (c < '0' || '9' < c) || strings.HasPrefix(name, "0o") && v > 9 {
		return name
	}
	return ""
}

// number writes a value as people do: bits in hexadecimal, small numbers in decimal, negative ones as such.
func number(v uint64, c prove.Comparison) string {
	signed := int64(v<<(64-c.View.Bits)) >> (64 - c.View.Bits)
	switch {
	case v < 10:
		return fmt.Sprint(v)
	case c.Mask == 0 && c.View.Signed && signed < 0:
		return fmt.Sprint(signed)
	case c.Mask == 0 && v < 4096:
		return fmt.Sprint(v)
	}
	return fmt.Sprintf("%#x", v)
}
