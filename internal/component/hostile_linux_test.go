package component_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/org/imagebuild-action/internal/usernet"
)

// secretHome is a home outside of /home with what people keep there.
func secretHome(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	for _, f := range []string{".aws/credentials", ".docker/config.json", ".ssh/id_ed25519", ".config/gcloud/credentials.db"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(home, f)), 0o700); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(home, f), "hunter2")
	}
	return home
}

// hostServices are services of this machine that no document may reach.
type hostServices struct {
	abstract string
	targets  []string // host/port as bash's /dev/tcp has it

	mu  sync.Mutex
	got []string
}

// machineServices listens on an abstract socket, on the loopback, and on every address that this machine has.
func machineServices(t *testing.T) *hostServices {
	t.Helper()
	s := &hostServices{abstract: fmt.Sprintf("imagebuild-hostile-%d", os.Getpid())}
	listen := func(network, address string) string {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), network, address)
		if err != nil {
			t.Logf("%s: %v", address, err)
			return ""
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				s.mu.Lock()
				s.got = append(s.got, network+" "+address)
				s.mu.Unlock()
				_ = c.Close()
			}
		}()
		return l.Addr().String()
	}
	listen("unix", "@"+s.abstract)
	all := listen("tcp", "0.0.0.0:0")
	_, port, _ := net.SplitHostPort(all)
	s.targets = append(s.targets, "127.0.0.1/"+port, "127.1.2.3/"+port, "0.0.0.0/"+port)
	if at := listen("tcp", "[::1]:0"); at != "" {
		_, port6, _ := net.SplitHostPort(at)
		s.targets = append(s.targets, "::1/"+port6)
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range own {
		if ip, _, err := net.ParseCIDR(a.String()); err == nil && !ip.IsLoopback() && ip.To4() != nil {
			s.targets = append(s.targets, ip.String()+"/"+port)
		}
	}
	return s
}

// beyond are private, link-local and metadata addresses of other machines, which the stack of a private network refuses.
func beyond(t *testing.T) []string {
	t.Helper()
	list := []string{"169.254.169.254/80", "169.254.170.2/80", "fd00:ec2::254/80", "10.255.255.53/53", "192.168.0.1/80", "100.100.100.200/80", "168.63.129.16/80"}
	for _, target := range list {
		at, _, _ := strings.Cut(target, "/")
		if a := netip.MustParseAddr(at); !usernet.Forbidden(a) && !usernet.Private(a) {
			t.Fatalf("%s would be let through", at)
		}
	}
	return list
}

// tries are commands that print the name of each service they reach. What lies beyond this machine is tried from a
// network of the root's own alone, so that no packet leaves the machine where the root shares its network.
func (s *hostServices) tries(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	try := func(targets []string) {
		for _, a := range targets {
			fmt.Fprintf(&b, "timeout 5 bash -c 'exec 3<>/dev/tcp/%s' && echo %s\n", a, a)
		}
	}
	try(s.targets)
	b.WriteString("if tail -n +3 /proc/net/dev | cut -d: -f1 | grep -qv '^ *\\(lo\\|tun0\\)$'; then echo shared network; else\n")
	try(beyond(t))
	fmt.Fprintf(&b, "fi\ngrep -q %s /proc/net/unix && echo listed\n", s.abstract)
	return b.String() + s.knock()
}

// knock is a command that prints something when it reaches the abstract socket.
func (s *hostServices) knock() string {
	return fmt.Sprintf("perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); connect(S, pack(\"S a*\", AF_UNIX, \"\\0%s\")) and print \"abstract\\n\"'", s.abstract)
}

func (s *hostServices) reached() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

// callTable makes system calls by their numbers, where perl is, and prints those that are not refused.
var callTable = func() string { //nolint:gochecknoglobals // a script, never written
	var b strings.Builder
	b.WriteString("perl -e 'my %c = (")
	for name, nr := range map[string]int{
		"keyctl": unix.SYS_KEYCTL, "add_key": unix.SYS_ADD_KEY, "bpf": unix.SYS_BPF, "ptrace": unix.SYS_PTRACE, "unshare": unix.SYS_UNSHARE,
		"setns": unix.SYS_SETNS, "mount": unix.SYS_MOUNT, "fsopen": unix.SYS_FSOPEN, "init_module": unix.SYS_INIT_MODULE,
		"finit_module": unix.SYS_FINIT_MODULE, "userfaultfd": unix.SYS_USERFAULTFD, "perf_event_open": unix.SYS_PERF_EVENT_OPEN,
		"process_vm_readv": unix.SYS_PROCESS_VM_READV, "kexec_load": unix.SYS_KEXEC_LOAD, "open_by_handle_at": unix.SYS_OPEN_BY_HANDLE_AT,
	} {
		fmt.Fprintf(&b, "%s => %d, ", name, nr)
	}
	// EPERM is 1, ENOSYS 38; all else comes of the call itself, which was let through.
	b.WriteString("); for (sort keys %c) { $! = 0; my $r = syscall($c{$_}, 0, 0, 0, 0, 0); print \"$_ $!\\n\" if $r >= 0 || $!+0 != 1; } ")
	fmt.Fprintf(&b, "$! = 0; syscall(%d, 435, 0); my $n = syscall(%d, 0, 0); print \"clone3 $!\\n\" if $n >= 0 || $!+0 != 38; ", unix.SYS_CLONE3, unix.SYS_CLONE3)
	fmt.Fprintf(&b, "my $k = syscall(%d, %d, 0, 0, 0, 0); exit if defined $k && $k == 0; print \"clone $k\\n\" if $k > 0; socket(S, %d, 1, 0) and print \"vsock\\n\"'", unix.SYS_CLONE, unix.CLONE_NEWUSER|int(unix.SIGCHLD), unix.AF_VSOCK)
	return b.String()
}()
