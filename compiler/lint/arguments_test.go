package lint_test

// As in holes_test.go.
var argumentCases = []lintCase{
	{"denying-equality", "one more flag", `
default: allow
rules:
  - errno(EPERM): {unshare: flags == CLONE_NEWUSER}`,
		[]string{`4:29: the value of "flags" that is denied passes with another bit set: unshare`}},
	{"denying-equality", "in a list, by what is not allowed", `
default: errno(EPERM)
rules:
  - allow:
      unshare: arg0 != CLONE_NEWUSER
      chmod: '!oneof(mode, 0o4755, 0o6755)'`,
		[]string{`5:16: the value of "arg0" that is denied passes with another bit set: unshare`,
			`6:22: the value of "mode" that is denied passes with another bit set: chmod on x86_64`}},
	{"denying-equality", "one of several conditions", `
default: allow
rules:
  - errno(EPERM): {socket: domain == AF_INET && type == SOCK_RAW}
  - errno(EPERM): {futex: futex_op == FUTEX_FD}`,
		[]string{`4:49: the value of "type" that is denied passes with another bit set: socket`,
			`5:27: the value of "futex_op" that is denied passes with another bit set: futex`}},
	{"denying-equality", "under a mask, or no word of flags", `
default: allow
rules:
  - errno(EPERM): {unshare: flags & CLONE_NEWUSER == CLONE_NEWUSER, socket: type & 0xf == SOCK_RAW || domain == AF_PACKET,
      fchmod: mode & 0o7777 == 0o4755, ioctl: request == TIOCSTI, kcmp: type == KCMP_VM}`, nil},
	{"denying-equality", "by order", `
default: allow
rules:
  - errno(EPERM): {unshare: flags <= CLONE_FS}`, nil},
	{"denying-equality", "another flag is allowed, and the value too", `
default: errno(EPERM)
rules:
  - allow: {unshare: flags == CLONE_FS || flags & CLONE_FILES != 0}`, nil},
	{"denying-equality", "the value passes, and all others are denied", `
default: errno(EPERM)
rules:
  - allow: {unshare: flags == CLONE_FS, access: "oneof(mode, F_OK, R_OK)"}`, nil},
	{"denying-equality", "another rule denies what has another bit", `
default: allow
rules:
  - errno(EACCES): {unshare: flags == CLONE_NEWUSER}
  - errno(EPERM): [unshare]`, nil},
	{"denying-equality", "no flag at all", `
default: allow
rules:
  - errno(EPERM): {unshare: flags == 0}`, nil},

	{"raw-argument", "bits that the kernel ignores", `
targets: [x86_64+i386, aarch64]
default: allow
rules:
  - errno(EPERM): {ioctl: arg1 == TIOCSTI}
  - errno(EPERM): {ioctl: "oneof(arg1, TIOCLINUX, TIOCCONS)"}`,
		[]string{`5:27: "arg1" has more bits than the kernel uses, and they lead past the rule: request of ioctl on x86_64 and aarch64`}},
	{"raw-argument", "a mode has 16 bits, on every ABI", `
targets: [i386]
default: errno(EPERM)
rules:
  - allow: [fchmod]
    if: arg1 != 0o4755`,
		[]string{`6:9: "arg1" has more bits than the kernel uses, and they lead past the rule: mode of fchmod`}},
	{"raw-argument", "beside the parameter's name", `
targets: [x86_64]
default: allow
rules:
  - errno(EPERM): {ioctl: request == TIOCCONS || arg1 == TIOCSTI}`,
		[]string{`5:50: "arg1" has more bits than the kernel uses, and they lead past the rule: request of ioctl`}},
	{"raw-argument", "a profile", `{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
{"names": ["ioctl"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 1, "value": 21522, "op": "SCMP_CMP_EQ"}]}]}`,
		[]string{`2:59: "arg1" has more bits than the kernel uses, and they lead past the rule: request of ioctl`}},
	{"raw-argument", "by name, under a mask, or so that more bits are denied", `
default: errno(EPERM)
rules:
  - allow: {ioctl: request != TIOCSTI, socket: arg0 == AF_UNIX, fcntl: arg1 & 0xffffffff != F_SETSIG}`, nil},
	{"raw-argument", "parameters that fill the register, are pointers, or depend on others", `
targets: [x86_64]
default: allow
rules:
  - errno(EPERM): {mmap: arg0 == 0, read: arg1 == 0, lseek: arg1 == 5, prctl: arg1 == 3, ioctl: arg2 == 0}`, nil},

	{"prctl-argument", "the man page's number", `
default: errno(EPERM)
rules:
  - allow: {prctl: option == PR_SET_NAME && arg2 != 0 || option == PR_SET_MM && (arg5 == 0 && arg4 == 0)}
  - allow: {keyctl: "operation == 3 && !oneof(arg3, 1, 2)"}`,
		[]string{`4:45: "arg2" is a register, and the man page of prctl counts from 1`,
			`4:82: "arg5" is a register, and the man page of prctl counts from 1`,
			`4:95: "arg4" is a register, and the man page of prctl counts from 1`,
			`5:47: "arg3" is a register, and the man page of keyctl counts from 1`}},
	{"prctl-argument", "a profile counts from 0", `{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
{"names": ["prctl"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 2, "value": 3, "op": "SCMP_CMP_EQ"}]}]}`, nil},
	{"prctl-argument", "counted from 0, and other calls", `
default: errno(EPERM)
rules:
  - allow: {prctl: option == PR_SET_VMA && arg1 == PR_SET_VMA_ANON_NAME && arg2 != 0, futex: arg2 == 1}
  - allow: {prctl: arg0 == PR_SET_NAME}`, nil},
}
