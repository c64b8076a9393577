package usernet_test

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"testing"

	"github.com/org/imagebuild-action/internal/usernet"
)

// TestForbidden holds what no exception opens, and what one may.
func TestForbidden(t *testing.T) {
	for address, want := range map[string][2]bool{ // forbidden, private
		"93.184.215.14": {false, false}, "2606:2800:21f::1": {false, false},
		"127.0.0.1": {true, false}, "127.9.9.9": {true, false}, "0.0.0.0": {true, false}, "::": {true, false}, "::1": {true, false},
		"::ffff:127.0.0.1": {true, false}, "64:ff9b::a9fe:a9fe": {true, false}, "64:ff9b::a00:1": {false, true}, "::ffff:10.0.0.1": {false, true},
		"169.254.169.254": {true, false}, "169.254.170.2": {true, false}, "fe80::1": {true, false}, "fd00:ec2::254": {true, true}, "fd20:ce::254": {true, true},
		"100.100.100.200": {true, true}, "168.63.129.16": {true, false}, "192.0.0.192": {true, false}, "224.0.0.251": {true, false}, "255.255.255.255": {true, false},
		"10.1.2.3": {false, true}, "172.31.0.2": {false, true}, "172.32.0.1": {false, false}, "192.168.1.1": {false, true}, "100.64.0.1": {false, true}, "fd12::1": {false, true},
	} {
		a := netip.MustParseAddr(address)
		if got := [2]bool{usernet.Forbidden(a), usernet.Private(a)}; got != want {
			t.Errorf("%s: forbidden, private: %v", address, got)
		}
	}
}

// TestPolicy holds that an exception opens one port of a private address, and nothing of the machine.
func TestPolicy(t *testing.T) {
	p := &usernet.Policy{Allow: []string{"10.9.8.7:3142", "127.0.0.1:80", "169.254.169.254:80"}, Open: []netip.AddrPort{netip.MustParseAddrPort("192.168.7.7:4566")}}
	for to, want := range map[string]bool{
		"10.9.8.7:3142": true, "10.9.8.7:22": false, "10.9.8.8:3142": false, "127.0.0.1:80": false, "169.254.169.254:80": false,
		"93.184.215.14:443": true, "192.168.7.7:4566": true, "192.168.7.7:22": false,
	} {
		if got := p.Permits(t.Context(), netip.MustParseAddrPort(to)); got != want {
			t.Errorf("%s: %v", to, got)
		}
	}
}

// TestPackets holds the form of packets, and what is taken for one.
func TestPackets(t *testing.T) {
	from, to := netip.MustParseAddrPort("192.0.0.1:53"), netip.MustParseAddrPort("192.0.0.2:40000")
	raw := usernet.Datagram(from, to, []byte("hello"))
	body, gotFrom, gotTo, ok := usernet.Handle(raw)
	if !ok || gotFrom != from || gotTo != to || string(body) != "hello" {
		t.Fatalf("%s: %v", hex.EncodeToString(raw), ok)
	}
	// A sum over data and checksum is all ones (RFC 1071); 17 is UDP's number in the pseudo header.
	if usernet.Sum(raw[:20]) != 0xffff || usernet.Sum(raw[20:], raw[12:20], []byte{0, 17, 0, byte(len(raw) - 20)}) != 0xffff {
		t.Errorf("the checksums of %s are wrong", hex.EncodeToString(raw))
	}
	icmp := bytes.Clone(raw)
	icmp[9] = 1
	for _, bad := range [][]byte{nil, raw[:19], raw[:27], icmp, append([]byte{0x65}, raw[1:]...), append([]byte{0x4f}, raw[1:]...), append(bytes.Clone(raw[:6]), append([]byte{0x20, 0}, raw[8:]...)...)} {
		if _, _, _, ok := usernet.Handle(bad); ok {
			t.Errorf("%s is taken for a packet", hex.EncodeToString(bad))
		}
	}
}

// FuzzHandle holds that no packet of a namespace ends the process that carries it.
func FuzzHandle(f *testing.F) {
	udp := usernet.Datagram(netip.MustParseAddrPort("192.0.0.2:1"), netip.MustParseAddrPort("192.0.0.1:53"), []byte("a question, and more"))
	f.Add(udp)
	tcp := bytes.Clone(udp)
	tcp[9] = 6
	f.Add(tcp)
	f.Fuzz(func(_ *testing.T, raw []byte) { usernet.Handle(raw) })
}
