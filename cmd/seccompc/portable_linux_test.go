package main

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var cross = flag.Bool("cross", false, "build for every machine, and compile every policy each time: make test-qemu")

// policies returns the shipped policies' names, without extension, and their blobs as they are checked in.
func policies(t *testing.T) (names []string, blobs map[string][]byte) {
	t.Helper()
	files, err := filepath.Glob("../../policies/*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("policies %q, error %v", files, err)
	}
	blobs = map[string][]byte{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		names = append(names, name)
		if blobs[name], err = os.ReadFile("../../policies/" + name + ".seccomp"); err != nil {
			t.Fatal(err)
		}
	}
	return names, blobs
}

// build builds a program for another machine, to FILE or nowhere, with the build cache.
func build(file, program string, env ...string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-o", file, "../"+program)
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", strings.Join(env, " "), cmd, err, out)
	}
	return nil
}

// TestBytes compiles the policies with seccompc built for machines that differ in what could reach the bytes: the width of
// words, their order, and whether the compiler of Go may round once for a product and a sum, as it does on arm64, s390x and
// new machines of amd64. What this kernel doesn't run, qemu's emulation of a process does.
func TestBytes(t *testing.T) {
	names, blobs := policies(t)
	const words = "../vms/testdata/words" // its conditions are on both halves of registers, which compilers of Go can get wrong
	names = append([]string{words}, names...)
	var err error
	if blobs[words], err = os.ReadFile("../../policies/" + words + ".seccomp"); err != nil {
		t.Fatal(err)
	}
	for _, machine := range []struct{ env, qemu string }{
		{"GOARCH=amd64 GOAMD64=v1", "x86_64"}, {"GOARCH=amd64 GOAMD64=v3", "x86_64"}, {"GOARCH=386", "i386"}, {"GOARCH=arm64", "aarch64"},
		{"GOARCH=s390x", "s390x"},
	} {
		t.Run(machine.env, func(t *testing.T) {
			dir := t.TempDir()
			program, out := filepath.Join(dir, "seccompc"), filepath.Join(dir, "out")
			if err := build(program, "seccompc", strings.Fields(machine.env)...); err != nil {
				t.Fatal(err)
			}
			command, some := []string{program}, names
			if exec.Command(program, "--version").Run() != nil {
				qemu, err := exec.LookPath("qemu-" + machine.qemu + "-static")
				if err != nil {
					t.Skipf("%v: make test-qemu installs it", err)
				}
				command = []string{qemu, "-cpu", "max", program}
				if !*cross {
					some = names[:3]
				}
			}
			for _, name := range some {
				args := append(command[1:len(command):len(command)], "compile", "-o", out, "../../policies/"+name+".yaml")
				if text, err := exec.Command(command[0], args...).CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", name, err, text)
				}
				if data, err := os.ReadFile(out); err != nil || !bytes.Equal(data, blobs[name]) {
					t.Errorf("%s: not the bytes that are checked in, error %v", name, err)
				}
			}
		})
	}
}

// TestAnywhere compiles 100 times, in changing places, time zones, locales and environments, and with one processor or more.
func TestAnywhere(t *testing.T) {
	names, blobs := policies(t)
	program := filepath.Join(t.TempDir(), "seccompc")
	if err := build(program, "seccompc"); err != nil {
		t.Fatal(err)
	}
	home, err := filepath.Abs("../../policies")
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "a b", "ß%s")
	if err := os.CopyFS(copied, os.DirFS(home)); err != nil {
		t.Fatal(err)
	}
	places := []struct{ dir, policies string }{
		{home, "."}, {filepath.Dir(home), "policies"}, {"/", home}, {copied, "."}, {t.TempDir(), copied}, {filepath.Dir(copied), "./ß%s/../ß%s"},
	}
	zones := []string{"UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati", ":/no/such/zone"}
	locales := []string{"C", "C.UTF-8", "tr_TR.UTF-8", "ja_JP.eucJP", "de_DE.ISO-8859-1", "ar_EG.UTF-8", ""}
	met := map[[sha256.Size]byte]string{}
	for i := range 100 {
		place := places[i%len(places)]
		env := []string{"TZ=" + zones[i%len(zones)], "LC_ALL=" + locales[i%len(locales)], "LANG=" + locales[i/2%len(locales)], fmt.Sprint("GOMAXPROCS=", 1+i%4),
			"TMPDIR=/no/such/folder", fmt.Sprintf("NOISE%d=%s", i, strings.Repeat("x", 100*i))}
		if i%11 == 0 {
			env = []string{}
		}
		some := names[i%len(names):][:1]
		if *cross {
			some = names
		}
		for _, name := range some {
			out := filepath.Join(t.TempDir(), name)
			cmd := exec.Command(program, "compile", "-o", out, filepath.ToSlash(place.policies)+"/"+name+".yaml")
			cmd.Dir, cmd.Env = place.dir, env
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("in %s with %.200q: %v\n%s", place.dir, env, err, text)
			}
			data, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			met[sha256.Sum256(data)] = name
			if !bytes.Equal(data, blobs[name]) {
				t.Errorf("compilation %d of %s, in %s with %.200q, gives other bytes", i, name, place.dir, env)
			}
		}
	}
	if len(met) != len(names) {
		t.Errorf("%d digests of %d policies", len(met), len(names))
	}
}

// TestCrossCompile builds both programs for every machine that Go has Linux for, and seccompc for where else people write
// policies.
func TestCrossCompile(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	list, err := exec.Command("go", "tool", "dist", "list").Output()
	if err != nil {
		t.Fatal(err)
	}
	var machines []string
	for _, m := range regexp.MustCompile(`(?m)^linux/(\w+)$`).FindAllSubmatch(list, -1) {
		machines = append(machines, string(m[1]))
	}
	arches := regexp.MustCompile(`(?m)^ARCHES = (.*)$`).FindSubmatch(makefile)
	if arches == nil || !slices.Equal(strings.Fields(string(arches[1])), machines) {
		t.Errorf("make dist builds for %q, Go has Linux for %q", arches, machines)
	}
	if !*cross {
		t.Skip("the builds take minutes: make test-qemu")
	}
	for _, machine := range machines {
		for _, program := range []string{"seccompc", "seccomp-load"} {
			if err := build(os.DevNull, program, "GOOS=linux", "GOARCH="+machine); err != nil {
				t.Error(err)
			}
		}
	}
	for _, system := range []string{"darwin", "windows"} {
		for _, machine := range []string{"amd64", "arm64"} {
			if err := build(os.DevNull, "seccompc", "GOOS="+system, "GOARCH="+machine); err != nil {
				t.Error(err)
			}
		}
	}
	t.Logf("both programs for Linux on %q, seccompc for darwin and windows", machines)
}
