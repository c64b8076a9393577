package dsl

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	hcljson "github.com/hashicorp/hcl/v2/json"
)

// configuration files end in one of these.
func isConfiguration(name string) bool {
	for _, s := range []string{".ib.hcl", ".ib.hcl.json", ".pkr.hcl", ".pkr.json"} {
		if strings.HasSuffix(name, s) {
			return true
		}
	}
	return false
}

// autoSuffixes are the variable files read unasked, lowest precedence first.
func autoSuffixes() []string {
	return []string{".auto.pkrvars.hcl", ".auto.ibvars.hcl", ".auto.pkrvars.json", ".auto.ibvars.json"}
}

// A source is one parsed file.
type source struct {
	name  string // slash path within Host.FS
	file  *hcl.File
	diags hcl.Diagnostics
}

// readConfiguration parses the files that opts and the directory name, side by side, in name order.
// The second result are the names of the variable files read unasked, lowest precedence first.
func (l *loader) readConfiguration() (parsed []source, auto []string) {
	if l.opts.File != "" {
		return l.parseAll([]string{path.Join(l.host.Dir, l.opts.File)}), nil
	}
	here := hcl.Range{Filename: l.host.Dir, Start: hcl.InitialPos, End: hcl.InitialPos}
	entries, err := fs.ReadDir(l.host.FS, l.host.Dir)
	if err != nil {
		l.report(mistake(here, "Unreadable directory", "The configuration's directory %q cannot be read: %s.", l.host.Dir, reason(err)))
		return nil, nil
	}
	var names []string
	bySuffix := map[string][]string{}
	for _, e := range entries {
		name := path.Join(l.host.Dir, e.Name())
		if isConfiguration(e.Name()) {
			names = append(names, name)
		}
		for _, s := range autoSuffixes() {
			if strings.HasSuffix(e.Name(), s) {
				bySuffix[s] = append(bySuffix[s], name)
			}
		}
	}
	for _, s := range autoSuffixes() {
		auto = append(auto, slices.Sorted(slices.Values(bySuffix[s]))...)
	}
	if len(names) == 0 {
		l.report(mistake(here, "No configuration", "No *.ib.hcl or *.pkr.hcl files in %s. "+
			"Pass another path, or run imagebuild init to create one.", l.directory()))
	}
	slices.Sort(names)
	return l.parseAll(names), auto
}

// directory names the configuration's directory to whoever works in the working directory.
func (l *loader) directory() string {
	switch {
	case l.host.Cwd != "" && path.Clean(l.host.Dir) == path.Clean(l.host.Cwd):
		return "this directory"
	case path.Clean(l.host.Dir) == "." && l.host.Root != "":
		return path.Base(l.host.Root)
	}
	return l.host.Dir
}

// parseAll parses files concurrently and records them in the order given.
func (l *loader) parseAll(names []string) []source {
	out := make([]source, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() { out[i] = readFile(l.host.FS, name) })
	}
	wg.Wait()
	for _, s := range out {
		if s.file != nil {
			l.cfg.Files[s.name] = s.file
		}
		l.report(s.diags...)
	}
	return out
}

func readFile(fsys fs.FS, name string) source {
	info, err := fs.Stat(fsys, name)
	if err == nil && info.Size() > maxFileSize {
		return source{name: name, diags: tooLong(name, info.Size())}
	}
	src, err := readRegular(fsys, name)
	if err != nil {
		at := hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
		return source{name: name, diags: hcl.Diagnostics{mistake(at, "Unreadable file", "The file %q cannot be read: %s.", name, reason(err))}}
	}
	return parse(name, src)
}

// readRegular is fs.ReadFile of a regular file: a pipe would be waited for without end.
func readRegular(fsys fs.FS, name string) ([]byte, error) {
	if info, err := fs.Stat(fsys, name); err == nil && !info.Mode().IsRegular() {
		return nil, errIrregular
	}
	return fs.ReadFile(fsys, name)
}

// errIrregular is why a directory, a pipe or a device isn't read.
var errIrregular = errors.New("it is not a regular file")

// parse reads native syntax, or JSON where the name says so. The file is there even when nothing
// in it could be parsed, for its text to be shown.
func parse(name string, src []byte) source {
	file, diags := (*hcl.File)(nil), tooLarge(name, src)
	switch {
	case diags.HasErrors():
	case strings.HasSuffix(name, ".json"):
		if diags = tooDeep(name, src); !diags.HasErrors() {
			file, diags = hcljson.Parse(src, name)
		}
	default:
		file, diags = parseNative(src, name)
	}
	if file == nil {
		file = &hcl.File{Bytes: src}
	}
	if file.Body == nil {
		file.Body = hcl.EmptyBody()
	}
	return source{name: name, file: file, diags: diags}
}

// reason says why a file could not be opened, without the paths that the operating system adds.
func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file"
	case errors.Is(err, fs.ErrPermission):
		return "permission is denied"
	case errors.Is(err, fs.ErrInvalid):
		return "its path leaves the repository"
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err.Error()
	}
	return err.Error()
}
