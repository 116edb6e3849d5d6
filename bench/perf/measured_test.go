//go:build linux && amd64

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// TestJob has children install programs, and sees that they did.
func TestJob(t *testing.T) {
	j, err := newJob()
	if err != nil {
		t.Fatal(err)
	}
	answer := func(nr, ret uint32) []bpf.RawInstruction {
		return []bpf.RawInstruction{{Op: 0x20}, {Op: 0x15, K: nr, Jf: 1}, {Op: 0x06, K: ret}, {Op: 0x06, K: uint32(resolve.Allow)}}
	}
	if err := j.run(answer(cachedCall, uint32(resolve.Errno|77)), cachedCall, 0, 3); err != nil {
		t.Fatal(err)
	}
	if errno := syscall.Errno(-j.result); errno != 77 {
		t.Errorf("getppid under a filter that answers errno 77: %d", j.result)
	}
	for i := range maxChunks {
		if used := i < 3; used != (j.before[i] > 0) || used != (j.after[i] > 0) {
			t.Errorf("chunk %d of 3: %d and %d cycles", i, j.before[i], j.after[i])
		}
	}
	if j.install == 0 {
		t.Error("the installation took no cycles")
	}
	if err := j.run(answer(cachedCall, uint32(resolve.Allow)), cachedCall, 0, 1); err != nil || int(j.result) != os.Getpid() {
		t.Errorf("the child's parent is %d, not %d: %v", j.result, os.Getpid(), err)
	}
	if err := j.run(answer(cachedCall, uint32(resolve.KillProcess)), cachedCall, 0, 1); err == nil || !strings.Contains(err.Error(), "ended early") {
		t.Errorf("a killed child: %v", err)
	}
	if err := j.run(answer(unix.SYS_EXIT_GROUP, uint32(denied)), cachedCall, 0, 0); err == nil || !strings.Contains(err.Error(), "can't exit") {
		t.Errorf("a program under which no process ends: %v", err)
	}
	shift := append([]bpf.RawInstruction{{Op: 0x05, K: 1}, {Op: 0xffff}}, answer(0, uint32(resolve.Allow))...)
	if err := j.run(shift, cachedCall, 0, 0); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("a program that the kernel doesn't take: %v", err)
	}
}

// TestMeasured measures a little of everything: that there are values, not which.
func TestMeasured(t *testing.T) {
	j, err := newJob()
	if err != nil {
		t.Fatal(err)
	}
	_, prog := compileOurs(t, "profile.json", string(dockerProfile(t).json), oneABI)
	subjects := []*subject{{prog: prog}, {prog: forms[0].naive(384)}}
	if err := installs(j, subjects, 3); err != nil {
		t.Fatal(err)
	}
	cached, err := calls(j, subjects, 2, cachedCall, 0)
	if err != nil {
		t.Fatal(err)
	}
	if parent := int(j.result); parent != os.Getpid() {
		t.Errorf("getppid was answered with %d", parent)
	}
	uncached, err := calls(j, subjects[:1], 2, uncachedCall, uncachedArg)
	if err != nil || int(j.result) < 0 {
		t.Errorf("personality was answered with %d: %v", j.result, err)
	}
	for i, s := range subjects {
		if len(s.install) != 3 || slices.Min(s.install) <= 0 || len(cached[i]) != 2 {
			t.Errorf("subject %d: installs %v, calls %v", i, s.install, cached[i])
		}
	}
	if len(uncached[0]) != 2 {
		t.Errorf("uncached calls: %v", uncached)
	}
	if always, _ := inspect.ConstAllow(prog, auditX86_64, cachedCall); !always {
		t.Error("the cached call is not in the cache")
	}
	if always, _ := inspect.ConstAllow(prog, auditX86_64, uncachedCall); always {
		t.Error("the uncached call is in the cache")
	}
}

// TestNaive runs naive code of both forms on every number, with lists at the reach of a jump.
func TestNaive(t *testing.T) {
	for _, f := range forms {
		for _, n := range append(sizes(), 249, 250, 251, 252) {
			prog := f.naive(n)
			_, list := f.list(n)
			if blocks := (n + 249) / 250; len(list) != n || len(prog) != 4+n+2*blocks+1 {
				t.Fatalf("%s, %d calls: a list of %d, %d instructions", f.name, n, len(list), len(prog))
			}
			for nr := range uint32(500) {
				want := f.otherwise
				if slices.Contains(list, nr) {
					want = f.listed
				}
				got, _, err := inspect.Run(prog, false, resolve.Call{Arch: auditX86_64, NR: nr})
				if err != nil || got != want {
					t.Fatalf("%s, %d calls: number %d gets %v, %v; want %v", f.name, n, nr, got, err, want)
				}
			}
			if got, _, _ := inspect.Run(prog, false, resolve.Call{Arch: auditI386}); got != resolve.KillProcess {
				t.Fatalf("%s, %d calls: i386 gets %v", f.name, n, got)
			}
		}
	}
}

