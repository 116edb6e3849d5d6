// Witness shows which filter it runs under: it makes two calls, getppid and getuid, and exits with the errno that both of
// them got, 0 for none, 99 for two different ones. It makes no other call.
//
//	go build -ldflags -E=_witness_start ./testdata/witness
package main

func main() { panic("built without -ldflags -E=_witness_start") }
