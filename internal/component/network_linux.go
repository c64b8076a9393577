package component

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// loopbackUp brings up the only interface of a network of one's own (netdevice(7)).
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("making the loopback interface: %w", err)
	}
	req, err := unix.NewIfreq("lo")
	if err == nil {
		req.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
		err = unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req)
	}
	if err = errors.Join(err, unix.Close(fd)); err != nil {
		return fmt.Errorf("making the loopback interface: %w", err)
	}
	return nil
}
