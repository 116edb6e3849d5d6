package compiler_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler"
)

// TestTrace: each line leads to the instructions that its calls come to, and the lines that decide about the loader's calls
// are named.
func TestTrace(t *testing.T) {
	files := map[string]string{
		"/srv/policies/web.yaml": `seccompc: 1
targets: [x86_64+i386, s390x]
default: errno(EPERM)
rules:
  - include: ../lib/base.yaml
  - allow: [execve]
    if: arg1 != 0
  - errno(EACCES): [execve]
  - allow: [mmap]
    if: arg2 & 4 == 0 && arg3 != 7
  - kill_process: [prctl, no_such_call]
    abis: [x86_64]
  - allow: [socketcall]
`,
		"/srv/lib/base.yaml": "seccompc: 1\nrules:\n  - allow: [read,\n      write]\n",
	}
	files["/srv/policies/web.yaml"] = strings.Replace(files["/srv/policies/web.yaml"], ", no_such_call", "", 1)
	read := func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, fmt.Errorf("no file %s", name)
	}
	r, diags := compiler.Compile("/srv/policies/web.yaml", []byte(files["/srv/policies/web.yaml"]), compiler.Options{Read: read, Warn: true})
	if r == nil {
		t.Fatal(diags)
	}
	if want := []string{"web.yaml", "../lib/base.yaml"}; !slices.Equal(r.Blob.Sources, want) {
		t.Errorf("sources %q, want %q", r.Blob.Sources, want)
	}
	if r.Blob.Newest != blob.Version(int(arch.Newest().Major), int(arch.Newest().Minor), 0) || r.Blob.Newest < blob.Version(6, 0, 0) {
		t.Errorf("newest kernel %#x", r.Blob.Newest)
	}
	ranges := map[string][]blob.Range{}
	for _, l := range r.Blob.Lines {
		ranges[fmt.Sprintf("%s:%d", r.Blob.Sources[l.Source], l.Number)] = l.Ranges
	}
	// What is let through whatever its arguments comes to one return.
	for _, line := range []string{"../lib/base.yaml:3", "../lib/base.yaml:4"} {
		list := ranges[line]
		if len(list) != 2 || list[0].First != list[0].Last || r.Programs[0][list[0].First].K != 0x7fff0000 || list[1].Target != 1 {
			t.Errorf("%s: %v", line, list)
		}
	}
	// A condition comes to tests of the argument and two returns; both rules of execve come to the same.
	if list := ranges["web.yaml:6"]; len(list) == 0 || !slices.Equal(list, ranges["web.yaml:8"]) {
		t.Errorf("execve: %v and %v", list, ranges["web.yaml:8"])
	}
	loads := 0
	for _, x := range ranges["web.yaml:9"] {
		for pc := x.First; pc <= x.Last; pc++ {
			switch in := r.Programs[x.Target][pc]; {
			case in.Op == 0x20 && in.K < 16:
				t.Errorf("mmap comes to a load of number or architecture at %d", pc)
			case in.Op == 0x20:
				loads++
			}
		}
	}
	if loads < 4 {
		t.Errorf("mmap comes to %d loads of arguments", loads)
	}
	if list := ranges["web.yaml:11"]; len(list) != 1 || list[0].Target != 0 {
		t.Errorf("a rule for x86_64 alone: %v", list)
	}
	for i, want := range [][3]string{{"web.yaml:6", "web.yaml:11", ""}, {"web.yaml:6", "", ""}} {
		target := &r.Blob.Targets[i]
		got := [3]string{r.Blob.Decides(target, blob.AllowsExecve), r.Blob.Decides(target, blob.AllowsPrctl), r.Blob.Decides(target, blob.AllowsSeccomp)}
		if got != want {
			t.Errorf("%s: %q decide, want %q", target.Label, got, want)
		}
	}
}

// TestManySources: a policy may include many fragments, from folders with long names.
func TestManySources(t *testing.T) {
	long := strings.Repeat("folder/", 500)
	src := "seccompc: 1\ntargets: [x86_64]\ninstall: self\ndefault: errno(EPERM)\nrules:\n"
	for i := range 300 {
		src += fmt.Sprintf("  - include: f%d.yaml\n", i)
	}
	src += "  - include: " + long + "near.yaml\n  - include: " + long + long + "far.yaml\n"
	read := func(string) ([]byte, error) { return []byte("seccompc: 1\nrules:\n  - allow: [read]\n"), nil }
	r, diags := compiler.Compile("many.yaml", []byte(src), compiler.Options{Read: read, Warn: true})
	if r == nil || len(r.Bytes) == 0 {
		t.Fatal(diags)
	}
	if last := r.Blob.Sources[len(r.Blob.Sources)-1]; len(r.Blob.Sources) != 303 || r.Blob.Sources[301] != long+"near.yaml" || last != "far.yaml" {
		t.Errorf("%d sources, the last %q", len(r.Blob.Sources), last)
	}
}
