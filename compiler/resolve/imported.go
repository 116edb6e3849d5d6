package resolve

import (
	"github.com/seccompc/seccompc/compiler/policy"
)

// multiplexers are the calls through which others can be reached too: the operation's number is in argument 0, the
// other call's own arguments are in memory. From linux/net.h and linux/ipc.h.
var multiplexers = map[string]map[string]uint64{
	"socketcall": {
		"socket": 1, "bind": 2, "connect": 3, "listen": 4, "accept": 5, "getsockname": 6, "getpeername": 7,
		"socketpair": 8, "send": 9, "recv": 10, "sendto": 11, "recvfrom": 12, "shutdown": 13, "setsockopt": 14,
		"getsockopt": 15, "sendmsg": 16, "recvmsg": 17, "accept4": 18, "recvmmsg": 19, "sendmmsg": 20,
	},
	"ipc": {
		"semop": 1, "semget": 2, "semctl": 3, "semtimedop": 4, "msgsnd": 11, "msgrcv": 12, "msgget": 13, "msgctl": 14,
		"shmat": 21, "shmdt": 22, "shmget": 23, "shmctl": 24,
	},
}

// named collects the names that the rules mention, for multiplexed.
func (r *resolver) named(rules []policy.Rule) map[string]bool {
	names := map[string]bool{}
	for _, rule := range rules {
		for _, c := range rule.Calls {
			names[c.Name.Text] = true
		}
	}
	return names
}

// multiplexed extends an imported rule to the multiplexer that reaches its call, as container runtimes do, unless the
// profile has rules for the multiplexer itself. Under a condition that is impossible: the arguments are in memory.
func (r *resolver) multiplexed(c policy.Call, action Action, named map[string]bool) (rules []Rule) {
	for mux, operations := range multiplexers {
		operation, reaches := operations[c.Name.Text]
		number, has := r.abi.Number(mux)
		switch {
		case !reaches || !has || named[mux]:
		case c.If != nil:
			r.diags.Errorf(c.Name.Pos, "give the profile a rule for "+mux+" itself", "condition on %q: on %s programs reach the call through %s too, whose arguments no filter can see", c.Name.Text, r.abi.Name, mux)
		default:
			mask := uint64(0xffffffff) // the kernel's parameter is an int
			if mux == "ipc" {
				mask = 0xffff // above it is a version
			}
			rules = append(rules, Rule{Pos: c.Name.Pos, Numbers: []uint32{number}, Action: action,
				Cond: Compare{Arg: 0, Bits: r.abi.RegBits, Mask: mask, Op: EQ, Value: operation}})
		}
	}
	return rules
}
