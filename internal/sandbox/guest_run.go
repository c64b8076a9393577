package sandbox

import (
	"context"
	"sync"
)

// A guestOutput is a piece of what a command printed.
type guestOutput struct {
	stderr bool
	text   []byte
}

// A guestRun is one command in a machine, under way or ended, with the output that was not taken yet.
type guestRun struct {
	id     string
	cancel context.CancelFunc

	mu    sync.Mutex
	out   []guestOutput
	exit  *int
	awake chan struct{} // holds a token when there is something to take
}

// maxPiece bounds one piece of output, so that an answer stays within what a client takes.
const maxPiece = 32 << 10

func (r *guestRun) add(stderr bool, text []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(text) > 0 {
		n := min(len(text), maxPiece)
		r.out = append(r.out, guestOutput{stderr, append([]byte(nil), text[:n]...)})
		text = text[n:]
	}
	r.wake()
}

func (r *guestRun) finish(exit int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exit = &exit
	r.wake()
}

func (r *guestRun) wake() {
	select {
	case r.awake <- struct{}{}:
	default:
	}
}

func (r *guestRun) ended() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.exit != nil
}

// take waits for output, or for the end, and returns at most two pieces; exit comes with the last of them.
func (r *guestRun) take(ctx context.Context) (out []guestOutput, exit *int) {
	for {
		r.mu.Lock()
		n := min(len(r.out), 2)
		out, r.out = r.out[:n:n], r.out[n:]
		if len(r.out) == 0 {
			exit = r.exit
		}
		r.mu.Unlock()
		if n > 0 || exit != nil {
			return out, exit
		}
		select {
		case <-r.awake:
		case <-ctx.Done():
			return nil, nil
		}
	}
}

// A guestWriter is where a command prints.
type guestWriter struct {
	add func(stderr bool, text []byte)
}

func (w *guestWriter) line(text string)  { w.add(false, []byte(text+"\n")) }
func (w *guestWriter) error(text string) { w.add(true, []byte(text+"\n")) }
