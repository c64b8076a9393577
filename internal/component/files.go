package component

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

func fileActions() map[string]action {
	return map[string]action{
		"AppendFile":         appendFile,
		"CopyFile":           copyFiles,
		"CreateFile":         createFile,
		"CreateSymlink":      createSymlink,
		"DeleteFile":         deleteFile,
		"ListFiles":          listFiles,
		"MoveFile":           moveFiles,
		"ReadFile":           readFile,
		"SetFileEncoding":    setFileEncoding,
		"SetFileOwner":       setFileOwner,
		"SetFilePermissions": setFilePermissions,
	}
}

// maxText bounds a file whose text is worked on in memory.
const maxText = 64 << 20

func createFile(_ context.Context, s *stepRun, in Input) (map[string]string, error) {
	path := s.path(in.text("path"))
	enc, ok := encodingNamed(in.text("encoding"))
	if !ok {
		return nil, fmt.Errorf("the encoding %q is not known", in.text("encoding"))
	}
	mode, err := permissions(in.text("permissions"), 0o666)
	if err != nil {
		return nil, err
	}
	if err := mayWrite(path, in.flag("overwrite", true)); err != nil {
		return nil, err
	}
	if err := errors.Join(regular(path), makeParents(path)); err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, enc.encode(in.text("content")), mode); err != nil {
		return nil, err
	}
	if in.text("permissions") != "" {
		if err := os.Chmod(path, mode); err != nil {
			return nil, err
		}
	}
	return nil, chown(path, in.text("owner"), in.text("group"))
}

// mayWrite fails where something is there that is not to be overwritten.
func mayWrite(path string, overwrite bool) error {
	if path == "" {
		return errors.New("the path is empty")
	}
	if overwrite {
		return nil
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s exists already and overwrite is false", path)
	}
	return nil
}

// regular fails for what is there and no file: opening a named pipe would wait for ever.
func regular(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file", path)
	}
	return nil
}

func makeParents(path string) error {
	return os.MkdirAll(filepath.Dir(filepath.Clean(path)), 0o755) //nolint:gosec // an image's folders are for all its users
}

// permissions reads octal digits, as chmod does.
func permissions(text string, def fs.FileMode) (fs.FileMode, error) {
	if text == "" {
		return def, nil
	}
	v, err := strconv.ParseUint(strings.TrimPrefix(text, "0o"), 8, 12)
	if err != nil {
		return 0, fmt.Errorf("the permissions %q are not octal digits such as 0644", text)
	}
	mode := fs.FileMode(v & 0o777)
	for bit, flag := range map[uint64]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if v&bit != 0 {
			mode |= flag
		}
	}
	return mode, nil
}

func appendFile(_ context.Context, s *stepRun, in Input) (map[string]string, error) {
	enc, ok := encodingNamed(in.text("encoding"))
	if !ok {
		return nil, fmt.Errorf("the encoding %q is not known", in.text("encoding"))
	}
	path := s.path(in.text("path"))
	if err := regular(path); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0) //nolint:gosec // the document names the files it works on
	if err != nil {
		return nil, err
	}
	_, err = f.Write(enc.encode(in.text("content")))
	return nil, errors.Join(err, f.Close())
}

func readText(path string) ([]byte, error) {
	if err := regular(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path) //nolint:gosec // the document names the files it works on
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	raw, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxText {
		return nil, fmt.Errorf("%s is larger than %d MiB", path, maxText>>20)
	}
	return raw, nil
}

func readFile(_ context.Context, s *stepRun, in Input) (map[string]string, error) {
	path := s.path(in.text("path"))
	enc, ok := encodingNamed(in.text("encoding"))
	if !ok {
		return nil, fmt.Errorf("the encoding %q is not known", in.text("encoding"))
	}
	raw, err := readText(path)
	if err != nil {
		return nil, err
	}
	text, err := enc.decode(raw)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if in.flag("printFileContent", false) && !s.step.DisableLogging {
		for line := range strings.Lines(text) {
			s.say("ReadFile: " + visible([]byte(line[:min(len(line), maxLine)])))
		}
	}
	if len(text) > maxOutput {
		return nil, fmt.Errorf("%s has more than %d bytes, which is the most that later steps can refer to", path, maxOutput)
	}
	return map[string]string{"content": text}, nil
}

