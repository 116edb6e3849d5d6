// Exit does nothing but exit: its entry is not the Go runtime's, so it makes one system call.
//
//	go build -ldflags -E=_exit_start ./testdata/exit
package main

func main() { panic("built without -ldflags -E=_exit_start") }
