package bench

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/lint"
	"github.com/seccompc/seccompc/compiler/policy/policytest"
)

const schemaFile = "../docs/policy.schema.json"

// beyond are the codes of errors that a schema does not see, with the reason.
var beyond = map[string]string{}

func init() {
	for reason, codes := range map[string]string{
		"it sees what YAML means, not how that is written": `yaml-syntax yaml-quotes yaml-tabs yaml-documents yaml-tag yaml-anchor yaml-alias
			yaml-float duplicate-key number-form`,
		"it does not parse conditions and the arguments of calls": `invalid-token unexpected-token unexpected-end unknown-operator
			unknown-function not-constant empty-oneof condition-incomplete condition-operand condition-order condition-chain
			too-many-arguments argument-order`,
		"it does not know what calls and ABIs have": `unknown-parameter parameter-pointer parameter-bits parameter-place parameter-memory
			duplicate-argument unknown-constant constant-absent constant-range value-width value-negative errno-absent`,
		"it compares no numbers in texts":  "action-range number-range",
		"it sees one place at a time":      "unknown-group group-cycle target-twice number-several-abis test-nowhere",
		"it sees one file at a time":       "include-read include-cycle",
		"it does not know what calls meet": "test-failed fallback-useless",
	} {
		for _, code := range strings.Fields(codes) {
			beyond[code] = reason
		}
	}
	for _, c := range lint.Checks() {
		beyond[c.Code] = "it does not know what calls meet"
	}
}

// asWritten are samples whose fault is in how YAML is written, under a code that stands for other faults too.
var asWritten = map[string]string{
	"head.txt/version in hexadecimal.yaml": "0x1 is 1",
}

// A sample is a policy or a fragment, and what it may include.
type sample struct {
	name, file, text string
	read             func(name string) ([]byte, error)
	form             bool // with one fault at most
}

// samples are all policies and fragments in the repository, good and bad.
func samples(t *testing.T) (list []sample) {
	t.Helper()
	add := func(name, file, text string) {
		src, read := policytest.Split(text)
		list = append(list, sample{name, file, src, read, false})
		for _, m := range divider.FindAllStringSubmatch(text, -1) {
			fragment, err := read(m[1])
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, sample{name + "/" + m[1], m[1], string(fragment), read, false})
		}
	}
	bad, err := policytest.Read("../testdata/policies/bad")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range bad {
		if path.Ext(s.File) == ".yaml" {
			add(s.Name, s.File, s.Text)
		}
	}
	for _, pattern := range []string{"../policies/*.yaml", "../docs/*.md", "../cmd/seccompc/testdata/*.txt"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no policies: %v", pattern, err)
		}
		for _, file := range files {
			text := read(t, file)
			switch filepath.Ext(file) {
			case ".yaml":
				add(file, filepath.Base(file), text)
			case ".md":
				for i, part := range strings.Split(text, "\n```yaml\n")[1:] {
					src, _, _ := strings.Cut(part, "\n```")
					add(fmt.Sprintf("%s/%d", file, i+1), "snippet.yaml", src+"\n")
				}
			case ".txt":
				for _, m := range archived.FindAllStringSubmatch(text+"\n-- end --\n", -1) {
					add(file+"/"+m[1], path.Base(m[1]), m[2])
				}
			}
		}
	}
	return append(list, forms()...)
}

func noFiles(string) ([]byte, error) { return nil, fs.ErrNotExist }

var divider = regexp.MustCompile(`(?m)^--- (\S+)$`)

// archived is a policy in a script: all up to the next file.
var archived = regexp.MustCompile(`(?ms)^-- (\S+\.yaml) --\n(.*?)(?:^-- \S+ --$)`)

// variants returns a sample with one entry of its head at a time, and of lists and mappings in it with one at a time, so
// that each fault in it has a policy of its own.
func (s sample) variants() (list []sample) {
	var doc yaml.Node
	if yaml.Unmarshal([]byte(s.text), &doc) != nil || len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return nil
	}
	lines := strings.SplitAfter(s.text, "\n")
	cut := func(from, to int) string {
		return strings.Join(lines[min(from-1, len(lines)):min(to-1, len(lines))], "")
	}
	add := func(parts ...string) {
		v := s
		v.name += fmt.Sprintf(", variant %d", len(list)+1)
		v.text = strings.Join(parts, "")
		list = append(list, v)
	}
	version, fallback, targets := "seccompc: 1\n", "", ""
	root := doc.Content[0]
	for i := 0; i < len(root.Content); i += 2 {
		k, v, end := root.Content[i], root.Content[i+1], len(lines)+1
		if i+2 < len(root.Content) {
			end = root.Content[i+2].Line
		}
		switch k.Value {
		case "default":
			fallback = "default: errno(EPERM)\n"
		case "targets":
			targets = cut(k.Line, end)
		}
		step := 1
		if v.Kind == yaml.MappingNode {
			step = 2
		}
		one := v.Kind == yaml.ScalarNode || v.Kind == yaml.AliasNode || len(v.Content) <= step || v.Content[0].Line == v.Content[step].Line
		switch {
		case k.Value == "seccompc":
			add(cut(k.Line, end), "default: errno(EPERM)\n")
		case k.Value == "default":
			add(version, cut(k.Line, end))
		case one:
			add(version, fallback, cut(k.Line, end))
		}
		for j := 0; j < len(v.Content) && !one; j += step {
			to := end
			if j+step < len(v.Content) {
				to = v.Content[j+step].Line
			}
			entry := cut(k.Line, v.Content[0].Line) + cut(v.Content[j].Line, to)
			add(version, fallback, entry)
			if k.Value != "targets" && targets != "" {
				add(version, fallback, targets, entry)
			}
		}
	}
	return list
}

