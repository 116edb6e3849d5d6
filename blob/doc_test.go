package blob

import (
	"bytes"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"testing"
)

// TestDocument: docs/blob-format.md is the package comment. Broken, it is written by go test ./blob -update.
func TestDocument(t *testing.T) {
	const file = "../docs/blob-format.md"
	f, err := parser.ParseFile(token.NewFileSet(), "blob.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	var p comment.Parser
	printer := comment.Printer{HeadingLevel: 2, HeadingID: func(*comment.Heading) string { return "" }}
	want := append([]byte("# The blob format, version 1.0\n\nThis is the comment of the Go package blob.\n\n"), printer.Markdown(p.Parse(f.Doc.Text()))...)
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not the package comment (error %v): go test ./blob -update writes it", file, err)
	}
}
