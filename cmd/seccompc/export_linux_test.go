package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/inspect"
)

// TestBubblewrap has bubblewrap run commands under what export writes in its format.
func TestBubblewrap(t *testing.T) {
	bwrap, err := exec.LookPath("bwrap")
	if err != nil {
		t.Skip("bubblewrap is not installed: Debian has it in the package bubblewrap")
	}
	box := []string{"--ro-bind", "/", "/", "--tmpfs", "/tmp"}
	if out, err := exec.Command(bwrap, append(slices.Clip(box), "--", "true")...).CombinedOutput(); err != nil {
		t.Skipf("bubblewrap makes no namespaces here: %v, %s", err, out)
	}
	dir := t.TempDir()
	policy := filepath.Join(dir, "odd.yaml")
	src := "seccompc: 1\ndefault: allow\ntargets: [" + arch.Host().Name + ", " + other() + "]\nrules:\n  - errno(EXDEV): [mkdir, mkdirat]\n"
	if err := os.WriteFile(policy, []byte(src), 0o666); err != nil {
		t.Fatal(err)
	}
	raw := filepath.Join(dir, "odd.bpf")
	for _, args := range [][]string{
		{"compile", "--findings=warn", policy},
		{"export", "--format", "raw", "--target", arch.Host().Name, "-o", raw, filepath.Join(dir, "odd.seccomp")},
	} {
		if out, err := exec.Command("seccompc", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	under := func(filter string, command ...string) (string, error) {
		args := box
		f, err := os.Open(filter)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if filter != os.DevNull {
			args = append(slices.Clip(box), "--seccomp", "3")
		}
		cmd := exec.Command(bwrap, append(append(slices.Clip(args), "--"), command...)...)
		cmd.Env = append(os.Environ(), "LC_ALL=C")
		cmd.ExtraFiles = []*os.File{f}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := under(os.DevNull, "mkdir", "/tmp/made"); err != nil {
		t.Errorf("without a filter: %v\n%s", err, out)
	}
	if out, err := under(raw, "true"); err != nil {
		t.Errorf("true: %v\n%s", err, out)
	}
	if out, err := under(raw, "mkdir", "/tmp/made"); err == nil || !strings.Contains(out, "Invalid cross-device link") {
		t.Errorf("mkdir, which is denied: %v\n%s", err, out)
	}
}

// other is the name of an ABI that this machine doesn't have.
func other() string {
	if arch.Host().Name == "riscv64" {
		return "s390x"
	}
	return "riscv64"
}

// TestProfiles exports each target of the shipped blobs as an OCI profile. What comes out is read again, from nothing but its text,
// and proven equal; each target that has none is known.
func TestProfiles(t *testing.T) {
	names, blobs := policies(t)
	// Runtimes serve a machine's native ABI always, and extend rules for sockets to socketcall.
	sockets := "runtimes take them for|through socketcall too"
	unsaid := map[string]string{
		"strict": "for numbers without a name", "godaemon": sockets, "plugin": sockets, "web": sockets,
	}
	exact := 0
	for _, name := range names {
		whole, err := blob.Decode(blobs[name])
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range whole.Targets {
			b := *whole
			b.Targets = []blob.Target{target}
			code, err := inspect.Instructions(target.Program, target.Order == blob.BigEndian)
			if err != nil {
				t.Fatal(err)
			}
			abis := inspect.ABIs(target)
			programs := []inspect.Program{{ABIs: abis, BigEndian: abis[0].BigEndian, Code: code}}
			if b.Kernel != 0 {
				if _, why, err := profile(&b, programs); err != nil || !slices.Contains(why, "that it demands kernel 4.8") {
					t.Errorf("%s, %s: %s, %v", name, target.Label, why, err)
				}
				b.Kernel = 0
			}
			data, why, err := profile(&b, programs)
			if err != nil {
				t.Fatal(err)
			}
			if len(why) > 0 {
				if want := unsaid[name]; want == "" || !regexp.MustCompile(want).MatchString(why[0]) {
					t.Errorf("%s, %s: %s", name, target.Label, why)
				}
				continue
			}
			exact++
			again, findings := compiler.Compile("again.json", data, compiler.Options{})
			if again == nil {
				t.Fatalf("%s, %s: %v", name, target.Label, findings)
			}
			_, diffs, err := inspect.Diff(&b, again.Blob)
			if err != nil || len(diffs) != 1 || diffs[0].Only != "" || len(diffs[0].Changes) > 0 {
				t.Errorf("%s, %s: %v, %v", name, target.Label, diffs, err)
			}
		}
	}
	if exact < 30 {
		t.Errorf("%d profiles are exact", exact)
	}
	t.Logf("%d profiles are exact", exact)
}
