package bench

import (
	"strings"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler"
)

const rendering = "../policies/docker-default.yaml"

// TestDockerDefault proves that our rendering of Docker's default profile is that profile.
func TestDockerDefault(t *testing.T) {
	ours, theirs := read(t, rendering), fromModule(t, docker, "default.json")
	for _, tt := range []struct {
		name string
		o    compiler.Options
	}{
		{"assuming Linux 4.8", compiler.Options{}},
		{"before Linux 4.8", compiler.Options{Kernel: arch.Version{Major: 4, Minor: 7}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := compile(t, rendering, ours, tt.o), compile(t, "default.json", theirs, tt.o)
			if err := same(a, b); err != nil {
				t.Errorf("the rendering differs from Docker's profile: %v", err)
			}
			if a.Blob.Kernel != b.Blob.Kernel || a.Blob.Flags != b.Blob.Flags {
				t.Errorf("kernel %#x, flags %v; Docker's profile has %#x, %v", a.Blob.Kernel, a.Blob.Flags, b.Blob.Kernel, b.Blob.Flags)
			}
		})
	}
}

// TestDockerDefaultFaults changes one thing in the rendering at a time: the proof must find a call that shows it.
func TestDockerDefaultFaults(t *testing.T) {
	ours, _, _ := strings.Cut(read(t, rendering), "\ntests:\n") // they would fail, and the proof is what is tried here
	theirs := compile(t, "default.json", fromModule(t, docker, "default.json"), compiler.Options{})
	for _, tt := range []struct {
		fault, old, new string
		witness         string // call and ABI of the difference
	}{
		{"a call missing", ", writev]", "]", "writev on i386"},
		{"a call too many", ", writev]", ", writev, io_uring_setup]", "io_uring_setup on i386"},
		{"a rule's call missing", "process_vm_writev, ", "", "process_vm_writev on i386"},
		{"an upper bound too high", "arg0 <= AF_MCTP", "arg0 <= AF_MCTP | 2", "socket on i386"},
		{"a lower bound too low", "arg0 >= AF_KCM", "arg0 >= AF_VSOCK", "socket on i386"},
		{"a lower bound too high", "arg0 >= AF_LLC", "arg0 >= AF_IB", "socket on i386"},
		{"a value missing", "AF_IEEE802154, AF_NFC)", "AF_IEEE802154)", "socket on i386"},
		{"a flag too many", "~(PER_LINUX32|UNAME26)", "~(PER_LINUX32|UNAME26|4)", "personality on i386"},
		{"a value of 32 bits that 64 have", "arg0 == 0xffffffff", "arg0 & 0xffffffff == 0xffffffff", "personality on x86_64"},
		{"a namespace too many", "CLONE_NEWPID|CLONE_NEWNET", "CLONE_NEWPID", "clone on i386"},
		{"another argument", "clone: flags", "clone: arg0", "clone on s390"},
		{"an errno by name", "errno(38)", "errno(ENOSYS)", "clone3 on mips"},
		{"a rule for all machines", "    abis: [aarch64, arm]\n", "", "cacheflush on mips"},
		{"a rule for one ABI less", "abis: [x86_64, i386, x32]", "abis: [x86_64, i386]", "modify_ldt on x32"},
		{"an older table", `reviewed: "7.0"`, `reviewed: "6.18"`, "listns on i386"},
		{"another default", "default: errno(EPERM)", "default: errno(EACCES)", "break on i386"},
		{"another answer to unknown numbers", "\ngroups:", "\nunknown: errno(EPERM)\n\ngroups:", "a number without a name on i386"},
		{"another answer to foreign ABIs", "\ngroups:", "\nforeign: kill_thread\n\ngroups:", "target x86_64+i386+x32: the program decides"},
		{"a target missing", "  - riscv64\n", "", "7 targets and 6"},
		{"a compat ABI missing", "- aarch64+arm", "- aarch64", "only one has target aarch64+arm"},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			if strings.Count(ours, tt.old) != 1 {
				t.Fatalf("%q is in the rendering %d times", tt.old, strings.Count(ours, tt.old))
			}
			broken := strings.Replace(ours, tt.old, tt.new, 1)
			err := same(theirs, compile(t, rendering, broken, compiler.Options{}))
			if err == nil {
				t.Fatalf("nothing noticed %q in place of %q", tt.new, tt.old)
			}
			if !strings.Contains(err.Error(), tt.witness) {
				t.Errorf("the difference is not in %q: %v", tt.witness, err)
			}
		})
	}
}

// TestDockerDefaultSize bounds the instructions for x86_64 alone.
func TestDockerDefaultSize(t *testing.T) {
	const limit = 130
	for file, src := range map[string]string{rendering: read(t, rendering), "default.json": fromModule(t, docker, "default.json")} {
		r := compile(t, file, src, compiler.Options{Targets: []string{"x86_64"}})
		n := len(r.Programs[0])
		t.Logf("%s: %d instructions", file, n)
		if n > limit {
			t.Errorf("%s: %d instructions, the limit is %d", file, n, limit)
		}
	}
}
