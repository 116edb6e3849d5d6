package compiler_test

import (
	"encoding/csv"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// lastTen are the ten newest calls by their numbers: what a made-up older table lacks here.
var lastTen = func() (names []string) {
	calls := arch.Lookup("x86_64").Syscalls()
	for _, c := range calls[len(calls)-10:] {
		names = append(names, c.Name)
	}
	return names
}()

func isLast(name string) bool { return slices.Contains(lastTen, name) }

// TestOlderTable shows what becomes of calls that the compiler's table lacks: they are unknown, and with a newer table still
// are under a policy with an older `reviewed`, unless a rule names them.
func TestOlderTable(t *testing.T) {
	const reviewed = "6.9"
	for _, name := range lastTen {
		if arch.Since(name).Compare(arch.Version{Major: 6, Minor: 9}) <= 0 {
			t.Fatalf("%s is of %s", name, arch.Since(name))
		}
	}
	older := build(t, olderTree(t, isLast))
	policies, err := filepath.Glob("../policies/*.yaml")
	if err != nil || len(policies) < 3 {
		t.Fatalf("policies %q, error %v", policies, err)
	}
	unknown, named := 0, 0
	for _, path := range policies {
		src := asWritten(t, path, isLast, reviewed)
		if err := sameDecisions(t, older, path, src); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		before := compileWith(t, older, path, src)
		kept := func(string) bool { return false }
		after, findings := compiler.Compile(path, asWritten(t, path, kept, reviewed), compiler.Options{Warn: true})
		if after == nil {
			t.Fatalf("%s: %v", path, findings)
		}
		for i, target := range after.Targets {
			was, is := diagram(t, before.Targets[i]), diagram(t, after.Blob.Targets[i])
			for _, f := range target.Filters {
				for _, name := range lastTen {
					nr, ok := f.ABI.Number(name)
					if !ok {
						continue
					}
					c := resolve.Call{Arch: f.ABI.Audit, NR: nr}
					if o := was.Outcomes(c, [6]uint64{}); len(o) != 1 || o[0].Action != f.Unknown {
						t.Errorf("%s: %s of %s is not unknown to an older table: %v", path, name, f.ABI.Name, o)
					}
					unknown++
					if slices.ContainsFunc(f.Rules, func(r resolve.Rule) bool { return slices.Contains(r.Numbers, nr) }) {
						named++
					} else if o := is.Outcomes(c, [6]uint64{}); len(o) != 1 || o[0].Action != f.Unknown {
						t.Errorf("%s: %s of %s, which no rule names, is not unknown: %v", path, name, f.ABI.Name, o)
					}
				}
			}
		}
	}
	t.Logf("%d decisions on %q under %d policies: unknown with the older table, %d named by rules", unknown, lastTen, len(policies), named)
	if named == 0 || named == unknown {
		t.Error("want calls that rules name and others")
	}
}

// TestUpdateTables gives the made-up older table to `make update-tables` and the x/sys of go.mod, which brings the ten back.
func TestUpdateTables(t *testing.T) {
	tree := olderTree(t, isLast)
	inTree := func(file string) string { return filepath.Join(tree, filepath.FromSlash(file)) }
	policies, err := filepath.Glob("../policies/*.yaml")
	if err != nil || len(policies) < 3 {
		t.Fatalf("policies %q, error %v", policies, err)
	}
	const asBefore = ": as before, which is proven"
	proven := []string{"named.yaml, reviewed 7.0" + asBefore}
	for _, path := range policies {
		writeFile(t, inTree("policies/"+filepath.Base(path)), string(asWritten(t, path, isLast, "7.0")))
		proven = append(proven, filepath.Base(path)+", reviewed 7.0"+asBefore)
	}
	slices.Sort(proven)
	writeFile(t, inTree("policies/named.yaml"), `{seccompc: 1, reviewed: "7.0", targets: [x86_64], default: errno(EPERM), rules: [{allow: [471, execve]}]}`)
	open := asWritten(t, "../policies/plugin.yaml", isLast, "")
	writeFile(t, inTree("policies/open.yaml"), string(open))

	// A call that x/sys has not, or no longer.
	insert := func(file, after, line string) {
		t.Helper()
		text := readFile(t, inTree(file))
		if !strings.Contains(text, after) {
			t.Fatalf("no %q in %s", after, file)
		}
		writeFile(t, inTree(file), strings.Replace(text, after, after+line, 1))
	}
	insert("arch/syscalls.csv", "\nx86_64,461,lsm_list_modules,xsys\n", "x86_64,800,gone_call,xsys\n")
	insert("arch/zsyscalls.go", "\n\t\t{461, \"lsm_list_modules\"},\n", "\t\t{800, \"gone_call\"},\n")

	version, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "golang.org/x/sys").Output()
	if err != nil {
		t.Fatal(err)
	}
	xsys := strings.TrimSpace(string(version))
	update := func(args ...string) (string, error) {
		cmd := exec.Command("go", append([]string{"run", "-trimpath", "updatetables.go"}, append(args, xsys)...)...)
		cmd.Dir, cmd.Env = inTree("compiler"), append(os.Environ(), "CGO_ENABLED=0")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}

	// A number that changed is an error, and an error leaves all as it was.
	right := readFile(t, inTree("arch/syscalls.csv"))
	writeFile(t, inTree("arch/syscalls.csv"), strings.Replace(right, "x86_64,461,", "x86_64,799,", 1))
	was := snapshot(t, tree)
	if out, err := update("-keep"); err == nil || !strings.Contains(out, "lsm_list_modules of x86_64 is 461 in golang.org/x/sys "+xsys+": numbers never change") {
		t.Errorf("a number that changed: error %v\n%s", err, out)
	}
	if changed := differing(was, snapshot(t, tree)); len(changed) > 0 {
		t.Errorf("a failure changes %q", changed)
	}
	writeFile(t, inTree("arch/syscalls.csv"), right)

	was = snapshot(t, tree)
	for _, keep := range []bool{false, true} {
		var args []string
		if keep {
			args = []string{"-keep"}
		}
		out, err := update(args...)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		report(t, out, open)
		for _, line := range proven {
			if !strings.Contains(out, "  "+line+"\n") {
				t.Errorf("no %q in:\n%s", line, out)
			}
		}
		var want []string
		if keep {
			want = []string{"arch/introduced.csv", "arch/syscalls.csv", "arch/zsyscalls.go", "arch/zversions.go"}
		}
		if changed := differing(was, snapshot(t, tree)); !slices.Equal(changed, want) {
			t.Errorf("with -keep=%v %q changed, not %q", keep, changed, want)
		}
	}
	if row := "\nx86_64,800,gone_call,golang.org/x/sys before " + xsys + "\n"; !strings.Contains(readFile(t, inTree("arch/syscalls.csv")), row) {
		t.Errorf("no row %q", row)
	}

	was = snapshot(t, tree)
	out, err := update("-keep")
	if err != nil || !strings.Contains(out, "\nNames and numbers: nothing changed\n") || strings.Count(out, asBefore) != len(proven)+1 {
		t.Errorf("when nothing changed: error %v\n%s", err, out)
	}
	if changed := differing(was, snapshot(t, tree)); len(changed) > 0 {
		t.Errorf("nothing new changes %q", changed)
	}
}

