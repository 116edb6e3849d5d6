package policies

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestGodaemon runs a service that puts godaemon's filter on itself, and uses it. The same visit must find fault where the
// filter is on one thread alone, and where the policy lets through a call less or more.
func TestGodaemon(t *testing.T) {
	supported(t)
	goarchs := []string{runtime.GOARCH}
	if runtime.GOARCH == "amd64" {
		goarchs = append(goarchs, "386")
	}
	for _, goarch := range goarchs {
		t.Run(goarch, func(t *testing.T) {
			if err := exec.Command(build(t, goarch, "./testdata/program")).Run(); errors.Is(err, syscall.ENOEXEC) {
				t.Skipf("this kernel runs no program for %s", goarch)
			}
			program := build(t, goarch, "./testdata/godaemon")
			for _, fault := range visit(t, program, "-filter", "godaemon.seccomp") {
				t.Error(fault)
			}
			faults := visit(t, program, "-filter", "godaemon.seccomp", "-thread")
			for _, want := range []string{"has \"Seccomp:\\t0\"", "/child?on=old: answer \"child\\n", "ptrace on the old thread"} {
				if !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, want) }) {
					t.Errorf("with the filter on one thread alone no fault says %s: %q", want, faults)
				}
			}
			for _, v := range []struct{ name, old, new string }{
				{"no file can be opened", "\nrules:\n", "\nrules:\n  - errno(EPERM): [openat]\n"},
				{"no directory can be read", "\nrules:\n", "\nrules:\n  - errno(EPERM): [getdents64]\n"},
				{"no file can be renamed", "\nrules:\n", "\nrules:\n  - errno(EPERM): [renameat, renameat2]\n"},
				{"children in place of threads", "CLONE_NEWNET) != CLONE_THREAD", "CLONE_NEWNET) == CLONE_THREAD"},
				{"one more kind of sockets", "IPPROTO_TCP,", "IPPROTO_TCP, IPPROTO_SCTP,"},
				{"io_uring", `[clone3, "@io-uring"]`, `[clone3, io_uring_register]`},
			} {
				src := string(read(t, "godaemon.yaml"))
				if !strings.Contains(src, v.old) {
					t.Fatalf("%s: %q is not in the policy", v.name, v.old)
				}
				src = strings.Replace(src, v.old, v.new, 1)
				filter := filepath.Join(t.TempDir(), "filter")
				if err := os.WriteFile(filter, compile(t, parse(t, "godaemon.yaml", []byte(src))).Bytes, 0o666); err != nil {
					t.Fatal(err)
				}
				faults := visit(t, program, "-filter", filter)
				if len(faults) == 0 {
					t.Errorf("%s: no fault is found", v.name)
				} else {
					t.Logf("%s: %d faults, the first: %s", v.name, len(faults), faults[0])
				}
			}
		})
	}
}

// TestExample runs the example in a process of its own, for it can't be undone.
func TestExample(t *testing.T) {
	const role = "SECCOMPC_TEST_EXAMPLE"
	if os.Getenv(role) != "" {
		Example()
		return
	}
	supported(t)
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestExample$")
	cmd.Env = append(os.Environ(), role+"=1")
	out, err := cmd.CombinedOutput()
	if want := "fork/exec /bin/sh: operation not permitted\nhttp: Server closed\n"; err != nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("error %v, output %q, want %q", err, out, want)
	}
}

// A visitor uses the service and notes what is not as it should be.
type visitor struct {
	dir    string // the service's
	pid    int
	client *http.Client
	mu     sync.Mutex
	faults []string
}

func (v *visitor) fault(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.faults = append(v.faults, fmt.Sprintf(format, args...))
}

// get asks for something and wants the answer to contain a text.
func (v *visitor) get(url, want string) string {
	answer, err := v.client.Get(url)
	if err != nil {
		v.fault("%v", err)
		return ""
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
		v.fault("%s: answer %.200q, status %s, error %v, want %.50q", url[strings.LastIndex(url, "/"):], body, answer.Status, err, want)
	}
	return string(body)
}

// visit runs the service and returns what is not as it should be, from its start to its end.
func visit(t *testing.T, program string, args ...string) []string {
	t.Helper()
	v := &visitor{dir: t.TempDir()}
	upstream, names := v.world(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append(args, "-dns", names, v.dir)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	v.pid = cmd.Process.Pid
	var plain, secure string
	if _, err := fmt.Fscan(stdout, &plain, &secure); err != nil {
		v.fault("no addresses: %v", err)
		cancel()
	} else {
		v.use("http://"+plain, "https://"+secure, upstream)
		v.stop("http://" + plain)
	}
	if err := cmd.Wait(); err != nil {
		v.fault("it ends with %v: %.500s", err, stderr.Bytes())
	}
	data, err := os.ReadFile(filepath.Join(v.dir, "log"))
	if err != nil || !strings.Contains(string(data), "started\n") || !strings.HasSuffix(string(data), "stopped\n") {
		v.fault("log %q, error %v", data, err)
	}
	return v.faults
}

// world makes what the service needs around it: its files, and a server and a name server to ask. It returns the port of
// the one and the address of the other.
func (v *visitor) world(t *testing.T) (upstream, names string) {
	t.Helper()
	certPEM, keyPEM := certificate(t, "upstream.test")
	for name, data := range map[string][]byte{"cert.pem": certPEM, "key.pem": keyPEM, "large": bytes.Repeat([]byte("large"), 1e5)} {
		if err := os.WriteFile(filepath.Join(v.dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(certPEM)
	v.client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}
	t.Cleanup(v.client.CloseIdleConnections)

	hello := func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "hello %s", r.Host) }
	server := httptest.NewUnstartedServer(http.HandlerFunc(hello))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	t.Cleanup(server.Close)
	dns, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dns.Close() })
	go answerNames(dns)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port, dns.LocalAddr().String()
}

