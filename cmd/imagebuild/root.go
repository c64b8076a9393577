package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/internal/ociroot"
	"github.com/org/imagebuild-action/internal/report"
)

// ociPrefix begins a --root that is the file system of a container image.
const ociPrefix = "oci:"

// rootHelp says what --root takes wherever components run isolated.
const rootHelp = "overlay, dir:`path`, oci:image, none, or auto"

// A chosenRoot is what --root came to, and what must be let go after the last use.
type chosenRoot struct {
	component.RootSpec
	tree *ociroot.Tree // nil unless it is an image's
}

// chooseRoot turns the value of --root into what documents are run in: "oci:REF" into a copy-on-write
// view of the image's files, fetched if need be; other kinds stay as they are.
func (p *program) chooseRoot(ctx context.Context, kind string) (*chosenRoot, error) {
	ref, ok := strings.CutPrefix(kind, ociPrefix)
	if !ok {
		return &chosenRoot{RootSpec: component.RootSpec{Kind: kind}}, nil
	}
	tree, err := p.openImage(ctx, ref, 0)
	if err == nil {
		return &chosenRoot{RootSpec: component.RootSpec{Kind: component.RootOverlay, Base: tree.Dir, BaseName: ref}, tree: tree}, nil
	}
	if ctx.Err() != nil {
		return nil, told(statusInterrupted)
	}
	out := &exit{status: statusFailed, err: err}
	if known, ok := errors.AsType[*ociroot.Error](err); ok {
		out.hint = known.Advice
	}
	return nil, out
}

// openImage fetches an image as a tree. patience bounds how long its registry may be silent; 0 is a minute.
func (p *program) openImage(ctx context.Context, ref string, patience time.Duration) (*ociroot.Tree, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("finding the user's cache, where images are kept: %w", err)
	}
	tree, err := ociroot.Open(ctx, ref, ociroot.Options{
		Cache: filepath.Join(cache, "imagebuild", "images"), Patience: patience,
		Progress: func(line string) { fmt.Fprintf(p.stderr, "%s\n", report.Neutral(line)) },
	})
	if err != nil {
		return nil, err
	}
	if !tree.Remembered.IsZero() {
		fmt.Fprintf(p.stderr, "%s: the registry could not be asked; this is the image of %s\n", report.Neutral(ref), tree.Remembered.Format(time.DateOnly))
	}
	if tree.Note != "" {
		fmt.Fprintf(p.stderr, "%s: %s\n", report.Neutral(ref), tree.Note)
	}
	return tree, nil
}

// close lets go of the image.
func (r *chosenRoot) close() error {
	if r.tree == nil {
		return nil
	}
	return r.tree.Close()
}
