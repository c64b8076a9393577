package aws

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/appstream"
)

// deleting is the state of an image that is being deleted.
const deleting = "DELETING"

// A Removal is what stands in the way of an image's end.
type Removal struct {
	Image  StreamImage `json:"image"`
	Fleets []string    `json:"fleets,omitempty"` // of this account, on the image
	Busy   bool        `json:"busy,omitempty"`   // it is in a state in which nothing can be done
}

// Blocked says in words what blocks it; "" for nothing. With unshare the shares do not.
func (r Removal) Blocked(unshare bool) string {
	var why []string
	if r.Busy {
		why = append(why, "it is "+r.Image.State)
	}
	if len(r.Fleets) > 0 {
		why = append(why, "used by the fleets "+strings.Join(r.Fleets, ", "))
	}
	if len(r.Image.Shared) > 0 && !unshare {
		accounts := make([]string, len(r.Image.Shared))
		for i, s := range r.Image.Shared {
			accounts[i] = s.Account
		}
		why = append(why, "shared with "+strings.Join(accounts, ", "))
	}
	return strings.Join(why, "; ")
}

// PlanRemovals looks at what stands in the way of images of the account, by name.
func (s *StreamImages) PlanRemovals(ctx context.Context, names []string) ([]Removal, error) {
	fleets, err := s.fleets(ctx)
	if err != nil {
		return nil, err
	}
	var out []Removal
	for _, name := range names {
		img, err := s.own(ctx, name)
		if err != nil {
			return nil, err
		}
		if img.Shared, err = s.Shares(ctx, name); err != nil {
			return nil, err
		}
		out = append(out, removal(img, fleets))
	}
	return out, nil
}

func removal(img StreamImage, fleets map[string][]string) Removal {
	return Removal{Image: img, Fleets: fleets[img.ARN], Busy: !slices.Contains([]string{"AVAILABLE", "FAILED", deleting}, img.State)}
}

// fleets are the account's, by the ARNs of their images.
func (s *StreamImages) fleets(ctx context.Context) (map[string][]string, error) {
	found, err := s.clients.all(ctx, "appstream:DescribeFleets", s.region, nil)
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, f := range found {
		out[text(f, "ImageArn")] = append(out[text(f, "ImageArn")], text(f, "Name"))
	}
	return out, nil
}

// A Retention says which images of an account are to go.
type Retention struct {
	Prefix    string        // only images whose names begin with it
	Keep      int           // so many of the newest AVAILABLE ones of each name stay; 0 is no bound
	OlderThan time.Duration // only images created longer ago; 0 is any
	Now       time.Time
	Unshare   bool // also images that are shared
}

// PlanRetention chooses the images that a retention lets go: FAILED ones first, then the oldest. Images that
// fleets use, or that are shared unless Unshare says otherwise, stay and are not counted as removable.
func (s *StreamImages) PlanRetention(ctx context.Context, r Retention) ([]Removal, error) {
	images, err := s.List(ctx, "PRIVATE", true)
	if err != nil {
		return nil, err
	}
	fleets, err := s.fleets(ctx)
	if err != nil {
		return nil, err
	}
	return r.choose(images, fleets), nil
}

// choose is PlanRetention on images in the order of List, newest first.
func (r Retention) choose(images []StreamImage, fleets map[string][]string) []Removal {
	var failed, old []Removal
	kept := map[string]int{}
	for _, img := range images {
		if !strings.HasPrefix(img.Name, r.Prefix) {
			continue
		}
		young := r.OlderThan > 0 && r.Now.Sub(img.Created) < r.OlderThan
		one := removal(img, fleets)
		switch {
		case img.State == "FAILED":
			if !young {
				failed = append(failed, one)
			}
			continue
		case img.State == "AVAILABLE" && kept[family(img.Name)] < r.Keep:
			kept[family(img.Name)]++
			continue
		}
		if !young && one.Blocked(r.Unshare) == "" {
			old = append(old, one)
		}
	}
	slices.Reverse(failed)
	slices.Reverse(old)
	return append(failed, old...)
}

// versions are what image names end in that tells images of one name apart: numbers, dates, times and digests.
var versions = regexp.MustCompile(`([-_.](v?[0-9]+|[0-9]+T[0-9]+Z?|[0-9a-f]{12}))+$`)

// family is the name that an image has in common with its other versions: cad of cad-1, cad-2026-11-30 and cad-0123456789ab.
func family(name string) string {
	if short := versions.ReplaceAllString(name, ""); short != "" {
		return short
	}
	return name
}

// Remove deletes images and waits until they are gone. With unshare their permissions are taken away first.
// Nothing is touched when any of them is blocked.
func (s *StreamImages) Remove(ctx context.Context, removals []Removal, unshare bool) error {
	for _, r := range removals {
		if why := r.Blocked(unshare); why != "" {
			return &StreamError{Message: fmt.Sprintf("the image %s cannot be deleted: %s", r.Image.Name, why), Hint: r.advice()}
		}
	}
	for _, r := range removals {
		changes := make([]ShareChange, len(r.Image.Shared))
		for i, share := range r.Image.Shared {
			changes[i] = ShareChange{Account: share.Account, Verb: "unshare", From: &share}
		}
		end := s.gone // an earlier run began it
		if r.Image.State != deleting {
			end = s.remove
			if err := s.Reshare(ctx, r.Image.Name, changes); err != nil {
				return err
			}
		}
		if err := end(ctx, r.Image.Name); err != nil {
			return err
		}
		s.say("%s is deleted", r.Image.Name)
	}
	return nil
}

func (r Removal) advice() string {
	switch {
	case r.Busy:
		return "wait until it is AVAILABLE or FAILED"
	case len(r.Fleets) > 0:
		return "give the fleets another image first"
	}
	return "imagebuild appstream delete --unshare takes the permissions away first; the fleets of those accounts then drop to zero instances"
}

// remove deletes one image and waits until it is gone.
func (s *StreamImages) remove(ctx context.Context, name string) error {
	err := do[appstream.DeleteImageOutput](ctx, s, "DeleteImage", object{"Name": name})
	if err != nil && Code(err) != appstreamGone {
		return err
	}
	return s.gone(ctx, name)
}
