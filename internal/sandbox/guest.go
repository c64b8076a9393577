package sandbox

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/org/imagebuild-action/internal/component"
)

// What the inside of a builder accepts where the options say nothing.
const (
	guestUser     = "Administrator"
	guestPassword = "Sandbox-1"
)

// builderGuests are the machines inside of image builders: WinRM on their addresses, an agent that polls S3,
// and a root that commands run in.
type builderGuests struct {
	service guestService
	builds  *builder
	objects *objectStore
	opts    *Options
	dir     string
	ctx     context.Context //nolint:containedctx // the machines' own life, which no caller's context spans

	mu       sync.Mutex
	machines map[string]*guestMachineState // by ARN, those that run
	disks    map[string]*sync.Mutex        // by ARN; held while a command uses the disk
	ending   sync.WaitGroup                // what is left of machines whose power is off
}

// newGuests makes the machines' rooms below the sandbox's directory.
func newGuests(b *builder, service guestService) *builderGuests {
	return &builderGuests{
		service: service, builds: b, objects: b.objects, opts: b.opts, dir: filepath.Join(b.dir, "guests"),
		ctx: b.ctx, machines: map[string]*guestMachineState{}, disks: map[string]*sync.Mutex{},
	}
}

func (g *builderGuests) log(text string) { g.opts.Log("guest: " + text) }

// A guestMachineState is one machine that runs.
type guestMachineState struct {
	guest  *builderGuests
	spec   guestMachine
	dir    string
	kept   guestDisk
	ctx    context.Context //nolint:containedctx // as the guests'
	cancel context.CancelFunc
	winrm  *winrmServer
	work   sync.WaitGroup // the agent and the commands under way

	// answered receives when a command's exit status was fetched; see retire.
	answered chan struct{}

	use *sync.Mutex // held while a command runs: an overlay is mounted once at a time
	mu  sync.Mutex  // guards kept
}

// A guestDisk is what of a machine outlives a stop beside its files.
type guestDisk struct {
	Boots        int      `json:"boots"`
	Applications []object `json:"applications"`
	// NotRun says that a script was not run, so that nothing can be said of the files it would have made.
	NotRun bool     `json:"notRun"`
	Jobs   []string `json:"jobs"` // the nonces of jobs that were taken
}

func (g *builderGuests) room(arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return filepath.Join(g.dir, hex.EncodeToString(sum[:10]))
}

// start implements guest.
func (g *builderGuests) start(spec guestMachine) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if old := g.machines[spec.ARN]; old != nil {
		old.halt()
	}
	if g.disks[spec.ARN] == nil {
		g.disks[spec.ARN] = &sync.Mutex{}
	}
	m := &guestMachineState{guest: g, spec: spec, dir: g.room(spec.ARN), kept: guestDisk{Applications: spec.Applications}, use: g.disks[spec.ARN], answered: make(chan struct{}, 1)}
	if err := m.load(); err != nil {
		return err
	}
	m.kept.Boots++
	if err := m.save(); err != nil {
		return err
	}
	m.ctx, m.cancel = context.WithCancel(g.ctx)
	if m.windows() {
		s, err := listenWinRM(m.ctx, m, cmp.Or(g.opts.GuestUser, guestUser), cmp.Or(g.opts.GuestPassword, guestPassword))
		if err != nil {
			m.cancel()
			return err
		}
		m.winrm = s
	}
	m.work.Go(func() { m.poll(m.ctx) })
	g.machines[spec.ARN] = m
	return nil
}

// stop implements guest.
func (g *builderGuests) stop(arn string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if m := g.machines[arn]; m != nil {
		m.halt()
		delete(g.machines, arn)
	}
}

// discard implements guest.
func (g *builderGuests) discard(arn string) {
	g.stop(arn)
	g.mu.Lock()
	use := g.disks[arn]
	delete(g.disks, arn)
	g.mu.Unlock()
	if use != nil {
		use.Lock() // what still ran has come to its end
		defer use.Unlock()
	}
	if err := g.builds.discard(g.room(arn)); err != nil {
		g.log(err.Error())
	}
}

// close implements guest: it stops all machines and waits until nothing of them runs.
func (g *builderGuests) close() {
	g.mu.Lock()
	for arn, m := range g.machines {
		m.halt()
		delete(g.machines, arn)
	}
	g.mu.Unlock()
	g.ending.Wait()
}

// halt cuts the power. It does not wait: the command that had the machine stopped may be the one that calls it.
func (m *guestMachineState) halt() {
	m.cancel()
	if m.winrm != nil {
		if err := m.winrm.close(); err != nil {
			m.guest.log(err.Error())
		}
	}
	m.guest.ending.Go(m.work.Wait)
}

func (m *guestMachineState) windows() bool { return strings.HasPrefix(m.spec.Platform, "WINDOWS") }

// disk is where the machine's own files are: an overlay's upper layer for Linux, a plain tree for Windows.
func (m *guestMachineState) disk() string { return filepath.Join(m.dir, "disk") }

func (m *guestMachineState) load() error {
	if err := os.MkdirAll(m.disk(), 0o755); err != nil { //nolint:gosec // it is the root directory of a machine
		return err
	}
	raw, err := os.ReadFile(filepath.Join(m.dir, "machine.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return cmp.Or(err, json.Unmarshal(raw, &m.kept))
}

func (m *guestMachineState) save() error {
	raw, err := json.Marshal(m.kept)
	return cmp.Or(err, os.WriteFile(filepath.Join(m.dir, "machine.json"), raw, 0o600))
}

// change edits what outlives a stop.
func (m *guestMachineState) change(edit func(*guestDisk)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	edit(&m.kept)
	if err := m.save(); err != nil {
		m.guest.log(err.Error())
	}
}

func (m *guestMachineState) state() guestDisk {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept
}

// begin starts a command in the background.
func (m *guestMachineState) begin(id string, do func(context.Context, *guestWriter) int) *guestRun {
	ctx, cancel := context.WithCancel(m.ctx)
	r := &guestRun{id: id, cancel: cancel, awake: make(chan struct{}, 1)}
	m.work.Go(func() {
		defer cancel()
		r.finish(m.perform(ctx, &guestWriter{r.add}, do))
	})
	return r
}

// perform runs one command while no other runs.
func (m *guestMachineState) perform(ctx context.Context, out *guestWriter, do func(context.Context, *guestWriter) int) int {
	m.use.Lock()
	defer m.use.Unlock()
	if ctx.Err() != nil {
		return 1
	}
	return do(ctx, out)
}

// root is where scripts run: the machine's layers with its disk on top.
func (m *guestMachineState) root(ctx context.Context) (component.Root, error) {
	spec := m.guest.builds.spec(m.guest.builds.kind)
	spec.Lowers, spec.Upper = m.spec.Layers, m.disk()
	return component.OpenRoot(ctx, spec, m.guest.opts.Self)
}
