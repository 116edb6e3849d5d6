//go:build linux

package main

// What can't be undone runs in a process of its own: this test binary, told what to do.
const role = "SECCOMPC_TEST_ROLE"

var roles = map[string]func() error{}
