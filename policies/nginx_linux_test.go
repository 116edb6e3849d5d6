package policies

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A server is nginx on a site, under a policy.
type server struct {
	*site
	ctx    context.Context // ends when patience does
	master int
	ended  chan error // how the master ended: nil for exit code 0
}

// A launch is a way to start nginx.
type launch struct {
	loader     string
	blob       string
	credential *syscall.Credential // of another user, or nil
	daemon     bool                // in the background
	patience   time.Duration
}

// serve has nginx go through a life on a site, from its start to a graceful end, and returns what is amiss.
func (s *site) serve(l launch) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), l.patience)
	defer cancel()
	srv := &server{site: s, ctx: ctx, ended: make(chan error, 1)}
	defer func() {
		if err == nil {
			return // no process is left
		}
		log, _ := os.ReadFile(s.dir + "/logs/error.log")
		err = fmt.Errorf("%w\n%s", err, log)
		if srv.master > 0 {
			syscall.Kill(-srv.master, syscall.SIGKILL) // its group
		}
	}()
	if err := srv.start(l); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"first request", func() error { return srv.until(func() error { return srv.get(s.uri+"/version", "one") }) }},
		{"file", func() error { return srv.get(s.uri+"/index.html", "hello\n") }},
		{"large file", func() error { return srv.get(s.uri+"/big", string(s.big)) }},
		{"large file by TLS", func() error { return srv.get(s.https+"/big", string(s.big)) }},
		{"upstream by TCP", func() error { return srv.get(s.uri+"/tcp", "/tcp 0 <nil>\n") }},
		{"upstream by TCP again", func() error { return srv.get(s.uri+"/tcp", "/tcp 0 <nil>\n") }},
		{"upstream by unix socket", func() error { return srv.get(s.uri+"/unix", "/unix 0 <nil>\n") }},
		{"keep-alive", srv.keepAlive},
		{"body", srv.post},
		{"log", func() error { return srv.logged("access.log", "GET /big") }},
		{"reload", srv.reload},
		{"reopen", srv.reopen},
		{"quit", srv.quit},
		{"error log", srv.quiet},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

func (s *server) start(l launch) error {
	config, err := os.ReadFile(s.dir + "/one.conf")
	if err == nil {
		err = os.WriteFile(s.dir+"/nginx.conf", config, 0o644)
	}
	if err != nil {
		return err
	}
	args := []string{anybodys, l.blob, "--", s.dir + "/nginx", "-p", s.dir, "-c", s.dir + "/nginx.conf", "-e", s.dir + "/logs/error.log"}
	if !l.daemon {
		args = append(args, "-g", "daemon off;")
	}
	cmd := exec.Command(l.loader, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: l.credential}
	stderr, err := os.Create(s.dir + "/stderr")
	if err != nil {
		return err
	}
	defer stderr.Close()
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	if !l.daemon {
		s.master = cmd.Process.Pid
		go func() { s.ended <- cmd.Wait() }()
		return nil
	}
	if err := cmd.Wait(); err != nil {
		said, _ := os.ReadFile(stderr.Name())
		return fmt.Errorf("%w\n%s", err, said)
	}
	err = s.until(func() error {
		text, err := os.ReadFile(s.dir + "/logs/nginx.pid")
		if err == nil {
			s.master, err = strconv.Atoi(strings.TrimSpace(string(text)))
		}
		return err
	})
	if err != nil {
		return err
	}
	go func() { // this process is its parent now
		var status syscall.WaitStatus
		_, err := syscall.Wait4(s.master, &status, 0, nil)
		if err == nil && status != 0 {
			err = fmt.Errorf("wait status %#x", status)
		}
		s.ended <- err
	}()
	return nil
}

