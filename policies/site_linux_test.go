package policies

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// nginxConf has the user, TCP and unix upstreams, ports without and with TLS, more to listen on, and a version.
const nginxConf = `
%s
worker_processes 2;
pid logs/nginx.pid;
error_log logs/error.log info;
events { worker_connections 64; }
http {
	client_body_temp_path tmp/body;
	proxy_temp_path tmp/proxy;
	fastcgi_temp_path tmp/fastcgi;
	uwsgi_temp_path tmp/uwsgi;
	scgi_temp_path tmp/scgi;
	access_log logs/access.log;
	sendfile on;
	client_body_buffer_size 1k;
	client_body_in_file_only on;
	client_max_body_size 10m;
	upstream tcp { server %s; keepalive 2; }
	upstream unix { server unix:%s; }
	server {
		listen 127.0.0.1:%d;
		listen 127.0.0.1:%d ssl;
		%s
		ssl_certificate cert.pem;
		ssl_certificate_key key.pem;
		root html;
		location /tcp { proxy_pass http://tcp; proxy_http_version 1.1; proxy_set_header Connection ""; }
		location /held { proxy_pass http://tcp; }
		location /unix { proxy_pass http://unix; }
		location /version { return 200 "%s"; }
	}
}
`

// A site is a directory for nginx to serve from, with upstreams behind it. one.conf is its configuration, two.conf the one
// that it is to change to.
type site struct {
	dir        string
	uri, https string // what its addresses begin with
	big        []byte // what the file big holds
	client     *http.Client
	held       chan chan struct{} // the upstream's requests for /held, each of which waits for its channel to be closed
}

func newSite(t *testing.T, nginx string) *site {
	t.Helper()
	s := &site{dir: t.TempDir(), held: make(chan chan struct{}), big: bytes.Repeat([]byte("0123456789abcde\n"), 1<<18)} // 4 MiB
	for _, d := range []struct {
		name string
		mode os.FileMode // workers are another user
	}{{filepath.Dir(s.dir), 0o755}, {s.dir, 0o777}, {s.dir + "/logs", 0o777}, {s.dir + "/tmp", 0o777}, {s.dir + "/html", 0o755}} {
		err := os.MkdirAll(d.name, d.mode)
		if err == nil {
			err = os.Chmod(d.name, d.mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s.write(t, "html/index.html", []byte("hello\n"))
	s.write(t, "html/big", s.big)
	s.write(t, "nginx", read(t, nginx)) // where it is may be out of reach for another user
	if err := os.Chmod(s.dir+"/nginx", 0o755); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.certificate(t)}, DisableKeepAlives: true}
	s.client = &http.Client{Transport: transport}

	upstream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if r.URL.Path == "/held" {
			release := make(chan struct{})
			select {
			case s.held <- release:
				<-release
			case <-r.Context().Done():
			}
		}
		fmt.Fprintf(w, "%s %d %v\n%s", r.URL.Path, len(body), err, body)
	})
	tcp, unix := httptest.NewServer(upstream), httptest.NewUnstartedServer(upstream)
	t.Cleanup(tcp.Close)
	l, err := net.Listen("unix", s.dir+"/upstream")
	if err == nil {
		err = os.Chmod(s.dir+"/upstream", 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
	unix.Listener.Close()
	unix.Listener = l
	unix.Start()
	t.Cleanup(unix.Close)

	who := ""
	if os.Getuid() == 0 {
		_, group := nobody(t)
		who = "user nobody " + group + ";"
	}
	port, tlsPort := freePort(t), freePort(t)
	s.uri, s.https = fmt.Sprintf("http://127.0.0.1:%d", port), fmt.Sprintf("https://127.0.0.1:%d", tlsPort)
	for version, more := range map[string]string{"one": "", "two": "listen unix:" + s.dir + "/second;"} {
		s.write(t, version+".conf", fmt.Appendf(nil, nginxConf, who, tcp.Listener.Addr(), s.dir+"/upstream", port, tlsPort, more, version))
	}
	return s
}

func (s *site) write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// certificate makes a certificate of 127.0.0.1 and the names, and its key, in PEM.
func certificate(t *testing.T, names ...string) (cert, private []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// certificate puts one and its key into files.
func (s *site) certificate(t *testing.T) *x509.CertPool {
	t.Helper()
	text, private := certificate(t)
	s.write(t, "cert.pem", text)
	s.write(t, "key.pem", private)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// nobody returns the user of that name and the name of its group.
func nobody(t *testing.T) (*syscall.Credential, string) {
	t.Helper()
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Skip(err)
	}
	g, err := user.LookupGroupId(u.Gid)
	if err != nil {
		t.Skip(err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, g.Name
}

// findNginx returns nginx's path, or skips.
func findNginx(t *testing.T) string {
	t.Helper()
	path := os.Getenv("SECCOMPC_NGINX")
	for _, name := range []string{"nginx", "/usr/sbin/nginx"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		t.Skip("nginx is not tried: it is not in PATH, and the variable SECCOMPC_NGINX does not name it")
	}
	if out, err := exec.Command(path, "-v").CombinedOutput(); err != nil {
		t.Fatalf("%s -v: %v\n%s", path, err, out)
	}
	return path
}