// answerNames answers every question for a name's IPv4 address with 127.0.0.1, and every other one with nothing (RFC 1035).
func answerNames(dns net.PacketConn) {
	query := make([]byte, 512)
	for {
		n, from, err := dns.ReadFrom(query)
		if err != nil {
			return
		}
		end := 12 + bytes.IndexByte(query[12:n], 0) + 5 // of the question: a name, two bytes of type, two of class
		answer := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, query[12:end]...)
		if query[end-3] == 1 { // type A
			answer[7] = 1
			answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1) // the name is at offset 12
		}
		dns.WriteTo(answer, from)
	}
}

// use does with the service what its clients do, and what they must not get it to do.
func (v *visitor) use(plain, secure, upstream string) {
	large := strings.Repeat("large", 1e5)
	v.get(plain+"/threads?n=40", "")
	var clients sync.WaitGroup
	for i := range 32 {
		clients.Go(func() { v.get([]string{plain, secure}[i%2]+"/files/large", large) })
	}
	clients.Wait()
	v.get(plain+"/files/", "large")
	v.get(secure+"/fetch?url=https://upstream.test:"+upstream+"/", "hello upstream.test")
	v.get(plain+"/fetch?url=https://127.0.0.1:"+upstream+"/", "hello 127.0.0.1")
	v.get(plain+"/interfaces", "true")
	v.get(plain+"/collect", "true")
	if answer, err := v.client.Post(plain+"/store?name=stored", "", strings.NewReader("words")); err != nil {
		v.fault("%v", err)
	} else {
		answer.Body.Close()
		if data, err := os.ReadFile(filepath.Join(v.dir, "stored")); string(data) != "word" {
			v.fault("stored %q, error %v, status %s", data, err, answer.Status)
		}
	}
	v.tasks(8 + 40)
	for _, age := range []string{"old", "new"} {
		v.get(plain+"/child?on="+age, "fork/exec /bin/echo: operation not permitted\n")
		v.refused(plain, age)
	}
	v.get(plain+"/end", "")
	v.client.CloseIdleConnections() // the service waits five seconds for a connection that was never used
}

// refused wants the calls refused that the service makes for that, and most of them not to have been before.
func (v *visitor) refused(plain, age string) {
	calls, changed := 0, 0
	for lines := bufio.NewScanner(strings.NewReader(v.get(plain+"/refused?on="+age, "\n"))); lines.Scan(); {
		var name string
		var before, now syscall.Errno
		fmt.Sscan(lines.Text(), &name, &before, &now)
		want := syscall.EPERM
		if name == "clone3" || strings.HasPrefix(name, "io_uring") {
			want = syscall.ENOSYS
		}
		if now != want {
			v.fault("%s on the %s thread: %v, want %v", name, age, now, want)
		}
		calls++
		if before != want {
			changed++
		}
	}
	if changed < 20 {
		v.fault("of %d refused calls %d were refused otherwise or not at all before the filter", calls, changed)
	}
}

// tasks wants every thread filtered, and at least so many of them.
func (v *visitor) tasks(least int) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", v.pid))
	if err != nil || len(tasks) < least {
		v.fault("%d threads, error %v, want %d", len(tasks), err, least)
	}
	for _, task := range tasks {
		status, err := os.ReadFile(task)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // the thread has ended
		}
		for _, field := range []struct{ name, want string }{{"Seccomp", "2"}, {"NoNewPrivs", "1"}} {
			_, line, _ := strings.Cut(string(status), "\n"+field.name+":\t")
			line, _, _ = strings.Cut(line, "\n")
			if line != field.want {
				v.fault("%s has %q, error %v", task, field.name+":\t"+line, err)
			}
		}
	}
}

// stop ends the service by a signal while a request is at hand, which it must still answer.
func (v *visitor) stop(plain string) {
	answer, err := v.client.Get(plain + "/last")
	if err != nil {
		v.fault("%v", err)
		syscall.Kill(v.pid, syscall.SIGKILL)
		return
	}
	defer answer.Body.Close()
	body := bufio.NewReader(answer.Body)
	first, _ := body.ReadString('\n')
	syscall.Kill(v.pid, syscall.SIGTERM)
	if second, err := body.ReadString('\n'); first != "waiting\n" || second != "done\n" {
		v.fault("the last answer is %q and %q, error %v", first, second, err)
	}
}
