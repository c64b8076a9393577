package ociroot

import (
	"os"

	"golang.org/x/sys/unix"
)

// setCapability gives a program its file capabilities. No other extended attribute is taken over:
// an overlay obeys some of them.
func setCapability(f *os.File, value string) error {
	return unix.Fsetxattr(int(f.Fd()), "security.capability", []byte(value), 0)
}
