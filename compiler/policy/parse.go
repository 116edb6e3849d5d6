package policy

import (
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Parse reads a policy in its YAML form, language version 1 as docs/policy.md specifies it. The file's name is used
// in positions only. All errors found are returned at once; where there is one, the policy is nil.
func Parse(file string, src []byte) (*Policy, Diagnostics) {
	p := &parser{file: file}
	doc := p.document(src)
	if doc == nil || !p.strict(doc, 0) {
		return nil, p.diags
	}
	pol := p.policy(doc)
	if p.diags.Err() != nil {
		return nil, p.diags
	}
	return pol, p.diags
}

func (p *parser) policy(root *yaml.Node) *Policy {
	pol := &Policy{File: p.file, Groups: map[string]Group{}}
	var version Word
	p.fields(root, map[string]func(*yaml.Node){
		"seccompc":    func(n *yaml.Node) { version = p.word(n) },
		"name":        func(n *yaml.Node) { pol.Name = p.match(n, policyName, "letters, digits, . _ and -, at most 64") },
		"description": func(n *yaml.Node) { pol.Description = p.word(n) },
		"reviewed":    func(n *yaml.Node) { pol.Reviewed = p.word(n) },
		"targets":     func(n *yaml.Node) { pol.Targets = p.abis(n) },
		"default":     func(n *yaml.Node) { pol.Default = p.answer(n) },
		"unknown":     func(n *yaml.Node) { pol.Unknown = p.answer(n) },
		"foreign":     func(n *yaml.Node) { pol.Foreign = p.answer(n) },
		"install":     func(n *yaml.Node) { pol.Install = p.match(n, installMode, "exec or self") },
		"flags":       func(n *yaml.Node) { pol.Flags = p.words(n) },
		"groups":      func(n *yaml.Node) { p.groups(n, pol.Groups) },
		"rules":       func(n *yaml.Node) { pol.Rules = p.rules(n) },
	})
	if version.Text != "" && version.Text != "1" {
		p.diags.Errorf(version.Pos, "this compiler knows version 1", "unknown language version %q", version.Text)
	}
	p.require(root, "seccompc", "start the file with seccompc: 1")
	p.require(root, "default", "say what happens to calls that no rule decides: default: errno(EPERM)")
	return pol
}

func (p *parser) require(n *yaml.Node, key, hint string) {
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return
		}
	}
	p.errorf(n, hint, "missing key %q", key)
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
		p.errorf(n, "", "expected one word, found %s", kind(n))
		return Word{}
	}
	return Word{n.Value, p.pos(n)}
}

func (p *parser) match(n *yaml.Node, form *regexp.Regexp, want string) Word {
	w := p.word(n)
	if w.Text != "" && !form.MatchString(w.Text) {
		p.errorf(n, "it is "+want, "%q can't stand here", w.Text)
	}
	return w
}

func (p *parser) list(n *yaml.Node) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		p.errorf(n, "put the words in brackets: [a, b]", "expected a list, found %s", kind(n))
		return nil
	}
	return n.Content
}

func (p *parser) words(n *yaml.Node) (words []Word) {
	for _, c := range p.list(n) {
		words = append(words, p.word(c))
	}
	return words
}

// abis reads a list that would mean all ABIs if it were absent, so an empty one must be a mistake.
func (p *parser) abis(n *yaml.Node) []Word {
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		p.errorf(n, "leave the key out to mean all", "an empty list of ABIs")
	}
	return p.words(n)
}

// callWord reads the name of a call, a group or a number.
func (p *parser) callWord(n *yaml.Node) Word {
	w := p.word(n)
	switch {
	case w.Text == "" || callName.MatchString(w.Text) || groupName.MatchString(w.Text) || number.MatchString(w.Text):
	case w.Text[0] >= '0' && w.Text[0] <= '9':
		p.errorf(n, "a number "+numberForm, "%q is not a syscall number", w.Text)
	default:
		p.errorf(n, "", "%q is neither a syscall's name nor a group", w.Text)
	}
	return w
}

func (p *parser) groups(n *yaml.Node, groups map[string]Group) {
	if n.Kind != yaml.MappingNode {
		p.errorf(n, `write "@name": [call, call]`, "groups are a mapping, this is %s", kind(n))
		return
	}
	for i := 0; i < len(n.Content); i += 2 {
		k := n.Content[i]
		if !groupName.MatchString(k.Value) {
			p.errorf(k, `a group's name starts with @: "@files"`, "%q is no group's name", k.Value)
		}
		if Builtin(k.Value) != nil {
			p.errorf(k, "choose another name; seccompc list groups "+k.Value+" shows its calls", "group %q is built in", k.Value)
		}
		if v := n.Content[i+1]; v.Kind == yaml.SequenceNode && len(v.Content) == 0 {
			p.errorf(v, "", "a group without calls")
		}
		g := Group{Name: Word{k.Value, p.pos(k)}}
		for _, c := range p.list(n.Content[i+1]) {
			g.Calls = append(g.Calls, p.callWord(c))
		}
		groups[k.Value] = g
	}
}

