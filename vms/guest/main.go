//go:build linux

// Guest is what runs in the machines: as process 1 of a machine, or by hand on this one, it makes every check there is and
// says what came of each, in a line that begins with "vms:".
//
//	guest all          every check of this GOARCH, then those of the compat programs beside it
//	guest CHECK        one of them
//
// The folder of the program has what the checks need: the blobs, the policies they were made from, the loader.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/arch"
)

// A check reports what it has shown and the number of calls, or whatever it counts, that it was shown by.
type check struct {
	name  string
	where where
	run   func() ([]finding, error)
}

// A where is the programs that make a check.
type where int

const (
	anywhere where = iota
	own            // of the machine's own ABI
	here           // of this machine: it asks no kernel
)

// A finding is about an ABI. What is not a pass is listed with its reason.
type finding struct {
	abi   string
	count int
	words string
}

// checks are in the order in which they are made.
func checks() []check {
	return []check{
		{"blobs", own, blobs},
		{"numbers", anywhere, numbers},
		{"words", anywhere, words},
		{"planted", anywhere, planted},
		{"actions", anywhere, actions},
		{"registers", anywhere, registers},
		{"process", own, process},
		{"loader", own, loader},
		{"simulated", here, simulated},
	}
}

func init() {
	runtime.LockOSThread() // main stays on the first thread: the one that is traced
}

func main() {
	if os.Getpid() == 1 {
		machine()
	}
	switch {
	case len(os.Args) == 2 && os.Args[1] == "all":
		os.Exit(all(true))
	case len(os.Args) >= 2 && roles[os.Args[1]] != nil:
		roles[os.Args[1]](os.Args[2:])
		os.Exit(0)
	case len(os.Args) == 2:
		os.Exit(one(os.Args[1]))
	}
	fmt.Fprintln(os.Stderr, "usage: guest all | CHECK")
	os.Exit(2)
}

// machine is process 1.
func machine() {
	say := func(err error) {
		if err != nil {
			fmt.Println("vms: fail boot - 0", err)
		}
	}
	for _, m := range [][2]string{{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/tmp"}} {
		say(errors.Join(os.MkdirAll(m[1], 0o755), unix.Mount(m[0], m[1], m[0], 0, "")))
	}
	say(os.WriteFile("/proc/sys/kernel/printk", []byte("1"), 0)) // the kernel's words stay out of ours
	all(false)
	unix.Sync()
	unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART) // a board that can't turn itself off
	select {}
}

// all makes every check in a process of its own, and says in the end how many lines there were.
func all(local bool) (code int) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		fmt.Println("vms: fail boot - 0", err)
		return 1
	}
	fmt.Printf("vms: kernel %s %s\n", unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Machine[:]))
	self, err := os.Executable()
	if err != nil {
		fmt.Println("vms: fail boot - 0", err)
		return 1
	}
	guests, _ := filepath.Glob(filepath.Join(filepath.Dir(self), "guest-*"))
	for _, guest := range append([]string{self}, guests...) {
		if guest != self && filepath.Base(self) == filepath.Base(guest) {
			continue
		}
		for _, c := range checks() {
			if guest != self && c.where != anywhere || !local && c.where == here {
				continue
			}
			cmd := exec.Command(guest, c.name)
			cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
			cmd.WaitDelay = time.Second
			switch err := cmd.Run(); {
			case errors.Is(err, syscall.ENOEXEC):
				fmt.Printf("vms: skip %s %s 0 this kernel runs no such programs\n", c.name, strings.TrimPrefix(filepath.Base(guest), "guest-"))
			case err != nil:
				fmt.Printf("vms: fail %s - 0 %s: %v\n", c.name, filepath.Base(guest), err)
				code = 1
			}
		}
	}
	fmt.Println("vms: done")
	return code
}

// one makes a check. A failure is one line for each thing found.
func one(name string) int {
	for _, c := range checks() {
		if c.name != name {
			continue
		}
		found, err := c.run()
		for _, f := range found {
			fmt.Printf("vms: ok %s %s %d %s\n", name, f.abi, f.count, f.words)
		}
		if err != nil {
			fmt.Printf("vms: fail %s %s 0 %s\n", name, arch.Host().Name, strings.ReplaceAll(err.Error(), "\n", "; "))
			return 0 // it is said
		}
		return 0
	}
	fmt.Fprintf(os.Stderr, "guest: no check %q\n", name)
	return 2
}

// beside returns the path of a file in the program's folder.
func beside(name string) string {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return filepath.Join(filepath.Dir(self), name)
}
