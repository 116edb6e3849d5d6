/*
 * Builds filters with libseccomp, one after the other, and writes their programs.
 *
 * usage: filters, no arguments. Standard input has for each filter: libseccomp's name of the architecture, the
 * optimisation level (1 linear, 2 a tree), the default action, the number of rules; for each rule the action, the
 * syscall's name, the number of comparisons; for each of these the argument, a mask, the value. A mask of all ones is
 * SCMP_CMP_EQ, another SCMP_CMP_MASKED_EQ. Actions are SECCOMP_RET_*'s values; that for other architectures is the default.
 *
 * Standard output has libseccomp's version on a line, then for each filter the number of instructions on a line and
 * these in 8 bytes each, as libseccomp exports them: in the architecture's byte order.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void die(const char *what, int err)
{
	fprintf(stderr, "%s: %d\n", what, err);
	exit(1);
}

int main(void)
{
	const struct scmp_version *v = seccomp_version();
	char arch[32];
	unsigned int level, otherwise, rules;
	int out = memfd_create("program", 0);

	printf("%u.%u.%u\n", v->major, v->minor, v->micro);
	fflush(stdout);
	while (scanf("%31s %u %x %u", arch, &level, &otherwise, &rules) == 4) {
		uint32_t token = seccomp_arch_resolve_name(arch);
		scmp_filter_ctx ctx = seccomp_init(otherwise);
		int err;

		if (!ctx || !token)
			die(arch, 0);
		if (token != seccomp_arch_native()) {
			err = seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE);
			if (!err)
				err = seccomp_arch_add(ctx, token);
			if (err)
				die("seccomp_arch_add", err);
		}
		if ((err = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, otherwise)) ||
		    (err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, level)))
			die("seccomp_attr_set", err);
		while (rules--) {
			struct scmp_arg_cmp cmp[6];
			unsigned int action, n, arg;
			unsigned long long mask, value;
			char name[64];

			if (scanf("%x %63s %u", &action, name, &n) != 3 || n > 6)
				die("rule", 0);
			int nr = seccomp_syscall_resolve_name(name);
			if (nr == __NR_SCMP_ERROR)
				die(name, 0);
			for (unsigned int i = 0; i < n; i++) {
				if (scanf("%u %llx %llx", &arg, &mask, &value) != 3)
					die("comparison", 0);
				if (mask == ~0ULL)
					cmp[i] = (struct scmp_arg_cmp){ arg, SCMP_CMP_EQ, value, 0 };
				else
					cmp[i] = (struct scmp_arg_cmp){ arg, SCMP_CMP_MASKED_EQ, mask, value };
			}
			/* a rule that an earlier one of the same action makes needless is refused with EEXIST */
			err = seccomp_rule_add_exact_array(ctx, action, nr, n, cmp);
			if (err && err != -EEXIST)
				die("seccomp_rule_add_exact_array", err);
		}
		if (ftruncate(out, 0) || lseek(out, 0, SEEK_SET) || (err = seccomp_export_bpf(ctx, out)))
			die("seccomp_export_bpf", err);
		seccomp_release(ctx);

		off_t size = lseek(out, 0, SEEK_END);
		char *program = malloc(size);
		if (!program || pread(out, program, size, 0) != size)
			die("pread", errno);
		printf("%ld\n", (long)size / 8);
		fwrite(program, 1, size, stdout);
		fflush(stdout);
		free(program);
	}
	return 0;
}
