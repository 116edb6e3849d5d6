// Package policies holds policies to use or to start from, each as source and as the blob compiled from it:
//
//	toaster         sandbox for untrusted programs: everything but dangerous calls is allowed
//	toaster-strict  the same sandbox as a list of what is allowed
//	docker-default  Docker's default profile, for a container without extra capabilities
//
// There is no code in it. The tests run real programs under each policy and make every call that a blob denies.
package policies

//go:generate go run ../cmd/seccompc compile toaster.yaml
//go:generate go run ../cmd/seccompc compile toaster-strict.yaml
//go:generate go run ../cmd/seccompc compile docker-default.yaml
