package load_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/blob/load"
	"github.com/seccompc/seccompc/blob/load/loadtest"
)

const (
	killProcess = 0x80000000
	killThread  = 0
	logs        = 0x7ffc0000
	allows      = 0x7fff0000
	notifies    = 0x7fc00000
)

// An old is what becomes of a policy that gives getppid an action, on an older kernel.
type old struct {
	major, minor int // 0: the running one
	action       uint32
	flags        uint32
	fallbacks    blob.Fallbacks
	install      func(*blob.Blob) error
	refused      string // why, if it is
	really       uint32 // else the action in the program that is on
}

var listens = func(b *blob.Blob) error { _, err := load.Listener(b); return err }

var olds = []old{
	{3, 16, killProcess, 0, blob.ReturnsKillProcess, load.Thread, "", killThread},
	{4, 13, killProcess, 0, blob.ReturnsKillProcess, load.Thread, "", killThread},
	{4, 13, killProcess, 0, blob.ReturnsKillProcess, load.Process, "", killThread},
	{4, 14, killProcess, 0, blob.ReturnsKillProcess, load.Thread, "", killProcess},
	{0, 0, killProcess, 0, blob.ReturnsKillProcess, load.Process, "", killProcess},
	{3, 16, logs, 0, blob.ReturnsLog, load.Thread, "", allows},
	{4, 13, logs, 0, blob.ReturnsLog, load.Process, "", allows},
	{4, 14, logs, blob.FlagLog, blob.ReturnsLog, load.Thread, "", logs},
	{0, 0, logs, 0, blob.ReturnsLog, load.Thread, "", logs},
	{3, 16, killThread, 0, 0, load.Thread, "", killThread},

	{3, 16, killProcess, 0, 0, load.Thread, "uses the action kill_process, which this kernel lacks, as far as seccomp(2) tells: it came with Linux 4.14, " +
		"and the policy declares no fallback (kill_process: kill_thread): function not implemented", 0},
	{4, 13, killProcess, 0, 0, load.Process, "declares no fallback (kill_process: kill_thread): invalid argument", 0},
	{4, 13, killProcess, 0, blob.ReturnsLog, load.Thread, "declares no fallback (kill_process: kill_thread)", 0},
	{3, 16, logs, 0, blob.ReturnsKillProcess, load.Thread, "uses the action log, which this kernel lacks, as far as seccomp(2) tells: it came with Linux 4.14, " +
		"and the policy declares no fallback (log: allow)", 0},
	{4, 13, notifies, 0, 0, listens, "uses the action notify, which this kernel lacks, as far as seccomp(2) tells: it came with Linux 5.0: invalid argument", 0},
	{3, 16, killThread, 0, 0, load.Process, "needs the filter flag tsync, which came with Linux 3.17, and so seccomp(2), which this kernel lacks: it came with Linux 3.17: ", 0},
	{3, 16, killThread, blob.FlagLog, 0, load.Thread, "needs the filter flag log, which came with Linux 4.14, and so seccomp(2), which this kernel lacks: it came with Linux 3.17: ", 0},
	{4, 13, killThread, blob.FlagLog, 0, load.Thread, "needs the filter flag log, which came with Linux 4.14: this kernel refuses it: invalid argument", 0},
	{4, 16, killThread, blob.FlagLog | blob.FlagSpecAllow, 0, load.Thread, "needs the filter flag spec_allow, which came with Linux 4.17: this kernel refuses it", 0},
	{4, 20, notifies, 0, 0, listens, "needs the filter flag new_listener, which came with Linux 5.0: this kernel refuses it", 0},
	{5, 6, notifies, 0, 0, listens, "needs the filter flag tsync_esrch, which came with Linux 5.7: this kernel refuses it", 0},
}

func (o *old) String() string {
	return fmt.Sprintf("Linux %d.%d, action %#x, flags %d, fallbacks %v, refused %q", o.major, o.minor, o.action, o.flags, o.fallbacks, o.refused)
}

func (o *old) blob() *blob.Blob {
	b := answers(unix.SYS_GETPPID, o.action)
	b.Flags, b.Fallbacks = o.flags, o.fallbacks
	b.Targets[0].Actions = blob.ReturnsAllow | map[uint32]uint32{killProcess: blob.ReturnsKillProcess, killThread: blob.ReturnsKillThread,
		logs: blob.ReturnsLog, notifies: blob.ReturnsNotify}[o.action]
	return b
}

func init() {
	for i, o := range olds {
		roles[fmt.Sprint("old ", i)] = o.run
	}
	// A filter that denies seccomp(2) says nothing about the kernel: no fallback is applied for it.
	roles["old EPERM"] = func() error {
		runtime.LockOSThread()
		if err := load.Thread(answers(unix.SYS_SECCOMP, 0x00050000|uint32(unix.EPERM))); err != nil {
			return err
		}
		err := load.Thread(olds[0].blob())
		if err == nil || !errors.Is(err, unix.EPERM) || !strings.Contains(err.Error(), "which came with Linux 4.14, and seccomp(2) does not tell whether this kernel has it") {
			return fmt.Errorf("error %v", err)
		}
		return nil
	}
	roles["old answers"] = simulated
}

// run installs the policy and makes the call when it is told to, on one thread.
func (o *old) run() error {
	if o.refused != "" {
		runtime.LockOSThread()
		return o.prepare()
	}
	fate, err := loadtest.Fate(unix.SYS_GETPPID, func() error {
		if err := o.prepare(); err != nil {
			return err
		}
		return loadtest.Await()
	})
	fmt.Println(fate)
	return err
}

