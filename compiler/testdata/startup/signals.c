/* Returns from a signal handler, and is stopped and continued in a call with a timeout. */
#include <signal.h>
#include <time.h>
#include <unistd.h>

static void handler(int sig)
{
	(void)sig;
}

static int later(int sig, long ms)
{
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = sig};
	struct itimerspec at = {.it_value.tv_nsec = ms * 1000000};
	timer_t id;
	return timer_create(CLOCK_MONOTONIC, &e, &id) || timer_settime(id, 0, &at, NULL);
}

int main(void)
{
	struct timespec pause = {.tv_nsec = 150000000};
	if (signal(SIGUSR1, handler) == SIG_ERR || raise(SIGUSR1))
		return 1;
	if (later(SIGSTOP, 50) || later(SIGCONT, 100) || nanosleep(&pause, NULL))
		return 2;
	return write(1, "hello\n", 6) != 6;
}
