package policy

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/arch"
)

func TestBuiltins(t *testing.T) {
	names := arch.Names()
	var order []string
	for _, g := range Builtins() {
		order = append(order, g.Name)
		if b := Builtin(g.Name); b == nil || b.Name != g.Name || !slices.Equal(b.Calls, g.Calls) {
			t.Errorf("%s: the look-up finds %v", g.Name, b)
		}
		if d := g.Description; strings.ContainsAny(d, "\n\t`") || strings.HasSuffix(d, ".") || len(d) > 90 || strings.Contains(d, "  ") {
			t.Errorf("%s: description %q", g.Name, d)
		}
		if len(g.Calls) == 0 || !slices.IsSorted(g.Calls) || len(slices.Compact(slices.Clone(g.Calls))) != len(g.Calls) {
			t.Errorf("%s is empty, out of order or names a call twice", g.Name)
		}
		for _, call := range g.Calls {
			_, known := slices.BinarySearch(names, call)
			if call[0] == '@' {
				known = Builtin(call) != nil
			}
			if !known {
				t.Errorf("%s: no ABI has %s", g.Name, call)
			}
		}
		if cyclic(g.Name) {
			t.Errorf("%s leads to a group that contains itself", g.Name)
		}
	}
	if len(order) < 30 || !slices.IsSorted(order) || len(slices.Compact(slices.Clone(order))) != len(order) {
		t.Errorf("groups are missing, out of order or twice there: %q", order)
	}
	for _, name := range []string{"", "@", "file-system", "@file", "@file-systems", "@known"} {
		if g := Builtin(name); g != nil {
			t.Errorf("%q finds %s", name, g.Name)
		}
	}
}

// cyclic reports whether a group, reached by way of those in the path, leads back to one of them.
func cyclic(group string, path ...string) bool {
	g := Builtin(group)
	return slices.Contains(path, group) || g != nil && slices.ContainsFunc(g.Calls, func(call string) bool {
		return call[0] == '@' && cyclic(call, append(path, group)...)
	})
}

// TestGroupsVariants wants all variants of a call in a group that has one of them. The start-up sets are exempt: not every
// libc uses every variant.
func TestGroupsVariants(t *testing.T) {
	names, pairs := arch.Names(), 0
	for _, g := range Builtins() {
		if strings.HasPrefix(g.Name, "@startup-") {
			continue
		}
		for _, name := range names {
			for _, suffix := range []string{"32", "64", "_64", "_time64"} {
				variant := name + suffix
				if !slices.Contains(names, variant) || name == "fstatat" { // fstatat is an alias
					continue
				}
				pairs++
				if slices.Contains(g.Calls, name) != slices.Contains(g.Calls, variant) {
					t.Errorf("%s has one of %s and %s without the other", g.Name, name, variant)
				}
			}
		}
	}
	if pairs < 30 {
		t.Errorf("%d pairs of variants compared", pairs)
	}
}

// TestStartupReasons wants each member of a start-up set on a line of its own with the reason why it is there.
func TestStartupReasons(t *testing.T) {
	line := regexp.MustCompile(`^    [a-z_0-9]+ +# \S`)
	members, in := 0, false
	for i, l := range strings.Split(groupsText, "\n") {
		if strings.HasPrefix(l, "@") {
			in = strings.HasPrefix(l, "@startup-")
		} else if in && l != "" && !strings.HasPrefix(l, "#") {
			members++
			if !line.MatchString(l) {
				t.Errorf("groups.txt:%d: want a call and a reason, found %q", i+1, l)
			}
		}
	}
	if members < 100 {
		t.Errorf("%d members", members)
	}
}

func TestGroupsMalformed(t *testing.T) {
	for _, v := range []struct{ fault, text, want string }{
		{"a member before the first group", "# head\n    read\n", `groups.txt:2: "    read" belongs to no group`},
		{"no description", "@a\n    read\n", "groups.txt:1: want a name and a description"},
		{"a description that is a comment", "@a  # text\n", "groups.txt:1: want a name and a description"},
		{"no @", "a  text\n", "groups.txt:1: want a name and a description"},
		{"a member without indentation", "@a  text\nread\n", "groups.txt:2: want a name and a description"},
		{"a name that policies can't write", "@A  text\n", "groups.txt:1: want a name and a description"},
	} {
		if g, err := parseGroups(v.text); err == nil || !strings.Contains(err.Error(), v.want) {
			t.Errorf("%s: %v, error %v", v.fault, g, err)
		}
	}
	g, err := parseGroups("@b  B, too # c\n  @a write\n# c\n\n  x # y z\n@a  A\n read\n")
	if err != nil || len(g) != 2 || g[0].Description != "A" || g[1].Description != "B, too" || !slices.Equal(g[1].Calls, []string{"@a", "write", "x"}) {
		t.Errorf("%+v, error %v", g, err)
	}
}

