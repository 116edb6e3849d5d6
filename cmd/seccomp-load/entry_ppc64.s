#include "textflag.h"
#include "asm_ppc64x.h"

// The entry with -ldflags -E=_seccomp_load_start. The kernel has put argc and what follows at R1. Before Go 1.27, this
// machine's programs are ELFv1: an entry, the runtime's too, is no code but a descriptor that begins with the code's address.
#ifdef GO_PPC64X_HAS_FUNCDESC
DEFINE_PPC64X_FUNCDESC(_seccomp_load_start, start<>)
TEXT start<>(SB),NOSPLIT|NOFRAME,$0
#else
TEXT _seccomp_load_start(SB),NOSPLIT|NOFRAME,$0
#endif
	XOR	R0, R0 // as Go code expects it
	MOVD	R1, ·stack(SB)
	ADD	$-64, R1
	BL	·direct(SB)
	MOVD	·stack(SB), R1
#ifdef GO_PPC64X_HAS_FUNCDESC
	MOVD	_rt0_ppc64_linux(SB), R12
	MOVD	R12, CTR
	BR	(CTR)
#else
	JMP	_rt0_ppc64_linux(SB)
#endif
