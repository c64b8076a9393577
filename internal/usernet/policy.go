package usernet

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"
)

// A Policy decides which addresses may be reached. Names are resolved by whoever connects, so only
// addresses are judged: a public name that points at a private address gains nothing.
type Policy struct {
	// Allow are "host:port" that may be reached although they are private, such as a package mirror
	// of one's own network. Loopback, link-local and metadata addresses are refused all the same.
	Allow []string
	// Open are addresses that may be reached whatever they are: a service of this process's own.
	Open []netip.AddrPort

	mu      sync.Mutex
	allowed map[netip.AddrPort]bool
	until   time.Time
}

// errRefused is why a connection that the policy refuses isn't made.
var errRefused = errors.New("the address is refused")

// never are addresses that no exception opens: this machine's own, and where clouds answer with
// credentials. AWS and most others use 169.254.169.254, which is link-local; the rest are by their
// makers' documentation: AWS fd00:ec2::254, Google fd20:ce::254, Alibaba 100.100.100.200,
// Oracle 192.0.0.192, Azure's wire server 168.63.129.16.
func never() []netip.Prefix {
	return prefixes("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "100.100.100.200/32", "192.0.0.0/24", "168.63.129.16/32",
		"::/128", "::1/128", "fe80::/10", "ff00::/8", "fd00:ec2::254/128", "fd20:ce::254/128")
}

// private are addresses of somebody's own network (RFC 1918, 6598, 4193).
func private() []netip.Prefix {
	return prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10")
}

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, p := range list {
		out[i] = netip.MustParsePrefix(p)
	}
	return out
}

// Forbidden reports whether no policy allows an address.
func Forbidden(a netip.Addr) bool {
	a = unembed(a)
	return !a.IsValid() || slices.ContainsFunc(never(), func(p netip.Prefix) bool { return p.Contains(a) })
}

// Private reports whether an address lies in a network of somebody's own.
func Private(a netip.Addr) bool {
	a = unembed(a)
	return slices.ContainsFunc(private(), func(p netip.Prefix) bool { return p.Contains(a) })
}

// unembed is the IPv4 address that an IPv6 one stands for: ::ffff:a.b.c.d, and what a NAT64 takes (RFC 6052).
func unembed(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if netip.MustParsePrefix("64:ff9b::/96").Contains(a) {
		b := a.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return a
}

// permits decides about one connection.
func (p *Policy) permits(ctx context.Context, to netip.AddrPort) bool {
	if slices.Contains(p.Open, to) {
		return true
	}
	if Forbidden(to.Addr()) || ownAddress(to.Addr()) {
		return false
	}
	return !Private(to.Addr()) || p.excepted(ctx, to)
}

// ownAddress reports whether an address is one of this machine's: a service that listens on all
// addresses answers at each of them. Without the list nothing is known to be foreign.
func ownAddress(a netip.Addr) bool {
	own, err := net.InterfaceAddrs()
	return err != nil || slices.ContainsFunc(own, func(o net.Addr) bool {
		prefix, err := netip.ParsePrefix(o.String())
		return err == nil && prefix.Addr().Unmap() == a.Unmap()
	})
}

// excepted resolves the names of the exceptions, at most twice a minute.
func (p *Policy) excepted(ctx context.Context, to netip.AddrPort) bool {
	if len(p.Allow) == 0 {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().After(p.until) {
		p.allowed = map[netip.AddrPort]bool{}
		for _, a := range p.Allow {
			p.resolve(ctx, a)
		}
		p.until = time.Now().Add(30 * time.Second)
	}
	return p.allowed[netip.AddrPortFrom(to.Addr().Unmap(), to.Port())]
}

// resolve adds the addresses of one exception. A name without any opens nothing.
func (p *Policy) resolve(ctx context.Context, hostPort string) {
	host, portText, err := net.SplitHostPort(hostPort)
	port, numErr := strconv.ParseUint(portText, 10, 16)
	if err != nil || numErr != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return
	}
	for _, a := range found {
		p.allowed[netip.AddrPortFrom(a.Unmap(), uint16(port))] = true
	}
}
