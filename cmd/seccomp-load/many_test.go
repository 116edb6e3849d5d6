//go:build linux && (amd64 || arm64)

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/blob/load"
)

// How long the tests of this file go on: make test takes the short form, make campaign-loader the long one.
var (
	runs  = flag.Int("runs", 300, "loads in a row")
	races = flag.Int("races", 2000, "loads while the blob is rewritten")
	hogs  = flag.Int("hogs", 0, "processors kept busy meanwhile")
)

// few is next to nothing: what a loader needs behind the filter, and a program to end.
const few = "default: kill_process\nrules: [{allow: [execve, exit, exit_group]}]"

// marks is a policy that the witness sees.
func marks(errno int) string {
	return fmt.Sprintf("default: allow\nrules: [{errno(%d): [getppid]}, {errno(%d): [getuid]}]", errno, 1000+errno)
}

// loads runs a loader and a command, which end with the exit code that is wanted.
func loads(args []string, want int) error {
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	var exit *exec.ExitError
	code := 0
	switch {
	case errors.As(err, &exit):
		code = exit.ExitCode() // -1 for a signal
	case err != nil:
		return err
	}
	if code != want {
		return fmt.Errorf("exit code %d (%v), want %d: %s", code, err, want, out)
	}
	return nil
}

func keepBusy(t *testing.T) {
	for range *hogs {
		hog := exec.Command("sh", "-c", "while :; do :; done")
		if err := hog.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			hog.Process.Kill()
			hog.Wait()
		})
	}
}

// TestFew runs a loader under a filter that allows execve, exit and exit_group alone: whatever it does between the filter
// and the command kills it. The install takes as long as a program of 4096 instructions can make it.
func TestFew(t *testing.T) {
	keepBusy(t)
	quick, slow := compile(t, "few", few), long(t, "slow", 0x80000000)
	for _, entry := range entries {
		for file, n := range map[string]int{quick: *runs, slow: *runs / 10} {
			start := time.Now()
			for i := range n {
				if err := loads([]string{bin + "/" + entry + "/seccomp-load", file, "--", bin + "/direct/exit"}, 0); err != nil {
					t.Fatalf("%s: %s: run %d: %v", entry, filepath.Base(file), i, err)
				}
			}
			t.Logf("%s: %s: %d runs, %v each", entry, filepath.Base(file), n, time.Since(start)/time.Duration(n))
		}
	}
}

// TestAtOnce runs 64 loads at a time.
func TestAtOnce(t *testing.T) {
	file := compile(t, "marks", marks(41))
	for _, entry := range entries {
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				for range *runs/64 + 1 {
					if err := loads([]string{bin + "/" + entry + "/seccomp-load", file, "--", bin + "/direct/witness"}, 41); err != nil {
						t.Errorf("%s: %v", entry, err)
					}
				}
			})
		}
		all.Wait()
	}
}

// TestStack stacks filters up to the kernel's limit of 32768 instructions, and beyond it: then the command does not start.
func TestStack(t *testing.T) {
	file, small := long(t, "long", 0x7fff0000), compile(t, "marks", marks(41))
	for _, entry := range entries {
		for n, want := range map[int]int{1: 41, 5: 41, 7: 41, 8: failed, 9: failed, 17: failed} {
			args := []string{bin + "/" + entry + "/seccomp-load"}
			for range n {
				args = append(args, file)
			}
			if n < 8 { // the direct entry takes 8 blobs, and 8 long ones are too much for the kernel
				args = append(args, small)
			}
			if err := loads(append(args, "--", bin+"/direct/witness"), want); err != nil {
				t.Errorf("%s: %d long filters: %v", entry, n, err)
			}
		}
		args := []string{bin + "/" + entry + "/seccomp-load"}
		for range 40 { // more than the direct entry takes
			args = append(args, small)
		}
		if err := loads(append(args, "--", bin+"/direct/witness"), 41); err != nil {
			t.Errorf("%s: 40 filters: %v", entry, err)
		}
	}
}

