package compiler_test

import (
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
			newer := func(name string) bool { return arch.Since(name).Compare(cut) > 0 }
			older := build(t, olderTree(t, newer))
			differs := ""
			for _, path := range policies {
				if err := sameDecisions(t, older, path, asWritten(t, path, newer, kernel)); err != nil {
					t.Errorf("%s: %v", path, err)
				}
				var difference *prove.Difference
				if differs == "" && errors.As(sameDecisions(t, older, path, asWritten(t, path, newer, "")), &difference) {
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

// olderTree copies the module and leaves out calls, as if the compiler had never known them: from arch's sheets and tables,
// each with a line per call, and from the built-in groups.
func olderTree(t *testing.T, gone func(name string) bool) string {
	t.Helper()
	dir := t.TempDir()
	for _, part := range []string{"arch", "bench", "blob", "cmd", "compiler", "docs", "policies", "testdata"} {
		if err := os.CopyFS(filepath.Join(dir, part), os.DirFS(filepath.Join("..", part))); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"go.mod", "go.sum"} {
		writeFile(t, filepath.Join(dir, file), readFile(t, filepath.Join("..", file)))
	}
	edit := func(pattern string, edit func(line string) string) (removed int) {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %q, error %v", pattern, files, err)
		}
		for _, file := range files {
			var b strings.Builder
			for line := range strings.Lines(readFile(t, file)) {
				kept := edit(line)
				b.WriteString(kept)
				if kept == "" {
					removed++
				}
			}
			writeFile(t, file, b.String())
		}
		return removed
	}
	first := regexp.MustCompile(`"(\w+)"`)
	tables := edit("arch/z*.go", func(line string) string {
		if name := first.FindStringSubmatch(line); name != nil && gone(name[1]) {
			return ""
		}
		return line
	})
	sheets := edit("arch/*.csv", func(line string) string {
		if cells := strings.SplitN(line, ",", 4); !strings.HasPrefix(line, "#") && slices.ContainsFunc(cells[:len(cells)-1], gone) {
			return ""
		}
		return line
	})
	if tables < 20 || sheets != tables {
		t.Fatalf("%d lines removed from tables, %d from sheets", tables, sheets)
	}
	members := regexp.MustCompile(`\w+`)
	edit("compiler/policy/groups.txt", func(line string) string {
		if !strings.HasPrefix(line, " ") {
			return line
		}
		return members.ReplaceAllStringFunc(line, func(name string) string {
			if gone(name) {
				return ""
			}
			return name
		})
	})
	return dir
}

// build builds a tree's seccompc. Without the tree's path in it, it is the same in the next run, and cached.
func build(t *testing.T, tree string) string {
	t.Helper()
	cmd := exec.Command("go", "build", "-trimpath", "-o", "seccompc", "./cmd/seccompc")
	cmd.Dir, cmd.Env = tree, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	seccompc := filepath.Join(tree, "seccompc")
	if out, err := exec.Command(seccompc, "list", "syscalls").CombinedOutput(); err != nil || strings.Contains(string(out), "rseq_slice_yield") {
		t.Fatalf("the older compiler knows rseq_slice_yield, error %v", err)
	}
	return seccompc
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func writeFile(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// asWritten returns a policy as it would have been written for a kernel: reviewed for it, without the calls that are gone,
// and without the tests, which may be about those.
func asWritten(t *testing.T, path string, gone func(name string) bool, reviewed string) []byte {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(readFile(t, path)), &doc); err != nil {
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
			if c := n.Content[i]; c.Kind == yaml.ScalarNode && gone(c.Value) {
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
	r, findings := compiler.Compile(path, src, compiler.Options{})
	if r == nil {
		t.Fatalf("%s: %v\n%s", path, findings, src)
	}
	for i, target := range compileWith(t, older, path, src).Targets {
		if err := diagram(t, target).Equal(r.Targets[i]); err != nil {
			return err
		}
	}
	return nil
}

// compileWith compiles a policy with another seccompc.
func compileWith(t *testing.T, seccompc, path string, src []byte) *blob.Blob {
	t.Helper()
	file := filepath.Join(t.TempDir(), filepath.Base(path))
	writeFile(t, file, string(src))
	if out, err := exec.Command(seccompc, "compile", "-o", file+".seccomp", file).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s\n%s", path, err, out, src)
	}
	b, err := blob.Decode([]byte(readFile(t, file+".seccomp")))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func diagram(t *testing.T, target blob.Target) *prove.Diagram {
	t.Helper()
	bigEndian := target.Order == blob.BigEndian
	prog, err := inspect.Instructions(target.Program, bigEndian)
	if err != nil {
		t.Fatal(err)
	}
	d, err := prove.Read(prog, bigEndian)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
