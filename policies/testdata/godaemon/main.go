// Godaemon is a network service that installs a blob's filter on itself while its threads run. A test drives it over HTTP:
// each path does what services do, or what the filter must refuse.
//
//	godaemon -filter FILE [-thread] -dns ADDRESS DIR
//
// DIR has the files to serve, cert.pem and key.pem among them; the log is written there. -thread filters one thread
// alone, which is the mistake that the test must notice. Without -filter there is none. The first line of the output
// has the addresses of HTTP and HTTPS. SIGTERM ends the service after the requests at hand.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"sync"
	"syscall"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/blob/load"
)

// A thread executes functions, each to its end, on an OS thread of its own.
type thread chan func()

func newThread() thread {
	t, started := make(thread), make(chan bool)
	go func() {
		runtime.LockOSThread()
		started <- true
		for f := range t {
			f()
		}
	}()
	<-started
	return t
}

func (t thread) do(f func()) {
	done := make(chan bool)
	t <- func() { f(); close(done) }
	<-done
}

func init() { runtime.LockOSThread() } // for load.Thread

func main() {
	filter := flag.String("filter", "", "install the blob in `FILE`")
	alone := flag.Bool("thread", false, "on one thread alone")
	dns := flag.String("dns", "", "the name server's `ADDRESS`")
	flag.Parse()
	s := &service{dir: flag.Arg(0), dns: *dns, stopping: make(chan bool)}
	for range 8 {
		s.old = append(s.old, newThread())
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	s.free = refusals()

	if *filter != "" {
		data, err := os.ReadFile(*filter)
		check(err)
		b, err := blob.Decode(data)
		check(err)
		install := load.Process
		if *alone {
			install = load.Thread
		}
		check(install(b))
	}
	check(s.serve(plain))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "godaemon:", err)
		os.Exit(1)
	}
}

type service struct {
	dir, dns string
	old      []thread // since before the filter
	free     []refusal
	client   *http.Client
	stopping chan bool
	mu       sync.Mutex
	locked   []thread // since after it
}

// serve does all that a service does under the filter.
func (s *service) serve(plain net.Listener) error {
	file, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	logger := log.New(file, "", log.LstdFlags)
	logger.Print("started")
	secure, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	pem, err := os.ReadFile(filepath.Join(s.dir, "cert.pem"))
	if err != nil {
		return err
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(pem)
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.dns)
	}}
	s.client = &http.Client{Transport: &http.Transport{
		DialContext: (&net.Dialer{Resolver: resolver}).DialContext, TLSClientConfig: &tls.Config{RootCAs: trusted}}}

	mux := http.NewServeMux()
	mux.Handle("/files/", http.StripPrefix("/files/", http.FileServer(http.Dir(s.dir))))
	for path, h := range map[string]func(http.ResponseWriter, *http.Request) error{
		"/store": s.store, "/fetch": s.fetch, "/threads": s.threads, "/end": s.end, "/collect": s.collect,
		"/child": s.child, "/refused": s.refused, "/last": s.last, "/interfaces": s.interfaces,
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			logger.Print(r.URL.Path)
			if err := h(w, r); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
	}
	server := &http.Server{Handler: mux, ErrorLog: logger}
	term, failed := make(chan os.Signal, 1), make(chan error, 2)
	signal.Notify(term, syscall.SIGTERM)
	go func() { failed <- server.Serve(plain) }()
	go func() {
		failed <- server.ServeTLS(secure, filepath.Join(s.dir, "cert.pem"), filepath.Join(s.dir, "key.pem"))
	}()
	fmt.Println(plain.Addr(), secure.Addr())
	select {
	case err := <-failed:
		return err
	case <-term:
	}
	close(s.stopping)
	if err := server.Shutdown(context.Background()); err != nil {
		return err
	}
	logger.Print("stopped")
	return errors.Join(file.Sync(), file.Close())
}

// store writes the request's body to a file, by way of another one in a directory that is gone then.
func (s *service) store(w http.ResponseWriter, r *http.Request) error {
	dir, err := os.MkdirTemp(s.dir, "store")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	f, err := os.Create(filepath.Join(dir, "new"))
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r.Body)
	if err := errors.Join(err, f.Truncate(4), f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(s.dir, r.FormValue("name")))
}

// fetch asks another server.
func (s *service) fetch(w http.ResponseWriter, r *http.Request) error {
	answer, err := s.client.Get(r.FormValue("url"))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(w, answer.Body)
	return err
}

// interfaces makes the sockets other than those of the internet.
func (s *service) interfaces(w http.ResponseWriter, r *http.Request) error {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return err
	}
	l, err := net.Listen("unix", filepath.Join(s.dir, "socket"))
	if err != nil {
		return err
	}
	fmt.Fprintln(w, len(addresses) > 0)
	return l.Close()
}

// threads makes threads, which stay until end ends them.
func (s *service) threads(w http.ResponseWriter, r *http.Request) error {
	n, err := strconv.Atoi(r.FormValue("n"))
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.locked = append(s.locked, newThread())
	}
	return nil
}

func (s *service) end(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.locked {
		close(t)
	}
	s.locked = nil
	return nil
}

// collect makes garbage, has it collected, and records a profile of that.
func (s *service) collect(w http.ResponseWriter, r *http.Request) error {
	var profile bytes.Buffer
	if err := pprof.StartCPUProfile(&profile); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			var kept [][]byte
			for range 50 {
				kept = append(kept, make([]byte, 1<<16))
			}
			runtime.GC()
			runtime.KeepAlive(kept)
		})
	}
	wg.Wait()
	debug.FreeOSMemory()
	pprof.StopCPUProfile()
	fmt.Fprintln(w, profile.Len() > 0)
	return nil
}

// on executes a function on a thread that is older than the filter, or on a new one.
func (s *service) on(r *http.Request, f func()) {
	t := s.old[0]
	if r.FormValue("on") == "new" {
		t = newThread()
		defer close(t)
	}
	t.do(f)
}

// child tells what comes of the attempt to start one.
func (s *service) child(w http.ResponseWriter, r *http.Request) (err error) {
	s.on(r, func() {
		out, err := exec.Command("/bin/echo", "child").CombinedOutput()
		fmt.Fprintf(w, "%s%v\n", out, err)
	})
	return nil
}

// refused tells what came of each of refusals' calls before the filter, and what comes of it now.
func (s *service) refused(w http.ResponseWriter, r *http.Request) error {
	s.on(r, func() {
		for i, c := range refusals() {
			fmt.Fprintf(w, "%s %d %d\n", c.name, s.free[i].errno, c.errno)
		}
	})
	return nil
}

// last is a request that lasts until the service is told to stop.
func (s *service) last(w http.ResponseWriter, r *http.Request) error {
	fmt.Fprintln(w, "waiting")
	if err := http.NewResponseController(w).Flush(); err != nil {
		return err
	}
	<-s.stopping
	fmt.Fprintln(w, "done")
	return nil
}
