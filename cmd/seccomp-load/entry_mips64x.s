//go:build mips64 || mips64le

#include "textflag.h"

// The entry with -ldflags -E=_seccomp_load_start. The kernel has put argc and what follows at R29. The runtime has its
// entry under both names in both byte orders.
TEXT _seccomp_load_start(SB),NOSPLIT|NOFRAME,$0
	MOVV	R0, RSB // as Go code expects it
	MOVV	R29, ·stack(SB)
	ADDV	$-16, R29
	JAL	·direct(SB)
	MOVV	·stack(SB), R29
	JMP	_rt0_mips64_linux(SB)
