// The loader to compare with: C without a libc, that maps a file of struct sock_filter, installs it and executes a command.
// It checks nothing. Called without arguments it exits: so it is the command, too.
//
//	cc -O2 -static -nostdlib -ffreestanding -fno-stack-protector -o loader loader.c
//	loader PROGRAM COMMAND [ARG...]

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static long call(long nr, long a, long b, long c, long d, long e, long f)
{
#if defined __x86_64__
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	__asm__ volatile("syscall" : "+a"(nr) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return nr;
#elif defined __aarch64__
	register long x8 __asm__("x8") = nr, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
#endif
}

static void leave(long code)
{
	for (;;)
		call(SYS_exit_group, code, 0, 0, 0, 0, 0);
}

__attribute__((used)) static void run(long *stack)
{
	long argc = stack[0];
	char **argv = (char **)(stack + 1), **env = argv + argc + 1;
	struct stat st;
	struct sock_fprog prog;
	if (argc < 3)
		leave(0);
	long fd = call(SYS_openat, AT_FDCWD, (long)argv[1], O_RDONLY | O_CLOEXEC, 0, 0, 0);
	if (fd < 0 || call(SYS_fstat, fd, (long)&st, 0, 0, 0, 0))
		leave(125);
	long map = call(SYS_mmap, 0, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map < 0 && map > -4096)
		leave(125);
	prog.len = st.st_size / sizeof(struct sock_filter);
	prog.filter = (struct sock_filter *)map;
	if (call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0) ||
	    call(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, (long)&prog, 0, 0, 0))
		leave(125);
	call(SYS_execve, (long)argv[2], (long)(argv + 2), (long)env, 0, 0, 0);
	leave(126);
}

#if defined __x86_64__
__asm__(".globl _start\n_start: mov %rsp, %rdi\nand $-16, %rsp\ncall run\n");
#elif defined __aarch64__
__asm__(".globl _start\n_start: mov x0, sp\nbl run\n");
#endif
