#include "textflag.h"

// The entry with -ldflags -E=_seccomp_load_start. The kernel has put argc and what follows at R29.
TEXT _seccomp_load_start(SB),NOSPLIT|NOFRAME,$0
	MOVV	R29, ·stack(SB)
	ADDV	$-16, R29
	JAL	·direct(SB)
	MOVV	·stack(SB), R29
	JMP	_rt0_mips64le_linux(SB)
