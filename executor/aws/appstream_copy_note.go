package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
)

// A copying is one copy of an AppStream image. CopyImage takes no tags, so the copy has none until a second call. A tag on the
// source tells that this program began the copy, from before CopyImage until the copy has its own tags: any run that finds an
// untagged image of the name knows by it whether the image is this copy or somebody else's.
type copying struct {
	source, from string // the source's ARN and region
	name, to     string // the copy's name and region
}

// skew is how far the clocks of a run and of AWS may lie apart: SigV4 refuses more than five minutes.
const skew = 5 * time.Minute

// key is the tag's key. One source may be copied to many places at once, and a key has 128 characters at most.
func (c copying) key() string {
	sum := sha256.Sum256([]byte(c.place()))
	return planner.TagCopying + ":" + hex.EncodeToString(sum[:6])
}

func (c copying) place() string { return c.to + "/" + c.name }

// note puts the tag on the source.
func (c copying) note(ctx context.Context, clients *Clients) error {
	value := c.place() + " " + time.Now().UTC().Format(time.RFC3339)
	_, err := clients.once(ctx, "appstream:TagResource", c.from, object{"ResourceArn": c.source, "Tags": object{c.key(): value}})
	return err
}

// unnote takes it away.
func (c copying) unnote(ctx context.Context, clients *Clients) error {
	_, err := clients.once(ctx, "appstream:UntagResource", c.from, object{"ResourceArn": c.source, "TagKeys": []any{c.key()}})
	if Code(err) == appstreamGone { // the source went meanwhile, and the tag with it
		return nil
	}
	return err
}

// began says whether the tags of the source tell that this program began the copy, which was created then.
func (c copying) began(tags map[string]string, created time.Time) bool {
	place, at, ok := strings.Cut(tags[c.key()], " ")
	when, err := time.Parse(time.RFC3339, at)
	return ok && err == nil && place == c.place() && !created.Before(when.Add(-skew))
}

// copyingOf is the copy that a node makes, in the words of its call.
func copyingOf(in planner.Object, region, account string) copying {
	name := text(in, "SourceImageName")
	return copying{
		source: "arn:" + awsmodel.PartitionOf(region) + ":appstream:" + region + ":" + account + ":image/" + name, from: region,
		name: text(in, "DestinationImageName"), to: text(in, "DestinationRegion"),
	}
}

// begunCopy says whether an image is a copy that an earlier run began, and did not finish.
func (c *Clients) begunCopy(ctx context.Context, one copying, image object) (bool, error) {
	tags, err := c.tagsOf(ctx, one.from, one.source)
	if err != nil {
		return false, err
	}
	created, err := time.Parse(time.RFC3339Nano, text(image, "CreatedTime"))
	if err != nil {
		return false, nil //nolint:nilerr // an image that tells no time is not known for a copy of ours
	}
	return one.began(map[string]string{one.key(): text(tags, one.key())}, created), nil
}

// noteOf is the copy that a change makes.
func (a *appstreamDriver) noteOf(ctx context.Context, t *turn) (copying, error) {
	account, _, err := a.clients.Identity(ctx)
	return copyingOf(t.in, a.Region, account), err
}

// besideCopying is the sort of Observed.Beside that is the input of the call that began a copy, which its source tells of.
const besideCopying = "copying"

// copied refuses an image under a copy's name that is not that copy, and finds out what its copying still lacks.
func (o *observer) copied(ctx context.Context, n *planner.Node, image object, seen *planner.Observed) error {
	in := n.Input.Resolve(func(r dsl.Ref) any { return o.nameOf(r) })
	begun, err := o.clients.begunCopy(ctx, copyingOf(in, o.region, o.account), image)
	if err != nil {
		return err
	}
	if begun {
		seen.Beside[besideCopying] = []planner.Object{in}
		seen.Missing = []string{"the last step of its copying"}
	}
	if seen.Digest == n.Digest || seen.Digest == "" && begun {
		return nil
	}
	name, region := awsmodel.Printable(text(image, "Name")), o.regionOf(n)
	why := " is a copy of another image, or has another description, and a copy never changes."
	if seen.Digest == "" {
		why = " exists, and imagebuild didn't create it."
	}
	o.report(&hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: "Name already taken", Subject: written(n, "DestinationImageName").Ptr(),
		Detail: "Image " + name + " in " + region + why + " Set another destination_image_name, or delete it: imagebuild appstream delete " + name + " --region " + region,
	})
	return nil
}

// nameOf is the name of what a reference means; "" where it is not known yet.
func (o *observer) nameOf(r dsl.Ref) string {
	for _, n := range o.graph.Nodes {
		if n.Addr == r.Addr {
			name, _ := n.Known["name"].(string)
			return name
		}
	}
	return ""
}
