// Package policies holds policies to use or to start from, each as source and as the blob compiled from it:
//
//	toaster         sandbox for untrusted programs: everything but dangerous calls is allowed
//	toaster-strict  the same sandbox as a list of what is allowed
//	docker-default  Docker's default profile, for a container without extra capabilities
//	web             HTTP server in front of files and other servers, with a master and workers
//	godaemon        network service in Go that installs the filter itself and starts no program
//	plugin          untrusted filter of a pipe: nothing but standard input, output and memory
//
// There is no code in it. The tests run real programs under each policy and make every call that a blob denies; the example
// is a service that embeds a blob.
package policies

//go:generate go run ../cmd/seccompc compile toaster.yaml toaster-strict.yaml docker-default.yaml web.yaml godaemon.yaml plugin.yaml strict.yaml
