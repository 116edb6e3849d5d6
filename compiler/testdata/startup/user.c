#include <unistd.h>

int library(void);

int main(void)
{
	return library() || write(1, "hello\n", 6) != 6;
}
