package load_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/blob/load"
)

func init() {
	for name, errno := range map[string]uint32{"active": 0, "active EPERM": uint32(unix.EPERM), "active EINVAL": uint32(unix.EINVAL)} {
		roles[name] = func() error {
			runtime.LockOSThread()
			if load.Active() {
				return errors.New("active without a filter")
			}
			b := denies(unix.SYS_GETPPID)
			if errno != 0 {
				b = answers(unix.SYS_PRCTL, 0x00050000|errno)
			}
			if err := load.Thread(b); err != nil {
				return err
			}
			if !load.Active() {
				return errors.New("not active under a filter")
			}
			return nil
		}
	}
	roles["listener"] = listener
}

func TestActive(t *testing.T) {
	for _, r := range []string{"active", "active EPERM", "active EINVAL", "listener"} {
		if out, err := as(r); err != nil {
			t.Errorf("%s: %v: %s", r, err, out)
		}
	}
}

// listener answers its own getppid on another thread.
func listener() error {
	b := answers(unix.SYS_GETPPID, 0x7fc00000)
	b.Targets[0].Actions = blob.ReturnsNotify | blob.ReturnsAllow
	for _, install := range []func(*blob.Blob) error{load.Process, load.Thread} {
		if err := install(b); err == nil || !strings.Contains(err.Error(), "install it by Listener") {
			return fmt.Errorf("without a listener: error %v", err)
		}
	}
	fd, err := load.Listener(b)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() {
		// struct seccomp_notif and struct seccomp_notif_resp of linux/seccomp.h.
		var call struct {
			id         uint64
			pid, flags uint32
			nr         int32
			arch       uint32
			ip         uint64
			args       [6]uint64
		}
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&call))); errno != 0 {
			failed <- fmt.Errorf("receiving: %w", errno)
			return
		}
		answer := struct {
			id         uint64
			val        int64
			err, flags int32
		}{id: call.id, val: 4242}
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&answer))); errno != 0 {
			failed <- fmt.Errorf("answering: %w", errno)
			return
		}
		if call.nr != unix.SYS_GETPPID {
			failed <- fmt.Errorf("asked about call %d", call.nr)
			return
		}
		failed <- nil
	}()
	got, _, _ := unix.Syscall(unix.SYS_GETPPID, 0, 0, 0)
	if err := <-failed; err != nil || got != 4242 {
		return fmt.Errorf("getppid is %d, error %v", got, err)
	}
	return nil
}