// table returns the rows of the table in docs/groups.md that has the given head, each cell's words in backquotes if it
// has any, else its text.
func table(t *testing.T, head string) (rows [][][]string) {
	t.Helper()
	doc, err := os.ReadFile("../../docs/groups.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(doc), "\n"+head+"\n")
	text, _, _ = strings.Cut(text, "\n\n")
	if !found {
		t.Fatalf("docs/groups.md has no table %q", head)
	}
	quoted := regexp.MustCompile("`([^`]+)`")
	for _, line := range strings.Split(strings.TrimSpace(text), "\n")[1:] {
		var row [][]string
		for _, cell := range strings.Split(strings.Trim(line, "| "), " | ") {
			words := []string{cell}
			if m := quoted.FindAllStringSubmatch(cell, -1); m != nil {
				words = nil
				for _, q := range m {
					words = append(words, q[1])
				}
			}
			row = append(row, words)
		}
		if len(row) != strings.Count(head, "|")-1 {
			t.Fatalf("docs/groups.md: the row %q does not fit the head %q", line, head)
		}
		rows = append(rows, row)
	}
	return rows
}

// TestUngrouped wants every call of every ABI in a group or, with a reason, in the list of those in none.
func TestUngrouped(t *testing.T) {
	in := map[string]bool{}
	for _, g := range Builtins() {
		for _, call := range g.Calls {
			in[call] = true
		}
	}
	out := map[string]bool{}
	for _, row := range table(t, "| calls | reason |") {
		for _, call := range row[0] {
			out[call] = true
			if in[call] || !slices.Contains(arch.Names(), call) {
				t.Errorf("docs/groups.md has %s among the calls of no group: it is in one, or no call at all", call)
			}
		}
	}
	calls := map[string]bool{}
	for _, abi := range arch.All() {
		for _, s := range abi.Syscalls() {
			calls[s.Name] = true
		}
	}
	for name := range calls {
		if !in[name] && !out[name] {
			t.Errorf("%s (%s, since %v) is in no group: put it in one, or among those of no group in docs/groups.md", name, anABI(name), arch.Since(name))
		}
	}
	if len(calls) < 500 {
		t.Errorf("%d calls", len(calls))
	}
}

func anABI(name string) string {
	for _, abi := range arch.All() {
		if _, ok := abi.Number(name); ok {
			return abi.Name
		}
	}
	return ""
}

// TestSystemd holds the differences in docs/groups.md to the groups and, where systemd 252 is installed, to its own.
func TestSystemd(t *testing.T) {
	added, left := map[string][]string{}, map[string][]string{}
	for _, row := range table(t, "| group | calls | here | reason |") {
		group := row[0][0]
		g := Builtin(group)
		if g == nil {
			t.Fatalf("docs/groups.md: no group %s", group)
		}
		lists := map[string]map[string][]string{"added": added, "left out": left}[row[2][0]]
		if lists == nil {
			t.Fatalf("docs/groups.md: %s: %q is neither added nor left out", group, row[2])
		}
		lists[group] = append(lists[group], row[1]...)
		for _, call := range row[1] {
			if slices.Contains(g.Calls, call) != (row[2][0] == "added") {
				t.Errorf("docs/groups.md: %s is not %s in %s", call, row[2][0], group)
			}
		}
	}
	only := map[string][]string{}
	for _, row := range table(t, "| group | in | reason |") {
		only[row[1][0]] = append(only[row[1][0]], row[0]...)
	}

	sets := systemd252(t)
	for _, g := range Builtins() {
		set, ok := sets[g.Name]
		if !ok {
			if !slices.Contains(only["seccompc"], g.Name) {
				t.Errorf("systemd has no %s, and docs/groups.md doesn't say so", g.Name)
			}
			continue
		}
		delete(sets, g.Name)
		for _, call := range g.Calls {
			if slices.Contains(set, call) == slices.Contains(added[g.Name], call) {
				t.Errorf("%s: %s: systemd has it %v, docs/groups.md says the contrary", g.Name, call, slices.Contains(set, call))
			}
		}
		for _, call := range set {
			if slices.Contains(g.Calls, call) == slices.Contains(left[g.Name], call) {
				t.Errorf("%s: systemd's %s is here %v, docs/groups.md says the contrary", g.Name, call, slices.Contains(g.Calls, call))
			}
		}
		for _, call := range left[g.Name] {
			if !slices.Contains(set, call) {
				t.Errorf("%s: docs/groups.md says that systemd has %s", g.Name, call)
			}
		}
	}
	for name := range sets {
		if !slices.Contains(only["systemd"], name) {
			t.Errorf("systemd has %s, and docs/groups.md doesn't say so", name)
		}
	}
	if len(sets) != len(only["systemd"]) {
		t.Errorf("docs/groups.md says that only systemd has %q", only["systemd"])
	}
}

// systemd252 returns the groups of systemd 252. It skips the test where that version isn't installed.
func systemd252(t *testing.T) map[string][]string {
	t.Helper()
	version, err := exec.Command("systemd-analyze", "--version").Output()
	if err != nil {
		t.Skipf("the differences are not compared with systemd's groups: %v", err)
	}
	if f := strings.Fields(string(version)); len(f) < 2 || f[1] != "252" {
		t.Skipf("the differences are not compared with systemd's groups: they are those from version 252, this is %q", f)
	}
	out, err := exec.Command("systemd-analyze", "--no-pager", "syscall-filter").Output()
	if err != nil {
		t.Fatal(err)
	}
	sets, name := map[string][]string{}, ""
	for _, line := range strings.Split(string(out), "\n") {
		member := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "@"):
			name = line
		case strings.HasPrefix(line, "#"):
			name = "" // what follows are calls in no group
		case name != "" && member != "" && member[0] != '#':
			sets[name] = append(sets[name], member)
		}
	}
	if len(sets) < 25 {
		t.Fatalf("systemd-analyze lists %d groups", len(sets))
	}
	return sets
}
