package policies

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/resolve"
	"github.com/seccompc/seccompc/testdata/probe/probetest"
)

const (
	bad     = ^uint64(0)       // as a file, a pointer, a process
	garbage = 0xdeadbeef << 32 // above the 32 bits that the kernel uses
)

// waysAround tries what has got around filters before: garbage where the kernel does not look, the same thing by another
// call, other ABIs' numbers. Wanted is written down here, by hand.
func (d door) waysAround(t *testing.T) {
	const denied, let = true, false
	vectors := []struct {
		what    string
		abi     string
		call    string
		args    []uint64
		toaster bool
		strict  bool
	}{
		{"TIOCSTI", "x86_64", "ioctl", []uint64{bad, 0x5412, bad}, denied, denied},
		{"TIOCSTI under garbage", "x86_64", "ioctl", []uint64{bad, garbage | 0x5412, bad}, denied, denied},
		{"TIOCSTI under the highest bit", "x86_64", "ioctl", []uint64{bad, 1<<63 | 0x5412, bad}, denied, denied},
		{"TIOCLINUX under garbage", "x86_64", "ioctl", []uint64{bad, garbage | 0x541c, bad}, denied, denied},
		{"USERFAULTFD_IOC_NEW under garbage", "x86_64", "ioctl", []uint64{bad, garbage | 0xaa00, bad}, denied, denied},
		{"TCGETS under garbage", "x86_64", "ioctl", []uint64{bad, garbage | 0x5401, bad}, let, let},
		{"TIOCSTI in the high half", "x86_64", "ioctl", []uint64{bad, 0x5412 << 32, bad}, let, let},

		{"AF_ALG under garbage", "x86_64", "socket", []uint64{garbage | 38, 5, 0}, denied, denied},
		{"AF_VSOCK under garbage", "x86_64", "socket", []uint64{garbage | 40, 1, 0}, denied, denied},
		{"AF_PACKET under garbage", "x86_64", "socket", []uint64{garbage | 17, 3, 0}, denied, denied},
		{"a packet socket of AF_INET", "x86_64", "socket", []uint64{2, 10, 0}, denied, denied},
		{"the same, close-on-exec under garbage", "x86_64", "socket", []uint64{garbage | 2, garbage | 0x80000 | 10, 0}, denied, denied},
		{"AF_INET under garbage", "x86_64", "socket", []uint64{garbage | 2, garbage | 1, garbage}, let, let},
		{"AF_NETLINK, NETLINK_ROUTE", "x86_64", "socket", []uint64{16, 3, garbage}, let, let},
		{"AF_NETLINK, NETLINK_AUDIT", "x86_64", "socket", []uint64{16, 3, 9}, let, denied},

		{"a user namespace by clone, under garbage", "x86_64", "clone", []uint64{garbage | 0x10000000 | 17, 0, bad, bad, bad}, denied, denied},
		{"a mount namespace by clone", "x86_64", "clone", []uint64{0x20000 | 0x200, 0, bad, bad, bad}, denied, denied},
		{"a child by clone, under garbage", "x86_64", "clone", []uint64{garbage | 17, 0, bad, bad, bad}, let, let},
		{"clone3", "x86_64", "clone3", []uint64{bad, 88}, denied, denied},
		{"vfork", "x86_64", "vfork", nil, let, let},
		{"a block device", "x86_64", "mknodat", []uint64{bad, bad, garbage | 0x6180, 0}, let, denied},
		{"a named pipe", "x86_64", "mknodat", []uint64{bad, bad, garbage | 0x1180, 0}, let, let},

		{"TIOCSTI", "i386", "ioctl", []uint64{bad, 0x5412, bad}, denied, denied},
		{"TIOCSTI under garbage", "i386", "ioctl", []uint64{bad, garbage | 0x5412, bad}, denied, denied},
		{"AF_ALG under garbage", "i386", "socket", []uint64{garbage | 38, 5, 0}, denied, denied},
		{"socketcall's socket", "i386", "socketcall", []uint64{1, bad}, denied, denied},
		{"socketcall's socket under garbage", "i386", "socketcall", []uint64{garbage | 1, bad}, denied, denied},
		{"socketcall's bind under garbage", "i386", "socketcall", []uint64{garbage | 2, bad}, let, let},
		{"socketcall's sendmmsg", "i386", "socketcall", []uint64{20, bad}, let, let},
		{"an operation that socketcall has not", "i386", "socketcall", []uint64{21, bad}, let, denied},
		{"ipc's shmget, of a version", "i386", "ipc", []uint64{1<<16 | 23, bad, 0, 0}, let, denied},
		{"a user namespace by clone, under garbage", "i386", "clone", []uint64{garbage | 0x10000000 | 17, 0, bad, bad, bad}, denied, denied},
		{"a child by clone, under garbage", "i386", "clone", []uint64{garbage | 17, 0, bad, bad, bad}, let, let},
		{"clone3", "i386", "clone3", []uint64{bad, 88}, denied, denied},
		{"mount, by i386's number", "i386", "mount", []uint64{bad, bad, bad, 0, bad}, denied, denied},
		{"umount, by i386's old number", "i386", "umount", []uint64{bad}, denied, denied},
		{"setting the clock, by stime", "i386", "stime", []uint64{bad}, denied, denied},
		{"setting the clock, with 64 bits", "i386", "clock_settime64", []uint64{0, bad}, denied, denied},
		{"mknod of a device", "i386", "mknod", []uint64{bad, garbage | 0x2180, 0}, let, denied},
	}
	for _, policy := range []string{"toaster", "toaster-strict"} {
		s := examine(t, policy)
		tried := 0
		for _, v := range vectors {
			if v.abi != d.abi {
				continue
			}
			tried++
			want := v.toaster
			if policy == "toaster-strict" {
				want = v.strict
			}
			got, state, err := probetest.Run(d.probe, s.filter, 10*time.Second, []probetest.Call{d.call(t, v.call, v.args...)})
			if err != nil {
				t.Fatal(err)
			}
			r := got[0]
			marked := r.Returned && r.Value <= -firstMark && r.Value > -4096
			if marked != want || !r.Returned {
				t.Errorf("%s: %s: %s with %#x: %v (%v), want denied %v", policy, v.what, v.call, v.args, r, state, want)
			}
		}
		if tried == 0 {
			t.Error("nothing tried")
		}
	}
}

