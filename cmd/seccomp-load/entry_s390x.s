#include "textflag.h"

// The entry with -ldflags -E=_seccomp_load_start. The kernel has put argc and what follows at R15.
TEXT _seccomp_load_start(SB),NOSPLIT|NOFRAME,$0
	MOVD	R15, ·stack(SB)
	SUB	$16, R15
	BL	·direct(SB)
	MOVD	·stack(SB), R15
	JMP	_rt0_s390x_linux(SB)
