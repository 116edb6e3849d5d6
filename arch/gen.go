//go:build ignore

// Gen refreshes the xsys rows of syscalls.csv from the golang.org/x/sys that
// go.mod names, checks every CSV file, and writes the z-files. It stops at the
// first fault, with file:line, and then changes nothing.
package main

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io"
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

var errnoGroups = []string{"generic", "powerpc", "mips", "parisc"} // columns of errno.csv

// artefact matches SYS_ constants that aren't calls: unused numbers, bases and
// masks.
var artefact = regexp.MustCompile(`^(SYS_(UNUSED|RESERVED)[0-9]+|SYS_SYSCALL_MASK|SYS_ARCH_SPECIFIC_SYSCALL)$`)

// A row is one CSV record with its place.
type row struct {
	file  string
	line  int
	cells []string
}

func (r row) fail(format string, args ...any) {
	log.Fatalf("%s:%d: %s", r.file, r.line, fmt.Sprintf(format, args...))
}

func (r row) uint(col, bits int) uint64 {
	n, err := strconv.ParseUint(r.cells[col], 0, bits)
	if err != nil {
		r.fail("bad number %q", r.cells[col])
	}
	return n
}

// A sheet is a CSV file: its comment lines, which a rewrite keeps, its header
// and its rows.
type sheet struct {
	file, comment string
	header        []string
	rows          []row
}

func read(file, header string) *sheet {
	data, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	s := &sheet{file: file, header: strings.Split(header, ",")}
	body := string(data)
	for strings.HasPrefix(body, "#") {
		line, rest, _ := strings.Cut(body, "\n")
		s.comment += line + "\n"
		body = rest
	}
	skipped := strings.Count(s.comment, "\n")
	r := csv.NewReader(strings.NewReader(body))
	r.FieldsPerRecord = len(s.header)
	for first := true; ; first = false {
		cells, err := r.Read()
		if err == io.EOF {
			return s
		} else if fault := (*csv.ParseError)(nil); errors.As(err, &fault) {
			log.Fatalf("%s:%d: %v", file, skipped+fault.Line, fault.Err)
		}
		line, _ := r.FieldPos(0)
		at := row{file, skipped + line, cells}
		if first && !slices.Equal(cells, s.header) {
			at.fail("the header isn't %s", header)
		} else if cells[len(cells)-1] == "" {
			at.fail("no source")
		} else if !first {
			s.rows = append(s.rows, at)
		}
	}
}

func (s *sheet) write() {
	var b bytes.Buffer
	b.WriteString(s.comment)
	w := csv.NewWriter(&b)
	w.Write(s.header)
	for _, r := range s.rows {
		w.Write(r.cells)
	}
	w.Flush()
	output[s.file] = b.Bytes()
}

// ascending fails unless cmp says that every row is above the one before.
func (s *sheet) ascending(order func(a, b row) int) {
	for i := 1; i < len(s.rows); i++ {
		if c := order(s.rows[i-1], s.rows[i]); c == 0 {
			s.rows[i].fail("duplicate of the row above")
		} else if c > 0 {
			s.rows[i].fail("not in order")
		}
	}
}

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

// refresh replaces the rows of source xsys.
func refresh(s *sheet, tables []string) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sys").Output()
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		log.Fatalf("no golang.org/x/sys: %v; try go mod download golang.org/x/sys", err)
	}
	s.rows = slices.DeleteFunc(s.rows, func(r row) bool { return r.cells[3] == "xsys" })
	for _, table := range tables {
		if xsys[table] == nil {
			continue
		}
		calls := parseXsys(dir, xsys[table][0])
		for _, goarch := range xsys[table][1:] {
			if !maps.Equal(calls, parseXsys(dir, goarch)) {
				log.Fatalf("golang.org/x/sys: %s and %s differ", xsys[table][0], goarch)
			}
		}
		for name, nr := range calls {
			s.rows = append(s.rows, row{s.file, 0, []string{table, strconv.FormatUint(nr, 10), name, "xsys"}})
		}
	}
	slices.SortFunc(s.rows, numbers(tables))
	skipped := strings.Count(s.comment, "\n") + 1
	for i := range s.rows {
		s.rows[i].line = skipped + 1 + i
	}
}

// numbers orders by table, then number: the order of syscalls.csv.
func numbers(tables []string) func(a, b row) int {
	return func(a, b row) int {
		return cmp.Or(
			cmp.Compare(slices.Index(tables, a.cells[0]), slices.Index(tables, b.cells[0])),
			cmp.Compare(a.uint(1, 32), b.uint(1, 32)))
	}
}

// output holds each file's new content until all checks have passed.
var output = map[string][]byte{}

// emit formats a z-file.
func emit(name string, b *bytes.Buffer) {
	src, err := format.Source(append([]byte("// Code generated by gen.go; DO NOT EDIT.\n\npackage arch\n\n"), b.Bytes()...))
	if err != nil {
		log.Fatalf("%s: %v", name, err)
	}
	output[name] = src
}

