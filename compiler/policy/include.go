package policy

import (
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// A Source is the text of one file that a policy was read from.
type Source struct {
	Name string
	Text []byte
}

// maxIncludes is how deep fragments may include others.
const maxIncludes = 8

// included returns the rules of the fragment that a rule's place names, and takes over its groups.
func (p *parser) included(n *yaml.Node) []Rule {
	w := p.word(n)
	switch {
	case w.Text == "":
		return nil
	case path.IsAbs(w.Text) || strings.ContainsAny(w.Text, `\:`):
		p.errorf("include-path", n, "name it from the folder of this file, with / between folders", "include %q is no relative path", w.Text)
		return nil
	}
	name := filepath.Join(filepath.Dir(p.file), filepath.FromSlash(w.Text))
	chain := append(slices.Clone(p.chain), filepath.Clean(p.file))
	switch {
	case slices.Contains(chain, name):
		p.errorf("include-cycle", n, "", "include %q leads back to itself: %s", w.Text, strings.Join(append(chain, name), " -> "))
		return nil
	case len(chain) > maxIncludes:
		p.errorf("include-depth", n, "", "include %q is more than %d files deep: %s", w.Text, maxIncludes, strings.Join(append(chain, name), " -> "))
		return nil
	}
	var text []byte
	err := errors.New("nothing can be included here")
	if p.read != nil {
		text, err = p.read(name)
	}
	if err != nil {
		var reason *fs.PathError
		if errors.As(err, &reason) {
			err = reason.Err
		}
		p.errorf("include-read", n, "the path is relative to the folder of this file", "include %q: %v", w.Text, err)
		return nil
	}
	f := &parser{shared: p.shared, file: name, chain: chain}
	rules := f.fragment(text)
	p.diags = append(p.diags, f.diags...)
	return rules
}

// fragment reads a file of groups and rules.
func (p *parser) fragment(text []byte) (rules []Rule) {
	doc := p.document(text)
	if doc == nil || !p.strict(doc, 0) {
		return nil
	}
	version := Word{}
	own := &yaml.Node{}
	for i := 0; i < len(doc.Content); i += 2 {
		if k := doc.Content[i]; slices.Contains(headKeys, k.Value) {
			p.errorf("fragment-key", k, "only the policy that includes it can say that", "key %q in a fragment: it has groups and rules", k.Value)
			continue
		}
		own.Content = append(own.Content, doc.Content[i], doc.Content[i+1])
	}
	p.fields(own, map[string]func(*yaml.Node){
		"seccompc": func(n *yaml.Node) { version = p.word(n) },
		"groups":   p.groups,
		"rules":    func(n *yaml.Node) { rules = p.rules(n) },
	})
	p.version(doc, version)
	return rules
}

// headKeys are the keys of a policy that a fragment has not.
var headKeys = []string{"name", "description", "reviewed", "targets", "default", "unknown", "foreign", "install", "flags", "fallbacks",
	"capabilities", "accept", "tests"}
