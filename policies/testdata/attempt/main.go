// Attempt tries a single action, for real where that does no harm, and says what came of it: "ok" or the error's name.
//
//	attempt ACTION DIR VICTIM
//
// DIR is a directory with a file "file" in it, VICTIM a process of the same user. Descriptor 5 is to be a file open for
// reading and writing. "attempt list" prints the actions, those first that succeed for every user, then an empty line and
// those that need privileges, devices or a kernel with the feature. "attempt wait" is a victim: it ends when standard
// input does.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

func init() {
	runtime.LockOSThread() // main stays on the first thread: the end of a traced one that is not would have to be waited for
}

func main() {
	switch os.Args[1] {
	case "list":
		for _, list := range [][]action{free, special} {
			for _, a := range list {
				fmt.Println(a.name)
			}
			fmt.Println()
		}
		return
	case "wait":
		io.Copy(io.Discard, os.Stdin)
		return
	case "done":
		fmt.Println("ok")
		return
	}
	dir = os.Args[2]
	file = dir + "/file"
	victim, _ = strconv.Atoi(os.Args[3])
	for _, a := range append(free, special...) {
		if a.name == os.Args[1] {
			fmt.Println(result(a.do()))
			return
		}
	}
	os.Exit(3)
}

func result(err error) string {
	var errno syscall.Errno
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	}
	return err.Error()
}

var (
	dir, file string
	victim    int
)

type action struct {
	name string
	do   func() error
}

// call makes a system call that the package unix has no function for.
func call(nr uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	if _, _, errno := unix.RawSyscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5]); errno != 0 {
		return errno
	}
	return nil
}

// second is for functions of two results.
func second[T any](_ T, err error) error { return err }
