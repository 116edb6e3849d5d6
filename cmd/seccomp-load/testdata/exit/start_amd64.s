#include "textflag.h"

TEXT _exit_start(SB),NOSPLIT|NOFRAME,$0
	MOVL $231, AX // exit_group
	XORL DI, DI
	SYSCALL
