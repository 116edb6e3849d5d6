package inspect

import (
	"testing"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// TestConstAllow has one reason each why the kernel takes a number into its cache, or doesn't.
func TestConstAllow(t *testing.T) {
	allow := in{Op: 0x06, K: uint32(resolve.Allow)}
	deny := in{Op: 0x06, K: uint32(resolve.Errno | 1)}
	load := in{Op: 0x20}
	for _, tt := range []struct {
		name  string
		prog  []in
		want  bool
		steps int
	}{
		{"allowed", []in{allow}, true, 1},
		{"allowed with data", []in{{Op: 0x06, K: uint32(resolve.Allow) | 1}}, false, 1},
		{"denied", []in{deny}, false, 1},
		{"logged", []in{{Op: 0x06, K: uint32(resolve.Log)}}, false, 1},
		{"the accumulator returned", []in{{Op: 0x16}}, false, 1},
		{"equal", []in{load, {Op: 0x15, K: 12, Jf: 1}, allow, deny}, true, 3},
		{"not equal", []in{load, {Op: 0x15, K: 13, Jf: 1}, allow, deny}, false, 3},
		{"greater", []in{load, {Op: 0x25, K: 11, Jf: 1}, allow, deny}, true, 3},
		{"not greater", []in{load, {Op: 0x25, K: 12, Jf: 1}, allow, deny}, false, 3},
		{"greater or equal", []in{load, {Op: 0x35, K: 12, Jf: 1}, allow, deny}, true, 3},
		{"less", []in{load, {Op: 0x35, K: 13, Jf: 1}, allow, deny}, false, 3},
		{"a bit", []in{load, {Op: 0x45, K: 8, Jf: 1}, allow, deny}, true, 3},
		{"another bit", []in{load, {Op: 0x45, K: 3, Jf: 1}, allow, deny}, false, 3},
		{"under a mask", []in{load, {Op: 0x54, K: 4}, {Op: 0x15, K: 4, Jf: 1}, allow, deny}, true, 4},
		{"the architecture", []in{{Op: 0x20, K: 4}, {Op: 0x15, K: resolve.X86_64, Jf: 1}, allow, deny}, true, 3},
		{"an argument", []in{{Op: 0x20, K: 16}, allow}, false, 1},
		{"a jump", []in{{Op: 0x05, K: 1}, deny, allow}, true, 2},
		{"other arithmetic", []in{load, {Op: 0x74, K: 1}, allow}, false, 2},
	} {
		got, steps := ConstAllow(tt.prog, resolve.X86_64, 12)
		if got != tt.want || steps != tt.steps {
			t.Errorf("%s: %v after %d steps, want %v after %d", tt.name, got, steps, tt.want, tt.steps)
		}
	}
}
