package policy

import (
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Parse reads a policy in its YAML form, language version 1 as docs/policy.md specifies it. The file's name is used
// in positions and to find what the policy includes, whose text read returns; it may be nil. All errors found are returned at
// once; where there is one, the policy is nil.
func Parse(file string, src []byte, read func(name string) ([]byte, error)) (*Policy, Diagnostics) {
	p := &parser{shared: &shared{pol: &Policy{File: file, Groups: map[string]Group{}}, read: read}, file: file}
	doc := p.document(src)
	if doc == nil || !p.strict(doc, 0) {
		return nil, p.diags
	}
	p.policy(doc)
	if p.diags.Err() != nil {
		return nil, p.diags
	}
	return p.pol, p.diags
}

func (p *parser) policy(root *yaml.Node) {
	pol := p.pol
	var version Word
	p.fields(root, map[string]func(*yaml.Node){
		"seccompc":     func(n *yaml.Node) { version = p.word(n) },
		"name":         func(n *yaml.Node) { pol.Name = p.match(n, policyName, "letters, digits, . _ and -, at most 64") },
		"description":  func(n *yaml.Node) { pol.Description = p.word(n) },
		"reviewed":     func(n *yaml.Node) { pol.Reviewed = p.word(n) },
		"targets":      func(n *yaml.Node) { pol.Targets = p.some(n, "ABIs") },
		"default":      func(n *yaml.Node) { pol.Default = p.answer(n) },
		"unknown":      func(n *yaml.Node) { pol.Unknown = p.answer(n) },
		"foreign":      func(n *yaml.Node) { pol.Foreign = p.answer(n) },
		"install":      func(n *yaml.Node) { pol.Install = p.match(n, installMode, "exec or self") },
		"flags":        func(n *yaml.Node) { pol.Flags = p.words(n) },
		"fallbacks":    func(n *yaml.Node) { pol.Fallbacks = p.fallbacks(n) },
		"capabilities": func(n *yaml.Node) { pol.Capabilities = p.caps(n) },
		"accept":       func(n *yaml.Node) { pol.Accepts = p.accepts(n) },
		"groups":       p.groups,
		"rules":        func(n *yaml.Node) { pol.Rules = p.rules(n) },
		"tests":        func(n *yaml.Node) { pol.Tests = p.tests(n) },
	})
	p.version(root, version)
	p.require(root, "default", "say what happens to calls that no rule decides: default: errno(EPERM)")
	if p.diags.Err() == nil { // else an action may be missing that was only misspelt
		p.useless()
	}
}

func (p *parser) version(root *yaml.Node, version Word) {
	p.require(root, "seccompc", "start the file with seccompc: 1")
	if version.Text != "" && version.Text != "1" {
		p.diags.Errorf("language-version", version.Pos, "this compiler knows version 1", "unknown language version %q", version.Text)
	}
}

// accepts reads a mapping from codes to reasons.
func (p *parser) accepts(n *yaml.Node) (list []Accepted) {
	if n.Kind != yaml.MappingNode {
		p.errorf("expected-mapping", n, "write CODE: why it is right here", "what is accepted is a mapping, this is %s", kind(n))
		return nil
	}
	for i := 0; i < len(n.Content); i += 2 {
		list = append(list, Accepted{Code: p.word(n.Content[i]), Reason: p.word(n.Content[i+1])})
	}
	return list
}

func (p *parser) require(n *yaml.Node, key, hint string) {
	if find(n, key) < 0 {
		p.errorf("missing-key", n, hint, "missing key %q", key)
	}
}

// find returns the index of a mapping's key, or -1.
func find(n *yaml.Node, key string) int {
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return i
		}
	}
	return -1
}

var (
	policyName  = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	installMode = regexp.MustCompile(`^(exec|self)$`)
	callName    = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	groupName   = regexp.MustCompile(`^@[a-z0-9][a-z0-9_-]*$`)
	actionForm  = regexp.MustCompile(`^([a-z_]+)(?:\(\s*([^()]*?)\s*\))?$`)
	leastKernel = regexp.MustCompile(`^>=\s*([0-9.]+)$`)
)

// word reads a scalar; the word is empty after an error only.
func (p *parser) word(n *yaml.Node) Word {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Value == "" {
		p.errorf("expected-word", n, "", "expected one word, found %s", kind(n))
		return Word{}
	}
	return Word{n.Value, p.pos(n)}
}

func (p *parser) match(n *yaml.Node, form *regexp.Regexp, want string) Word {
	w := p.word(n)
	if w.Text != "" && !form.MatchString(w.Text) {
		p.errorf("value-form", n, "it is "+want, "%q can't stand here", w.Text)
	}
	return w
}

func (p *parser) list(n *yaml.Node, hint string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		p.errorf("expected-list", n, hint, "expected a list, found %s", kind(n))
		return nil
	}
	return n.Content
}

