// Package importer turns policies of other formats into the project's own.
//
// OCI reads the seccomp profiles of container runtimes: the "seccomp" object of the OCI runtime specification
// (config-linux.md) with the additions of Docker's and containerd's profiles, archMap, includes and excludes. Where the
// specification is silent, it reads a profile as the runtimes do, and refuses what they disagree about.
package importer

import (
	"encoding/json"
	"fmt"
	"go/token"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seccompc/seccompc/compiler/policy"
)

// OCI reads a profile. The file's name is used in positions and, without its folder and extension, as the policy's
// name. Where there is an error, the policy is nil.
//
// Rules of one call are alternatives and a rule's arguments are all required; the rules have no order, so the policy
// is marked as imported. The conditions of includes and excludes travel as policy.When.
func OCI(file string, src []byte) (*policy.Policy, policy.Diagnostics) {
	r := newReader(file, src)
	doc, ok := r.document()
	if !ok {
		return nil, r.diags
	}
	p := r.profile(doc)
	if r.diags.Err() != nil {
		return nil, r.diags
	}
	return p, r.diags
}

// fields calls the function named by each key with its value; null stands for an absent key, as in Go's encoding. It
// reports false where v has no keys.
func (r *reader) fields(v value, what string, known map[string]func(value)) bool {
	if v.kind != object {
		r.diags.Errorf("expected-mapping", v.pos, "", "%s is an object, found %s", what, v.describe())
		return false
	}
	for _, f := range v.fields {
		read := known[f.key.Text]
		if read == nil {
			r.diags.Errorf("unknown-key", f.key.Pos, suggest(f.key.Text, known), "key %q of %s can't be carried over: it is unknown", f.key.Text, what)
			continue
		}
		if f.val.kind != scalar || f.val.scalar != nil {
			read(f.val)
		}
	}
	return true
}

// suggest returns a hint that names the known word nearest to w, or all of them.
func suggest[T any](w string, known map[string]T) string {
	words := slices.Sorted(maps.Keys(known))
	if hint := policy.Suggest(w, words); hint != "" {
		return hint
	}
	return "known are " + strings.Join(words, ", ")
}

// word reads a string; the word is empty after an error only.
func (r *reader) word(v value) policy.Word {
	s, ok := v.scalar.(string)
	switch {
	case !ok:
		r.diags.Errorf("expected-word", v.pos, "", "expected a string, found %s", v.describe())
	case s == "":
		r.diags.Errorf("expected-word", v.pos, "", "an empty string")
	}
	return policy.Word{Text: s, Pos: v.pos}
}

// optional reads a string that may be empty.
func (r *reader) optional(v value) policy.Word {
	if v.scalar == "" {
		return policy.Word{}
	}
	return r.word(v)
}

func (r *reader) each(v value, read func(value)) {
	if v.kind != array {
		r.diags.Errorf("expected-list", v.pos, "", "expected an array, found %s", v.describe())
	}
	for _, item := range v.items {
		read(item)
	}
}

func (r *reader) words(v value) (words []policy.Word) {
	words = make([]policy.Word, 0, len(v.items))
	r.each(v, func(v value) { words = append(words, r.word(v)) })
	return words
}

func (r *reader) number(v value, limit uint64) uint64 {
	text, ok := v.scalar.(json.Number)
	n, err := strconv.ParseUint(text.String(), 10, 64)
	if !ok || err != nil || n > limit {
		r.diags.Errorf("number-form", v.pos, "", "expected a whole number from 0 to %d, found %s", limit, v.describe())
		return 0
	}
	return n
}

