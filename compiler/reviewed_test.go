package compiler_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/prove"
)

// TestReviewed shows that a newer compiler does not change what an older policy decides. It builds compilers that know no
// call newer than some kernel, and compiles the policies of ours with them, as they would have been written then. What
// those programs decide is proven to be what this compiler's do, and not to be if `reviewed` is missing.
func TestReviewed(t *testing.T) {
	policies, err := filepath.Glob("../policies/*.yaml")
	if err != nil || len(policies) < 3 {
		t.Fatalf("policies %q, error %v", policies, err)
	}
	for _, kernel := range []string{"6.6", "6.18"} {
		t.Run(kernel, func(t *testing.T) {
			cut, err := arch.ParseVersion(kernel)
			if err != nil {
				t.Fatal(err)
			}
			older := olderCompiler(t, cut)
			differs := ""
			for _, path := range policies {
				if err := sameDecisions(t, older, path, asWritten(t, path, cut, kernel)); err != nil {
					t.Errorf("%s: %v", path, err)
				}
				var difference *prove.Difference
				if differs == "" && errors.As(sameDecisions(t, older, path, asWritten(t, path, cut, "")), &difference) {
					differs = path
				}
			}
			if differs == "" {
				t.Error("no policy decides otherwise without `reviewed`")
			}
			t.Logf("%d policies decide alike; %s would not without `reviewed`", len(policies), differs)
		})
	}
}

// newer reports whether a word is a call that came after a kernel.
func newer(word string, cut arch.Version) bool { return arch.Since(word).Compare(cut) > 0 }

// olderCompiler builds seccompc with the calls left out that came after a kernel: from arch's tables, each with a line per
// call that begins with its name, and from the built-in groups.
func olderCompiler(t *testing.T, cut arch.Version) string {
	t.Helper()
	dir := t.TempDir()
	overlay := map[string]map[string]string{"Replace": {}}
	replace := func(path string, edit func(line string) (string, bool)) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var kept []string
		for _, line := range strings.Split(string(text), "\n") {
			if line, ok := edit(line); ok {
				kept = append(kept, line)
			}
		}
		file := filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(file, []byte(strings.Join(kept, "\n")), 0o666); err != nil {
			t.Fatal(err)
		}
		if path, err = filepath.Abs(path); err != nil {
			t.Fatal(err)
		}
		overlay["Replace"][path] = file
	}
	tables, err := filepath.Glob("../arch/z*.go")
	if err != nil {
		t.Fatal(err)
	}
	first := regexp.MustCompile(`"(\w+)"`)
	removed := 0
	for _, table := range tables {
		replace(table, func(line string) (string, bool) {
			name := first.FindStringSubmatch(line)
			if name == nil || !newer(name[1], cut) {
				return line, true
			}
			removed++
			return "", false
		})
	}
	members := regexp.MustCompile(`\w+`)
	replace("policy/groups.txt", func(line string) (string, bool) {
		if !strings.HasPrefix(line, " ") {
			return line, true
		}
		return members.ReplaceAllStringFunc(line, func(name string) string {
			if newer(name, cut) {
				return ""
			}
			return name
		}), true
	})
	if removed < 20 {
		t.Fatalf("%d lines removed", removed)
	}
	data, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	file, path := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "seccompc")
	if err := os.WriteFile(file, data, 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-overlay", file, "-o", path, "../cmd/seccompc")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command(path, "list", "syscalls").CombinedOutput(); err != nil || strings.Contains(string(out), "rseq_slice_yield") {
		t.Fatalf("the older compiler knows rseq_slice_yield, error %v", err)
	}
	return path
}

// asWritten returns a policy as it would have been written for a kernel: reviewed for it, without the calls that it lacks,
// and without the tests, which may be about those.
func asWritten(t *testing.T, path string, cut arch.Version, reviewed string) []byte {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		t.Fatal(err)
	}
	found := false
	var edit func(n *yaml.Node) // of rules and groups
	edit = func(n *yaml.Node) {
		step := 1
		if n.Kind == yaml.MappingNode {
			step = 2
		}
		for i := 0; i < len(n.Content); i += step {
			if c := n.Content[i]; c.Kind == yaml.ScalarNode && newer(c.Value, cut) {
				n.Content = slices.Delete(n.Content, i, i+step)
				i -= step
				continue
			}
			edit(n.Content[i+step-1])
		}
	}
	head := doc.Content[0]
	for i := 0; i < len(head.Content); i += 2 {
		switch head.Content[i].Value {
		case "reviewed":
			found = true
			if head.Content[i+1].Value = reviewed; reviewed == "" {
				head.Content = slices.Delete(head.Content, i, i+2)
				i -= 2
			}
		case "tests":
			head.Content = slices.Delete(head.Content, i, i+2)
			i -= 2
		case "rules", "groups":
			edit(head.Content[i+1])
		}
	}
	if !found {
		t.Fatalf("%s: no key `reviewed`", path)
	}
	out, err := yaml.Marshal(&doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// sameDecisions returns nil if the older compiler's programs of a policy decide as this compiler's do.
func sameDecisions(t *testing.T, older, path string, src []byte) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), filepath.Base(path))
	if err := os.WriteFile(file, src, 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(older, "compile", "-o", file+".seccomp", file).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s\n%s", path, err, out, src)
	}
	data, err := os.ReadFile(file + ".seccomp")
	if err != nil {
		t.Fatal(err)
	}
	old, err := blob.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	r, findings := compiler.Compile(file, src, compiler.Options{})
	if r == nil {
		t.Fatalf("%s: %v\n%s", path, findings, src)
	}
	for i, target := range old.Targets {
		bigEndian := target.Order == blob.BigEndian
		prog, err := inspect.Instructions(target.Program, bigEndian)
		if err != nil {
			t.Fatal(err)
		}
		d, err := prove.Read(prog, bigEndian)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Equal(r.Targets[i]); err != nil {
			return err
		}
	}
	return nil
}