// TestSocketpair shows why the policies allow socketpair: the kernel makes no pair of the families that they deny.
func TestSocketpair(t *testing.T) {
	for _, family := range []int{unix.AF_PACKET, unix.AF_ALG, unix.AF_VSOCK, unix.AF_INET} {
		for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_RAW, unix.SOCK_SEQPACKET, unix.SOCK_PACKET} {
			if pair, err := unix.Socketpair(family, kind, 0); err == nil {
				t.Errorf("family %d, type %d: a pair %v", family, kind, pair)
			}
		}
	}
	if _, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0); err != nil {
		t.Error(err) // then the refusals above say nothing
	}
}

// foreign shows that the blobs that don't serve an ABI kill a process that calls by its numbers, whatever the kernel thinks of
// them.
func (d door) foreign(t *testing.T) {
	numbers := []uint32{d.call(t, "read").NR, d.call(t, "getpid").NR, d.call(t, "mount").NR, d.call(t, "read").NR | 0x3fffffff}
	if d.abi == "x32" {
		for _, nr := range []uint32{512, 520, 545, 547} { // x32's own, 520 is execve; on old kernels x86_64's too
			numbers = append(numbers, resolve.X32Bit|nr)
		}
	}
	for _, name := range bearable(t) {
		s := examine(t, name)
		if s.serves(d) {
			continue
		}
		for _, nr := range numbers {
			r, state, err := probetest.Run(d.probe, s.program, 10*time.Second, []probetest.Call{{Door: d.by, NR: nr}})
			if err != nil {
				t.Fatal(err)
			}
			if end := state.Sys().(syscall.WaitStatus); r[0].Returned || end.Signal() != syscall.SIGSYS {
				t.Errorf("%s: number %#x: %v, %v, want SIGSYS", name, nr, r[0], state)
			}
		}
		for nr := uint32(512); d.abi == "x32" && nr <= 547; nr++ { // x32's numbers without the bit
			if got := s.decides.Outcomes(resolve.Call{Arch: resolve.X86_64, NR: nr}, [6]uint64{}); len(got) != 1 || got[0].Action != resolve.Errno|38 {
				t.Errorf("%s: number %d is %v, want errno(ENOSYS)", name, nr, got)
			}
		}
	}
}

