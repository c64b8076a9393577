package component_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/org/imagebuild-action/internal/component"
)

// TestOverlayHidesTheMachine runs a hostile document and looks at the machine afterwards.
func TestOverlayHidesTheMachine(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root; TestWithoutRoot covers user namespaces")
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
	scratch, secret := t.TempDir(), t.TempDir()
	writeFile(t, secret+"/credentials", "hunter3")
	marker := "marker-" + filepath.Base(scratch)
	root := openRoot(t, component.RootSpec{
		Kind: component.RootOverlay, Scratch: scratch, Mask: []string{secret},
		Environ: append(os.Environ(), "HTTPS_PROXY=http://proxy.invalid"),
	})
	before := names(t, "/tmp", "/usr/bin", "/etc", "/root", "/dev")
	o := runJob(t, root, component.Job{Documents: []component.JobDocument{bash("build",
		"env; tr '\\0' '\\n' < /proc/1/environ; cat "+secret+"/credentials; ls -A /root "+secret+"; ls /proc/*/environ",
		"(exec -a "+marker+" sleep 300) & echo $! > /tmp/daemon",
		"kill -0 $(cat /tmp/daemon) && echo alive; nohup setsid sleep 300 >/dev/null 2>&1 & true",
		"kill -9 1 2>/dev/null; chmod 000 /dev/null 2>/dev/null; echo x > /proc/sys/kernel/hostname; echo b > /proc/sysrq-trigger; mount -t tmpfs x /mnt; mknod /dev/sda b 254 0 && head -c1 /dev/sda; true",
		"touch /tmp/made /etc/made /root/made; rm -rf /usr/bin /usr/sbin /etc /var/lib; ls /usr/bin; echo done",
	)}})
	if o.Status != component.Success {
		t.Fatalf("the run ended as %s", summary(o.Result))
	}
	seen := stdout(o.Steps[0]) + o.Steps[0].Stderr
	if strings.Contains(seen, "hunter") || strings.Contains(seen, "AWS_SECRET") {
		t.Errorf("the document saw a secret:\n%s", seen)
	}
	if !strings.Contains(seen, "HTTPS_PROXY=http://proxy.invalid") {
		t.Errorf("the proxy did not reach the document:\n%s", seen)
	}
	if got := stdout(o.Steps[2]); got != "alive" {
		t.Errorf("a background process did not live on to the next step: %q", got)
	}
	if got := stdout(o.Steps[4]); got != "done" {
		t.Errorf("the last step printed %q", got)
	}
	if after := names(t, "/tmp", "/usr/bin", "/etc", "/root", "/dev"); !slices.Equal(before, after) {
		t.Errorf("the machine changed: %d names before, %d after", len(before), len(after))
	}
	if info, err := os.Stat("/dev/null"); err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("/dev/null is now %v (%v)", info, err)
	}
	if p := process(t, marker); p != "" {
		t.Errorf("a process outlived its run: %s", p)
	}
	if left := names(t, scratch); len(left) > 0 {
		t.Errorf("the run left %q", left)
	}
}

// names lists directories; other tests' temporary directories may come and go meanwhile.
func names(t *testing.T, dirs ...string) []string {
	t.Helper()
	var out []string
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if dir != "/tmp" || e.Name() == "made" || e.Name() == "daemon" {
				out = append(out, dir+"/"+e.Name())
			}
		}
	}
	return out
}

// process finds a process by its command line.
func process(t *testing.T, marker string) string {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range lines {
		raw, err := os.ReadFile(file)
		if err == nil && strings.HasPrefix(string(raw), marker) {
			return file
		}
	}
	return ""
}

