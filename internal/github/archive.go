package github

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// archive is a zip on disk.
type archive struct {
	path   string
	size   int64
	digest string
}

func (z *archive) open() (io.ReadCloser, error) { return os.Open(z.path) }

func (z *archive) remove() { _ = os.Remove(z.path) }

// pack writes files into a zip under dir.
func pack(dir string, files []ArtifactFile) (*archive, error) {
	f, err := os.CreateTemp(dir, "artifact-*.zip")
	if err != nil {
		return nil, err
	}
	z := &archive{path: f.Name()}
	sum := sha256.New()
	w := zip.NewWriter(io.MultiWriter(f, sum))
	err = errors.Join(addAll(w, files), w.Close())
	if err == nil {
		z.size, err = f.Seek(0, io.SeekCurrent)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		z.remove()
		return nil, err
	}
	z.digest = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	return z, nil
}

func addAll(w *zip.Writer, files []ArtifactFile) error {
	for _, file := range files {
		if !filepath.IsLocal(file.Name) || strings.Contains(file.Name, `\`) {
			return fmt.Errorf("%q cannot be the name of a file of an artifact", file.Name)
		}
		to, err := w.Create(file.Name)
		if err != nil {
			return err
		}
		if file.Path == "" {
			_, err = to.Write(file.Content)
		} else {
			err = copyFile(to, file.Path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func copyFile(to io.Writer, path string) error {
	f, err := os.Open(path) // #nosec G304 -- the caller names its own logs and reports
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	_, err = io.Copy(to, f)
	return err
}
