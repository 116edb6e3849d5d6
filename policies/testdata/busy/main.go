//go:build linux

// Busy is a program that puts itself under a filter while it works: 64 goroutines, several of them on threads of their own,
// are busy when the filter comes, and all threads have it afterwards.
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seccompc/seccompc/blob/load"
)

func main() {
	var steps atomic.Int64
	var mu sync.Mutex
	sums := map[[32]byte]int{}
	stop := make(chan bool)
	var busy sync.WaitGroup
	for i := range 64 {
		busy.Go(func() {
			if i%4 == 0 {
				runtime.LockOSThread()
			}
			data := []byte{byte(i)}
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				data = append(data[:1:1], bytes.Repeat([]byte{byte(n)}, 1000)...)
				sum := sha256.Sum256(data)
				mu.Lock()
				sums[sum]++
				mu.Unlock()
				if i%8 == 1 {
					time.Sleep(time.Microsecond)
				}
				steps.Add(1)
			}
		})
	}
	work := func(n int64) { // until it has gone on for n steps
		for end := steps.Load() + n; steps.Load() < end; {
			time.Sleep(time.Millisecond)
		}
	}
	work(500)
	if load.Active() {
		log.Fatal("there is a filter already")
	}
	b, err := load.Read(os.Args[1])
	if err == nil {
		err = load.Process(b)
	}
	if err != nil {
		log.Fatal(err) // it must not run without
	}
	work(2000)
	runtime.GC()
	threads, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil || len(threads) < 16 {
		log.Fatalf("%d threads, error %v", len(threads), err)
	}
	for _, file := range threads {
		status, err := os.ReadFile(file)
		if err == nil && !bytes.Contains(status, []byte("\nSeccomp:\t2\n")) { // a thread may have ended
			log.Fatalf("%s: without the filter", file)
		}
	}
	close(stop)
	busy.Wait()
	if !load.Active() {
		log.Fatal("no filter")
	}
	fmt.Printf("all threads filtered\n")
}
