package ociroot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/match"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// IsPath tells files from names in registries.
func IsPath(ref string) bool {
	for _, p := range []string{"/", "./", "../"} {
		if strings.HasPrefix(ref, p) {
			return true
		}
	}
	if ref == "." || ref == ".." {
		return true
	}
	info, err := os.Stat(ref)
	if err == nil && info.IsDir() {
		_, err = os.Stat(filepath.Join(ref, "oci-layout"))
	}
	return err == nil
}

// find opens the image; of a registry's it reads no more than manifest and configuration.
func (c *cache) find(ctx context.Context, cancel context.CancelCauseFunc, ref string) (v1.Image, error) {
	if !IsPath(ref) {
		return c.ask(ctx, cancel, ref)
	}
	info, err := os.Stat(ref)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return fromLayout(ref)
	}
	img, err := tarball.ImageFromPath(ref, nil)
	if err != nil {
		return nil, fmt.Errorf("reading it as a docker-archive: %w", err)
	}
	return img, nil
}

// errSilent is the cause of a context that a registry's silence ended.
var errSilent = errors.New("the registry did not answer in time")

// ask asks the registry which image a name means.
func (c *cache) ask(ctx context.Context, cancel context.CancelCauseFunc, ref string) (v1.Image, error) {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return nil, fmt.Errorf("this is no name of an image: %w", err)
	}
	silence := time.AfterFunc(c.Patience, func() { cancel(errSilent) })
	defer silence.Stop()
	img, err := remote.Image(parsed,
		remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithPlatform(platform()),
		remote.WithRetryBackoff(remote.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Steps: 2}))
	if err != nil {
		return nil, fmt.Errorf("asking the registry: %w", err)
	}
	if _, err := img.ConfigFile(); err != nil {
		return nil, fmt.Errorf("reading its configuration: %w", err)
	}
	return img, nil
}

// unreachable says whether nobody answered, as opposed to a registry that said no.
func unreachable(err error) bool {
	answer, ok := errors.AsType[*transport.Error](err)
	return !ok || answer.StatusCode >= http.StatusInternalServerError
}

func platform() v1.Platform { return v1.Platform{OS: "linux", Architecture: runtime.GOARCH} }

// fromLayout picks the layout's image for this machine.
func fromLayout(dir string) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, fmt.Errorf("reading it as an OCI layout: %w", err)
	}
	found, err := pick(index, 0)
	if err != nil {
		return nil, fmt.Errorf("reading it as an OCI layout: %w", err)
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("it holds %d images for linux/%s, and one is wanted", len(found), runtime.GOARCH)
	}
	return found[0], nil
}

// pick are the images of an index for this machine. Those that do not say what they are for count.
func pick(index v1.ImageIndex, depth int) ([]v1.Image, error) {
	const maxDepth = 4
	if depth > maxDepth {
		return nil, &RefusedError{Why: "its indexes are nested too deeply"}
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	var out []v1.Image
	for _, d := range manifest.Manifests {
		if d.Platform != nil && !match.Platforms(platform())(d) {
			continue
		}
		switch {
		case d.MediaType.IsIndex():
			inner, err := index.ImageIndex(d.Digest)
			if err != nil {
				return nil, err
			}
			more, err := pick(inner, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		case d.MediaType.IsImage():
			img, err := index.Image(d.Digest)
			if err != nil {
				return nil, err
			}
			out = append(out, img)
		default: // signatures and the like are no images
		}
	}
	return out, nil
}
