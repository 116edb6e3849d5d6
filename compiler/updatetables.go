//go:build ignore

// Updatetables shows what the system calls of another golang.org/x/sys change: names, and what the policies of ../policies
// decide. It works on a copy of the module; with -keep, go.mod and the tables come back from there when all went well. Go.mod
// belongs to it, for the tables are those of the x/sys that it names.
//
//	go run updatetables.go [-keep] VERSION
package main

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("updatetables: ")
	keep := flag.Bool("keep", false, "keep the tables, and the x/sys in go.mod")
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("usage: go run updatetables.go [-keep] VERSION")
	}
	dir, err := os.MkdirTemp("", "tables")
	if err != nil {
		log.Fatal(err)
	}
	err = update(dir, flag.Arg(0), *keep)
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		log.Fatal(err)
	}
}

func update(dir, version string, keep bool) error {
	for _, part := range []string{"arch", "bench", "blob", "cmd", "compiler", "docs", "policies", "testdata"} { // all packages, or go mod tidy misses some
		if err := os.CopyFS(filepath.Join(dir, part), os.DirFS(filepath.Join("..", part))); err != nil {
			return err
		}
	}
	for _, file := range []string{"go.mod", "go.sum"} {
		if err := copyFile(filepath.Join(dir, file), filepath.Join("..", file)); err != nil {
			return err
		}
	}
	before, err := run(dir, "go", "list", "-m", "golang.org/x/sys")
	if err != nil {
		return err
	}
	modules := []string{dir, filepath.Join(dir, "bench")}
	for _, module := range modules {
		if out, err := run(module, "go", "get", "golang.org/x/sys@"+version); err != nil {
			return err
		} else if strings.Contains(out, "downgraded") {
			return fmt.Errorf("golang.org/x/sys %s is older than what go.mod names:\n%s", version, out)
		}
	}
	after, err := run(dir, "go", "list", "-m", "golang.org/x/sys")
	if err != nil {
		return err
	}
	if _, err := run(filepath.Join(dir, "arch"), "go", "generate"); err != nil {
		return err
	}
	fmt.Printf("%s -> %s\n\n", strings.TrimSpace(before), strings.TrimSpace(after))
	if err := names("../arch", filepath.Join(dir, "arch")); err != nil {
		return err
	}
	if err := decisions(dir); err != nil {
		return err
	}
	if !keep {
		return nil
	}
	for _, module := range modules {
		if _, err := run(module, "go", "mod", "tidy"); err != nil {
			return err
		}
	}
	return bring(dir)
}

// run runs a command without cgo or the paths of the copy, so that what it builds is cached for the next copy.
func run(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return string(out), nil
}

func copyFile(to, from string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o666)
}

// bring moves what changed in the copy to the module: by renaming, when all is there.
func bring(dir string) error {
	files := []string{"go.mod", "go.sum", "bench/go.mod", "bench/go.sum"}
	for _, pattern := range []string{"arch/*.csv", "arch/z*.go"} {
		found, err := fs.Glob(os.DirFS(dir), pattern)
		if err != nil {
			return err
		}
		files = append(files, found...)
	}
	var changed []string
	for _, file := range files {
		ours, err := os.ReadFile(filepath.Join("..", file))
		if err != nil {
			return err
		}
		theirs, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return err
		}
		if bytes.Equal(ours, theirs) {
			continue
		}
		changed = append(changed, file)
		if err := os.WriteFile(filepath.Join("..", file+".new"), theirs, 0o666); err != nil {
			return err
		}
	}
	for _, file := range changed {
		if err := os.Rename(filepath.Join("..", file+".new"), filepath.Join("..", file)); err != nil {
			return err
		}
	}
	fmt.Printf("\nkept: %s\n", cmp.Or(strings.Join(changed, " "), "nothing, for nothing changed"))
	return nil
}

// sheet returns the rows of a table of arch, without its header.
func sheet(file ...string) ([][]string, error) {
	name := filepath.Join(file...)
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return rows[1:], nil
}

// lines are printed in columns. Those that differ in the last word only are one, with all their words.
type lines struct {
	texts []string
	words map[string][]string
}

func (l *lines) add(text, word string) {
	if l.words == nil {
		l.words = map[string][]string{}
	}
	if l.words[text] == nil {
		l.texts = append(l.texts, text)
	}
	l.words[text] = append(l.words[text], word)
}

func (l *lines) print() error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, text := range l.texts {
		fmt.Fprintf(w, "%s\t%s\n", text, strings.Join(l.words[text], " "))
	}
	return w.Flush()
}

