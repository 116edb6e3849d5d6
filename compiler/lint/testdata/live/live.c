/* What C programs do that the linter speaks of: the first argument says which. Exit codes: 0 it worked, 1 it did not, 77
 * this C library does it otherwise. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifdef __GLIBC_PREREQ
#define SINCE(major, minor) __GLIBC_PREREQ(major, minor)
#else
#define SINCE(major, minor) 0
#endif

static void *nothing(void *arg) { return arg; }

/* The thread makes a call that the policy ends it for; nobody else makes it. */
static void *end(void *arg)
{
	syscall(SYS_getppid);
	exit(1);
}

static int threads(void *(*run)(void *))
{
	pthread_t t;
	return pthread_create(&t, NULL, run, NULL) == 0 && pthread_join(t, NULL) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "hello";
	char byte = 'x';
	struct iovec vec = {&byte, 1};
	struct timespec now;
	int fd;

	if (!strcmp(what, "hello")) {
		char *memory = malloc(100000);
		if (!memory)
			return 1;
		strcpy(memory, "hello\n");
		return write(1, memory, 6) == 6 ? 0 : 1;
	}
	if (!strcmp(what, "thread"))
		return SINCE(2, 34) ? threads(nothing) : 77;
	if (!strcmp(what, "survive"))
		return threads(end);
	if (!strcmp(what, "access"))
		return SINCE(2, 33) ? -faccessat(AT_FDCWD, "/", R_OK, AT_EACCESS) : 77;
	if (!strcmp(what, "chmod")) {
		if (!SINCE(2, 39))
			return 77;
		return fchmodat(AT_FDCWD, argv[2], 0600, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : 1;
	}
	if (!strcmp(what, "time"))
		return time(NULL) > 0 && clock_gettime(CLOCK_MONOTONIC_COARSE, &now) == 0 && sched_getcpu() >= 0 ? 0 : 1;
	if (!strcmp(what, "call")) { /* the error that a call meets */
		if (syscall(strtol(argv[2], NULL, 10)) < 0)
			puts(strerror(errno));
		return 0;
	}
#ifdef __GLIBC__
	if (!strcmp(what, "statx")) {
		struct statx st;
		return -statx(AT_FDCWD, "/", 0, STATX_BASIC_STATS, &st);
	}
	fd = open(argv[argc - 1], O_RDWR);
	if (!strcmp(what, "preadv2"))
		return preadv2(fd, &vec, 1, 0, 0) == 1 ? 0 : 1;
	if (!strcmp(what, "pwritev2"))
		return pwritev2(fd, &vec, 1, 0, 0) == 1 ? 0 : 1;
#if SINCE(2, 36) && !SINCE(2, 41) /* from then on the vDSO may answer */
	if (!strcmp(what, "random"))
		return arc4random() == arc4random() && arc4random() == arc4random();
#endif
#endif
	return 77;
}
