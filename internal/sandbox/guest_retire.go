package sandbox

import "time"

// How long a machine that takes an image of itself can still be reached: AWS answers create-image before it stops
// the machine, and a client then closes its command and its shell.
const (
	retireGrace = 2 * time.Second  // after the answer was fetched
	retireAfter = 30 * time.Second // where nobody fetches it
)

// retire implements guest.
func (g *builderGuests) retire(arn string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.machines[arn]
	if m == nil {
		return
	}
	select {
	case <-m.answered: // that of an earlier command
	default:
	}
	g.ending.Go(func() {
		if !m.lasts(m.answered, retireAfter) || !m.lasts(nil, retireGrace) {
			return
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.machines[arn] == m {
			m.halt()
			delete(g.machines, arn)
		}
	})
}

// lasts waits for an event or a time, and is false where the machine's power was cut meanwhile.
func (m *guestMachineState) lasts(event <-chan struct{}, limit time.Duration) bool {
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-event:
		return true
	case <-t.C:
		return true
	case <-m.ctx.Done():
		return false
	}
}

// heard notes that the answer of a command was fetched.
func (m *guestMachineState) heard() {
	select {
	case m.answered <- struct{}{}:
	default:
	}
}
