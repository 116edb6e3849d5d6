package inspect

import "golang.org/x/net/bpf"

// Reached returns the instructions, ascending, that calls of an architecture's number may come to once both are decided:
// the tests of arguments, and the returns. The program must be one that prove.Read takes.
func Reached(prog []bpf.RawInstruction, audit, nr uint32) (list []int) {
	type state struct {
		pc    int
		known bool // A does not depend on arguments
		a     uint32
	}
	seen := make([]bool, len(prog)) // with A unknown: only then are there two ways on
	decides := make([]bool, len(prog))
	for todo := []state{{known: true}}; len(todo) > 0; {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !s.known && seen[s.pc] {
			continue
		}
		seen[s.pc] = seen[s.pc] || !s.known
		in, next := prog[s.pc], s
		next.pc++
		switch in.Op {
		case 0x20: // LD W ABS
			next.known, next.a = in.K < 8, 0
			switch in.K {
			case 0:
				next.a = nr
			case 4:
				next.a = audit
			}
		case 0x54: // AND K
			next.a &= in.K
		}
		decides[s.pc] = in.Op == 0x06 || !next.known
		switch {
		case in.Op == 0x06: // RET K
		case in.Op == 0x05: // JA
			next.pc += int(in.K)
			todo = append(todo, next)
		case in.Op&7 == 5:
			yes, no := next, next
			yes.pc, no.pc = next.pc+int(in.Jt), next.pc+int(in.Jf)
			taken, _ := (&machine{a: s.a}).jump(in)
			if taken || !s.known {
				todo = append(todo, yes)
			}
			if !taken || !s.known {
				todo = append(todo, no)
			}
		default:
			todo = append(todo, next)
		}
	}
	for pc, is := range decides {
		if is {
			list = append(list, pc)
		}
	}
	return list
}
