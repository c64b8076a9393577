package component

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/org/imagebuild-action/internal/usernet"
)

// A wire is this machine's side of a root's network: it receives the root's sockets and carries traffic
// between them and sockets of this process.
type wire struct {
	private  bool
	forwards []forward
	policy   *usernet.Policy

	theirs *os.File
	ours   *net.UnixConn
	stop   context.CancelFunc
	over   sync.WaitGroup
	err    error
}

// A forward is an address in the root that leads to the same one of this machine.
type forward struct{ at, to string }

// newWire makes what connects a root that has a network of its own; nil for one that has the machine's.
func (r Root) newWire(job Job) (*wire, error) {
	if r.kind == RootHost || r.spec.Network != NetworkNone && r.spec.Network != NetworkPrivate {
		return nil, nil
	}
	w := &wire{private: r.spec.Network == NetworkPrivate, policy: &usernet.Policy{Allow: r.mirrors}}
	w.reach(job.S3Endpoint)
	if w.private {
		for _, p := range append(proxies(r.spec.Environ), r.sources()...) {
			if at, ok := hostPort(p); ok && loopback(at) {
				w.add(at)
			}
		}
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("connecting the root's network: %w", err)
	}
	w.theirs = os.NewFile(uintptr(pair[1]), "network")
	mine := os.NewFile(uintptr(pair[0]), "network")
	conn, err := net.FileConn(mine)
	if err = errors.Join(err, mine.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("connecting the root's network: %w", err), w.theirs.Close())
	}
	w.ours = conn.(*net.UnixConn) //nolint:forcetypeassert // it was made as one
	return w, nil
}

// reach lets the root reach the endpoint of a job's S3.
func (w *wire) reach(endpoint string) {
	at, ok := hostPort(endpoint)
	if !ok {
		return
	}
	if loopback(at) {
		w.add(at)
	} else if to, err := netip.ParseAddrPort(at); err == nil {
		w.policy.Open = append(w.policy.Open, to)
	} else {
		w.policy.Allow = append(w.policy.Allow, at)
	}
}

// add forwards an address of the loopback. A name, or all of a machine's addresses, is both of its own.
func (w *wire) add(at string) {
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		return // hostPort made it
	}
	list := []string{"127.0.0.1:" + port, "[::1]:" + port}
	if a, err := netip.ParseAddr(host); err == nil && a.Is4() && a.IsLoopback() {
		list[0] = at
	}
	for _, l := range list {
		if !slices.Contains(w.listens(), l) {
			w.forwards = append(w.forwards, forward{l, at})
		}
	}
}

// listens are the addresses that the root is to listen on.
func (w *wire) listens() []string {
	var out []string
	for _, f := range w.forwards {
		out = append(out, f.at)
	}
	return out
}

// serve carries traffic until close.
func (w *wire) serve(ctx context.Context) {
	ctx, w.stop = context.WithCancel(ctx)
	w.over.Go(func() {
		files, which, err := w.receive()
		if err != nil {
			w.err = err
			return
		}
		options, err := w.options(files, which)
		if err != nil {
			w.err = err
			return
		}
		usernet.Serve(ctx, options)
	})
}

// receive waits for the root's sockets, and what each of them is. None come where the root was never made,
// which is told elsewhere.
func (w *wire) receive() (files []*os.File, which []byte, err error) {
	which, rights := make([]byte, maxSockets), make([]byte, unix.CmsgSpace(4*maxSockets))
	n, oob, _, _, err := w.ours.ReadMsgUnix(which, rights)
	if err != nil || n == 0 {
		return nil, nil, nil //nolint:nilerr // the root ended before
	}
	messages, err := syscall.ParseSocketControlMessage(rights[:oob])
	if err != nil || len(messages) == 0 {
		return nil, nil, errors.Join(errors.New("the root's network has no sockets"), err)
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil {
		return nil, nil, fmt.Errorf("receiving the root's network: %w", err)
	}
	for _, fd := range fds {
		syscall.CloseOnExec(fd)
		files = append(files, os.NewFile(uintptr(fd), "root's network"))
	}
	if len(files) != n {
		return nil, nil, errors.Join(errors.New("the root's network lacks sockets"), closeAll(files))
	}
	return files, which[:n], nil
}

// options are what the root's sockets mean.
func (w *wire) options(files []*os.File, which []byte) (out usernet.Options, err error) {
	defer func() { err = errors.Join(err, closeAll(files)) }()
	out.Policy, out.Resolvers = w.policy, nameServers(resolvConf())
	for i, f := range files {
		if which[i] == deviceSocket {
			if out.Device, err = pollable(f); err != nil {
				return out, err
			}
			continue
		}
		l, err := net.FileListener(f)
		if err != nil {
			return out, err
		}
		if which[i] == outwardSocket {
			out.Listener = l
		} else if int(which[i]) < len(w.forwards) {
			out.Forwards = append(out.Forwards, usernet.Forward{Listener: l, To: w.forwards[which[i]].to})
		}
	}
	return out, nil
}

// pollable duplicates a descriptor as one that closing wakes readers of.
func pollable(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		return nil, fmt.Errorf("receiving the root's network: %w", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// close ends the traffic.
func (w *wire) close() error {
	if w == nil {
		return nil
	}
	err := w.ours.Close()
	if w.stop != nil {
		w.stop()
	}
	w.over.Wait()
	return errors.Join(w.err, err)
}

// nameServers are the resolvers of a resolv.conf(5); without any, glibc asks this machine.
func nameServers(conf string) []netip.AddrPort {
	var out []netip.AddrPort
	for line := range strings.Lines(conf) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "nameserver" {
			if a, err := netip.ParseAddr(f[1]); err == nil {
				out = append(out, netip.AddrPortFrom(a, 53))
			}
		}
	}
	if len(out) == 0 {
		out = append(out, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 53))
	}
	return out
}

// ownResolver is a resolv.conf that names the root's resolver for those of the machine's.
func ownResolver(conf string) string {
	var out strings.Builder
	out.WriteString("nameserver " + usernet.Peer().String() + "\n")
	for line := range strings.Lines(conf) {
		if f := strings.Fields(line); len(f) > 1 && (f[0] == "search" || f[0] == "domain" || f[0] == "options") {
			out.WriteString(strings.TrimRight(line, "\n") + "\n")
		}
	}
	return out.String()
}

// hostPort is where a URL leads: "host:port".
func hostPort(address string) (string, bool) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return "", false
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080", "socks": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port), port != ""
}

// loopback reports whether "host:port" is this machine by its loopback or by all of its addresses.
func loopback(at string) bool {
	host, _, err := net.SplitHostPort(at)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") ||
		err == nil && (a.Unmap().IsLoopback() || a.IsUnspecified())
}
