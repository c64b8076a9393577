package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// tooMany is the code of a quota of Image Builder that is used up. The call that begins a build meets one alone: how many
// may go on at once.
const tooMany = "ServiceQuotaExceededException"

// waitingState is what a build is shown as while the quota keeps it from beginning.
const waitingState = "WAITING"

// A queue holds builds that the account's quota keeps from beginning, in the order that they came in, while a build
// goes on whose end makes room: one of this run, or another of the account. Whoever is first asks again when a build of this run has
// ended, or when some time has passed; nobody else asks, so that waiting costs no more calls the longer the queue is.
type queue struct {
	driver *driver
	first  chan struct{} // held by who asks
	freed  chan struct{} // has room for one: a build of this run has ended

	mu      sync.Mutex
	under   map[dsl.Addr]bool // builds of this run that go on
	waiting int
}

// recheck is how often the first in the queue asks while nothing of this run ends: builds of other runs do.
const recheck = 30 * time.Second

func newQueue(d *driver) *queue {
	return &queue{driver: d, first: make(chan struct{}, 1), freed: make(chan struct{}, 1), under: map[dsl.Addr]bool{}}
}

// begins is a driver whose builds queue where next's call meets the quota.
func (q *queue) begins(next executor.Driver) executor.Driver {
	return executor.DriverFunc(func(ctx context.Context, c *planner.Change, in planner.Object, emit func(executor.Event)) (executor.Outputs, error) {
		if !building[c.Op] || c.Verb == planner.Delete {
			return next.Do(ctx, c, in, emit)
		}
		var out executor.Outputs
		err := errQueued
		if q.free() {
			out, err = next.Do(ctx, c, in, emit)
		}
		if errors.Is(err, errQueued) || Code(err) == tooMany {
			out, err = q.wait(ctx, c, emit, func() (executor.Outputs, error) { return next.Do(ctx, c, in, emit) })
		}
		if err == nil {
			q.began(c.Addr)
		}
		return out, err
	})
}

// errQueued says that others wait already.
var errQueued = errors.New("others wait")

// ends is a driver that tells the queue when a build that next began and followed has ended.
func (q *queue) ends(next executor.Driver) executor.Driver {
	return executor.DriverFunc(func(ctx context.Context, c *planner.Change, in planner.Object, emit func(executor.Event)) (executor.Outputs, error) {
		if c.Verb == planner.Wait && building[c.Kind.Create] {
			q.began(c.Addr)
		}
		out, err := next.Do(ctx, c, in, emit)
		q.ended(c.Addr)
		return out, err
	})
}

func (q *queue) free() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting == 0
}

func (q *queue) began(build dsl.Addr) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.under[build] = true
}

func (q *queue) ended(build dsl.Addr) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.under[build] {
		return
	}
	delete(q.under, build)
	select {
	case q.freed <- struct{}{}:
	default:
	}
}

// wait calls begin until it meets the quota no more.
func (q *queue) wait(ctx context.Context, c *planner.Change, emit func(executor.Event), begin func() (executor.Outputs, error)) (executor.Outputs, error) {
	q.mu.Lock()
	q.waiting++
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		q.waiting--
		q.mu.Unlock()
	}()
	emit(executor.Progressed{Addr: c.Addr, At: time.Now(), State: waitingState, Step: "for another build to end: the account's quota of builds at once is used up"})
	select {
	case q.first <- struct{}{}:
		defer func() { <-q.first }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for {
		out, err := begin()
		if Code(err) != tooMany {
			return out, err
		}
		goes, lookErr := q.goesOn(ctx)
		if ctx.Err() != nil {
			return nil, ctx.Err() // an interrupted build that waits was refused nothing
		}
		if lookErr != nil || !goes {
			return out, q.explained(ctx, errors.Join(err, lookErr))
		}
		if err = q.pause(ctx); err != nil {
			return nil, err
		}
	}
}

// pause returns when asking again may be of use.
func (q *queue) pause(ctx context.Context) error {
	t := time.NewTimer(cmp.Or(q.driver.Interval, recheck))
	defer t.Stop()
	select {
	case <-q.freed:
	case <-t.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// goesOn says whether a build goes on whose end makes room: one of this run, or any of the account.
func (q *queue) goesOn(ctx context.Context) (bool, error) {
	q.mu.Lock()
	own := len(q.under)
	q.mu.Unlock()
	if own > 0 {
		return true, nil
	}
	found := false
	_, err := q.driver.clients.pages(ctx, query{listBuilds, q.driver.Region, nil, "imageSummaryList", wholeList}, func(item object) bool {
		found = found || !terminal(stateOf(item))
		return !found
	})
	return found, err
}

// concurrentBuilds is what Service Quotas calls how many builds may go on at once (General Reference, EC2 Image Builder
// endpoints and quotas: 100 by default, adjustable).
const concurrentBuilds = "Concurrent builds"

// explained is a failure for the quota that names it, its code where AWS tells that, and how to have it raised.
func (q *queue) explained(ctx context.Context, err error) error {
	f, ok := errors.AsType[*executor.Failure](err)
	if !ok {
		return err
	}
	region := q.driver.Region
	code, raise := "", "find its code with aws service-quotas list-service-quotas --region "+region+" --service-code imagebuilder"
	out, lookErr := q.driver.clients.once(ctx, "servicequotas:ListServiceQuotas", region, object{"ServiceCode": "imagebuilder", "MaxResults": 100})
	for _, quota := range list(out, "Quotas") {
		if lookErr == nil && strings.EqualFold(text(quota, "QuotaName"), concurrentBuilds) {
			code = text(quota, "QuotaCode")
		}
	}
	if code != "" {
		raise = fmt.Sprintf("aws service-quotas request-service-quota-increase --region %s --service-code imagebuilder --quota-code %s --desired-value NUMBER", region, code)
		code = ", " + code
	}
	more := *f
	more.Message = strings.TrimRight(f.Message, ".") + fmt.Sprintf(". The quota %q of EC2 Image Builder (100 by default%s) is used up in %s although no build of the account is under way. Have it raised: %s.",
		concurrentBuilds, code, region, raise)
	return &more
}
