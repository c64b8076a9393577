package usernet

import (
	"encoding/binary"
	"net/netip"
)

// The numbers of IPv4 (RFC 791), TCP (RFC 9293), UDP (RFC 768) and ICMP (RFC 792, 1812) used here.
const (
	protocolICMP = 1
	protocolTCP  = 6
	protocolUDP  = 17

	tcpSYN = 0x02
	tcpRST = 0x04
	tcpACK = 0x10

	unreachableHost       = 1
	unreachablePort       = 3
	unreachableProhibited = 13
)

// A packet is one IPv4 packet, whole and unfragmented, that holds TCP or UDP.
type packet struct {
	raw     []byte // all of it
	payload []byte // what follows the IP header
}

// parse reads a packet; false for what is not carried.
func parse(raw []byte) (packet, bool) {
	if len(raw) < 20 || raw[0]>>4 != 4 {
		return packet{}, false
	}
	header, total := int(raw[0]&15)*4, int(binary.BigEndian.Uint16(raw[2:]))
	if header < 20 || total < header || total > len(raw) || binary.BigEndian.Uint16(raw[6:])&0x3fff != 0 {
		return packet{}, false // malformed, or a fragment
	}
	p := packet{raw[:total], raw[header:total]}
	least := map[byte]int{protocolTCP: 20, protocolUDP: 8}[p.protocol()]
	return p, least > 0 && len(p.payload) >= least
}

func (p packet) protocol() byte { return p.raw[9] }

func (p packet) source() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(p.raw[12:16])), binary.BigEndian.Uint16(p.payload))
}

func (p packet) destination() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(p.raw[16:20])), binary.BigEndian.Uint16(p.payload[2:]))
}

// opens reports whether a TCP packet asks for a new connection.
func (p packet) opens() bool { return p.payload[13]&(tcpSYN|tcpACK|tcpRST) == tcpSYN }

// rewrite gives a TCP packet other ends.
func (p packet) rewrite(from, to netip.AddrPort) {
	src, dst := from.Addr().As4(), to.Addr().As4()
	copy(p.raw[12:], src[:])
	copy(p.raw[16:], dst[:])
	binary.BigEndian.PutUint16(p.payload, from.Port())
	binary.BigEndian.PutUint16(p.payload[2:], to.Port())
	p.seal()
}

// seal writes the checksums.
func (p packet) seal() {
	header := p.raw[:len(p.raw)-len(p.payload)]
	binary.BigEndian.PutUint16(header[10:], 0)
	binary.BigEndian.PutUint16(header[10:], ^fold(sum(header)))
	at := map[byte]int{protocolTCP: 16, protocolUDP: 6, protocolICMP: 2}[p.protocol()]
	binary.BigEndian.PutUint16(p.payload[at:], 0)
	total := sum(p.payload)
	if p.protocol() != protocolICMP { // the pseudo header
		total += sum(p.raw[12:20]) + uint64(p.protocol()) + uint64(len(p.payload))
	}
	binary.BigEndian.PutUint16(p.payload[at:], ^fold(total))
}

// sum adds up the words of b, the last one padded (RFC 1071).
func sum(b []byte) (total uint64) {
	for len(b) >= 8 {
		v := binary.BigEndian.Uint64(b)
		total += v>>48 + v>>32&0xffff + v>>16&0xffff + v&0xffff
		b = b[8:]
	}
	for len(b) >= 2 {
		total += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		total += uint64(b[0]) << 8
	}
	return total
}

func fold(total uint64) uint16 {
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return uint16(total)
}

// compose makes a packet with an empty payload of n bytes.
func compose(protocol byte, from, to netip.Addr, n int) packet {
	raw := make([]byte, 20+n)
	raw[0], raw[8], raw[9] = 0x45, 64, protocol
	binary.BigEndian.PutUint16(raw[2:], uint16(len(raw))) //nolint:gosec // n is bounded by the largest datagram
	src, dst := from.As4(), to.As4()
	copy(raw[12:], src[:])
	copy(raw[16:], dst[:])
	return packet{raw, raw[20:]}
}

// datagram is a UDP packet.
func datagram(from, to netip.AddrPort, body []byte) []byte {
	p := compose(protocolUDP, from.Addr(), to.Addr(), 8+len(body))
	binary.BigEndian.PutUint16(p.payload, from.Port())
	binary.BigEndian.PutUint16(p.payload[2:], to.Port())
	binary.BigEndian.PutUint16(p.payload[4:], uint16(len(p.payload))) //nolint:gosec // read from a socket, so at most 64 KiB
	copy(p.payload[8:], body)
	p.seal()
	return p.raw
}

// reset answers a TCP packet that opens a connection as a host without such a service does.
func (p packet) reset() []byte {
	to, from := p.source(), p.destination()
	out := compose(protocolTCP, from.Addr(), to.Addr(), 20)
	binary.BigEndian.PutUint16(out.payload, from.Port())
	binary.BigEndian.PutUint16(out.payload[2:], to.Port())
	binary.BigEndian.PutUint32(out.payload[8:], binary.BigEndian.Uint32(p.payload[4:])+1)
	out.payload[12], out.payload[13] = 5<<4, tcpRST|tcpACK
	out.seal()
	return out.raw
}

// unreachable answers a packet as a router that doesn't carry it does.
func (p packet) unreachable(from netip.Addr, code byte) []byte {
	quoted := p.raw[:min(len(p.raw), len(p.raw)-len(p.payload)+8)]
	out := compose(protocolICMP, from, p.source().Addr(), 8+len(quoted))
	out.payload[0], out.payload[1] = 3, code
	copy(out.payload[8:], quoted)
	out.seal()
	return out.raw
}
