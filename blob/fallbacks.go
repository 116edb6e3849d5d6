package blob

import (
	"slices"
	"strings"
)

// Fallbacks are actions that another one stands in for on kernels that lack them: ReturnsKillProcess, for which kill_thread
// does, and ReturnsLog, for which allow does. Linux has both actions since 4.14.
type Fallbacks uint8

// Apply returns a copy of a target's program in which the actions of f have been replaced in every return.
func (f Fallbacks) Apply(t *Target) []byte {
	program, order := slices.Clone(t.Program), t.ByteOrder()
	for in := range slices.Chunk(program, InstructionSize) {
		if order.Uint16(in) != opRet {
			continue
		}
		switch i := slices.Index(actions[:], order.Uint32(in[4:])&^0xffff); {
		case i < 0 || uint32(f)>>i&1 == 0:
		case 1<<i == ReturnsKillProcess:
			order.PutUint32(in[4:], 0)
		case 1<<i == ReturnsLog:
			order.PutUint32(in[4:], 0x7fff0000)
		}
	}
	return program
}

// String lists the fallbacks as a policy declares them, "kill_process: kill_thread, log: allow"; it is "none" for none.
func (f Fallbacks) String() string {
	var list []string
	if f&ReturnsKillProcess != 0 {
		list = append(list, "kill_process: kill_thread")
	}
	if f&ReturnsLog != 0 {
		list = append(list, "log: allow")
	}
	if list == nil {
		return "none"
	}
	return strings.Join(list, ", ")
}
