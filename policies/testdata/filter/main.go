// Filter copies standard input to standard output, one way or another: as it is, sorted, compressed, or after some work
// for the scheduler, the garbage collector and timers.
package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"
)

func main() {
	var err error
	switch os.Args[1] {
	case "copy":
		_, err = io.Copy(os.Stdout, os.Stdin)
	case "sort":
		var lines []string
		for s := bufio.NewScanner(os.Stdin); s.Scan(); {
			lines = append(lines, s.Text())
		}
		slices.Sort(lines)
		for _, l := range lines {
			fmt.Println(l)
		}
	case "gzip":
		w := gzip.NewWriter(os.Stdout)
		if _, err = io.Copy(w, os.Stdin); err == nil {
			err = w.Close()
		}
	case "work":
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 10 {
					b := make([]byte, 1<<20)
					b[len(b)-1] = 1
					time.Sleep(time.Microsecond)
					runtime.GC()
				}
			})
		}
		wg.Wait()
		_, err = io.Copy(os.Stdout, os.Stdin)
	default:
		err = fmt.Errorf("unknown filter %q", os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
