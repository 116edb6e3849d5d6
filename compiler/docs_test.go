package compiler_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/compiler"
)

// TestDocs compiles every policy that the docs show, in fenced blocks of YAML. One that begins with "# base.yaml" is the
// file of this name, which others include.
func TestDocs(t *testing.T) {
	paths, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	snippets, fragments := 0, map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(text), "```yaml\n")[1:] {
			src, _, _ := strings.Cut(part, "```")
			first, _, _ := strings.Cut(src, "\n")
			if name, ok := strings.CutPrefix(first, "# "); ok && strings.HasSuffix(name, ".yaml") {
				fragments[name] = src
				continue
			}
			snippets++
			read := func(name string) ([]byte, error) {
				text, ok := fragments[name]
				if !ok {
					return nil, fs.ErrNotExist
				}
				return []byte(text), nil
			}
			if _, findings := compiler.Compile("snippet.yaml", []byte(src), compiler.Options{Read: read}); len(findings) > 0 {
				t.Errorf("%s: %v\n%s", path, findings, src)
			}
		}
	}
	if snippets < 5 || len(fragments) == 0 {
		t.Errorf("%d snippets and %d fragments found", snippets, len(fragments))
	}
}
