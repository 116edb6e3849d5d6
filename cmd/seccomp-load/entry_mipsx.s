//go:build mips || mipsle

#include "textflag.h"

// The entry with -ldflags -E=_seccomp_load_start. The kernel has put argc and what follows at R29. The runtime has its
// entry under both names in both byte orders.
TEXT _seccomp_load_start(SB),NOSPLIT|NOFRAME,$0
	MOVW	R29, ·stack(SB)
	ADDU	$-16, R29
	JAL	·direct(SB)
	MOVW	·stack(SB), R29
	JMP	_rt0_mips_linux(SB)
