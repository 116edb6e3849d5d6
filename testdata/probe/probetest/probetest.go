// Package probetest runs the program probe for tests.
package probetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A Call is one for the probe to make.
type Call struct {
	Door string // "native", or "int80" on amd64
	NR   uint32
	Args [6]uint64
}

// A Result is what came of a call.
type Result struct {
	Returned bool  // false: the call did not return, or was not reached
	Value    int64 // the kernel's: -errno if it failed
}

func (r Result) String() string {
	switch {
	case !r.Returned:
		return "no return"
	case r.Value < 0 && r.Value > -4096:
		if name := unix.ErrnoName(syscall.Errno(-r.Value)); name != "" {
			return name
		}
		return fmt.Sprintf("errno %d", -r.Value)
	}
	return fmt.Sprint(r.Value)
}

// Build builds the probe for a GOARCH that this machine runs, amd64 or 386, and returns its path.
func Build(t testing.TB, goarch string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "probe")
	cmd := exec.Command("go", "build", "-o", path, "github.com/seccompc/seccompc/testdata/probe")
	cmd.Env = append(os.Environ(), "GOARCH="+goarch, "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the probe for %s: %v\n%s", goarch, err, out)
	}
	return path
}

// Run makes the calls in a new process in a session of its own, under the filter that is a raw struct sock_filter array,
// or under none if it is nil. After the time limit the process is killed. The state tells how it ended; the error
// says that the calls could not be made.
func Run(probe string, filter []byte, limit time.Duration, calls []Call) ([]Result, *os.ProcessState, error) {
	const untouched = 0xa5
	var text bytes.Buffer
	for _, c := range calls {
		fmt.Fprintf(&text, "%s %d", c.Door, c.NR)
		for _, a := range c.Args {
			fmt.Fprintf(&text, " %d", a)
		}
		fmt.Fprintln(&text)
	}
	out, err := memory("results", bytes.Repeat([]byte{untouched}, 8*len(calls)))
	if err != nil {
		return nil, nil, err
	}
	defer out.Close()
	var stderr bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, probe)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &text, out, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.WaitDelay = time.Second // if a child keeps standard error open
	if filter != nil {
		f, err := memory("filter", filter)
		if err != nil {
			return nil, nil, err
		}
		defer f.Close()
		cmd.ExtraFiles = []*os.File{f}
		cmd.Args = append(cmd.Args, "-filter", "/proc/self/fd/3")
	}
	if err := cmd.Run(); cmd.ProcessState == nil {
		return nil, nil, err
	} else if cmd.ProcessState.ExitCode() == 3 || stderr.Len() > 0 {
		return nil, nil, fmt.Errorf("probe: %w: %s", err, stderr.Bytes())
	}
	data := make([]byte, 8*len(calls))
	if _, err := out.ReadAt(data, 0); err != nil {
		return nil, nil, err
	}
	results := make([]Result, len(calls))
	for i := range results {
		slot := data[8*i:][:8]
		results[i] = Result{!bytes.Equal(slot, bytes.Repeat([]byte{untouched}, 8)), int64(binary.NativeEndian.Uint64(slot))}
	}
	return results, cmd.ProcessState, nil
}

// memory returns a file without a name.
func memory(name string, data []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err := f.WriteAt(data, 0); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
