package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/exporter"
	"github.com/seccompc/seccompc/compiler/inspect"
)

func exportCommand() *cobra.Command {
	var x export
	c := &cobra.Command{
		Use:   "export --format FORMAT [-o OUT] [--target T] BLOB",
		Short: "Write a blob's programs as other tools take them",
		Long: `Export writes what is in a blob in the format of another tool:

  raw     the bare struct sock_filter array of one target, for bubblewrap's --seccomp,
          setpriv's --seccomp-filter, minijail's -S
  base64  the same as one word, for crun's annotation run.oci.seccomp_bpf_data
  go      a Go file that embeds the blob, which lies beside it, with constants for the
          policy's name, the blob's SHA-256 and its targets
  oci     a profile for container runtimes, if it can say exactly what the programs do:
          it is compiled again and proven equal for every call. If not, what it can't say
          is listed. Numbers without a name are the runtime's to answer

A blob with several targets has one program each: --target chooses one. A file that is there
is replaced when all is well, and else stays as it was.`,
		Example: `  seccompc export --format raw --target riscv64 -o toaster.bpf policies/toaster.seccomp
  seccompc export --format base64 --target x86_64+i386 policies/toaster.seccomp
  seccompc export --format go --package policies -o policies/web_seccomp.go policies/web.seccomp
  seccompc export --format oci --target x86_64+i386 -o toaster.oci.json policies/toaster.seccomp`,
		Args: oneFile("blob"),
		RunE: func(_ *cobra.Command, args []string) error { return x.run(args[0]) },
	}
	f := c.Flags()
	f.StringVar(&x.format, "format", "", "raw, base64, go or oci")
	f.StringVarP(&x.out, "output", "o", "-", "write to `OUT`, - is standard output")
	f.StringVar(&x.target, "target", "", "export only `TARGET`")
	f.StringVar(&x.pkg, "package", "", "the `NAME` of the Go file's package (default: that of the Go files beside it, else the folder's)")
	f.BoolVar(&x.json, "json", false, "print JSON: what was written")
	return c
}

type export struct {
	format, out, target, pkg string
	json                     bool
}

func (x *export) run(file string) error {
	if x.out == "-" && x.json {
		return usageError{errors.New("--json and -o -: both want standard output")}
	}
	switch x.format {
	case "go":
		if x.target != "" {
			return usageError{errors.New("--target goes not with --format go: the blob is embedded as it is")}
		}
	case "raw", "base64", "oci":
		if x.pkg != "" {
			return usageError{fmt.Errorf("--package goes with --format go, not %s", x.format)}
		}
	default:
		return usageError{fmt.Errorf("--format %q: the formats are raw, base64, go and oci", x.format)}
	}
	switch strings.ToLower(filepath.Ext(file)) {
	case ".yaml", ".yml", ".json":
		return usageError{fmt.Errorf("%s is a policy: compile it, and export the blob", file)}
	}
	s, err := open(file, x.target, 2)
	if err != nil {
		return err
	}
	if s.blob == nil {
		return usageError{fmt.Errorf("%s is a raw program, not a blob", file)}
	}
	if err := s.only(x.target); err != nil {
		return err
	}
	if same(file, x.out) {
		return usageError{fmt.Errorf("-o %s: that is the blob itself", x.out)}
	}
	b := *s.blob
	b.Targets = nil
	var programs []inspect.Program
	for _, i := range s.chosenOnes() {
		b.Targets = append(b.Targets, s.blob.Targets[i])
		programs = append(programs, s.programs[i].Program)
	}
	data, err := x.data(s, &b, programs)
	if err != nil {
		return err
	}
	if err := write(x.out, data); err != nil || x.out == "-" {
		return err
	}
	if x.json {
		return printJSON(struct {
			Output  string   `json:"output"`
			Format  string   `json:"format"`
			Policy  string   `json:"policy"`
			Targets []string `json:"targets"`
			Proven  bool     `json:"proven"` // equal: of a profile, which is not the blob's bytes
		}{x.out, x.format, s.name(), labelsOf(&b), x.format == "oci"})
	}
	proven := ""
	if x.format == "oci" {
		proven = ", proven equal to " + file
	}
	_, err = fmt.Printf("%s: %s, %s%s\n", x.out, x.format, strings.Join(labelsOf(&b), ", "), proven)
	return err
}

