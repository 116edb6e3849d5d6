package policies

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A filter of a pipe in C, with a thread, a large allocation and stdio.
const filterC = `
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
static void *upper(void *line) {
	char *copy = malloc(300000);
	strcpy(copy, line);
	for (char *c = copy, *to = line; *c; c++) *to++ = *c >= 'a' && *c <= 'z' ? *c + 'A' - 'a' : *c;
	free(copy);
	return 0;
}
int main(void) {
	char *line = 0;
	size_t n = 0;
	for (int i = 0; getline(&line, &n, stdin) > 0; fputs(line, stdout)) {
		pthread_t t;
		if (i++ % 100 == 0 && (pthread_create(&t, 0, upper, line) || pthread_join(t, 0))) return 3;
	}
	fprintf(stderr, "%d\n", time(0) > 0);
	return fclose(stdin) || fclose(stdout) ? 4 : 0;
}
`

const filterRust = `
use std::io::{self, BufRead, Write};
fn main() {
    let mut lines: Vec<String> = io::stdin().lock().lines().map(|l| l.unwrap()).collect();
    lines = std::thread::spawn(move || { lines.sort(); lines }).join().unwrap();
    let set: std::collections::HashSet<&String> = lines.iter().collect();
    let mut out = io::stdout().lock();
    for l in &lines { writeln!(out, "{} {}", l, set.len()).unwrap(); }
}
`

// A filter is a command for the plugin policy.
type filter struct {
	name    string
	command []string
}

// filters builds filters of every kind that this machine can build.
func filters(t *testing.T) (list []filter) {
	t.Helper()
	dir := t.TempDir()
	goFilter := build(t, "", "./testdata/filter")
	for _, how := range []string{"copy", "sort", "gzip", "work"} {
		list = append(list, filter{"Go " + how, []string{goFilter, how}})
	}
	for _, v := range []struct{ name, source, compile string }{
		{"filter.c", filterC, "gcc -O -static -pthread"},
		{"filter.c", filterC, "musl-gcc -O -static"},
		{"filter.rs", filterRust, "rustc -O -C target-feature=+crt-static"},
	} {
		compile := strings.Fields(v.compile)
		if _, err := exec.LookPath(compile[0]); err != nil {
			t.Logf("not tried: %v", err)
			continue
		}
		source, out := filepath.Join(dir, v.name), filepath.Join(dir, compile[0]+"-filter")
		if err := os.WriteFile(source, []byte(v.source), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(compile[0], append(compile[1:], "-o", out, source)...)
		if msg, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", cmd.Args, err, msg)
		}
		list = append(list, filter{v.compile, []string{out}})
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Logf("not tried: %v", err)
		return list
	}
	if dynamic(t, busybox) {
		t.Logf("not tried: %s is a dynamic program", busybox)
		return list
	}
	for _, c := range []string{"sort -n", "gzip -c", "sed s/1/x/", "wc", "awk {s+=$1}END{print(s)}", "sha256sum", "head -n 3", "cat"} {
		list = append(list, filter{"busybox " + c, append([]string{busybox}, strings.Fields(c)...)})
	}
	return list
}

// dynamic reports whether a program names a dynamic linker.
func dynamic(t *testing.T, program string) bool {
	t.Helper()
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
}

// A source is a way to feed standard input.
type source struct {
	name string
	open func(t *testing.T, data []byte) *os.File
}

var sources = []source{
	{"a pipe", func(t *testing.T, data []byte) *os.File { return pipe(t, data, 0) }},
	{"a pipe that does not block", func(t *testing.T, data []byte) *os.File { return pipe(t, data, unix.O_NONBLOCK) }},
	{"a file", func(t *testing.T, data []byte) *os.File {
		path := filepath.Join(t.TempDir(), "in")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}},
}

func pipe(t *testing.T, data []byte, flags int) *os.File {
	t.Helper()
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(p[0], flags != 0); err != nil {
		t.Fatal(err)
	}
	r, w := os.NewFile(uintptr(p[0]), "pipe"), os.NewFile(uintptr(p[1]), "pipe")
	go func() {
		w.Write(data)
		w.Close()
	}()
	t.Cleanup(func() { r.Close() })
	return r
}

// feed runs a command with data on standard input, its output to a file and to a pipe.
func feed(t *testing.T, s source, data []byte, command []string) result {
	t.Helper()
	var stderr bytes.Buffer
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.open(t, data), out, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return result{string(read(t, out.Name())), stderr.String(), cmd.ProcessState.ExitCode()}
}

