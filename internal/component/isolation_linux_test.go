package component_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/org/imagebuild-action/internal/component"
)

// timed is a document whose only step is a script that may take some seconds.
func timed(seconds, script string) component.JobDocument {
	doc := bash("build", script)
	doc.Source = strings.Replace(doc.Source, "action: ExecuteBash", "action: ExecuteBash\n        timeoutSeconds: "+seconds, 1)
	return doc
}

// TestHostileDocument lets a document try what it must not be able to do, and looks at the machine.
func TestHostileDocument(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root; what an ordinary user starts has that user's rights at most")
	}
	credentials := t.TempDir()
	writeFile(t, credentials+"/credentials", "aws_secret_access_key = hunter2")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
	t.Setenv("ACTIONS_RUNTIME_TOKEN", "hunter2")
	hostname, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	swappiness, err := os.ReadFile("/proc/sys/vm/swappiness")
	if err != nil {
		t.Fatal(err)
	}
	home := secretHome(t)
	services := machineServices(t)
	environ := append(os.Environ(), "HOME="+home, "GOOGLE_APPLICATION_CREDENTIALS="+credentials+"/key.json")
	root := private(t, component.RootSpec{Mask: []string{credentials}, Environ: environ})
	before := names(t, "/", "/usr/bin", "/etc", "/dev", "/sys/fs/cgroup")
	o := runJob(t, root, component.Job{Documents: []component.JobDocument{bash("build",
		// Each line that succeeds prints its name.
		`echo 61 > /proc/sys/vm/swappiness && echo swappiness
		 echo b > /proc/sysrq-trigger && echo sysrq
		 echo 1 > /sys/kernel/mm/transparent_hugepage/enabled && echo sys
		 mkdir /sys/fs/cgroup/escape && echo cgroup
		 mount -t tmpfs x /mnt && echo mount
		 mount -o remount,rw /proc/sys && echo remount
		 umount /proc/sys && echo umount
		 for n in "254 0" "8 0" "259 0"; do mknod /tmp/disk b $n && head -c1 /tmp/disk && echo device; done
		 mknod /tmp/mem c 1 1 && head -c1 /tmp/mem && echo memory
		 nsenter -t 1 -m true && echo nsenter
		 for n in mnt pid net uts ipc user; do nsenter --$n=/proc/1/ns/$n true && echo joined $n; done
		 unshare -m true && echo unshare
		 ls /proc/1/root/ && echo proc1root
		 cat /proc/1/environ && echo proc1environ
		 cat /proc/$PPID/environ && echo parent
		 cat /proc/$PPID/mem && echo mem
		 readlink /proc/$PPID/fd/0 && echo descriptors
		 head -c0 /proc/$PPID/fd/4 && echo pipe
		 ls /proc/self/fd | tr '\n' ' '
		 echo
		 strace -p $PPID -c & sleep 0.1; kill $! 2>/dev/null
		 hostname hostile && echo hostname
		 date -s 2001-01-01 >/dev/null && echo clock
		 dmesg && echo dmesg
		 modprobe loop && echo module
		 reboot -f && echo reboot
		 chroot /proc/1/root true && echo chroot
		 unshare -U true && echo user namespace
		 unshare -n true && echo network namespace
		 `+callTable+`
		 ls -d /proc/`+strconv.Itoa(os.Getpid())+`/root/etc && echo host process
		 kill -9 1; echo still here`,
		`env; cat `+credentials+`/credentials /root/.aws/credentials; grep -rs hunter2 /proc/*/environ
		 for f in .aws/credentials .docker/config.json .ssh/id_ed25519 .config/gcloud/credentials.db; do cat `+home+`/$f ~/$f /root/$f; done
		 ls -A /root `+home+` | grep -v : ; cut -d: -f2 /etc/shadow | grep -v '^[*]$' && echo a password; ls /etc/shadow- /etc/ssh/ssh_host_*_key; stat -c %a /etc/shadow`,
		services.tries(t)+`; true`,
		`grep CapEff /proc/self/status`,
	)}})
	// All of a machine takes long to delete: what goes in a second shows as much.
	deleting, err := root.Run(t.Context(), component.Job{Documents: []component.JobDocument{timed("1", "rm -rf --no-preserve-root /usr/bin / 2>/dev/null; sleep 5")}}, func(component.Event) {})
	if err != nil || deleting.Status != component.Failed {
		t.Errorf("deleting everything ended as %+v, %v", deleting, err)
	}
	if got, want := stdout(o.Steps[0]), "0 1 2 3 \nstill here"; got != want {
		t.Errorf("what the document could do:\n%s\n%s", got, o.Steps[0].Stderr)
	}
	if got := stdout(o.Steps[1]) + o.Steps[1].Stderr; strings.Contains(got, "hunter2") || strings.Contains(got, "ACTIONS_") {
		t.Errorf("the document saw a secret:\n%s", got)
	}
	if got, want := stdout(o.Steps[1]), "\n640"; !strings.HasSuffix("\n"+got, want) || strings.Contains(got, "a password") || strings.Contains(got, "ssh_host") || strings.Contains(got, "shadow") {
		t.Errorf("the document saw of secrets:\n%s", got)
	}
	if got := stdout(o.Steps[2]); got != "" || len(services.reached()) > 0 {
		t.Errorf("the document reached %q and %q", got, services.reached())
	}
	// chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, net_raw, sys_chroot, audit_write, setfcap
	if got := stdout(o.Steps[3]); !strings.HasSuffix(got, "00000000a00425fb") {
		t.Errorf("the document has the capabilities %s", got)
	}
	if after := names(t, "/", "/usr/bin", "/etc", "/dev", "/sys/fs/cgroup"); strings.Join(before, " ") != strings.Join(after, " ") {
		t.Errorf("the machine had %d names and has %d", len(before), len(after))
	}
	now, err := os.Hostname()
	if err != nil || now != hostname {
		t.Errorf("the machine is called %s (%v)", now, err)
	}
	if got, err := os.ReadFile("/proc/sys/vm/swappiness"); string(got) != string(swappiness) {
		t.Errorf("swappiness is %s (%v)", got, err)
	}
	if time.Now().Year() < 2024 {
		t.Error("the clock was set")
	}
}

