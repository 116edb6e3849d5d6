// Package policy holds a seccomp policy as its author wrote it: names and positions, no numbers and no ABI.
//
// Parse reads the YAML form, which docs/policy.md specifies. The importer package builds the same type from other
// formats. What the names mean is the business of the next room, resolve.
package policy

// A Word is a piece of the source: a name, a number or an action's argument, with the place where it stands.
type Word struct {
	Text string
	Pos  Pos
}

// A Policy is one policy file. Absent keys are zero values; no default has been filled in.
type Policy struct {
	File        string
	Name        Word
	Description Word
	Reviewed    Word   // kernel version, "6.12"
	Targets     []Word // "x86_64+i386": the native ABI, then the compat ABIs its program serves too
	Default     Action // never of kind Default
	Unknown     Action
	Foreign     Action
	Install     Word // "exec" or "self"
	Flags       []Word
	Fallbacks   []Action         // that kill_thread and allow stand in for, on kernels that lack them: kill_process and log
	Groups      map[string]Group // by name, "@" included
	Rules       []Rule           // those of included fragments in their place
	Imported    bool             // from a format whose rules have no order: rules that contradict each other are an error

	Capabilities []Word     // that the program has; nil: not said, empty: none
	Accepts      []Accepted // findings of the linter that the author knows of
	Tests        []Test
	Sources      []Source // the file, then those it includes, each once
}

// An Accepted is a kind of finding that is right for this policy, and the reason why.
type Accepted struct{ Code, Reason Word }

// A Group is a named list of calls: names, numbers and other groups.
type Group struct {
	Name  Word
	Calls []Word
}

// A Rule gives one action to some calls. In a Policy the first rule that matches decides.
type Rule struct {
	Pos    Pos
	Action Action
	Calls  []Call
	ABIs   []Word // only on these ABIs; empty: on all
	When   When
}

// A Call is one entry of a rule: a syscall's name, a "@group" or a plain number, and the condition under which the
// rule matches it. A nil condition always holds.
type Call struct {
	Name Word
	If   *Expr
}

// When says for which compilations a rule is compiled in; the zero value says for each.
type When struct {
	Caps       []Word // every one of these capabilities is granted
	NotCaps    []Word // none of these is
	Natives    []Word // the target's native ABI is one of these
	NotNatives []Word // the target's native ABI is none of these
	Kernel     Word   // the kernel is at least this version, "4.8"
	NotKernel  Word   // the kernel is older than this version
}

// An ActionKind is an action of seccomp(2) without its data, or Default.
type ActionKind uint8

// The actions, in the kernel's order of precedence, strictest first. The zero value means that none was written.
const (
	KillProcess ActionKind = iota + 1
	KillThread
	Trap
	Errno
	Notify
	Trace
	Log
	Allow
	Default // whatever the policy's default says
)

var actionNames = [...]string{
	KillProcess: "kill_process", KillThread: "kill_thread", Trap: "trap", Errno: "errno", Notify: "notify",
	Trace: "trace", Log: "log", Allow: "allow", Default: "default",
}

func (k ActionKind) String() string {
	if int(k) >= len(actionNames) || k == 0 {
		return "no action"
	}
	return actionNames[k]
}

// An Action is an action as written: errno(EPERM) has the kind Errno and the argument "EPERM". Only errno, trap and
// trace take an argument, errno requires one.
type Action struct {
	Kind ActionKind
	Arg  Word
	Pos  Pos
}

// Denies reports whether the kernel leaves the call undone under this action. A tracer or listener may still let it
// through, so trace and notify don't count as denying; nor does Default, whose meaning lies elsewhere.
func (a Action) Denies() bool { return a.Kind >= KillProcess && a.Kind <= Errno }
