package component_test

import (
	"crypto/md5"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/internal/component"
)

// private opens a root with a private network, or skips where the machine has no TUN devices for this user.
func private(t *testing.T, spec component.RootSpec) component.Root {
	t.Helper()
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	_ = f.Close()
	spec.Kind, spec.Network = component.RootOverlay, component.NetworkPrivate
	return openRoot(t, spec)
}

// TestPrivateNetwork holds that a private network reaches the endpoint of its job and the machine's proxy,
// and nothing else of the machine.
func TestPrivateNetwork(t *testing.T) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "answer "+r.URL.Path) })
	endpoint, proxy, secret := httptest.NewServer(answer), httptest.NewServer(answer), httptest.NewServer(answer)
	for _, s := range []*httptest.Server{endpoint, proxy, secret} {
		defer s.Close()
	}
	abstract, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", "@imagebuild-test-"+strconv.Itoa(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	defer abstract.Close() //nolint:errcheck // nothing was sent
	root := private(t, component.RootSpec{Environ: []string{"http_proxy=" + proxy.URL}})
	port := func(s *httptest.Server) string { return s.URL[strings.LastIndexByte(s.URL, ':')+1:] }
	o := runJob(t, root, component.Job{S3Endpoint: endpoint.URL, Documents: []component.JobDocument{bash("build",
		"get() { (exec 3<>/dev/tcp/$1/$2 && printf 'GET /x HTTP/1.0\\r\\n\\r\\n' >&3 && tail -n1 <&3); }\n"+
			"get 127.0.0.1 "+port(endpoint)+"; echo; get 127.0.0.1 "+port(proxy)+"; echo; get 127.0.0.1 "+port(secret)+" || echo no",
		"cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d ' ' | sort | tr '\\n' ' '; ls /sys/class/net /sys/devices/virtual/net | sort -u | grep -v : | tr '\\n' ' '; test -w /sys/class/net && echo writable; grep -c . /proc/net/unix; grep nameserver /etc/resolv.conf",
	)}})
	if got := stdout(o.Steps[0]); got != "answer /x\nanswer /x\nno" {
		t.Errorf("the services answered %q\n%s", got, o.Steps[0].Stderr)
	}
	if got := stdout(o.Steps[1]); got != "lo tun0  lo tun0 1\nnameserver 192.0.0.1" {
		t.Errorf("the network is %q", got)
	}
	if !strings.Contains(root.Describe(), "neither this machine nor private networks") {
		t.Errorf("the root calls itself %q", root.Describe())
	}
}

// TestOutward holds that connections outward carry whole bodies both ways, and that what isn't there is refused,
// against a service on an address of this machine that the job opens by naming it as its endpoint.
func TestOutward(t *testing.T) {
	var at string
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range own {
		if ip, _, invalid := net.ParseCIDR(a.String()); invalid == nil && ip.To4() != nil && !ip.IsLoopback() {
			at = ip.String()
		}
	}
	if at == "" {
		t.Skip("this machine has no address but its loopback")
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", at+":0")
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Repeat("0123456789abcdef", 1<<18)
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Received", strconv.FormatInt(sent, 10))
		fmt.Fprint(w, body)
	})}
	go s.Serve(l)   //nolint:errcheck // it ends with the test
	defer s.Close() //nolint:errcheck // as above
	root := private(t, component.RootSpec{})
	url := "http://" + l.Addr().String()
	o := runJob(t, root, component.Job{S3Endpoint: url, Documents: []component.JobDocument{bash("build",
		"head -c 3000000 /dev/zero | curl -sS --noproxy '*' --data-binary @- -D /dev/stderr "+url+"/ | md5sum; curl -sS --noproxy '*' -o /dev/null http://"+at+":9/",
	)}})
	if got, want := stdout(o.Steps[0]), fmt.Sprintf("%x  -", md5.Sum([]byte(body))); got != want || !strings.Contains(o.Steps[0].Stderr, "Received: 3000000") {
		t.Errorf("%q\n%s", got, o.Steps[0].Stderr)
	}
}