// answer reads an action that stands for itself, not for the default.
func (p *parser) answer(n *yaml.Node) Action {
	if w := p.word(n); w.Text == "" {
		return Action{}
	}
	a, ok := p.action(n)
	if ok && a.Kind == Default {
		p.errorf(n, "name the action itself", "%q can't stand for itself", n.Value)
		return Action{}
	}
	return a
}

func (p *parser) action(n *yaml.Node) (Action, bool) {
	w := Word{n.Value, p.pos(n)}
	m := actionForm.FindStringSubmatchIndex(w.Text)
	if m == nil {
		p.diags.Errorf(w.Pos, "actions are "+actionList, "%q is no action", w.Text)
		return Action{}, false
	}
	name := w.Text[m[2]:m[3]]
	k := slices.Index(actionNames[:], name)
	if k < 1 {
		hint := Suggest(name, actionNames[1:])
		if hint == "" {
			hint = "actions are " + actionList
		}
		p.diags.Errorf(w.Pos, hint, "unknown action %q", name)
		return Action{}, false
	}
	a := Action{Kind: ActionKind(k), Pos: w.Pos}
	takes := a.Kind == Errno || a.Kind == Trap || a.Kind == Trace
	switch {
	case m[4] >= 0 && !takes:
		p.diags.Errorf(w.Pos, "only errno, trap and trace take one", "action %q has no argument", name)
		return Action{}, false
	case m[4] >= 0 && m[4] == m[5], m[4] < 0 && a.Kind == Errno:
		p.diags.Errorf(w.Pos, "write errno(EPERM), trap(1) or trace(1)", "action %q lacks its argument", w.Text)
		return Action{}, false
	case m[4] >= 0:
		a.Arg = Word{w.Text[m[4]:m[5]], p.inScalar(n)(m[4])}
		if !callName.MatchString(a.Arg.Text) && !number.MatchString(a.Arg.Text) {
			p.diags.Errorf(a.Arg.Pos, "write errno(EPERM) or errno(1); a number "+numberForm, "%q is neither a name nor a number", a.Arg.Text)
			return Action{}, false
		}
	}
	return a, true
}

var actionList = strings.Join(actionNames[1:], ", ")

func (p *parser) rules(n *yaml.Node) (rules []Rule) {
	for _, c := range p.list(n) {
		if c.Kind != yaml.MappingNode {
			p.errorf(c, "write - allow: [read, write]", "a rule is a mapping from an action to calls, this is %s", kind(c))
			continue
		}
		rules = append(rules, p.rule(c))
	}
	return rules
}

func (p *parser) rule(n *yaml.Node) Rule {
	r := Rule{Pos: p.pos(n)}
	var action, calls, cond *yaml.Node
	rest := &yaml.Node{}
	for i := 0; i < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		m := actionForm.FindStringSubmatch(k.Value)
		switch {
		case m == nil || !slices.Contains(actionNames[1:], m[1]):
			rest.Content = append(rest.Content, k, v)
		case action != nil:
			p.errorf(k, "make it two rules", "second action %q in one rule", k.Value)
		default:
			action, calls = k, v
		}
	}
	before := len(p.diags)
	p.fields(rest, map[string]func(*yaml.Node){
		"if":     func(n *yaml.Node) { cond = n },
		"abis":   func(n *yaml.Node) { r.ABIs = p.abis(n) },
		"kernel": func(n *yaml.Node) { r.When.Kernel = p.kernel(n) },
	}, actionNames[1:]...)
	if action == nil {
		if len(p.diags) == before { // else the key that was meant to be one is reported already
			p.errorf(n, "write - allow: [read, write]; actions are "+actionList, "a rule without an action")
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
			c := Call{Name: p.callWord(calls.Content[i])}
			if v := calls.Content[i+1]; v.Kind != yaml.ScalarNode || v.Tag != "!!null" {
				c.If = p.cond(v)
				if cond != nil {
					p.errorf(v, "join the two with &&", "a condition per call beside the rule's own %q", "if")
				}
			}
			r.Calls = append(r.Calls, c)
		}
	default:
		p.errorf(calls, "write the calls in brackets: [read, write]", "expected calls, found %s", kind(calls))
		return r
	}
	if len(r.Calls) == 0 {
		p.errorf(calls, "", "a rule without calls")
	}
	if cond != nil {
		e := p.cond(cond)
		for i := range r.Calls {
			r.Calls[i].If = e
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
		p.errorf(n, `write kernel: ">=4.8"`, "%q is no least kernel version", w.Text)
		return Word{}
	}
	return Word{w.Text[m[2]:], p.inScalar(n)(m[2])}
}

func (p *parser) cond(n *yaml.Node) *Expr {
	if n.Kind != yaml.ScalarNode {
		p.errorf(n, "write it as text: arg0 == 1", "expected a condition, found %s", kind(n))
		return nil
	}
	if strings.TrimSpace(n.Value) == "" {
		p.errorf(n, "leave it out to match always", "empty condition")
		return nil
	}
	return parseExpr(n.Value, p.inScalar(n), &p.diags)
}
