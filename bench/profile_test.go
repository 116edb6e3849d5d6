package bench

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

const docker = "github.com/moby/profiles/seccomp"

// fromModule reads a file of a module that go.mod requires.
func fromModule(t *testing.T, module, file string) string {
	t.Helper()
	return read(t, filepath.Join(moduleDir(t, module), file))
}

func moduleDir(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		t.Fatalf("no folder of module %s: %v; try go mod download", module, err)
	}
	return dir
}

func read(t *testing.T, file string) string {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

func compile(t *testing.T, file, src string, o compiler.Options) *compiler.Result {
	t.Helper()
	r, diags := compiler.Compile(file, []byte(src), o)
	if diags.Err() != nil {
		t.Fatalf("%s does not compile:\n%v", file, diags)
	}
	return r
}

// same returns nil if two compilations have the same targets and each program decides every call as the other's policy
// does, which is a proof. Otherwise the error has a call on which they differ.
func same(a, b *compiler.Result) error {
	if len(a.Targets) != len(b.Targets) {
		return fmt.Errorf("%d targets and %d", len(a.Targets), len(b.Targets))
	}
	for i, t := range a.Blob.Targets {
		j := slices.IndexFunc(b.Blob.Targets, func(u blob.Target) bool { return u.Label == t.Label })
		if j < 0 {
			return fmt.Errorf("only one has target %s", t.Label)
		}
		if err := decides(a, i, b.Targets[j]); err != nil {
			return fmt.Errorf("target %s: %w", t.Label, err)
		}
		if err := decides(b, j, a.Targets[i]); err != nil {
			return fmt.Errorf("target %s, the other way: %w", t.Label, err)
		}
	}
	return nil
}

// decides returns nil if program i of r decides every call as the target does.
func decides(r *compiler.Result, i int, target *resolve.Target) error {
	d, err := prove.Read(r.Programs[i], target.Filters[0].ABI.BigEndian)
	if err != nil {
		return err
	}
	err = d.Equal(target)
	var diff *prove.Difference
	if errors.As(err, &diff) {
		for _, f := range target.Filters {
			if f.Serves(diff.Call.Arch, diff.Call.NR) {
				name, ok := f.ABI.SyscallName(diff.Call.NR)
				if !ok {
					name = "a number without a name"
				}
				return fmt.Errorf("%s on %s: %w", name, f.ABI.Name, err)
			}
		}
	}
	return err
}
