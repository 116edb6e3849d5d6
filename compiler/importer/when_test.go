package importer_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// when writes a rule with includes and excludes.
func when(action, includes, excludes string) string {
	return `{"names": ["read"], "action": "SCMP_ACT_` + action + `", "includes": {` + includes + `}, "excludes": {` + excludes + `}}`
}

func TestCapabilitiesAndArches(t *testing.T) {
	const in2, ex2 = `"caps": ["CAP_SYS_BOOT", "CAP_SYS_TIME"]`, `"caps": ["CAP_SYS_BOOT", "CAP_SYS_TIME"]`
	for _, v := range []struct {
		name, includes, excludes string
		caps, target             string
		want                     bool
	}{
		{"nothing asked", ``, ``, "", "x86_64", true},
		{"nothing asked, much granted", ``, ``, "CAP_SYS_BOOT CAP_SYS_ADMIN", "x86_64", true},
		{"empty lists", `"caps": [], "arches": []`, `"caps": [], "arches": []`, "", "x86_64", true},
		{"a cap, not granted", `"caps": ["CAP_SYS_BOOT"]`, ``, "", "x86_64", false},
		{"a cap, another granted", `"caps": ["CAP_SYS_BOOT"]`, ``, "CAP_SYS_TIME", "x86_64", false},
		{"a cap, granted", `"caps": ["CAP_SYS_BOOT"]`, ``, "CAP_SYS_TIME CAP_SYS_BOOT", "x86_64", true},
		{"two caps, the first granted", in2, ``, "CAP_SYS_BOOT", "x86_64", false},
		{"two caps, the second granted", in2, ``, "CAP_SYS_TIME", "x86_64", false},
		{"two caps, both granted", in2, ``, "CAP_SYS_BOOT CAP_SYS_TIME", "x86_64", true},
		{"not two caps, none granted", ``, ex2, "", "x86_64", true},
		{"not two caps, the first granted", ``, ex2, "CAP_SYS_BOOT", "x86_64", false},
		{"not two caps, the second granted", ``, ex2, "CAP_SYS_TIME", "x86_64", false},
		{"one cap and not another, both granted", `"caps": ["CAP_SYS_BOOT"]`, `"caps": ["CAP_SYS_TIME"]`, "CAP_SYS_BOOT CAP_SYS_TIME", "x86_64", false},
		{"one cap and not another, one granted", `"caps": ["CAP_SYS_BOOT"]`, `"caps": ["CAP_SYS_TIME"]`, "CAP_SYS_BOOT", "x86_64", true},
		{"an arch", `"arches": ["amd64"]`, ``, "", "x86_64", true},
		{"another arch", `"arches": ["arm64"]`, ``, "", "x86_64", false},
		{"either arch", `"arches": ["arm64", "amd64"]`, ``, "", "x86_64", true},
		{"not this arch", ``, `"arches": ["arm64", "amd64"]`, "", "x86_64", false},
		{"not other arches", ``, `"arches": ["s390", "s390x"]`, "", "x86_64", true},
		{"the native arch only, which is not the compat one", `"arches": ["x86"]`, ``, "", "x86_64+i386", false},
		{"the compat arch is not excluded", ``, `"arches": ["x86", "x32"]`, "", "x86_64+i386+x32", true},
		{"the compat arch as a native one", `"arches": ["x86"]`, ``, "", "i386", true},
		{"arch and cap, the cap is missing", `"arches": ["amd64"], "caps": ["CAP_SYS_BOOT"]`, ``, "", "x86_64", false},
		{"arch and cap, the arch is another", `"arches": ["arm64"], "caps": ["CAP_SYS_BOOT"]`, ``, "CAP_SYS_BOOT", "x86_64", false},
		{"arch and cap, both", `"arches": ["amd64"], "caps": ["CAP_SYS_BOOT"]`, ``, "CAP_SYS_BOOT", "x86_64", true},
	} {
		want := "errno(EPERM)"
		if v.want {
			want = "allow"
		}
		var lines string
		for abi := range strings.SplitSeq(v.target, "+") {
			lines += abi + " read = " + want + "\n"
		}
		vector{name: v.name, profile: in(when("ALLOW", v.includes, v.excludes)), target: v.target,
			options: resolve.Options{Caps: strings.Fields(v.caps)}, want: lines}.check(t)
	}
	// The names of libseccomp and Go that Docker's profiles use for arches.
	for docker, abi := range map[string]string{
		"amd64": "x86_64", "x86": "i386", "x32": "x32", "arm": "arm", "arm64": "aarch64", "loong64": "loongarch64", "mips": "mips",
		"mipsel": "mipsel", "mips64": "mips64", "mipsel64": "mipsel64", "mips64n32": "mips64n32", "mipsel64n32": "mipsel64n32",
		"ppc": "ppc", "ppc64": "ppc64", "ppc64le": "ppc64le", "riscv64": "riscv64", "s390": "s390", "s390x": "s390x",
	} {
		vector{name: docker, profile: in(when("ALLOW", `"arches": ["`+docker+`"]`, ``)), target: abi, want: abi + " read = allow"}.check(t)
	}
}

