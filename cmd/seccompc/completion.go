package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/lint"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// A completer lists what can stand for a word of the command line, before which args stand.
type completer func(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective)

var (
	policyFiles = files("yaml", "yml", "json")
	filterFiles = files("seccomp", "bpf", "yaml", "yml", "json")
)

// argumentCompleters and flagCompleters are by the command's name behind seccompc, and by the flag's. What is in neither is
// completed as a file.
var (
	argumentCompleters = map[string][]completer{ // the last stands for all that follow
		"compile":        {policyFiles},
		"test":           {policyFiles, nothing},
		"check":          {policyFiles, nothing},
		"disasm":         {filterFiles, nothing},
		"explain":        {filterFiles, calls, nothing},
		"diff":           {filterFiles, filterFiles, nothing},
		"export":         {files("seccomp"), nothing},
		"init":           {files("yaml", "yml"), nothing},
		"list arches":    {nothing},
		"list syscalls":  {nothing},
		"list constants": {constants, nothing},
		"list groups":    {groups, nothing},
	}
	flagCompleters = map[string]completer{
		"target":         targets,
		"cap":            words(resolve.Capabilities...),
		"policy":         policyFiles,
		"findings":       words("error", "warn"),
		"fail-on":        words("widened", "narrowed", "changed", "any"),
		"kernel":         nothing,
		"package":        nothing,
		"compile format": words("blob", "raw"),
		"diff format":    words("text", "markdown"),
		"export format":  words("raw", "base64", "go", "oci"),
		"check explain":  codes,
	}
)

// completeWords gives the commands their completers.
func completeWords(root *cobra.Command) {
	for _, c := range root.Commands() {
		name := strings.TrimPrefix(c.CommandPath(), "seccompc ")
		if list := argumentCompleters[name]; list != nil {
			c.ValidArgsFunction = func(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
				return list[min(len(args), len(list)-1)](c, args, word)
			}
		}
		for flag, list := range flagCompleters {
			of, own, found := strings.Cut(flag, " ")
			if !found {
				of, own = name, flag
			}
			if of == name && c.Flags().Lookup(own) != nil {
				if err := c.RegisterFlagCompletionFunc(own, list); err != nil {
					panic(err)
				}
			}
		}
		completeWords(c)
	}
}

func files(extensions ...string) completer {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return extensions, cobra.ShellCompDirectiveFilterFileExt
	}
}

// words lists the words that begin as the one at hand: bash filters no more itself.
func words(list ...string) completer {
	return func(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !strings.HasPrefix(s, word) }), cobra.ShellCompDirectiveNoFileComp
	}
}

func nothing(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	return words()(c, args, word)
}

func constants(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	return words(arch.Consts()...)(c, args, word)
}

func groups(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	var list []string
	for _, g := range policy.Builtins() {
		list = append(list, g.Name)
	}
	return words(list...)(c, args, word)
}

func codes(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	list := []string{"all"}
	for _, check := range lint.Checks() {
		list = append(list, check.Code)
	}
	return words(list...)(c, args, word)
}

// calls lists those of --target's ABIs, or of all.
func calls(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	list := arch.Names()
	if target := c.Flag("target").Value.String(); target != "" {
		abis, findings := resolve.Targets([]policy.Word{{Text: target}})
		if len(findings) == 0 {
			list = slices.DeleteFunc(slices.Clone(list), func(name string) bool {
				return !slices.ContainsFunc(abis[0], func(a *arch.ABI) bool { _, has := a.Number(name); return has })
			})
		}
	}
	return words(list...)(c, args, word)
}

// targets lists the ABIs, and behind a + those of the same machine. No space follows, for a + may.
func targets(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	var before string
	if i := strings.LastIndexByte(word, '+'); i >= 0 {
		before = word[:i+1]
	}
	named := strings.Split(before, "+")
	first := arch.Lookup(named[0])
	var list []string
	for _, a := range arch.All() {
		if before == "" || first != nil && a.Family == first.Family && !slices.Contains(named, a.Name) {
			list = append(list, before+a.Name)
		}
	}
	list, directive := words(list...)(c, args, word)
	return list, directive | cobra.ShellCompDirectiveNoSpace
}
