package policy

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// A BuiltinGroup is a group that every policy can name without defining it. docs/groups.md says what the groups hold
// and where they depart from systemd's. Callers must not modify it.
type BuiltinGroup struct {
	Name        string   // "@file-system"
	Description string   // one line without a final period
	Calls       []string // names of calls and of other built-in groups, sorted
}

//go:embed groups.txt
var groupsText string

var builtins = sync.OnceValue(func() []BuiltinGroup {
	groups, err := parseGroups(groupsText)
	if err != nil {
		panic(err)
	}
	return groups
})

// Builtins returns the built-in groups, sorted by name. The slice is the caller's.
func Builtins() []BuiltinGroup { return slices.Clone(builtins()) }

// Builtin returns the built-in group of a name, "@file-system", or nil.
func Builtin(name string) *BuiltinGroup {
	groups := builtins()
	i, ok := slices.BinarySearchFunc(groups, name, func(g BuiltinGroup, name string) int {
		return strings.Compare(g.Name, name)
	})
	if !ok {
		return nil
	}
	return &groups[i]
}

// parseGroups reads the form that the head of groups.txt describes.
func parseGroups(text string) ([]BuiltinGroup, error) {
	var groups []BuiltinGroup
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		members := strings.Fields(line)
		switch {
		case len(members) == 0:
		case line[0] != ' ':
			name, description, _ := strings.Cut(line, " ")
			if description = strings.TrimSpace(description); !groupName.MatchString(name) || description == "" {
				return nil, fmt.Errorf("groups.txt:%d: want a name and a description, found %q", i+1, line)
			}
			groups = append(groups, BuiltinGroup{Name: name, Description: description})
		case len(groups) == 0:
			return nil, fmt.Errorf("groups.txt:%d: %q belongs to no group", i+1, line)
		default:
			g := &groups[len(groups)-1]
			g.Calls = append(g.Calls, members...)
		}
	}
	slices.SortFunc(groups, func(a, b BuiltinGroup) int { return strings.Compare(a.Name, b.Name) })
	return groups, nil
}
