package policy

import (
	"slices"

	"gopkg.in/yaml.v3"
)

// standIns are all the fallbacks that there are. Linux has the first of each pair since 4.14, the second since 3.5.
var standIns = map[ActionKind]ActionKind{KillProcess: KillThread, Log: Allow}

// fallbacks reads a mapping from actions to those that stand in for them on kernels that lack them.
func (p *parser) fallbacks(n *yaml.Node) (list []Action) {
	const pairs = "fallbacks are kill_process: kill_thread and log: allow"
	if n.Kind != yaml.MappingNode {
		p.errorf("expected-mapping", n, pairs, "fallbacks are a mapping, this is %s", kind(n))
		return nil
	}
	for i := 0; i < len(n.Content); i += 2 {
		of, by := p.word(n.Content[i]), p.word(n.Content[i+1])
		k := ActionKind(max(slices.Index(actionNames[:], of.Text), 0))
		switch instead, has := standIns[k]; {
		case of.Text == "" || by.Text == "":
		case !has:
			p.diags.Errorf("no-fallback", of.Pos, pairs, "%q can't have a fallback", of.Text)
		case by.Text != instead.String():
			p.diags.Errorf("fallback-action", by.Pos, "write "+of.Text+": "+instead.String(), "%q can't stand in for %s", by.Text, of.Text)
		default:
			list = append(list, Action{Kind: k, Pos: of.Pos})
		}
	}
	return list
}

// useless reports fallbacks for actions that nothing in the policy answers with.
func (p *parser) useless() {
	pol := p.pol
	answers := []ActionKind{pol.Default.Kind, pol.Unknown.Kind, pol.Foreign.Kind}
	if pol.Foreign.Kind == 0 { // what is absent there means kill_process
		answers[2] = KillProcess
	}
	for _, r := range pol.Rules {
		answers = append(answers, r.Action.Kind)
	}
	for _, f := range pol.Fallbacks {
		if !slices.Contains(answers, f.Kind) {
			p.diags.Errorf("fallback-useless", f.Pos, "take it out: default, unknown, foreign and the rules have other actions", "no call meets %q, so its fallback has no effect", f.Kind.String())
		}
	}
}
