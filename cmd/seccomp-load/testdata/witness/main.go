// Witness shows which filter it runs under: it makes two calls, getppid and getuid, and exits with the errno n of the first
// if that of the second is n+1000, with 0 if both succeed, and else with 99. It makes no other call.
//
//	go build -ldflags -E=_witness_start ./testdata/witness
package main

func main() { panic("built without -ldflags -E=_witness_start") }
