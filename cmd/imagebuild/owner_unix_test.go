//go:build unix

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/org/imagebuild-action/internal/github"
)

// TestWhatTheActionWritesIsTheWorkspaceOwners holds that nothing in a workspace stays root's, which a self-hosted
// runner's user could not delete: not the file, and no directory that was made for it.
func TestWhatTheActionWritesIsTheWorkspaceOwners(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	const user = 4242
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Join(dir, "workspace"), filepath.Join(dir, "workspace", "kept"), filepath.Join(dir, "temp")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"workspace", "temp"} {
		if err := os.Chown(filepath.Join(dir, d), user, user); err != nil {
			t.Fatal(err)
		}
	}
	home := filepath.Join(dir, "temp")
	a := &action{
		p: &program{lookupEnv: func(string) (string, bool) { return home, true }}, in: givenInputs{"path": "."},
		env: &github.Environment{Workspace: filepath.Join(dir, "workspace"), Temp: home}, commands: github.NewCommands(t.Output()),
	}
	for _, name := range []string{"plans/of/today/web.json", "kept/deep/er/web.json", ownDirectory + "/report.json", "web.json"} {
		if err := a.write(name, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	if err := writePrivate(a.home("ledger.json"), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	a.logs = a.logDirectory()
	if err := writePrivate(filepath.Join(a.logs, "web.log"), nil); err != nil {
		t.Fatal(err)
	}
	a.leave()
	found := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		found++
		rel, err := filepath.Rel(dir, path)
		owner := info.Sys().(*syscall.Stat_t).Uid
		if theirs := rel != "." && rel != filepath.Join("workspace", "kept"); theirs != (owner == user) {
			t.Errorf("%s belongs to %d", rel, owner)
		}
		return err
	})
	if err != nil || found < 18 {
		t.Errorf("%d files and directories: %v", found, err)
	}
}
