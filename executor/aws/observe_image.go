package aws

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/org/imagebuild-action/planner"
)

// timed is how many estimates are looked up in one observation; each costs up to three calls.
const timed = 5

// images finds the builds of every image's version, newest first.
func (o *observer) images(ctx context.Context, nodes []*planner.Node) error {
	open := slices.DeleteFunc(slices.Clone(nodes), func(n *planner.Node) bool { return o.arn(n) == "" })
	builds := map[string][]object{} // by version ARN
	if len(open) > few {
		var err error
		if open, err = o.listImages(ctx, open, builds); err != nil {
			return err
		}
	}
	err := forEach(ctx, open, func(ctx context.Context, n *planner.Node) error {
		arn := o.arn(n)
		all, err := o.builds(ctx, arn)
		if err != nil {
			return err
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		builds[arn] = all
		return nil
	})
	if err != nil {
		return err
	}
	var unbuilt, moved []*planner.Node
	for _, n := range nodes {
		arn := o.arn(n)
		if arn == "" {
			continue
		}
		seen := o.image(n, builds[arn])
		if seen.State != available {
			unbuilt = append(unbuilt, n)
		} else if !o.settled(n, seen.Tags) {
			moved = append(moved, n)
		}
		o.record(n, seen)
	}
	err = forEach(ctx, moved, func(ctx context.Context, n *planner.Node) error { return o.distributed(ctx, n, builds[o.arn(n)]) })
	if err != nil {
		return err
	}
	return forEach(ctx, unbuilt[:min(timed, len(unbuilt))], func(ctx context.Context, n *planner.Node) error {
		took := o.took(ctx, o.arn(n))
		o.mu.Lock()
		defer o.mu.Unlock()
		o.seen[n.Addr].Took = took
		return nil
	})
}

// listImages lists the builds of all images and returns the nodes it settles nothing about.
func (o *observer) listImages(ctx context.Context, nodes []*planner.Node, builds map[string][]object) ([]*planner.Node, error) {
	wanted := map[string]bool{}
	for _, n := range nodes {
		wanted[o.arn(n)] = true
	}
	ended, err := o.clients.pages(ctx, query{listBuilds, o.region, nil, "imageSummaryList", len(wanted)}, func(item object) bool {
		if version := versionOf(text(item, "arn")); wanted[version] {
			builds[version] = append(builds[version], item)
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	if ended && len(wanted)-len(builds) > doubt {
		return nil, nil
	}
	return slices.DeleteFunc(nodes, func(n *planner.Node) bool {
		_, listed := builds[o.arn(n)]
		return listed && ended
	}), nil
}

const listBuilds planner.Op = "imagebuilder:ListImageBuildVersions"

// builds lists the builds of one version of an image.
func (o *observer) builds(ctx context.Context, versionARN string) ([]object, error) {
	return o.clients.builds(ctx, o.region, versionARN)
}

func (c *Clients) builds(ctx context.Context, region, versionARN string) ([]object, error) {
	var all []object
	q := query{listBuilds, region, object{"imageVersionArn": versionARN}, "imageSummaryList", 8}
	_, err := c.pages(ctx, q, func(item object) bool { all = append(all, item); return true })
	if Code(err) == notFound {
		return nil, nil
	}
	return all, err
}

// image chooses the build that counts: one that is AVAILABLE, else one that goes on, else the newest.
func (o *observer) image(n *planner.Node, builds []object) *planner.Observed {
	chosen, attempts := choose(builds)
	if chosen == nil {
		return &planner.Observed{}
	}
	if stateOf(chosen) == available && (!o.settled(n, ownTags(chosen)) || len(o.missing(n, chosen)) > 0) {
		chosen = o.underway(n, builds, chosen)
	}
	seen := &planner.Observed{
		Exists: true, State: stateOf(chosen), Digest: text(sub(chosen, "tags"), planner.TagDigest),
		Outputs: outputsOf(chosen, o.region, o.account), Attempt: attempts, Tags: ownTags(chosen),
	}
	if seen.State == available {
		seen.Missing = o.missing(n, chosen)
		o.lend(seen.Outputs, builds)
	}
	return seen
}

// choose returns the build that counts and how many of the others are of no use any more.
func choose(builds []object) (chosen object, attempts int) {
	builds = slices.SortedFunc(slices.Values(builds), func(a, b object) int {
		return cmp.Compare(build(text(b, "arn")), build(text(a, "arn")))
	})
	rank := func(o object) int {
		switch state := stateOf(o); {
		case state == available:
			return 2
		case !terminal(state):
			return 1
		}
		return 0
	}
	for _, b := range builds {
		r := rank(b)
		if r == 0 {
			attempts++
		}
		if chosen == nil || r > rank(chosen) {
			chosen = b
		}
	}
	return chosen, attempts
}

// missing are the regions that the image's distribution asks for and that have no AMI of it.
func (o *observer) missing(n *planner.Node, image object) []string {
	has := map[string]bool{}
	for _, ami := range list(sub(image, "outputResources"), "amis") {
		has[text(ami, "region")] = true
	}
	var missing []string
	conf := o.graph.DistributionOf(n)
	if conf == nil {
		return nil
	}
	for _, d := range list(object(conf.Input), "distributions") {
		region := text(d, "region")
		if d["amiDistributionConfiguration"] != nil && !has[region] && !slices.Contains(missing, region) {
			missing = append(missing, region)
		}
	}
	slices.Sort(missing)
	return missing
}

// took is how long the newest successful build of another version of the image took. It is an
// estimate for people: where AWS does not tell, there is none.
func (o *observer) took(ctx context.Context, versionARN string) time.Duration {
	name := versionOf(versionARN)
	var newest object
	q := query{listBuilds, o.region, nil, "imageSummaryList", 2}
	_, err := o.clients.pages(ctx, q, func(item object) bool {
		if versionOf(versionOf(text(item, "arn"))) == name && stateOf(item) == available && text(item, "dateCreated") > text(newest, "dateCreated") {
			newest = item
		}
		return true
	})
	if err != nil || newest == nil {
		return 0
	}
	out, err := o.clients.answer(ctx, "imagebuilder:ListWorkflowExecutions", o.region, object{"imageBuildVersionArn": text(newest, "arn")})
	if err != nil {
		return 0
	}
	var from, to time.Time
	for _, w := range list(out, "workflowExecutions") {
		start, startErr := time.Parse(time.RFC3339, text(w, "startTime"))
		end, endErr := time.Parse(time.RFC3339, text(w, "endTime"))
		if startErr != nil || endErr != nil {
			continue // it did not run to its end
		}
		if from.IsZero() || start.Before(from) {
			from = start
		}
		if end.After(to) {
			to = end
		}
	}
	return max(0, to.Sub(from))
}

const available = "AVAILABLE"

// terminal reports whether an image in this state will not come to another by itself. States that
// are not known here are those of an image still on its way.
func terminal(state string) bool {
	return slices.Contains([]string{available, "FAILED", "CANCELLED", "DEPRECATED", "DISABLED", "DELETED"}, state)
}

func stateOf(image object) string { return text(sub(image, "state"), "status") }

// build is the build number at the end of an ARN; 0 where there is none.
func build(arn string) int {
	n, err := strconv.Atoi(arn[strings.LastIndexByte(arn, '/')+1:])
	if err != nil {
		return 0
	}
	return n
}

// outputsOf are what references to an image yield: its ARN, the AMI of the region it was built in,
// and all AMIs by region, those of the building account before copies in others; and, as "remark",
// what AWS has to say of an image although it is there.
func outputsOf(image object, region, account string) map[string]any {
	out := map[string]any{"arn": text(image, "arn")}
	if state := sub(image, "state"); text(state, "status") == available && text(state, "reason") != "" {
		out["remark"] = text(state, "reason")
	}
	amis := map[string]any{}
	for _, ami := range list(sub(image, "outputResources"), "amis") {
		r := text(ami, "region")
		if _, taken := amis[r]; !taken || text(ami, "accountId") == account {
			amis[r] = text(ami, "image")
		}
	}
	if len(amis) > 0 {
		out["amis"] = amis
		if ami, ok := amis[region]; ok {
			out["ami"] = ami
		}
	}
	var uris []any
	for _, c := range list(sub(image, "outputResources"), "containers") {
		some, _ := c["imageUris"].([]any)
		uris = append(uris, some...)
	}
	if len(uris) > 0 {
		out["containers"] = uris
	}
	return out
}