// TestSystem runs what changes users and packages, with package managers that only say what they were asked.
func TestSystem(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: only root can give files away")
	}
	root := openRoot(t, component.RootSpec{Kind: component.RootOverlay})
	fake := func(name string) string {
		return "{path: /usr/local/sbin/" + name + ", permissions: 0755, content: \"#!/bin/sh\\necho " + name + " \\\"$@\\\"\\n\"}"
	}
	o := runJob(t, root, component.Job{Documents: []component.JobDocument{steps(
		"{name: yum, action: CreateFile, inputs: ["+fake("yum")+", "+fake("apt-get")+", "+fake("apt-mark")+"]}",
		"{name: all, action: UpdateOS}",
		"{name: some, action: UpdateOS, inputs: {include: [a, b], exclude: [b, c]}}",
		"{name: none, action: UpdateOS, inputs: {include: [b], exclude: [b]}}",
		"{name: evil, action: UpdateOS, onFailure: Ignore, inputs: {include: ['--installroot=/']}}",
		"{name: apt, action: DeleteFile, inputs: [{path: /usr/local/sbin/yum}, {path: /usr/bin/yum}, {path: /usr/bin/dnf}]}",
		"{name: aptall, action: UpdateOS, inputs: {exclude: [linux]}}",
		"{name: aptsome, action: UpdateOS, inputs: {include: [curl]}}",
		"{name: tree, action: CreateFile, inputs: [{path: /srv/t/a, owner: nobody, group: 0, permissions: 0600}, {path: /srv/t/b/c}]}",
		"{name: own, action: SetFileOwner, inputs: [{path: /srv/t/b/c, owner: nobody}]}",
		"{name: before, action: ExecuteBash, inputs: {commands: ['stat -c %U:%G /srv/t/a /srv/t/b /srv/t/b/c']}}",
		"{name: owntree, action: SetFolderOwner, inputs: [{path: /srv/t, owner: root, group: daemon}]}",
		"{name: folder, action: SetFolderOwner, inputs: [{path: /srv/t, owner: nobody, recursive: false}]}",
		"{name: after, action: ExecuteBash, inputs: {commands: ['stat -c %U:%G /srv/t /srv/t/a /srv/t/b/c']}}",
		"{name: nouser, action: SetFileOwner, onFailure: Ignore, inputs: [{path: /srv/t/a, owner: nobody-there}]}",
	)}})
	if o.Status != component.SuccessWithIgnoredFailure || o.IgnoredFailed != 2 {
		t.Fatal(summary(o.Result))
	}
	var asked []string
	for _, l := range o.log {
		if printed, ok := strings.CutPrefix(l, "Stdout: "); ok {
			asked = append(asked, printed)
		}
	}
	want := []string{
		"yum -y update", "yum -y update --exclude=b --exclude=c a",
		"apt-get -y update", "apt-mark hold linux", "apt-get -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold upgrade", "apt-mark unhold linux",
		"apt-get -y update", "apt-get -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install --only-upgrade curl",
		"nobody:root", "root:root", "nobody:nogroup", "nobody:nogroup", "root:daemon", "root:daemon",
	}
	if !slices.Equal(asked, want) {
		t.Errorf("the log holds\n%s", strings.Join(asked, "\n"))
	}
}

// TestLayers holds that the changes of one image are the ground of the next, deletions included.
func TestLayers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root; TestWithoutRoot covers user namespaces")
	}
	dir := t.TempDir()
	first, second := dir+"/first, with: odd \\ name", dir+"/second"
	one := openRoot(t, component.RootSpec{Kind: component.RootOverlay, Upper: first, Scratch: dir})
	o := runJob(t, one, component.Job{Documents: []component.JobDocument{bash("build",
		"echo one > /etc/layer; rm /etc/hostname /etc/os-release; echo mine > /root/kept; rm -rf /etc/profile.d; mkdir /etc/profile.d; touch /etc/profile.d/new",
	)}})
	if o.Status != component.Success {
		t.Fatal(summary(o.Result))
	}
	two := openRoot(t, component.RootSpec{Kind: component.RootOverlay, Upper: second, Lowers: []string{first}, Scratch: dir})
	o = runJob(t, two, component.Job{Documents: []component.JobDocument{bash("test",
		"cat /etc/layer /root/kept; ls /etc/os-release /etc/profile.d; echo two > /etc/layer",
	)}})
	if got, want := stdout(o.Steps[0]), "one\nmine\n/etc/profile.d:\nnew"; got != want {
		t.Errorf("the second image saw %q, want %q", got, want)
	}
	for file, want := range map[string]string{first + "/etc/layer": "one\n", second + "/etc/layer": "two\n"} {
		if got, err := os.ReadFile(file); string(got) != want {
			t.Errorf("%s holds %q (%v)", file, got, err)
		}
	}
	if left := names(t, dir); len(left) != 2 {
		t.Errorf("the runs left %q", left)
	}
}

// TestWithoutRoot makes an overlay as an ordinary user: as oneself, or as nobody where this is root.
func TestWithoutRoot(t *testing.T) {
	if os.Geteuid() == 0 {
		asNobody(t)
		return
	}
	dir := t.TempDir()
	first := openRoot(t, component.RootSpec{Kind: component.RootOverlay, Upper: dir + "/first", Scratch: dir})
	if !strings.Contains(first.Describe(), "without root") {
		t.Errorf("the root calls itself %q", first.Describe())
	}
	o := runJob(t, first, component.Job{Documents: []component.JobDocument{bash("build",
		"id -u; echo one > /etc/layer; echo deep > /usr/local/bin/layer; [ ! -d /usr/local/games ] || rm -r /usr/local/games; rm /etc/os-release; echo mine > /root/kept; mkdir -p /opt/a /data/b; touch /tmp/gone; cat /proc/sys/kernel/hostname",
	)}})
	if got := stdout(o.Steps[0]); got != "0\nimagebuild" || o.Status != component.Success {
		t.Errorf("%s\n%s", summary(o.Result), o.Steps[0].Stderr)
	}
	second := openRoot(t, component.RootSpec{Kind: component.RootOverlay, Upper: dir + "/second", Lowers: []string{dir + "/first"}, Scratch: dir})
	o = runJob(t, second, component.Job{Documents: []component.JobDocument{bash("test",
		"cat /etc/layer /root/kept /usr/local/bin/layer; ls -d /opt/a /data/b /tmp/gone; [ ! -e /usr/local/games ] && [ ! -e /etc/os-release ] && rm -r /opt/a && touch /etc/passwd.new",
	)}})
	if got := stdout(o.Steps[0]); got != "one\nmine\ndeep\n/data/b\n/opt/a\n/tmp/gone" || o.Status != component.Success {
		t.Errorf("%s\n%s", summary(o.Result), o.Steps[0].Stderr)
	}
	sharedNetwork(t, dir)
	for _, file := range []string{"/etc/layer", "/usr/local/bin/layer", "/etc/passwd.new", "/tmp/gone", "/data"} {
		if _, err := os.Stat(file); err == nil {
			t.Errorf("%s is on the machine", file)
		}
	}
	if left := names(t, dir); len(left) != 2 {
		t.Errorf("the runs left %q", left)
	}
}

