#include "textflag.h"

// func native(c *call) int64
TEXT ·native(SB), NOSPLIT, $4-12
	MOVL c+0(FP), AX
	MOVL BP, saved-4(SP)
	MOVL 4(AX), BX
	MOVL 8(AX), CX
	MOVL 12(AX), DX
	MOVL 16(AX), SI
	MOVL 20(AX), DI
	MOVL 24(AX), BP
	MOVL 0(AX), AX
	INT  $0x80
	TESTL AX, AX
	JNZ  parent
	CMPL ·forks(SB), $0
	JEQ  parent
	MOVL $1, AX // exit
	XORL BX, BX
	INT  $0x80
	INT  $3
parent:
	MOVL saved-4(SP), BP
	MOVL AX, ret_lo+4(FP)
	SARL $31, AX
	MOVL AX, ret_hi+8(FP)
	RET
