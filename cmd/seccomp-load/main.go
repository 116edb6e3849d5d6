//go:build linux

// Seccomp-load installs compiled seccomp policies and executes a command under them.
//
//	seccomp-load BLOB... -- COMMAND [ARG...]
//
// Several blobs stack in the order given. Exit codes: 125 the loader failed and the command did not start, 126 the
// command can't be executed, 127 it can't be found; otherwise the command's own.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/blob/load"
)

const usage = `usage: seccomp-load [--version] BLOB... -- COMMAND [ARG...]

Installs the seccomp policies in the blobs, in the order given, and executes the command
under all of them. no_new_privs is always set. If anything is wrong, the command does not
start.

  seccomp-load policies/toaster.seccomp -- /bin/ls -l

Exit codes: 125 the loader failed, 126 the command can't be executed, 127 it can't be
found; otherwise the command's own. Once a filter is on, the exit code is all that it says.
`

// Exit codes, as env, nice and docker run have them.
const (
	failed        = 125
	notExecutable = 126
	notFound      = 127
)

func main() {
	args := os.Args[1:]
	if len(args) > 0 {
		switch args[0] {
		case "--version":
			fmt.Println("seccomp-load", version(), "format 1.0, entry: runtime")
			return
		case "--help", "-h":
			fmt.Print(usage)
			return
		}
	}
	os.Exit(run(args))
}

func run(args []string) int {
	end := slices.Index(args, "--")
	if end < 0 {
		return complain(failed, "missing --", "write seccomp-load BLOB... -- COMMAND [ARG...]")
	}
	files, command := args[:end], args[end+1:]
	switch {
	case len(files) == 0:
		return complain(failed, "no blob before --: the command would run without a filter", "write seccomp-load BLOB... -- COMMAND [ARG...]")
	case len(command) == 0:
		return complain(failed, "no command behind --", "write seccomp-load BLOB... -- COMMAND [ARG...]")
	}
	var blobs []*blob.Blob
	for _, f := range files {
		if strings.HasPrefix(f, "-") {
			return complain(failed, fmt.Sprintf("unknown flag %q", f), "a file of that name is written ./"+f)
		}
		b, err := load.Read(f)
		if err != nil {
			return complain(failed, err.Error(), "")
		}
		blobs = append(blobs, b)
	}
	path, code := find(command[0])
	switch code {
	case notFound:
		return complain(code, fmt.Sprintf("command %q is not found", command[0]), "")
	case notExecutable:
		return complain(code, fmt.Sprintf("command %q can't be executed", command[0]), "")
	}
	err := load.Exec(load.Command{Path: path, Args: command, Env: os.Environ()}, blobs...)
	var exec *load.ExecError
	if !errors.As(err, &exec) {
		return complain(failed, err.Error(), "")
	}
	// The filters are on and may deny whatever os.Exit would do first.
	switch {
	case exec.Op == "install":
		code = failed
	case errors.Is(err, unix.ENOENT):
		code = notFound
	default:
		code = notExecutable
	}
	unix.RawSyscall(unix.SYS_EXIT_GROUP, uintptr(code), 0, 0)
	panic("unreachable: exit_group returned")
}

// find searches a command as execvp does: a name with a slash is a path, any other is looked up in PATH.
func find(name string) (path string, code int) {
	if name == "" {
		return "", notFound
	}
	dirs := []string{""}
	if !strings.Contains(name, "/") {
		list, ok := os.LookupEnv("PATH")
		if !ok {
			list = "/bin:/usr/bin" // confstr(_CS_PATH)
		}
		dirs = strings.Split(list, ":")
	}
	code = notFound
	for _, dir := range dirs {
		path := name
		if !strings.Contains(name, "/") && dir != "" {
			path = dir + "/" + name
		}
		var st unix.Stat_t
		err := unix.Stat(path, &st)
		switch {
		case err == unix.ENOENT || err == unix.ENOTDIR:
		case err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS) == nil:
			return path, 0
		default:
			code = notExecutable
		}
	}
	return "", code
}

func complain(code int, msg, hint string) int {
	fmt.Fprintf(os.Stderr, "seccomp-load: error: %s\n", msg)
	if hint != "" {
		fmt.Fprintf(os.Stderr, "hint: %s\n", hint)
	}
	return code
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
