package github

import (
	"context"
	"sync"
	"time"
)

const (
	// LiveInterval is the least time between two states of a comment while a run goes on.
	LiveInterval = 20 * time.Second
	// scarce is how few requests of the hour make the time between states scarceFactor times longer: the limit is for
	// all jobs of the repository together.
	scarce       = 200
	scarceFactor = 6
)

// Live keeps a comment up to date while a run goes on: at most every LiveInterval, and only when it says something new.
type Live struct {
	comments *Comments
	wake     chan struct{}

	mu     sync.Mutex
	newest *Comment
}

// Live returns a Live that writes to s.
func (s *Comments) Live() *Live { return &Live{comments: s, wake: make(chan struct{}, 1)} }

// Show says what the comment should say now. It never waits; of several states the last is written.
func (l *Live) Show(c Comment) {
	c.Live = true
	l.mu.Lock()
	l.newest = &c
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Run writes until ctx ends. The last state of all is not its own: when Run has returned, Comments.Upsert writes it, so that it is
// verified. It returns an UnavailableError as soon as comments prove to be that, and otherwise what the last write failed with.
func (l *Live) Run(ctx context.Context) error {
	var failed error
	var said string
	for {
		select {
		case <-ctx.Done():
			return failed
		case <-l.wake:
		}
		c := l.state()
		text := c.Body(CommentLimit)
		if text == said {
			continue
		}
		if _, err := l.comments.Upsert(ctx, c); ctx.Err() != nil {
			return failed
		} else if failed = err; Unavailable(err) != nil {
			return err
		}
		if failed == nil {
			said = text
		}
		if pause(ctx, l.interval()) != nil {
			return failed
		}
	}
}

func (l *Live) state() Comment {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *l.newest
}

func (l *Live) interval() time.Duration {
	if left := l.comments.client.transport.left(); left != noRemaining && left < scarce {
		return LiveInterval * scarceFactor
	}
	return LiveInterval
}
