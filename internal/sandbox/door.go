package sandbox

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// door decides who may knock, before any service sees the request. Whoever can create an image runs
// commands on this machine, if only in a root of their own, and signatures aren't verified: so no page
// that a browser happens to show may, neither by asking across origins nor by a name of its own that
// it lets point here (DNS rebinding). The answer says what to do; "" lets the request in.
func (s *Server) door(r *http.Request) string {
	switch {
	case fromPage(r):
		return "The sandbox doesn't answer web pages."
	case !serves(r.Host, s.opts.HostNames):
		return fmt.Sprintf("The sandbox doesn't serve the host name %q. Use its address, such as http://127.0.0.1:4566, or start it with: imagebuild sandbox --host-name %s", clip(r.Host, 100), clip(hostName(r.Host), 100))
	case r.Method != http.MethodPost && changesByPost(r):
		return "The sandbox takes requests that change something as POST only."
	}
	return ""
}

// fromPage reports whether a browser sends a request on a page's behalf (Fetch Metadata, and Fetch's Origin).
func fromPage(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return r.Header.Get("Origin") != "" || site != "" && site != "none"
}

// serves reports whether a Host header names this server, which has further names besides its own. Addresses do, as a page's own host can be one
// only where that page was served. So do the names that AWS's clients make of an endpoint, with a bucket
// or an account before it.
func serves(host string, further []string) bool {
	name := hostName(host)
	if name == "" { // HTTP/1.0, which no browser speaks
		return true
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	return slices.ContainsFunc(hostNames(further), func(own string) bool { return name == own || strings.HasSuffix(name, "."+own) })
}

// hostNames are the names that a server answers to, and to every name below them.
func hostNames(further []string) []string {
	// The two .internal names are what container engines call the machine that they run on; nobody can register one.
	names := []string{
		"localhost", "127.0.0.1", "host.docker.internal", "host.containers.internal",
		"amazonaws.com", "amazonaws.com.cn", "api.aws", "amazonaws.eu",
	}
	if own, err := os.Hostname(); err == nil {
		names = append(names, strings.ToLower(own))
	}
	for _, n := range further {
		names = append(names, hostName(n))
	}
	return names
}

// hostName is the name in a Host header, without its port, brackets, zone and final dot.
func hostName(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host, _, _ = strings.Cut(strings.Trim(host, "[]"), "%")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// changesByPost tells the requests of the protocols that are POST by nature, and of which AWS takes some
// as GET too. Reading by GET stays: a pre-signed GetCallerIdentity is how clusters identify their users.
func changesByPost(r *http.Request) bool {
	action := r.URL.Query().Get("Action")
	if action == "" {
		return r.Header.Get("X-Amz-Target") != "" || strings.HasPrefix(r.URL.Path, rpcPath)
	}
	if action == "GetSessionToken" || action == "GetFederationToken" { // they create keys
		return true
	}
	return !slices.ContainsFunc([]string{"Describe", "Get", "List", "Simulate"}, func(p string) bool { return strings.HasPrefix(action, p) })
}

// exposed warns of an address that others than this machine reach; "" for loopback.
func exposed(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || tcp.IP.IsLoopback() {
		return ""
	}
	return fmt.Sprintf("Warning: %s isn't a loopback address. The sandbox verifies no signatures, so whoever reaches it can run commands in its roots on this machine. Use --listen 127.0.0.1:%d unless that is what you want.", addr, tcp.Port)
}
