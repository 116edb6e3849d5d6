package lint_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/compiler/importer"
	"github.com/seccompc/seccompc/compiler/lint"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// found returns what one check finds in a policy, as "line:column: message" with "error: " before an error's. A source that
// begins with a brace is an OCI profile.
func found(t *testing.T, code, src string) (list []string) {
	t.Helper()
	read := func(r *policy.Policy, diags policy.Diagnostics) *policy.Policy {
		if diags.Err() != nil {
			t.Fatalf("%v\n%s", diags, src)
		}
		return r
	}
	var p *policy.Policy
	lines := strings.Split("seccompc: 1\n"+src, "\n")
	if strings.HasPrefix(src, "{") {
		p = read(importer.OCI("profile.json", []byte(src)))
	} else {
		p = read(policy.Parse("policy.yaml", []byte("seccompc: 1\n"+src), nil))
	}
	words := p.Targets
	if len(words) == 0 {
		words = []policy.Word{{Text: "x86_64"}, {Text: "aarch64"}}
	}
	abis, diags := resolve.Targets(words)
	var targets []*resolve.Target
	for _, a := range abis {
		target, more := resolve.Resolve(p, a, resolve.Options{})
		targets, diags = append(targets, target), append(diags, more...)
	}
	if diags.Err() != nil {
		t.Fatalf("%v\n%s", diags, src)
	}
	for _, d := range lint.Run(p, targets, nil, func(lint.Check) bool { return true }).Sorted() {
		if d.Code != code {
			continue
		}
		if d.Hint == "" {
			t.Errorf("%s has no hint", code)
		}
		place := fmt.Sprintf("%d:%d: ", d.Pos.Line, d.Pos.Col)
		if !d.Warning {
			place += "error: "
		}
		if word := strings.Split(d.Msg, `"`)[1]; !p.Imported && !strings.HasPrefix(strings.TrimPrefix(lines[d.Pos.Line-1][d.Pos.Col-1:], `"`), word) {
			t.Errorf("%q is not at %s\n%s", word, place, src)
		}
		list = append(list, place+d.Msg)
	}
	return list
}

// A lintCase is a policy without its first line, and what a check finds there.
type lintCase struct {
	code, about, src string
	want             []string
}

