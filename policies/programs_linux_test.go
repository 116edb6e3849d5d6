package policies

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// built has the programs that build has built, by GOARCH and package.
var built = struct {
	sync.Mutex
	dir      string
	programs map[string]string
}{programs: map[string]string{}}

func TestMain(m *testing.M) {
	code := m.Run()
	if err := os.RemoveAll(built.dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// anybodys lets the loader take the blobs of a checkout that belongs to another user than root and the one who tests.
const anybodys = "--insecure-permissions"

// build builds a program, once for all tests, where every user can execute it.
func build(t *testing.T, goarch, pkg string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	path, ok := built.programs[goarch+" "+pkg]
	if ok {
		return path
	}
	if built.dir == "" {
		dir, err := os.MkdirTemp("", "policies")
		if err == nil {
			err = os.Chmod(dir, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
		built.dir = dir
	}
	path = filepath.Join(built.dir, filepath.Base(pkg)+goarch)
	cmd := exec.Command("go", "build", "-o", path, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if goarch != "" {
		cmd.Env = append(cmd.Env, "GOARCH="+goarch)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
	built.programs[goarch+" "+pkg] = path
	return path
}

const python = `
import json, os, socket, subprocess, tempfile, threading, time
done = []
threads = [threading.Thread(target=done.append, args=(i,)) for i in range(8)]
for t in threads: t.start()
for t in threads: t.join()
print(json.dumps({"threads": sorted(done), "cwd": os.path.isdir(os.getcwd())}))
print(subprocess.run(["sh", "-c", "echo out; exit 4"], capture_output=True))
with tempfile.NamedTemporaryFile() as f:
    f.write(b"x" * 100000); f.flush(); print(os.stat(f.name).st_size)
a, b = socket.socketpair(); a.sendall(b"pair"); print(b.recv(4))
s = socket.create_server(("127.0.0.1", 0)); c = socket.create_connection(s.getsockname()); c.sendall(b"tcp")
print(s.accept()[0].recv(3))
pid = os.fork()
if pid == 0: os._exit(5)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), len(os.listdir("/")) > 3, time.time() > 1e9)
`

const perl = `
use strict; use Socket; use POSIX qw(:sys_wait_h);
pipe(my $r, my $w) or die; my $pid = fork; die unless defined $pid;
if (!$pid) { print $w "child\n"; close $w; POSIX::_exit(6) }
close $w; print "got ", scalar <$r>; waitpid $pid, 0; print $? >> 8, "\n";
socketpair(my $p, my $q, AF_UNIX, SOCK_STREAM, 0) or die; syswrite $p, "pair"; sysread $q, my $x, 4; print "$x\n";
print join(",", sort { $a <=> $b } map { $_ * 2 } 1..5), "\n"; print qx(echo sub);
opendir my $d, "/" or die; print scalar(readdir $d) ne "" ? "dir\n" : "no\n"; local $SIG{ALRM} = sub { print "alarm\n" };
alarm 1; select undef, undef, undef, 5;
`

// TestPrograms runs programs without a filter and under each sandbox, by the loader, and wants no difference.
func TestPrograms(t *testing.T) {
	supported(t)
	loader := build(t, "", "github.com/seccompc/seccompc/cmd/seccomp-load")
	program := build(t, "", "./testdata/program")
	for _, v := range []struct {
		name    string
		command []string
		wants   string // a piece of the output
	}{
		{"sh", []string{"sh", "-c", `printf 'b\na\nc\n' | sort | while read x; do echo "got $x"; done; exit 7`}, "got c\n"},
		{"sh in the background", []string{"sh", "-c", `sleep 0 & wait; trap 'echo trapped' USR1; kill -USR1 $$; ulimit -n; umask 077; umask`}, "trapped"},
		{"ls", []string{"ls", "-la", "/etc", "."}, "passwd"},
		{"cat", []string{"cat", "programs_linux_test.go", "/proc/self/status"}, "Seccomp"},
		{"cp", []string{"sh", "-c", `d=$(mktemp -d) && cp -a toaster.yaml "$d/a" && cp -r testdata "$d/b" && mkfifo "$d/c" && ln -s a "$d/e" && cmp toaster.yaml "$d/e" && stat -c '%s %a %F' "$d/a" "$d/c" && mv "$d/a" "$d/f" && touch -d @5 "$d/f" && find "$d" | wc -l && rm -r "$d"`}, "fifo"},
		{"grep", []string{"grep", "-rn", "clone", "toaster.yaml", "toaster-strict.yaml"}, "clone3"},
		{"tar", []string{"sh", "-c", `tar cf - *.yaml | gzip | gunzip | tar tf -`}, "toaster.yaml"},
		{"missing", []string{"sh", "-c", "exec /no/such/command"}, "/no/such/command"},
		{"a static Go program", []string{program}, "from a subprocess"},
		{"TCP from a static Go program", []string{program, "net"}, "over TCP"},
		{"go", []string{"go", "version"}, "go version"},
		{"python3", []string{"python3", "-c", python}, "b'tcp'"},
		{"perl", []string{"perl", "-e", perl}, "alarm"},
		{"busybox", []string{"busybox", "sh", "-c", `busybox ls -l / | busybox grep -c . ; busybox cat toaster.yaml | busybox sha256sum; busybox sh -c 'exit 9'`}, "  -\n"},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(v.command[0]); err != nil {
				t.Skip(err)
			}
			if v.command[0] == "python3" { // the interpreter itself, not a script that looks for it
				out, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
				if err != nil {
					t.Skip(err)
				}
				v.command[0] = strings.TrimSpace(string(out))
			}
			free := run(v.command)
			if !strings.Contains(free.out+free.err, v.wants) {
				t.Fatalf("without a filter: %+v, want %q", free, v.wants)
			}
			for _, name := range sandboxes {
				under := run(append([]string{loader, anybodys, name + ".seccomp", "--"}, v.command...))
				if v.name == "cat" { // the process's own state tells of the filter
					if !strings.Contains(under.out, "\nSeccomp:\t2\n") || under.code != 0 || under.err != "" {
						t.Errorf("%s: %+v", name, under)
					}
				} else if under != free {
					t.Errorf("%s: %+v\nwithout a filter: %+v", name, under, free)
				}
			}
		})
	}
}

type result struct {
	out, err string
	code     int
}

func run(command []string) result {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		return result{err: err.Error(), code: -1}
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// TestI386Programs runs a 32-bit Go program under the sandboxes, which are for x86_64 and i386, from loaders of both. Go makes
// sockets by socketcall there, which toaster and toaster-strict deny.
func TestI386Programs(t *testing.T) {
	supported(t)
	program := build(t, "386", "./testdata/program")
	free := run([]string{program})
	if free.code == -1 && strings.Contains(free.err, syscall.ENOEXEC.Error()) {
		t.Skip("this kernel runs no i386 programs")
	}
	if free.code != 0 {
		t.Fatalf("without a filter: %+v", free)
	}
	for _, goarch := range []string{"amd64", "386"} {
		loader := build(t, goarch, "github.com/seccompc/seccompc/cmd/seccomp-load")
		for _, name := range sandboxes {
			if under := run([]string{loader, anybodys, name + ".seccomp", "--", program}); under != free {
				t.Errorf("%s by a loader for %s: %+v\nwithout a filter: %+v", name, goarch, under, free)
			}
			denied := strings.Contains(run([]string{loader, anybodys, name + ".seccomp", "--", program, "net"}).out, syscall.EPERM.Error())
			if want := strings.HasPrefix(name, "toaster"); denied != want {
				t.Errorf("%s by a loader for %s: sockets denied %v, want %v", name, goarch, denied, want)
			}
		}
	}
}
