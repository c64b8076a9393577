package usernet_test

import (
	"context"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/org/imagebuild-action/internal/usernet"
)

// TestResolver: what is asked of Peer is answered by a resolver of this machine; a datagram to a private
// address is refused as a router refuses it.
func TestResolver(t *testing.T) {
	resolver, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer resolver.Close() //nolint:errcheck // nothing more is sent
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, failed := resolver.ReadFrom(buf)
			if failed != nil {
				return
			}
			if _, failed = resolver.WriteTo(append([]byte("re: "), buf[:n]...), from); failed != nil {
				return
			}
		}
	}()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	device, ours := os.NewFile(uintptr(pair[0]), "device"), os.NewFile(uintptr(pair[1]), "namespace")
	defer ours.Close() //nolint:errcheck // nothing more is sent
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		usernet.Serve(ctx, usernet.Options{
			Device: device, Listener: listener, Policy: &usernet.Policy{},
			Resolvers: []netip.AddrPort{netip.MustParseAddrPort(resolver.LocalAddr().String())},
		})
		close(over)
	}()
	if err := ours.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	own := netip.AddrPortFrom(usernet.Own(), 40000)
	ask := func(to netip.AddrPort) []byte {
		if _, err := ours.Write(usernet.Datagram(own, to, []byte("who"))); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 2048)
		n, err := ours.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return buf[:n]
	}
	peer := netip.AddrPortFrom(usernet.Peer(), 53)
	if body, from, to, ok := usernet.Handle(ask(peer)); !ok || from != peer || to != own || string(body) != "re: who" {
		t.Errorf("%v answers %v: %q (%v)", from, to, body, ok)
	}
	for _, to := range []string{"10.0.0.1:53", "127.0.0.1:53", "169.254.169.254:123", "192.0.0.1:54"} {
		// ICMP, destination unreachable, communication administratively prohibited.
		if raw := ask(netip.MustParseAddrPort(to)); raw[9] != 1 || raw[20] != 3 || raw[21] != 13 {
			t.Errorf("%s answered % x", to, raw)
		}
	}
	cancel()
	<-over
}
