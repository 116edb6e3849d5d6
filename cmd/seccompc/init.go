package main

import (
	_ "embed"
	"errors"
	"fmt"
	"go/format"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seccompc/seccompc/arch"
)

//go:embed starter.yaml
var starter string

func initCommand() *cobra.Command {
	var withGo bool
	c := &cobra.Command{
		Use:   "init [--go] [NAME.yaml]",
		Short: "Write a policy to start from",
		Long: `Init writes a policy with comments and tests (default: policy.yaml). It compiles as it is, and
programs in C and Go start under it.

In a folder with Go files, or with --go, it writes NAME_generate.go too, with the line by which
go generate compiles the policy. A file that is there is not replaced.`,
		Example: `  seccompc init
  seccompc init --go policies/app.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{fmt.Errorf("expected one policy to write, found %d arguments", len(args))}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			return start(strings.Join(append(args, "policy.yaml")[:1], ""), withGo)
		},
	}
	c.Flags().BoolVar(&withGo, "go", false, "write the Go file, though no other is there")
	return c
}

// starterName keeps to names that are plain in shells, in lines of go generate and for the go command.
var starterName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*\.ya?ml$`)

func start(file string, withGo bool) error {
	base := filepath.Base(file)
	if !starterName.MatchString(base) {
		return usageError{fmt.Errorf("%q: the name of a policy to write has letters, digits, '.', '_' and '-', and ends in .yaml", base)}
	}
	name := strings.TrimSuffix(base, filepath.Ext(base))
	files := []string{file}
	v := arch.Newest()
	text := strings.ReplaceAll(starter, "NAME.yaml", base)
	text = strings.NewReplacer("NAME", name, "REVIEWED", fmt.Sprintf("%d.%d", v.Major, v.Minor)).Replace(text)
	texts := []string{text}
	dir := filepath.Dir(file)
	others, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	if withGo || len(others) > 0 {
		pkg, err := packageOf(dir, "")
		if err != nil {
			return err
		}
		if !token.IsIdentifier(pkg) {
			pkg = "main"
		}
		text, err := format.Source(fmt.Appendf(nil, `package %s

// The blob is made of the policy by go generate, and checked in beside it. The tool is added to a module by
//
//	go get -tool github.com/seccompc/seccompc/cmd/seccompc
//
//%s go tool seccompc compile %s
`, pkg, "go:generate", base)) // go generate would take the line for one of this file's
		if err != nil {
			return err
		}
		files, texts = append(files, filepath.Join(dir, name+"_generate.go")), append(texts, string(text))
	}
	for i, file := range files {
		if err := create(file, texts[i]); err != nil {
			for _, done := range files[:i] {
				err = errors.Join(err, os.Remove(done))
			}
			return err
		}
	}
	_, err = fmt.Printf("%s\n", strings.Join(files, "\n"))
	return err
}

// create writes a file that isn't there yet.
func create(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err != nil {
		err = errors.Join(err, os.Remove(file))
	}
	return err
}
