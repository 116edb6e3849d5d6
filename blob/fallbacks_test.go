package blob

import (
	"bytes"
	"slices"
	"testing"
)

// TestApply replaces actions in a program of every action, with data and without, and of what only looks like a return.
func TestApply(t *testing.T) {
	words := []uint32{0x20, 0x80000000, 0x15, 0x7ffc0000, 0x54, 0x80000000,
		6, 0x80000000, 6, 0x80000007, 6, 0, 6, 7, 6, 0x00030001, 6, 0x00050001, 6, 0x7fc00000, 6, 0x7ff00001, 6, 0x7ffc0000, 6, 0x7ffcffff, 6, 0x7fff0000}
	for f, want := range map[Fallbacks]map[uint32]uint32{
		0:                               {},
		ReturnsKillProcess:              {0x80000000: 0, 0x80000007: 0},
		ReturnsLog:                      {0x7ffc0000: 0x7fff0000, 0x7ffcffff: 0x7fff0000},
		ReturnsKillProcess | ReturnsLog: {0x80000000: 0, 0x80000007: 0, 0x7ffc0000: 0x7fff0000, 0x7ffcffff: 0x7fff0000},
	} {
		wanted := slices.Clone(words)
		for i := 6; i < len(words); i += 2 {
			if k, replaced := want[words[i+1]]; replaced {
				wanted[i+1] = k
			}
		}
		for _, order := range []Order{LittleEndian, BigEndian} {
			program := instructions(order, words...)
			target := Target{Order: order, Program: bytes.Clone(program)}
			if got := f.Apply(&target); !bytes.Equal(got, instructions(order, wanted...)) {
				t.Errorf("%v, byte order %d: % x", f, order, got)
			}
			if !bytes.Equal(target.Program, program) {
				t.Errorf("%v, byte order %d: the blob's own program has changed", f, order)
			}
		}
	}
}

func TestFallbacksString(t *testing.T) {
	for f, want := range map[Fallbacks]string{
		0: "none", ReturnsKillProcess: "kill_process: kill_thread", ReturnsLog: "log: allow",
		ReturnsKillProcess | ReturnsLog: "kill_process: kill_thread, log: allow",
	} {
		if got := f.String(); got != want {
			t.Errorf("%d is %q, want %q", f, got, want)
		}
	}
}
