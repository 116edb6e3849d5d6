//go:build linux

// Load compares seccomp-load with a loader in C without a libc (testdata/loader.c), which maps, installs and executes and checks nothing:
// whole processes from fork to exit, in turn, with the same program and the same command. It needs a C compiler and make.
//
//	go run ./load [-rounds N] [BLOB...]
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/blob/load"
)

func main() {
	rounds := flag.Int("rounds", 3000, "how often each is run")
	flag.Parse()
	blobs := flag.Args()
	if len(blobs) == 0 {
		blobs = []string{"../policies/toaster.seccomp", "../policies/docker-default.seccomp"}
	}
	if err := run(*rounds, blobs); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(rounds int, blobs []string) error {
	dir, err := os.MkdirTemp("", "load")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, build := range [][]string{
		{cc, "-O2", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-o", in("c"), "load/testdata/loader.c"},
		{cc, "-O2", "-o", in("rounds"), "load/testdata/rounds.c"},
		{"make", "-s", "-C", "..", "dist", "DIST=" + dir, "ARCHES=" + runtime.GOARCH},
		{"go", "-C", "..", "build", "-trimpath", "-buildmode=exe", "-ldflags=-s -w", "-o", in("plain"), "./cmd/seccomp-load"},
	} {
		cmd := exec.Command(build[0], build[1:]...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%q: %w\n%s", build, err, out)
		}
	}
	direct := in("seccomp-load-" + runtime.GOARCH)
	for _, file := range blobs {
		b, err := load.Read(file)
		if err != nil {
			return err
		}
		t, err := load.Select(b)
		if err != nil {
			return err
		}
		if err := os.WriteFile(in("program"), t.Program, 0o600); err != nil {
			return err
		}
		if err := measure(rounds, in("rounds"), b, t, [][]string{
			{in("c"), in("program"), in("c")},
			{direct, file, "--", in("c")},
			{in("plain"), file, "--", in("c")},
			{in("c")},
		}); err != nil {
			return err
		}
		if err := inherit(rounds, []string{in("rounds"), "100", in("c")}, []string{direct, file, "--"}); err != nil {
			return err
		}
	}
	return nil
}

// inherit prints what the command takes alone, and under a filter that it inherits from what starts it: batches in turn.
func inherit(rounds int, batch, loader []string) error {
	var times [2][]float64
	for range rounds / 100 {
		for i, command := range [][]string{batch, append(loader[:len(loader):len(loader)], batch...)} {
			out, err := exec.Command(command[0], command[1:]...).Output()
			if err != nil {
				return err
			}
			for _, f := range strings.Fields(string(out)) {
				var ns float64
				if _, err := fmt.Sscan(f, &ns); err != nil {
					return err
				}
				times[i] = append(times[i], ns/1e3)
			}
		}
	}
	fmt.Printf("the command alone %.1f us (%.1f to %.1f), under a filter that it inherits %.1f us (%.1f to %.1f)\n\n",
		quantile(times[0], 2), quantile(times[0], 1), quantile(times[0], 3), quantile(times[1], 2), quantile(times[1], 1), quantile(times[1], 3))
	return nil
}

// measure prints medians: the first command is what the others are compared with, round by round.
func measure(rounds int, harness string, b *blob.Blob, t *blob.Target, commands [][]string) error {
	args := []string{fmt.Sprint(rounds)}
	for i, c := range commands {
		if i > 0 {
			args = append(args, "/")
		}
		args = append(args, c...)
	}
	cmd := exec.Command(harness, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	times, ratios := make([][]float64, len(commands)), make([][]float64, len(commands))
	for line := range bytes.Lines(out) {
		fields := strings.Fields(string(line))
		var base float64
		for i, f := range fields {
			var ns float64
			if _, err := fmt.Sscan(f, &ns); err != nil {
				return err
			}
			if i == 0 {
				base = ns
			}
			times[i] = append(times[i], ns/1e3)
			ratios[i] = append(ratios[i], ns/base)
		}
	}
	fmt.Printf("policy %s, %s, %d instructions, %d rounds\n\n", b.Name, t.Label, t.Instructions(), rounds)
	fmt.Printf("| | us from fork to exit, median (quartiles) | ratio to C, median (quartiles) |\n|---|---|---|\n")
	for i, name := range []string{"C without a libc", "seccomp-load", "seccomp-load, built without -E", "the command alone"} {
		fmt.Printf("| %s | %.0f (%.0f to %.0f) | %.2f (%.2f to %.2f) |\n", name,
			quantile(times[i], 2), quantile(times[i], 1), quantile(times[i], 3), quantile(ratios[i], 2), quantile(ratios[i], 1), quantile(ratios[i], 3))
	}
	fmt.Println()
	return nil
}

// quantile returns a quartile: 2 is the median.
func quantile(x []float64, quarter int) float64 {
	slices.Sort(x)
	return x[len(x)*quarter/4]
}
