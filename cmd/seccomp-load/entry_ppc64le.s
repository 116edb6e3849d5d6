#include "textflag.h"

// The entry with -ldflags -E=_seccomp_load_start. The kernel has put argc and what follows at R1.
TEXT _seccomp_load_start(SB),NOSPLIT|NOFRAME,$0
	XOR	R0, R0 // as Go code expects it
	MOVD	R1, ·stack(SB)
	ADD	$-64, R1
	BL	·direct(SB)
	MOVD	·stack(SB), R1
	JMP	_rt0_ppc64le_linux(SB)