// TestKillingTheEngine holds that a document which kills its parent has not succeeded.
func TestKillingTheEngine(t *testing.T) {
	root := openRoot(t, component.RootSpec{Kind: component.RootOverlay})
	_, err := root.Run(t.Context(), component.Job{Documents: []component.JobDocument{bash("build", "kill -9 -1; sleep 5")}}, func(component.Event) {})
	if err == nil {
		t.Error("the run succeeded")
	}
}

// TestNetworkNone holds that nothing but the root's own loopback is reached.
func TestNetworkNone(t *testing.T) {
	root := openRoot(t, component.RootSpec{Kind: component.RootOverlay, Network: component.NetworkNone})
	if !strings.Contains(root.Describe(), "no network") {
		t.Errorf("the root calls itself %q", root.Describe())
	}
	o := runJob(t, root, component.Job{Documents: []component.JobDocument{bash("build",
		"cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d ' '; ls /sys/class/net; wc -l < /proc/net/route",
		"for a in 127.0.0.1/9 192.0.2.1/80; do (exec 3<>/dev/tcp/$a) 2>&1 | grep -om1 'refused$\\|unreachable$' | head -1; done",
	)}})
	if got, want := stdout(o.Steps[0]), "lo\nlo\n1"; got != want {
		t.Errorf("the interfaces and routes are %q, want %q", got, want)
	}
	if got := stdout(o.Steps[1]); got != "refused\nunreachable" {
		t.Errorf("the network answered %q", got)
	}
	for _, spec := range []component.RootSpec{{Kind: component.RootHost, Network: component.NetworkNone}, {Kind: component.RootOverlay, Network: "bridge"}} {
		if r, err := component.OpenRoot(t.Context(), spec, os.Args[0]); err == nil {
			t.Errorf("%+v opened as %s", spec, r.Describe())
		}
	}
}

// limited opens a root with limits, or skips where the machine cannot enforce them.
func limited(t *testing.T, l component.Limits) component.Root {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	root, err := component.OpenRoot(t.Context(), component.RootSpec{Kind: component.RootOverlay, Limits: l, Scratch: t.TempDir()}, self)
	if err != nil {
		t.Skip(err)
	}
	return root
}

