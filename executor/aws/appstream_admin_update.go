package aws

import (
	"context"
	"fmt"
	"maps"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/appstream"
)

// An ImageUpdate asks for a managed update: a new image of an old one, with Windows' and the agent's updates.
type ImageUpdate struct {
	Name, As                 string
	Description, DisplayName string
	Tags                     map[string]string // beside those of the old image
	DryRun                   bool
	Detach                   bool // return when the update has begun
}

// An Updated is what came of it.
type Updated struct {
	CanUpdate bool         `json:"can_update"`
	Image     *StreamImage `json:"image,omitempty"` // nil after a dry run, or where there was nothing to update
}

// Update asks first whether there is anything to update, and then has it done, which takes hours. An update of the
// same image to the same name that is under way, or done, is taken up.
func (s *StreamImages) Update(ctx context.Context, r ImageUpdate) (Updated, error) {
	old, err := s.own(ctx, r.Name)
	if err != nil {
		return Updated{}, err
	}
	found, err := s.updating(ctx, old, r)
	if err != nil || found != nil {
		return Updated{CanUpdate: true, Image: found}, err
	}
	dry, err := read[appstream.CreateUpdatedImageOutput](ctx, s.clients, "appstream:CreateUpdatedImage", s.region, r.input(true, nil))
	if err != nil {
		return Updated{}, quotaNamed(err)
	}
	if out := (Updated{CanUpdate: sdk.ToBool(dry.CanUpdateImage)}); r.DryRun || !out.CanUpdate {
		return out, nil
	}
	tags, err := s.tags(ctx, old.ARN)
	if err != nil {
		return Updated{}, err
	}
	tags = marked(tags, tagUpdatedFrom, old.ARN)
	maps.Copy(tags, r.Tags)
	made, err := read[appstream.CreateUpdatedImageOutput](ctx, s.clients, "appstream:CreateUpdatedImage", s.region, r.input(false, tags))
	if err != nil {
		return Updated{}, quotaNamed(err)
	}
	out := Updated{CanUpdate: true}
	if made.Image != nil {
		img := streamImage(made.Image)
		out.Image = &img
	}
	if r.Detach {
		s.say("%s is being made; the same command without --detach waits for it", r.As)
		return out, nil
	}
	img, err := s.Await(ctx, r.As, updateBound)
	out.Image = &img
	return out, err
}

func (r ImageUpdate) input(dry bool, tags map[string]string) object {
	in := object{"existingImageName": r.Name, "newImageName": r.As, "dryRun": dry}
	if r.Description != "" {
		in["newImageDescription"] = r.Description
	}
	if r.DisplayName != "" {
		in["newImageDisplayName"] = r.DisplayName
	}
	if len(tags) > 0 {
		in["newImageTags"] = tags
	}
	return in
}

// updating is the image that an earlier run of the same update began; nil where there is none. One that FAILED is
// deleted, so that it can be made anew.
func (s *StreamImages) updating(ctx context.Context, old StreamImage, r ImageUpdate) (*StreamImage, error) {
	img, ok, err := s.Image(ctx, r.As)
	if err != nil || !ok {
		return nil, err
	}
	tags, err := s.tags(ctx, img.ARN)
	switch {
	case err != nil:
		return nil, err
	case tags[tagUpdatedFrom] != old.ARN:
		return nil, &StreamError{
			Message: fmt.Sprintf("there is another image %s in %s", r.As, s.region), Hint: "choose another name with --as",
		}
	case img.State == "FAILED" && !r.DryRun:
		s.say("%s FAILED before and is created again", r.As)
		return nil, s.remove(ctx, r.As)
	case r.Detach || r.DryRun:
		return &img, nil
	}
	img, err = s.Await(ctx, r.As, updateBound)
	return &img, err
}
