//go:build ignore

// Genxsys brings the system calls up to golang.org/x/sys. It is a part of
// gen.go.
package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// xsys gives the GOARCHes whose zsysnum files make up a table. Several must
// agree.
var xsys = map[string][]string{
	"x86_64": {"amd64"}, "i386": {"386"}, "arm": {"arm"}, "aarch64": {"arm64"},
	"riscv64": {"riscv64"}, "loongarch64": {"loong64"}, "s390x": {"s390x"},
	"ppc64": {"ppc64le", "ppc64"}, "ppc": {"ppc"},
	"mips": {"mips", "mipsle"}, "mips64": {"mips64", "mips64le"},
}

// artefact matches SYS_ constants that aren't calls: unused numbers, bases and
// masks.
var artefact = regexp.MustCompile(`^(SYS_(UNUSED|RESERVED)[0-9]+|SYS_SYSCALL_MASK|SYS_ARCH_SPECIFIC_SYSCALL)$`)

// parseXsys returns name to number of one zsysnum file, artefacts left out.
func parseXsys(dir, goarch string) map[string]uint64 {
	name := filepath.Join(dir, "unix", "zsysnum_linux_"+goarch+".go")
	f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		log.Fatal(err)
	}
	calls := map[string]uint64{}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, id := range spec.Names {
			lit, ok := spec.Values[i].(*ast.BasicLit)
			if !ok || !strings.HasPrefix(id.Name, "SYS_") {
				log.Fatalf("%s: unexpected constant %s", name, id.Name)
			}
			nr, err := strconv.ParseUint(lit.Value, 0, 32)
			if err != nil {
				log.Fatalf("%s: %s: %v", name, id.Name, err)
			}
			if !artefact.MatchString(id.Name) {
				calls[strings.ToLower(id.Name[len("SYS_"):])] = nr
			}
		}
		return false
	})
	return calls
}

// refresh brings the rows of source xsys up to golang.org/x/sys. A call that it
// no longer has stays, with another source.
func refresh(s, introduced *sheet, tables []string) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}} {{.Dir}}", "golang.org/x/sys").Output()
	version, dir, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if err != nil || dir == "" {
		log.Fatalf("no golang.org/x/sys: %v; try go mod download golang.org/x/sys", err)
	}
	theirs := map[string]map[string]uint64{} // table, call
	for table, goarches := range xsys {
		theirs[table] = parseXsys(dir, goarches[0])
		for _, goarch := range goarches[1:] {
			if !maps.Equal(theirs[table], parseXsys(dir, goarch)) {
				log.Fatalf("golang.org/x/sys: %s and %s differ", goarches[0], goarch)
			}
		}
	}
	known := map[string]bool{}
	for _, r := range s.rows {
		known[r.cells[2]] = true
		if r.cells[3] != "xsys" {
			continue
		}
		calls := theirs[r.cells[0]]
		if nr, ok := calls[r.cells[2]]; !ok {
			r.cells[3] = "golang.org/x/sys before " + version
		} else if nr != r.uint(1, 32) {
			r.fail("%s of %s is %d in golang.org/x/sys %s: numbers never change", r.cells[2], r.cells[0], nr, version)
		}
		delete(calls, r.cells[2])
	}
	for _, r := range introduced.rows {
		known[r.cells[0]] = true
	}
	for table, calls := range theirs {
		for name, nr := range calls {
			s.rows = append(s.rows, row{s.file, 0, []string{table, strconv.FormatUint(nr, 10), name, "xsys"}})
			// Without a kernel it would count as older than any policy's reviewed.
			if !known[name] {
				source := "golang.org/x/sys " + version + " is made from this release"
				introduced.rows = append(introduced.rows, row{introduced.file, 0, []string{name, kernel(dir), source}})
				known[name] = true
			}
		}
	}
	slices.SortFunc(introduced.rows, byName)
	slices.SortFunc(s.rows, numbers(tables))
	skipped := strings.Count(s.comment, "\n") + 1
	for i := range s.rows {
		s.rows[i].line = skipped + 1 + i
	}
}

// kernel returns the release whose headers golang.org/x/sys was made from.
func kernel(dir string) string {
	name := filepath.Join(dir, "unix", "linux", "Dockerfile")
	text, err := os.ReadFile(name)
	if err != nil {
		log.Fatal(err)
	}
	branch := regexp.MustCompile(`clone --branch v([0-9]+\.[0-9]+)\S* .*/linux\b`).FindSubmatch(text)
	if branch == nil {
		log.Fatalf("%s: no branch of linux; give the new calls their kernel in introduced.csv", name)
	}
	return string(branch[1])
}
