#include "textflag.h"

// The entry with -ldflags -E=_seccomp_load_start. The kernel has put argc and what follows at SP.
TEXT _seccomp_load_start(SB),NOSPLIT|NOFRAME,$0
	MOVQ	SP, ·stack(SB)
	ANDQ	$~15, SP
	XORPS	X15, X15 // as Go code expects it
	MOVQ	·entered(SB), DX
	MOVQ	(DX), AX
	CALL	AX
	MOVQ	·stack(SB), SP
	JMP	_rt0_amd64_linux(SB)
