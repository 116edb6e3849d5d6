package inspect

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/seccompc/seccompc/arch"
)

// A vocabulary is the constants that programs give to a parameter, by the beginnings of their names.
type vocabulary struct {
	params   string // "call.parameter", or ".parameter" of any call that is not listed by itself
	prefixes string
	bits     bool // they are combined by |
}

var vocabularies = []vocabulary{
	{"ioctl.request", "TIOC TCGET TCSET TCSBRK TCFLSH TCXONC FIO SIOC BLK FS_IOC FICLONE FIDEDUPE USERFAULTFD_IOC TUN LOOP_ KD VT_ RTC_", false},
	{"fcntl.cmd fcntl64.cmd", "F_", false},
	{"prctl.option", "PR_SET_ PR_GET_ PR_CAP PR_ PRCTL", false},
	{"arch_prctl.code", "ARCH_", false},
	{"ptrace.request", "PTRACE_", false},
	{"keyctl.operation", "KEYCTL_", false},
	{"bpf.cmd", "BPF_", false},
	{"seccomp.operation", "SECCOMP_SET_ SECCOMP_GET_", false},
	{"seccomp.flags", "SECCOMP_FILTER_FLAG_", true},
	{"flock.operation", "LOCK_", true},
	{"socketcall.call", "SYS_", false},
	{"socket.type socketpair.type", "SOCK_", true},
	{"socket.protocol", "IPPROTO_", false},
	{"getsockopt.level setsockopt.level", "SOL_ IPPROTO_", false},
	{"clone.flags unshare.flags", "CLONE_ SIGCHLD", true},
	{"setns.nstype", "CLONE_NEW", true},
	{"open.flags openat.flags", "O_", true},
	{"mq_open.oflag dup3.flags pipe2.flags", "O_", true},
	{"mmap.flags mmap2.flags", "MAP_", true},
	{"accept4.flags", "SOCK_", true},
	{"mount.mountflags", "MS_", true},
	{"umount2.flags", "MNT_ UMOUNT_", true},
	{"unlinkat.flags faccessat2.flags fchmodat2.flags fchownat.flags linkat.flags statx.flags fstatat64.flags newfstatat.flags execveat.flags", "AT_", true},
	{"memfd_create.flags", "MFD_", true},
	{"getrandom.flags", "GRND_", true},
	{"eventfd2.flags", "EFD_", true},
	{"epoll_create1.flags", "EPOLL_CLOEXEC", true},
	{"epoll_ctl.op", "EPOLL_CTL_", false},
	{"kcmp.type", "KCMP_", false},
	{"membarrier.cmd", "MEMBARRIER_CMD_", false},
	{"futex.futex_op futex_time64.futex_op", "FUTEX_", false},
	{"mremap.flags", "MREMAP_", true},
	{"msgctl.cmd semctl.cmd shmctl.cmd", "IPC_ GET SET SHM_ MSG_ SEM_", false},
	{"personality.persona", "PER_ ADDR_ UNAME26 SHORT_INODE WHOLE_SECONDS STICKY_TIMEOUTS READ_IMPLIES_EXEC MMAP_PAGE_ZERO FDPIC_FUNCPTRS", true},
	{"reboot.cmd", "LINUX_REBOOT_CMD_", false},
	{"reboot.magic reboot.magic2", "LINUX_REBOOT_MAGIC", false},
	{"lseek.whence _llseek.whence", "SEEK_", false},
	{".domain", "AF_", false},
	{".dirfd .olddirfd .newdirfd .from_dirfd .to_dirfd", "AT_FDCWD", false},
	{".prot", "PROT_", true},
	{".advice", "MADV_ POSIX_FADV_", false},
	{".sig .signum", "SIG", false},
	{".clockid .clk_id", "CLOCK_", false},
	{".resource", "RLIMIT_", false},
	{".policy", "SCHED_", false},
}

// ordinary are the names that people use where a value has several.
var ordinary = []string{"AF_UNIX", "AF_NETLINK", "FIONREAD", "O_NONBLOCK", "MAP_ANONYMOUS", "IPPROTO_IP", "FUTEX_WAIT", "FUTEX_WAKE", "PER_LINUX"}

func vocabularyOf(call, param string) *vocabulary {
	for _, key := range []string{call + "." + param, "." + param} {
		for i := range vocabularies {
			if slices.Contains(strings.Fields(vocabularies[i].params), key) {
				return &vocabularies[i]
			}
		}
	}
	return nil
}

// Value shows what the low bits of a parameter are, with the names of constants where it has any: "AF_INET",
// "O_WRONLY|O_CREAT", else a number. It is an expression of the policy language, which is v in the parameter's bits; mask says
// that v is a mask on the parameter rather than its value.
func Value(abi *arch.ABI, call string, p arch.Param, v uint64, mask bool) string {
	if p.Bits > 0 {
		v &= ^uint64(0) >> (64 - p.Bits)
	}
	number := fmt.Sprintf("%#x", v)
	negative := p.Signed && p.Bits > 0 && v>>(p.Bits-1) != 0
	if strings.HasSuffix(p.Type, "mode_t") {
		number = fmt.Sprintf("0o%o", v)
	} else if !mask {
		switch {
		case negative:
			number = fmt.Sprint(int64(v<<(64-p.Bits)) >> (64 - p.Bits))
		case v < 4096:
			number = fmt.Sprint(v)
		}
	}
	voc := vocabularyOf(call, p.Name)
	if voc == nil || mask && !voc.bits {
		return number
	}
	type constant struct {
		name  string
		value uint64
	}
	var all []constant
	for _, prefix := range strings.Fields(voc.prefixes) {
		first, _ := slices.BinarySearch(arch.Consts(), prefix)
		for _, name := range arch.Consts()[first:] {
			if !strings.HasPrefix(name, prefix) {
				break
			}
			c, ok := abi.Const(name)
			if !ok || c < 0 != negative && c < 0 || strings.HasSuffix(name, "_MAX") || strings.HasPrefix(name, "PR_SET_MM_") { // those are of another argument
				continue
			}
			value := uint64(c)
			if c < 0 && p.Bits > 0 {
				value &= ^uint64(0) >> (64 - p.Bits)
			}
			switch {
			case value == v && (v != 0 || !mask) && slices.Contains(ordinary, name):
				return name
			default:
				all = append(all, constant{name, value})
			}
		}
	}
	for _, c := range all {
		if c.value == v && (v != 0 || !mask) {
			return c.name
		}
	}
	if !voc.bits {
		return number
	}
	// The greatest sets of bits first, so that O_SYNC is not O_DSYNC and a rest.
	slices.SortStableFunc(all, func(a, b constant) int { return bits.OnesCount64(b.value) - bits.OnesCount64(a.value) })
	rest := v
	var names []constant
	for _, c := range all {
		if c.value != 0 && c.value&^rest == 0 {
			rest &^= c.value
			names = append(names, c)
		}
	}
	if rest&(rest-1) != 0 || len(names) == 0 { // one bit without a name reads better beside those that have one
		return number
	}
	slices.SortStableFunc(names, func(a, b constant) int { return strings.Compare(a.name, b.name) })
	text := names[0].name
	for _, c := range names[1:] {
		text += "|" + c.name
	}
	if rest != 0 {
		text += fmt.Sprintf("|%#x", rest)
	}
	return text
}
