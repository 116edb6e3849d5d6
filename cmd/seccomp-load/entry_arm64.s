#include "textflag.h"

// The entry with -ldflags -E=_seccomp_load_start. The kernel has put argc and what follows at RSP.
TEXT _seccomp_load_start(SB),NOSPLIT|NOFRAME,$0
	MOVD	RSP, R0
	MOVD	R0, ·stack(SB)
	SUB	$16, RSP // a callee keeps its frame pointer below its frame
	CALL	·direct(SB)
	MOVD	·stack(SB), R0
	MOVD	R0, RSP
	JMP	_rt0_arm64_linux(SB)
