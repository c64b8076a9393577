package sandbox

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

const (
	appStreamService = "appstream"
	appStreamTarget  = "PhotonAdminProxyService" // the service's name on the wire
)

// AppStreamOptions are what only AppStream asks. The zero value is usable.
type AppStreamOptions struct {
	// StateTimes is how long a resource stays in a state that passes, by "kind:STATE" as ARNs and AWS spell
	// them: "image-builder:PENDING". "" is for all others; it is 50 ms unless given.
	StateTimes map[string]time.Duration
	// StrictDelete lets DeleteImageBuilder have STOPPED and FAILED builders only, as AWS documents it.
	// Otherwise it takes RUNNING ones too, as clients have seen the live service do.
	StrictDelete bool
	// FailedFree leaves FAILED images out of the image quota. Whether AWS counts them is documented nowhere.
	FailedFree bool
}

// appStream is the AppStream service (WorkSpaces Applications). Its states follow the clock: whatever is due
// happens before the next call is answered.
type appStream struct {
	db    *database
	opts  *Options
	count func(operation string) int // how many calls of it there have been, this one included
	guest guest
	table map[string]answer
	// after are calls of the guest to be made once the state is unlocked.
	after []func()
	// settling keeps them one after the other.
	settling sync.Mutex
	// seeded are the regions whose public images are there.
	seeded map[string]bool
}

func newAppStream(s *Server) *appStream {
	a := &appStream{db: s.db, opts: &s.opts, count: s.count, seeded: map[string]bool{}}
	a.table = a.answers()
	return a
}

// serveAppStream answers in the protocol of the request: Smithy's RPC v2, or JSON 1.1 for older clients.
func (s *Server) serveAppStream(w http.ResponseWriter, r *http.Request, c *call, authErr error) {
	p, read := awsJSON, readJSON
	c.name = targetOperation(r)
	if name, ok := rpcOperation(r.URL.Path); ok {
		p, read, c.name = rpcCBOR, readCBOR, name
	}
	model, err := awsmodel.Get(appStreamService)
	if err != nil {
		writeError(w, p, appStreamService, err)
		return
	}
	op, ok := model.Operation(c.name)
	if !ok {
		s.count(appStreamService + ":?")
		writeError(w, p, appStreamService, fail("UnknownOperationException", "There is no operation %q.", c.name))
		return
	}
	c.op = op
	c.number = s.count(appStreamService + ":" + op.Name)
	err = cmp.Or(authErr, s.scripted(appStreamService+":"+op.Name, c.number))
	if err == nil {
		c.in, err = read(r)
	}
	if err == nil {
		err = check(c, op)
	}
	var out object
	if err == nil {
		if out, err = s.stream.transact(c); err != nil {
			s.stream.vouch(c, err)
		}
	}
	if err != nil {
		writeError(w, p, appStreamService, err)
		return
	}
	writeJSON(w, p, op, out)
}

// vouch notes an error that the operation's model does not have: clients cannot be ready for it.
func (a *appStream) vouch(c *call, err error) {
	code := asFailure(err).Code
	if code != "ValidationException" && !slices.Contains(c.op.Errors, code) {
		a.opts.Log("appstream: " + c.op.Name + " answers " + code + ", which its model does not list")
	}
}

// transact lets happen what is due, answers a call and commits both. What the guest has to do is done
// before the client hears of it.
func (a *appStream) transact(c *call) (object, error) {
	a.db.Lock()
	a.seedRegion(c.region)
	a.advance(c.now)
	act := a.table[c.op.Name]
	if act == nil {
		act = undone
	}
	out, err := act(c)
	if err == nil {
		out = settled(out)
	}
	err = cmp.Or(err, a.db.commit())
	a.db.Unlock()
	a.settle()
	return out, err
}

// undone says that the sandbox does not do an operation, by an error that its model has.
func undone(c *call) (object, error) {
	code := "OperationNotPermittedException"
	if !slices.Contains(c.op.Errors, code) && len(c.op.Errors) > 0 {
		code = c.op.Errors[0]
	}
	return nil, fail(code, "The sandbox does not do this: %s.", c.op.Name)
}

// settle makes the calls of the guest that a change of the state asked for, in their order.
func (a *appStream) settle() {
	a.settling.Lock()
	defer a.settling.Unlock()
	a.db.Lock()
	after := a.after
	a.after = nil
	a.db.Unlock()
	for _, f := range after {
		f()
	}
}

// settled is a copy of an answer that later changes of the state do not reach.
func settled(out object) object {
	cp, _ := deepCopy(out).(object)
	return cp
}

func deepCopy(v any) any {
	switch v := v.(type) {
	case object:
		out := make(object, len(v))
		for k, e := range v {
			out[k] = deepCopy(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = deepCopy(e)
		}
		return out
	}
	return v
}

// answers are the operations by name. A test holds them against the model.
func (a *appStream) answers() map[string]answer {
	all := map[string]answer{}
	for _, part := range []map[string]answer{
		a.imageAnswers(), a.builderAnswers(), a.softwareAnswers(), a.fleetAnswers(), a.tagAnswers(),
		a.plainAnswers(), a.applicationAnswers(), a.entitlementAnswers(), a.userAnswers(),
	} {
		maps.Copy(all, part)
	}
	return all
}

// resume has the builders booted that ran when an earlier server ended. The caller holds the lock.
func (a *appStream) resume() {
	for _, key := range sortedKeys(a.db.stream.rows) {
		if r := a.db.stream.get(key); r.Kind == kindBuilder && r.state() == "RUNNING" {
			a.boot(r)
		}
	}
}

// close halts all builders, which are booted again by the next server.
func (a *appStream) close() {
	a.db.Lock()
	var running []string
	for _, key := range sortedKeys(a.db.stream.rows) {
		if r := a.db.stream.get(key); r.Kind == kindBuilder && r.state() == "RUNNING" {
			running = append(running, r.arn())
		}
	}
	a.db.Unlock()
	for _, arn := range running {
		a.guest.stop(arn)
	}
	a.guest.close()
}

// quota is how many of a kind an account may have in a region.
func (a *appStream) quota(kind string, otherwise int) int {
	if n, ok := a.opts.Quotas[appStreamService+":"+kind]; ok {
		return n
	}
	return otherwise
}

// within refuses one more where the quota is used up. Clients read the limit off the end of the message.
func (a *appStream) within(used int, kind string, otherwise int) error {
	if limit := a.quota(kind, otherwise); used >= limit {
		return fail("LimitExceededException", "You have exceeded the limit for %s: %d", spoken(kind), limit)
	}
	return nil
}

// page cuts a list's next page out; size is the default.
func (a *appStream) page(c *call, member string, size int, entries []any) (object, error) {
	in := c.in
	size = int(cmp.Or(number(0, in, "MaxResults"), number(0, in, "Limit"), int64(size)))
	question := without(in, "NextToken", "MaxResults", "Limit")
	translated := &call{name: c.name, in: with(question, object{"nextToken": in["NextToken"], "maxResults": size})}
	out, err := page(translated, member, entries)
	if err != nil {
		return nil, fail("ValidationException", "The NextToken is not valid for this request.")
	}
	return with(without(out, "nextToken"), object{"NextToken": out["nextToken"]}), nil
}

// noted applies the first fault of the call with one of the given effects.
func (a *appStream) noted(c *call, name string, effect ...string) (Fault, bool) {
	i := slices.IndexFunc(a.opts.Faults, func(f Fault) bool { return f.mishap(c, name, effect...) })
	if i < 0 {
		return Fault{}, false
	}
	return a.opts.Faults[i], true
}
