//go:build linux && !amd64

package main

import "github.com/seccompc/seccompc/arch"

func doors() []door {
	return append([]door{{abi: arch.Host(), answers: by("native")}}, bareDoors()...)
}
