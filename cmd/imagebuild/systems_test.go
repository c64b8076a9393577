package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

const twoBuilds = `
source "imagebuilder" "base" {
  parent_image          = "aws:amazon-linux-2023-x86"
  instance_profile_name = "builder"
}
build {
  name    = "base"
  sources = ["source.imagebuilder.base"]
  provisioner "shell" {
    inline = ["test \"$(< /release)\" = small", "echo base > /release"]
  }
}
source "imagebuilder" "web" {
  parent_image          = build.base.arn
  instance_profile_name = "builder"
}
build {
  name    = "web"
  sources = ["source.imagebuilder.web"]
  provisioner "shell" {
    inline = ["test \"$(< /release)\" = base"]
  }
}
`

// standInRun runs the program with a registry for stand-ins, and returns what it said.
func standInRun(t *testing.T, registry, config string, command ...string) (int, string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.ib.hcl"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p := &program{
		stdin: strings.NewReader(""), stdout: &out, stderr: &out, environ: os.Environ, cwd: dir, self: os.Args[0], now: time.Now,
		lookupEnv: func(name string) (string, bool) { return registry, name == registryVariable },
	}
	status := p.run(t.Context(), append(command, dir))
	if strings.Contains(out.String(), "Run as root, or allow user namespaces") {
		t.Skip(out.String())
	}
	return status, out.String()
}

// TestStandInFetched: the container image of the parent's system is the root, of the images built on that too.
func TestStandInFetched(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("images are unpacked on Linux alone")
	}
	image := smallImage(t, "/mirror/amazonlinux/amazonlinux:2023")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	registry := strings.TrimSuffix(image, "/amazonlinux/amazonlinux:2023")
	for _, command := range [][]string{{"build", "--sandbox", "--region", "eu-west-1"}, {"test"}} {
		status, said := standInRun(t, registry, twoBuilds, command...)
		if status != statusDone || !strings.Contains(said, "base: "+image+" stands ") {
			t.Errorf("%s ended with %d:\n%s", command[0], status, said)
		}
	}
}

// TestStandInNone: where no image is fetched, or none is known, a line says what stands in and how to choose another.
func TestStandInNone(t *testing.T) {
	one, _, _ := strings.Cut(strings.ReplaceAll(twoBuilds, `test \"$(< /release)\" = small`, "true"), `source "imagebuilder" "web"`)
	one = strings.ReplaceAll(one, "echo base > /release", "exit 3")
	for parent, want := range map[string]string{
		"aws:amazon-linux-2023-x86": "since public.ecr.aws/amazonlinux/amazonlinux:2023 couldn't be fetched: " + registryVariable + " is none. To build on the parent's own system, pass --root oci:public.ecr.aws/amazonlinux/amazonlinux:2023.\n",
		"ami-0123456789abcdef0":     "since no container image is known for ami-0123456789abcdef0. To build on another system, pass --root oci:IMAGE.\n",
	} {
		status, said := standInRun(t, noRegistry, strings.ReplaceAll(one, "aws:amazon-linux-2023-x86", parent), "build", "--sandbox", "--region", "eu-west-1")
		if status != statusFailed || !strings.Contains(said, "base: this machine (") || !strings.Contains(said, want) || !strings.Contains(said, "which stood in for the parent image") {
			t.Errorf("%s ended with %d:\n%s", parent, status, said)
		}
	}
}
