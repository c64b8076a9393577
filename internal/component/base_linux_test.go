package component_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/org/imagebuild-action/internal/component"
)

// smallTree is a tree that can run bash and cat, and nothing more.
func smallTree(t *testing.T) string {
	t.Helper()
	base := t.TempDir()
	for _, name := range []string{"bash", "cat"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Skip(err)
		}
		libraries, err := exec.Command("ldd", path).Output()
		if err != nil {
			t.Skip(err)
		}
		copyFile(t, path, filepath.Join(base, "bin", name))
		for _, l := range regexp.MustCompile(`/\S+`).FindAllString(string(libraries), -1) {
			copyFile(t, l, filepath.Join(base, l))
		}
	}
	writeFile(t, base+"/release", "small")
	return base
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, raw, 0o755); err != nil {
		t.Fatal(err)
	}
}

// TestBase runs documents in a tree other than the machine's, one run on the layer of another, and
// looks whether the tree is as it was.
func TestBase(t *testing.T) {
	base, layers := smallTree(t), t.TempDir()
	spec := component.RootSpec{Kind: component.RootOverlay, Base: base, Upper: layers + "/first"}
	o := runJob(t, openRoot(t, spec), component.Job{Documents: []component.JobDocument{bash("build",
		"cat /release; echo changed > /release; echo made > /made",
		"test ! -e /etc/passwd && test ! -e "+base+" && test -n \"$(< /etc/resolv.conf)\" && echo alone",
	)}})
	if o.Status != component.Success || stdout(o.Steps[0]) != "small" || stdout(o.Steps[1]) != "alone" {
		t.Fatalf("the first run: %s", summary(o.Result))
	}
	spec.Upper, spec.Lowers = "", []string{layers + "/first"}
	o = runJob(t, openRoot(t, spec), component.Job{Documents: []component.JobDocument{bash("test", "cat /release /made")}})
	if o.Status != component.Success || stdout(o.Steps[0]) != "changed\nmade" {
		t.Fatalf("the second run: %s", summary(o.Result))
	}
	if raw, err := os.ReadFile(base + "/release"); err != nil || string(raw) != "small" {
		t.Errorf("the tree's file is %q now (%v)", raw, err)
	}
	if _, err := os.Stat(base + "/made"); err == nil {
		t.Error("the tree has a file that a document made")
	}
}
