package compiler_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// A privileged is a row of arch/caps.csv.
type privileged struct {
	call, condition, capability, errno string
	regranted                          bool
}

func parsePrivileged(t *testing.T, text string) (rows []privileged) {
	t.Helper()
	r := csv.NewReader(strings.NewReader(text))
	r.Comment = '#'
	records, err := r.ReadAll()
	if err != nil || len(records) < 30 {
		t.Fatalf("%d rows, error %v", len(records), err)
	}
	for _, c := range records[1:] {
		rows = append(rows, privileged{c[0], c[1], c[2], c[3], c[4] == "yes"})
	}
	return rows
}

func (p privileged) refused(result int64) bool {
	n, _ := arch.Host().Errno(p.errno)
	return failed(result) == unix.Errno(n)
}

// An attempt makes one of the calls, its last one.
type attempt []request

func (a attempt) last() request { return a[len(a)-1] }

// setsTime are calls that come to the check only with a time that they would set. They are never made with the
// capability.
var setsTime = []string{"clock_settime", "clock_settime64", "stime"}

// otherMachines are calls that no test of ours can make: neither x86_64 nor i386 has them.
var otherMachines = []string{"pciconfig_read", "pciconfig_write", "rtas"}

// attempts returns attempts at the calls of arch/caps.csv that this ABI has. Their arguments pass what is checked before
// the capability. With the capability they fail at what is checked after it, or do nothing that outlives the process.
func (s *shared) attempts(t *testing.T) map[string][]attempt {
	t.Helper()
	const minus = ^uintptr(0)
	nowhere, root, unmounted, empty, fs := s.str("/nonexistent/path"), s.str("/"), s.str("/proc/version"), s.str(""), s.str("nonexistent")
	now := time.Now()
	spec := s.put([1]unix.Timespec{unix.NsecToTimespec(now.UnixNano())})
	list := map[string][]attempt{}
	try := func(name string, args ...uintptr) {
		if nr, ok := arch.Host().Number(name); ok {
			list[name] = append(list[name], attempt{call(uintptr(nr), args...)})
		}
	}
	try("acct", nowhere)
	try("chroot", root)
	try("clock_settime", unix.CLOCK_REALTIME, spec)
	try("clock_settime64", unix.CLOCK_REALTIME, s.put([2]int64{now.Unix()}))
	try("delete_module", empty, 0)
	try("finit_module", minus, empty, 0)
	try("fsmount", minus, 0, 0)
	try("fsopen", fs, 0)
	try("fspick", minus, nowhere, 0)
	try("init_module", 0, 0, empty)
	try("ioperm", 0x80, 1, 1)
	try("kexec_file_load", minus, minus, 0, 0, minus)
	try("kexec_load", 0, 0, 0, 0xffff)
	try("mknod", s.node(t, "mknod"), unix.S_IFCHR, 0x103)
	try("mknodat", 0, s.node(t, "mknodat"), unix.S_IFBLK, 0)
	try("mount", fs, root, fs, 0, 0)
	try("mount_setattr", minus, empty, 0, s.put([4]uint64{}), 32)
	try("move_mount", minus, empty, minus, empty, 0)
	try("open_tree", minus, root, unix.OPEN_TREE_CLONE)
	try("pivot_root", nowhere, nowhere)
	try("reboot", 0, 0, 0, 0)
	try("setdomainname", empty, minus)
	try("setgroups", 0x7fffffff, 0)
	try("setgroups32", 0x7fffffff, 0)
	try("sethostname", empty, minus)
	try("settimeofday", 0, 0)
	try("socket", unix.AF_PACKET, unix.SOCK_RAW, 0)
	try("socket", unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
	try("stime", s.put([1]int64{now.Unix()}))
	try("swapoff", nowhere)
	try("swapon", nowhere, 0)
	try("syslog", 99, 0, 0)
	try("timerfd_create", unix.CLOCK_REALTIME_ALARM, 0)
	try("timerfd_create", unix.CLOCK_BOOTTIME_ALARM, 0)
	try("umount", unmounted)
	try("umount2", unmounted, 0)
	// A process made by clone is gone when it returns, with CLONE_VFORK: it writes its results where ours are.
	for _, namespace := range []uintptr{unix.CLONE_NEWNS, unix.CLONE_NEWUTS, unix.CLONE_NEWIPC, unix.CLONE_NEWPID, unix.CLONE_NEWNET, unix.CLONE_NEWCGROUP} {
		try("unshare", namespace)
		list["clone"] = append(list["clone"], attempt{cloneCall(namespace | unix.CLONE_VFORK)})
	}
	try("vhangup")
	list["setns"] = []attempt{{call(unix.SYS_OPENAT, 0, s.str("/proc/self/ns/ipc"), unix.O_RDONLY), call(unix.SYS_SETNS, previous, unix.CLONE_NEWIPC)}}
	return list
}

// node returns the path of a file to make in a folder that this process can write to.
func (s *shared) node(t *testing.T, name string) uintptr {
	t.Helper()
	for _, dir := range []string{os.TempDir(), "/tmp", "/var/tmp", "/dev/shm"} {
		if unix.Access(dir, unix.W_OK|unix.X_OK) == nil {
			path := fmt.Sprintf("%s/seccompc-%s-%d", dir, name, time.Now().UnixNano())
			t.Cleanup(func() { os.Remove(path) })
			return s.str(path)
		}
	}
	t.Fatal("no folder to write to")
	return 0
}

// TestPrivileged makes the calls of arch/caps.csv: with their capability alone, without any, and with all in a user namespace.
func TestPrivileged(t *testing.T) {
	const file = "../arch/caps.csv"
	if os.Getenv(powerlessEnv) == "" {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if machineRoot() {
			withCapability(t, parsePrivileged(t, string(text)))
			setgroupsAfterMap(t)
		} else {
			t.Log("not run by the machine's root: which capability it is stays unseen")
		}
	}
	inside, text := powerless(t, file)
	if !inside {
		return
	}
	s := share(t)
	attempts := s.attempts(t)
	forbidden := namespacesForbidden(s)
	const namespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWCGROUP
	var refused, regranted int
	for _, p := range parsePrivileged(t, text) {
		list := attempts[p.call]
		delete(attempts, p.call)
		nr, ok := arch.Host().Number(p.call)
		if !ok {
			t.Logf("%s has no %s", arch.Host().Name, p.call)
			continue
		}
		if len(list) == 0 && !slices.Contains(otherMachines, p.call) {
			t.Errorf("no attempt at %s", p.call)
		}
		filter := conditionFilter(t, p)
		for _, a := range list {
			if !holds(filter, a.last()) {
				t.Errorf("%s: the condition %s does not hold for %#x", p.call, p.condition, a.last().args)
			}
			result := s.last(t, cloneCall(0), a)
			if failed(result) == unix.ENOSYS {
				t.Logf("this kernel has no %s", p.call)
				break
			}
			refused++
			if !p.refused(result) {
				t.Errorf("%s with %#x: %d, want %s", p.call, a.last().args, result, p.errno)
			}
			if forbidden != "" {
				continue
			}
			enter := cloneCall(namespaces)
			switch p.call { // these two kinds where they matter: the one costs time, with the other /proc is not the process's own
			case "socket":
				enter = cloneCall(namespaces | unix.CLONE_NEWNET)
			case "reboot":
				enter = cloneCall(namespaces | unix.CLONE_NEWPID)
			}
			result = s.last(t, enter, a)
			again := p.regranted && !strings.HasPrefix(p.call, "setgroups") // see setgroupsAfterMap
			if p.refused(result) == again {
				t.Errorf("%s with %#x, in a user namespace: %d, regranted is %t", p.call, a.last().args, result, p.regranted)
			}
			if again {
				regranted++
			}
		}
		for _, fill := range []uintptr{0, ^uintptr(0)} {
			filled := attempt{call(uintptr(nr), fill, fill, fill, fill, fill, fill)}
			if p.condition != "" {
				break
			}
			if result := s.last(t, cloneCall(0), filled); failed(result) == 0 {
				t.Errorf("%s with %#x in each register: %d, want an error", p.call, fill, result)
			}
		}
	}
	for name := range attempts {
		t.Errorf("arch/caps.csv has no %s", name)
	}
	if refused < 30 {
		t.Errorf("%d calls were refused", refused)
	}
	t.Logf("%d calls refused, %d of them not in a user namespace", refused, regranted)
	if forbidden != "" {
		t.Skipf("nothing seen in user namespaces: %s", forbidden)
	}
}

// last makes an attempt in a process that enter makes, and returns what its last call returned.
func (s *shared) last(t *testing.T, enter request, a attempt) int64 {
	t.Helper()
	results, err := s.fork(enter, a...)
	if err != nil {
		t.Fatal(err)
	}
	return results[len(results)-1]
}

// conditionFilter compiles a row's condition to a filter that allows the call under it, for this ABI.
func conditionFilter(t *testing.T, p privileged) *resolve.Filter {
	t.Helper()
	src := fmt.Sprintf("seccompc: 1\ninstall: self\ndefault: kill_process\nrules:\n  - allow:\n      %s: %q\n", p.call, p.condition)
	if p.condition == "" {
		src = strings.Replace(src, ` ""`, "", 1)
	}
	r, diags := compiler.Compile("condition.yaml", []byte(src), compiler.Options{Targets: []string{arch.Host().Name}})
	if r == nil {
		t.Fatalf("%s: %v", p.call, diags)
	}
	return r.Targets[0].Filters[0]
}

func holds(f *resolve.Filter, r request) bool {
	var args [6]uint64
	for i, a := range r.args {
		args[i] = uint64(a)
	}
	return f.Decide(uint32(r.nr), args).Kind() == resolve.Allow
}

// withCapability makes the calls with one capability, that of the row, and wants them to come past the check.
func withCapability(t *testing.T, rows []privileged) {
	t.Helper()
	s := share(t)
	header := s.put([2]uint32{unix.LINUX_CAPABILITY_VERSION_3})
	at := s.put([6]uint32{})
	sets := unsafe.Slice((*uint32)(unsafe.Pointer(&s.mem[at-uintptr(unsafe.Pointer(&s.mem[0]))])), 6)
	var own [2]unix.CapUserData
	if err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &own[0]); err != nil {
		t.Fatal(err)
	}
	attempts := s.attempts(t)
	for _, p := range rows {
		n, _ := arch.Host().Const(p.capability)
		word, bit := n/32, uint32(1)<<(n%32)
		if own[word].Effective&bit == 0 {
			t.Logf("%s: this process has no %s", p.call, p.capability)
			continue
		}
		if why := alsoForbidden(p.call); why != "" || slices.Contains(setsTime, p.call) {
			t.Logf("%s is not made with %s %s", p.call, p.capability, why)
			continue
		}
		clear(sets)
		sets[3*word], sets[3*word+1] = bit, bit // effective, permitted
		for _, a := range attempts[p.call] {
			r, err := s.fork(cloneCall(0), append(attempt{call(unix.SYS_CAPSET, header, at)}, a...)...)
			if err != nil || r[0] != 0 {
				t.Fatalf("capset: %v %v", err, r)
			}
			if result := r[len(r)-1]; p.refused(result) {
				t.Errorf("%s with %#x and %s: %d", p.call, a.last().args, p.capability, result)
			}
		}
	}
}

