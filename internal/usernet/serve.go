package usernet

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Own is the address of the namespace's TUN device, and Peer what its processes know as their resolver.
// Both are of a range that no network uses (RFC 7335).
func Own() netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 0, 2}) }

// Peer is the other end of the device.
func Peer() netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 0, 1}) }

// MTU is the size of the device's packets: the larger, the fewer.
const MTU = 65520

// A Forward lets the namespace reach one address of this machine by a listener of its own.
type Forward struct {
	Listener net.Listener // in the namespace
	To       string       // "host:port", dialed by this process
}

// Options are what a namespace hands over, and what it may reach.
type Options struct {
	// Device is a TUN device without further headers, and Listener a TCP listener on Own with any
	// port, both of the namespace; nil where only Forwards are wanted.
	Device   *os.File
	Listener net.Listener
	Forwards []Forward
	Policy   *Policy
	// Resolvers answer what is asked of Peer on port 53; they aren't subject to the policy.
	Resolvers []netip.AddrPort
}

// A network carries one namespace's traffic.
type network struct {
	Options

	port    uint16 // the listener's
	running sync.WaitGroup
	turn    atomic.Uint32 // of the resolvers

	mu     sync.Mutex
	flows  map[ends]*flow
	byPort map[uint16]*flow
	next   uint16
	calls  map[ends]*net.UDPConn
}

// ends are those of a connection as its process sees them.
type ends struct{ from, to netip.AddrPort }

// Serve carries traffic until ctx ends, and closes what it was handed.
func Serve(ctx context.Context, o Options) {
	n := &network{Options: o, flows: map[ends]*flow{}, byPort: map[uint16]*flow{}, calls: map[ends]*net.UDPConn{}}
	ctx, cancel := context.WithCancel(ctx)
	defer n.running.Wait()
	defer cancel()
	var open []io.Closer
	for _, f := range o.Forwards {
		open = append(open, f.Listener)
		n.running.Go(func() { n.accept(f.Listener, func(c net.Conn) { n.forward(ctx, c, f.To) }) })
	}
	if o.Device != nil {
		n.port = netip.MustParseAddrPort(o.Listener.Addr().String()).Port()
		open = append(open, o.Device, o.Listener)
		n.running.Go(func() { n.accept(o.Listener, func(c net.Conn) { n.join(ctx, c) }) })
		n.running.Go(func() { n.read(ctx) })
	}
	<-ctx.Done()
	for _, c := range open {
		_ = c.Close() // nothing was to be written any more
	}
}

// accept takes connections until the listener is closed.
func (n *network) accept(l net.Listener, take func(net.Conn)) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			n.running.Go(func() { take(c) })
		}
	}
}

// forward connects one process with the address that its listener stands for.
func (n *network) forward(ctx context.Context, c net.Conn, to string) {
	out, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", to)
	if err != nil {
		_ = c.Close()
		return
	}
	splice(ctx, c, out)
}

// read takes the device's packets until it is closed.
func (n *network) read(ctx context.Context) {
	buf := make([]byte, MTU+64)
	for {
		size, err := n.Device.Read(buf)
		if errors.Is(err, os.ErrClosed) || ctx.Err() != nil {
			return
		}
		if err != nil {
			continue
		}
		p, ok := parse(buf[:size])
		switch {
		case !ok || p.source().Addr() != Own():
		case p.protocol() == protocolTCP:
			n.segment(ctx, p)
		default:
			n.datagram(ctx, p)
		}
	}
}

// write gives a packet to the namespace. One that is lost is sent again, as in any network.
func (n *network) write(raw []byte) { _, _ = n.Device.Write(raw) }

// target is where a connection really goes: a resolver for what is asked of Peer, else where it wants to
// go, if the policy permits.
func (n *network) target(ctx context.Context, to netip.AddrPort) (netip.AddrPort, error) {
	if r, ok := n.resolver(to); ok {
		return r, nil
	}
	if n.Policy.permits(ctx, to) {
		return to, nil
	}
	return to, errRefused
}

// resolver is whose turn it is to answer what is asked of Peer.
func (n *network) resolver(to netip.AddrPort) (netip.AddrPort, bool) {
	if to != netip.AddrPortFrom(Peer(), 53) || len(n.Resolvers) == 0 {
		return netip.AddrPort{}, false
	}
	return n.Resolvers[int(n.turn.Load())%len(n.Resolvers)], true
}

// splice copies both ways until both ends are done or ctx is.
func splice(ctx context.Context, a, b net.Conn) {
	stop := context.AfterFunc(ctx, func() {
		_ = a.Close()
		_ = b.Close()
	})
	defer stop()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() {
			_, err := io.Copy(way[0], way[1])
			if half, ok := way[0].(*net.TCPConn); ok && err == nil {
				_ = half.CloseWrite()
				return
			}
			_ = a.Close() // the other direction has nobody to read it
			_ = b.Close()
		})
	}
	both.Wait()
	_ = a.Close()
	_ = b.Close()
}

// dialTimeout is how long a host may take to answer.
const dialTimeout = 60 * time.Second
