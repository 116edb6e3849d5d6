package load

import (
	"errors"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/blob"
)

// Check reports why this machine can't install the blob's program: no program for it, a kernel older than the policy
// assumes, an action that the kernel would take for kill and for which the policy declares no fallback, a filter flag that
// it refuses, or no seccomp at all. Nothing is changed.
func Check(b *blob.Blob) error {
	_, err := Fallbacks(b)
	return err
}

// Fallbacks returns those of the blob's fallbacks that its installation applies on this kernel, for it lacks the actions. The
// error is that of Check.
func Fallbacks(b *blob.Blob) (needed blob.Fallbacks, err error) {
	t, err := Select(b)
	if err != nil {
		return 0, err
	}
	// A kernel that has filters gets as far as the missing program.
	if _, _, errno := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, 0); errno != unix.EFAULT {
		return 0, &wrapped{"prctl(PR_SET_SECCOMP): " + errno.Error(), ErrUnsupported}
	}
	if err := kernelAtLeast(b); err != nil {
		return 0, err
	}
	for i, a := range actions {
		if t.Actions&(1<<i) == 0 || a.since == "3.5" { // as old as filters
			continue
		}
		uses := "policy " + b.Name + " uses the action " + a.name
		switch _, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&a.value))); errno {
		case 0:
		case unix.EOPNOTSUPP, unix.EINVAL, unix.ENOSYS: // no such action; before 4.14, no such operation; before 3.17, no seccomp(2)
			if uint32(b.Fallbacks)>>i&1 != 0 {
				needed |= 1 << i
				continue
			}
			lacks := uses + ", which this kernel lacks, as far as seccomp(2) tells: it came with Linux " + a.since
			if can := blob.Fallbacks(1<<i) & (blob.ReturnsKillProcess | blob.ReturnsLog); can != 0 {
				lacks += ", and the policy declares no fallback (" + can.String() + ")"
			}
			return 0, &wrapped{lacks, errno}
		default: // an answer of a filter that is on already, which says nothing of the kernel
			return 0, &wrapped{uses + ", which came with Linux " + a.since + ", and seccomp(2) does not tell whether this kernel has it", errno}
		}
	}
	return needed, knows(b, uintptr(b.Flags))
}

// actions are SECCOMP_RET_* in the order of blob.Target.Actions' bits, with the kernel that brought each: seccomp(2).
var actions = [...]struct {
	value uint32
	name  string
	since string
}{
	{0x80000000, "kill_process", "4.14"}, {0, "kill_thread", "3.5"}, {0x00030000, "trap", "3.5"},
	{0x00050000, "errno", "3.5"}, {0x7fc00000, "notify", "5.0"}, {0x7ff00000, "trace", "3.5"},
	{0x7ffc0000, "log", "4.14"}, {0x7fff0000, "allow", "3.5"},
}

// knows returns an error for the first of the filter flags that this kernel refuses.
func knows(b *blob.Blob, flags uintptr) error {
	for i := range 32 {
		flag := flags & (1 << i)
		if flag == 0 {
			continue
		}
		// A kernel that knows the flag gets as far as the missing program.
		_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flag, 0)
		if errno == unix.EFAULT {
			continue
		}
		needs := "policy " + b.Name + " needs the filter flag 0x" + strconv.FormatUint(uint64(flag), 16)
		if i < len(filterFlags) {
			needs = "policy " + b.Name + " needs the filter flag " + filterFlags[i].name + ", which came with Linux " + filterFlags[i].since
		}
		if errno == unix.ENOSYS {
			return &wrapped{needs + ", and so seccomp(2), which this kernel lacks: it came with Linux 3.17", errno}
		}
		return &wrapped{needs + ": this kernel refuses it", errno}
	}
	return nil
}

// filterFlags are SECCOMP_FILTER_FLAG_* in the order of their bits, with the kernel that brought each: seccomp(2).
var filterFlags = [...]struct{ name, since string }{
	{"tsync", "3.17"}, {"log", "4.14"}, {"spec_allow", "4.17"}, {"new_listener", "5.0"}, {"tsync_esrch", "5.7"},
}

func kernelAtLeast(b *blob.Blob) error {
	if b.Kernel == 0 {
		return nil
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return &wrapped{"uname", err}
	}
	release := unix.ByteSliceToString(u.Release[:])
	have, ok := parseRelease(release)
	if !ok {
		return errors.New("kernel release " + strconv.Quote(release) + " is not a version")
	}
	if have < b.Kernel {
		need := strconv.Itoa(int(b.Kernel>>16)) + "." + strconv.Itoa(int(b.Kernel>>8&0xff)) + "." + strconv.Itoa(int(b.Kernel&0xff))
		return errors.New("policy " + b.Name + " assumes Linux " + need + " or newer, this is " + release)
	}
	return nil
}

// parseRelease reads the numbers at the beginning of a kernel release, as in 6.1.0-rc1: at least two.
func parseRelease(release string) (version uint32, ok bool) {
	var n [3]int
	parts := strings.SplitN(release, ".", 3)
	for i, part := range parts {
		digits := len(part) - len(strings.TrimLeft(part, "0123456789"))
		v, err := strconv.Atoi(part[:digits])
		if err != nil {
			return blob.Version(n[0], n[1], n[2]), i == 2
		}
		n[i] = v
		if digits < len(part) {
			return blob.Version(n[0], n[1], n[2]), i >= 1
		}
	}
	return blob.Version(n[0], n[1], n[2]), len(parts) >= 2
}
