package aws_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fxamacker/cbor/v2"
	"golang.org/x/sync/errgroup"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/sandbox"
	"github.com/org/imagebuild-action/planner"
)

// A sweep plans and runs one configuration again and again, each time with one of its calls disturbed, and then
// once more to the end. What AWS holds after that must be what it holds after an undisturbed run, or the last run must
// have said why not; and a run that says that all is done must have done all.
type sweep struct {
	before  map[string]string                     // what is there when the disturbed run begins; nil for nothing
	files   map[string]string                     // what is run
	state   []question                            // what is compared
	also    func(w *world, c *aws.Clients) string // more that is compared; nil for nothing
	sandbox sandbox.Options
	options func() aws.Options
	real    bool // the clock is the machine's: machines of image builders listen on sockets
	every   int  // of so many points one is tried, unless IMAGEBUILD_SWEEP=all
}

// A question is a call whose answer is part of what AWS holds.
type question struct {
	op planner.Op
	in string
	// each asks another question for each ARN in the answer, in place of %s.
	each *question
}

// The ways in which a call is disturbed.
type disturbance string

const (
	undisturbed  disturbance = ""
	killBefore   disturbance = "kill before"
	killAfter    disturbance = "kill after"
	signalBefore disturbance = "SIGTERM before"
	signalAfter  disturbance = "SIGTERM after"
	denied       disturbance = "AccessDenied"
	throttled    disturbance = "throttled" // which no run may fail for
)

var disturbances = []disturbance{killBefore, killAfter, signalBefore, signalAfter, denied, throttled}

// errSignal is what the program's context ends with.
var errSignal = errors.New("interrupted")

// A storm is the network between one process and AWS. It disturbs one call.
type storm struct {
	aws  http.Handler
	on   string // the operation whose calls are counted; "" for all
	at   int    // which call is disturbed, counted from 1
	how  disturbance
	stop context.CancelCauseFunc

	mu    sync.Mutex
	calls []string
	count int
	dead  bool
}

// RoundTrip implements http.RoundTripper.
func (s *storm) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.calls = append(s.calls, callOf(r))
	counted := s.on == "" || s.on == callOf(r)
	if counted {
		s.count++
	}
	hit := counted && s.count == s.at
	s.dead = s.dead || hit && s.how == killBefore
	dead := s.dead
	s.mu.Unlock()
	switch {
	case dead:
		s.stop(errDead)
		return nil, errDead
	case hit && s.how == denied:
		return refused(r, http.StatusForbidden, "AccessDeniedException"), nil
	case hit && s.how == throttled:
		return refused(r, http.StatusBadRequest, "ThrottlingException"), nil
	case hit && s.how == signalBefore:
		s.stop(errSignal)
	}
	out := direct(s.aws, r)
	switch {
	case hit && s.how == killAfter:
		s.mu.Lock()
		s.dead = true
		s.mu.Unlock()
		s.stop(errDead)
		return nil, errDead
	case hit && s.how == signalAfter:
		s.stop(errSignal)
	}
	return out, nil
}

// direct has a handler answer a request without a socket between them, so that a false clock can go on.
func direct(h http.Handler, r *http.Request) *http.Response {
	in := r.Clone(r.Context())
	in.RequestURI, in.Host, in.RemoteAddr = r.URL.RequestURI(), r.URL.Host, "127.0.0.1:1"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, in)
	out := w.Result()
	out.Request = r
	return out
}

// serviceOf is the service that a request is signed for.
func serviceOf(r *http.Request) string {
	if scope := strings.Split(r.Header.Get("Authorization"), "/"); len(scope) > 3 {
		return scope[3]
	}
	return ""
}

// callOf names a request: "appstream:StopFleet".
func callOf(r *http.Request) string {
	switch service := serviceOf(r); service {
	case "appstream", "imagebuilder":
		return service + ":" + r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	default:
		if target := r.Header.Get("X-Amz-Target"); target != "" {
			return service + ":" + target[strings.LastIndexByte(target, '.')+1:]
		}
		return service + ":" + r.Method
	}
}