// until repeats what is to succeed in the end, as long as the server runs and patience lasts.
func (s *server) until(do func() error) error {
	for {
		err := do()
		if err == nil {
			return nil
		}
		select {
		case end := <-s.ended:
			return fmt.Errorf("the server ended, %v; %w", end, err)
		case <-s.ctx.Done():
			return fmt.Errorf("after all patience: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *server) fetch(client *http.Client, method, uri string, body io.Reader, want string) error {
	req, err := http.NewRequestWithContext(s.ctx, method, uri, body)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || string(got) != want) {
		err = fmt.Errorf("%s: %s, %d bytes, want %d: %.80q", uri, resp.Status, len(got), len(want), got)
	}
	return err
}

func (s *server) get(uri, want string) error {
	return s.fetch(s.client, http.MethodGet, uri, nil, want)
}

// keepAlive makes two requests on one connection.
func (s *server) keepAlive() error {
	c, err := net.Dial("tcp", strings.TrimPrefix(s.uri, "http://"))
	if err != nil {
		return err
	}
	defer c.Close()
	deadline, _ := s.ctx.Deadline()
	c.SetDeadline(deadline)
	answers := bufio.NewReader(c)
	for range 2 {
		fmt.Fprintf(c, "GET /index.html HTTP/1.1\r\nHost: localhost\r\n\r\n")
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			return err
		}
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "hello\n" {
			return fmt.Errorf("%q, %w", body, err)
		}
	}
	return nil
}

// post sends a body that nginx buffers on disk, and so does with the answer, and finds the file.
func (s *server) post() error {
	body := strings.Repeat("a body ", 50000)
	if err := s.fetch(s.client, http.MethodPost, s.uri+"/unix", strings.NewReader(body), fmt.Sprintf("/unix %d <nil>\n%s", len(body), body)); err != nil {
		return err
	}
	files, err := filepath.Glob(s.dir + "/tmp/body/*")
	if err != nil {
		return err
	}
	for _, f := range files {
		if data, err := os.ReadFile(f); err == nil && string(data) == body {
			return nil
		}
	}
	return fmt.Errorf("none of the files %q is the body", files)
}

// logged waits for a piece of text in a log.
func (s *server) logged(log, want string) error {
	return s.until(func() error {
		text, err := os.ReadFile(s.dir + "/logs/" + log)
		if err == nil && !bytes.Contains(text, []byte(want)) {
			err = fmt.Errorf("no %q in %q", want, text)
		}
		return err
	})
}

// reload changes the configuration: another answer and another socket.
func (s *server) reload() error {
	if err := os.Rename(s.dir+"/two.conf", s.dir+"/nginx.conf"); err != nil {
		return err
	}
	if err := syscall.Kill(s.master, syscall.SIGHUP); err != nil {
		return err
	}
	if err := s.until(func() error { return s.get(s.uri+"/version", "two") }); err != nil {
		return err
	}
	second := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", s.dir+"/second")
	}}}
	return s.fetch(second, http.MethodGet, "http://localhost/index.html", nil, "hello\n")
}

// reopen moves a log away and wants the next request in a new one.
func (s *server) reopen() error {
	log := s.dir + "/logs/access.log"
	if err := os.Rename(log, log+".1"); err != nil {
		return err
	}
	if err := syscall.Kill(s.master, syscall.SIGUSR1); err != nil {
		return err
	}
	return s.until(func() error { // a worker that is not told yet logs to the old one
		if err := s.get(s.uri+"/index.html?reopened", "hello\n"); err != nil {
			return err
		}
		text, err := os.ReadFile(log)
		if err == nil && !bytes.Contains(text, []byte("reopened")) {
			err = fmt.Errorf("nothing in the new log: %q", text)
		}
		return err
	})
}

// quit asks for a graceful end while a request is under way: the sockets close, the request is answered, the server ends.
func (s *server) quit() error {
	answer := make(chan error, 1)
	go func() { answer <- s.get(s.uri+"/held", "/held 0 <nil>\n") }()
	var release chan struct{}
	select {
	case release = <-s.held:
	case err := <-answer:
		return err
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
	defer func() {
		if release != nil {
			close(release)
		}
	}()
	if err := syscall.Kill(s.master, syscall.SIGQUIT); err != nil {
		return err
	}
	err := s.until(func() error {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.uri, "http://"))
		if err == nil {
			c.Close()
			return errors.New("it still accepts connections")
		}
		return nil
	})
	if err != nil {
		return err
	}
	close(release)
	release = nil
	if err := <-answer; err != nil {
		return err
	}
	select {
	case err := <-s.ended:
		return err
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

// quiet wants nothing in the error log but warnings and less.
func (s *server) quiet() error {
	text, err := os.ReadFile(s.dir + "/logs/error.log")
	if err != nil {
		return err
	}
	for _, level := range []string{"[error]", "[crit]", "[alert]", "[emerg]", syscall.EPERM.Error(), "not permitted"} {
		if bytes.Contains(text, []byte(level)) {
			return fmt.Errorf("%s was logged", level)
		}
	}
	return nil
}
