package github

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"

	api "github.com/google/go-github/v60/github"

	"github.com/org/imagebuild-action/internal/neutral"
)

// What is unpacked of an artifact, which may be anybody's.
const (
	archiveLimit  = 64 << 20
	unpackedLimit = 256 << 20
	filesLimit    = 2000
	// ratioLimit bounds how much larger a file is than its compressed form, beyond ratioFloor bytes.
	ratioLimit = 200
	ratioFloor = 1 << 20
)

// RunArtifacts lists the artifacts of one run of the repository. They are never looked for by name over all runs: any run may
// use any name.
func (c *Client) RunArtifacts(ctx context.Context, runID int64) ([]Artifact, error) {
	var out []Artifact
	for page := 1; ; page++ {
		req, err := c.api.NewRequest(http.MethodGet, fmt.Sprintf("repos/%s/%s/actions/runs/%d/artifacts?per_page=%d&page=%d", c.env.Repository.Owner, c.env.Repository.Name, runID, pageSize, page), nil)
		if err != nil {
			return nil, err
		}
		var list struct {
			Total     int              `json:"total_count"`
			Artifacts []listedArtifact `json:"artifacts"`
		}
		if _, err = c.api.Do(ctx, req, &list); err != nil {
			return nil, told("the artifacts of a run", "actions: read", err)
		}
		for _, a := range list.Artifacts {
			if a.Run.ID == runID && (c.env.Repository.ID == 0 || a.Run.RepositoryID == c.env.Repository.ID) {
				out = append(out, a.artifact(c.env))
			}
		}
		if len(list.Artifacts) < pageSize {
			return out, nil
		}
	}
}

// listedArtifact is an artifact as the API has it; go-github knows no digest.
type listedArtifact struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"`
	Size    int64  `json:"size_in_bytes"`
	Digest  string `json:"digest"`
	Expired bool   `json:"expired"`
	Run     struct {
		ID               int64  `json:"id"`
		RepositoryID     int64  `json:"repository_id"`
		HeadRepositoryID int64  `json:"head_repository_id"`
		HeadSHA          string `json:"head_sha"`
	} `json:"workflow_run"`
}

func (a listedArtifact) artifact(env *Environment) Artifact {
	return Artifact{
		ID: a.ID, Name: a.Name, Size: a.Size, Digest: a.Digest, RunID: a.Run.ID, HeadSHA: a.Run.HeadSHA,
		Foreign: a.Run.HeadRepositoryID != a.Run.RepositoryID, Expired: a.Expired,
		URL: fmt.Sprintf("%s/%s/actions/runs/%d/artifacts/%d", env.ServerURL, env.Repository, a.Run.ID, a.ID),
	}
}

// DownloadArtifact unpacks an artifact into a directory that exists and returns the names of its files. It takes regular files with
// names that stay inside, within limits of number, size and compression, and refuses anything else whole: then some of
// the files may have been written.
func (c *Client) DownloadArtifact(ctx context.Context, a Artifact, dir string) ([]string, error) {
	if a.Expired {
		return nil, &UnavailableError{What: "the artifact " + neutral.Line(a.Name), Why: "it has expired."}
	}
	raw, err := c.download(ctx, a)
	if err != nil {
		return nil, err
	}
	names, err := unpack(raw, dir)
	if err != nil {
		return nil, fmt.Errorf("unpacking the artifact %s: %w", neutral.Line(a.Name), err)
	}
	return names, nil
}

func (c *Client) download(ctx context.Context, a Artifact) ([]byte, error) {
	what := "the artifact " + neutral.Line(a.Name)
	req, err := c.api.NewRequest(http.MethodGet, fmt.Sprintf("repos/%s/%s/actions/artifacts/%d/zip", c.env.Repository.Owner, c.env.Repository.Name, a.ID), nil)
	if err != nil {
		return nil, err
	}
	// The reply leads to a store that must not see the token: the transport gives it to the API alone.
	resp, err := c.api.BareDo(ctx, req)
	var failed *api.ErrorResponse
	if errors.As(err, &failed) && !c.transport.api(failed.Response.Request.URL) {
		// The text of such an error has the signature in it.
		return nil, fmt.Errorf("downloading %s: the store answered with status %d", what, failed.Response.StatusCode)
	}
	if err != nil {
		return nil, told(what, "actions: read", withoutURL(err))
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, archiveLimit+1))
	if err != nil {
		return nil, fmt.Errorf("downloading %s: %w", what, err)
	}
	if len(raw) > archiveLimit {
		return nil, fmt.Errorf("%s is larger than %d MiB", what, archiveLimit>>20)
	}
	if sum := sha256.Sum256(raw); a.Digest != "" && a.Digest != "sha256:"+hex.EncodeToString(sum[:]) {
		return nil, fmt.Errorf("%s is not what was uploaded: its digest differs", what)
	}
	return raw, nil
}

func unpack(raw []byte, dir string) ([]string, error) {
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, err
	}
	if len(z.File) > filesLimit {
		return nil, fmt.Errorf("it has more than %d files", filesLimit)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	var names []string
	left := int64(unpackedLimit)
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") && f.FileInfo().IsDir() && f.UncompressedSize64 == 0 && filepath.IsLocal(f.Name) {
			continue
		}
		if err = regular(f); err != nil {
			return nil, err
		}
		n, err := unpackFile(root, f, left)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", f.Name, err)
		}
		left -= n
		names = append(names, f.Name)
	}
	return names, nil
}

func regular(f *zip.File) error {
	switch {
	case !filepath.IsLocal(f.Name) || path.Clean(f.Name) != f.Name || strings.ContainsAny(f.Name, "\\:\x00") || neutral.Line(f.Name) != f.Name:
		return fmt.Errorf("%q is no name of a file inside of it", f.Name)
	case !f.Mode().IsRegular():
		return fmt.Errorf("%q is no regular file", f.Name)
	}
	return nil
}

var errTooLarge = errors.New("it holds too much, or is compressed too well")

// unpackFile writes one file of at most left bytes and returns how many it had. What the archive says of its size is not believed.
func unpackFile(root *os.Root, f *zip.File, left int64) (int64, error) {
	if dir := path.Dir(f.Name); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return 0, err
		}
	}
	from, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer func() { _ = from.Close() }()
	// A name that is there already is a second file of the name, or a link somebody left.
	to, err := root.OpenFile(f.Name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	limit := min(left, max(int64(min(f.CompressedSize64, archiveLimit))*ratioLimit, ratioFloor))
	n, err := io.Copy(to, io.LimitReader(from, limit+1))
	if n > limit {
		err = errTooLarge
	}
	return n, errors.Join(err, to.Close())
}
