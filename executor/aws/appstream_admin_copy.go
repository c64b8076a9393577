package aws

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/appstream"
	"golang.org/x/sync/errgroup"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
)

// The tags that say what an image was made of, so that a later run recognises its own work.
const (
	tagCopiedFrom  = "imagebuild:copied-from"
	tagUpdatedFrom = "imagebuild:updated-from"
)

// A CopyRequest asks for copies of an image.
type CopyRequest struct {
	Name        string
	Regions     []string
	As          string // the copies' name; "" is the image's own
	Description string // "" is the image's own
	// Detach returns when the copies have begun. Their tags and permissions are then those of a later run.
	Detach bool
}

// Copy copies an image into regions, all at once as far as AppStream lets it (two into each region), and gives
// the copies the image's tags and permissions, which AppStream leaves behind. Copies that are there already, of
// this image, are taken for done.
func (s *StreamImages) Copy(ctx context.Context, r CopyRequest) ([]StreamImage, error) {
	source, err := s.own(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	if source.State != "AVAILABLE" {
		return nil, &StreamError{Message: fmt.Sprintf("the image %s is %s", r.Name, source.State), Hint: "only AVAILABLE images can be copied"}
	}
	if r.As == "" {
		r.As = r.Name
	}
	if err = s.copyable(r); err != nil {
		return nil, err
	}
	tags, err := s.tags(ctx, source.ARN)
	if err != nil {
		return nil, err
	}
	shares, err := s.Shares(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	copies := make([]StreamImage, len(r.Regions))
	var work errgroup.Group
	for i, region := range r.Regions {
		work.Go(func() (err error) {
			one := streamCopy{
				from: s, to: s.in(region), source: source, request: r, tags: marked(tags, tagCopiedFrom, source.ARN), shares: shares,
				note: copying{source: source.ARN, from: s.region, name: r.As, to: region}, before: tags,
			}
			copies[i], err = one.make(ctx)
			return err
		})
	}
	return copies, work.Wait()
}

// copyable refuses copies that AppStream can't make, before one begins.
func (s *StreamImages) copyable(r CopyRequest) error {
	for _, region := range r.Regions {
		switch {
		case region == s.region && r.As == r.Name:
			return &StreamError{
				Message: fmt.Sprintf("%s is in %s, and an image can't be copied onto itself", r.Name, region),
				Hint:    "pass another region with --to, or another name with --as",
			}
		case awsmodel.PartitionOf(region) != awsmodel.PartitionOf(s.region):
			return &StreamError{
				Message: fmt.Sprintf("an image in %s can't be copied to %s, which is another partition of AWS", s.region, region),
				Hint:    "build the image there",
			}
		}
	}
	return nil
}

// marked are the tags that an account gave an image, and the one that says what a new one was made of.
func marked(tags map[string]string, mark, arn string) map[string]string {
	out := map[string]string{}
	maps.Copy(out, tags)
	maps.DeleteFunc(out, func(k, _ string) bool { return strings.HasPrefix(k, "aws:") })
	delete(out, tagCopiedFrom)
	delete(out, tagUpdatedFrom)
	maps.DeleteFunc(out, func(k, _ string) bool { return strings.HasPrefix(k, planner.TagCopying+":") })
	out[mark] = arn
	return out
}

// A streamCopy is the way of one copy.
type streamCopy struct {
	from, to *StreamImages
	source   StreamImage
	request  CopyRequest
	tags     map[string]string
	shares   []StreamShare
	note     copying           // on the source while the copy has no tags
	before   map[string]string // the source's tags
}

func (c *streamCopy) make(ctx context.Context) (StreamImage, error) {
	img, err := c.begin(ctx)
	if err != nil || c.request.Detach {
		return img, err
	}
	if img, err = c.to.Await(ctx, c.request.As, imageBound); err != nil {
		return img, err
	}
	if err = c.tag(ctx, img.ARN); err != nil {
		return img, err
	}
	changes, err := c.to.PlanShares(ctx, c.request.As, c.shares, false)
	if err == nil {
		err = c.to.Reshare(ctx, c.request.As, changes)
	}
	img.Shared = c.shares
	return img, err
}

// begin finds the copy that an earlier run began, or begins it.
func (c *streamCopy) begin(ctx context.Context) (StreamImage, error) {
	img, ok, err := c.to.Image(ctx, c.request.As)
	if err != nil {
		return img, err
	}
	if ok {
		ours, asked := c.ours(ctx, img)
		switch {
		case asked != nil:
			return img, asked
		case !ours:
			return img, &StreamError{
				Message: fmt.Sprintf("there is another image %s in %s", c.request.As, c.to.region),
				Hint:    fmt.Sprintf("choose another name with --as, or delete it: imagebuild appstream delete %s --region %s", c.request.As, c.to.region),
			}
		case img.State != "FAILED":
			return img, nil
		}
		c.to.say("%s in %s FAILED before and is created again", img.Name, c.to.region)
		if err = c.to.remove(ctx, img.Name); err != nil {
			return img, err
		}
	}
	if err = c.note.note(ctx, c.from.clients); err != nil {
		return img, err
	}
	if err = c.call(ctx); err != nil {
		if ctx.Err() == nil && unansweredCall(err) == "" { // it never began
			err = errors.Join(err, c.note.unnote(ctx, c.from.clients))
		}
		return img, err
	}
	img, ok, err = c.to.Image(ctx, c.request.As)
	if err == nil && ok {
		err = c.tag(ctx, img.ARN)
	}
	return img, err
}

// ours is whether an image is a copy of the source that this program made.
func (c *streamCopy) ours(ctx context.Context, img StreamImage) (bool, error) {
	tags, err := c.to.tags(ctx, img.ARN)
	begun := tags[tagCopiedFrom] == "" && c.note.began(c.before, img.Created)
	return begun || tags[tagCopiedFrom] == c.source.ARN, err
}

// call begins the copy. While others are being copied into the region, one too many is waited with; at any other
// time it means that the region has no room for one more image.
func (c *streamCopy) call(ctx context.Context) error {
	in := object{"SourceImageName": c.source.Name, "DestinationImageName": c.request.As, "DestinationRegion": c.to.region}
	if c.request.Description != "" {
		in["DestinationImageDescription"] = c.request.Description
	}
	for queued := false; ; queued = true {
		_, err := read[appstream.CopyImageOutput](ctx, c.from.clients, "appstream:CopyImage", c.from.region, in)
		if Code(err) != appstreamQuota {
			return err
		}
		images, failed := c.to.List(ctx, "PRIVATE", false)
		if failed != nil {
			return failed
		}
		if !slices.ContainsFunc(images, func(i StreamImage) bool { return i.State == "COPYING" }) {
			return quotaNamed(err)
		}
		if !queued {
			c.to.say("%s waits for other copies into %s", c.request.As, c.to.region)
		}
		if err = sleep(ctx, c.from.interval); err != nil {
			return err
		}
	}
}

// tag gives the copy its tags, and then takes the note from its source.
func (c *streamCopy) tag(ctx context.Context, arn string) error {
	if err := do[appstream.TagResourceOutput](ctx, c.to, "TagResource", object{"ResourceArn": arn, "Tags": c.tags}); err != nil {
		return err
	}
	return c.note.unnote(ctx, c.from.clients)
}