const inBrackets = "put the words in brackets: [a, b]"

func (p *parser) words(n *yaml.Node) (words []Word) {
	for _, c := range p.list(n, inBrackets) {
		words = append(words, p.word(c))
	}
	return words
}

// some reads a list of what limits something, so an empty one must be a mistake.
func (p *parser) some(n *yaml.Node, what string) []Word {
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		p.errorf("empty-list", n, "leave the key out to mean no limit", "an empty list of %s", what)
	}
	return p.words(n)
}

// callWord reads the name of a call, a group or a number.
func (p *parser) callWord(n *yaml.Node) Word {
	w := p.word(n)
	switch {
	case w.Text == "" || callName.MatchString(w.Text) || groupName.MatchString(w.Text) || number.MatchString(w.Text):
	case w.Text[0] >= '0' && w.Text[0] <= '9':
		p.errorf("number-form", n, "a number "+numberForm, "%q is not a syscall number", w.Text)
	default:
		p.errorf("call-form", n, "", "%q is neither a syscall's name nor a group", w.Text)
	}
	return w
}

func (p *parser) groups(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		p.errorf("expected-mapping", n, `write "@name": [call, call]`, "groups are a mapping, this is %s", kind(n))
		return
	}
	for i := 0; i < len(n.Content); i += 2 {
		k := n.Content[i]
		if !groupName.MatchString(k.Value) {
			p.errorf("group-name", k, `a group's name starts with @: "@files"`, "%q is no group's name", k.Value)
		}
		if Builtin(k.Value) != nil {
			p.errorf("group-builtin", k, "choose another name; seccompc list groups "+k.Value+" shows its calls", "group %q is built in", k.Value)
		}
		if v := n.Content[i+1]; v.Kind == yaml.SequenceNode && len(v.Content) == 0 {
			p.errorf("empty-group", v, "", "a group without calls")
		}
		g := Group{Name: Word{k.Value, p.pos(k)}}
		for _, c := range p.list(n.Content[i+1], inBrackets) {
			g.Calls = append(g.Calls, p.callWord(c))
		}
		if other, twice := p.pol.Groups[k.Value]; twice && other.Name.Pos != g.Name.Pos {
			p.errorf("duplicate-group", k, "the groups of a policy and of what it includes are one list", "group %q is already at %s", k.Value, other.Name.Pos)
		}
		p.pol.Groups[k.Value] = g
	}
}

// answer reads an action that stands for itself, not for the default.
func (p *parser) answer(n *yaml.Node) Action {
	if w := p.word(n); w.Text == "" {
		return Action{}
	}
	a, ok := p.action(n)
	if ok && a.Kind == Default {
		p.errorf("action-default", n, "name the action itself", "%q can't stand for itself", n.Value)
		return Action{}
	}
	return a
}

func (p *parser) action(n *yaml.Node) (Action, bool) {
	w := Word{n.Value, p.pos(n)}
	m := actionForm.FindStringSubmatchIndex(w.Text)
	if m == nil {
		p.diags.Errorf("action-form", w.Pos, "actions are "+actionList, "%q is no action", w.Text)
		return Action{}, false
	}
	name := w.Text[m[2]:m[3]]
	k := slices.Index(actionNames[:], name)
	if k < 1 {
		hint := Suggest(name, actionNames[1:])
		if hint == "" {
			hint = "actions are " + actionList
		}
		p.diags.Errorf("unknown-action", w.Pos, hint, "unknown action %q", name)
		return Action{}, false
	}
	a := Action{Kind: ActionKind(k), Pos: w.Pos}
	takes := a.Kind == Errno || a.Kind == Trap || a.Kind == Trace
	switch {
	case m[4] >= 0 && !takes:
		p.diags.Errorf("action-argument", w.Pos, "only errno, trap and trace take one", "action %q has no argument", name)
		return Action{}, false
	case m[4] >= 0 && m[4] == m[5], m[4] < 0 && a.Kind == Errno:
		p.diags.Errorf("action-argument", w.Pos, "write errno(EPERM), trap(1) or trace(1)", "action %q lacks its argument", w.Text)
		return Action{}, false
	case m[4] >= 0:
		a.Arg = Word{w.Text[m[4]:m[5]], p.inScalar(n)(m[4])}
		if !callName.MatchString(a.Arg.Text) && !number.MatchString(a.Arg.Text) {
			p.diags.Errorf("action-argument", a.Arg.Pos, "write errno(EPERM) or errno(1); a number "+numberForm, "%q is neither a name nor a number", a.Arg.Text)
			return Action{}, false
		}
	}
	return a, true
}

var actionList = strings.Join(actionNames[1:], ", ")

