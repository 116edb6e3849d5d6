package main

import (
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/testdata/enter"
)

func doors() []door {
	x32 := arch.Lookup("x32")
	lacks := ""
	if native(uintptr(x32.Bit|unix.SYS_GETPPID), &[6]uintptr{}) != 0 {
		lacks = ", which this kernel has no calls for"
	}
	list := []door{{abi: arch.Host(), answers: by("native"), past: past}, {abi: x32, by: lacks, answers: by("native"), past: past}}
	if exec.Command(beside("guest"), "int80").Run() == nil {
		list = append(list, door{abi: arch.Lookup("i386"), by: ", by int 0x80 from 64 bits", answers: by("int80")})
	}
	return list
}

// past tells of uretprobe, which x86_64's kernels answer before filters from Linux 6.11 on, and uprobe, from 6.18 on
// (arch/x86/entry/syscalls/syscall_64.tbl).
func past(nr uint32) bool { return (nr == 335 || nr == 336) && probes()[nr-335] }

// probes asks in children, for uretprobe ends who calls it like this. A kernel that lacks them says so.
var probes = sync.OnceValue(func() (known [2]bool) {
	for i := range known {
		cmd := exec.Command(beside("guest"), "bare", strconv.Itoa(335+i))
		cmd.Run()
		known[i] = cmd.ProcessState.ExitCode() != int(unix.ENOSYS)
	}
	return known
})

//go:nosplit
func int80(nr uintptr, args *[6]uintptr) syscall.Errno {
	regs := enter.Registers{uint64(nr)}
	for i, a := range args {
		regs[1+i] = uint64(a)
	}
	if r := enter.Int80(&regs); r < 0 && r >= -4095 {
		return syscall.Errno(-r)
	}
	return 0
}

func init() {
	entries["int80"] = int80
	roles["bare"] = func(args []string) { os.Exit(int(native(uintptr(atoi(args[0])), &[6]uintptr{}))) }
	roles["int80"] = func([]string) { int80(20, &[6]uintptr{}) } // getpid; a kernel without it kills
}
