package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/internal/ociroot"
	"github.com/org/imagebuild-action/internal/rehearsal"
	"github.com/org/imagebuild-action/internal/report"
)

// defaultPatience is how long the registry of a root that nobody asked for may take to answer: without
// a network a test must start all the same.
const defaultPatience = 5 * time.Second

// testRoots are the roots of one run of imagebuild test.
type testRoots struct {
	p      *program
	f      testFlags
	limits component.Limits

	given *chosenRoot // what --root names; nil for auto

	images *systems
}

// open finds the root that --root names.
func (r *testRoots) open(ctx context.Context) error {
	r.images = newSystems(r.p)
	kind := r.f.root
	dir, isDir := strings.CutPrefix(kind, "dir:")
	switch {
	case kind == component.RootAuto:
		return nil
	case isDir:
		// Documents act on a view of the directory: a test leaves it as it was.
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(r.p.cwd, dir)
		}
		r.given = &chosenRoot{RootSpec: component.RootSpec{Kind: component.RootOverlay, Base: dir}}
		return nil
	case kind != component.RootOverlay && kind != component.RootNone && !strings.HasPrefix(kind, ociPrefix):
		return mistake("choose "+strings.ReplaceAll(rootHelp, "`", ""), "--root cannot be %q", kind)
	}
	var err error
	r.given, err = r.p.chooseRoot(ctx, kind)
	return err
}

// choose is the root of a build: what --root names, else a container image of the system of the parent
// image where one is known and can be had, else a view of this machine. It says which, and why.
func (r *testRoots) choose(ctx context.Context, b *rehearsal.Build) (spec component.RootSpec, notRun string, err error) {
	if r.given != nil {
		return r.with(r.given.RootSpec), "", nil
	}
	ref := r.images.equivalent(b)
	why := "no container image is known for its parent image"
	if ref != "" {
		tree, err := r.images.unasked(ctx, ref)
		if err == nil {
			r.say("%s: %s stands for its parent image", b.Name, ref)
			return r.with(component.RootSpec{Kind: component.RootOverlay, Base: tree.Dir, BaseName: ref}), "", nil
		}
		if ctx.Err() != nil {
			return component.RootSpec{}, "", context.Cause(ctx)
		}
		if known, ok := errors.AsType[*ociroot.Error](err); ok {
			err = known.Err
		}
		why = fmt.Sprintf("%s could not be had: %v", ref, err)
	}
	r.say("%s: this machine stands for its parent image, since %s", b.Name, why)
	return r.with(component.RootSpec{Kind: component.RootAuto}), "", nil
}

func (r *testRoots) say(format string, args ...any) {
	fmt.Fprintln(r.p.stderr, report.Neutral(fmt.Sprintf(format, args...)))
}

// with adds what the flags say of every root.
func (r *testRoots) with(spec component.RootSpec) component.RootSpec {
	spec.Network, spec.Limits = r.f.network, r.limits
	spec.Environ, spec.Pass = r.p.environ(), r.f.env
	return spec
}

// close lets all images go.
func (r *testRoots) close() error {
	var errs []error
	if r.given != nil {
		errs = append(errs, r.given.close())
	}
	errs = append(errs, r.images.close())
	return errors.Join(errs...)
}