func (o *old) prepare() error {
	if o.major != 0 {
		if err := loadtest.Become(o.major, o.minor); err != nil {
			return err
		}
	}
	before, err := filters()
	if err != nil {
		return err
	}
	b := o.blob()
	applied, err := load.Fallbacks(b)
	want := blob.Fallbacks(0)
	if o.refused == "" && o.action != o.really {
		want = o.fallbacks
	}
	if applied != want {
		return fmt.Errorf("fallbacks %v, want %v, error %v", applied, want, err)
	}
	err = o.install(b)
	after, err2 := filters()
	switch {
	case err2 != nil:
		return err2
	case o.refused == "" && (err != nil || after != before+1):
		return fmt.Errorf("%d filters, %d before, error %w", after, before, err)
	case o.refused != "" && (err == nil || !strings.Contains(err.Error(), o.refused) || after != before):
		return fmt.Errorf("%d filters, %d before, error %v, want %q", after, before, err, o.refused)
	}
	return nil
}

// TestOld: what an older kernel lacks is refused by its name, or the declared fallback is what is on: by what becomes of the
// call, and by the program that the kernel has.
func TestOld(t *testing.T) {
	for i, o := range olds {
		if o.refused != "" {
			if out, err := as(fmt.Sprint("old ", i)); err != nil {
				t.Errorf("%v: %v: %s", &o, err, out)
			}
			continue
		}
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), fmt.Sprint(role, "=old ", i))
		in, err1 := cmd.StdinPipe()
		out, err2 := cmd.StdoutPipe()
		if err := errors.Join(err1, err2, cmd.Start()); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(out)
		first, err := lines.ReadString('\n')
		tid := 0
		if _, err2 := fmt.Sscan(first, &tid); err2 != nil {
			t.Errorf("%v: %q, %v, %v", &o, first, err, err2)
		} else if programs, err := readBack(tid); err != nil {
			t.Logf("%v: the program can't be read back: %v", &o, err)
		} else if want := answers(unix.SYS_GETPPID, o.really).Targets[0].Program; !bytes.Equal(programs[len(programs)-1], want) {
			t.Errorf("%v: on is % x, want % x", &o, programs[len(programs)-1], want)
		}
		in.Write([]byte("\n"))
		rest, _ := io.ReadAll(lines)
		err = cmd.Wait()
		want := map[uint32]string{killThread: "killed\n", logs: "passed\n", allows: "passed\n"}[o.really]
		status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
		died := status.Signaled() && status.Signal() == unix.SIGSYS
		if string(rest) != want || died != (o.really == killProcess) || err != nil && !died {
			t.Errorf("%v: %q, %v", &o, rest, err)
		}
	}
	for _, r := range []string{"old EPERM", "old answers"} {
		if out, err := as(r); err != nil {
			t.Errorf("%s: %v: %s", r, err, out)
		}
	}
}

func readBack(tid int) ([][]byte, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return loadtest.Programs(tid)
}

// simulated holds what the simulation answers against what the kernels do: seccomp(2) and statx(2), section HISTORY.
func simulated() error {
	for _, k := range []struct {
		major, minor          int
		statx, action, notify unix.Errno
		flags                 uintptr // known
	}{
		{5, 7, unix.EFAULT, 0, 0, 31}, {5, 6, unix.EFAULT, 0, 0, 15}, {5, 0, unix.EFAULT, 0, 0, 15}, {4, 20, unix.EFAULT, 0, unix.EINVAL, 7},
		{4, 17, unix.EFAULT, 0, unix.EINVAL, 7}, {4, 16, unix.EFAULT, 0, unix.EINVAL, 3}, {4, 14, unix.EFAULT, 0, unix.EINVAL, 3},
		{4, 13, unix.EFAULT, unix.EINVAL, unix.EINVAL, 1}, {4, 11, unix.EFAULT, unix.EINVAL, unix.EINVAL, 1}, {4, 10, unix.ENOSYS, unix.EINVAL, unix.EINVAL, 1},
		{3, 17, unix.ENOSYS, unix.EINVAL, unix.EINVAL, 1}, {3, 16, unix.ENOSYS, unix.ENOSYS, unix.ENOSYS, 0},
	} { // each older than the one before, so that they stack
		runtime.LockOSThread()
		if err := loadtest.Become(k.major, k.minor); err != nil {
			return err
		}
		is := func(what string, want unix.Errno, nr, a, b, c uintptr) error {
			if _, _, errno := unix.RawSyscall6(nr, a, b, c, 0, 0, 0); errno != want {
				return fmt.Errorf("Linux %d.%d: %s: %d, want %d", k.major, k.minor, what, errno, want)
			}
			return nil
		}
		action, sizes := uint32(killProcess), [8]byte{}
		err := errors.Join(is("statx", k.statx, unix.SYS_STATX, 0, 0, 0),
			is("GET_ACTION_AVAIL", k.action, unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action))),
			is("GET_NOTIF_SIZES", k.notify, unix.SYS_SECCOMP, unix.SECCOMP_GET_NOTIF_SIZES, 0, uintptr(unsafe.Pointer(&sizes))))
		for i := range 5 {
			want := unix.EINVAL
			switch {
			case k.flags == 0:
				want = unix.ENOSYS
			case k.flags>>i&1 != 0:
				want = unix.EFAULT
			}
			err = errors.Join(err, is(fmt.Sprint("flag ", i), want, unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 1<<i, 0))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
