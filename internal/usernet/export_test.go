package usernet

import (
	"context"
	"net/netip"
)

// Datagram is a UDP packet.
func Datagram(from, to netip.AddrPort, body []byte) []byte { return datagram(from, to, body) }

// Permits asks a policy.
func (p *Policy) Permits(ctx context.Context, to netip.AddrPort) bool { return p.permits(ctx, to) }

// Handle does with a packet all that is ever done with one, and reports whether it is taken for one.
func Handle(raw []byte) (body []byte, from, to netip.AddrPort, ok bool) {
	p, ok := parse(raw)
	if !ok {
		return nil, from, to, false
	}
	from, to = p.source(), p.destination()
	p.unreachable(Peer(), unreachableProhibited)
	if p.protocol() == protocolTCP {
		p.opens()
		p.reset()
		p.rewrite(from, to)
		return p.payload[20:], from, to, true
	}
	return p.payload[8:], from, to, true
}

// Sum is the Internet checksum's sum of b.
func Sum(b ...[]byte) uint16 {
	var total uint64
	for _, part := range b {
		total += sum(part)
	}
	return fold(total)
}
