package sandbox

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/org/imagebuild-action/internal/component"
)

var (
	errCancelled = errors.New("the image was cancelled")
	errClosed    = errors.New("the sandbox was closed")
)

// A builder owns the goroutines that make images, at most so many at once.
type builder struct {
	db      *database
	logs    *logStore
	opts    *Options
	objects *objectStore
	dir     string
	ctx     context.Context //nolint:containedctx // the builder's own life, which no caller's context spans
	stop    context.CancelCauseFunc
	slots   chan struct{}
	wg      sync.WaitGroup

	kind   string // the root taken
	reason string // why

	// reached is closed once it is known under which address the server is reached, which
	// components that download from S3 need.
	reached  chan struct{}
	once     sync.Once
	endpoint string

	mu      sync.Mutex
	running map[string]context.CancelCauseFunc
}

// newBuilder finds out which root components can have.
func newBuilder(ctx context.Context, s *Server) (*builder, error) {
	b := &builder{
		db: s.db, logs: s.logs, opts: &s.opts, objects: s.objects, dir: s.dir,
		slots:   make(chan struct{}, s.opts.Builds),
		reached: make(chan struct{}),
		running: map[string]context.CancelCauseFunc{},
	}
	if err := b.discard(filepath.Join(b.dir, "scratch")); err != nil {
		return nil, err
	}
	for _, d := range []string{"layers", "scratch"} {
		if err := os.MkdirAll(filepath.Join(b.dir, d), 0o700); err != nil {
			return nil, err
		}
	}
	root, err := component.OpenRoot(ctx, b.spec(s.opts.Root), s.opts.Self)
	if err != nil {
		return nil, err
	}
	b.kind, b.reason = root.Kind(), root.Describe()
	if b.kind == "dir" {
		b.kind = s.opts.Root
	}
	b.ctx, b.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	return b, nil
}

func (b *builder) spec(kind string) component.RootSpec {
	return component.RootSpec{
		Kind: kind,
		Base: b.opts.Base, BaseName: b.opts.BaseName,
		Scratch: filepath.Join(b.dir, "scratch"),
		Mask:    []string{b.dir},
		Environ: b.opts.Environ,
		Network: b.opts.Network,
	}
}

// reach tells the builder the server's address; the first one counts.
func (b *builder) reach(url string) {
	b.once.Do(func() {
		b.endpoint = url
		close(b.reached)
	})
}

// start makes an image in the background. The caller holds the database's lock.
func (b *builder) start(r *resource) {
	ctx, cancel := context.WithCancelCause(b.ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running[r.ARN] = cancel
	m := &making{
		b: b, r: r, w: r.Work, fixed: r.Body, status: "PENDING",
		log: streamKey{r.ref.region, r.Work.Group, r.Version.String() + "/" + itoa(r.Build)},
	}
	b.wg.Go(func() {
		defer cancel(nil)
		m.run(ctx)
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.running, m.r.ARN)
	})
}

// cancel ends the making of an image.
func (b *builder) cancel(arn string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if cancel := b.running[arn]; cancel != nil {
		cancel(errCancelled)
	}
}

// resume starts again what was under way when an earlier server ended.
func (b *builder) resume() {
	var left []*resource
	for _, r := range b.db.resources.rows {
		if r.ref.kind == "image" && !terminal(r) {
			left = append(left, r)
		}
	}
	slices.SortFunc(left, func(x, y *resource) int { return int(x.Seq - y.Seq) })
	for _, e := range b.db.executions.rows {
		if e.Status == "RUNNING" {
			e.end("CANCELLED", "The sandbox was stopped.", b.opts.Now())
			b.db.executions.put(e.ID, e)
		}
	}
	for _, r := range left {
		b.opts.Log("building " + r.ARN + " again: it was not finished when the sandbox was stopped")
		r.Body = with(r.Body, object{"state": object{"status": "PENDING"}})
		b.db.save(r)
		b.start(r)
	}
}

// close ends all making and waits for it.
func (b *builder) close() {
	b.stop(errClosed)
	b.wg.Wait()
}
