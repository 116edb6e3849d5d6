package compiler_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/seccompc/seccompc/"

// house is the plan: what each package may import of ours and of third parties. docs/design.md says why. A package
// that isn't here has no room.
var house = map[string][]string{
	"arch":              {},
	"blob":              {},
	"blob/load":         {"blob", "golang.org/x/sys/unix"},
	"compiler/policy":   {"gopkg.in/yaml.v3"},
	"compiler/importer": {"compiler/policy"},
	"compiler/resolve":  {"arch", "compiler/policy"},
	"compiler/codegen":  {"arch", "compiler/resolve", "golang.org/x/net/bpf"},
	"compiler/prove":    {"compiler/resolve", "golang.org/x/net/bpf"},
	"compiler/inspect":  {"arch", "blob", "compiler/prove", "compiler/resolve", "golang.org/x/net/bpf"},
	"compiler/lint":     {"arch", "compiler/policy", "compiler/prove", "compiler/resolve"},
	"compiler/exporter": {"arch", "blob", "compiler/inspect", "compiler/prove", "compiler/resolve"},
	"compiler": {"arch", "blob", "compiler/codegen", "compiler/importer", "compiler/inspect", "compiler/lint",
		"compiler/policy", "compiler/prove", "compiler/resolve", "golang.org/x/net/bpf"},
	"cmd/seccompc": {"arch", "blob", "compiler", "compiler/exporter", "compiler/inspect", "compiler/lint",
		"compiler/policy", "compiler/resolve", "github.com/spf13/cobra"},
	"docs":             {},
	"cmd/seccomp-load": {"blob", "blob/load", "golang.org/x/sys/unix"},
	"policies":         {},
	"vms":              {"arch"},
	"testdata/enter":   {},
	"vms/guest": {"arch", "blob", "blob/load", "compiler", "compiler/inspect", "compiler/resolve", "compiler/resolve/resolvetest",
		"golang.org/x/sys/unix", "testdata/enter"},
	"blob/load/loadtest":           {"golang.org/x/sys/unix"},
	"compiler/resolve/resolvetest": {"arch", "compiler/resolve"},
	"compiler/policy/policytest":   {},
}

// portable packages build wherever people write policies; they ask the system nothing.
var portable = []string{"arch", "blob", "compiler"}

type listed struct {
	ImportPath    string
	Imports, Deps []string
}

func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,Deps", module+"...")
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOFLAGS=-mod=readonly")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p listed
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func TestHouse(t *testing.T) {
	rooms := map[string]bool{}
	for _, p := range list(t) {
		room, ours := strings.CutPrefix(p.ImportPath, module)
		if !ours {
			continue
		}
		rooms[room] = true
		allowed, planned := house[room]
		if !planned {
			t.Errorf("package %s has no room in the house", room)
			continue
		}
		for _, path := range p.Imports {
			name := strings.TrimPrefix(path, module)
			standard := !strings.Contains(strings.Split(path, "/")[0], ".")
			if !standard && !slices.Contains(allowed, name) {
				t.Errorf("%s imports %s, which the plan does not allow", room, name)
			}
			if slices.ContainsFunc(portable, func(q string) bool { return room == q || strings.HasPrefix(room, q+"/") }) &&
				!strings.HasPrefix(room, "blob/load") && path == "syscall" {
				t.Errorf("%s imports %s, so it can't be portable", room, path)
			}
		}
		for _, path := range p.Deps {
			name := strings.TrimPrefix(path, module)
			lean := room == "blob/load" || room == "cmd/seccomp-load"
			if lean && (name == "arch" || strings.HasPrefix(name, "compiler") || name == "gopkg.in/yaml.v3" || name == "golang.org/x/net/bpf") {
				t.Errorf("%s reaches %s", room, name)
			}
			if room == "compiler/prove" && name == "compiler/codegen" || room == "compiler/codegen" && name == "compiler/prove" {
				t.Errorf("%s reaches %s: a proof must not share code with what it proves", room, name)
			}
		}
	}
	for room := range house {
		if !rooms[room] {
			t.Errorf("the plan has a room %s, the repository has not", room)
		}
	}
}

// TestFileLength keeps hand-written files readable in one go.
func TestFileLength(t *testing.T) {
	const limit = 400
	files := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasPrefix(d.Name(), "z") {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		files++
		lines := 0
		for s := bufio.NewScanner(f); s.Scan(); {
			lines++
		}
		if lines > limit && !strings.HasSuffix(path, "_test.go") {
			t.Errorf("%s has %d lines, more than %d", path, lines, limit)
		}
		return nil
	})
	if err != nil || files < 30 {
		t.Fatalf("%d files read, error %v", files, err)
	}
}
