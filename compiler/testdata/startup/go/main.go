// Startup does what the test of the start-up sets asks of a Go program.
package main

import (
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

func main() {
	switch os.Args[1] {
	case "work":
		work(os.Args[2])
	case "stop":
		later(syscall.SIGSTOP, 50*time.Millisecond)
		later(syscall.SIGCONT, 100*time.Millisecond)
		time.Sleep(150 * time.Millisecond)
	case "die":
		syscall.Kill(os.Getpid(), syscall.SIGTERM)
		select {}
	}
	os.Stdout.WriteString("hello\n")
}

// work keeps all processors busy with loops that only a signal interrupts, makes garbage, ends a thread, waits for a timer,
// and reads a file.
func work(file string) {
	done := make(chan int)
	for range 2 * runtime.GOMAXPROCS(0) {
		go func() {
			var kept [][]byte
			for range 100 {
				kept = append(kept, make([]byte, 1<<16))
			}
			n := 0
			for i := range 50_000_000 {
				n += i
			}
			done <- n + len(kept)
		}()
	}
	for range 2 * runtime.GOMAXPROCS(0) {
		<-done
	}
	go func() {
		runtime.LockOSThread() // to the end, so that the thread ends too
		done <- 0
	}()
	<-done
	runtime.GC()
	<-time.After(time.Millisecond)
	if data, err := os.ReadFile(file); err != nil || len(data) == 0 {
		panic(err)
	}
}

// later sends the process a signal after a time.
func later(sig syscall.Signal, d time.Duration) {
	event := struct { // struct sigevent
		value         uintptr
		signo, notify int32
		_             [64]byte
	}{signo: int32(sig)}
	var id int32
	check(syscall.Syscall(syscall.SYS_TIMER_CREATE, 1 /* CLOCK_MONOTONIC */, uintptr(unsafe.Pointer(&event)), uintptr(unsafe.Pointer(&id))))
	at := struct{ interval, value syscall.Timespec }{value: syscall.NsecToTimespec(int64(d))}
	check(syscall.Syscall6(syscall.SYS_TIMER_SETTIME, uintptr(id), 0, uintptr(unsafe.Pointer(&at)), 0, 0, 0))
}

func check(_, _ uintptr, errno syscall.Errno) {
	if errno != 0 {
		panic(errno)
	}
}
