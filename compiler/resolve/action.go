package resolve

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
)

// An Action is a program's answer as the kernel reads it: a SECCOMP_RET_* value of linux/seccomp.h in the upper half,
// its data in the lower.
type Action uint32

// The actions with data 0.
const (
	KillProcess Action = 0x80000000
	KillThread  Action = 0x00000000
	Trap        Action = 0x00030000
	Errno       Action = 0x00050000
	Notify      Action = 0x7fc00000
	Trace       Action = 0x7ff00000
	Log         Action = 0x7ffc0000
	Allow       Action = 0x7fff0000
)

// MaxErrno is the kernel's MAX_ERRNO, which it cuts greater values down to.
const MaxErrno = 4095

var kinds = map[policy.ActionKind]Action{
	policy.KillProcess: KillProcess, policy.KillThread: KillThread, policy.Trap: Trap, policy.Errno: Errno,
	policy.Notify: Notify, policy.Trace: Trace, policy.Log: Log, policy.Allow: Allow,
}

// Kind returns the action without its data.
func (a Action) Kind() Action { return a &^ 0xffff }

// Data returns the lower half: errno's number, trap's and trace's message.
func (a Action) Data() uint16 { return uint16(a) }

// String returns the action in the policy language, errno as a number; a value that no policy can express is shown
// in hexadecimal.
func (a Action) String() string {
	for kind, base := range kinds {
		if a.Kind() != base {
			continue
		}
		switch {
		case base == Errno, (base == Trap || base == Trace) && a.Data() != 0:
			return fmt.Sprintf("%s(%d)", kind, a.Data())
		case a.Data() == 0:
			return kind.String()
		}
	}
	return fmt.Sprintf("%#08x", uint32(a))
}

// Format returns the action in the policy language with errno's name on that ABI.
func (a Action) Format(abi *arch.ABI) string {
	if name, ok := abi.ErrnoName(a.Data()); ok && a.Kind() == Errno {
		return "errno(" + name + ")"
	}
	return a.String()
}

// action resolves an action as written, other than Default, on one ABI.
func (r *resolver) action(w policy.Action) Action {
	a := kinds[w.Kind]
	if w.Arg.Text == "" {
		return a
	}
	limit := uint64(0xffff)
	if w.Kind == policy.Errno {
		limit = MaxErrno
		if n, ok := r.abi.Errno(w.Arg.Text); ok {
			return a | Action(n)
		}
	}
	n, err := strconv.ParseUint(w.Arg.Text, 0, 64)
	switch {
	case n > limit: // also where it is too long for a number here
		r.diags.Errorf("action-range", w.Arg.Pos, "", "%s(%s): the kernel's field ends at %d", w.Kind, w.Arg.Text, limit)
	case err != nil && w.Kind == policy.Errno && slices.Contains(arch.Errnos(), w.Arg.Text):
		r.diags.Errorf("errno-absent", w.Arg.Pos, r.abi.Name+" has none: "+r.limit+", or write the number", "errno %q does not exist on every ABI", w.Arg.Text)
	case err != nil && w.Kind == policy.Errno:
		hint := policy.Suggest(w.Arg.Text, arch.Errnos())
		if hint == "" {
			hint = "write a name such as EPERM, or a number"
		}
		r.diags.Errorf("unknown-errno", w.Arg.Pos, hint, "unknown errno %q", w.Arg.Text)
	case err != nil:
		r.diags.Errorf("action-argument", w.Arg.Pos, fmt.Sprintf("write a number, as in %s(1)", w.Kind), "%q is not a number", w.Arg.Text)
	}
	return a | Action(n&0xffff)
}
