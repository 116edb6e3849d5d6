//go:build linux

package main

import (
	"bufio"
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// goarchs returns the GOARCHes that Linux has for Go: each has an entry of the loader's own.
func goarchs(t *testing.T) (archs []string) {
	t.Helper()
	out, err := exec.Command("go", "tool", "dist", "list").Output()
	if err != nil {
		t.Fatalf("go tool dist list: %v", err)
	}
	for system := range strings.FieldsSeq(string(out)) {
		if arch, ok := strings.CutPrefix(system, "linux/"); ok {
			archs = append(archs, arch)
		}
	}
	if !slices.Contains(archs, runtime.GOARCH) {
		t.Fatalf("go tool dist list: %q", out)
	}
	return archs
}

// TestCalls walks the calls of what runs before the Go runtime, in the compiler's listing: all are of nosplit functions,
// and none is indirect.
func TestCalls(t *testing.T) {
	for _, arch := range goarchs(t) {
		t.Run(arch, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command("go", "build", "-o", os.DevNull, "-gcflags=github.com/seccompc/seccompc/...=-S",
				"-gcflags=syscall=-S", "-asmflags=internal/runtime/syscall/linux=-S", "-asmflags=runtime=-S",
				"-asmflags=github.com/seccompc/seccompc/...=-S", ".")
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("go build: %v\n%s", err, out)
			}
			funcs := listing(out)
			seen := map[string]bool{}
			var walk func(name, from string)
			walk = func(name, from string) {
				if seen[name] {
					return
				}
				seen[name] = true
				f := funcs[name]
				switch {
				case f == nil:
					t.Errorf("%s calls %s, which is neither the loader's own nor assembly", from, name)
				case !f.nosplit:
					t.Errorf("%s calls %s, which is not nosplit", from, name)
				default:
					if f.indirect {
						t.Errorf("%s has an indirect call", name)
					}
					for _, callee := range f.calls {
						walk(callee, name)
					}
				}
			}
			walk("main.direct", "the entry")
			for _, want := range []string{"main.examine", "main.locate", "syscall.RawSyscall6", "internal/runtime/syscall/linux.Syscall6"} {
				if !seen[want] {
					t.Errorf("the walk of %d functions did not meet %s", len(seen), want)
				}
			}
		})
	}
}

// A function of the listing.
type function struct {
	nosplit, indirect bool
	calls             []string
}

var (
	head  = regexp.MustCompile(`^(\S+) STEXT (.*)size=`)
	reloc = regexp.MustCompile(`^\trel \d+\+\d+ t=(\S+) ([^+]*)`)
)

func listing(out []byte) map[string]*function {
	funcs := map[string]*function{}
	var f *function
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if m := head.FindStringSubmatch(line); m != nil {
			// A wrapper for assembly (dupok) comes behind the function that it calls, under the same name.
			f = &function{nosplit: strings.Contains(m[2], "nosplit ")}
			if funcs[m[1]] == nil || !strings.Contains(m[2], "dupok ") {
				funcs[m[1]] = f
			}
		}
		m := reloc.FindStringSubmatch(line)
		switch {
		case m == nil || f == nil:
		case m[1] == "R_CALLIND":
			f.indirect = true
		case strings.Contains(m[1], "CALL") || strings.Contains(m[1], "JAL") || strings.Contains(m[1], "JMP") || strings.HasPrefix(m[2], "runtime."):
			f.calls = append(f.calls, m[2])
		}
	}
	return funcs
}

// TestDist builds what is distributed: static, not position-independent, without an interpreter, which a scratch image
// lacks, and entered directly.
func TestDist(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("make", "-C", "../..", "dist", "DIST="+dir, "ARCHES="+runtime.GOARCH).CombinedOutput(); err != nil {
		t.Fatalf("make dist: %v\n%s", err, out)
	}
	loader := filepath.Join(dir, "seccomp-load-"+runtime.GOARCH)
	if info, err := os.Stat(loader); err != nil || info.Size() > 1_500_000 {
		t.Errorf("%d bytes, error %v: it grows by a fifth when something imports fmt or os", info.Size(), err)
	}
	f, err := elf.Open(loader)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Type != elf.ET_EXEC {
		t.Errorf("type %v", f.Type)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("program header %v", p.Type)
		}
	}
	if f.Section(".symtab") != nil {
		t.Error("it is not stripped")
	}
	if out, err := exec.Command(loader, "--version").Output(); err != nil || !strings.HasSuffix(string(out), "entry: direct\n") {
		t.Errorf("--version: %q, error %v", out, err)
	}
	if sums, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS")); err != nil || !strings.HasSuffix(string(sums), "  seccomp-load-"+runtime.GOARCH+"\n") {
		t.Errorf("sums %q, error %v", sums, err)
	}
}
