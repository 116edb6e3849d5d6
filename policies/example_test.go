package policies

import (
	_ "embed"
	"fmt"
	"log"
	"net"
	"net/http"
	"os/exec"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/blob/load"
)

// The blob travels in the binary: no file is missing or exchanged at run time. It is compiled when the policy changes, by
//
//	//go:generate seccompc compile godaemon.yaml
//
// and checked in beside the policy, so that reviewers see both.
//
//go:embed godaemon.seccomp
var embedded []byte

// A service that installs its filter itself.
func Example() {
	// First comes what the filter does not let pass: other programs to run, a user to become, memory to lock. A port below
	// 1024 needs a privilege that may be gone later; the socket may be opened before or after.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}

	b, err := blob.Decode(embedded)
	if err != nil {
		log.Fatal(err)
	}
	// All threads that there are get the filter in one step, those to come inherit it. Without it the service must not
	// run, so an error is the end: a kernel without seccomp, a machine that the blob has no program for, a thread with a
	// filter of its own.
	if err := load.Process(b); err != nil {
		log.Fatal(err)
	}

	fmt.Println(exec.Command("/bin/sh").Run()) // fork/exec /bin/sh: operation not permitted

	server := &http.Server{Handler: http.NotFoundHandler()}
	go func() { server.Close() }() // the example's end, in place of a signal
	fmt.Println(server.Serve(listener))
}