// TestPlugin runs filters without a policy and under it, and wants no difference.
func TestPlugin(t *testing.T) {
	supported(t)
	loader := build(t, "", "github.com/seccompc/seccompc/cmd/seccomp-load")
	var data []byte
	for i := range 8000 {
		data = fmt.Appendln(data, i*7919%8009, "lorem ipsum")
	}
	list := filters(t)
	same(t, loader, data, list)

	// The same would be seen of a policy that lacks a call.
	for _, v := range []struct{ filter, old, new string }{
		{"Go work", "epoll_create1, ", ""},
		{"Go work", "oneof(fd, 1, 2, 4)", "oneof(fd, 1, 2)"},
		{"Go sort", "CLONE_THREAD != 0", "CLONE_THREAD == 0"},
		{"gcc -O -static -pthread", "- errno(ENOSYS): [clone3]", ""},
		{"musl-gcc -O -static", "writev: oneof(fd, 1, 2)", "writev: fd == 2"},
		{"rustc -O -C target-feature=+crt-static", "poll, ppoll, ", ""},
	} {
		at := slices.IndexFunc(list, func(f filter) bool { return f.name == v.filter })
		if at < 0 {
			continue
		}
		command := append([]string{loader, variant(t, "plugin", v.old, v.new), "--"}, list[at].command...)
		if feed(t, sources[0], data, command) == feed(t, sources[0], data, list[at].command) {
			t.Errorf("%s without %q: nothing is amiss", v.filter, v.old)
		}
	}
}

// same runs filters from all sources without a policy and under plugin's, and wants no difference.
func same(t *testing.T, loader string, data []byte, list []filter) {
	t.Helper()
	for _, f := range list {
		for _, s := range sources {
			if s.name == "a pipe that does not block" && !strings.HasPrefix(f.name, "Go") {
				continue // they take EAGAIN for an error, and what comes of it differs each time
			}
			free := feed(t, s, data, f.command)
			if free.code != 0 || free.out == "" {
				t.Errorf("%s from %s without a policy: code %d, %s", f.name, s.name, free.code, free.err)
			}
			if under := feed(t, s, data, append([]string{loader, anybodys, "plugin.seccomp", "--"}, f.command...)); under != free {
				t.Errorf("%s from %s: code %d, %d bytes, %s\nwithout the policy: code %d, %d bytes, %s",
					f.name, s.name, under.code, len(under.out), under.err, free.code, len(free.out), free.err)
			}
		}
	}
}

// TestI386Plugin runs a 32-bit filter by a 32-bit loader, which takes plugin's program for i386. A loader for x86_64 takes
// that machine's, which kills the filter.
func TestI386Plugin(t *testing.T) {
	supported(t)
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "386" {
		t.Skipf("%s has no i386 programs", runtime.GOARCH)
	}
	program := build(t, "386", "./testdata/filter")
	if err := exec.Command(program, "copy").Run(); errors.Is(err, syscall.ENOEXEC) {
		t.Skip("this kernel runs no i386 programs")
	}
	loader := build(t, "386", "github.com/seccompc/seccompc/cmd/seccomp-load")
	data := bytes.Repeat([]byte("lorem ipsum\n"), 8000)
	same(t, loader, data, []filter{{"Go copy", []string{program, "copy"}}, {"Go sort", []string{program, "sort"}}, {"Go work", []string{program, "work"}}})
	native := build(t, "amd64", "github.com/seccompc/seccompc/cmd/seccomp-load")
	if r := feed(t, sources[0], data, []string{native, "plugin.seccomp", "--", program, "copy"}); r.code != -1 {
		t.Errorf("by a loader for x86_64: exit code %d, want death by SIGSYS", r.code)
	}
}

// TestPluginDenies tries everything else that a program could do, from a program under the policy.
func TestPluginDenies(t *testing.T) {
	supported(t)
	a := buildAttempts(t)
	want := func(action string) string {
		switch action {
		case "sendfile from a leaked descriptor", "a child by clone3":
			return "ENOSYS"
		case "typing for others":
			return "ENOTTY"
		case "execute a static program", "urge another's thread": // as the policy says
			return "ok"
		case "execute a dynamic program":
			if dynamic(t, "/bin/sh") {
				return "" // its dynamic linker opens nothing
			}
			return "ok"
		}
		return "EPERM"
	}
	for _, v := range a.check(t, "plugin.seccomp", want) {
		t.Error(v)
	}

	// The same would be seen of a policy that allows more.
	for _, v := range []struct{ action, old, new string }{
		{"open to read", "- allow: [close]", "- allow: [close, openat]"},
		{"write to a leaked descriptor", "oneof(fd, 1, 2, 4)", "fd >= 1"},
		{"map a leaked descriptor", "{mmap: flags & MAP_ANONYMOUS != 0}", "[mmap]"},
		{"move a leaked descriptor by fcntl", "F_GETFD, F_GETFL)", "F_GETFD, F_GETFL, F_DUPFD)"},
		{"a child by clone", "flags & CLONE_THREAD != 0 && flags & ~(CLONE_VM", "flags & ~(0xff|CLONE_VM"},
		{"another's processors", "sched_getaffinity: pid == 0", "sched_getaffinity: "},
		{"kill another's thread", "tgkill: sig == SIGURG", "tgkill: sig != SIGSTOP"},
		{"typing for others", "- errno(ENOTTY): [ioctl]", "- allow: [ioctl]"},
	} {
		if freely[v.action] == want(v.action) {
			continue // without a terminal
		}
		if got := a.try(t, variant(t, "plugin", v.old, v.new), v.action); got == want(v.action) {
			t.Errorf("%s with %q: still %s", v.action, v.new, got)
		}
	}
}