var wayCases = []lintCase{
	{"multiplexer-hole", "a denied family of sockets", `
targets: [x86_64+i386, s390x]
default: allow
rules:
  - errno(EPERM): {socket: domain == AF_PACKET}`,
		[]string{`5:20: error: "socket" is limited, but these do the same and pass: socketcall on i386 and s390x`}},
	{"multiplexer-hole", "a list that allows a family", `
targets: [i386]
default: errno(EPERM)
rules:
  - allow: [socketcall]
  - allow: {socket: domain == AF_UNIX}`,
		[]string{`6:13: error: "socket" is limited, but these do the same and pass: socketcall`}},
	{"multiplexer-hole", "a group, and a call that the ABI has by its multiplexer only", `
targets: [x86_64, i386]
default: allow
groups: {"@servers": [listen, accept]}
rules:
  - errno(EPERM): ["@servers"]`,
		[]string{`6:20: error: "@servers" is limited, but these do the same and pass: socketcall for accept and listen on i386`}},
	{"multiplexer-hole", "ipc, whose operation has a version above it", `
targets: [ppc64le]
default: allow
rules:
  - errno(EPERM): [shmget]
  - errno(EPERM): {ipc: call == SHMGET}`,
		[]string{`5:20: error: "shmget" is limited, but these do the same and pass: ipc`}},
	{"multiplexer-hole", "the operation compared as a register, of which the kernel uses 32 bits", `
targets: [s390x]
default: allow
rules:
  - errno(EPERM): [bind]
  - errno(EPERM): {socketcall: arg0 == 2}`,
		[]string{`5:20: error: "bind" is limited, but these do the same and pass: socketcall`}},
	{"multiplexer-hole", "the operation is denied", `
targets: [x86_64+i386, s390x]
default: allow
rules:
  - errno(EPERM): {socket: domain == AF_PACKET}
  - errno(EPERM): {socketcall: call == SYS_SOCKET}
  - errno(EPERM): [shmget]
  - errno(EPERM): {ipc: call & 0xffff == SHMGET}`, nil},
	{"multiplexer-hole", "an ABI without multiplexers", `
targets: [x86_64, aarch64]
default: allow
rules:
  - errno(EPERM): {socket: domain == AF_PACKET}`, nil},
	{"multiplexer-hole", "what the default alone denies", `
targets: [i386]
default: errno(EPERM)
rules:
  - allow: [socketcall, socket]`, nil},
	{"multiplexer-hole", "a rule for other ABIs", `
targets: [x86_64+i386]
default: allow
rules:
  - errno(EPERM): [accept]
    abis: [x86_64]`, nil},
	{"multiplexer-hole", "accepted", `
targets: [i386]
default: allow
rules:
  - errno(EPERM): {socket: domain == AF_PACKET}
accept:
  multiplexer-hole: Go makes its sockets by socketcall here`, nil},
	{"accepted-nothing", "accepted and not found", `
targets: [x86_64]
default: allow
accept:
  multiplexer-hole: Go makes its sockets by socketcall here`,
		[]string{`5:3: "multiplexer-hole" is accepted and was not found`}},

	{"multiplexer-wide", "calls that no rule allows", `
targets: [x86_64+i386]
default: errno(EPERM)
rules:
  - allow: [socketcall, socket, connect, accept4, getpeername, getsockname, getsockopt, setsockopt, recvfrom, recvmsg,
      sendto, sendmsg, recvmmsg, sendmmsg, shutdown, socketpair]`,
		[]string{`5:13: "socketcall" makes calls too that no rule allows: bind and listen on i386`}},
	{"multiplexer-wide", "the operations are named", `
targets: [i386]
default: errno(EPERM)
rules:
  - allow: [socket, connect]
  - allow: {socketcall: "oneof(call, SYS_SOCKET, SYS_CONNECT)"}`, nil},
	{"multiplexer-wide", "what a rule limits, or lets pass in part, is multiplexer-hole", `
targets: [i386]
default: errno(EPERM)
rules:
  - errno(EACCES): [bind]
  - allow: {listen: backlog < 5}
  - allow: ["@network-io"]`, nil},

	{"multiplexer-missing", "libraries connect by socketcall", `
targets: [x86_64+i386, s390x, ppc64le, mips]
default: errno(EPERM)
rules:
  - allow: [socket, connect, accept, recvmmsg]`,
		[]string{`5:13: "socket" passes, but not the call by which libraries make it: socketcall on i386 and s390x`,
			`5:21: "connect" passes, but not the call by which libraries make it: socketcall on i386 and s390x`,
			`5:30: "accept" passes, but not the call by which libraries make it: socketcall on i386 and s390x`}},
	{"multiplexer-missing", "System V IPC goes by ipc wherever there is one", `
targets: [x86_64, ppc64le]
default: errno(EPERM)
rules:
  - allow: [shmget]`,
		[]string{`5:13: "shmget" passes, but not the call by which libraries make it: ipc on ppc64le`}},
	{"multiplexer-missing", "the operation passes, or a rule denies it", `
targets: [i386, s390x]
default: errno(EPERM)
rules:
  - allow: [connect, msgget]
  - allow: {socketcall: call == SYS_CONNECT}
  - errno(EACCES): [ipc]`, nil},
	{"multiplexer-missing", "the default lets all pass", `
targets: [i386]
default: allow
rules:
  - errno(EPERM): [socketcall]`, nil},

	{"clone3-open", "a denylist", `
default: allow
rules:
  - errno(EPERM): {clone: flags & CLONE_NEWUSER != 0}`,
		[]string{`4:20: error: "clone" is limited, but these do the same and pass: clone3`}},
	{"clone3-open", "a list", `
default: errno(EPERM)
rules:
  - allow: {clone: flags & CLONE_NEWUSER == 0}
  - allow: [clone3]`,
		[]string{`4:13: error: "clone" is limited, but these do the same and pass: clone3`}},
	{"clone3-open", "an answer", `
default: allow
rules:
  - errno(EPERM): {clone: flags & CLONE_NEWUSER != 0}
  - errno(ENOSYS): [clone3]`, nil},
	{"clone3-open", "no limit", `
default: errno(EPERM)
rules:
  - allow: [clone3]`, nil},

	{"io-uring-open", "sockets are limited", `
default: errno(EPERM)
rules:
  - allow: ["@io-uring", "@file-system", sendmsg, recvmsg]
  - allow: {socket: domain == AF_UNIX}`,
		[]string{`4:13: "@io-uring" opens rings of io_uring, which make limited calls unseen: socket, connect, bind and listen`}},
	{"io-uring-open", "files are limited, and the default lets rings pass", `
default: allow
rules:
  - errno(EROFS): {openat: flags & O_ACCMODE != O_RDONLY}`,
		[]string{`2:10: "allow" opens rings of io_uring, which make limited calls unseen: openat`}},
	{"io-uring-open", "no rings", `
default: allow
rules:
  - errno(EROFS): {openat: flags & O_ACCMODE != O_RDONLY}
  - errno(ENOSYS): [io_uring_setup]`, nil},
	{"io-uring-open", "no limits", `
default: errno(EPERM)
rules:
  - allow: ["@io-uring", "@file-system", "@network-io"]`, nil},

	{"userns-open", "a list", `
targets: [x86_64, s390x]
default: errno(EPERM)
capabilities: []
rules:
  - allow: [clone, setns, "@file-system"]
  - allow: {unshare: flags & CLONE_NEWUSER != 0}`,
		[]string{`6:13: "clone" leads into user namespaces, where the program has all capabilities: clone`,
			`6:20: "setns" leads into user namespaces, where the program has all capabilities: setns`,
			`7:13: "unshare" leads into user namespaces, where the program has all capabilities: unshare`}},
	{"userns-open", "a denylist that forgets clone3, and a type of any", `
default: allow
capabilities: [CAP_CHOWN]
rules:
  - errno(EPERM): {clone: flags & CLONE_NEWUSER != 0, unshare: flags & CLONE_NEWUSER != 0, setns: nstype & CLONE_NEWUSER != 0}`,
		[]string{`2:10: "allow" leads into user namespaces, where the program has all capabilities: clone3 and setns`}},
	{"userns-open", "setns by its type, and by any", `
default: errno(EPERM)
capabilities: []
rules:
  - allow: {setns: nstype == CLONE_NEWUSER}
  - allow: {setns: nstype == 0}`,
		[]string{`5:13: "setns" leads into user namespaces, where the program has all capabilities: setns`,
			`6:13: "setns" leads into user namespaces, where the program has all capabilities: setns`}},
	{"userns-open", "all ways closed, clone's flags in argument 1 on s390x", `
targets: [x86_64, s390x]
default: errno(EPERM)
capabilities: []
rules:
  - allow: {clone: flags & CLONE_NEWUSER == 0, unshare: flags & CLONE_NEWUSER == 0, setns: nstype == CLONE_NEWNET}
  - errno(ENOSYS): [clone3]`, nil},
	{"userns-open", "capabilities that include all, or are not spoken of", `
default: allow
capabilities: [CAP_SYS_ADMIN]`, nil},
	{"userns-open", "capabilities that are not spoken of", `
default: allow`, nil},

	{"abi-open", "foreign calls pass", `
targets: [x86_64, aarch64+arm, loongarch64]
default: errno(EPERM)
foreign: allow`,
		[]string{`4:10: error: "allow" for foreign calls: those of i386 and x32 pass all rules`}},
	{"abi-open", "a rule is what they pass by", `
targets: [aarch64]
default: log
foreign: log
rules:
  - errno(EPERM): [ptrace]`,
		[]string{`4:10: error: "log" for foreign calls: those of arm pass all rules`}},
	{"abi-open", "all are served", `
targets: [x86_64+i386+x32, loongarch64]
default: errno(EPERM)
foreign: allow`, nil},
	{"abi-open", "nothing is limited", `
targets: [x86_64]
default: log
foreign: log`, nil},
	{"abi-open", "they are denied", `
targets: [x86_64]
default: errno(EPERM)
foreign: errno(ENOSYS)`, nil},

	{"abi-uneven", "a rule for one ABI of a target", `
targets: [x86_64+i386, aarch64]
default: allow
rules:
  - errno(EPERM): [ptrace, iopl]
    abis: [x86_64]`,
		[]string{`5:20: "ptrace" is limited on some ABIs only, and others of the same target let pass: ptrace on i386`,
			`5:28: "iopl" is limited on some ABIs only, and others of the same target let pass: iopl on i386`}},
	{"abi-uneven", "a group in a list", `
targets: [x86_64+i386]
default: errno(EPERM)
groups: {"@mine": [socket, personality]}
rules:
  - default: ["@mine"]
    abis: [i386]
  - allow: [socket, personality]`,
		[]string{`6:15: "@mine" is limited on some ABIs only, and others of the same target let pass: personality and socket on x86_64`}},
	{"abi-uneven", "several rules, and one that lets pass", `
targets: [x86_64+i386]
default: allow
rules:
  - errno(EPERM): {ioctl: request == TIOCSTI}
    abis: [x86_64]
  - errno(EPERM): {ioctl: request == TIOCCONS}
    abis: [x86_64]
  - allow: [ioctl]
    abis: [x86_64]`,
		[]string{`5:20: "ioctl" is limited on some ABIs only, and others of the same target let pass: ioctl on i386`,
			`7:20: "ioctl" is limited on some ABIs only, and others of the same target let pass: ioctl on i386`}},
	{"abi-uneven", "a rule behind others that decide", `
targets: [x86_64+i386]
default: errno(EPERM)
rules:
  - allow: [ptrace]
  - errno(EACCES): [ptrace]
    abis: [x86_64]`, nil},
	{"abi-uneven", "a rule for all ABIs behind one for some", `
targets: [x86_64+i386]
default: errno(EPERM)
rules:
  - allow: [ptrace]
    abis: [i386]
  - errno(EACCES): [ptrace]`, nil},
	{"abi-uneven", "separate targets", `
targets: [x86_64, i386]
default: allow
rules:
  - errno(EPERM): [ptrace]
    abis: [x86_64]`, nil},
	{"abi-uneven", "the other ABI has its own rule, or limits the call too", `
targets: [x86_64+i386]
default: errno(EPERM)
rules:
  - errno(EACCES): [ptrace, iopl]
    abis: [x86_64]
  - allow: [ptrace]
    abis: [i386]
  - allow: {iopl: level == 0}`, nil},
}

func TestHoles(t *testing.T) {
	fired := map[string]int{}
	quiet := map[string]int{}
	for _, c := range slices.Concat(wayCases, twinCases, argumentCases) {
		t.Run(c.code+"/"+c.about, func(t *testing.T) {
			if got := found(t, c.code, strings.TrimPrefix(c.src, "\n")); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
		if c.want == nil {
			quiet[c.code]++
		} else {
			fired[c.code]++
		}
	}
	if len(fired) != 14 { // 13 checks, and accepted-nothing
		t.Errorf("%d codes", len(fired))
	}
	for code := range fired {
		if quiet[code] == 0 && code != "accepted-nothing" {
			t.Errorf("no policy leaves %s alone", code)
		}
	}
}
