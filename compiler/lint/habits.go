package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// Calls that should rarely pass, answers that programs don't expect, and what keeps a program from starting at all.
var habits = slices.Concat(starting, answers, surface, []Check{
	{
		Code: "errno-zero", Urgent: true, Title: "an error that tells the program that the call succeeded",
		Explanation: `errno(0) leaves the call undone and returns 0, as if it had been done. The program believes that its data is written,
its rights are given up or its buffer is filled, and goes on from there. For calls that return a descriptor or a length,
0 is a value too: standard input, or the end of the file.

Name the error that the program should see. Where it is known what the program does with the 0, accept the finding.`,
		run: (*linter).errnoZero,
	},
	{
		Code: "kill-thread", Title: "an action that ends one thread and lets the others go on",
		Explanation: `kill_thread ends the thread that made the call, at once and without a word to the others. They go on in a process of
which a part is missing: locks that the thread held stay taken, work that it was to do is never done, and whoever
attacks through the other threads has another try. A program with a single thread doesn't show the difference.

Write kill_process (Linux 4.14), which ends all of it and leaves a core dump.`,
		run: (*linter).killThread,
	},
	{
		Code: "notify-unserved", Title: "an action for a listener that nobody is",
		Explanation: `Under notify the kernel asks a supervisor about each call. The supervisor gets its end of the connection when the filter
is installed, and seccomp-load has nobody to give it to. So these calls fail with ENOSYS.

Write errno(ENOSYS) if that is meant, or another answer. For a supervisor of your own say install: self, and have it
install the program.`,
		run: (*linter).notifyUnserved,
	},
	{
		Code: "name-absent", Title: "the name of a call that none of the policy's ABIs has",
		Explanation: `A name that only other ABIs have is left out, so that one rule can name all variants of a call: fstat and fstat64. Here no
ABI that the rule is for has it, so the name does nothing. Whoever wrote mmap2 for x86_64 has not allowed mmap.

Write the name that these ABIs have, add the target whose name it is, or take it out. Names in included files are not
reported, for other policies with other targets may include them too.`,
		run: (*linter).nameAbsent,
	},
	{
		Code: "reviewed-missing", Title: "no word of the kernel that the rules were checked against",
		Explanation: `Without reviewed, every call in the compiler's table is known. A newer compiler knows more calls: they then meet default in place
of unknown, and those that belong into a built-in group join it. So the same policy decides otherwise, and nobody has
looked at these calls.

Say which kernel's calls you have read for this policy, as in reviewed: "6.12". Newer ones are unknown then.`,
		run: (*linter).reviewedMissing,
	},
})

// actions returns the actions as written that decide something: those of the head, and of rules that decide some call.
func (l *linter) actions() (list []policy.Action) {
	for _, a := range []policy.Action{l.policy.Default, l.policy.Unknown, l.policy.Foreign} {
		if a.Kind != 0 {
			list = append(list, a)
		}
	}
	deciding := map[policy.Pos]bool{}
	for _, f := range l.filters {
		for i, r := range f.Rules {
			deciding[r.Pos] = deciding[r.Pos] || slices.ContainsFunc(r.Numbers, func(nr uint32) bool { return f.decides(i, nr) })
		}
	}
	for _, rule := range l.policy.Rules {
		if slices.ContainsFunc(rule.Calls, func(c policy.Call) bool { return deciding[c.Name.Pos] }) {
			list = append(list, rule.Action)
		}
	}
	return list
}

// decides reports whether a rule decides some call of the number.
func (f *filter) decides(rule int, nr uint32) bool {
	return slices.Contains(f.deciders(nr, [6]uint64{}, [6]uint64{}), rule)
}

func (l *linter) errnoZero(c Check) {
	for _, a := range l.actions() {
		if n, err := strconv.ParseUint(a.Arg.Text, 0, 64); a.Kind == policy.Errno && err == nil && n == 0 {
			l.found(c, a.Arg.Pos, "name the errno that the program should see", "errno(0) tells the program that the call succeeded, and it did not happen")
		}
	}
}

func (l *linter) killThread(c Check) {
	for _, a := range l.actions() {
		if a.Kind == policy.KillThread {
			l.found(c, a.Pos, "write kill_process", "%q ends one thread, and the others go on without it", "kill_thread")
		}
	}
}

func (l *linter) notifyUnserved(c Check) {
	for _, a := range l.actions() {
		if a.Kind == policy.Notify && l.loaded() {
			l.found(c, a.Pos, "say errno(ENOSYS), or install: self where a supervisor installs the program", "%q asks nobody under seccomp-load: the call fails with ENOSYS", "notify")
		}
	}
}

// loaded reports whether seccomp-load installs the policy.
func (l *linter) loaded() bool { return l.policy.Install.Text != "self" }