func (r *reader) profile(doc value) *policy.Policy {
	p := &policy.Policy{File: r.file, Imported: true, Sources: []policy.Source{{Name: r.file, Text: r.src}}}
	var action, errno value
	var archMap *value
	listener := func(v value) {
		if v.scalar != "" {
			r.diags.Errorf("oci-listener", v.pos, "", "a listener can't be carried over: seccomp-load has nobody to give it to")
		}
	}
	ok := r.fields(doc, "a profile", map[string]func(value){
		"defaultAction":    func(v value) { action = v },
		"defaultErrnoRet":  func(v value) { errno = v },
		"architectures":    func(v value) { p.Targets = append(p.Targets, r.architectures(v)...) },
		"archMap":          func(v value) { archMap = &v },
		"flags":            func(v value) { p.Flags = r.flags(v) },
		"syscalls":         func(v value) { r.each(v, func(v value) { p.Rules = append(p.Rules, r.rule(v)) }) },
		"listenerPath":     listener,
		"listenerMetadata": listener,
	})
	switch {
	case action.pos != policy.Pos{}:
		p.Default = r.action(action, errno)
	case ok:
		r.diags.Errorf("missing-key", doc.pos, "", "missing key %q", "defaultAction")
	}
	if archMap != nil {
		if more := r.archMap(*archMap); len(more) > 0 && len(p.Targets) > 0 {
			r.diags.Errorf("oci-two-keys", archMap.pos, "runtimes refuse it too: keep one of the two", "%q beside %q", "archMap", "architectures")
		} else {
			p.Targets = append(p.Targets, more...)
		}
	}
	return p
}

// flags drops TSYNC, which is moot where the loader executes a command: a fresh process has one thread.
func (r *reader) flags(v value) (flags []policy.Word) {
	for _, w := range r.words(v) {
		switch w.Text {
		case "SECCOMP_FILTER_FLAG_TSYNC":
		case "SECCOMP_FILTER_FLAG_LOG":
			flags = append(flags, policy.Word{Text: "log", Pos: w.Pos})
		case "SECCOMP_FILTER_FLAG_SPEC_ALLOW":
			flags = append(flags, policy.Word{Text: "spec_allow", Pos: w.Pos})
		default:
			r.diags.Errorf("unknown-flag", w.Pos, "", "flag %q can't be carried over: only TSYNC, LOG and SPEC_ALLOW can", w.Text)
		}
	}
	return flags
}

var actionKinds = map[string]policy.ActionKind{
	"SCMP_ACT_KILL": policy.KillThread, "SCMP_ACT_KILL_THREAD": policy.KillThread,
	"SCMP_ACT_KILL_PROCESS": policy.KillProcess, "SCMP_ACT_TRAP": policy.Trap, "SCMP_ACT_ERRNO": policy.Errno,
	"SCMP_ACT_TRACE": policy.Trace, "SCMP_ACT_ALLOW": policy.Allow, "SCMP_ACT_LOG": policy.Log,
	"SCMP_ACT_NOTIFY": policy.Notify,
}

// action reads an action and the errnoRet that belongs to it: EPERM where it is absent, as runtimes have it.
func (r *reader) action(v, ret value) policy.Action {
	w := r.word(v)
	a := policy.Action{Kind: actionKinds[w.Text], Pos: v.pos}
	takes := a.Kind == policy.Errno || a.Kind == policy.Trace
	switch {
	case w.Text == "":
	case a.Kind == 0:
		r.diags.Errorf("unknown-action", v.pos, suggest(w.Text, actionKinds), "unknown action %q", w.Text)
	case ret.scalar != nil && !takes:
		r.diags.Errorf("action-argument", ret.pos, "only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take one", "an errno beside %q", w.Text)
	case ret.scalar != nil:
		limit := uint64(math.MaxUint16)
		a.Arg = policy.Word{Text: strconv.FormatUint(r.number(ret, limit), 10), Pos: ret.pos}
	case takes:
		a.Arg = policy.Word{Text: "1", Pos: v.pos} // EPERM on every ABI
	}
	return a
}