// refused is the answer to a call that is refused, as each of the services writes it.
func refused(r *http.Request, status int, code string) *http.Response {
	const message = "The call was refused by the test"
	w := httptest.NewRecorder()
	var body []byte
	switch serviceOf(r) {
	case "appstream":
		w.Header().Set("Content-Type", "application/cbor")
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		body, _ = cbor.Marshal(map[string]string{"__type": code, "message": message})
	case "ec2":
		body = []byte("<Response><Errors><Error><Code>" + code + "</Code><Message>" + message + "</Message></Error></Errors><RequestID>1</RequestID></Response>")
	case "s3":
		body = []byte("<Error><Code>" + code + "</Code><Message>" + message + "</Message></Error>")
	case "sts":
		body = []byte("<ErrorResponse><Error><Code>" + code + "</Code><Message>" + message + "</Message></Error></ErrorResponse>")
	default:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Amzn-ErrorType", code)
		body, _ = json.Marshal(map[string]string{"message": message})
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
	out := w.Result()
	out.Request = r
	return out
}

// A world is one AWS in process.
type world struct {
	testing.TB
	sweep  *sweep
	server *sandbox.Server
}

// process runs a configuration as a process of its own would: it plans, and carries the plan out.
func (w *world) process(s *storm, files map[string]string) *record {
	ctx, stop := context.WithCancelCause(w.Context())
	defer stop(nil)
	s.aws, s.stop = w.server, stop
	c, err := aws.New(ctx, aws.Config{
		Region: region, Endpoint: "http://127.0.0.1", KeyID: "sandbox", SecretKey: "sandbox", HTTP: &http.Client{Transport: s},
	})
	if err != nil {
		w.Fatal(err)
	}
	p, err := planFor(ctx, w, c, files)
	if err != nil {
		return &record{err: err}
	}
	options := aws.Options{Run: "run1"}
	if w.sweep.options != nil {
		options = w.sweep.options()
	}
	options.Trace = p.Trace
	r := carryOut(ctx, p, c.Driver(options))
	r.plan = p
	return r
}

// planFor is plan for what may fail.
func planFor(ctx context.Context, tb testing.TB, c *aws.Clients, files map[string]string) (*planner.Plan, error) {
	tb.Helper()
	g := compile(tb, files)
	facts, diags := c.Facts(ctx, g)
	if !diags.HasErrors() {
		diags = append(diags, g.Seal(facts)...)
	}
	if diags.HasErrors() {
		return nil, diags
	}
	seen, diags := c.Observe(ctx, g)
	if diags.HasErrors() {
		return nil, diags
	}
	p, diags := planner.Diff(g, seen, planner.DiffOptions{Account: account})
	if diags.HasErrors() {
		return nil, diags
	}
	return p, nil
}

// passing are what differs from run to run: times, ids that AWS draws, and addresses.
var passing = regexp.MustCompile(`cad-[0-9a-f]{12}-run1-[a-z2-7]{6}|\d{4}-\d\d-\d\dT[0-9:.]+Z|ami-[0-9a-f]{17}|snap-[0-9a-f]+|eni-[0-9a-f]+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}`)

// holds is what AWS holds, as text.
func (w *world) holds() string {
	c, err := aws.New(w.Context(), aws.Config{
		Region: region, Endpoint: "http://127.0.0.1", KeyID: "sandbox", SecretKey: "sandbox",
		HTTP: &http.Client{Transport: &storm{aws: w.server}},
	})
	if err != nil {
		w.Fatal(err)
	}
	var out strings.Builder
	for _, q := range w.sweep.state {
		w.ask(c, q, &out)
	}
	if w.sweep.also != nil {
		out.WriteString(w.sweep.also(w, c))
	}
	return passing.ReplaceAllString(out.String(), "…")
}

var arns = regexp.MustCompile(`"[aA]rn": "([^"]+)"`)

func (w *world) ask(c *aws.Clients, q question, out io.Writer) {
	in, where, _ := strings.Cut(q.in, "@")
	raw, err := c.Call(w.Context(), q.op, where, json.RawMessage(in))
	if err != nil {
		_, _ = fmt.Fprintf(out, "%s %s: %s\n", q.op, q.in, aws.Code(err))
		return
	}
	shown := inOrder(w, raw)
	_, _ = fmt.Fprintf(out, "%s %s: %s\n", q.op, q.in, shown)
	if q.each == nil {
		return
	}
	for _, m := range arns.FindAllSubmatch(shown, -1) {
		one := *q.each
		one.in = strings.ReplaceAll(one.in, "%s", string(m[1]))
		w.ask(c, one, out)
	}
}

// inOrder is an answer with the things that it lists in an order of their own: AWS lists them as they were made.
func inOrder(tb testing.TB, raw json.RawMessage) []byte {
	tb.Helper()
	var all map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		tb.Fatal(err)
	}
	for _, v := range all {
		if things, ok := v.([]any); ok {
			slices.SortFunc(things, func(a, b any) int { return strings.Compare(nameOf(a), nameOf(b)) })
		}
	}
	out, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func nameOf(thing any) string {
	o, ok := thing.(map[string]any)
	if !ok {
		return fmt.Sprint(thing)
	}
	return fmt.Sprint(o["Name"], o["name"], o["arn"], o["DirectoryName"])
}

// within runs f in a world of its own, on a clock of its own.
func (s *sweep) within(t *testing.T, f func(w *world)) {
	t.Helper()
	run := func(t *testing.T) {
		t.Helper()
		o := s.sandbox
		o.Dir, o.Root, o.Region, o.Account = t.TempDir(), "none", region, account
		server, err := sandbox.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{TB: t, sweep: s, server: server}
		if s.before != nil {
			if first := w.process(&storm{}, s.before); first.err != nil {
				t.Errorf("what is there before could not be made: %v", first.err)
			}
		}
		f(w)
		if err = server.Close(); err != nil {
			t.Error(err)
		}
	}
	if s.real {
		run(t)
		return
	}
	synctest.Test(t, run)
}

// attempts is how often a run may be repeated until it comes to its end.
const attempts = 2

// sweeping goes through all points and reports how many of them held.
func (s *sweep) sweeping(t *testing.T) {
	t.Helper()
	var want string
	calls := &storm{}
	s.within(t, func(w *world) {
		r := w.process(calls, s.files)
		if r.err != nil {
			t.Fatalf("the undisturbed run: %v", r.err)
		}
		want = w.holds()
		if again := w.process(&storm{}, s.files); again.err != nil || !quiet(again.plan) {
			t.Errorf("a second undisturbed run has something to do: %v %s", again.err, busyIn(again.plan))
		}
	})
	every := everyOf(s.every)
	var mu sync.Mutex
	tried, held := 0, 0
	var all errgroup.Group
	all.SetLimit(runtime.GOMAXPROCS(0))
	if s.real {
		all.SetLimit(16) // most of a run is waiting
	}
	for i := range calls.calls {
		for j, how := range disturbances {
			if (i*len(disturbances)+j)%every != 0 {
				continue
			}
			all.Go(func() error {
				wrong := s.point(t, i+1, how, want)
				mu.Lock()
				defer mu.Unlock()
				tried++
				if wrong == "" {
					held++
				} else {
					t.Errorf("%s call %d (%s): %s", how, i+1, calls.calls[i], wrong)
				}
				return nil
			})
		}
	}
	_ = all.Wait()
	t.Logf("%d of %d points of %d calls end as an undisturbed run, or with a failure that says so", held, tried, len(calls.calls))
}

// everyOf is of how many points one is tried.
func everyOf(n int) int {
	if os.Getenv("IMAGEBUILD_SWEEP") == "all" {
		return 1
	}
	return max(1, n)
}

// point disturbs one call, and says what is wrong with what comes of it; "" for nothing.
func (s *sweep) point(t *testing.T, at int, how disturbance, want string) (wrong string) {
	t.Helper()
	s.within(t, func(w *world) {
		first := w.process(&storm{at: at, how: how}, s.files)
		if first.err == nil {
			if got := w.holds(); got != want {
				wrong = "the disturbed run says that all is done: " + difference(want, got)
				return
			}
		}
		if how == throttled && first.err != nil {
			wrong = fmt.Sprintf("it failed for being throttled: %v", first.err)
			return
		}
		if how == signalBefore || how == signalAfter {
			if took := first.after(); took > 7*time.Second {
				wrong = fmt.Sprintf("it went on for %v", took)
				return
			}
		}
		var last *record
		for range attempts {
			if last = w.process(&storm{}, s.files); last.err == nil {
				break
			}
		}
		if last.err != nil {
			wrong = fmt.Sprintf("it does not come to its end: %v", last.err)
			return
		}
		if got := w.holds(); got != want {
			wrong = fmt.Sprintf("the next run says that all is done (%s) after %v: %s", busyIn(last.plan), first.err, difference(want, got))
			return
		}
		if again := w.process(&storm{}, s.files); again.err != nil || !quiet(again.plan) {
			wrong = fmt.Sprintf("after the next run there is something left to do: %v %s", again.err, busyIn(again.plan))
		}
	})
	return wrong
}

// after is how long a run went on after its signal; 0 where none came.
func (r *record) after() time.Duration {
	var last time.Time
	for _, e := range r.events {
		if f, ok := e.(executor.Finished); ok && f.At.After(last) {
			last = f.At
		}
	}
	if r.signal.IsZero() || last.IsZero() {
		return 0
	}
	return last.Sub(r.signal)
}

func quiet(p *planner.Plan) bool { return busyIn(p) == "" }

// busyIn are the changes of a plan, with why they are.
func busyIn(p *planner.Plan) string {
	var out []string
	if p == nil {
		return "no plan"
	}
	for _, c := range p.Changes {
		if c.Verb != planner.None {
			out = append(out, fmt.Sprintf("%v %s: %s", c.Addr, c.Verb, c.Reason))
		}
	}
	return strings.Join(out, "; ")
}

// difference is the lines that two texts do not have in common, as often as each has them.
func difference(want, got string) string {
	times := map[string]int{}
	for l := range strings.SplitSeq(want, "\n") {
		times[strings.TrimSpace(l)]++
	}
	var out []string
	for l := range strings.SplitSeq(got, "\n") {
		if l = strings.TrimSpace(l); times[l] == 0 {
			out = append(out, "+"+l)
		} else {
			times[l]--
		}
	}
	for l := range strings.SplitSeq(want, "\n") {
		if l = strings.TrimSpace(l); times[l] > 0 {
			out = append(out, "-"+l)
			times[l]--
		}
	}
	if len(out) == 0 {
		return "the same lines in another order"
	}
	return strings.Join(out[:min(len(out), 12)], " ")
}
