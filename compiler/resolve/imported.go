package resolve

import (
	"fmt"
	"slices"

	"github.com/seccompc/seccompc/compiler/policy"
)

// A multiplexer is a call through which others can be reached too: the operation's number is in some bits of argument 0,
// the other call's own arguments are in memory. From linux/net.h and linux/ipc.h.
type multiplexer struct {
	name       string
	mask       uint64
	operations map[string]uint64
}

var multiplexers = []multiplexer{
	{"socketcall", 0xffffffff, map[string]uint64{ // the kernel's parameter is an int
		"socket": 1, "bind": 2, "connect": 3, "listen": 4, "accept": 5, "getsockname": 6, "getpeername": 7,
		"socketpair": 8, "send": 9, "recv": 10, "sendto": 11, "recvfrom": 12, "shutdown": 13, "setsockopt": 14,
		"getsockopt": 15, "sendmsg": 16, "recvmsg": 17, "accept4": 18, "recvmmsg": 19, "sendmmsg": 20,
	}},
	{"ipc", 0xffff, map[string]uint64{ // above it is a version
		"semop": 1, "semget": 2, "semctl": 3, "semtimedop": 4, "msgsnd": 11, "msgrcv": 12, "msgget": 13, "msgctl": 14,
		"shmat": 21, "shmdt": 22, "shmget": 23, "shmctl": 24,
	}},
}

// Multiplexed returns the multiplexer through which programs reach a call too, the number of the operation in its
// argument 0 and the bits of the argument that hold it; an empty name if there is none.
func Multiplexed(call string) (name string, operation, mask uint64) {
	for _, m := range multiplexers {
		if operation, reaches := m.operations[call]; reaches {
			return m.name, operation, m.mask
		}
	}
	return "", 0, 0
}

// multiplexed extends an imported rule to the multiplexers that reach its calls, as container runtimes do. Under a
// condition that is impossible, for the arguments are in memory: then the profile must settle the matter itself.
func (r *resolver) multiplexed(rule policy.Rule, all []policy.Rule) (rules []Rule) {
	if !slices.ContainsFunc(multiplexers, func(m multiplexer) bool { _, has := r.abi.Number(m.name); return has }) {
		return nil
	}
	for _, c := range rule.Calls {
		mux, operation, mask := Multiplexed(c.Name.Text)
		number, has := r.abi.Number(mux)
		switch {
		case !has:
		case c.If != nil:
			if !r.settled(mux, operation, rule.Action, all) {
				r.diags.Errorf("oci-multiplexer", c.Name.Pos, fmt.Sprintf("%s has %s: give the profile a rule for it", r.abi.Name, mux),
					"condition on %q: programs reach the call through %s too, whose arguments no filter can see", c.Name.Text, mux)
			}
		default:
			rules = append(rules, Rule{Pos: c.Name.Pos, Numbers: []uint32{number}, Action: r.action(rule.Action),
				Cond: Compare{Arg: 0, Bits: r.abi.RegBits, Mask: mask, Op: EQ, Value: operation}})
		}
	}
	return rules
}

// settled reports whether the profile has rules for a multiplexer that decide one of its operations, or leave it to a
// default that is as strict as the action.
func (r *resolver) settled(mux string, operation uint64, action policy.Action, all []policy.Rule) bool {
	named := false
	for _, rule := range all {
		for _, c := range rule.Calls {
			if c.Name.Text != mux {
				continue
			}
			if named = true; r.cond(c.If, mux).Holds([6]uint64{operation}) {
				return true
			}
		}
	}
	return named && r.policy.Default.Kind <= action.Kind // the kinds ascend from strict to lenient
}
