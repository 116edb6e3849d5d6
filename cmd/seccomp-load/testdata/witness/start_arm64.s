#include "textflag.h"

TEXT _witness_start(SB),NOSPLIT|NOFRAME,$0
	MOVD $173, R8 // getppid
	SVC
	MOVD R0, R1
	MOVD $174, R8 // getuid
	SVC
	NEG  R1, R1 // errno, or something far below 0
	CMP  $4095, R1
	CSEL LS, R1, ZR, R1
	NEG  R0, R0
	CMP  $4095, R0
	CSEL LS, R0, ZR, R0
	CMP  R0, R1
	BEQ  same // both 0
	SUB  $1000, R0
	CMP  R0, R1
	BEQ  same
	MOVD $99, R1
same:
	MOVD R1, R0
	MOVD $94, R8 // exit_group
	SVC
