//go:build linux && (mips64 || mips64le || s390x)

package main

import "github.com/seccompc/seccompc/arch"

func doors() []door { return append([]door{{abi: arch.Host(), answers: by("native")}}, bareDoors()...) }
