#include "textflag.h"

// The entry with -ldflags -E=_seccomp_load_start. The kernel has put argc and what follows at SP.
TEXT _seccomp_load_start(SB),NOSPLIT|NOFRAME,$0
	MOVL	SP, ·stack(SB)
	ANDL	$~15, SP
	CALL	·direct(SB)
	MOVL	·stack(SB), SP
	JMP	_rt0_386_linux(SB)