// TestForms proves that naive code and ours decide alike, but for x32, so that the curve compares like with like.
func TestForms(t *testing.T) {
	for _, f := range forms {
		answer := f.otherwise.Format(arch.Lookup(oneABI))
		for _, n := range []int{1, 100, 384} {
			target, prog := compileOurs(t, "curve.yaml", f.policy(n), oneABI)
			list, err := differences(target, prog, f.naive(n))
			want := "all calls of x32: `" + answer + "`, ours `kill_process`"
			if got := strings.Join(describe(target, list), "\n"); err != nil || got != want {
				t.Errorf("%s, %d calls: naive code differs:\n%s\nand %v; want\n%s", f.name, n, got, err, want)
			}
		}
	}
}

func TestSample(t *testing.T) {
	s := sample{5, 1, 4, 2, 3}
	if s.median() != 3 || s.quantile(0.25) != 2 || s.quantile(0) != 1 || s.quantile(1) != 5 {
		t.Errorf("quantiles %v %v %v %v", s.median(), s.quantile(0.25), s.quantile(0), s.quantile(1))
	}
	if got := s.over(sample{5, 2, 2, 1, 3}); !slices.Equal(got, sample{1, 0.5, 2, 2, 1}) {
		t.Errorf("ratios %v", got)
	}
	var turns [3]int
	fails := errors.New("fails")
	err := interleave(3, 4, func(i int) error {
		if turns[i]++; turns[i] == 4 {
			return fails
		}
		return nil
	})
	if err != fails || slices.Min(turns[:]) < 3 {
		t.Errorf("turns %v, %v", turns, err)
	}
}

// made is a report with everything in it, nothing of it measured: the times follow from the given constants.
func made(a, b, c float64) *report {
	r := &report{Rounds: 1, CallRounds: 1, AllowAll: sample{a}}
	subject := func(n, steps int) subject {
		cost := a + b*float64(n) + c*float64(steps)
		return subject{figures: figures{instructions: n, steps: steps, modelled: cost}, install: sample{cost}}
	}
	for i := range 3 {
		r.programs = append(r.programs, &program{compiler: "c" + strconv.Itoa(i), abis: oneABI, subject: subject(10+i, 500-i*i), cached: sample{1}, uncached: sample{2}})
	}
	for range forms {
		var list []*point
		for i, n := range sizes() {
			list = append(list, &point{n: n, naive: subject(n, n*n), ours: subject(n/2, 90*i)})
		}
		r.curve = append(r.curve, list)
	}
	r.stages = []stage{{"everything", map[string]time.Duration{oneABI: time.Millisecond}}}
	return r
}

// TestFit finds the constants that times were made from.
func TestFit(t *testing.T) {
	r := made(120, 0.25, 0.005)
	r.fitModel()
	for i, want := range []float64{120, 0.25, 0.005} {
		if math.Abs(r.fit[i]/want-1) > 1e-6 {
			t.Errorf("constant %d is %v, want %v", i, r.fit[i], want)
		}
	}
}

// TestWrite writes the page and looks at the plots: well-formed, and nothing outside.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	r := made(12, 0.17, 0.0024)
	r.fitModel()
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{r.Counts(), r.Times(), r.Stages(), r.Rules(), r.Differences(), "12 us + 0.17 us for each instruction + 0.0024 us for each step"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks\n%s", want)
		}
	}
	plots, err := filepath.Glob(filepath.Join(dir, "*.svg"))
	if err != nil || len(plots) != 3 {
		t.Fatalf("plots %q, %v", plots, err)
	}
	for _, file := range plots {
		if !strings.Contains(string(page), "("+filepath.Base(file)+")") {
			t.Errorf("the page doesn't show %s", filepath.Base(file))
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		checkPlot(t, filepath.Base(file), string(text))
	}
}

func checkPlot(t *testing.T, name, text string) {
	var height float64
	elements := map[string]int{}
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		elements[e.Name.Local]++
		for _, a := range e.Attr {
			limit := map[string]float64{"x": width, "x1": width, "x2": width, "cx": width, "width": width,
				"y": height, "y1": height, "y2": height, "cy": height, "height": height}[a.Name.Local]
			values := []string{a.Value}
			switch {
			case a.Name.Local == "viewBox":
				if height, err = strconv.ParseFloat(strings.Fields(a.Value)[3], 64); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				continue
			case a.Name.Local == "points":
				values, limit = strings.FieldsFunc(a.Value, func(r rune) bool { return r == ' ' || r == ',' }), max(width, height)
			case limit == 0:
				continue
			}
			for _, text := range values {
				if v, err := strconv.ParseFloat(text, 64); err != nil || v < 0 || v > limit {
					t.Errorf("%s: <%s %s=%q>, the limit is %v", name, e.Name.Local, a.Name.Local, text, limit)
				}
			}
		}
	}
	if height == 0 || elements["text"] < 8 || elements["polyline"]+elements["rect"] < 4 {
		t.Errorf("%s has height %v and elements %v", name, height, elements)
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.0024: "0.002", 0.5: "0.5", 1.234: "1.23", 9.3: "9.3", 12.34: "12.3", 123.4: "123", 1000: "1000"} {
		if got := number(v); got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
	for x, want := range map[float64]float64{0.7: 1, 1: 1, 1.1: 2, 3: 5, 6: 10, 20: 20, 21: 50} {
		if got := roundStep(x); math.Abs(got-want) > 1e-9 {
			t.Errorf("steps of %v for %v, want %v", got, x, want)
		}
	}
}
