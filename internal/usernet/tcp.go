package usernet

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// A flow is one TCP connection. Its packets are shown to the namespace's kernel as coming from a port of
// Peer, at which the kernel's own TCP answers from the listener.
type flow struct {
	ends
	port  uint16
	out   net.Conn // nil before the other side has answered
	taken bool     // by the listener
	ended bool
}

// linger is how long an ended connection's last packets may still travel.
const linger = 60 * time.Second

// segment carries a TCP packet on.
func (n *network) segment(ctx context.Context, p packet) {
	from, to := p.source(), p.destination()
	n.mu.Lock()
	defer n.mu.Unlock()
	if from.Port() == n.port && to.Addr() == Peer() { // the listener's
		if f := n.byPort[to.Port()]; f != nil {
			p.rewrite(f.to, f.from)
			n.write(p.raw)
		}
		return
	}
	f := n.flows[ends{from, to}]
	switch {
	case f != nil && f.out != nil && (!f.ended || !p.opens()):
		p.rewrite(netip.AddrPortFrom(Peer(), f.port), netip.AddrPortFrom(Own(), n.port))
		n.write(p.raw)
	case p.opens() && (f == nil || f.ended):
		n.open(ctx, packet{bytes.Clone(p.raw), nil})
	default: // asked again while the other side is being dialed, or left over from long ago
	}
}

// open dials where a packet wants to go, and lets the namespace's kernel see the packet once that has
// answered: a service that isn't there is refused to the process, not accepted and broken off. The
// caller holds the lock.
func (n *network) open(ctx context.Context, first packet) {
	p, _ := parse(first.raw)
	f := &flow{ends: ends{p.source(), p.destination()}}
	for range 1 << 16 {
		n.next++
		if n.next > 1024 && n.byPort[n.next] == nil {
			f.port = n.next
			break
		}
	}
	if f.port == 0 {
		n.write(p.reset()) // 64,000 connections in a minute
		return
	}
	n.flows[f.ends], n.byPort[f.port] = f, f
	n.running.Go(func() {
		out, err := n.dial(ctx, f.to)
		n.mu.Lock()
		defer n.mu.Unlock()
		if err == nil {
			f.out = out
			p.rewrite(netip.AddrPortFrom(Peer(), f.port), netip.AddrPortFrom(Own(), n.port))
			n.write(p.raw)
			n.running.Go(func() { n.abandon(ctx, f) })
			return
		}
		n.forget(f)
		switch {
		case errors.Is(err, errRefused):
			n.write(p.unreachable(Peer(), unreachableProhibited))
		case errors.Is(err, syscall.ECONNREFUSED):
			n.write(p.reset())
		default:
			n.write(p.unreachable(Peer(), unreachableHost))
		}
	})
}

// abandon closes a connection whose process has gone before it began.
func (n *network) abandon(ctx context.Context, f *flow) {
	pause(ctx, linger)
	n.mu.Lock()
	defer n.mu.Unlock()
	if !f.taken {
		_ = f.out.Close()
		n.forget(f)
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (n *network) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	target, err := n.target(ctx, to)
	if err != nil {
		return nil, err
	}
	return (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", target.String())
}

// join takes the namespace's end of a connection at the listener.
func (n *network) join(ctx context.Context, c net.Conn) {
	from := netip.MustParseAddrPort(c.RemoteAddr().String())
	n.mu.Lock()
	f := n.byPort[from.Port()]
	if from.Addr() != Peer() || f != nil && (f.out == nil || f.taken) {
		f = nil
	}
	if f != nil {
		f.taken = true
	}
	n.mu.Unlock()
	if f == nil { // a process of the namespace found the listener by itself
		_ = c.Close()
		return
	}
	splice(ctx, c, f.out)
	n.mu.Lock()
	f.ended = true
	n.mu.Unlock()
	n.running.Go(func() {
		pause(ctx, linger)
		n.mu.Lock()
		defer n.mu.Unlock()
		n.forget(f)
	})
}

// forget removes a connection. The caller holds the lock.
func (n *network) forget(f *flow) {
	if n.flows[f.ends] == f {
		delete(n.flows, f.ends)
	}
	delete(n.byPort, f.port)
}
