package compiler

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// TestWitness: what a changed program decides otherwise is shown as a call.
func TestWitness(t *testing.T) {
	src, err := os.ReadFile("../policies/toaster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r, diags := Compile("toaster.yaml", src, Options{Targets: []string{"x86_64+i386"}})
	if r == nil {
		t.Fatal(diags)
	}
	target, prog := r.Targets[0], r.Programs[0]
	changed := func(change func(in *bpf.RawInstruction) bool) string {
		m := append([]bpf.RawInstruction(nil), prog...)
		for i := range m {
			if change(&m[i]) {
				break
			}
		}
		d, err := prove.Read(m, false)
		if err != nil {
			t.Fatal(err)
		}
		return notPolicy(target, d.Equal(target)).Error()
	}
	for _, tt := range []struct {
		change func(in *bpf.RawInstruction) bool
		want   string
	}{
		{func(in *bpf.RawInstruction) bool { // every allow is a denial
			if in.Op == 6 && in.K == uint32(resolve.Allow) {
				in.K = uint32(resolve.Errno | 1)
			}
			return false
		}, "it decides errno(EPERM) for restart_syscall() on i386, the policy allow"},
		{func(in *bpf.RawInstruction) bool { // what foreign calls meet
			if in.Op == 6 && in.K == uint32(resolve.KillProcess) {
				in.K = uint32(resolve.Allow)
			}
			return false
		}, "on a foreign ABI, the program decides"},
	} {
		if got := changed(tt.change); !strings.Contains(got, tt.want) {
			t.Errorf("%s: want %q in it", got, tt.want)
		}
	}
}
