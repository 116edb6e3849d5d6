#include "textflag.h"

// The entry with -ldflags -E=_seccomp_load_start. The kernel has put argc and what follows at SP. Go code that is called
// from assembly, or calls it, loads g from thread-local storage: there has to be some.
TEXT _seccomp_load_start(SB),NOSPLIT|NOFRAME,$0
	MOVQ	SP, ·stack(SB)
	LEAQ	·tls+8(SB), SI
	MOVQ	$0x1002, DI // ARCH_SET_FS
	MOVQ	$158, AX // arch_prctl
	SYSCALL
	CMPQ	AX, $0
	JNE	runtime
	ANDQ	$~15, SP
	CALL	·direct(SB)
	MOVQ	·stack(SB), SP
runtime:
	JMP	_rt0_amd64_linux(SB)

// func call(nr, a, b, c, d, e uintptr) (ret, errno uintptr)
TEXT ·call(SB),NOSPLIT,$0-64
	MOVQ	nr+0(FP), AX
	MOVQ	a+8(FP), DI
	MOVQ	b+16(FP), SI
	MOVQ	c+24(FP), DX
	MOVQ	d+32(FP), R10
	MOVQ	e+40(FP), R8
	SYSCALL
	MOVQ	$0, CX
	CMPQ	AX, $0xfffffffffffff001
	JCS	done
	NEGQ	AX
	MOVQ	AX, CX
done:
	MOVQ	AX, ret+48(FP)
	MOVQ	CX, errno+56(FP)
	RET
