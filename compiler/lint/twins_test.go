package lint_test

// As in holes_test.go.
var twinCases = []lintCase{
	{"twin-missing", "one finding for a rule, by ABI", `
targets: [x86_64, aarch64, i386]
default: errno(EPERM)
rules:
  - allow: [read, stat, open]
  - allow: {lseek: fd == 3}`,
		[]string{`5:19: "stat" passes, but not what libraries call instead, depending on version and ABI: openat for open; newfstatat for stat on x86_64 and aarch64; stat64 for stat on i386`,
			`6:13: "lseek" passes, but not what libraries call instead, depending on version and ABI: _llseek on i386`}},
	{"twin-missing", "a call that an ABI has under its newer name only", `
targets: [x86_64, riscv64]
default: errno(EPERM)
rules:
  - allow: [rename, renameat, vfork]`,
		[]string{`5:13: "rename" passes, but not what libraries call instead, depending on version and ABI: renameat2 for rename on riscv64; clone for vfork on riscv64`}},
	{"twin-missing", "the reverse of a pair", `
default: errno(EPERM)
rules:
  - allow: [newfstatat, prlimit64]`,
		[]string{`4:13: "newfstatat" passes, but not what libraries call instead, depending on version and ABI: fstat`}},
	{"twin-missing", "a killing default", `
default: kill_process
rules:
  - allow: [nanosleep]`,
		[]string{`4:13: "nanosleep" passes, but not what libraries call instead, depending on version and ABI: clock_nanosleep`}},
	{"twin-missing", "a rule denies the twin, or lets a part of it pass", `
default: errno(EPERM)
rules:
  - allow: [nanosleep, open]
  - errno(EACCES): [clock_nanosleep]
  - allow: {openat: flags & O_ACCMODE == O_RDONLY}`, nil},
	{"twin-missing", "the twin is what a listener answers", `
default: notify
rules:
  - allow: [nanosleep]`, nil},
	{"twin-missing", "twins that programs do without", `
targets: [x86_64]
default: errno(EPERM)
rules:
  - allow: [openat, faccessat, renameat, epoll_pwait]`, nil},
	{"twin-missing", "32-bit names on an ABI with 64-bit registers", `
targets: [ppc64le]
default: errno(EPERM)
rules:
  - allow: [lseek, mmap, statfs, futex]`, nil},
	{"twin-missing", "start-up sets", `
targets: [x86_64, i386, aarch64, arm, riscv64, s390x, ppc64le, mips]
default: errno(EPERM)
rules:
  - allow: ["@startup-static", "@startup-glibc", "@startup-musl", "@startup-go"]`, nil},
	{"twin-missing", "calls of which each has the same twin", `
default: errno(EPERM)
rules:
  - allow: [getrlimit, prlimit64]`, nil},
	{"twin-missing", "a rule for another ABI", `
targets: [x86_64, aarch64]
default: errno(EPERM)
rules:
  - allow: [dup2, dup3]
    abis: [x86_64]`, nil},

	{"denylist-twin", "denied as a whole", `
targets: [x86_64, i386]
default: allow
rules:
  - errno(EPERM): [mount, openat]
  - errno(EPERM): [open_tree, open_tree_attr, fspick, mount_setattr]`,
		[]string{`5:20: "mount" is limited, but these do the same and pass: fsmount and move_mount`,
			`5:27: "openat" is limited, but these do the same and pass: open, openat2 and creat`}},
	{"denylist-twin", "limited by a parameter that the twin has", `
targets: [x86_64, aarch64]
default: errno(EPERM)
rules:
  - allow: {chmod: mode & S_ISUID == 0}
  - allow: [fchmod, fchmodat]`,
		[]string{`5:13: "chmod" is limited, but these do the same and pass: fchmodat and fchmod`}},
	{"denylist-twin", "a group, by way of another's rule", `
targets: [x86_64]
default: allow
groups: {"@time": [settimeofday, clock_settime]}
rules:
  - errno(EPERM): ["@time"]
  - errno(EPERM): [adjtimex]`,
		[]string{`6:20: "@time" is limited, but these do the same and pass: clock_adjtime for settimeofday and clock_settime`}},
	{"denylist-twin", "namespaces by another call", `
default: allow
rules:
  - errno(EPERM): {clone: flags & CLONE_NEWUSER != 0}
  - errno(ENOSYS): [clone3]`,
		[]string{`4:20: "clone" is limited, but these do the same and pass: unshare`}},
	{"denylist-twin", "the twin is limited too", `
default: allow
rules:
  - errno(EPERM): [unshare, fork, vfork]
  - errno(EPERM): {clone: flags & CLONE_NEWUSER != 0}
  - errno(ENOSYS): [clone3]`, nil},
	{"denylist-twin", "limited by a parameter that the twin lacks", `
default: errno(EPERM)
rules:
  - allow: {clone: flags & CLONE_NEWUSER == 0, openat: dirfd == AT_FDCWD, renameat2: flags == 0}
  - allow: [fork, vfork, open, rename, renameat]`, nil},
	{"denylist-twin", "limited by a parameter that the twin has in memory, on another ABI", `
targets: [i386, s390x]
default: allow
rules:
  - errno(EPERM): {mmap2: prot & PROT_EXEC != 0}`, nil},
	{"denylist-twin", "what the default alone denies", `
default: errno(EPERM)
rules:
  - allow: [open]`, nil},
	{"denylist-twin", "a newer call is answered for programs that fall back, or denied for itself", `
targets: [x86_64]
default: allow
rules:
  - errno(ENOSYS): [execveat, clone3, fsmount]
  - errno(EPERM): [openat2, pwritev2]`, nil},
	{"denylist-twin", "all of clone is denied, and unshare makes no process", `
default: allow
rules:
  - errno(EPERM): [clone, fork, vfork, clone3]`, nil},
}
