// Runs commands in turn and prints how long each took from fork to exit, in nanoseconds: a line for each round.
//
//	rounds ROUNDS COMMAND [ARG...] [/ COMMAND [ARG...]]...

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int rounds = atoi(argv[1]), commands = 0;
	char **command[16];
	for (int i = 1; i < argc && commands < 16; i++)
		if (i == 1 || !strcmp(argv[i], "/")) {
			argv[i] = NULL;
			command[commands++] = argv + i + 1;
		}
	for (int r = 0; r < rounds; r++)
		for (int c = 0; c < commands; c++) {
			struct timespec from, to;
			int status;
			clock_gettime(CLOCK_MONOTONIC, &from);
			pid_t pid = vfork();
			if (pid == 0) {
				execv(command[c][0], command[c]);
				_exit(99);
			}
			if (waitpid(pid, &status, 0) != pid || status != 0) {
				fprintf(stderr, "rounds: %s: status %#x\n", command[c][0], status);
				return 1;
			}
			clock_gettime(CLOCK_MONOTONIC, &to);
			printf("%lld%c", (to.tv_sec - from.tv_sec) * 1000000000LL + to.tv_nsec - from.tv_nsec, c + 1 < commands ? ' ' : '\n');
		}
}