// archMap reads Docker's map from a native architecture to those it serves too.
func (r *reader) archMap(v value) (targets []policy.Word) {
	served := map[string]bool{}
	r.each(v, func(entry value) {
		var native policy.Word
		var sub []policy.Word
		ok := r.fields(entry, "an archMap entry", map[string]func(value){
			"architecture":     func(v value) { native = r.word(v) },
			"subArchitectures": func(v value) { sub = r.words(v) },
		})
		if native.Text == "" {
			if ok && (native.Pos == policy.Pos{}) {
				r.diags.Errorf("missing-key", entry.pos, "", "missing key %q", "architecture")
			}
			return
		}
		all := append([]policy.Word{native}, sub...)
		var names []string
		covered := 0
		for _, w := range all {
			if served[w.Text] {
				covered++
			}
			names = append(names, w.Text)
		}
		if covered == len(all) {
			// MIPS64 maps to MIPS and MIPS64N32, and MIPS64N32 to both others. One program serves all three.
			return
		}
		for _, w := range all {
			served[w.Text] = true
		}
		targets = append(targets, policy.Word{Text: strings.Join(names, "+"), Pos: native.Pos})
	})
	return targets
}

// machines lists libseccomp's architectures that one kernel runs, the widest first.
var machines = [][]string{
	{"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"},
	{"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"},
	{"SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64N32"},
	{"SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64N32"},
	{"SCMP_ARCH_PPC64", "SCMP_ARCH_PPC"},
	{"SCMP_ARCH_S390X", "SCMP_ARCH_S390"},
	{"SCMP_ARCH_PARISC64", "SCMP_ARCH_PARISC"},
}

// architectures groups a flat list of architectures into targets by machine. The widest of a machine belongs to its
// target even where it isn't listed: runtimes always add the native one.
func (r *reader) architectures(v value) (targets []policy.Word) {
	listed := r.words(v)
	done := map[string]bool{}
	for _, w := range listed {
		if done[w.Text] {
			continue
		}
		names := []string{w.Text}
		for _, m := range machines {
			if !slices.Contains(m, w.Text) {
				continue
			}
			names = m[:1:1]
			for _, name := range m[1:] {
				if slices.ContainsFunc(listed, func(x policy.Word) bool { return x.Text == name }) {
					names = append(names, name)
				}
			}
		}
		for _, name := range names {
			done[name] = true
		}
		targets = append(targets, policy.Word{Text: strings.Join(names, "+"), Pos: w.Pos})
	}
	return targets
}

func (r *reader) rule(v value) policy.Rule {
	rule := policy.Rule{Pos: v.pos}
	before := len(r.diags)
	var action, errno value
	var names []policy.Word
	var single policy.Word // Docker once wrote "name": ""
	var cond *policy.Expr
	ok := r.fields(v, "a rule", map[string]func(value){
		"names":    func(v value) { names = r.words(v) },
		"name":     func(v value) { single = r.optional(v) },
		"action":   func(v value) { action = v },
		"errnoRet": func(v value) { errno = v },
		"args":     func(v value) { cond = r.args(v) },
		"comment":  func(v value) { r.optional(v) },
		"includes": func(v value) { r.includes(v, &rule.When) },
		"excludes": func(v value) { r.excludes(v, &rule.When) },
	})
	if single.Text != "" {
		if len(names) > 0 {
			r.diags.Errorf("oci-two-keys", single.Pos, "runtimes refuse it too: keep names", "%q beside %q", "name", "names")
		}
		names = []policy.Word{single}
	}
	switch {
	case !ok:
	case action.pos == policy.Pos{}:
		r.diags.Errorf("missing-key", v.pos, "", "missing key %q", "action")
	case len(names) == 0 && len(r.diags) == before:
		r.diags.Errorf("empty-rule", v.pos, "", "a rule without names")
	default:
		rule.Action = r.action(action, errno)
	}
	rule.Calls = make([]policy.Call, 0, len(names))
	for _, w := range names {
		rule.Calls = append(rule.Calls, policy.Call{Name: w, If: cond})
	}
	return rule
}

