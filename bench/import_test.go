package bench

import (
	"path/filepath"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler"
)

// TestImport imports Docker's default profile, and others of its module. The policy is proven equal with each capability that a rule
// asks for, with none and with several, on kernels before and after the one that a rule asks for, and compiles without findings.
func TestImport(t *testing.T) {
	for _, file := range []string{"default.json", "fixtures/conditional_include.json"} {
		src := fromModule(t, docker, file)
		text, diags, err := compiler.ImportProfile(filepath.Base(file), []byte(src), nil)
		if err != nil || len(diags) > 0 {
			t.Fatalf("%s: %v, %v", file, diags, err)
		}
		for _, caps := range [][]string{
			nil, {"SYS_ADMIN"}, {"BPF"}, {"SYS_PTRACE"}, {"SYSLOG"}, {"PERFMON"}, {"SYS_ADMIN", "BPF"}, {"SYS_ADMIN", "PERFMON"}, {"SYS_PTRACE", "SYS_TIME", "SYS_NICE"},
		} {
			for _, kernel := range []arch.Version{{}, {Major: 4, Minor: 7}} {
				o := compiler.Options{Caps: caps, Kernel: kernel}
				a := compile(t, file, src, o)
				b, diags := compiler.Compile("imported.yaml", text, o)
				if b == nil || len(diags) > 0 {
					t.Fatalf("%s: the policy does not compile: %v\n%s", file, diags, text)
				}
				if err := same(a, b); err != nil {
					t.Errorf("%s, with %v on %v: %v\n%s", file, caps, kernel, err, text)
				}
				if a.Blob.Kernel != b.Blob.Kernel {
					t.Errorf("%s, with %v: kernel %#x, the profile has %#x", file, caps, b.Blob.Kernel, a.Blob.Kernel)
				}
			}
		}
	}
}
