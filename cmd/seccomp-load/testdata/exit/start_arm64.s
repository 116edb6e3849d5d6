#include "textflag.h"

TEXT _exit_start(SB),NOSPLIT|NOFRAME,$0
	MOVD $94, R8 // exit_group
	MOVD $0, R0
	SVC