// nameAbsent reports one place per rule and per group. An imported profile names the calls of all machines by custom, and
// targets of the command line are not the author's.
func (l *linter) nameAbsent(c Check) {
	if t := l.policy.Targets; l.policy.Imported || len(t) > 0 && t[0].Pos.File != l.policy.File {
		return
	}
	for _, rule := range l.policy.Rules {
		var words []policy.Word
		for _, call := range rule.Calls {
			words = append(words, call.Name)
		}
		l.absent(c, words, rule.ABIs)
	}
	for _, g := range l.policy.Groups {
		l.absent(c, g.Calls, nil)
	}
}

// absent reports the words that are names on none of the ABIs served, or on those of them that are in abis.
func (l *linter) absent(c Check, words, abis []policy.Word) {
	var served []*arch.ABI
	for _, f := range l.filters {
		if len(abis) == 0 || slices.ContainsFunc(abis, func(w policy.Word) bool { return arch.Lookup(w.Text) == f.ABI }) {
			served = append(served, f.ABI)
		}
	}
	var first policy.Word
	var others names
	for _, w := range words {
		has := func(a *arch.ABI) bool { _, ok := a.Number(w.Text); return ok }
		switch {
		case w.Text[0] == '@', w.Text[0] >= '0' && w.Text[0] <= '9', w.Pos.File != l.policy.File, slices.ContainsFunc(served, has):
		case first.Text == "":
			first = w
		default:
			others.add(w.Text)
		}
	}
	switch {
	case first.Text == "" || len(served) == 0:
	case len(others) == 0:
		hint := "take it out, or add a target that has it"
		for _, s := range served[0].Syscalls() {
			if variant(s.Name) == variant(first.Text) {
				hint = fmt.Sprintf("%s has %q", served[0].Name, s.Name)
			}
		}
		l.found(c, first.Pos, hint, "%q is a call of other ABIs only", first.Text)
	default:
		l.found(c, first.Pos, "take them out, or add a target that has them", "%q is a call of other ABIs only, as are %s", first.Text, others)
	}
}

// variant is what the variants of a call have in common: "stat" for stat64, "futex" for futex_time64.
func variant(name string) string {
	return strings.TrimSuffix(strings.TrimRight(name, "0123456789"), "_time")
}

// reviewedMissing reports a policy for which it matters which calls are known.
func (l *linter) reviewedMissing(c Check) {
	grows := func(f *filter) bool { return f.Default != f.Unknown }
	builtin := func(w policy.Word) bool { return policy.Builtin(w.Text) != nil }
	inRule := func(r policy.Rule) bool {
		return slices.ContainsFunc(r.Calls, func(c policy.Call) bool { return builtin(c.Name) })
	}
	matters := slices.ContainsFunc(l.filters, grows) || slices.ContainsFunc(l.policy.Rules, inRule)
	for _, g := range l.policy.Groups {
		matters = matters || slices.ContainsFunc(g.Calls, builtin)
	}
	if l.policy.Reviewed.Text != "" || l.policy.Imported || !matters {
		return
	}
	var newest arch.Version
	for _, name := range arch.Names() {
		if v := arch.Since(name); v.Compare(newest) > 0 {
			newest = v
		}
	}
	l.found(c, policy.Pos{File: l.policy.File}, "the newest kernel whose calls this compiler knows: reviewed: \""+newest.String()+"\"",
		"no key reviewed: a newer compiler may change what the policy decides")
}

// names are words to list in a message.
type names []string

func (n names) String() string { return strings.Join(n, ", ") }

func (n *names) add(name string) {
	if !slices.Contains(*n, name) {
		*n = append(*n, name)
	}
}

// A tally collects what a check finds in each rule, and in the policy's default.
type tally struct {
	linter *linter
	places []*place // in the order met
}

// A place is the first word of a rule that a check finds fault with, or the policy's default.
type place struct {
	pos    policy.Pos
	action string
	calls  names
	abis   names

	of policy.Pos // of the rule
}

func (t *tally) add(d decision, call string, f *filter) {
	of := d.pos
	if d.rule != nil {
		rule, _ := t.linter.origin(d.pos)
		of = rule.Pos
	}
	i := slices.IndexFunc(t.places, func(p *place) bool { return p.of == of })
	if i < 0 {
		i = len(t.places)
		t.places = append(t.places, &place{pos: d.pos, action: d.action.Format(f.ABI), of: of})
	}
	p := t.places[i]
	if d.pos.Compare(p.pos) < 0 {
		p.pos = d.pos
	}
	p.calls.add(call)
	slices.Sort(p.calls)
	p.abis.add(f.ABI.Name)
}

// on tells the ABIs where they are not all of the policy's.
func (t *tally) on(p *place) string {
	if len(p.abis) == len(t.linter.filters) {
		return ""
	}
	return " on " + p.abis.String()
}

// denies reports whether the call is left undone, with nobody asked.
func (d decision) denies() bool { return d.kills() || d.action.Kind() == resolve.Errno }

// kills reports whether the call ends the thread or process that makes it, as trap does where no handler is set.
func (d decision) kills() bool {
	return d.action.Kind() == resolve.KillProcess || d.action.Kind() == resolve.KillThread || d.action.Kind() == resolve.Trap
}
