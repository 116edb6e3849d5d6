package policies

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestWeb runs nginx under the policy, and under the same policy where a denied call ends the process instead of failing, so
// that none goes unnoticed.
func TestWeb(t *testing.T) {
	supported(t)
	nginx := findNginx(t)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil { // daemons become children of this process
		t.Fatal(err)
	}
	defer unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
	loader := build(t, "", "github.com/seccompc/seccompc/cmd/seccomp-load")
	shipped, err := filepath.Abs("web.seccomp")
	if err != nil {
		t.Fatal(err)
	}
	killing := variant(t, "web", "default: errno(EPERM)", "default: kill_process")

	users := map[string]*syscall.Credential{"this user": nil}
	if os.Getuid() == 0 {
		users = map[string]*syscall.Credential{"root": nil}
		users["nobody"], _ = nobody(t)
	}
	for who, credential := range users {
		for _, daemon := range []bool{false, true} {
			for name, blob := range map[string]string{"as it is": shipped, "killing": killing} {
				t.Run(fmt.Sprintf("%s by %s, daemon %v", name, who, daemon), func(t *testing.T) {
					if err := newSite(t, nginx).serve(launch{loader, blob, credential, daemon, time.Minute}); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}

	// The same would be seen of a policy that lacks a call.
	for _, v := range []struct{ step, old, new string }{
		{"file", "sendfile, sendfile64, ", ""},
		{"upstream by TCP", "bind, connect, ", "bind, "},
		{"upstream by unix socket", "|| domain == AF_UNIX", "|| domain == AF_UNIX && type == SOCK_DGRAM"},
		{"error log", "unlink, unlinkat, ", ""},
		{"first request", "FIONBIO, FIOASYNC, ", "FIOASYNC, "},
		{"first request", "rmdir, chown, ", "rmdir, "},
	} {
		if strings.Contains(v.old, "chown") && os.Getuid() != 0 {
			continue // then nothing changes hands
		}
		err := newSite(t, nginx).serve(launch{loader, variant(t, "web", v.old, v.new), nil, false, time.Minute})
		if err == nil || !strings.HasPrefix(err.Error(), v.step+": ") {
			t.Errorf("without %q: %v, want an error in %q", v.old, err, v.step)
		}
	}
}

// TestWebDenies tries what programs do, from a program under the policy.
func TestWebDenies(t *testing.T) {
	supported(t)
	a := buildAttempts(t)
	denied := map[string]string{"openat2": "ENOSYS", "a child by clone3": "ENOSYS", "a ring": "ENOSYS", "typing for others": "ENOTTY"}
	for _, action := range []string{
		"create a file with set-user-ID", "create a file without a name and with set-user-ID", "make a directory with set-group-ID",
		"chmod with set-user-ID", "chmod by an open file, with set-group-ID", "make a named pipe", "make a symbolic link", "make a link",
		"watch a directory", "memory as a file", "shared memory", "a device", "a file by its handle",
		"a raw socket", "a ping socket", "an SCTP socket", "a packet socket", "a packet socket of AF_INET", "the kernel's crypto",
		"the way out of a virtual machine", "the kernel's events", "the audit log", "netfilter",
		"be traced", "trace another", "read another's memory", "compare with another", "a handle of another",
		"a child in a user namespace", "a child in a network namespace", "a new user namespace", "a new mount namespace",
		"mount", "a detached mount", "change the root", "a BPF map", "performance events", "page faults", "a keyring", "a key", "a module",
		"personality", "read its securebits", "the kernel's log", "the host's name", "the clock", "swap", "accounting", "reboot",
	} {
		if !slices.Contains(slices.Concat(a.free, a.special), action) {
			t.Errorf("no action %q", action)
		}
		denied[action] = "EPERM"
	}
	want := func(action string) string { return cmp.Or(denied[action], "ok") }
	for _, v := range a.check(t, "web.seccomp", want) {
		t.Error(v)
	}

	// The same would be seen of a policy that allows more.
	for _, v := range []struct{ action, old, new string }{
		{"be traced", "mremap, madvise", "ptrace, mremap, madvise"},
		{"chmod with set-user-ID", "chmod, fchmod, fchmodat, fchmodat2]\n    if: mode & (S_ISUID|S_ISGID)", "chmod, fchmod, fchmodat, fchmodat2]\n    if: mode & S_ISGID"},
		{"create a file without a name and with set-user-ID", "(O_CREAT|O_TMPFILE&~O_DIRECTORY)", "O_CREAT"},
		{"the kernel's events", "&& protocol == NETLINK_ROUTE", ""},
		{"typing for others", "FIONBIO, ", "FIONBIO, TIOCSTI, "},
	} {
		if freely[v.action] == want(v.action) {
			continue // without a terminal
		}
		if got := a.try(t, variant(t, "web", v.old, v.new), v.action); got == want(v.action) {
			t.Errorf("%s with %q: still %s", v.action, v.new, got)
		}
	}
}