func main() {
	log.SetFlags(0)

	abis := read("abis.csv", "abi,table,audit,bit,reg_bits,long_bits,wide,endian,errno,goarch,family,spellings,source")
	var tables []string
	for _, r := range abis.rows {
		if !slices.Contains(tables, r.cells[1]) {
			tables = append(tables, r.cells[1])
		}
	}
	writeABIs(abis)

	syscalls := read("syscalls.csv", "abi,number,name,source")
	aliases := read("aliases.csv", "abi,alias,name,source")
	for _, r := range slices.Concat(syscalls.rows, aliases.rows) {
		if !slices.Contains(tables, r.cells[0]) {
			r.fail("no table %q in abis.csv", r.cells[0])
		}
	}
	syscalls.ascending(numbers(tables))
	refresh(syscalls, tables)
	syscalls.ascending(numbers(tables))
	syscalls.write()
	names := writeTables(tables, syscalls, aliases)
	writeParams(read("params.csv", "abis,syscall,index,name,alias,type,used_bits,signed,source"), tables, syscalls)

	writeVersions(read("introduced.csv", "name,kernel,source"), names)
	errnos := read("errno.csv", "name,"+strings.Join(errnoGroups, ",")+",source")
	writeErrnos(errnos)
	consts := read("consts.csv", "name,value,abis,source")
	writeConsts(consts, tables)
	writeCaps(read("caps.csv", "syscall,condition,capability,errno,regranted,source"), names, errnos, consts)

	for name, data := range output {
		if err := os.WriteFile(name, data, 0o666); err != nil {
			log.Fatal(err)
		}
	}
}

func writeABIs(s *sheet) {
	wide := map[string]string{"whole": "Whole", "pair": "Pair", "aligned_pair": "AlignedPair"}
	endian := map[string]string{"little": "false", "big": "true"}
	taken := map[string]bool{}
	b := bytes.NewBufferString("var abis = [...]ABI{\n")
	for _, r := range s.rows {
		c := r.cells
		spellings := strings.Fields(c[11])
		if goarch := c[9]; goarch != "" && goarch != c[0] && !slices.Contains(spellings, goarch) {
			r.fail("GOARCH %q isn't among the spellings", goarch)
		}
		for _, spelling := range append([]string{c[0]}, spellings...) {
			if taken[spelling] {
				r.fail("spelling %q is taken", spelling)
			}
			taken[spelling] = true
		}
		if !slices.Contains(errnoGroups, c[8]) {
			r.fail("no errno group %q", c[8])
		}
		if wide[c[6]] == "" || endian[c[7]] == "" {
			r.fail("bad wide %q or endian %q", c[6], c[7])
		}
		fmt.Fprintf(b, "{Name: %q, Audit: %#08x, Bit: %#x, RegBits: %d, LongBits: %d, Wide: %s, BigEndian: %s, GOARCH: %q, Family: %q,\n",
			c[0], r.uint(2, 32), r.uint(3, 32), r.uint(4, 8), r.uint(5, 8), wide[c[6]], endian[c[7]], c[9], c[10])
		fmt.Fprintf(b, "spellings: %#v, table: &%sTable, errnos: %sErrnos},\n", spellings, c[1], c[8])
	}
	b.WriteString("}\n")
	emit("zabis.go", b)
}

// writeTables returns every canonical name.
func writeTables(tables []string, syscalls, aliases *sheet) map[string]bool {
	all := map[string]bool{}
	var b bytes.Buffer
	for i, table := range tables {
		names := map[string]bool{}
		fmt.Fprintf(&b, "var %sTable = table{\nbit: %#x,\ncalls: []Syscall{\n", table, 1<<i)
		for _, r := range syscalls.rows {
			if r.cells[0] != table {
				continue
			}
			name := r.cells[2]
			if name == "" || names[name] {
				r.fail("%s has %q already", table, name)
			}
			names[name], all[name] = true, true
			fmt.Fprintf(&b, "{%s, %q},\n", r.cells[1], name)
		}
		if len(names) == 0 {
			log.Fatalf("%s: no rows of %s", syscalls.file, table)
		}
		b.WriteString("},\naliases: []alias{\n")
		aliased := map[string]bool{}
		for _, r := range aliases.rows {
			if r.cells[0] != table {
				continue
			}
			if names[r.cells[1]] || aliased[r.cells[1]] || !names[r.cells[2]] {
				r.fail("%s has %q already, or no %q", table, r.cells[1], r.cells[2])
			}
			aliased[r.cells[1]] = true
			fmt.Fprintf(&b, "{%q, %q},\n", r.cells[1], r.cells[2])
		}
		b.WriteString("},\n")
		b.WriteString("}\n\n")
	}
	emit("zsyscalls.go", &b)
	return all
}

func writeVersions(s *sheet, names map[string]bool) {
	s.ascending(func(a, b row) int { return cmp.Compare(a.cells[0], b.cells[0]) })
	var b bytes.Buffer
	b.WriteString("var introduced = []introduction{\n")
	for _, r := range s.rows {
		if !names[r.cells[0]] {
			r.fail("no ABI has %q", r.cells[0])
		}
		parts := strings.Split(r.cells[1], ".")
		if len(parts) == 2 {
			parts = append(parts, "0")
		}
		for _, p := range parts {
			if _, err := strconv.ParseUint(p, 10, 16); err != nil || len(parts) != 3 {
				r.fail("bad kernel version %q", r.cells[1])
			}
		}
		fmt.Fprintf(&b, "{%q, Version{%s}},\n", r.cells[0], strings.Join(parts, ", "))
	}
	b.WriteString("}\n")
	emit("zversions.go", &b)
}

func writeErrnos(s *sheet) {
	var b bytes.Buffer
	for col := 1; col < len(s.header)-1; col++ {
		seen := map[string]bool{}
		fmt.Fprintf(&b, "var %sErrnos = []errno{\n", s.header[col])
		for _, r := range s.rows {
			if seen[r.cells[0]] {
				r.fail("%q is there already", r.cells[0])
			}
			seen[r.cells[0]] = true
			if r.cells[col] == "" {
				continue
			}
			if n := r.uint(col, 12); n == 0 {
				r.fail("errno 0")
			}
			fmt.Fprintf(&b, "{%q, %s},\n", r.cells[0], r.cells[col])
		}
		b.WriteString("}\n\n")
	}
	emit("zerrnos.go", &b)
}