// alsoForbidden says what forbids a call on this machine, whatever the capabilities.
func alsoForbidden(name string) string {
	lockdown, _ := os.ReadFile("/sys/kernel/security/lockdown")
	locked := len(lockdown) > 0 && !strings.Contains(string(lockdown), "[none]")
	for _, f := range []struct {
		calls, sysctl string
		locked        bool
	}{
		{"init_module finit_module delete_module", "modules_disabled", false},
		{"kexec_load kexec_file_load", "kexec_load_disabled", true},
		{"ioperm", "", true},
	} {
		if !slices.Contains(strings.Fields(f.calls), name) {
			continue
		}
		if value, _ := os.ReadFile("/proc/sys/kernel/" + f.sysctl); string(value) == "1\n" {
			return "where the sysctl " + f.sysctl + " is 1"
		} else if f.locked && locked {
			return "where the kernel is locked down"
		}
	}
	return ""
}

// setgroupsAfterMap shows when a user namespace gives CAP_SETGID back for setgroups: after a process that has it outside, as
// this one, wrote the map of groups.
func setgroupsAfterMap(t *testing.T) {
	t.Helper()
	if why := namespacesForbidden(share(t)); why != "" {
		t.Logf("setgroups in a user namespace is not tried: %s", why)
		return
	}
	ids := []syscall.SysProcIDMap{{HostID: 65534, Size: 1}}
	for _, enabled := range []bool{true, false} {
		cmd := exec.Command("/proc/self/exe", "-test.run=^$")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: enabled,
			Credential: &syscall.Credential{Groups: []uint32{0}}}
		if err := cmd.Run(); (err == nil) != enabled {
			t.Errorf("setgroups in a user namespace, allowed %t: %v", enabled, err)
		}
	}
}

