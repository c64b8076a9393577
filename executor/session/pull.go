package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/org/imagebuild-action/dsl"
)

const (
	// jobLives is how long a machine may take to begin a job, and so how long a stolen one can be used.
	jobLives = 30 * time.Minute
	// silence is after how long without a sign of life a machine counts as gone; it gives one every fifteen seconds.
	silence = 5 * time.Minute
	// Answers are looked for often at first, since most commands are short.
	pollFirst  = 100 * time.Millisecond
	pollEvery  = 2 * time.Second
	waitingFor = "no_job_received"
)

// pull is the Communicator of machines that fetch their commands from a bucket and leave their answers there:
// nothing has to reach them.
type pull struct {
	objects Objects
	signer  signer
	machine string
	run     string
	windows bool
	silence time.Duration
}

func (s *Session) openPull() (Communicator, error) {
	if s.Objects == nil || textOf(s.work.Communicator.Settings, "bucket") == "" {
		return nil, &RefusedError{Why: "The communicator s3 needs a bucket.", Advice: "Write bucket in its settings."}
	}
	key, err := newSigner(s.secrets["key"])
	if err != nil {
		return nil, err
	}
	p := &pull{objects: s.Objects, signer: key, machine: s.Name, run: s.Run, windows: s.Windows, silence: silence}
	if limit := secondsOf(s.work.Communicator.Settings, "heartbeat_timeout"); limit > 0 {
		p.silence = limit
	}
	return p, nil
}

// Close implements Communicator. The last job stays where it is: it was taken, or expires.
func (*pull) Close() error { return nil }

// Run implements Communicator.
func (p *pull) Run(ctx context.Context, c Command, print func(Line)) (int, error) {
	j := job{Shell: c.Shell, Script: c.Script, Interpreter: c.Interpreter, Environment: c.Environment}
	if c.Shell == PowerShell {
		j.Script, j.Environment = psScript(c.Script, c.Environment), nil
	} else if c.Shell == Posix && p.windows {
		return 0, &RefusedError{Why: "A script of the shell sh cannot run on Windows.", Advice: `Write it as "powershell" or "windows-shell".`}
	}
	return p.send(ctx, j, print)
}

// send has a job done.
func (p *pull) send(ctx context.Context, j job, print func(Line)) (int, error) {
	nonce, err := newNonce()
	if err != nil {
		return 0, err
	}
	j.Version, j.Machine, j.Run, j.Nonce, j.Expires = 1, p.machine, p.run, nonce, time.Now().Add(jobLives).UTC().Truncate(time.Second)
	raw, err := sealJob(p.signer, j)
	if err != nil {
		return 0, err
	}
	if err := p.objects.Put(ctx, path.Join("jobs", p.machine, "job.json"), textContent(raw)); err != nil {
		return 0, fmt.Errorf("writing the job: %w", err)
	}
	return p.follow(ctx, j, print)
}

// follow reads what the machine leaves until its result is there.
func (p *pull) follow(ctx context.Context, j job, print func(Line)) (int, error) {
	at := func(name string) string { return path.Join("results", p.machine, j.Nonce, name) }
	alive, piece := time.Now(), 1
	for wait := pollFirst; ; wait = min(wait*3/2, pollEvery) {
		end, err := p.result(ctx, at("result.json"), j)
		if err != nil {
			return 0, err
		}
		before := piece
		if piece, err = p.pieces(ctx, at, piece, print); err != nil {
			return 0, err
		}
		if end != nil && piece > end.Pieces {
			if end.Error != "" {
				return 0, fmt.Errorf("the machine could not do the job: %s", end.Error)
			}
			return end.Exit, nil
		}
		if piece > before {
			alive = time.Now()
		}
		if alive, err = p.beats(ctx, j, alive); err != nil {
			return 0, err
		}
		if time.Since(alive) > p.silence {
			return 0, &DroppedError{fmt.Errorf("the machine has given no sign of life for %s", p.silence)}
		}
		if err := pause(ctx, wait); err != nil {
			return 0, err
		}
	}
}

func (p *pull) result(ctx context.Context, key string, j job) (*result, error) {
	raw, err := p.objects.Get(ctx, key)
	if errors.Is(err, ErrNoObject) {
		return nil, nil //nolint:nilnil // there is none yet
	}
	if err != nil {
		return nil, err
	}
	r, err := readResult(p.signer, raw, j)
	if err != nil {
		return nil, &RefusedError{Why: fmt.Sprintf("The result in %s is not to be trusted: %v.", key, err), Advice: "See who else may write there.", Cause: err}
	}
	return &r, nil
}

// pieces hands on the pieces of the log that are there, and returns the number of the next.
func (p *pull) pieces(ctx context.Context, at func(string) string, next int, print func(Line)) (int, error) {
	for {
		raw, err := p.objects.Get(ctx, at(fmt.Sprintf("log-%06d", next)))
		if errors.Is(err, ErrNoObject) {
			return next, nil
		}
		if err != nil {
			return next, err
		}
		for _, l := range parsePiece(raw) {
			print(l)
		}
		next++
	}
}

// beats is when the machine last gave a sign of life: on the job, or waiting for one.
func (p *pull) beats(ctx context.Context, j job, alive time.Time) (time.Time, error) {
	for _, key := range []string{path.Join("results", p.machine, j.Nonce, "beat.json"), path.Join("results", p.machine, "status.json")} {
		raw, err := p.objects.Get(ctx, key)
		if errors.Is(err, ErrNoObject) {
			continue
		}
		if err != nil {
			return alive, err
		}
		var b beat
		if json.Unmarshal(raw, &b) != nil {
			continue // half written, or not the machine's
		}
		if b.State == waitingFor && b.At.After(j.Expires.Add(-jobLives)) {
			return alive, &DroppedError{errors.New("the machine has given up waiting for a job (no_job_received)")}
		}
		// A clock that is ahead must not keep a dead machine alive.
		if b.At.After(alive) && !b.At.After(time.Now()) {
			alive = b.At
		}
	}
	return alive, nil
}

// Put implements Communicator: the machine fetches the file.
func (p *pull) Put(ctx context.Context, to string, f File) error {
	sum := f.SHA256
	if sum == "" {
		var err error
		if sum, err = dsl.ContentDigest(f.Content); err != nil {
			return err
		}
	}
	key := "files/" + sum
	if err := p.objects.Put(ctx, key, f.Content); err != nil {
		return err
	}
	url, err := p.objects.Presign(ctx, key, jobLives)
	if err != nil {
		return err
	}
	shell := map[bool]Shell{true: PowerShell, false: Posix}[p.windows]
	var said []string
	exit, err := p.send(ctx, job{Shell: shell, Files: []jobFile{{URL: url, Path: to, SHA256: sum}}}, func(l Line) { said = append(said, l.Text) })
	if err == nil && exit != 0 {
		err = errors.New(strings.Join(said, "; "))
	}
	return err
}
