#include "textflag.h"

// The entry with -ldflags -E=_seccomp_load_start. The kernel has put argc and what follows at R13.
TEXT _seccomp_load_start(SB),NOSPLIT|NOFRAME,$0
	MOVW	R13, ·stack(SB)
	SUB	$16, R13
	BL	·direct(SB)
	MOVW	·stack(SB), R13
	JMP	_rt0_arm_linux(SB)
