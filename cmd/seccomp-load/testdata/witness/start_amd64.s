#include "textflag.h"

TEXT _witness_start(SB),NOSPLIT|NOFRAME,$0
	MOVL $110, AX // getppid
	SYSCALL
	MOVQ AX, BX
	MOVL $102, AX // getuid
	SYSCALL
	MOVQ $0, DI
	NEGQ BX // errno, or something far below 0
	CMPQ BX, $4095
	CMOVQHI DI, BX
	NEGQ AX
	CMPQ AX, $4095
	CMOVQHI DI, AX
	CMPQ AX, BX
	JEQ  same // both 0
	SUBQ $1000, AX
	CMPQ AX, BX
	JEQ  same
	MOVQ $99, BX
same:
	MOVQ BX, DI
	MOVL $231, AX // exit_group
	SYSCALL
