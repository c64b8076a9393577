// Package ociroot turns container images into directory trees that documents can be run in: an image of
// a registry, of an OCI layout, or of a docker-archive, without a container engine. Trees are kept by what
// they hold, so that an image is fetched once.
//
// Images are hostile input: what would lie outside of the tree, act as a device or fill the disk is
// refused. The package refuses to know what a tree is used for; nobody may write to one.
package ociroot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// The bounds of an image where Options name no others: the largest base images that are published
// unpack to a few GiB and a few hundred thousand files.
const (
	defaultLimit    = 16 << 30
	defaultPatience = time.Minute
	maxEntries      = 1 << 20
	maxLayers       = 256
)

// Options say where trees are kept and what an image may cost.
type Options struct {
	// Cache is the directory of the trees; it is made when missing. Removing it, while no tree of it is
	// open, forgets all images.
	Cache string
	// Progress is told in lines what is fetched; nil where nobody wants to know.
	Progress func(string)
	// Patience is how long a registry may take to say which image a name means; 0 is a minute.
	Patience time.Duration
	// Limit is how many bytes an image may unpack to; 0 is 16 GiB.
	Limit int64
}

// A Tree is the file system of an image in a directory. It must not be written to: others use it too.
type Tree struct {
	// Dir is the directory.
	Dir string
	// Image is the image as it was named, and Digest that of its configuration, which names all layers.
	Image, Digest string
	// Remembered is when the registry last said which image the name means, where it could not be
	// asked now; zero otherwise.
	Remembered time.Time
	// Note says what of the image the tree cannot hold; "" where it holds all.
	Note string

	lock *lock
}

// Close lets the tree go. It stays in the cache.
func (t *Tree) Close() error { return t.lock.close() }

// An Error says which image could not be had, why, and what to do.
type Error struct {
	Image, Advice string
	Err           error
}

func (e *Error) Error() string { return fmt.Sprintf("the image %s: %v", e.Image, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// A RefusedError is an image that holds what no image should.
type RefusedError struct {
	Entry, Why string
}

func (e *RefusedError) Error() string {
	if e.Entry == "" {
		return "it is refused: " + e.Why
	}
	return fmt.Sprintf("it is refused: its entry %q %s", e.Entry, e.Why)
}

// Open finds the image that ref names and returns its tree, which is made when the cache does not hold it.
//
// ref is the directory of an OCI layout, the file of a docker-archive, or the name of an image in a
// registry ("public.ecr.aws/amazonlinux/amazonlinux:2023"). A name is a path where it begins with "/",
// "./" or "../" or where such a file, or such a directory with an oci-layout file, is there.
func Open(ctx context.Context, ref string, o Options) (*Tree, error) {
	if runtime.GOOS != "linux" {
		return nil, &Error{Image: ref, Err: errors.ErrUnsupported, Advice: "images are unpacked on Linux alone"}
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if o.Limit == 0 {
		o.Limit = defaultLimit
	}
	if o.Patience == 0 {
		o.Patience = defaultPatience
	}
	trees := filepath.Join(o.Cache, "trees")
	if err := os.MkdirAll(trees, 0o700); err != nil {
		return nil, &Error{ref, "name a cache directory that can be written, by XDG_CACHE_HOME or HOME", err}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := &cache{Options: o, dir: trees}
	t, err := c.open(ctx, cancel, ref)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
			err = cause
		}
		return nil, &Error{Image: ref, Err: err, Advice: advice(ref, err)}
	}
	return t, nil
}

func advice(ref string, err error) string {
	if _, ok := errors.AsType[*RefusedError](err); ok {
		return "use an image from a source you trust"
	}
	if IsPath(ref) {
		return "give the directory of an OCI layout, or the file that docker save wrote, with an image for linux/" + runtime.GOARCH
	}
	return "check the name, the network and, for a private registry, the login (docker login); or save the image to a file elsewhere and use oci:./image.tar"
}

// open finds the image, or remembers it, and takes its tree.
func (c *cache) open(ctx context.Context, cancel context.CancelCauseFunc, ref string) (*Tree, error) {
	img, err := c.find(ctx, cancel, ref)
	if err != nil {
		silent := errors.Is(context.Cause(ctx), errSilent) || ctx.Err() == nil && unreachable(err)
		if !silent {
			return nil, err
		}
		if t := c.remembered(ref); t != nil {
			return t, nil
		}
		return nil, err
	}
	if err = suits(img); err != nil {
		return nil, err
	}
	digest, err := img.ConfigName()
	if err != nil {
		return nil, fmt.Errorf("reading its configuration: %w", err)
	}
	t, err := c.take(ctx, digest.Hex, func(dir string) error {
		return (&unpacking{ctx: ctx, cancel: cancel, Options: c.Options, image: ref}).all(img, dir)
	})
	if err != nil {
		return nil, err
	}
	t.Image = ref
	if IsPath(ref) {
		return t, nil
	}
	return t, c.remember(ref, digest.Hex)
}

// suits says whether the image is for this kind of machine.
func suits(img v1.Image) error {
	conf, err := img.ConfigFile()
	if err != nil {
		return fmt.Errorf("reading its configuration: %w", err)
	}
	if conf.OS != "" && conf.OS != "linux" || conf.Architecture != "" && conf.Architecture != runtime.GOARCH {
		return fmt.Errorf("it is for %s/%s, and this machine is linux/%s", conf.OS, conf.Architecture, runtime.GOARCH)
	}
	return nil
}
