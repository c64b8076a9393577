package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/dsl"
)

// A location is where a configuration stands: its repository, the directory in it, and the one file
// that was named, if one was.
type location struct {
	root *os.Root
	host dsl.Host
	file string // "" for the whole directory
}

// locate finds the configuration at path and the repository around it. Nothing outside the
// repository can be read through the host, not even by symbolic links.
func (p *program) locate(path string) (*location, error) {
	abs := path
	if !filepath.IsAbs(abs) {
		abs = filepath.Join(p.cwd, path)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return nil, mistake("name a directory that holds *.ib.hcl or *.pkr.hcl files, or one such file", "there is no configuration at %s", path)
	}
	loc := &location{}
	dir := abs
	if !info.IsDir() {
		dir, loc.file = filepath.Split(abs)
		dir = filepath.Clean(dir)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, fmt.Errorf("following %s: %w", path, err)
	}
	top := repository(dir)
	if loc.root, err = os.OpenRoot(top); err != nil {
		return nil, fmt.Errorf("opening %s: %w", top, err)
	}
	loc.host = dsl.Host{
		FS: loc.root.FS(), Dir: within(top, dir), Cwd: p.workingDirectory(top), Root: top,
		Env: p.configurationEnv, Envs: p.environmentNames, Now: p.now(),
	}
	if job, _ := p.lookupEnv("GITHUB_ACTIONS"); p.judge != nil || job == "true" {
		loc.host.FS = newDoor(loc.host.FS, top, p.judge)
	}
	if p.visible == nil {
		loc.host.Named = p.named(loc)
	}
	return loc, nil
}

// named reads files that the command line names: what lies in the repository through its root, others as they are. A
// pull request's job has none, since the configuration there may be anybody's.
func (p *program) named(loc *location) func(typed string) (string, []byte, error) {
	return func(typed string) (string, []byte, error) {
		path := filepath.FromSlash(typed)
		if !filepath.IsAbs(path) {
			path = filepath.Join(p.cwd, path)
		}
		if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
			path = filepath.Join(dir, filepath.Base(path))
		}
		if inside := within(loc.host.Root, path); fs.ValidPath(inside) {
			f, err := loc.host.FS.Open(inside)
			if err != nil {
				return inside, nil, err
			}
			src, err := readOpen(f, largestConfiguration)
			return inside, src, errors.Join(err, f.Close())
		}
		src, err := readFile(path, largestConfiguration)
		return typed, src, err
	}
}

// fromHere says how a file of the repository, by its slash path, is opened from cwd. What isn't a file there,
// an argument or a variable of the environment, keeps its name.
func (l *location) fromHere(cwd string) func(name string) string {
	if here, err := filepath.EvalSymlinks(cwd); err == nil {
		cwd = here
	}
	known := map[string]string{}
	return func(name string) string {
		if found, ok := known[name]; ok {
			return found
		}
		out := name
		if _, err := l.root.Stat(filepath.FromSlash(name)); err == nil {
			if rel, err := filepath.Rel(cwd, filepath.Join(l.host.Root, filepath.FromSlash(name))); err == nil {
				out = rel
			}
		}
		known[name] = out
		return out
	}
}

func (l *location) close() error { return l.root.Close() }

// repository is the nearest directory at or above dir that holds .git, or dir itself where none does.
func repository(dir string) string {
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, ".git")); err == nil {
			return d
		}
		if d == filepath.Dir(d) {
			return dir
		}
	}
}

// within is dir as a slash path inside of top; it stands at or below it.
func within(top, dir string) string {
	rel, err := filepath.Rel(top, dir)
	if err != nil {
		return "."
	}
	return filepath.ToSlash(rel)
}

// workingDirectory is the working directory as a slash path inside of top, or "" outside of it.
func (p *program) workingDirectory(top string) string {
	cwd, err := filepath.EvalSymlinks(p.cwd)
	if err != nil {
		return ""
	}
	rel := within(top, cwd)
	if rel == ".." || strings.HasPrefix(rel, "../") {
		return ""
	}
	return rel
}

// configurationEnv looks up a variable for a configuration.
func (p *program) configurationEnv(name string) (string, bool) {
	if p.visible != nil && !p.visible(name) {
		return "", false
	}
	return p.lookupEnv(name)
}

// visibleEnviron is the environment, less what nothing of the configuration may see.
func (p *program) visibleEnviron() []string {
	return slices.DeleteFunc(slices.Clone(p.environ()), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return p.visible != nil && !p.visible(name)
	})
}

func (p *program) environmentNames() []string {
	all := p.visibleEnviron()
	names := make([]string, 0, len(all))
	for _, kv := range all {
		name, _, _ := strings.Cut(kv, "=")
		names = append(names, name)
	}
	return names
}
