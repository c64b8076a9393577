package usernet

import (
	"context"
	"net"
	"net/netip"
	"time"
)

const (
	maxCalls = 1024             // sockets of this process at a time
	idle     = 60 * time.Second // without an answer a socket is closed
	patience = 4 * time.Second  // for a resolver; glibc asks again after 5, which goes to the next one
)

// datagram carries a UDP packet on, by a socket of its own for each pair of ends.
func (n *network) datagram(ctx context.Context, p packet) {
	key := ends{p.source(), p.destination()}
	n.mu.Lock()
	out := n.calls[key]
	full := len(n.calls) >= maxCalls
	n.mu.Unlock()
	if out == nil {
		target, ok := n.asked(key.to)
		if !ok {
			n.write(p.unreachable(Peer(), unreachableProhibited))
			return
		}
		if full {
			return
		}
		var err error
		if out, err = net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(target)); err != nil {
			n.write(p.unreachable(Peer(), unreachablePort))
			return
		}
		n.mu.Lock()
		n.calls[key] = out
		n.mu.Unlock()
		n.running.Go(func() { n.answers(ctx, key, out) })
	}
	// One that can't be sent is lost; who waits for an answer asks again.
	_, _ = out.Write(p.payload[8:])
}

// asked is where a datagram goes: a resolver for a question of Peer, else a public address. The policy's
// exceptions are for packages, which come by TCP.
func (n *network) asked(to netip.AddrPort) (netip.AddrPort, bool) {
	if r, ok := n.resolver(to); ok {
		return r, true
	}
	return to, !Forbidden(to.Addr()) && !Private(to.Addr()) && !ownAddress(to.Addr())
}

// answers brings back what comes for one pair of ends.
func (n *network) answers(ctx context.Context, key ends, out *net.UDPConn) {
	stop := context.AfterFunc(ctx, func() { _ = out.Close() })
	defer stop()
	buf := make([]byte, MTU-28)
	wait, heard := idle, false
	_, question := n.resolver(key.to)
	if question {
		wait = patience
	}
	for {
		if err := out.SetReadDeadline(time.Now().Add(wait)); err != nil {
			break
		}
		size, err := out.Read(buf)
		if err != nil {
			break
		}
		heard = true
		n.write(datagram(key.to, key.from, buf[:size]))
	}
	if !heard && question {
		n.turn.Add(1)
	}
	n.mu.Lock()
	delete(n.calls, key)
	n.mu.Unlock()
	_ = out.Close()
}
