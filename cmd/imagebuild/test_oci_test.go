package main

import (
	"archive/tar"
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// smallLayer is a tar of bash, cat and what they need.
func smallLayer(t *testing.T) []byte {
	t.Helper()
	files := map[string]string{}
	for _, program := range []string{"bash", "cat"} {
		path, err := exec.LookPath(program)
		if err != nil {
			t.Skip(err)
		}
		libraries, err := exec.Command("ldd", path).Output()
		if err != nil {
			t.Skip(err)
		}
		files["bin/"+program] = path
		for _, l := range regexp.MustCompile(`/\S+`).FindAllString(string(libraries), -1) {
			files[l[1:]] = l
		}
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for to, from := range files {
		raw, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.WriteHeader(&tar.Header{Name: to, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(raw))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(raw); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.WriteHeader(&tar.Header{Name: "release", Typeflag: tar.TypeReg, Mode: 0o644, Size: 5}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("small")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// smallImage is the name of an image in a registry on loopback, under a path there.
func smallImage(t *testing.T, path string) string {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	raw := smallLayer(t)
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil })
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		t.Fatal(err)
	}
	conf, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	conf.OS, conf.Architecture = "linux", runtime.GOARCH
	if img, err = mutate.ConfigFile(img, conf); err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(strings.TrimPrefix(server.URL, "http://") + path)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	return ref.String()
}

// TestImageAsRoot runs the components of one configuration in a container image by each command that can.
func TestImageAsRoot(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("images are unpacked on Linux alone")
	}
	image := smallImage(t, "/small:1")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := t.TempDir()
	config := `
source "imagebuilder" "small" {
  parent_image          = "ami-0123456789abcdef0"
  instance_profile_name = "builder"
}
build {
  name    = "small"
  sources = ["source.imagebuilder.small"]
  provisioner "shell" {
    inline = ["test \"$(< /release)\" = small", "test ! -e ` + dir + `", "echo changed > /release"]
  }
  test "shell" {
    inline = ["cat /release"]
  }
}
`
	if err := os.WriteFile(filepath.Join(dir, "main.ib.hcl"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{
		{"test", "-v", "--root", "oci:" + image, dir},
		{"build", "--sandbox", "--root", "oci:" + image, "--region", "eu-west-1", dir},
	} {
		var out, errs bytes.Buffer
		p := &program{
			stdin: strings.NewReader(""), stdout: &out, stderr: &errs, environ: os.Environ,
			lookupEnv: func(string) (string, bool) { return "", false }, cwd: dir, self: os.Args[0], now: time.Now,
		}
		status := p.run(t.Context(), command)
		said := out.String() + errs.String()
		if strings.Contains(said, "Run as root, or allow user namespaces") {
			t.Skip(said)
		}
		if status != statusDone || !strings.Contains(said, "small | Stdout: changed") || !strings.Contains(said, "copy-on-write view of "+image) {
			t.Errorf("%s ended with %d:\n%s", command[0], status, said)
		}
		if fetched := strings.Contains(said, "layer 1 of 1"); fetched != (command[0] == "test") {
			t.Errorf("%s: fetched: %t", command[0], fetched)
		}
	}
}
