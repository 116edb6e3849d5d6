package lint

import (
	"slices"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// Ways around what a policy says.
var holes = slices.Concat(ways, twinChecks, argumentChecks)

const passesToo = "%q is limited, but these do the same and pass: %s"

// Ways that are a call, or another ABI.
var ways = []Check{
	{
		Code: "multiplexer-hole", Error: true, Acceptable: true, Title: "a limited call that socketcall or ipc reaches",
		Explanation: `On i386, s390x, PowerPC, 32-bit MIPS and others, programs make sockets by socketcall too, and System V IPC by ipc.
Argument 0 says which call is meant; that call's own arguments are in memory, where no filter sees them. A rule
that denies socket(AF_PACKET), or allows AF_INET only, is no limit there while socketcall passes. systemd.exec(5)
says so of RestrictAddressFamilies=.

Deny the operation, as in "socketcall: call == SYS_SOCKET", or all of the multiplexer, or don't serve these ABIs.
glibc and Go need it on i386 and s390x to make sockets at all: a policy for them may accept the hole, saying why.`,
		run: func(l *linter, c Check) {
			var found places
			l.multiplexed(func(f *filter, call, mux string, by []decision) {
				if lim, ok := l.limitOf(f, call); ok && slices.ContainsFunc(by, decision.passes) {
					found.add(lim.at, call, mux, f)
				}
			})
			l.report(c, found, `argument 0 tells the operations apart, as in "socketcall: call == SYS_SOCKET"; their own arguments are in memory`, passesToo)
		},
	},
	{
		Code: "multiplexer-wide", Title: "socketcall or ipc that makes calls no rule allows",
		Explanation: `Programs make sockets by socketcall too, and System V IPC by ipc, on i386, s390x, PowerPC, 32-bit MIPS and
others. Where all of it passes, the calls that the policy leaves out pass too: a list without bind and
listen does not keep a program from serving.

Name the operations: "socketcall: oneof(call, SYS_SOCKET, SYS_CONNECT)".`,
		run: func(l *linter, c Check) {
			var found places
			l.multiplexed(func(f *filter, call, mux string, by []decision) {
				if _, limited := l.limitOf(f, call); limited || !l.limited(f, call) {
					return // multiplexer-hole, or all of it passes
				}
				for _, d := range by {
					if d.passes() {
						at := l.word(d.pos)
						found.add(at, at.Text, call, f)
						return
					}
				}
			})
			l.report(c, found, `name the operations, as in "socketcall: oneof(call, SYS_SOCKET, SYS_CONNECT)"`, "%q makes calls too that no rule allows: %s")
		},
	},
	{
		Code: "multiplexer-missing", Title: "a call that libraries make through socketcall or ipc, which is denied",
		Explanation: `glibc and Go make sockets through socketcall on i386 and s390x, although these have calls of their own since Linux
4.3; glibc and musl make System V IPC through ipc wherever there is one. Such programs fail where the call
passes and the multiplexer doesn't.

Let the operation pass as well: "socketcall: call == SYS_CONNECT". Where the call has conditions they can't be kept
there, for its arguments are in memory: then choose between these programs and the limit, and accept this
finding or multiplexer-hole. Or take the ABI from the targets.`,
		run: func(l *linter, c Check) {
			var found places
			l.multiplexed(func(f *filter, call, mux string, by []decision) {
				if mux == "socketcall" && !slices.Contains(onlySocketcall, f.ABI.Name) || call == "sendmmsg" || call == "recvmmsg" {
					return // libraries call it directly
				}
				if at, ok := l.lets(f, call); ok && unruled(by) {
					found.add(at, call, mux, f)
				}
			})
			l.report(c, found, `let the operation pass too, as in "socketcall: call == SYS_CONNECT"; conditions can't be kept there`,
				"%q passes, but not the call by which libraries make it: %s")
		},
	},
	{
		Code: "clone3-open", Error: true, Acceptable: true, Title: "clone is limited and clone3 passes",
		Explanation: `clone3 does all that clone does and has its flags in memory, where no filter sees them. A limit on clone's flags,
such as no new namespaces, is none while clone3 passes.

Answer "errno(ENOSYS): [clone3]": C libraries take it for an old kernel and call clone. No other errno does.`,
		run: func(l *linter, c Check) {
			var found places
			for _, f := range l.filters {
				lim, ok := l.limitOf(f, "clone")
				if _, open := l.open(f, "clone3"); ok && open {
					found.add(lim.at, "clone", "clone3", f)
				}
			}
			l.report(c, found, "put errno(ENOSYS): [clone3] above what lets it pass: libraries then call clone", passesToo)
		},
	},
	{
		Code: "io-uring-open", Title: "io_uring passes while calls that it makes are limited",
		Explanation: `A ring of io_uring opens files, connects sockets and more on the program's behalf, and no filter sees that. What the
policy says of openat, socket and their like is no limit while io_uring_setup passes. io_uring is also a large
and young part of the kernel; Docker's default profile has denied it since 2023.

Answer "errno(ENOSYS): ["@io-uring"]": programs that use it fall back to the plain calls.`,
		run: func(l *linter, c Check) {
			var found places
			for _, f := range l.filters {
				d, open := l.open(f, "io_uring_setup")
				for _, call := range ringed {
					if open && l.limited(f, call) {
						at := l.word(d.pos)
						found.add(at, at.Text, call, f)
					}
				}
			}
			l.report(c, found, `put errno(ENOSYS): ["@io-uring"] above what lets it pass`, "%q opens rings of io_uring, which make limited calls unseen: %s")
		},
	},
	{
		Code: "userns-open", Title: "user namespaces under a policy that builds on dropped capabilities",
		Explanation: `The policy's "capabilities" lack CAP_SYS_ADMIN, and the program can make or enter a user namespace: in it every
process has all capabilities. They hold for what belongs to the namespace, and that is enough to mount, to
configure networks and to open packet sockets: code of the kernel with a long list of holes, such as
CVE-2022-0185. docs/answers.md tells more.

Close all four ways: clone with CLONE_NEWUSER, clone3 (by ENOSYS), unshare and setns.`,
		run: func(l *linter, c Check) {
			if l.policy.Capabilities == nil || slices.ContainsFunc(l.policy.Capabilities, func(w policy.Word) bool { return w.Text == "CAP_SYS_ADMIN" }) {
				return
			}
			var found places
			for _, f := range l.filters {
				for _, call := range []string{"clone", "clone3", "unshare", "setns"} {
					for _, d := range l.namespacing(f, call) {
						if d.passes() {
							at := l.word(d.pos)
							found.add(at, at.Text, call, f)
						}
					}
				}
			}
			l.report(c, found, "deny clone with CLONE_NEWUSER, clone3 (by ENOSYS), unshare and setns",
				"%q leads into user namespaces, where the program has all capabilities: %s")
		},
	},
	{
		Code: "abi-open", Error: true, Acceptable: true, Title: "calls of other ABIs pass all rules",
		Explanation: `A program of one ABI can make the calls of others: on x86_64 any code makes those of i386 by int 0x80 and those of
x32 by a bit in the number, elsewhere by executing a program of the other kind. With "foreign: allow" no rule looks
at them.

Leave "foreign" out, which kills the process, or serve the ABI: "targets: [x86_64+i386]".`,
		run: func(l *linter, c Check) {
			if k := l.policy.Foreign.Kind; k != policy.Allow && k != policy.Log || !slices.ContainsFunc(l.filters, (*filter).denies) {
				return
			}
			var names []string
			for _, f := range l.filters {
				for _, abi := range arch.All() {
					if abi.Family == f.native.Family && !l.serves(f.native, abi) && !slices.Contains(names, abi.Name) {
						names = append(names, abi.Name)
					}
				}
			}
			if pos := l.policy.Foreign.Pos; len(names) > 0 {
				l.found(c, pos, "leave foreign out, or serve them: targets: [x86_64+i386]", "%q for foreign calls: those of %s pass all rules", l.word(pos).Text, said(and(names)))
			}
		},
	},
	{
		Code: "abi-uneven", Title: "a limit for one ABI of a target only",
		Explanation: `One process makes calls of all ABIs that its kernel has: on x86_64 those of i386 by int 0x80. A rule that limits a
call under "abis: [x86_64]", while the same call passes on another ABI of the same target, limits little.

Leave "abis" out, or give the other ABI its own rule for the call.`,
		run: func(l *linter, c Check) {
			var found places
			for _, f := range l.filters {
				for i, r := range f.Rules {
					at := l.word(r.Pos)
					if (decision{action: r.Action}).passes() {
						continue
					}
					for _, nr := range r.Numbers {
						call, _ := f.ABI.SyscallName(nr)
						for _, g := range l.filters {
							d, open := l.open(g, call)
							if g.native == f.native && f.decides(i, nr) && open && !l.limited(g, call) && !l.elsewhere(l.word(d.pos)) {
								found.add(at, at.Text, call, g)
							}
						}
					}
				}
			}
			l.report(c, found, "leave abis out, or give the other ABIs a rule too", "%q is limited on some ABIs only, and others of the same target let pass: %s")
		},
	},
}

// onlySocketcall are the ABIs whose programs make sockets by socketcall: glibc's kernel-features.h, as built for kernels
// before 4.3, which distributions do, and Go's syscall package. musl tries the calls themselves first.
var onlySocketcall = []string{"i386", "s390x", "s390", "m68k"}

// ringed are calls that io_uring makes: those whose limits say most.
var ringed = []string{"openat", "unlinkat", "linkat", "mkdirat", "socket", "connect", "bind", "listen", "sendmsg", "recvmsg"}

// multiplexed visits the calls that an ABI's multiplexer reaches, with what its operation meets. The call itself may not
// exist there.
func (l *linter) multiplexed(visit func(f *filter, call, mux string, by []decision)) {
	for _, f := range l.filters {
		for _, call := range arch.Names() {
			if mux, operation, mask := resolve.Multiplexed(call); mux != "" {
				if by := l.decisions(f, mux, [6]uint64{operation}, [6]uint64{mask}); len(by) > 0 {
					visit(f, call, mux, by)
				}
			}
		}
	}
}

// unruled reports whether the default alone decides, and denies.
func unruled(list []decision) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(d decision) bool { return d.rule != nil || !d.denies() })
}