// TestSchema holds the schema to the parser: it refuses what the parser refuses, beyond what no schema can see, and
// nothing else.
func TestSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	missed, alone := map[string]bool{}, map[string]bool{}
	good, bad := 0, 0
	try := func(s sample) (codes []string) {
		codes = s.refused()
		value, err := s.instance()
		if err != nil {
			if len(codes) == 0 {
				t.Errorf("%s: the parser takes what is no YAML: %v\n%s", s.name, err, s.text)
			}
			for _, c := range codes {
				missed[c] = true
			}
			return codes
		}
		var seen []string
		for _, c := range codes {
			if beyond[c] == "" {
				seen = append(seen, c)
			}
		}
		switch err := schema.Validate(value); {
		case err != nil && len(codes) == 0:
			t.Errorf("%s: the parser takes it, the schema does not (go generate ./compiler makes it): %.500v\n%s", s.name, err, s.text)
		case err != nil && len(seen) > 0:
			bad++
			alone[codes[0]] = alone[codes[0]] || len(codes) == 1
		case err == nil && len(seen) > 0 && asWritten[strings.Split(s.name, ", variant")[0]] == "":
			t.Errorf("%s: the schema takes it, the parser does not: %s\n%s", s.name, seen, s.text)
		case err == nil:
			if len(codes) == 0 {
				good++
			}
			for _, c := range codes {
				missed[c] = true
			}
		}
		return codes
	}
	all := map[string]bool{}
	for _, s := range samples(t) {
		codes := try(s)
		for _, c := range codes {
			all[c] = true
		}
		if len(codes) > 0 && !s.form {
			for _, v := range s.variants() {
				if v.text != s.text {
					try(v)
				}
			}
		}
	}
	t.Logf("%d samples are good to both, %d bad to both", good, bad)
	if good < 100 || bad < 200 {
		t.Errorf("%d samples are good to both, %d bad to both: too few to tell", good, bad)
	}
	for code := range all {
		if beyond[code] == "" && !alone[code] {
			t.Errorf("no sample has the error %s alone, so that the schema is held to it", code)
		}
	}
	for code, reason := range beyond {
		if !missed[code] && !slices.ContainsFunc(lint.Checks(), func(c lint.Check) bool { return c.Code == code }) {
			t.Errorf("%s is listed as beyond a schema (%s), and no sample shows that", code, reason)
		}
	}
}

// refused returns the codes of the errors in a sample, each once; none if it is good as a fragment.
func (s sample) refused() []string {
	codes := s.errors(s.file, s.text)
	if !slices.Contains(codes, "missing-key") || strings.Contains(s.text, "default:") {
		return codes
	}
	return s.errors("including.yaml", "seccompc: 1\ndefault: kill_process\nrules:\n- include: "+s.file+"\n")
}

func (s sample) errors(file, src string) (codes []string) {
	read := func(name string) ([]byte, error) {
		if filepath.ToSlash(name) == s.file {
			return []byte(s.text), nil
		}
		return s.read(name)
	}
	o := compiler.Options{Read: read}
	if !strings.Contains(src, "\ntargets:") {
		o.Targets = []string{"x86_64"} // the others take time and find no more
	}
	_, findings := compiler.Compile(file, []byte(src), o)
	for _, d := range findings {
		if !d.Warning && filepath.ToSlash(d.Pos.File) == s.file {
			codes = append(codes, d.Code)
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// instance returns a policy as a schema sees it: with the types of YAML 1.2, which editors read. Where there are several
// documents it is the first.
func (s sample) instance() (any, error) {
	var doc yaml.Node
	err := yaml.NewDecoder(strings.NewReader(s.text)).Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return plain(doc.Content[0]), nil
}

func plain(n *yaml.Node) any {
	switch n.Kind {
	case yaml.AliasNode:
		return plain(n.Alias)
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, plain(c))
		}
		return list
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return m
	}
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return n.Value == "true"
	case "!!int", "!!float":
		if i, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
			return i
		}
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return f
		}
	}
	return n.Value
}

// TestModelines: each of our policies tells editors where its schema is.
func TestModelines(t *testing.T) {
	files, err := filepath.Glob("../policies/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no policies: %v", err)
	}
	for _, file := range files {
		first, _, _ := strings.Cut(read(t, file), "\n")
		name, ok := strings.CutPrefix(first, "# yaml-language-server: $schema=")
		if !ok {
			t.Errorf("%s begins with %q, and names no schema", file, first)
			continue
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(file), filepath.FromSlash(name))); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}
