//go:build linux && amd64

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/compiler/resolve"
)

// compileLibseccomp compiles the program that calls libseccomp, source, into the folder dir.
func compileLibseccomp(source, dir string) (program string, err error) {
	program = filepath.Join(dir, "libseccomp")
	out, err := exec.Command("cc", "-O2", "-o", program, source, "-lseccomp").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w; it needs a C compiler and libseccomp-dev\n%s", err, out)
	}
	return program, nil
}

// libseccompRules states the calls as the C program reads them.
func libseccompRules(calls []*call, otherwise resolve.Action) (string, error) {
	operators := map[specs.LinuxSeccompOperator]string{
		specs.OpEqualTo: "EQ", specs.OpLessThan: "LT", specs.OpMaskedEqual: "MASKED_EQ",
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%x\n", uint32(otherwise))
	for _, c := range calls {
		number := "-1"
		if nr, ok := c.number(); ok {
			number = strconv.Itoa(int(nr))
		}
		rules := c.alternatives
		if len(rules) == 0 {
			rules = []conjunction{nil}
		}
		for _, all := range rules {
			fmt.Fprintf(&b, "%x %s %s %d", uint32(c.action), c.name, number, len(all))
			for _, a := range all {
				if operators[a.Op] == "" {
					return "", fmt.Errorf("%s: operator %q", c.name, a.Op)
				}
				fmt.Fprintf(&b, " %d %s %x %x", a.Index, operators[a.Op], a.Value, a.ValueTwo)
			}
			b.WriteByte('\n')
		}
	}
	return b.String(), nil
}

// A libseccompRun is what libseccomp made of rules.
type libseccompRun struct {
	version string
	prog    []bpf.RawInstruction
	built   time.Duration // median
}

// runLibseccomp has the compiled C program build a filter runs times. Level 1 is linear, 2 a tree.
func runLibseccomp(program, rules string, level, runs int, archs ...string) (*libseccompRun, error) {
	cmd := exec.Command(program, append([]string{strconv.Itoa(level), strconv.Itoa(runs)}, archs...)...)
	cmd.Stdin = strings.NewReader(rules)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("libseccomp: %w\n%s", err, stderr.Bytes())
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Scan()
	r := &libseccompRun{}
	if _, err := fmt.Sscan(lines.Text(), &r.version, (*int64)(&r.built)); err != nil {
		return nil, fmt.Errorf("libseccomp: first line %q: %w", lines.Text(), err)
	}
	for lines.Scan() {
		var in bpf.RawInstruction
		if _, err := fmt.Sscan(lines.Text(), &in.Op, &in.Jt, &in.Jf, &in.K); err != nil {
			return nil, fmt.Errorf("libseccomp: instruction %q: %w", lines.Text(), err)
		}
		r.prog = append(r.prog, in)
	}
	return r, nil
}