// long writes a blob with a program of as many instructions as there may be, which the kernel runs once for every system
// call that there is when it is installed. It allows what few allows; the rest gets the action.
func long(t *testing.T, name string, action uint32) string {
	t.Helper()
	abi, order, err := load.Host()
	if err != nil {
		t.Fatal(err)
	}
	var p []byte
	add := func(code uint16, jt, jf byte, k uint32) {
		p = binary.NativeEndian.AppendUint16(p, code)
		p = binary.NativeEndian.AppendUint32(append(p, jt, jf), k)
	}
	add(0x20, 0, 0, 0) // load the number
	for len(p) < 8*(blob.MaxInstructions-5) {
		add(0x15, 0, 0, 0x7ffffff0) // on either way
	}
	add(0x15, 3, 0, unix.SYS_EXECVE)
	add(0x15, 2, 0, unix.SYS_EXIT)
	add(0x15, 1, 0, unix.SYS_EXIT_GROUP)
	add(0x06, 0, 0, action)
	add(0x06, 0, 0, 0x7fff0000)
	allows := uint32(blob.AllowsExecve)
	if action == 0x7fff0000 {
		allows |= blob.AllowsPrctl
	}
	return write(t, name, &blob.Blob{Name: name, Install: blob.Exec, Targets: []blob.Target{{Label: "host", ABIs: []blob.ABI{abi}, Order: order,
		Program: p, Allows: allows}}})
}

func write(t *testing.T, name string, b *blob.Blob) string {
	t.Helper()
	data, err := blob.Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name+".seccomp")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestRace rewrites, cuts and replaces a blob while it is loaded. Either the loader refuses, or the command runs under
// one of the two filters that were ever there, whole.
func TestRace(t *testing.T) {
	var blobs [2][]byte
	for i, errno := range []int{41, 42} {
		data, err := os.ReadFile(compile(t, "marks", marks(errno)))
		if err != nil {
			t.Fatal(err)
		}
		blobs[i] = data
	}
	b, err := blob.Decode(blobs[0])
	if err != nil {
		t.Fatal(err)
	}
	own, err := load.Select(b)
	if err != nil {
		t.Fatal(err)
	}
	program := bytes.Index(blobs[0], own.Program)
	file := filepath.Join(t.TempDir(), "race.seccomp")
	if err := os.WriteFile(file, blobs[0], 0o644); err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	var writer sync.WaitGroup
	writer.Go(func() {
		f, err := os.OpenFile(file, os.O_RDWR, 0)
		if err != nil {
			t.Error(err)
			return
		}
		for i := 0; !stop.Load(); i++ {
			now := blobs[i/3%2]
			switch i % 16 {
			case 3, 5, 7: // the beginning of one, the end of the other, mostly from the middle of the program
				at := program + i/64*4%len(own.Program)
				if i%64 == 7 {
					at = i * 13 % len(now)
				}
				f.WriteAt(blobs[1-i/3%2][at:], int64(at))
			case 9:
				f.Truncate(int64(i * 37 % len(now)))
			case 13: // another file under the same name
				next := file + ".next"
				if err := os.WriteFile(next, now, 0o644); err != nil {
					t.Error(err)
				}
				if err := os.Rename(next, file); err != nil {
					t.Error(err)
				}
				f.Close()
				if f, err = os.OpenFile(file, os.O_RDWR, 0); err != nil {
					t.Error(err)
					return
				}
			default:
				f.WriteAt(now, 0)
			}
			if i%64 == 0 || i%64 == 21 { // for loads to meet a whole blob, and a mixed one
				time.Sleep(time.Millisecond)
			}
		}
		f.Close()
	})
	for _, entry := range entries {
		codes := map[int]int{}
		for range *races {
			err := exec.Command(bin+"/"+entry+"/seccomp-load", file, "--", bin+"/direct/witness").Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) {
				t.Fatalf("%s: %v: the command ran without a filter", entry, err)
			}
			codes[exit.ExitCode()]++
		}
		t.Logf("%s: exit codes %v", entry, codes)
		if codes[41]+codes[42]+codes[failed] != *races {
			t.Errorf("%s: exit codes %v", entry, codes)
		}
		if codes[41] == 0 || codes[42] == 0 || codes[failed] == 0 {
			t.Errorf("%s: exit codes %v: the race did not take place", entry, codes)
		}
	}
	stop.Store(true)
	writer.Wait()
}
