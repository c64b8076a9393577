package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/ociroot"
	"github.com/org/imagebuild-action/internal/rehearsal"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/internal/sandbox"
	"github.com/org/imagebuild-action/planner"
)

// systems are the container images that stand in for parent images during one run.
type systems struct {
	p *program

	mu     sync.Mutex
	images map[string]*image
	lacked map[dsl.Addr]string // the image that would have stood in for a build's parent, could it be had
}

// An image is a container image that stands in for a parent image, or why it could not be had.
type image struct {
	once sync.Once
	tree *ociroot.Tree
	err  error
}

func newSystems(p *program) *systems {
	return &systems{p: p, images: map[string]*image{}, lacked: map[dsl.Addr]string{}}
}

// image fetches an image once, however many builds want it.
func (s *systems) image(ctx context.Context, ref string) (*ociroot.Tree, error) {
	s.mu.Lock()
	i := s.images[ref]
	if i == nil {
		i = &image{}
		s.images[ref] = i
	}
	s.mu.Unlock()
	i.once.Do(func() { i.tree, i.err = s.p.openImage(ctx, ref, defaultPatience) })
	return i.tree, i.err
}

// registryVariable names the registry that stand-ins are fetched from in place of their publishers', such as a mirror;
// noRegistry lets none be fetched.
const (
	registryVariable = "IMAGEBUILD_STAND_IN_REGISTRY"
	noRegistry       = "none"
)

// mirrored is where an image that a table of ours names is fetched from.
func (s *systems) mirrored(ref string) string {
	from, _ := s.p.lookupEnv(registryVariable)
	if ref == "" || from == "" || from == noRegistry {
		return ref
	}
	_, path, _ := strings.Cut(ref, "/")
	return strings.TrimSuffix(from, "/") + "/" + path
}

// equivalent is the image that stands in for a build's parent, "" where none is known. A container's parent is itself
// one, and named by its owner.
func (s *systems) equivalent(b *rehearsal.Build) string {
	if b.Container {
		return b.Equivalent()
	}
	return s.mirrored(b.Equivalent())
}

// unasked is image for one that nobody named by --root.
func (s *systems) unasked(ctx context.Context, ref string) (*ociroot.Tree, error) {
	if from, _ := s.p.lookupEnv(registryVariable); from == noRegistry {
		return nil, errors.New(registryVariable + " is " + noRegistry)
	}
	return s.image(ctx, ref)
}

// close lets all images go.
func (s *systems) close() error {
	if s == nil {
		return nil
	}
	var errs []error
	for _, i := range s.images {
		if i.tree != nil {
			errs = append(errs, i.tree.Close())
		}
	}
	return errors.Join(errs...)
}

// find is the system that the sandbox builds an image of an operating system on.
func (s *systems) find(ctx context.Context, system, ref string) (sandbox.StandIn, error) {
	exact, fetch := ref != "", s.image
	if !exact {
		ref, fetch = s.mirrored(rehearsal.Equivalent(strings.ReplaceAll(system, " ", "-"))), s.unasked
	}
	if ref == "" {
		return sandbox.StandIn{Why: "no container image is known for " + orUnknown(system)}, nil
	}
	tree, err := fetch(ctx, ref)
	if err == nil {
		return sandbox.StandIn{Dir: tree.Dir, Name: ref}, nil
	}
	if ctx.Err() != nil || exact {
		return sandbox.StandIn{}, fmt.Errorf("the image below was built on %s, which couldn't be fetched: %w", ref, err)
	}
	return sandbox.StandIn{Why: fetchFailure(ref, err)}, nil
}

func orUnknown(system string) string {
	if system == "" {
		return "its parent image"
	}
	return system
}

func fetchFailure(ref string, err error) string {
	if known, ok := errors.AsType[*ociroot.Error](err); ok {
		err = known.Err
	}
	return fmt.Sprintf("%s couldn't be fetched: %v", ref, err)
}

// explain says, before a plan is run in the sandbox, which system stands in for the parent of each image to be built.
func (s *systems) explain(ctx context.Context, plan *planner.Plan, server *sandbox.Server) {
	if s == nil || plan.Graph == nil || plan.Graph.Config == nil { // a plan of deletions has none
		return
	}
	builds, err := rehearsal.Builds(plan.Graph)
	if err != nil {
		return // what cannot be read is told by whoever uploads it
	}
	creates := map[dsl.Addr]bool{}
	for _, c := range plan.Changes {
		creates[c.Addr] = c.Verb == planner.Create
	}
	for _, b := range builds {
		if b.On != nil || b.Container || b.Platform != "Linux" || !creates[b.Addr] || server.Made(b.Parent) {
			continue // one that was made here keeps its system, and its log says which
		}
		if line := s.standsIn(ctx, b); line != "" {
			fmt.Fprintln(s.p.stderr, report.Neutral(line))
		}
	}
}

// standsIn says which system a build will be made on; "" where the run ends.
func (s *systems) standsIn(ctx context.Context, b *rehearsal.Build) string {
	ref := s.equivalent(b)
	if ref == "" {
		s.lacked[b.Addr] = "IMAGE"
		return fmt.Sprintf("%s: this machine (%s) stands in for the parent image, since no container image is known for %s. To build on another system, pass --root oci:IMAGE.", b.Name, systemName(), orUnknown(b.Parent))
	}
	_, err := s.unasked(ctx, ref)
	switch {
	case ctx.Err() != nil:
		return ""
	case err == nil:
		return fmt.Sprintf("%s: %s stands in for the parent image.", b.Name, ref)
	}
	s.lacked[b.Addr] = ref
	return fmt.Sprintf("%s: this machine (%s) stands in for the parent image, since %s. To build on the parent's own system, pass --root oci:%s.", b.Name, systemName(), strings.TrimSuffix(fetchFailure(ref, err), "."), ref)
}

// systemName is what this machine's system calls itself (os-release(5)).
func systemName() string {
	raw, err := readFile("/etc/os-release", largestSmall)
	if err != nil {
		return "its system is unknown"
	}
	for line := range strings.Lines(string(raw)) {
		if name, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			return strings.Trim(strings.TrimSpace(name), `"'`)
		}
	}
	return "its system is unknown"
}

// local completes the failure of a build in the sandbox: its log is a file here, and another system may be what it lacked.
func (s *systems) local(rec *record) func(executor.Event) {
	return func(e executor.Event) {
		f, ok := e.(executor.Finished)
		if !ok || f.Err == nil {
			return
		}
		failure, ok := errors.AsType[*executor.Failure](f.Err)
		if !ok {
			return
		}
		failure.LogFile = rec.logFile(f.Addr)
		if s != nil && failure.Step != "" && s.lacked[f.Addr] != "" {
			failure.Advice = fmt.Sprintf("It ran on %s, which stood in for the parent image. To build on the parent's own system, pass --root oci:%s.", systemName(), s.lacked[f.Addr])
		}
	}
}