// names prints the calls that came and went between the tables of two folders, and what the newer ones still lack.
func names(before, after string) error {
	var found [2]map[[3]string]string // table, number, name: source
	var calls [2][][]string
	for i, dir := range []string{before, after} {
		var err error
		if calls[i], err = sheet(dir, "syscalls.csv"); err != nil {
			return err
		}
		found[i] = map[[3]string]string{}
		for _, c := range calls[i] {
			found[i][[3]string(c)] = c[3]
		}
	}
	var l lines
	added, fromXsys, has := map[string]bool{}, map[string]bool{}, map[string]map[string]bool{}
	for _, c := range calls[1] {
		if _, old := found[0][[3]string(c)]; !old {
			l.add(fmt.Sprintf("  + %s\t%s", c[2], c[1]), c[0])
			added[c[2]] = true
		}
		if has[c[0]] == nil {
			has[c[0]] = map[string]bool{}
		}
		has[c[0]][c[2]] = true
		fromXsys[c[0]] = fromXsys[c[0]] || c[3] == "xsys"
	}
	for _, c := range calls[0] {
		if c[3] == "xsys" && found[1][[3]string(c)] != "xsys" {
			l.add(fmt.Sprintf("  - %s\t%s", c[2], c[1]), c[0])
		}
	}
	if len(l.texts) == 0 {
		fmt.Print("Names and numbers: nothing changed\n\n")
		return nil
	}
	fmt.Println("Names and numbers (- is gone from x/sys and stays in the tables)")
	if err := l.print(); err != nil {
		return err
	}
	l = lines{}
	for _, table := range slices.Sorted(maps.Keys(has)) {
		for name := range added {
			if !fromXsys[table] && !has[table][name] {
				l.add("  not from x/sys, and without some of these:", table)
				break
			}
		}
	}
	dated, err := sheet(before, "introduced.csv")
	if err != nil {
		return err
	}
	newly, err := sheet(after, "introduced.csv")
	if err != nil {
		return err
	}
	for _, r := range newly {
		if !slices.ContainsFunc(dated, func(d []string) bool { return d[0] == r[0] }) {
			l.add("  since Linux "+r[1]+" at the latest, in introduced.csv:", r[0])
		}
	}
	fmt.Println()
	err = l.print()
	fmt.Println()
	return err
}

// decisions prints what a compiler built in dir, with its tables, makes of the policies there, beside this one.
func decisions(dir string) error {
	seccompc := filepath.Join(dir, "seccompc")
	if _, err := run(dir, "go", "build", "-o", seccompc, "./cmd/seccompc"); err != nil {
		return err
	}
	abis, err := sheet("../arch/abis.csv")
	if err != nil {
		return err
	}
	calls, err := sheet(dir, "arch/syscalls.csv")
	if err != nil {
		return err
	}
	files, err := filepath.Glob("../policies/*.yaml")
	if err != nil {
		return err
	}
	fmt.Println("Decisions")
	var failed []error
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		old, findings := compiler.Compile(file, src, compiler.Options{Read: os.ReadFile})
		if findings.Err() != nil {
			return findings.Err()
		}
		name := filepath.Base(file)
		if _, err := run(filepath.Join(dir, "policies"), seccompc, "compile", "-o", "new.seccomp", name); err != nil {
			failed = append(failed, err)
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, "policies/new.seccomp"))
		if err != nil {
			return err
		}
		b, err := blob.Decode(data)
		if err != nil {
			return err
		}
		l, err := changes(old, b, abis, calls)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		reviewed := "no reviewed"
		if v := old.Policy.Reviewed.Text; v != "" {
			reviewed = "reviewed " + v
		}
		if len(l.texts) == 0 {
			fmt.Printf("  %s, %s: as before, which is proven\n", name, reviewed)
			continue
		}
		fmt.Printf("  %s, %s: changes\n", name, reviewed)
		if err := l.print(); err != nil {
			return err
		}
	}
	return errors.Join(failed...)
}

// changes lists the calls for which a policy's programs in b decide otherwise than old, by the rows of abis.csv and
// syscalls.csv. Nothing is listed only where the programs are proven equal.
func changes(old *compiler.Result, b *blob.Blob, abis, calls [][]string) (l lines, err error) {
	for i, t := range old.Targets {
		is, err := inspect.Read(b.Targets[i], nil)
		if err != nil {
			return l, err
		}
		var difference *prove.Difference
		if err := is.Equal(t); err == nil {
			continue
		} else if !errors.As(err, &difference) {
			return l, err
		}
		was, err := inspect.Read(old.Blob.Targets[i], nil)
		if err != nil {
			return l, err
		}
		listed := false
		for _, f := range t.Filters {
			row := slices.IndexFunc(abis, func(a []string) bool { return a[0] == f.ABI.Name })
			for _, c := range calls {
				if c[0] != abis[row][1] {
					continue
				}
				nr, err := strconv.ParseUint(c[1], 0, 32)
				if err != nil {
					return l, err
				}
				at := resolve.Call{Arch: f.ABI.Audit, NR: uint32(nr)}
				if a, b := actions(was, f.ABI, at), actions(is, f.ABI, at); a != b {
					l.add(fmt.Sprintf("    %s\t%s -> %s", c[2], a, b), f.ABI.Name)
					listed = true
				}
			}
		}
		if !listed {
			return l, difference // it lies in the arguments, or at a number without a name
		}
	}
	return l, nil
}

// actions names what a call can meet, by its arguments.
func actions(d *prove.Diagram, abi *arch.ABI, c resolve.Call) string {
	var all []string
	for _, o := range d.Outcomes(c, [6]uint64{}) {
		all = append(all, o.Action.Format(abi))
	}
	return strings.Join(all, " or ")
}
