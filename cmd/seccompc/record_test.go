package main

import (
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

func TestReadRecord(t *testing.T) {
	all := ^uint64(0)
	for _, tt := range []struct {
		line string
		want record
	}{
		{"type=SECCOMP msg=audit(1700000000.123:456): auid=1000 pid=77 comm=\"x syscall=9\" exe=\"/bin/x\" sig=31 arch=c000003e syscall=41 " +
			"compat=0 ip=0x7f12 code=0x80000000\x1dAUID=\"u\" ARCH=x86_64 SYSCALL=socket",
			record{audit: 0xc000003e, nr: 41, code: 0x80000000, has: true}},
		{`audit: type=1326 audit(1700000000.123:456): auid=1 pid=7 comm="x" sig=0 arch=40000003 syscall=54 compat=1 ip=0xf7 code=0x50000`,
			record{audit: 0x40000003, nr: 54, code: 0x50000, has: true}},
		{`type=SYSCALL msg=audit(1.2:3): arch=c000003e syscall=1073741865 success=no exit=-1 a0=2 a1=80005 a2=0 a3=7ffc items=0 exe="/x" key="my arch=3 a0=9"`,
			record{audit: 0xc000003e, nr: 0x40000029, args: [6]uint64{2, 0x80005, 0, 0x7ffc}, given: [6]uint64{all, all, all, all}}},
		{`type=SECCOMP msg=audit(1.2:3): arch=aarch64 syscall=openat code=errno`, record{audit: 0xc00000b7, abi: arch.Lookup("aarch64"), name: "openat"}},
		{`arch=c000003e syscall=-1`, record{audit: 0xc000003e, nr: 0xffffffff}},
	} {
		if got, err := readRecord(tt.line); err != nil || got == nil || *got != tt.want {
			t.Errorf("%s: %+v, error %v", tt.line, got, err)
		}
	}
	for _, line := range []string{"", "socket(AF_INET)", "type=SECCOMP arch=c000003e", "syscall=3"} {
		if got, err := readRecord(line); got != nil || err != nil {
			t.Errorf("%q: %+v, error %v", line, got, err)
		}
	}
	if _, err := readRecord("arch=vax syscall=3"); err == nil || !strings.Contains(err.Error(), `arch "vax"`) {
		t.Errorf("error %v", err)
	}
}

func TestReadTrace(t *testing.T) {
	for _, tt := range []struct{ abi, line, test, errno string }{
		{"x86_64", `socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = -1 EPERM (Operation not permitted)`, "socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)", "EPERM"},
		{"x86_64", `[pid   123] 12:00:00.1 openat(AT_FDCWD</srv>, "/x, \"y) = 3", O_RDWR|O_CREAT, 0644) = 3</x>`, "openat(AT_FDCWD, _, O_RDWR|O_CREAT, 0o644)", ""},
		{"x86_64", `123 write(1</dev/pts/0>, "a", 1)         = ?`, "write(1, _, 1)", ""},
		{"x86_64", `ioctl(0, SNDCTL_TMR_TIMEBASE or TCGETS, {B38400 opost -isig}) = -1 ENOTTY (x)`, "ioctl(0)", "ENOTTY"},
		{"x86_64", `ioctl(0, TCGETS or SNDCTL_TMR_TIMEBASE, {B38400}) = 0`, "ioctl(0, TCGETS)", ""},
		{"x86_64", `clone(child_stack=NULL, flags=CLONE_NEWUSER|SIGCHLD, child_tidptr=0x7f) = 77`, "clone(flags=CLONE_NEWUSER|SIGCHLD)", ""},
		{"x86_64", `mmap(NULL, 4096, PROT_READ|0x10 /* PROT_??? */, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f`, "mmap(_, 4096, PROT_READ|0x10, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)", ""},
		{"x86_64", `prctl(PR_MADE_UP, 1) = -1 EINVAL (Invalid argument)`, "prctl(_, 1)", "EINVAL"},
		{"x86_64", `getpid() = 7`, "getpid()", ""},
		{"i386", `pread64(3, "x", 1, 5) = 1`, "pread64(3, _, 1)", ""}, // the offset is in two registers
	} {
		got := readTrace(tt.line, arch.Lookup(tt.abi))
		if got == nil || got.test() != tt.test || got.errno != tt.errno {
			t.Errorf("%s: %+v", tt.line, got)
		}
	}
	for _, line := range []string{"", "read(1)", "socket(AF_INET", "+++ killed by SIGSYS +++", "read(0,  <unfinished ...>", "clone(flags=3)"} {
		if got := readTrace(line, arch.Lookup("x86_64")); got != nil {
			t.Errorf("%q: %+v", line, got)
		}
	}
}

// FuzzReadRecord: no line crashes the reader, and what isn't in it is not made up.
func FuzzReadRecord(f *testing.F) {
	f.Add(`type=SECCOMP msg=audit(1.2:3): arch=c000003e syscall=41 compat=0 ip=0x7f code=0x50000 a0=1 a5=ffffffffffffffff`)
	f.Add("arch=zz syscall=\x00")
	f.Fuzz(func(t *testing.T, line string) {
		r, err := readRecord(line)
		if r == nil || err != nil {
			return
		}
		for i, mask := range r.given {
			if mask != 0 && mask != ^uint64(0) || r.args[i]&^mask != 0 {
				t.Errorf("%q: %+v", line, r)
			}
		}
		if r.name != "" && (r.nr != 0 || !strings.Contains(line, "syscall="+r.name)) || r.abi != nil && r.audit != r.abi.Audit {
			t.Errorf("%q: %+v", line, r)
		}
	})
}

// FuzzReadTrace: no line crashes the reader, and what it makes of one is a call as tests have it.
func FuzzReadTrace(f *testing.F) {
	f.Add(`openat(AT_FDCWD</srv>, "/x, \"y) = 3", O_RDWR|O_CREAT, 0644) = 3</x>`, uint8(0))
	f.Add(`clone(child_stack=NULL, flags=CLONE_NEWUSER|SIGCHLD) = -1 EPERM (x)`, uint8(8))
	f.Add(`mmap(NULL, 4096, PROT_READ|0x10 /* PROT_??? */, ~(1<<3), -1, 0) = 0x7f`, uint8(3))
	f.Fuzz(func(t *testing.T, line string, which uint8) {
		tr := readTrace(line, arch.All()[int(which)%len(arch.All())])
		if tr == nil {
			return
		}
		of, findings := policy.ParseCall("CALL", tr.test())
		if findings.Err() == nil && (of.Call.Text != tr.name || len(of.Args) > len(tr.args) || len(tr.args) > 6) {
			t.Errorf("%q: %q, of %+v", line, of.Call.Text, tr)
		}
	})
}

// TestAllowRule: with the rule that is offered for a refused call, the policy allows that call, and all that agree with it in
// what was given, and nothing else changes: which is proven.
func TestAllowRule(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	for _, file := range []string{"toaster", "toaster-strict", "web"} {
		src, err := os.ReadFile("../../policies/" + file + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		for range 12 {
			abi := arch.All()[r.IntN(len(arch.All()))]
			compile := func(src string) *compiler.Result {
				result, findings := compiler.Compile(file+".yaml", []byte(src), compiler.Options{Targets: []string{abi.Name}, Warn: true, Read: os.ReadFile})
				if result == nil {
					t.Fatal(findings)
				}
				return result
			}
			before := compile(string(src)).Targets[0].Filters[0]
			calls := abi.Syscalls()
			c := resolve.Call{Arch: abi.Audit, NR: calls[r.IntN(len(calls))].Number}
			var given [6]uint64
			for i := range c.Args {
				if r.IntN(3) > 0 {
					given[i] = ^uint64(0)
				}
				c.Args[i] = []uint64{0, 1, 2, 0x241, ^uint64(99), r.Uint64()}[r.IntN(6)] & given[i]
			}
			rule := allowRule(abi, c, given)
			text := strings.Replace(string(src), "\nrules:\n", "\nrules:\n  "+strings.ReplaceAll(rule, "\n", "\n  ")+"\n", 1)
			text, _, _ = strings.Cut(text, "\ntests:\n") // some are of the call
			result := compile(text)
			// The rule by hand: the bits of scalar parameters that the kernel uses, else the register.
			var cond resolve.All
			name, _ := abi.SyscallName(c.NR)
			for i, mask := range given {
				bits := abi.RegBits
				params := abi.Params(name)
				at := slices.IndexFunc(params, func(p arch.Param) bool { return p.Index == i })
				if at < 0 || params[at].Pointer {
					continue
				}
				if params[at].Established {
					bits = params[at].Bits
				}
				if mask == 0 || i >= 4 && (abi.Name == "mips" || abi.Name == "mipsel") {
					continue
				}
				all := ^uint64(0) >> (64 - bits)
				cond = append(cond, resolve.Compare{Arg: i, Bits: max(bits, 32), Mask: all, Value: c.Args[i] & all})
			}
			want := *before
			want.Rules = append([]resolve.Rule{{Numbers: []uint32{c.NR}, Cond: cond, Action: resolve.Allow}}, before.Rules...)
			if at, known := slices.BinarySearch(want.Known, c.NR); !known {
				want.Known = slices.Insert(slices.Clone(want.Known), at, c.NR)
			}
			target := *result.Targets[0]
			target.Filters = []*resolve.Filter{&want}
			d, err := prove.Read(result.Programs[0], abi.BigEndian)
			if err == nil {
				err = d.Equal(&target)
			}
			if err != nil {
				t.Errorf("%s on %s, call %#x, given %#x: %v\n%s", file, abi.Name, c, given, err, rule)
			}
		}
	}
}
