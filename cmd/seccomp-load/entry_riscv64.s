#include "textflag.h"

// The entry with -ldflags -E=_seccomp_load_start. The kernel has put argc and what follows at X2.
TEXT _seccomp_load_start(SB),NOSPLIT|NOFRAME,$0
	MOV	X2, ·stack(SB)
	ADD	$-16, X2
	CALL	·direct(SB)
	MOV	·stack(SB), X2
	JMP	_rt0_riscv64_linux(SB)