func (p *parser) rules(n *yaml.Node) (rules []Rule) {
	for _, c := range p.list(n, "write each rule behind a dash: - allow: [read, write]") {
		if c.Kind != yaml.MappingNode {
			p.errorf("expected-mapping", c, "write - allow: [read, write]", "a rule is a mapping from an action to calls, this is %s", kind(c))
			continue
		}
		if i := find(c, "include"); i >= 0 {
			if len(c.Content) > 2 {
				p.errorf("include-alone", c.Content[i], "give conditions to the rules of the fragment", "%q has other keys beside it", "include")
			}
			rules = append(rules, p.included(c.Content[i+1])...)
			continue
		}
		rules = append(rules, p.rule(c))
	}
	return rules
}

func (p *parser) rule(n *yaml.Node) Rule {
	r := Rule{Pos: p.pos(n)}
	var action, calls *yaml.Node
	var cond *Expr
	rest := &yaml.Node{}
	for i := 0; i < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		m := actionForm.FindStringSubmatch(k.Value)
		switch {
		case m == nil || !slices.Contains(actionNames[1:], m[1]):
			rest.Content = append(rest.Content, k, v)
		case action != nil:
			p.errorf("second-action", k, "make it two rules", "second action %q in one rule", k.Value)
		default:
			action, calls = k, v
		}
	}
	before := len(p.diags)
	p.fields(rest, map[string]func(*yaml.Node){
		"if":     func(n *yaml.Node) { cond = p.cond(n) },
		"abis":   func(n *yaml.Node) { r.ABIs = p.some(n, "ABIs") },
		"kernel": func(n *yaml.Node) { r.When.Kernel = p.kernel(n) },
		"caps":   func(n *yaml.Node) { r.When.Caps = p.some(n, "capabilities") },
	}, actionNames[1:]...)
	if action == nil {
		meant := func(d Diagnostic) bool { return d.Code == "unknown-key" } // to be one, and reported already
		if !slices.ContainsFunc(p.diags[before:], meant) {
			p.errorf("missing-action", n, "write - allow: [read, write]; actions are "+actionList, "a rule without an action")
		}
		return r
	}
	r.Action, _ = p.action(action)
	switch calls.Kind {
	case yaml.SequenceNode:
		for _, c := range calls.Content {
			r.Calls = append(r.Calls, Call{Name: p.callWord(c)})
		}
	case yaml.MappingNode:
		for i := 0; i < len(calls.Content); i += 2 {
			v := calls.Content[i+1]
			if p.remainder(v) {
				continue
			}
			c := Call{Name: p.callWord(calls.Content[i])}
			if v.Kind != yaml.ScalarNode || v.Tag != "!!null" {
				c.If = p.cond(v)
				if find(n, "if") >= 0 {
					p.errorf("two-conditions", v, "join the two with &&", "a condition per call beside the rule's own %q", "if")
				}
			}
			r.Calls = append(r.Calls, c)
		}
	default:
		p.errorf("expected-calls", calls, "write the calls in brackets: [read, write]", "expected calls, found %s", kind(calls))
		return r
	}
	if len(r.Calls) == 0 {
		p.errorf("empty-rule", calls, "", "a rule without calls")
	}
	if cond != nil {
		for i := range r.Calls {
			r.Calls[i].If = cond
		}
	}
	return r
}

func (p *parser) kernel(n *yaml.Node) Word {
	w := p.word(n)
	m := leastKernel.FindStringSubmatchIndex(w.Text)
	if w.Text == "" {
		return w
	}
	if m == nil {
		p.errorf("kernel-form", n, `write kernel: ">=4.8"`, "%q is no least kernel version", w.Text)
		return Word{}
	}
	return Word{w.Text[m[2]:], p.inScalar(n)(m[2])}
}

func (p *parser) cond(n *yaml.Node) *Expr {
	if n.Kind != yaml.ScalarNode {
		p.errorf("expected-condition", n, "write it as text: arg0 == 1", "expected a condition, found %s", kind(n))
		return nil
	}
	if strings.TrimSpace(n.Value) == "" {
		p.errorf("empty-condition", n, "leave it out to match always", "empty condition")
		return nil
	}
	at := p.inScalar(n)
	return parseExpr(n.Value, at, p.cutShort(n, at, "condition"), &p.diags)
}

// cutShort returns the hint for a plain scalar that a comma ended.
func (p *parser) cutShort(n *yaml.Node, at func(int) Pos, what string) string {
	end := at(len(n.Value))
	line := p.lines[end.Line-1]
	if n.Style != 0 || end.Col > len(line) || line[end.Col-1] != ',' {
		return ""
	}
	return "a comma ends it where the mapping is in braces: put the " + what + " in quotes"
}

// remainder reports whether a value is that of no key but of what a comma cut off on this line, which was just reported.
func (p *parser) remainder(v *yaml.Node) bool {
	if len(p.diags) == 0 || v.Tag != "!!null" || v.Value != "" {
		return false
	}
	last := p.diags[len(p.diags)-1]
	return last.Code == "unexpected-end" && last.Hint != "" && last.Pos.Line == p.pos(v).Line
}
