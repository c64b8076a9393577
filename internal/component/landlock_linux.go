package component

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// scopesVersion is the first version of Landlock's interface that knows scopes (landlock(7)): Linux 6.12.
const scopesVersion = 6

// canCloseAbstractSockets asks the kernel for its version of Landlock.
func canCloseAbstractSockets() bool {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	return errno == 0 && version >= scopesVersion
}

// closeAbstractSockets keeps this thread, and what it starts, from the abstract unix sockets of others.
func closeAbstractSockets() error {
	rules := unix.LandlockRulesetAttr{Scoped: unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&rules)), unsafe.Sizeof(rules), 0) //nolint:gosec // how the kernel takes a structure
	if errno != 0 {
		return errno
	}
	defer unix.Close(int(fd)) //nolint:errcheck // the rules are in force or not
	if _, _, errno = unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