func TestKernels(t *testing.T) {
	const from, before = `"minKernel": "4.8"`, `"minKernel": "4.8"`
	version := func(s string) (v arch.Version) {
		if s != "" {
			var err error
			if v, err = arch.ParseVersion(s); err != nil {
				t.Fatal(err)
			}
		}
		return v
	}
	for _, v := range []struct {
		name               string
		def, action        string
		includes, excludes string
		kernel             string // --kernel
		want               string
		demands            string
	}{
		{"from 4.8 on, assumed", "ERRNO", "ALLOW", from, "", "", "allow", "4.8"},
		{"from 4.8 on, on 4.8", "ERRNO", "ALLOW", from, "", "4.8", "allow", "4.8"},
		{"from 4.8 on, on 5.0", "ERRNO", "ALLOW", from, "", "5.0", "allow", "4.8"},
		{"from 4.8 on, on 4.7: nothing is let through that older kernels would not get", "ERRNO", "ALLOW", from, "", "4.7", "errno(EPERM)", ""},
		{"logged from 4.8 on, on 4.7", "ERRNO", "LOG", from, "", "4.7", "errno(EPERM)", ""},
		{"denied from 4.8 on, assumed", "ALLOW", "ERRNO", from, "", "", "errno(EPERM)", "4.8"},
		{"denied from 4.8 on, on 4.7: newer kernels need the rule", "ALLOW", "ERRNO", from, "", "4.7", "errno(EPERM)", ""},
		{"killed from 4.8 on, on 4.7", "ALLOW", "KILL_PROCESS", from, "", "4.7", "kill_process", ""},
		{"before 4.8, which is assumed", "ERRNO", "ALLOW", "", before, "", "errno(EPERM)", "4.8"},
		{"before 4.8, on 4.8", "ERRNO", "ALLOW", "", before, "4.8", "errno(EPERM)", "4.8"},
		{"before 4.8, on 4.7: newer kernels must not get it", "ERRNO", "ALLOW", "", before, "4.7", "errno(EPERM)", ""},
		{"denied before 4.8, which is assumed", "ALLOW", "ERRNO", "", before, "", "allow", "4.8"},
		{"denied before 4.8, on 4.7: older kernels need the rule", "ALLOW", "ERRNO", "", before, "4.7", "errno(EPERM)", ""},
		{"from 4.8 and before 5.1, which is assumed", "ERRNO", "ALLOW", from, `"minKernel": "5.1"`, "", "errno(EPERM)", "5.1"},
		{"a rule that is out for another reason demands nothing", "ERRNO", "ALLOW", from + `, "caps": ["CAP_SYS_BOOT"]`, "", "", "errno(EPERM)", ""},
		{"a rule that is in for its cap", "ERRNO", "ALLOW", from + `, "caps": ["CAP_SYS_TIME"]`, "", "", "allow", "4.8"},
		{"three numbers", "ERRNO", "ALLOW", `"minKernel": "2.6.28"`, "", "", "allow", "2.6.28"},
	} {
		w := vector{
			name:    v.name,
			profile: `{"defaultAction": "SCMP_ACT_` + v.def + `", "syscalls": [` + when(v.action, v.includes, v.excludes) + `]}`,
			options: resolve.Options{Kernel: version(v.kernel), Caps: []string{"CAP_SYS_TIME"}},
			want:    "x86_64 read = " + v.want,
		}
		w.check(t)
		if got := w.resolve(t).Kernel; got != version(v.demands) {
			t.Errorf("%s: demands kernel %s, want %s", v.name, got, v.demands)
		}
	}
}

// muxed are the ABIs with socketcall and ipc, by linux/arch/*/entry/syscalls.
const muxed = "i386 s390 s390x ppc ppc64 ppc64le mips mipsel m68k sh sheb"

