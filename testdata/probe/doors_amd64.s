#include "textflag.h"

// func native(c *call) int64
TEXT ·native(SB), NOSPLIT, $0-16
	MOVQ c+0(FP), BX
	MOVQ 0(BX), AX
	MOVQ 8(BX), DI
	MOVQ 16(BX), SI
	MOVQ 24(BX), DX
	MOVQ 32(BX), R10
	MOVQ 40(BX), R8
	MOVQ 48(BX), R9
	SYSCALL
	TESTQ AX, AX
	JNZ  parent
	CMPL ·forks(SB), $0
	JEQ  parent
	MOVQ $60, AX // exit
	XORQ DI, DI
	SYSCALL
	INT  $3
parent:
	MOVQ AX, ret+8(FP)
	RET

// func int80(c *call) int64
TEXT ·int80(SB), NOSPLIT, $0-16
	MOVQ c+0(FP), R12
	MOVQ BP, R13
	MOVQ 0(R12), AX
	MOVQ 8(R12), BX
	MOVQ 16(R12), CX
	MOVQ 24(R12), DX
	MOVQ 32(R12), SI
	MOVQ 40(R12), DI
	MOVQ 48(R12), BP
	INT  $0x80
	MOVQ R13, BP
	TESTL AX, AX
	JNZ  parent
	CMPL ·forks(SB), $0
	JEQ  parent
	MOVQ $60, AX // exit
	XORQ DI, DI
	SYSCALL
	INT  $3
parent:
	MOVLQSX AX, AX
	MOVQ AX, ret+8(FP)
	RET
