/*
 * Builds a filter with libseccomp as often as it is told and prints the median time and the program.
 *
 * usage: libseccomp LEVEL RUNS ARCH...
 *
 * LEVEL is SCMP_FLTATR_CTL_OPTIMIZE's: 1 linear, 2 a tree. ARCH are libseccomp's names beside x86_64's. Standard input
 * has the default action, then a line for each rule: action, name, number on x86_64 or -1, number of comparisons, and
 * for each of these argument, operator, two values. Actions are SECCOMP_RET_*'s values.
 *
 * Standard output has libseccomp's version, the time in nanoseconds and, a line each, the instructions: code, jt, jf, k.
 * A rule that libseccomp refuses is left out, as container runtimes do it.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct rule {
	unsigned int action;
	char name[64];
	int nr, refused;
	unsigned int n;
	struct scmp_arg_cmp cmp[6];
};

static struct rule *rules;
static size_t nrules;
static unsigned int otherwise;

static void die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static void parse(void)
{
	struct rule r;

	if (scanf("%x", &otherwise) != 1)
		die("no default action");
	while (scanf("%x %63s %d %u", &r.action, r.name, &r.nr, &r.n) == 4) {
		if (r.n > 6)
			die("too many comparisons");
		for (unsigned int i = 0; i < r.n; i++) {
			unsigned int arg;
			unsigned long long a, b;
			char op[16];

			if (scanf("%u %15s %llx %llx", &arg, op, &a, &b) != 4)
				die("comparison");
			r.cmp[i] = (struct scmp_arg_cmp){ arg, 0, a, b };
			if (!strcmp(op, "EQ"))
				r.cmp[i].op = SCMP_CMP_EQ;
			else if (!strcmp(op, "LT"))
				r.cmp[i].op = SCMP_CMP_LT;
			else if (!strcmp(op, "MASKED_EQ"))
				r.cmp[i].op = SCMP_CMP_MASKED_EQ;
			else
				die("operator");
		}
		/* as runtimes do; a number where the name is too new for this libseccomp */
		int nr = seccomp_syscall_resolve_name(r.name);
		if (nr != __NR_SCMP_ERROR)
			r.nr = nr;
		r.refused = 0;
		rules = realloc(rules, (nrules + 1) * sizeof r);
		if (!rules)
			die("memory");
		rules[nrules++] = r;
	}
}

static void build(int level, char **archs, int fd)
{
	scmp_filter_ctx ctx = seccomp_init(otherwise);

	if (!ctx || seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) ||
	    seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, level))
		die("seccomp_init");
	for (; *archs; archs++)
		if (seccomp_arch_add(ctx, seccomp_arch_resolve_name(*archs)))
			die("seccomp_arch_add");
	for (size_t i = 0; i < nrules; i++) {
		struct rule *r = &rules[i];

		if (r->nr == -1 || (!r->refused && seccomp_rule_add_array(ctx, r->action, r->nr, r->n, r->cmp)))
			r->refused = 1;
	}
	if (seccomp_export_bpf(ctx, fd))
		die("seccomp_export_bpf");
	seccomp_release(ctx);
}

static int ascending(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		die("usage: libseccomp LEVEL RUNS ARCH...");
	int level = atoi(argv[1]), runs = atoi(argv[2]);
	int out = memfd_create("program", 0);
	long long *ns = calloc(runs, sizeof *ns);

	if (out < 0 || !ns || runs < 1)
		die("no runs");
	parse();
	for (int i = 0; i < runs; i++) {
		struct timespec a, b;

		if (ftruncate(out, 0) || lseek(out, 0, SEEK_SET))
			die("memfd");
		clock_gettime(CLOCK_MONOTONIC, &a);
		build(level, argv + 3, out);
		clock_gettime(CLOCK_MONOTONIC, &b);
		ns[i] = (b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec;
	}
	qsort(ns, runs, sizeof *ns, ascending);

	const struct scmp_version *v = seccomp_version();
	printf("%u.%u.%u %lld\n", v->major, v->minor, v->micro, ns[runs / 2]);

	struct sock_filter f;
	if (lseek(out, 0, SEEK_SET))
		die("memfd");
	while (read(out, &f, sizeof f) == sizeof f)
		printf("%u %u %u %u\n", f.code, f.jt, f.jf, f.k);
	return 0;
}