// sharedNetwork holds what is left where a network of a root's own cannot be had.
func sharedNetwork(t *testing.T, dir string) {
	t.Helper()
	if f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0); err == nil {
		_ = f.Close()
		return // it can
	}
	services := machineServices(t)
	root := openRoot(t, component.RootSpec{Kind: component.RootOverlay, Network: component.NetworkAuto, Scratch: dir})
	if !strings.Contains(root.Describe(), "its network is this machine's") {
		t.Errorf("the root calls itself %q", root.Describe())
	}
	if !strings.Contains(root.Describe(), "though not its abstract sockets") {
		return // an older kernel
	}
	o := runJob(t, root, component.Job{Documents: []component.JobDocument{bash("build", services.knock())}})
	if got := stdout(o.Steps[0]); got != "" || len(services.reached()) > 0 {
		t.Errorf("the document reached %q", got)
	}
}

// asNobody runs this test once more as an ordinary user.
func asNobody(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "without-root-") //nolint:usetesting // the other user must be able to enter it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left := os.RemoveAll(dir); left != nil {
			t.Error(left)
		}
	})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	for _, err := range []error{os.Chmod(dir, 0o755), os.WriteFile(dir+"/test", raw, 0o755), os.Mkdir(dir+"/tmp", 0o700), os.Chown(dir+"/tmp", nobody, nobody)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	// The machine has something mounted below /tmp, and below a directory there, in this test's sight alone.
	script := "mount --make-rprivate / && mkdir -p $1/in/one && mount -t tmpfs none $1/in/one && " +
		"exec setpriv --reuid=65534 --regid=65534 --clear-groups $1/test -test.run='^TestWithoutRoot$' -test.v"
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script, "sh", dir)
	cmd.Dir, cmd.Env = dir, []string{"TMPDIR=" + dir + "/tmp", "PATH=/usr/bin:/bin:/usr/sbin:/sbin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "--- SKIP") {
		t.Skipf("an ordinary user cannot make namespaces here:\n%s", out)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDir changes a tree of files, in which a hostile link stands.
func TestDir(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Mkdir(dir+"/etc", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside+"/resolv.conf", dir+"/etc/resolv.conf"); err != nil {
		t.Fatal(err)
	}
	root := openRoot(t, component.RootSpec{Kind: "dir:" + dir})
	o := runJob(t, root, component.Job{Documents: []component.JobDocument{{Name: "d", Source: `
schemaVersion: 1.0
phases:
- name: build
  steps:
  - {name: make, action: CreateFile, inputs: [{path: /srv/made, content: x}]}
  - {name: escape, action: CopyFile, inputs: [{source: ` + outside + `/../../etc/passwd, destination: /srv/stolen}], onFailure: Ignore}
  - {name: script, action: ExecuteBash, inputs: {commands: [true]}}
`}}})
	if o.Steps[0].Status != component.Success || o.Steps[1].Status != component.IgnoredFailure || o.Steps[2].Status != component.Failed {
		t.Error(summary(o.Result))
	}
	if got, err := os.ReadFile(dir + "/srv/made"); string(got) != "x" || err != nil {
		t.Errorf("the file holds %q (%v)", got, err)
	}
	if left := names(t, outside); len(left) > 0 {
		t.Errorf("the machine got %q", left)
	}
}

// TestKilledWorker holds that a step which ends the engine does not pass for success.
func TestKilledWorker(t *testing.T) {
	root := openRoot(t, component.RootSpec{Kind: component.RootOverlay})
	_, err := root.Run(t.Context(), component.Job{Documents: []component.JobDocument{bash("build", "kill -9 $PPID; sleep 5")}}, func(component.Event) {})
	if err == nil || !strings.Contains(err.Error(), "ended by signal 9") {
		t.Errorf("the run ended with %v", err)
	}
}