// letThrough makes calls that a policy allows, with the filter and without, and wants the same result.
func (d door) letThrough(t *testing.T) {
	abi := arch.Lookup(d.abi)
	for _, policy := range bearable(t) {
		s := examine(t, policy)
		if !s.serves(d) {
			continue // nothing is allowed
		}
		var calls []probetest.Call
		for _, name := range []string{"getppid", "getuid", "getegid", "getpgid", "uname", "openat", "close", "read", "fstat",
			"dup", "lseek", "fcntl", "kill", "execve", "prctl", "mprotect", "getcwd", "futex", "gettid"} {
			c := d.call(t, name, bad, bad, bad, bad, bad, bad)
			if a := s.marked.Decide(resolve.Call{Arch: abi.Audit, NR: c.NR, Args: c.Args}); a == resolve.Allow {
				calls = append(calls, c)
			} else if slices.Contains(sandboxes, policy) {
				t.Errorf("%s: %s is %s", policy, name, a)
			}
		}
		for _, nr := range numbers(abi) { // what is allowed under a condition
			name, _ := abi.SyscallName(nr)
			outcomes := s.decides.Outcomes(resolve.Call{Arch: abi.Audit, NR: nr}, [6]uint64{})
			for _, o := range outcomes {
				if len(outcomes) > 1 && o.Action == resolve.Allow {
					calls = append(calls, probetest.Call{Door: d.by, NR: nr, Args: s.harmless(o.Call, name).Args})
				}
			}
		}
		if d.abi == "x86_64" {
			for _, nr := range uprobes {
				s.uprobe(t, d, nr)
			}
		}
		free, end, err := probetest.Run(d.probe, nil, time.Minute, calls)
		if err != nil {
			t.Fatal(err)
		}
		under, end2, err := probetest.Run(d.probe, s.filter, time.Minute, calls)
		if err != nil {
			t.Fatal(err)
		}
		if end.String() != end2.String() {
			t.Errorf("%s: %v without a filter, %v with it", policy, end, end2)
		}
		for i, c := range calls {
			a, b := free[i], under[i]
			ids := a.Returned && b.Returned && a.Value > 0 && b.Value > 0 // of processes
			if a != b && !ids {
				t.Errorf("%s: number %d with %#x: %v without a filter, %v with it", policy, c.NR, c.Args, a, b)
			}
		}
	}
}

// uprobe makes a call of uprobes with the filter and without. The result is the same or, on kernels that ask the filter,
// the policy's.
func (s *subject) uprobe(t *testing.T, d door, nr uint32) {
	t.Helper()
	c := []probetest.Call{{Door: d.by, NR: nr}}
	free, end, err := probetest.Run(d.probe, nil, 10*time.Second, c)
	if err != nil {
		t.Fatal(err)
	}
	under, end2, err := probetest.Run(d.probe, s.filter, 10*time.Second, c)
	if err != nil {
		t.Fatal(err)
	}
	want := s.marked.Decide(resolve.Call{Arch: resolve.X86_64, NR: nr})
	denied := want.Kind() == resolve.Errno && under[0].Value == -int64(want.Data())
	if same := free[0] == under[0] && end.String() == end2.String(); !same && !denied {
		t.Errorf("%s: number %d: %v (%v) without a filter, %v (%v) with it", s.name, nr, free[0], end, under[0], end2)
	}
}
