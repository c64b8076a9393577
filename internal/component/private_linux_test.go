package component_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
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
	abstract, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", "@imagebuild-test-"+fmt.Sprint(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	defer abstract.Close() //nolint:errcheck // nothing was sent
	root := private(t, component.RootSpec{Environ: []string{"http_proxy=" + proxy.URL}})
	port := func(s *httptest.Server) string { return s.URL[strings.LastIndexByte(s.URL, ':')+1:] }
	o := runJob(t, root, component.Job{S3Endpoint: endpoint.URL, Documents: []component.JobDocument{bash("build",
		"get() { (exec 3<>/dev/tcp/$1/$2 && printf 'GET /x HTTP/1.0\\r\\n\\r\\n' >&3 && tail -n1 <&3); }\n"+
			"get 127.0.0.1 "+port(endpoint)+"; echo; get 127.0.0.1 "+port(proxy)+"; echo; get 127.0.0.1 "+port(secret)+" || echo no",
		"cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d ' ' | sort | tr '\\n' ' '; grep -c . /proc/net/unix; grep nameserver /etc/resolv.conf",
	)}})
	if got := stdout(o.Steps[0]); got != "answer /x\nanswer /x\nno" {
		t.Errorf("the services answered %q\n%s", got, o.Steps[0].Stderr)
	}
	if got := stdout(o.Steps[1]); got != "lo tun0 1\nnameserver 192.0.0.1" {
		t.Errorf("the network is %q", got)
	}
	if !strings.Contains(root.Describe(), "neither this machine nor private networks") {
		t.Errorf("the root calls itself %q", root.Describe())
	}
}
