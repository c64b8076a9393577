package component

import (
	"errors"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The offsets of struct seccomp_data (seccomp(2)); arguments are looked at by their low half.
const (
	callNumber   = 0
	callArch     = 4
	callArgument = 16
)

// filterCalls keeps this thread, and what it starts, from system calls that change or look into the
// machine, and that no package manager makes: as container engines do by default. Most need capabilities
// that are gone anyway; those that make user namespaces are how capabilities come back. A kernel without
// filters has none.
func filterCalls() error {
	filter := callFilter()
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}                                   //nolint:gosec // some hundred instructions
	err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0) //nolint:gosec // how the kernel takes a program
	if errors.Is(err, unix.EINVAL) {
		return nil
	}
	return err
}

func callFilter() []unix.SockFilter {
	deny := unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	missing := unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	end := func(verdict uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: verdict}
	}
	unless := func(code uint16, k uint32, skip uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | code | unix.BPF_K, K: k, Jf: skip}
	}
	list := func(calls []uint32, verdict uint32) (out []unix.SockFilter) {
		for _, c := range calls {
			out = append(out, unless(unix.BPF_JEQ, c, 1), end(verdict))
		}
		return out
	}
	native := []unix.SockFilter{load(callNumber)}
	if runtime.GOARCH == "amd64" {
		native = append(native, unless(unix.BPF_JGE, 0x40000000, 1), end(missing)) // x32, which nothing uses
	}
	native = append(native, list(deniedCalls(), deny)...)
	// Without these, programs fall back on calls whose arguments a filter can see, or on others.
	native = append(native, list([]uint32{unix.SYS_CLONE3, unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER}, missing)...)
	native = append(native,
		unless(unix.BPF_JEQ, unix.SYS_CLONE, 4), load(callArgument), unless(unix.BPF_JSET, unix.CLONE_NEWUSER, 1), end(deny), end(unix.SECCOMP_RET_ALLOW),
		// What a hypervisor offers its guest over vsock knows no network namespaces.
		unless(unix.BPF_JEQ, unix.SYS_SOCKET, 3), load(callArgument), unless(unix.BPF_JEQ, unix.AF_VSOCK, 1), end(deny),
		end(unix.SECCOMP_RET_ALLOW),
	)
	filter := []unix.SockFilter{load(callArch)}
	if runtime.GOARCH == "amd64" {
		// Programs of 32 bits, by the numbers of arch/x86/entry/syscalls/syscall_32.tbl.
		old := append([]unix.SockFilter{load(callNumber)}, list(deniedCalls32(), deny)...)
		old = append(old, list([]uint32{435, 425, 426, 427}, missing)...)
		old = append(old, unless(unix.BPF_JEQ, 120, 4), load(callArgument), unless(unix.BPF_JSET, unix.CLONE_NEWUSER, 1), end(deny), end(unix.SECCOMP_RET_ALLOW), end(unix.SECCOMP_RET_ALLOW))
		filter = append(filter, unless(unix.BPF_JEQ, unix.AUDIT_ARCH_I386, uint8(len(old)))) //nolint:gosec // about a hundred
		filter = append(filter, old...)
		filter = append(filter, load(callArch))
	}
	filter = append(filter, unless(unix.BPF_JEQ, nativeArch(), 1), unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JA, K: 1}, end(missing))
	return append(filter, native...)
}

func nativeArch() uint32 {
	if runtime.GOARCH == "arm64" {
		return unix.AUDIT_ARCH_AARCH64
	}
	return unix.AUDIT_ARCH_X86_64
}

// deniedCalls are refused to every program.
func deniedCalls() []uint32 {
	return []uint32{
		unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE, unix.SYS_FSOPEN, unix.SYS_FSCONFIG,
		unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR, unix.SYS_UNSHARE, unix.SYS_SETNS,
		unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KCMP,
		unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
		unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD,
		unix.SYS_REBOOT, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_ACCT, unix.SYS_QUOTACTL, unix.SYS_SYSLOG, unix.SYS_VHANGUP,
		unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_LOOKUP_DCOOKIE,
	}
}

// deniedCalls32 are the same for programs of 32 bits.
func deniedCalls32() []uint32 {
	return []uint32{
		21, 22, 52, 217, 429, 428, 430, 431, 432, 433, 442, 310, 346, // mount … unshare, setns
		26, 347, 348, 349, // ptrace, process_vm_readv, process_vm_writev, kcmp
		288, 286, 287, 357, 336, 374, // keyctl, add_key, request_key, bpf, perf_event_open, userfaultfd
		128, 350, 129, 283, // init_module, finit_module, delete_module, kexec_load
		88, 87, 115, 51, 131, 103, 111, // reboot, swapon, swapoff, acct, quotactl, syslog, vhangup
		79, 264, 404, 25, 342, 253, 110, 101, // settimeofday, clock_settime, clock_settime64, stime, open_by_handle_at, lookup_dcookie, iopl, ioperm
	}
}
