package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/executor/session"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

// A worker joins the machines of executor/aws with the sessions that work in them.
type worker struct {
	p       *program
	clients *aws.Clients
}

func (p *program) worker(g *planning) aws.Worker {
	return &worker{p: p, clients: g.target.clients}
}

// Work implements aws.Worker.
func (w *worker) Work(ctx context.Context, j aws.Job) error {
	platform, err := j.Machine.Platform(ctx)
	if err != nil {
		return fmt.Errorf("asking what the machine runs: %w", err)
	}
	s := &session.Session{
		Addr: j.Addr, Name: j.Machine.Name(), Run: w.p.runName(), Windows: strings.HasPrefix(platform, "WINDOWS"),
		Machine: j.Machine, Images: j.Machine, Secrets: kept{w.clients, j.Machine.Region()}, Cover: covered, Emit: j.Emit,
		Controller: controller{w.p},
	}
	if bucket, ok := j.Work.Communicator.Settings["bucket"].(string); ok && bucket != "" {
		prefix, _ := j.Work.Communicator.Settings["prefix"].(string)
		s.Objects = objects{w.clients.Bucket(bucket, prefix)}
	}
	return s.Do(ctx, j.Work)
}

// kept are the secrets of a region.
type kept struct {
	clients *aws.Clients
	region  string
}

// Secret implements session.Secrets.
func (k kept) Secret(ctx context.Context, name string) (string, error) {
	return k.clients.Secret(ctx, k.region, name)
}

// objects are a bucket as a session wants it.
type objects struct{ *aws.Bucket }

// Get implements session.Objects.
func (o objects) Get(ctx context.Context, key string) ([]byte, error) {
	raw, err := o.Bucket.Get(ctx, key)
	if code := aws.Code(err); code == "NoSuchKey" || code == "NotFound" || code == "NoSuchBucket" {
		return nil, session.ErrNoObject
	}
	return raw, err
}

// covered is a line without secrets, in whatever form they stand there.
func covered(secrets []string, line string) string {
	var out strings.Builder
	r := report.Redact(&out, secrets)
	_, err := r.Write([]byte(line))
	if err = errors.Join(err, r.Close()); err != nil {
		return "(a line that could not be searched for secrets)" // a strings.Builder takes everything
	}
	return out.String()
}

// A controller runs Ansible on this machine.
type controller struct{ p *program }

// Run implements session.Controller: in a directory of its own, with the given environment alone.
func (c controller) Run(ctx context.Context, prog session.Program, print func(session.Line)) (exitCode int, err error) {
	dir, err := os.MkdirTemp("", "imagebuild-control-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, err
	}
	defer root.Close() //nolint:errcheck // nothing is written through the directory itself
	for name, content := range prog.Files {
		if err = place(root, name, content); err != nil {
			return 0, fmt.Errorf("writing %s: %w", name, err)
		}
	}
	program, err := exec.LookPath(prog.Argv[0])
	if err != nil {
		return 0, fmt.Errorf("%s is not on this machine, from which playbooks for image builders are run: %w", prog.Argv[0], err)
	}
	cmd := exec.CommandContext(ctx, program, prog.Argv[1:]...) //nolint:gosec // a program of ours with the arguments of the configuration
	path, _ := c.p.lookupEnv("PATH")
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, []string{"PATH=" + path, "HOME=" + dir, "LC_ALL=C.UTF-8"}, 5*time.Second
	for k, v := range prog.Env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	out, errs, end := session.Lines(print)
	cmd.Stdout, cmd.Stderr = out, errs
	err = cmd.Run()
	end()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && ctx.Err() == nil {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// place writes one file below a directory.
func place(root *os.Root, name string, content planner.Content) (err error) {
	r, err := content.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if dir := filepath.Dir(name); dir != "." {
		if err = root.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fs.FileMode(0o600))
	if err != nil {
		return err
	}
	_, err = f.ReadFrom(r)
	return errors.Join(err, f.Close())
}
