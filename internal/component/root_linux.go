package component

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

func (r Root) supported() error { return nil }

// probe makes the root once, with nothing to do in it.
func (r Root) probe(ctx context.Context) error {
	for _, dir := range []string{r.dir, r.spec.Base} {
		if dir == "" {
			continue
		}
		if info, err := os.Stat(dir); err != nil {
			return err
		} else if !info.IsDir() {
			return fmt.Errorf("%s is no directory", dir)
		}
	}
	_, err := r.isolated(ctx, Job{}, func(Event) {})
	return err
}

// isolated runs a job in an agent and returns when that and all it started are gone.
func (r Root) isolated(ctx context.Context, job Job, emit func(Event)) (result *Result, err error) {
	job, resume, err := job.takeUp()
	if err != nil {
		return nil, err
	}
	req := request{Job: job, Resume: resume, Env: r.environment()}
	role := workRole
	if r.kind != RootHost {
		role = initRole
		var cleanup func() error
		if req.Setup, cleanup, err = r.prepare(); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, cleanup()) }()
	}
	group, err := newGroup(r.spec.Limits)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, group.remove()) }()
	if req.Limits, err = r.remaining(group); err != nil {
		return nil, err
	}
	a := &agentProcess{root: r, request: req, group: group}
	if a.wire, err = r.newWire(job); err != nil {
		return nil, err
	}
	if a.wire != nil {
		defer func() { err = errors.Join(err, a.wire.close()) }()
		req.Setup.Forwards = a.wire.listens()
		a.wire.serve(ctx)
	}
	if err := a.start(ctx, role); err != nil {
		return nil, err
	}
	return a.finish(ctx, emit)
}

// prepare makes the directories that one run needs.
func (r Root) prepare() (*setup, func() error, error) {
	scratch := r.spec.Scratch
	if scratch == "" {
		scratch = os.TempDir()
	}
	run, err := os.MkdirTemp(scratch, ".component-root-")
	if err != nil {
		return nil, nil, fmt.Errorf("making a scratch directory: %w", err)
	}
	cleanup := func() error { return RemoveTree(run) }
	s := &setup{Dir: r.dir, Base: r.spec.Base, Run: run, User: r.user, Lowers: r.spec.Lowers, ResolvConf: resolvConf(), Network: r.spec.Network}
	if r.spec.Network == NetworkPrivate {
		s.ResolvConf = ownResolver(s.ResolvConf)
	}
	if r.kind == rootDir {
		return s, cleanup, nil
	}
	s.Upper = r.spec.Upper
	if s.Upper == "" {
		s.Upper = filepath.Join(run, "upper")
	}
	if err = os.MkdirAll(s.Upper, 0o755); err != nil { //nolint:gosec // it is the root directory of an image
		return nil, nil, errors.Join(err, cleanup())
	}
	// The kernel wants the work directory in the same mount as the upper one.
	s.Work, err = os.MkdirTemp(filepath.Dir(filepath.Clean(s.Upper)), ".component-work-")
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("making the overlay's work directory: %w", err), cleanup())
	}
	// The layers must not be seen inside of themselves: what deletes files would chase its own traces.
	s.Mask = r.masks(append([]string{run, s.Upper, s.Work}, s.Lowers...))
	return s, func() error { return errors.Join(RemoveTree(s.Work), RemoveTree(run)) }, nil
}

func resolvConf() string {
	raw, err := os.ReadFile("/etc/resolv.conf")
	if err != nil || len(raw) > 64<<10 {
		return ""
	}
	return string(raw)
}
