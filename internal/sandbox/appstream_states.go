package sandbox

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// A stage is a state that a resource will be in from a time on.
type stage struct {
	At    time.Time
	State string
	// Then names what happens with it, in the table of effects; "" is nothing.
	Then string `json:",omitempty"`
}

// What happens when a stage begins.
const (
	thenBoot         = "boot"          // the builder's machine runs
	thenHalt         = "halt"          // the builder's machine stops
	thenGone         = "gone"          // the resource is no more
	thenInstalled    = "installed"     // the software has been deployed
	thenNotInstalled = "not-installed" // the deployment failed
	thenFail         = "fail"          // the errors noted in the body's Pending are shown
	thenExported     = "exported"      // the AMI is there
	thenCapacity     = "capacity"      // the fleet's instances run
)

// eachState is how long a state lasts where no option says otherwise.
const eachState = 50 * time.Millisecond

// lasts is how long a resource of a kind stays in a state that passes.
func (a *appStream) lasts(kind, state string) time.Duration {
	times := a.opts.AppStream.StateTimes
	if d, ok := times[kind+":"+state]; ok {
		return d
	}
	if d, ok := times[""]; ok {
		return d
	}
	return eachState
}

// pass brings a resource into the first of the states and lets the others follow, each after the time that
// the one before it lasts. A state may have what happens with it behind a colon: "RUNNING:boot".
func (a *appStream) pass(c *call, r *streamResource, states ...string) {
	r.Ahead = nil
	when := c.now
	for i, s := range states {
		state, then, _ := strings.Cut(s, ":")
		if i == 0 {
			r.set(object{"State": state})
		} else {
			r.Ahead = append(r.Ahead, stage{At: when, State: state, Then: then})
		}
		when = when.Add(a.lasts(r.Kind, state))
	}
	a.save(r)
}

// advance lets happen all that is due, in order of time.
func (a *appStream) advance(now time.Time) {
	for {
		var next *streamResource
		for _, r := range a.db.stream.rows {
			if len(r.Ahead) == 0 || r.Ahead[0].At.After(now) {
				continue
			}
			if next == nil || cmp.Or(r.Ahead[0].At.Compare(next.Ahead[0].At), cmp.Compare(r.Seq, next.Seq)) < 0 {
				next = r
			}
		}
		if next == nil {
			return
		}
		s := next.Ahead[0]
		next.Ahead = slices.Clone(next.Ahead[1:])
		next.set(object{"State": s.State})
		a.save(next)
		if act := a.happenings()[s.Then]; act != nil {
			act(next, s.At)
		}
	}
}

// happenings are what stages do besides naming a state.
func (a *appStream) happenings() map[string]func(*streamResource, time.Time) {
	return map[string]func(*streamResource, time.Time){
		thenBoot:         func(r *streamResource, _ time.Time) { a.boot(r) },
		thenHalt:         func(r *streamResource, _ time.Time) { a.halt(r) },
		thenGone:         func(r *streamResource, _ time.Time) { a.bury(r) },
		thenInstalled:    func(r *streamResource, _ time.Time) { a.deployed(r) },
		thenNotInstalled: func(r *streamResource, _ time.Time) { a.notDeployed(r) },
		thenFail:         a.failed,
		thenExported:     a.exported,
		thenCapacity:     a.staffed,
	}
}

// failed shows the reason that a fault had given the resource beforehand.
func (a *appStream) failed(r *streamResource, now time.Time) {
	doomed, _ := r.Body["doomed"].(object)
	r.Body = without(r.Body, "doomed")
	for name, v := range doomed {
		if l, ok := v.([]any); ok {
			for _, e := range l {
				if o, ok := e.(object); ok {
					o["ErrorTimestamp"] = streamTime(now)
				}
			}
		}
		r.set(object{name: v})
	}
	a.save(r)
}

// doom makes a resource end FAILED instead of where its states lead, or stay where it is, as the script has it.
// member is where its errors are shown, reason the code of its StateChangeReason.
func (a *appStream) doom(c *call, r *streamResource, member, reason string) {
	f, ok := a.noted(c, r.Name, effectStuck, effectFail)
	if !ok {
		return
	}
	message := cmp.Or(f.Message, "A scripted fault.")
	errs := []any{object{"ErrorCode": cmp.Or(f.Code, "INTERNAL_SERVICE_ERROR"), "ErrorMessage": message, "ErrorTimestamp": streamTime(c.now)}}
	if f.Effect == effectStuck {
		r.Ahead = nil
		if f.Code != "" {
			r.set(object{member: errs})
		}
		a.save(r)
		return
	}
	r.set(object{"doomed": object{member: errs, "StateChangeReason": object{"Code": reason, "Message": message}}})
	if n := len(r.Ahead); n > 0 {
		r.Ahead[n-1].State, r.Ahead[n-1].Then = "FAILED", thenFail
	}
	a.save(r)
}

// spoken is a kind in words.
func spoken(kind string) string { return strings.ReplaceAll(kind, "-", " ") }

// tagsOf reads a map of tags.
func tagsOf(v any) map[string]string {
	o, _ := v.(object)
	if len(o) == 0 {
		return nil
	}
	out := map[string]string{}
	for k := range maps.Keys(o) {
		out[k] = text(o, k)
	}
	return out
}
