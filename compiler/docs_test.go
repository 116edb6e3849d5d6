package compiler_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/compiler"
)

// TestDocs compiles every policy that the docs show, in fenced blocks of YAML.
func TestDocs(t *testing.T) {
	paths, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	snippets := 0
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(text), "```yaml\n")[1:] {
			src, _, _ := strings.Cut(part, "```")
			snippets++
			if _, findings := compiler.Compile("snippet.yaml", []byte(src), compiler.Options{}); len(findings) > 0 {
				t.Errorf("%s: %v\n%s", path, findings, src)
			}
		}
	}
	if snippets < 3 {
		t.Errorf("%d snippets found", snippets)
	}
}