// TestPrivilegedDenied wants the second policy of docs/answers.md to deny exactly the calls that are refused anyway, by the
// kernel's error.
func TestPrivilegedDenied(t *testing.T) {
	doc, err := os.ReadFile("../docs/answers.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(doc), "```yaml\n")
	src, _, _ := strings.Cut(parts[len(parts)-1], "```")
	r, diags := compiler.Compile("answers.yaml", []byte(src), compiler.Options{})
	if r == nil {
		t.Fatal(diags)
	}
	for _, target := range r.Targets {
		for _, f := range target.Filters {
			for _, c := range f.ABI.Syscalls() {
				p, refused := arch.Privileged(c.Name)
				a, n := f.Decide(c.Number, [6]uint64{}), uint16(0)
				if refused {
					n, _ = f.ABI.Errno(p.Errno)
				}
				if denied := a.Kind() == resolve.Errno; denied != refused || refused && a.Data() != n {
					t.Errorf("%s: %s is %s, refused anyway: %t", f.ABI.Name, c.Name, a, refused)
				}
			}
		}
	}
}

// TestUnprivileged makes calls that docs/answers.md says need no capability, though many think so.
func TestUnprivileged(t *testing.T) {
	inside, _ := powerless(t, "../docs/answers.md")
	if !inside {
		return
	}
	s := share(t)
	kernel := hostKernel(t)
	pidfd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		t.Skip(err)
	}
	defer unix.Close(pidfd)
	handle, self := s.put([34]uint32{128}), uintptr(pidfd) // a struct file_handle
	for _, tt := range []struct {
		name  string
		since arch.Version
		calls attempt
	}{
		{"reading by adjtimex", arch.Version{}, attempt{call(unix.SYS_ADJTIMEX, s.put([64]uint64{}))}},
		{"a whiteout", arch.Version{Major: 5, Minor: 8}, attempt{call(unix.SYS_MKNODAT, 0, s.node(t, "whiteout"), unix.S_IFCHR, 0)}},
		{"UFFD_USER_MODE_ONLY", arch.Version{Major: 5, Minor: 11}, attempt{call(unix.SYS_USERFAULTFD, 1)}},
		{"FAN_REPORT_FID", arch.Version{Major: 5, Minor: 13}, attempt{call(unix.SYS_FANOTIFY_INIT, unix.FAN_REPORT_FID, 0)}},
		{"a handle of a process", arch.Version{Major: 6, Minor: 14}, attempt{
			call(unix.SYS_NAME_TO_HANDLE_AT, self, s.str(""), handle, s.put([1]int32{}), unix.AT_EMPTY_PATH),
			call(unix.SYS_OPEN_BY_HANDLE_AT, self, handle, 0),
		}},
	} {
		result := s.last(t, cloneCall(0), tt.calls)
		switch {
		case failed(result) == unix.ENOSYS:
			t.Logf("%s: this kernel does not have the call", tt.name)
		case kernel.Compare(tt.since) < 0:
			if failed(result) == 0 {
				t.Errorf("%s: allowed on %s, which is older than %s", tt.name, kernel, tt.since)
			}
		case failed(result) != 0:
			t.Errorf("%s: errno %d", tt.name, failed(result))
		}
	}
}

func hostKernel(t *testing.T) arch.Version {
	t.Helper()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	var v arch.Version
	if _, err := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &v.Major, &v.Minor); err != nil {
		t.Fatal(err)
	}
	return v
}