func (x *export) data(s *subject, b *blob.Blob, programs []inspect.Program) (data []byte, err error) {
	switch x.format {
	case "go":
		return x.goFile(s)
	case "oci":
		data, unsaid, err := profile(b, programs)
		if err != nil {
			complain(fmt.Sprintf("%s: %v", s.file, err), "")
			return nil, reported(1)
		}
		if len(unsaid) > 0 {
			complain(fmt.Sprintf("%s: an OCI profile can't say:\n    %s", s.file, strings.Join(unsaid, "\n    ")), "a profile's rules of a call are the same on every ABI: one --target has more of a chance")
			return nil, reported(1)
		}
		return data, nil
	}
	if data, err = exporter.Raw(b); err != nil {
		complain(fmt.Sprintf("%s: %v", s.file, err), "choose one with --target")
		return nil, reported(1)
	}
	if x.format == "base64" {
		return []byte(base64.StdEncoding.EncodeToString(data)), nil
	}
	return data, nil
}

// goFile writes the file that embeds a blob, which go:embed finds in its own folder only.
func (x *export) goFile(s *subject) ([]byte, error) {
	dir := filepath.Dir(s.file)
	if x.out != "-" && !same(dir, filepath.Dir(x.out)) {
		return nil, usageError{fmt.Errorf("-o %s: go:embed finds the blob only beside it, in %s", x.out, dir)}
	}
	if x.out != "-" && filepath.Ext(x.out) != ".go" {
		return nil, usageError{fmt.Errorf("-o %s: a Go file's name ends in .go", x.out)}
	}
	if x.pkg == "" {
		var err error
		if x.pkg, err = packageOf(dir, x.out); err != nil {
			return nil, err
		}
	}
	if !token.IsIdentifier(x.pkg) {
		return nil, usageError{fmt.Errorf("package %q: that is no name for one; give one with --package", x.pkg)}
	}
	return exporter.Go(s.blob, s.data, filepath.Base(s.file), x.pkg)
}

// packageOf is the name of the package in a folder: that of its Go files but one and tests, else the folder's.
func packageOf(dir, but string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return "", err
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || same(file, but) {
			continue
		}
		if f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly); err == nil {
			return f.Name.Name, nil
		}
	}
	path, err := filepath.Abs(dir)
	return strings.ReplaceAll(filepath.Base(path), "-", "_"), err
}

// profile writes an OCI profile, once it is shown to be read as what it came from; or it lists what can't be said in one.
func profile(b *blob.Blob, programs []inspect.Program) (data []byte, unsaid []string, err error) {
	data, unsaid, err = exporter.OCI(b, programs)
	if err == nil && len(unsaid) == 0 {
		unsaid, err = differing(b, data)
	}
	return data, unsaid, err
}

// differing compiles a profile and lists what in it is not as in the blob.
func differing(b *blob.Blob, data []byte) (list []string, err error) {
	again, findings := compiler.Compile("profile.json", data, compiler.Options{})
	for _, d := range findings {
		if !d.Warning && !slices.Contains(list, d.Msg) {
			list = append(list, d.Msg)
		}
	}
	if len(list) > 0 {
		return list, nil
	}
	again.Blob.Install = b.Install // whoever installs it, a runtime will
	if before, after := strings.Join(labelsOf(b), ", "), strings.Join(labelsOf(again.Blob), ", "); before != after {
		return []string{fmt.Sprintf("the targets %s: runtimes take them for %s", before, after)}, nil
	}
	heads, targets, err := inspect.Diff(b, again.Blob)
	if err != nil {
		return nil, err
	}
	d := newDifference(heads, targets)
	for _, h := range d.Heads {
		list = append(list, fmt.Sprintf("%s %s", h.What, h.Before))
	}
	for _, section := range d.sections() {
		for _, c := range section.changes {
			if c.If != "" {
				c.If = ", if " + c.If
			}
			list = append(list, fmt.Sprintf("on %s: %s for %s%s", strings.Join(section.where, ", "), c.Before, c.who, c.If))
		}
	}
	if len(list) == 0 && !d.Equal {
		list = append(list, d.outcome())
	}
	return list, nil
}

// labelsOf names the targets of a blob.
func labelsOf(b *blob.Blob) (list []string) {
	for _, t := range b.Targets {
		list = append(list, t.Label)
	}
	return list
}
