package aws

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
)

// Options are how a plan is carried out.
type Options struct {
	Region string // "" is the clients' own
	// Trace leads a failed step of a component back to what wrote it: Plan.Trace. nil leads nowhere.
	Trace    func(image dsl.Addr, componentARN, phase, step string) (hcl.Range, bool)
	OnCancel executor.OnCancel
	Images   int    // builds under way at once; 0 is no bound of ours
	Run      string // the value of the tag imagebuild:run; "" leaves the tag out
	// PullRequest is the one that what is made is kept for, until Expires, the value of the tag
	// imagebuild:expires; nil for a run of none.
	PullRequest *planner.PullRequest
	Expires     time.Time
	// Interval is how often builds are asked after; 0 is 10 s, the service team's own choice.
	Interval time.Duration
	// CallsPerSecond bounds all that following builds costs while they run: states, steps and logs
	// together; 0 is 1.
	CallsPerSecond float64
	// Worker works inside of AppStream's image builders; nil cannot.
	Worker Worker
	// Lease is for how long an image builder is sure to have a run that works on it, without word from that run; 0 is 3 minutes.
	Lease time.Duration
	// Removal is for how long an image builder that is done with is waited for until it is gone; 0 is 30 minutes.
	Removal time.Duration
}

// building are the operations that return long before what they make is finished.
var building = map[planner.Op]bool{ //nolint:gochecknoglobals // a table, never written
	"imagebuilder:CreateImage":     true,
	"imagebuilder:DistributeImage": true,
}

// making are the operations of AppStream that take long, and are followed where they are made.
var making = map[planner.Op]bool{ //nolint:gochecknoglobals // a table, never written
	"appstream:CreateImageBuilder": true, "appstream:CreateImportedImage": true, "appstream:CreateUpdatedImage": true,
}

// Driver carries changes out: calls and files by service, builds awaited, limited and retried.
func (c *Clients) Driver(o Options) executor.Driver {
	if o.Region == "" {
		o.Region = c.Region()
	}
	d := &driver{clients: c, Options: o}
	calls := executor.Mux(map[string]executor.Driver{
		"imagebuilder": executor.DriverFunc(d.call),
		"s3":           executor.DriverFunc(d.put),
		"appstream":    executor.DriverFunc(newAppStream(d).do),
		"ec2":          executor.DriverFunc(d.call),
	})
	q := newQueue(d)
	awaited := q.ends(executor.Await(q.begins(calls), newFollower(c, o), o.OnCancel))
	limited := executor.Limit(d.keeping(awaited), o.Images, func(ch *planner.Change) bool { return building[ch.Op] || making[ch.Op] })
	return d.regaining(executor.Retry(limited, Classify))
}

type driver struct {
	clients *Clients
	Options
}

// call makes the change's call. That what is to be made exists already with the same content is a hit.
func (d *driver) call(ctx context.Context, c *planner.Change, in planner.Object, _ func(executor.Event)) (executor.Outputs, error) {
	if c.Verb == planner.Delete {
		return d.remove(ctx, c, in)
	}
	o, err := lookUp(c.Op)
	if err != nil {
		return nil, err
	}
	in = maps.Clone(in)
	if o.has("tags") && d.Run != "" {
		in["tags"] = tagged(in["tags"], planner.TagRun, d.Run)
	}
	if o.has("tags") && d.PullRequest != nil {
		in["tags"] = tagged(in["tags"], planner.TagExpires, d.expires())
	}
	if building[c.Op] && o.has("tags") {
		in["tags"] = distributedBy(in)
	}
	switch {
	case !o.has("clientToken"):
	case c.Verb == planner.Create:
		in["clientToken"] = token(c, "")
	case building[c.Op]:
		// Made once in a run, but again in the next: nothing counts the distributions that failed.
		in["clientToken"] = token(c, d.Run)
	default:
		// An update repeated is the same update, and one that goes back to what was must not be
		// taken for the one that was then: the SDK gives each a token of its own.
	}
	region := cmp.Or(c.Region, d.Region)
	out, err := d.clients.once(ctx, c.Op, region, in)
	switch Code(err) {
	case "ResourceAlreadyExistsException":
		return d.hit(ctx, c, in, err)
	case "IdempotentParameterMismatchException":
		// The token was used with other parameters: by a run of another name, or before an
		// infrastructure was changed. What that call made is taken; where it is gone, the call is
		// made with a token of its own.
		if hit, hitErr := d.hit(ctx, c, in, err); hitErr == nil {
			return hit, nil
		}
		if in["clientToken"], err = fresh(c, in); err != nil {
			return nil, err
		}
		out, err = d.clients.once(ctx, c.Op, region, in)
	}
	if err != nil {
		return nil, failure(c.Node, err)
	}
	made := outputs(c, out)
	if c.Verb == planner.Create && unnamed(c, made) {
		return nil, &executor.Failure{Code: missingOutput, Operation: c.Op, Range: c.Origin, Message: missingARN(c.Op)}
	}
	return made, nil
}

