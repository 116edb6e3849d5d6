package exporter

import (
	"go/token"
	"testing"
)

func TestIdentifier(t *testing.T) {
	for name, want := range map[string]string{
		"web": "Web", "docker-default": "DockerDefault", "3things": "Policy3things", "a.b_c": "ABC", "_": "Policy", "-": "Policy", "X1": "X1",
	} {
		if got := identifier(name); got != want || !token.IsExported(got) || !token.IsIdentifier(got) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// TestPattern: names as golang.org/x/mod/module.CheckFilePath takes them, in the pattern that means the file alone.
func TestPattern(t *testing.T) {
	for file, want := range map[string]string{
		"web.seccomp": "web.seccomp", "a[b].seccomp": `a\[b].seccomp`, "a b.seccomp": `"a b.seccomp"`, "a [b": `"a \\[b"`, "it's": "", "a*": "", `a\b`: "", "a\nb": "", "a\"b": "",
	} {
		if got, err := pattern(file); got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v; want %q", file, got, err, want)
		}
	}
}
