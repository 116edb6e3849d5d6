//go:build amd64

package policies

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/testdata/enter"
)

// TestMode1 makes every call in mode 1 and under the policy strict, in processes without a Go runtime: what ends a thread in
// the one ends it under the other.
func TestMode1(t *testing.T) {
	b, err := blob.Decode(read(t, "strict.seccomp"))
	if err != nil {
		t.Fatal(err)
	}
	abi := arch.Lookup("x86_64")
	target := b.For(blob.ABI{Audit: abi.Audit}, blob.LittleEndian)
	filter := make([]unix.SockFilter, target.Instructions())
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&filter[0])), len(target.Program)), target.Program)
	fprog := &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	mode1 := []enter.Registers{{unix.SYS_PRCTL, unix.PR_SET_SECCOMP, 1}}
	filtered := []enter.Registers{
		{unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1},
		{unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uint64(uintptr(unsafe.Pointer(fprog)))},
	}
	run := func(first []enter.Registers, call enter.Registers) syscall.WaitStatus {
		calls := append(first[:len(first):len(first)], call)
		pid := enter.ForkEach(&calls[0], len(calls))
		if pid < 0 {
			t.Fatal(syscall.Errno(-pid))
		}
		var status syscall.WaitStatus
		if _, err := syscall.Wait4(int(pid), &status, 0, nil); err != nil {
			t.Fatal(err)
		}
		return status
	}
	if s := run(mode1, enter.Registers{unix.SYS_READ, bad, 0, 0}); !s.Exited() {
		t.Skipf("this kernel has no mode 1: %v", s)
	}
	passed := 0
	for nr := uint64(0); nr <= 600; nr++ {
		if nr == 335 || nr == 336 {
			continue // uretprobe and uprobe get past filters
		}
		call := enter.Registers{nr, bad, bad, bad, bad, bad, bad}
		strict, ours := run(mode1, call), run(filtered, call)
		killed := strict.Signaled() && strict.Signal() == unix.SIGKILL
		switch {
		case killed && ours.Signaled() && ours.Signal() == unix.SIGSYS:
		case !killed && strict == ours:
			passed++
		default:
			name, _ := abi.SyscallName(uint32(nr))
			t.Errorf("%s (%d): in mode 1 %v, under the policy %v", name, nr, strict, ours)
		}
	}
	if passed != 4 {
		t.Errorf("%d calls pass, not 4", passed)
	}
	runtime.KeepAlive(fprog)
}

// TestMode1Go: a Go program doesn't live in mode 1, nor does it end: the thread that makes a fifth call is gone, and the
// others wait for it.
func TestMode1Go(t *testing.T) {
	if os.Getenv("STRICT_CHILD") != "" {
		runtime.LockOSThread()
		if _, _, errno := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, 1, 0); errno != 0 {
			os.Exit(3)
		}
		time.Sleep(time.Millisecond)
		os.Exit(0)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestMode1Go$")
	cmd.Env = append(os.Environ(), "STRICT_CHILD=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if code := cmd.ProcessState.ExitCode(); code == 0 || code == 3 {
			t.Errorf("the child ended by itself: %v", err)
		}
	case <-time.After(2 * time.Second): // it hangs
		cmd.Process.Kill()
		<-ended
	}
}
