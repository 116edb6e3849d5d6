package compiler_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler"
)

// TestDeterministic compiles policies for every target over and over, with one and with several processors: the bytes
// don't depend on the order of maps or on anything else that differs between runs.
func TestDeterministic(t *testing.T) {
	var every [][]*arch.ABI
	for _, a := range arch.All() {
		every = append(every, []*arch.ABI{a})
	}
	a := &author{Rand: rand.New(rand.NewPCG(*seed, 2)), met: map[string]int{}}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, c := range []struct{ name, text string }{
		{"policy.yaml", a.policy(every)},
		{"profile.json", `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
			{"names": ["socket", "connect", "accept", "semop", "shmat", "read", "write", "mmap"], "action": "SCMP_ACT_ALLOW"},
			{"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]},
			{"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 131072, "op": "SCMP_CMP_EQ"}]}]}`},
	} {
		var first []byte
		for i := range 50 {
			runtime.GOMAXPROCS(1 + i%4)
			res, diags := compiler.Compile(c.name, []byte(c.text), compiler.Options{Warn: true, Caps: []string{"CAP_KILL", "CAP_CHOWN"}})
			if res == nil {
				t.Fatalf("%v\n%s", diags, c.text)
			}
			if first == nil {
				first = res.Bytes
			}
			if !bytes.Equal(res.Bytes, first) {
				t.Fatalf("compilation %d of %s gives other bytes than the first", i, c.name)
			}
		}
	}
}

// TestIntegers: the generator chooses by integers. Machines that fuse a multiplication with an addition round floating point
// otherwise than those that don't, and another choice is another program.
func TestIntegers(t *testing.T) {
	files, err := filepath.Glob("codegen/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		tree, err := parser.ParseFile(fset, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if n.Name == "float64" || n.Name == "float32" {
					t.Errorf("%s: %s", fset.Position(n.Pos()), n.Name)
				}
			case *ast.BasicLit:
				if n.Kind == token.FLOAT {
					t.Errorf("%s: %s", fset.Position(n.Pos()), n.Value)
				}
			}
			return true
		})
	}
}