func (r *reader) includes(v value, when *policy.When) {
	r.fields(v, "includes", map[string]func(value){
		"caps":      func(v value) { when.Caps = r.words(v) },
		"arches":    func(v value) { when.Natives = r.words(v) },
		"minKernel": func(v value) { when.Kernel = r.word(v) },
	})
}

func (r *reader) excludes(v value, when *policy.When) {
	r.fields(v, "excludes", map[string]func(value){
		"caps":      func(v value) { when.NotCaps = r.words(v) },
		"arches":    func(v value) { when.NotNatives = r.words(v) },
		"minKernel": func(v value) { when.NotKernel = r.word(v) },
	})
}

var operators = map[string]policy.Op{
	"SCMP_CMP_NE": token.NEQ, "SCMP_CMP_LT": token.LSS, "SCMP_CMP_LE": token.LEQ, "SCMP_CMP_EQ": token.EQL,
	"SCMP_CMP_GE": token.GEQ, "SCMP_CMP_GT": token.GTR, "SCMP_CMP_MASKED_EQ": token.AND,
}

// args reads a rule's argument conditions, which must all hold; nil for an empty list.
func (r *reader) args(v value) *policy.Expr {
	var cond *policy.Expr
	var seen [6]bool
	r.each(v, func(v value) {
		var index, val, two uint64
		var op policy.Word
		var twoPos policy.Pos
		missing := map[string]bool{"index": true, "value": true, "op": true}
		ok := r.fields(v, "an argument", map[string]func(value){
			"index":    func(v value) { index = r.number(v, 5); delete(missing, "index") },
			"value":    func(v value) { val = r.number(v, math.MaxUint64); delete(missing, "value") },
			"valueTwo": func(v value) { two = r.number(v, math.MaxUint64); twoPos = v.pos },
			"op":       func(v value) { op = r.word(v); delete(missing, "op") },
		})
		for _, key := range []string{"index", "value", "op"} {
			if missing[key] && ok {
				r.diags.Errorf("missing-key", v.pos, "", "missing key %q", key)
				ok = false
			}
		}
		if !ok {
			return
		}
		if seen[index] {
			r.diags.Errorf("oci-argument-twice", v.pos, "say which: one rule per alternative, or a single comparison",
				"argument %d twice in one rule: the specification reads it as both conditions, runtimes as alternatives", index)
			return
		}
		seen[index] = true
		if e := r.comparison(v, index, op, val, two, twoPos); cond == nil {
			cond = e
		} else {
			cond = &policy.Expr{Op: token.LAND, Pos: v.pos, X: cond, Y: e}
		}
	})
	return cond
}

func (r *reader) comparison(v value, index uint64, op policy.Word, val, two uint64, twoPos policy.Pos) *policy.Expr {
	number := func(n uint64) *policy.Expr {
		return &policy.Expr{Op: token.INT, Pos: v.pos, Text: strconv.FormatUint(n, 10)}
	}
	e := &policy.Expr{Op: operators[op.Text], Pos: v.pos, Y: number(val)}
	e.X = &policy.Expr{Op: token.IDENT, Pos: v.pos, Text: fmt.Sprintf("arg%d", index)}
	switch {
	case op.Text == "":
	case e.Op == token.ILLEGAL:
		r.diags.Errorf("unknown-operator", op.Pos, suggest(op.Text, operators), "unknown operator %q", op.Text)
	case e.Op == token.AND:
		e.Op = token.EQL
		e.X = &policy.Expr{Op: token.AND, Pos: v.pos, X: e.X, Y: number(val)}
		e.Y = number(two & val) // libseccomp compares within the mask
		if two&^val != 0 {
			r.diags.Warnf("oci-masked-bits", twoPos, "", "bits of valueTwo outside of the mask %#x are ignored, as libseccomp does", val)
		}
	case two != 0:
		r.diags.Errorf("oci-value-two", twoPos, "only SCMP_CMP_MASKED_EQ has one", "valueTwo beside %q", op.Text)
	}
	return e
}