// report holds what update-tables prints to the ten: the names, and how the policy open decides them.
func report(t *testing.T, out string, open []byte) {
	t.Helper()
	f, err := os.Open("../arch/syscalls.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"- gone_call 800 x86_64": true}
	fromXsys := map[string]bool{}
	for _, row := range rows {
		if row[3] == "xsys" && isLast(row[2]) {
			want["+ "+row[2]+" "+row[1]+" "+row[0]] = true
			fromXsys[row[0]] = true
		}
	}
	policy, findings := compiler.Compile("open.yaml", open, compiler.Options{})
	if policy == nil {
		t.Fatal(findings)
	}
	for _, target := range policy.Targets {
		for _, f := range target.Filters {
			for _, name := range lastTen {
				// Two byte orders of a machine share the big one's table, ppc64 and mips64.
				table := strings.TrimSuffix(strings.Replace(f.ABI.Name, "mipsel", "mips", 1), "le")
				if fromXsys[table] {
					want["open.yaml: "+name+" errno(ENOSYS) -> errno(EPERM) "+f.ABI.Name] = true
				}
			}
		}
	}
	got := map[string]bool{}
	policyLine := regexp.MustCompile(`^  (\S+\.yaml), `)
	about := ""
	for line := range strings.Lines(out) {
		words := strings.Fields(line)
		if m := policyLine.FindStringSubmatch(line); m != nil {
			about = m[1]
		} else if len(words) > 3 && (words[0] == "+" || words[0] == "-") {
			for _, table := range words[3:] {
				got[strings.Join(append(words[:3:3], table), " ")] = true
			}
		} else if strings.HasPrefix(line, "    ") && len(words) > 4 && words[2] == "->" {
			for _, abi := range words[4:] {
				got[about+": "+strings.Join(append(words[:4:4], abi), " ")] = true
			}
		}
	}
	if !maps.Equal(got, want) {
		for line := range want {
			if !got[line] {
				t.Errorf("not reported: %s", line)
			}
		}
		for line := range got {
			if !want[line] {
				t.Errorf("reported: %s", line)
			}
		}
		t.Log(out)
	}
	names := slices.Sorted(slices.Values(lastTen))
	if !regexp.MustCompile(`since Linux \d+\.\d+ at the latest, in introduced.csv: +` + strings.Join(names, " ") + "\n").MatchString(out) {
		t.Errorf("the ten have no kernel:\n%s", out)
	}
}

// snapshot returns the files of a tree by name.
func snapshot(t *testing.T, tree string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(tree), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files[path] = readFile(t, filepath.Join(tree, path))
		}
		return err
	})
	if err != nil || len(files) < 100 {
		t.Fatalf("%d files, error %v", len(files), err)
	}
	return files
}

// differing returns the names of what is not in both alike.
func differing(was, is map[string]string) (names []string) {
	for name, text := range is {
		if was[name] != text {
			names = append(names, name)
		}
	}
	for name := range was {
		if _, ok := is[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
