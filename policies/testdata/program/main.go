// Program does what Go programs do: goroutines, files, a timer, a signal, a subprocess; with the argument "net" it talks to
// itself over TCP. Its output is the same each time.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "net" {
		check(network())
		return
	}
	var wg sync.WaitGroup
	sums := make([]int, 64)
	for i := range sums {
		wg.Go(func() {
			for j := range 10000 {
				sums[i] += i * j
			}
			runtime.GC()
		})
	}
	wg.Wait()
	fmt.Println("sums", sums[1], sums[63])

	dir, err := os.MkdirTemp("", "program")
	check(err)
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "file")
	check(os.WriteFile(file, []byte("twelve bytes"), 0o600))
	check(os.Chtimes(file, time.Unix(1, 0), time.Unix(2, 0)))
	check(os.Rename(file, file+"2"))
	check(os.Symlink("file2", file))
	info, err := os.Stat(file)
	check(err)
	entries, err := os.ReadDir(dir)
	check(err)
	fmt.Println("file", info.Size(), info.ModTime().Unix(), len(entries))

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	check(syscall.Kill(os.Getpid(), syscall.SIGUSR1))
	fmt.Println("signal", <-signals)
	<-time.After(time.Millisecond)

	out, err := exec.Command("/bin/sh", "-c", "echo from a subprocess; exit 3").Output()
	fmt.Printf("%s%v\n", out, err)
}

func network() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			fmt.Fprint(c, "over TCP")
			c.Close()
		}
	}()
	c, err := l.Accept()
	if err != nil {
		return err
	}
	text, err := io.ReadAll(c)
	fmt.Println(string(text))
	return err
}

func check(err error) {
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}
