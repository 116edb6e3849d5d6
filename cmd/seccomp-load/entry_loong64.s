#include "textflag.h"

// The entry with -ldflags -E=_seccomp_load_start. The kernel has put argc and what follows at R3.
TEXT _seccomp_load_start(SB),NOSPLIT|NOFRAME,$0
	MOVV	R3, ·stack(SB)
	ADDV	$-16, R3
	JAL	·direct(SB)
	MOVV	·stack(SB), R3
	JMP	_rt0_loong64_linux(SB)