// unnamed reports whether a create was answered without the ARN or id that the kind's outputs have.
func unnamed(c *planner.Change, made executor.Outputs) bool {
	for _, attr := range []string{"arn", "id"} {
		if _, has := c.Kind.Outputs[attr]; has && (made[attr] == nil || made[attr] == "") {
			return true
		}
	}
	return false
}

// outputs takes what references can ask for out of a call's output.
func outputs(c *planner.Change, out object) executor.Outputs {
	all := executor.Outputs{}
	if c.Observed != nil {
		maps.Copy(all, c.Observed.Outputs)
	}
	for attr, member := range c.Kind.Outputs {
		if v, ok := out[member]; ok {
			all[attr] = v
		}
	}
	return all
}

// hit takes what exists already, when it is known to have the content that is wanted.
func (d *driver) hit(ctx context.Context, c *planner.Change, in planner.Object, cause error) (executor.Outputs, error) {
	if c.Verb != planner.Create {
		return nil, failure(c.Node, cause)
	}
	account, _, err := d.clients.Identity(ctx)
	if err != nil {
		return nil, failure(c.Node, err)
	}
	arn := planner.ARN(c.Node, awsmodel.PartitionOf(d.Region), d.Region, account)
	if building[c.Op] {
		return d.hitImage(ctx, c, arn, cause)
	}
	thing, err := d.clients.get(ctx, c.Kind.Read, d.Region, arn)
	if err != nil {
		return nil, failure(c.Node, err)
	}
	want, _ := in["tags"].(map[string]any)
	if thing == nil || text(sub(thing, "tags"), planner.TagDigest) != text(want, planner.TagDigest) {
		return nil, failure(c.Node, cause)
	}
	if err := d.keep(ctx, text(thing, "arn"), ownTags(thing)); err != nil {
		return nil, failure(c.Node, err)
	}
	return executor.Outputs{"arn": text(thing, "arn")}, nil
}

func (d *driver) hitImage(ctx context.Context, c *planner.Change, arn string, cause error) (executor.Outputs, error) {
	builds, err := d.clients.builds(ctx, d.Region, arn)
	if err != nil {
		return nil, failure(c.Node, err)
	}
	chosen, _ := choose(builds)
	if chosen == nil || terminal(stateOf(chosen)) && stateOf(chosen) != available {
		return nil, failure(c.Node, cause)
	}
	if c.Observed != nil && c.Observed.Outputs["arn"] == text(chosen, "arn") { // it is to be built again
		return nil, failure(c.Node, cause)
	}
	if err := d.keep(ctx, text(chosen, "arn"), ownTags(chosen)); err != nil {
		return nil, failure(c.Node, err)
	}
	return executor.Outputs{"arn": text(chosen, "arn")}, nil
}

// token makes a repeated call the same call: it follows from what is wanted, from how often that
// was tried in vain, and from the build that is to be made again. AWS takes 1 to 64 characters.
func token(c *planner.Change, salt string) string {
	h := sha256.New()
	attempt, again := 0, ""
	if c.Observed != nil {
		attempt = c.Observed.Attempt
		again, _ = c.Observed.Outputs["arn"].(string)
	}
	fmt.Fprintf(h, "%s\n%s\n%d\n%s\n%s", c.Op, c.Digest, attempt, again, salt)
	return hex.EncodeToString(h.Sum(nil))
}

// fresh is a token that follows from all of the input.
func fresh(c *planner.Change, in planner.Object) (string, error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return "", fmt.Errorf("%s: writing the input: %w", c.Op, err)
	}
	return token(c, string(raw)), nil
}

// tagged adds a tag where AWS's limit of 50 leaves room for it.
func tagged(tags any, key, value string) map[string]any {
	out := map[string]any{}
	switch tags := tags.(type) {
	case map[string]any:
		maps.Copy(out, tags)
	case planner.Object:
		maps.Copy(out, tags)
	}
	if len(out) < 50 {
		out[key] = value
	}
	return out
}

// put stores a staged file under the key that holds its content's hash. What is there already
// is not sent again.
func (d *driver) put(ctx context.Context, c *planner.Change, in planner.Object, _ func(executor.Event)) (executor.Outputs, error) {
	if c.Verb == planner.Delete {
		return d.remove(ctx, c, in)
	}
	if c.Content == nil {
		return nil, &executor.Failure{Code: InvalidInput, Operation: c.Op, Range: c.Origin, Message: fmt.Sprintf("%v has no content to store.", c.Addr)}
	}
	there, where, err := d.clients.stored(ctx, d.Region, in)
	if err == nil && !there {
		err = d.clients.put(ctx, where, in, c.Content)
	}
	if err != nil {
		return nil, failure(c.Node, err)
	}
	return executor.Outputs{"arn": planner.ARN(c.Node, awsmodel.PartitionOf(d.Region), d.Region, "")}, nil
}