func setFileEncoding(_ context.Context, s *stepRun, in Input) (map[string]string, error) {
	path := s.path(in.text("path"))
	enc, ok := encodingNamed(in.text("encoding"))
	if !ok {
		return nil, fmt.Errorf("the encoding %q is not known", in.text("encoding"))
	}
	raw, err := readText(path)
	if err != nil {
		return nil, err
	}
	text, err := encoding{width: 1}.decode(raw)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return nil, os.WriteFile(path, enc.encode(text), 0o666) //nolint:gosec // the file exists and keeps its mode
}

func createSymlink(_ context.Context, s *stepRun, in Input) (map[string]string, error) {
	path, target := s.path(in.text("path")), in.text("target")
	looked := target
	if !filepath.IsAbs(target) {
		looked = filepath.Join(filepath.Dir(path), target)
	}
	if _, err := os.Stat(looked); err != nil {
		return nil, fmt.Errorf("the target %s of the link does not exist: %w", target, err)
	}
	switch info, err := os.Lstat(path); {
	case err != nil:
		if err := makeParents(path); err != nil {
			return nil, err
		}
	case info.Mode()&fs.ModeSymlink == 0:
		return nil, fmt.Errorf("%s exists and is no link", path)
	case !in.flag("force", false):
		return nil, fmt.Errorf("the link %s exists already and force is false", path)
	default:
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	return nil, os.Symlink(target, path)
}

// deleteFile deletes a file or all that a pattern matches. Nothing to delete is no failure: the
// file is gone, which is what was asked for.
func deleteFile(_ context.Context, s *stepRun, in Input) (map[string]string, error) {
	path := s.path(in.text("path"))
	names, err := matches(path)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		s.say("DeleteFile: there is no file " + path)
	}
	for _, name := range names {
		info, err := os.Lstat(name)
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			if isPattern(path) {
				continue
			}
			return nil, fmt.Errorf("%s is a folder; use DeleteFolder", name)
		}
		if err := os.Remove(name); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func listFiles(ctx context.Context, s *stepRun, in Input) (map[string]string, error) {
	dir, pattern := s.path(in.text("path")), in.text("fileNamePattern")
	if pattern == "" {
		pattern = "*"
	}
	var found []string
	size := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case d.IsDir():
			if path != dir && !in.flag("recursive", false) {
				return fs.SkipDir
			}
		case wildcard(pattern, d.Name()):
			found = append(found, path)
			size += len(path) + 1
		}
		if size > maxOutput {
			return fmt.Errorf("more files match than the %d bytes that later steps can refer to", maxOutput)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return map[string]string{"files": strings.Join(found, ",")}, nil
}

// isPattern says whether the last element of a path holds the only wildcard there is.
func isPattern(path string) bool { return strings.Contains(filepath.Base(path), "*") }

// matches are the entries that a path with a wildcard in its last element stands for, sorted; a path
// without one stands for itself if it exists.
func matches(path string) ([]string, error) {
	if path == "" {
		return nil, errors.New("the path is empty")
	}
	clean := filepath.Clean(path)
	if !isPattern(clean) {
		if _, err := os.Lstat(clean); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil, nil
			}
			return nil, err
		}
		return []string{clean}, nil
	}
	dir, pattern := filepath.Split(clean)
	entries, err := os.ReadDir(orDefault(dir, "."))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if wildcard(pattern, e.Name()) {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	slices.Sort(out)
	return out, nil
}

// wildcard matches a name against a pattern in which only * means something.
func wildcard(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	rest, ok := strings.CutPrefix(name, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}
