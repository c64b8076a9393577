package aws

import (
	"context"
	"maps"
	"time"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
)

// keeping changes tags of what is there before anything else is done about it, so that nobody
// collects it meanwhile, and lets the call that is to follow a build follow it.
func (d *driver) keeping(next executor.Driver) executor.Driver {
	return executor.DriverFunc(func(ctx context.Context, c *planner.Change, in planner.Object, emit func(executor.Event)) (executor.Outputs, error) {
		if c.Retag != nil {
			if err := d.retag(ctx, observedARN(c), *c.Retag); err != nil {
				return nil, failure(c.Node, err)
			}
		}
		if c.Op == "" && c.Verb == planner.Update {
			return known(c), nil
		}
		if c.Op == "" || c.Verb != planner.Wait {
			return next.Do(ctx, c, in, emit)
		}
		out, err := next.Do(ctx, c, in, emit)
		if err != nil {
			return out, err
		}
		follows := *c
		seen := *c.Observed
		seen.Outputs = out
		follows.Verb, follows.Observed, follows.Retag = planner.Update, &seen, nil
		return next.Do(ctx, &follows, in, emit)
	})
}

func observedARN(c *planner.Change) string {
	if c.Observed == nil {
		return ""
	}
	arn, _ := c.Observed.Outputs["arn"].(string)
	return arn
}

// known are the outputs of what a change leaves as it is.
func known(c *planner.Change) executor.Outputs {
	out := executor.Outputs{}
	maps.Copy(out, c.Known)
	if c.Observed != nil {
		maps.Copy(out, c.Observed.Outputs)
	}
	return out
}

// retag changes the tags of one resource. What is kept for a pull request is kept as long as that is.
func (d *driver) retag(ctx context.Context, arn string, r planner.Retag) error {
	if len(r.Add) > 0 {
		tags := object{}
		for k, v := range r.Add {
			tags[k] = v
		}
		if d.PullRequest != nil {
			tags[planner.TagExpires] = d.expires()
		}
		call, in := taggingOf(arn, "TagResource", "tags", tags)
		if _, err := d.clients.once(ctx, call, d.Region, in); err != nil {
			return err
		}
	}
	if len(r.Remove) == 0 {
		return nil
	}
	call, in := taggingOf(arn, "UntagResource", "tagKeys", r.Remove)
	_, err := d.clients.once(ctx, call, d.Region, in)
	return err
}

// taggingOf is the call that changes the tags of a resource, and its input: each service has its own. The
// names of members are compared without their case.
func taggingOf(arn, operation, member string, value any) (planner.Op, object) {
	service := "imagebuilder"
	if a, err := awsmodel.ParseARN(arn); err == nil {
		service = a.Service
	}
	return planner.Op(service + ":" + operation), object{"resourceArn": arn, member: value}
}

// keep is the same for what a create met that the plan did not know of: another run made it since.
func (d *driver) keep(ctx context.Context, arn string, tags map[string]string) error {
	retag, _ := planner.Keep(tags, d.PullRequest)
	if retag == nil {
		return nil
	}
	return d.retag(ctx, arn, *retag)
}

func (d *driver) expires() string { return d.Expires.UTC().Format(time.RFC3339) }

// Prolong moves the expiry of what a pull request's plan found kept for it already to until, where less
// than half of the time is left, so that a pull request that is worked on keeps what it uses. What its
// run made or began to use has that expiry by itself.
func (c *Clients) Prolong(ctx context.Context, p *planner.Plan, until time.Time, finished func(dsl.Addr) bool) error {
	if p.PullRequest == nil {
		return nil
	}
	own, _ := p.PullRequest.Tag()
	soon := until.Add(-p.PullRequest.Expires / 2)
	for _, ch := range p.Changes {
		if ch.Observed == nil || ch.Observed.Tags[own] == "" || !finished(ch.Addr) {
			continue
		}
		if at, err := time.Parse(time.RFC3339, ch.Observed.Tags[planner.TagExpires]); err == nil && at.After(soon) {
			continue
		}
		tags := object{planner.TagExpires: until.UTC().Format(time.RFC3339)}
		call, in := taggingOf(observedARN(ch), "TagResource", "tags", tags)
		if _, err := c.answer(ctx, call, p.Graph.Region, in); err != nil {
			return failure(ch.Node, err)
		}
	}
	return nil
}
