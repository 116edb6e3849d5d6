package arch

import (
	"encoding/csv"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// unixDir is where the golang.org/x/sys/unix of go.mod lies.
func unixDir(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sys").CombinedOutput()
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		t.Fatalf("go list golang.org/x/sys: %v: %s", err, dir)
	}
	return filepath.Join(dir, "unix")
}

// constants returns the constants of a Go file that are a number of at most 64
// bits or a conversion of one. 1<<64 - 1 is -1.
func constants(t *testing.T, file string) map[string]int64 {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int64{}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			for i, value := range v.Values {
				if call, ok := value.(*ast.CallExpr); ok && len(call.Args) == 1 {
					value = call.Args[0]
				}
				sign := int64(1)
				if minus, ok := value.(*ast.UnaryExpr); ok && minus.Op == token.SUB {
					sign, value = -1, minus.X
				}
				if lit, ok := value.(*ast.BasicLit); ok && lit.Kind == token.INT {
					if n, err := strconv.ParseUint(lit.Value, 0, 64); err == nil {
						found[v.Names[i].Name] = sign * int64(n)
					}
				}
			}
		}
	}
	return found
}

// goarches are those with a zsysnum file; two byte orders share a table.
var goarches = []string{
	"386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle",
	"ppc", "ppc64", "ppc64le", "riscv64", "s390x",
}

func TestXsysNumbers(t *testing.T) {
	dir := unixDir(t)
	// Not calls: numbers kept free, and names of bases and masks.
	odd := regexp.MustCompile(`^(unused|reserved)\d+$|^syscall_mask$|^arch_specific_syscall$`)
	calls, table := sheet(t, "syscalls.csv"), map[string]string{}
	for _, c := range sheet(t, "abis.csv") {
		table[c[0]] = c[1]
	}
	for _, goarch := range goarches {
		a := abi(t, goarch)
		theirs := map[string]uint32{}
		for name, nr := range constants(t, filepath.Join(dir, "zsysnum_linux_"+goarch+".go")) {
			name = strings.ToLower(strings.TrimPrefix(name, "SYS_"))
			if odd.MatchString(name) {
				continue
			}
			theirs[name] = uint32(nr)
			if ours, ok := a.Number(name); !ok || int64(ours) != nr {
				t.Errorf("%s: %s is %d, %v, in x/sys %d", a.Name, name, ours, ok, nr)
			}
		}
		if len(theirs) < 300 {
			t.Fatalf("%s: only %d calls in x/sys", goarch, len(theirs))
		}
		for _, c := range calls {
			if nr, ok := theirs[c[2]]; c[0] == table[a.Name] && c[3] == "xsys" && (!ok || fmt.Sprint(nr) != c[1]) {
				t.Errorf("%s: x/sys lacks %s %s", a.Name, c[2], c[1])
			}
		}
	}
}

func TestXsysErrnos(t *testing.T) {
	dir := unixDir(t)
	common := constants(t, filepath.Join(dir, "zerrors_linux.go"))
	for _, goarch := range goarches {
		a := abi(t, goarch)
		own := constants(t, filepath.Join(dir, "zerrors_linux_"+goarch+".go"))
		for _, name := range Errnos() {
			n, ok := own[name]
			if !ok {
				n, ok = common[name]
			}
			ours, have := a.Errno(name)
			if have != ok || int64(ours) != n {
				t.Errorf("%s: %s is %d, %v, in x/sys %d, %v", a.Name, name, ours, have, n, ok)
			}
		}
	}
}

// sheet returns the rows of a CSV file without its header.
func sheet(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatalf("%s: %d rows, %v", name, len(rows), err)
	}
	return rows[1:]
}

// The z-files must be those of the CSV files; go generate makes them so.
func TestGenerated(t *testing.T) {
	abis := sheet(t, "abis.csv")
	if len(abis) != len(All()) {
		t.Errorf("%d ABIs in abis.csv", len(abis))
	}
	for i, c := range abis {
		a := All()[i]
		audit, _ := strconv.ParseUint(c[2], 0, 32)
		if a.Name != c[0] || a.Audit != uint32(audit) || strconv.Itoa(a.RegBits) != c[4] || strconv.Itoa(a.LongBits) != c[5] ||
			strings.ReplaceAll(a.Wide.String(), " ", "_") != c[6] || a.BigEndian != (c[7] == "big") || a.GOARCH != c[9] || a.Family != c[10] ||
			!slices.Equal(a.spellings, strings.Fields(c[11])) {
			t.Errorf("abis.csv has %v, the program %+v", c, *a)
		}
	}
	calls := map[string][]Syscall{}
	for _, c := range sheet(t, "syscalls.csv") {
		nr, err := strconv.ParseUint(c[1], 0, 32)
		if err != nil {
			t.Fatal(err)
		}
		calls[c[0]] = append(calls[c[0]], Syscall{uint32(nr), c[2]})
	}
	for i, c := range abis {
		if a := All()[i]; !slices.Equal(a.Syscalls(), calls[c[1]]) {
			t.Errorf("%s: not the calls of syscalls.csv", a.Name)
		}
	}
	for _, c := range sheet(t, "introduced.csv") {
		if v, err := ParseVersion(c[1]); err != nil || Since(c[0]) != v {
			t.Errorf("%s: since %v, in introduced.csv %s", c[0], Since(c[0]), c[1])
		}
	}
	for _, c := range sheet(t, "errno.csv") {
		for i, name := range []string{"x86_64", "ppc", "mips", "parisc"} {
			n, ok := abi(t, name).Errno(c[0])
			if ok != (c[i+1] != "") || ok && strconv.Itoa(int(n)) != c[i+1] {
				t.Errorf("%s: %s is %d, %v, in errno.csv %q", name, c[0], n, ok, c[i+1])
			}
		}
	}
}
