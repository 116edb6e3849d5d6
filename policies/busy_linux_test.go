package policies

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestBusy has a program install the policy toaster on itself while 64 goroutines are at work, with and without cgo, and
// under the race detector.
func TestBusy(t *testing.T) {
	blob, err := filepath.Abs("toaster.seccomp")
	if err != nil {
		t.Fatal(err)
	}
	for _, how := range []struct {
		name, cgo string
		flags     []string
	}{
		{"without cgo", "0", nil}, {"with cgo", "1", nil}, {"race", "1", []string{"-race"}},
	} {
		t.Run(how.name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath("cc"); err != nil && how.cgo == "1" {
				t.Skip("no C compiler")
			}
			program := filepath.Join(t.TempDir(), "busy")
			build := exec.Command("go", append(append([]string{"build"}, how.flags...), "-o", program, "./testdata/busy")...)
			build.Env = append(os.Environ(), "CGO_ENABLED="+how.cgo)
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if out, err := exec.Command(program, blob).CombinedOutput(); err != nil || string(out) != "all threads filtered\n" {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