// namespacing returns what calls meet that make or enter a user namespace.
func (l *linter) namespacing(f *filter, call string) []decision {
	flag, _ := f.ABI.Const("CLONE_NEWUSER")
	var args, mask [6]uint64
	switch call {
	case "clone":
		p, _ := f.ABI.Param(call, "flags") // argument 1 on s390x
		args[p.Index], mask[p.Index] = uint64(flag), uint64(flag)
	case "unshare":
		args[0], mask[0] = uint64(flag), uint64(flag)
	case "setns": // a type of 0 is any
		mask[1] = 0xffffffff
		list := l.decisions(f, call, args, mask)
		args[1], mask[1] = uint64(flag), uint64(flag)
		return append(list, l.decisions(f, call, args, mask)...)
	}
	return l.decisions(f, call, args, mask)
}

// denies reports whether the filter limits anything at all; unknown numbers aside.
func (f *filter) denies() bool {
	return !decision{action: f.Default}.passes() || slices.ContainsFunc(f.Rules, func(r resolve.Rule) bool { return !decision{action: r.Action}.passes() })
}

// serves reports whether the target of a native ABI serves another too.
func (l *linter) serves(native, abi *arch.ABI) bool {
	return slices.ContainsFunc(l.filters, func(f *filter) bool { return f.native == native && f.ABI == abi })
}
