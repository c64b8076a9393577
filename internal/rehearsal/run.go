package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/org/imagebuild-action/internal/component"
)

// Options say how builds are rehearsed.
type Options struct {
	// Root says what a build that is on no other build of the configuration runs in. A sentence in
	// place of a root is why it is not run.
	Root func(context.Context, *Build) (spec component.RootSpec, notRun string, err error)
	// Self is the program to run again inside a root; its main must call component's agent hook.
	Self string
	// Dir holds the changes of the builds while others run on top of them. It is the caller's to remove.
	Dir string
	// Parallel is how many builds run at once.
	Parallel int
	// S3Endpoint is where S3Download and S3Upload go.
	S3Endpoint string
	// Sink is told of every event, one at a time.
	Sink func(Event)
	// Now is the clock.
	Now func() time.Time
}

// A course is one build on its way.
type course struct {
	*rehearsal
	result *Result
	over   chan struct{}
	spec   component.RootSpec // what it runs in
	layers []string           // its changes and those below, nearest first; set when it passed
	on     *course
	index  int
}

type rehearsal struct {
	Options
	slots chan struct{}
	mu    sync.Mutex // guards Sink
}

// Run rehearses the builds, each after the one it is on, and returns their results in the same order. The
// error is about the machinery; a build that fails is a result.
func Run(ctx context.Context, builds []*Build, o Options) ([]*Result, error) {
	r := &rehearsal{Options: o, slots: make(chan struct{}, max(1, o.Parallel))}
	courses := map[*Build]*course{}
	var errs []error
	var wg sync.WaitGroup
	var mu sync.Mutex
	results := make([]*Result, 0, len(builds))
	for i, b := range builds {
		c := &course{rehearsal: r, result: &Result{Build: b, Status: NotRun}, over: make(chan struct{}), on: courses[b.On], index: i}
		courses[b] = c
		results = append(results, c.result)
		wg.Go(func() {
			defer close(c.over)
			if err := c.run(ctx); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, fmt.Errorf("%s: %w", b.Name, err))
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return results, context.Cause(ctx)
	}
	return results, errors.Join(errs...)
}

func (r *rehearsal) tell(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.Time = r.Now()
	r.Sink(e)
}

// run waits for what the build is on and for its turn, and rehearses it.
func (c *course) run(ctx context.Context) (err error) {
	if c.on != nil {
		<-c.on.over // it ends with ctx, too
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
	}
	c.result.Start = c.Now()
	defer func() {
		c.result.End = c.Now()
		switch {
		case err != nil && ctx.Err() == nil:
			c.result.Status, c.result.Why = Failed, err.Error()
		case err != nil:
			c.result.Status, c.result.Why = NotRun, "the run was interrupted"
		}
		c.tell(Event{Kind: BuildFinished, Build: c.result.Build, Result: c.result})
	}()
	if ctx.Err() != nil {
		c.result.Why = "the run was interrupted"
		return nil
	}
	if c.result.Why, err = c.prepare(ctx); err != nil || c.result.Why != "" {
		return err
	}
	return c.phases(ctx)
}

// prepare finds the root, or says why there is nothing to run.
func (c *course) prepare(ctx context.Context) (notRun string, err error) {
	b := c.result.Build
	runnable := slices.ContainsFunc(b.Components, func(c *Component) bool { return c.NotRun == "" })
	switch {
	case !runnable && len(b.Components) == 0:
		return "it has no components", nil
	case !runnable:
		return "none of its components can be run here", nil
	case b.Platform != "Linux":
		return "its components are for " + b.Platform + ", and only those for Linux run here", nil
	case c.on != nil && c.on.result.Status != Passed:
		return "the build it is on, " + b.On.Name + ", did not pass", nil
	case c.on != nil:
		c.spec = c.on.spec
		return "", nil
	}
	c.spec, notRun, err = c.Root(ctx, b)
	return notRun, err
}

// phases runs build and validate, then test in a fresh root on top of their changes.
func (c *course) phases(ctx context.Context) error {
	spec := c.spec
	var below []string
	if c.on != nil {
		below = c.on.layers
	}
	spec.Lowers, spec.Upper = below, filepath.Join(c.Dir, strconv.Itoa(c.index))
	spec.Scratch, spec.Mask = c.Dir, append(slices.Clone(spec.Mask), c.Dir)
	result, err := c.job(ctx, spec, "build", "validate")
	if err != nil || !c.passes(result) {
		return err
	}
	c.layers = append([]string{spec.Upper}, below...)
	spec.Lowers, spec.Upper = c.layers, ""
	result, err = c.job(ctx, spec, "test")
	if err == nil {
		c.passes(result)
	}
	return err
}

// passes notes how a job came out and says whether to go on.
func (c *course) passes(r *component.Result) bool {
	if r.Status == component.NotRun {
		return true // the steps are listed
	}
	if r.Status == component.Success || r.Status == component.SuccessWithIgnoredFailure {
		c.result.Status = Passed
		return true
	}
	c.result.Status = Failed
	if r.FirstFailure == nil {
		c.result.Why = r.FailureMessage
	}
	return false
}

// job runs some phases of all components that can be run.
func (c *course) job(ctx context.Context, spec component.RootSpec, phases ...string) (*component.Result, error) {
	root, err := component.OpenRoot(ctx, spec, c.Self)
	if err != nil {
		return nil, err
	}
	job := component.Job{Phases: phases, S3Endpoint: c.S3Endpoint, WorkingDirectory: c.result.Build.WorkingDirectory}
	var run []*Component
	for _, k := range c.result.Build.Components {
		if k.NotRun == "" {
			run = append(run, k)
			job.Documents = append(job.Documents, component.JobDocument{Name: k.Name, Source: k.Source, Parameters: k.Parameters})
		}
	}
	if c.result.Root == "" {
		c.result.Root = root.Describe()
		if root.Kind() == component.RootNone {
			c.result.Why = strings.ToLower(c.result.Root[:1]) + c.result.Root[1:]
		}
		c.tell(Event{Kind: BuildStarted, Build: c.result.Build, Result: c.result})
	}
	return root.Run(ctx, job, func(e component.Event) { c.fold(e, run) })
}

// fold takes an event of a job in.
func (c *course) fold(e component.Event, run []*Component) {
	switch {
	case e.Kind == component.LogLine:
		c.tell(Event{Kind: LogLine, Build: c.result.Build, Line: e.Line})
	case e.Kind == component.StepFinished && e.Result != nil && e.Depth == 0 && e.Index < len(run):
		k := run[e.Index]
		s := Step{StepResult: *e.Result, Component: k, Origin: k.origin(e.Phase, e.Step)}
		c.result.Steps = append(c.result.Steps, s)
		c.tell(Event{Kind: StepFinished, Build: c.result.Build, Step: &s})
	default: // what starts is told by what it does
	}
}
