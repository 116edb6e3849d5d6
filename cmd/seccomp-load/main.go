//go:build linux

// Seccomp-load installs compiled seccomp policies and executes a command under them.
//
//	seccomp-load [flags] BLOB... -- COMMAND [ARG...]
//
// Several blobs stack in the order given. Exit codes: 125 the loader failed and the command did not start, 126 the
// command can't be executed, 127 it can't be found; otherwise the command's own.
package main

import (
	"errors"
	"strconv"
	"strings"
	"unsafe" // also for go:linkname

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/blob/load"
)

const synopsis = "seccomp-load [flags] BLOB... -- COMMAND [ARG...]"

const usage = `usage: ` + synopsis + `

Installs the seccomp policies in the blobs, in the order given, and executes the command
under all of them. If anything is wrong, the command does not start.

  seccomp-load policies/toaster.seccomp -- /bin/ls -l

  --sha256 HEX            the next blob's bytes must have this digest; who may write the
                          file does not matter then
  --insecure-permissions  take blobs that others than root and the caller may have written
  --check                 do everything but install and execute, and say what would be done
  --print                 show what the blobs are
  --version, --help

no_new_privs is always set: under it, set-user-ID programs such as sudo and files with
capabilities get no privileges.

Exit codes: 125 the loader failed, 126 the command can't be executed, 127 it can't be
found; otherwise the command's own. Once a filter is on, the exit code is all that it says.
`

const stdout, stderr = 1, 2

// version is set by a release's build, -ldflags "-X main.version=...". Package runtime/debug knows it too, and would make the
// loader larger by a thirtieth.
var version = "(devel)"

// Exit codes, as env, nice and docker run have them.
const (
	failed        = 125
	notExecutable = 126
	notFound      = 127
)

func main() {
	for fd := range 3 {
		if closed&(1<<fd) != 0 { // the runtime has opened it
			unix.CloseOnExec(fd)
		}
	}
	unix.Exit(run(args()[1:]))
}

// A refusal is an error with a way out.
type refusal struct{ msg, hint string }

func (r *refusal) Error() string { return r.msg }

func run(args []string) int {
	r, err := parse(args)
	switch {
	case err != nil:
		return complain(failed, err)
	case r.help:
		put(stdout, usage)
		return 0
	case r.version:
		put(stdout, "seccomp-load "+version+" format 1.0, entry: "+entry()+"\n")
		return 0
	case privileged():
		return complain(failed, &refusal{"it runs with more rights than its caller has (set-user-ID, set-group-ID or file capabilities)",
			"no_new_privs takes rights from the command, not from the loader: take the mode bits or capabilities off its file"})
	}
	blobs, err := r.read()
	if err != nil {
		return complain(failed, err)
	}
	if r.print {
		return 0
	}
	if err := load.CheckExec(blobs...); err != nil {
		return complain(failed, err)
	}
	path := ""
	if len(r.command) > 0 {
		var code int
		switch path, code = find(r.command[0]); code {
		case notFound:
			return complain(code, errors.New("command "+strconv.Quote(r.command[0])+" is not found"))
		case notExecutable:
			return complain(code, errors.New("command "+strconv.Quote(r.command[0])+" can't be executed"))
		}
	}
	if r.check {
		return say(blobs, path, r.command)
	}
	for _, b := range blobs {
		if b.Complain {
			put(stderr, "seccomp-load: warning: policy "+b.Name+" complains: what it denies is done, and logged\n")
		}
		if f, err := load.Fallbacks(b); err == nil && f != 0 { // where it is an error, Exec returns it
			put(stderr, "seccomp-load: warning: policy "+b.Name+": this kernel lacks actions, the declared fallbacks are applied: "+f.String()+"\n")
		}
	}
	err = load.Exec(load.Command{Path: path, Args: r.command, Env: environ(), Ignored: ignored, Blocked: blocked}, blobs...)
	exec, on := err.(*load.ExecError)
	if !on {
		return complain(failed, err)
	}
	// The filters are on and may deny whatever os.Exit would do first.
	code := notExecutable
	switch {
	case exec.Op == "install":
		code = failed
	case exec.Err == unix.ENOENT:
		code = notFound
	}
	unix.RawSyscall(unix.SYS_EXIT_GROUP, uintptr(code), 0, 0)
	panic("unreachable: exit_group returned")
}

// args and environ are what the kernel has handed over. Package os would make the loader an eighth larger, and has each
// variable of the environment once.
//
//go:linkname args os.runtime_args
func args() []string

//go:linkname environ syscall.runtime_envs
func environ() []string

func put(fd int, s string) { unix.Write(fd, []byte(s)) }

// privileged reports AT_SECURE of getauxval(3). Where the kernel says nothing, the loader has to assume it.
func privileged() bool {
	aux, _ := unix.Auxv()
	for _, a := range aux {
		if a[0] == atSecure {
			return a[1] != 0
		}
	}
	return true
}

// say tells what would be done with blobs that can be installed.
func say(blobs []*blob.Blob, path string, command []string) int {
	for _, b := range blobs {
		t, err := load.Select(b)
		if err != nil {
			return complain(failed, err)
		}
		by := "prctl"
		if b.Flags != 0 {
			by = "seccomp(2) with the filter flags 0x" + strconv.FormatUint(uint64(b.Flags), 16)
		}
		put(stdout, "policy "+b.Name+": would install the program for "+t.Label+", "+strconv.Itoa(t.Instructions())+" instructions, by "+by+"\n")
		if b.Complain {
			put(stdout, "policy "+b.Name+": complains: what it denies would be done, and logged\n")
		}
		if b.Fallbacks != 0 {
			f, err := load.Fallbacks(b)
			if err != nil {
				return complain(failed, err)
			}
			put(stdout, "policy "+b.Name+": fallbacks declared: "+b.Fallbacks.String()+"; would apply on this kernel: "+f.String()+"\n")
		}
	}
	if path != "" {
		out := "would execute " + strconv.Quote(path) + " as"
		for _, a := range command {
			out += " " + strconv.Quote(a)
		}
		put(stdout, out+"\n")
	}
	return 0
}

// find searches a command as execvp does: a name with a slash is a path, any other is looked up in PATH.
func find(name string) (path string, code int) {
	if name == "" {
		return "", notFound
	}
	dirs := []string{""}
	if !strings.Contains(name, "/") {
		list, ok := unix.Getenv("PATH")
		if !ok {
			list = defaultPath
		}
		dirs = strings.Split(list, ":")
	}
	code = notFound
	for _, dir := range dirs {
		path := name
		if dir != "" {
			path = dir + "/" + name
		}
		var st unix.Stat_t
		err := unix.Stat(path, &st) // statx is younger than some kernels that run this
		switch {
		case err == unix.ENOENT || err == unix.ENOTDIR:
		case err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && permitted(unsafe.Pointer(unsafe.StringData(path+"\x00"))):
			return path, 0
		default:
			code = notExecutable
		}
	}
	return "", code
}

// defaultPath is searched where PATH is unset: confstr(_CS_PATH), as execvp has it.
const defaultPath = "/bin:/usr/bin"

func complain(code int, err error) int {
	out := "seccomp-load: error: " + err.Error() + "\n"
	if r, ok := err.(*refusal); ok && r.hint != "" {
		out += "hint: " + r.hint + "\n"
	}
	put(stderr, out)
	return code
}

// entry says where the program was entered: at _seccomp_load_start, or at the Go runtime's entry.
func entry() string {
	if stack != nil {
		return "direct"
	}
	return "runtime"
}
