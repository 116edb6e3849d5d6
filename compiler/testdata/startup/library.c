/* Thread-local storage that is too large for the place a C library sets aside. */
__thread char large[100000];

int library(void)
{
	large[sizeof large - 1] = 1;
	return 0;
}
