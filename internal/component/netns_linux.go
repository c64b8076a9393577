package component

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/org/imagebuild-action/internal/usernet"
)

// joinNetwork is the root's side of a network of its own: it brings up what there is of it, and hands
// the sockets by which this machine carries its traffic to the process that started this one.
func (s *setup) joinNetwork(to *os.File) error {
	err := s.network(to)
	if err = errors.Join(err, to.Close()); err != nil {
		return fmt.Errorf("making a network for the root: %w", err)
	}
	return nil
}

// What a root hands over: its device, the listener for what goes outward, or, by their place among the
// forwards, the listeners of those.
const (
	deviceSocket  = 255
	outwardSocket = 254
	maxSockets    = 253 // in one message, by the kernel's SCM_MAX_FD
)

func (s *setup) network(to *os.File) (err error) {
	if err = interfaceUp("lo"); err != nil {
		return err
	}
	var files []*os.File
	var which []byte
	defer func() { err = errors.Join(err, closeAll(files)) }()
	if s.Network == NetworkPrivate {
		tun, tunErr := tunDevice()
		if tunErr != nil {
			return tunErr
		}
		files, which = append(files, tun), append(which, deviceSocket)
		l, listenErr := listenerFile(usernet.Own().String() + ":0")
		if listenErr != nil {
			return listenErr
		}
		files, which = append(files, l), append(which, outwardSocket)
	}
	for i, address := range s.Forwards[:min(len(s.Forwards), maxSockets-2)] {
		l, listenErr := listenerFile(address)
		if errors.Is(listenErr, unix.EADDRNOTAVAIL) || errors.Is(listenErr, unix.EAFNOSUPPORT) {
			continue // a kernel without IPv6
		}
		if listenErr != nil {
			return listenErr
		}
		files, which = append(files, l), append(which, byte(i))
	}
	if len(files) == 0 {
		return nil
	}
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	return unix.Sendmsg(int(to.Fd()), which, unix.UnixRights(fds...), nil, 0)
}

func listenerFile(address string) (*os.File, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address) //nolint:forbidigo // it waits for nothing
	if err != nil {
		return nil, err
	}
	f, err := l.(*net.TCPListener).File()
	return f, errors.Join(err, l.Close())
}

// tunDevice makes the interface that leads outward, and the route by it (TUN/TAP's documentation,
// netdevice(7), rtnetlink(7)).
func tunDevice() (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	tun := os.NewFile(uintptr(fd), "tun")
	const name = "tun0"
	req, err := unix.NewIfreq(name)
	if err == nil {
		req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	}
	err = errors.Join(err, setInterface(name, unix.SIOCSIFADDR, func(r *unix.Ifreq) error { return r.SetInet4Addr(usernet.Own().AsSlice()) }))
	err = errors.Join(err, setInterface(name, unix.SIOCSIFMTU, func(r *unix.Ifreq) error { r.SetUint32(usernet.MTU); return nil }))
	if err = errors.Join(err, interfaceUp(name), defaultRoute(name)); err != nil {
		return nil, errors.Join(fmt.Errorf("setting up the interface: %w", err), tun.Close())
	}
	return tun, nil
}

func interfaceUp(name string) error {
	return setInterface(name, unix.SIOCSIFFLAGS, func(r *unix.Ifreq) error { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING); return nil })
}

// setInterface makes one setting of an interface.
func setInterface(name string, what uint, value func(*unix.Ifreq) error) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	req, err := unix.NewIfreq(name)
	if err == nil {
		err = value(req)
	}
	if err == nil {
		err = unix.IoctlIfreq(fd, what, req)
	}
	return errors.Join(err, unix.Close(fd))
}

// defaultRoute sends everything to an interface.
func defaultRoute(name string) error {
	device, err := net.InterfaceByName(name)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd) //nolint:errcheck // nothing is left to be sent
	var body []byte
	for _, part := range []any{
		unix.NlMsghdr{Len: unix.SizeofNlMsghdr + unix.SizeofRtMsg + unix.SizeofRtAttr + 4, Type: unix.RTM_NEWROUTE, Flags: unix.NLM_F_REQUEST | unix.NLM_F_CREATE | unix.NLM_F_ACK, Seq: 1},
		unix.RtMsg{Family: unix.AF_INET, Table: unix.RT_TABLE_MAIN, Protocol: unix.RTPROT_BOOT, Scope: unix.RT_SCOPE_LINK, Type: unix.RTN_UNICAST},
		unix.RtAttr{Len: unix.SizeofRtAttr + 4, Type: unix.RTA_OIF},
		uint32(device.Index), //nolint:gosec // an index is small
	} {
		if body, err = binary.Append(body, binary.NativeEndian, part); err != nil {
			return err
		}
	}
	if err = unix.Sendto(fd, body, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil || n < unix.SizeofNlMsghdr+4 {
		return errors.Join(errors.New("the kernel didn't answer a route"), err)
	}
	// nlmsgerr holds a negative errno, or 0.
	if code := binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:]); code != 0 {
		return unix.Errno(-code)
	}
	return nil
}
