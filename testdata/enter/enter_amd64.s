#include "textflag.h"

#define NATIVE \
	MOVQ 0(R12), AX; \
	MOVQ 8(R12), DI; \
	MOVQ 16(R12), SI; \
	MOVQ 24(R12), DX; \
	MOVQ 32(R12), R10; \
	MOVQ 40(R12), R8; \
	MOVQ 48(R12), R9; \
	SYSCALL

#define INT80 \
	MOVQ BP, R13; \
	MOVQ 0(R12), AX; \
	MOVQ 8(R12), BX; \
	MOVQ 16(R12), CX; \
	MOVQ 24(R12), DX; \
	MOVQ 32(R12), SI; \
	MOVQ 40(R12), DI; \
	MOVQ 48(R12), BP; \
	INT  $0x80; \
	MOVQ R13, BP; \
	MOVLQSX AX, AX

// The child has a copy of the stack and needs no more than registers.
#define FORK \
	MOVQ  $57, AX; /* fork */ \
	SYSCALL; \
	TESTQ AX, AX; \
	JNZ   parent

#define EXIT \
	XORQ DI, DI; \
	NEGQ AX; \
	CMOVQGT AX, DI; \
	MOVQ $231, AX; /* exit_group */ \
	SYSCALL; \
	INT  $3

TEXT ·Native(SB), NOSPLIT, $0-16
	MOVQ regs+0(FP), R12
	NATIVE
	MOVQ AX, ret+8(FP)
	RET

TEXT ·Int80(SB), NOSPLIT, $0-16
	MOVQ regs+0(FP), R12
	INT80
	MOVQ AX, ret+8(FP)
	RET

TEXT ·ForkNative(SB), NOSPLIT, $0-16
	MOVQ regs+0(FP), R12
	FORK
	NATIVE
	EXIT
parent:
	MOVQ AX, ret+8(FP)
	RET

TEXT ·ForkInt80(SB), NOSPLIT, $0-16
	MOVQ regs+0(FP), R12
	FORK
	INT80
	EXIT
parent:
	MOVQ AX, ret+8(FP)
	RET

TEXT ·ForkEach(SB), NOSPLIT, $0-24
	MOVQ regs+0(FP), R12
	MOVQ n+8(FP), R14
	FORK
next:
	NATIVE
	ADDQ $56, R12
	DECQ R14
	JNZ  next
	XORQ DI, DI
	NEGQ AX
	CMOVQGT AX, DI
	MOVQ $60, AX // exit
	SYSCALL
	INT  $3
parent:
	MOVQ AX, ret+16(FP)
	RET
