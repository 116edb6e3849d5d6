//go:build linux

package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// serial is what a machine's line has: the firmware's words before ours, and carriage returns.
const serial = "SeaBIOS\x1b[2Jvms: kernel 6.1.0-50-cloud-amd64 x86_64\r\n" +
	"vms: ok numbers x86_64 533 up to 0x217, not 335\r\n" +
	"[    1.0] something else\r\n" +
	"vms: ok words x86_64 21323 calls meet each of 45 rules\r\n" +
	"vms: ok actions x86_64 8 errno, log with its record\r\n" +
	"vms: ok planted x86_64 2238 of 7096 calls\r\nvms: ok planted x86_64 1 of 533 numbers\r\n" +
	"vms: ok process x86_64 12 threads\r\nvms: ok loader x86_64 10 calls\r\nvms: ok loader x86_64 11 exit codes\r\n" +
	"vms: skip words 386 0 this kernel runs no such programs\r\n"

func said(name, log string, err error) *record {
	r := &record{name: name, err: err}
	r.log.WriteString(log)
	r.parse()
	return r
}

// TestFailed: a machine passes only if it came to its end and nothing it said is a failure.
func TestFailed(t *testing.T) {
	for _, tt := range []struct {
		name, log string
		err       error
		want      bool
	}{
		{"done", serial + "vms: done\r\n", nil, false},
		{"not done", serial, nil, true},
		{"a failure", serial + "vms: fail loader x86_64 0 exit code 0, not 125\r\nvms: done\r\n", nil, true},
		{"the emulator's error", serial + "vms: done\r\n", errors.New("exit status 1"), true},
		{"nothing", "", nil, true},
	} {
		if r := said("amd64", tt.log, tt.err); r.failed() != tt.want {
			t.Errorf("%s: failed %v, want %v", tt.name, r.failed(), tt.want)
		}
	}
}

// TestPage: rows come from the machine's words; those of machines that were not run stay; and the page is held to what was
// said, but for the kernel's release.
func TestPage(t *testing.T) {
	const host = "vms: ok simulated x86_64 245662 calls\nvms: ok simulated i386 1 call\nvms: done\n"
	logs := []*record{said("host", host, nil), said("amd64", serial+"vms: done\r\n", nil)}
	page := render(logs, []byte("| i386 | 7 | arm64 | 6.1.0 | 535 | 1 | 8 | 2 | 0x0 |\n| arm64 | 9 | 11 |\n- arm64: something\n- amd64: old\n"))
	for _, want := range []string{
		"| x86_64 | 245662 | amd64 | 6.1.0-50-cloud-amd64 | 533 | 21323 | 8 | 2 | none |\n", "| i386 | 1 | arm64 | 6.1.0 | 535 | 1 | 8 | 2 | 0x0 |\n",
		"| csky |  |  |  |  |  |  |  |  |\n", "| amd64 | 10 | 11 |\n", "| arm64 | 9 | 11 |\n", "- amd64: words of 386: this kernel runs no such programs\n",
		"- amd64: numbers of x86_64: not 335\n", "- arm64: something\n",
	} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if bytes.Contains(page, []byte("- amd64: old")) {
		t.Error("a line of a machine that was run stays")
	}
	if again := render(logs, page); !bytes.Equal(again, page) {
		t.Errorf("written again: %s", cmp.Diff(string(page), string(again)))
	}
	if only := render(logs[:1], page); !bytes.Equal(only, page) {
		t.Errorf("without amd64: %s", cmp.Diff(string(page), string(only)))
	}
	if code := hold(bytes.Replace(page, []byte("6.1.0-50"), []byte("6.1.0-51"), 1), page); code != 0 {
		t.Error("another release is taken for a difference")
	}
	for _, change := range [][2]string{{"533", "532"}, {"| 2 | none |", "| 1 | none |"}, {"| amd64 | 10", "| amd64 | 11"}, {"not 335", ""}} {
		if code := hold(bytes.Replace(page, []byte(change[0]), []byte(change[1]), 1), page); code == 0 {
			t.Errorf("%q for %q is not noticed", change[1], change[0])
		}
	}
}

// TestInitrd reads the archive as its format says.
func TestInitrd(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"guest": "12345", "empty": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	archive, err := initrd(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for at := 0; at < len(archive); {
		field := func(i int) (n int) {
			for _, c := range archive[at+6+8*i : at+14+8*i] {
				n = n<<4 | strings.IndexByte("0123456789abcdef", c)
			}
			return n
		}
		if magic := string(archive[at : at+6]); magic != "070701" {
			t.Fatalf("magic %q at %d", magic, at)
		}
		size, name := field(6), field(11)
		start := at + 110
		data := (start + name + 3) &^ 3
		got = append(got, string(archive[start:start+name])+string(archive[data:data+size]))
		at = (data + size + 3) &^ 3
	}
	want := []string{"dev\x00", "dev/console\x00", "empty\x00", "guest\x0012345", "TRAILER!!!\x00"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
