package main

import (
	"os/exec"
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
	list := []door{{abi: arch.Host(), answers: by("native")}, {abi: x32, by: lacks, answers: by("native")}}
	if exec.Command(beside("guest"), "int80").Run() == nil {
		list = append(list, door{abi: arch.Lookup("i386"), by: ", by int 0x80 from 64 bits", answers: by("int80")})
	}
	return list
}

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
	roles["int80"] = func([]string) { int80(20, &[6]uintptr{}) } // getpid; a kernel without it kills
}