func TestMultiplexers(t *testing.T) {
	// Operations of linux/net.h and linux/ipc.h.
	socketcall := strings.Fields("- socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg")
	ipc := map[string]string{"semop": "1", "semget": "2", "semctl": "3", "semtimedop": "4", "msgsnd": "11", "msgrcv": "12", "msgget": "13",
		"msgctl": "14", "shmat": "21", "shmdt": "22", "shmget": "23", "shmctl": "24"}
	for _, abi := range strings.Fields(muxed) {
		only := vector{name: "one call each", target: abi, profile: in(
			`{"names": ["connect", "shmat"], "action": "SCMP_ACT_ALLOW"}`, `{"names": ["accept4"], "action": "SCMP_ACT_TRAP"}`)}
		only.want = strings.ReplaceAll(`ABI socketcall 3 = allow
			ABI socketcall 0x100000003 = allow
			ABI socketcall 2 = errno(EPERM)
			ABI socketcall 4 = errno(EPERM)
			ABI socketcall 0x10003 = errno(EPERM)
			ABI socketcall 18 = trap
			ABI socketcall 0 = errno(EPERM)
			ABI ipc 21 = allow
			ABI ipc 0x10015 = allow
			ABI ipc 0xffff0015 = allow
			ABI ipc 0x10016 = errno(EPERM)
			ABI ipc 3 = errno(EPERM)`, "ABI", abi)
		only.check(t)
		except := vector{name: "all but one call each", target: abi, profile: out(`{"names": ["connect", "shmat"], "action": "SCMP_ACT_ERRNO"}`)}
		except.want = strings.ReplaceAll(`ABI socketcall 3 = errno(EPERM)
			ABI socketcall 0x100000003 = errno(EPERM)
			ABI socketcall 2 = allow
			ABI ipc 21 = errno(EPERM)
			ABI ipc 0x10015 = errno(EPERM)
			ABI ipc 22 = allow`, "ABI", abi)
		except.check(t)
	}
	for i, name := range socketcall[1:] {
		vector{name: name, target: "i386", profile: out(`{"names": ["` + name + `"], "action": "SCMP_ACT_KILL"}`),
			want: strings.ReplaceAll("i386 socketcall N = kill_thread", "N", strconv.Itoa(i+1))}.check(t)
	}
	for name, n := range ipc {
		vector{name: name, target: "i386", profile: out(`{"names": ["` + name + `"], "action": "SCMP_ACT_KILL"}`),
			want: "i386 ipc " + n + " = kill_thread\ni386 ipc 0 = allow\ni386 ipc 25 = allow"}.check(t)
	}
}

// A condition on a call that a multiplexer reaches holds where there is none, and elsewhere if the profile says what the
// multiplexer may do.
func TestConditionsOnMultiplexedCalls(t *testing.T) {
	socket := rule("socket", "ALLOW", arg(0, "EQ", 1))
	noSocket := rule("socket", "ERRNO", arg(0, "EQ", 38))
	for _, v := range []struct {
		name, profile string
		ok            bool
		want          string
	}{
		{"allowed, and nothing about socketcall", in(socket), false, ""},
		{"denied, and nothing about socketcall", out(noSocket), false, ""},
		{"socketcall allowed", in(socket, rule("socketcall", "ALLOW")), true, "i386 socketcall 1 = allow\ni386 socketcall 2 = allow"},
		{"socketcall denied", out(noSocket, rule("socketcall", "ERRNO")), true, "i386 socketcall 1 = errno(EPERM)\ni386 socketcall 2 = errno(EPERM)"},
		{"its operation denied", out(noSocket, rule("socketcall", "ERRNO", arg(0, "EQ", 1))), true, "i386 socketcall 1 = errno(EPERM)\ni386 socketcall 2 = allow"},
		{"another operation denied, and this one left to a default that allows", out(noSocket, rule("socketcall", "ERRNO", arg(0, "EQ", 2))), false, ""},
		{"another operation allowed, and this one left to a default that denies", in(socket, rule("socketcall", "ALLOW", arg(0, "NE", 1))), true,
			"i386 socketcall 1 = errno(EPERM)\ni386 socketcall 2 = allow\ni386 socket 1 = allow"},
		{"the other multiplexer", in(socket, rule("ipc", "ALLOW")), false, ""},
	} {
		rest := "errno(EPERM)"
		if strings.HasPrefix(v.profile, `{"defaultAction": "SCMP_ACT_ALLOW"`) {
			rest = "allow"
		}
		w := vector{name: v.name, profile: v.profile, target: "x86_64", want: "x86_64 socket 2 = " + rest}
		w.check(t)
		w.target, w.want = "x86_64+i386", v.want
		if v.ok {
			w.check(t)
			continue
		}
		targets, _ := resolve.Targets([]policy.Word{{Text: w.target}})
		if target, diags := resolve.Resolve(read(t, v.profile), targets[0], resolve.Options{}); target != nil || !strings.Contains(diags.Error(), `condition on "socket"`) {
			t.Errorf("%s: resolved, findings %v", v.name, diags)
		}
	}
	// An unconditional rule reaches the multiplexer's operation although the profile has a rule for another one.
	vector{name: "both", target: "i386", profile: out(rule("bind", "ERRNO"), rule("socketcall", "ERRNO", arg(0, "EQ", 1))),
		want: "i386 socketcall 1 = errno(EPERM)\ni386 socketcall 2 = errno(EPERM)\ni386 socketcall 3 = allow"}.check(t)
	// Where there is no multiplexer, nothing is added.
	for _, abi := range strings.Fields("x86_64 x32 arm aarch64 riscv64 riscv32 loongarch64 mips64 mipsel64 mips64n32 mipsel64n32 parisc parisc64 xtensa csky") {
		w := vector{target: abi, profile: in(rule("connect", "ALLOW"), rule("socket", "ALLOW", arg(0, "EQ", 1)))}
		if n := len(w.resolve(t).Filters[0].Rules); n != 2 {
			t.Errorf("%s: %d rules", abi, n)
		}
	}
}