// TestLimits holds each limit, and that nothing is left of how it was enforced.
func TestLimits(t *testing.T) {
	t.Run("each", func(t *testing.T) {
		t.Run("memory", memoryLimit)
		t.Run("processes", processLimit)
		t.Run("fork bomb", forkBomb)
		t.Run("disk", diskLimit)
	})
	noGroupsLeft(t)
}

func memoryLimit(t *testing.T) {
	t.Parallel()
	root := limited(t, component.Limits{Memory: 256 << 20})
	if !strings.Contains(root.Describe(), "256 MiB of memory") {
		t.Errorf("the root calls itself %q", root.Describe())
	}
	o, err := root.Run(t.Context(), component.Job{Documents: []component.JobDocument{bash("build", "head -c 1000000000 /dev/zero | tail -c 900000000 | wc -c")}}, func(component.Event) {})
	if err == nil && stdout(o.Steps[0]) == "900000000" {
		t.Error("900 MB were held")
	}
}

func processLimit(t *testing.T) {
	t.Parallel()
	root := limited(t, component.Limits{Processes: 100})
	o := runJob(t, root, component.Job{Documents: []component.JobDocument{timed("3", `
		for i in $(seq 400); do sleep 20 & done 2>/dev/null
		jobs -r | wc -l`)}})
	if o.Status == component.Success && stdout(o.Steps[0]) == "400" {
		t.Error("400 processes ran")
	}
}

// forkBomb holds that a fork bomb ends with its run, whatever that says of itself.
func forkBomb(t *testing.T) {
	t.Parallel()
	root := limited(t, component.Limits{Processes: 200})
	start := time.Now()
	result, err := root.Run(t.Context(), component.Job{Documents: []component.JobDocument{timed("2", ":(){ :|:& };: 2>/dev/null; sleep 60")}}, func(component.Event) {})
	if err == nil && result.Status == component.Success {
		t.Error("the run succeeded")
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("the run took %s", took)
	}
}

func diskLimit(t *testing.T) {
	t.Parallel()
	root := limited(t, component.Limits{Disk: 20 << 20})
	// A file that is too large fails its step, unless what all files take was measured before the step ended.
	o, err := root.Run(t.Context(), component.Job{Documents: []component.JobDocument{bash("build", "head -c 10000000 /dev/zero > /var/tmp/small && echo small", "head -c 30000000 /dev/zero > /var/tmp/large")}}, func(component.Event) {})
	if err == nil && (o.Steps[0].Status != component.Success || o.Status != component.Failed) {
		t.Error(summary(o))
	}
	if err != nil && !strings.Contains(err.Error(), "the limit is 20 MiB") {
		t.Errorf("the run ended with %v", err)
	}
	_, err = root.Run(t.Context(), component.Job{Documents: []component.JobDocument{timed("20", "for i in $(seq 100); do head -c 5000000 /dev/zero > /var/tmp/$i; sleep 0.1; done")}}, func(component.Event) {})
	if err == nil || !strings.Contains(err.Error(), "the limit is 20 MiB") {
		t.Errorf("the run ended with %v", err)
	}
}

// noGroupsLeft holds that no control group outlives its run.
func noGroupsLeft(t *testing.T) {
	t.Helper()
	name := fmt.Sprintf("imagebuild-%d-*", os.Getpid())
	for _, pattern := range []string{"/sys/fs/cgroup/" + name, "/sys/fs/cgroup/*/" + name} {
		if left, err := filepath.Glob(pattern); len(left) > 0 || err != nil {
			t.Errorf("left are %q (%v)", left, err)
		}
	}
}

func TestLimitRefusals(t *testing.T) {
	for _, spec := range []component.RootSpec{
		{Kind: component.RootOverlay, Limits: component.Limits{Memory: -1}},
		{Kind: component.RootHost, Limits: component.Limits{Disk: 1 << 30}},
	} {
		if r, err := component.OpenRoot(t.Context(), spec, os.Args[0]); err == nil {
			t.Errorf("%+v opened as %s", spec, r.Describe())
		}
	}
}
