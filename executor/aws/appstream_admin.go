package aws

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/appstream"
	"github.com/aws/aws-sdk-go-v2/service/appstream/types"

	"github.com/org/imagebuild-action/planner"
)

// StreamOptions say how AppStream's images are administered.
type StreamOptions struct {
	Region string // "" is the default one
	// Interval is the time between two looks at what takes long; 0 is 20 seconds at AWS, and less at another
	// endpoint, whose clock goes faster.
	Interval time.Duration
	// Tell hears a sentence about what happens, for people; nil drops it. It may be called by several
	// goroutines at once.
	Tell func(sentence string)
}

// StreamImages administers the AppStream images of an account in one region: sharing, copies, managed updates,
// exports and their end. Every method can be called again after it was interrupted, and goes on where it was.
type StreamImages struct {
	clients  *Clients
	region   string
	interval time.Duration
	tell     func(string)
}

// StreamImages begins the administration of a region's images. It makes no call.
func (c *Clients) StreamImages(o StreamOptions) *StreamImages {
	interval := 20 * time.Second
	if c.endpoint {
		interval = 100 * time.Millisecond
	}
	s := &StreamImages{clients: c, region: cmp.Or(o.Region, c.Region()), interval: cmp.Or(o.Interval, interval), tell: func(string) {}}
	if o.Tell != nil {
		var mu sync.Mutex
		s.tell = func(sentence string) {
			mu.Lock()
			defer mu.Unlock()
			o.Tell(sentence)
		}
	}
	return s
}

// in is the same for another region.
func (s *StreamImages) in(region string) *StreamImages {
	there := *s
	there.region = region
	return &there
}

func (s *StreamImages) say(format string, args ...any) { s.tell(fmt.Sprintf(format, args...)) }

// A StreamImage is an image as AppStream's registry shows it.
type StreamImage struct {
	Name       string    `json:"name"`
	ARN        string    `json:"arn"`
	Visibility string    `json:"visibility"` // PUBLIC, PRIVATE, SHARED
	State      string    `json:"state"`      // AVAILABLE and others; the list is open
	Platform   string    `json:"platform,omitempty"`
	Type       string    `json:"type,omitempty"` // NATIVE, CUSTOM, BYOL
	Base       string    `json:"base,omitempty"` // the ARN of the base image
	Builder    string    `json:"builder,omitempty"`
	Agent      string    `json:"agent,omitempty"`
	Latest     bool      `json:"latest_agent"` // the agent is brought up to date at each start
	Created    time.Time `json:"created"`
	Released   time.Time `json:"released,omitzero"` // of a public base image
	// Reason and Errors say why an image FAILED.
	Reason string   `json:"reason,omitempty"`
	Errors []string `json:"errors,omitempty"`
	// Shared are the accounts that may use it; known only where it was asked for.
	Shared []StreamShare `json:"shared,omitempty"`
}

// A StreamShare is what an account may do with an image.
type StreamShare struct {
	Account string `json:"account"`
	Fleet   bool   `json:"fleet"`
	Builder bool   `json:"builder"`
}

func streamImage(i *types.Image) StreamImage {
	out := StreamImage{
		Name: sdk.ToString(i.Name), ARN: sdk.ToString(i.Arn), Visibility: string(i.Visibility), State: string(i.State), Platform: string(i.Platform),
		Type: string(i.ImageType), Base: sdk.ToString(i.BaseImageArn), Builder: sdk.ToString(i.ImageBuilderName), Agent: sdk.ToString(i.AppstreamAgentVersion),
		Latest: i.LatestAppstreamAgentVersion == types.LatestAppstreamAgentVersionTrue, Created: sdk.ToTime(i.CreatedTime), Released: sdk.ToTime(i.PublicBaseImageReleasedDate),
	}
	if r := i.StateChangeReason; r != nil {
		out.Reason = strings.TrimPrefix(string(r.Code)+": "+sdk.ToString(r.Message), ": ")
	}
	for _, e := range i.ImageErrors {
		out.Errors = append(out.Errors, string(e.ErrorCode)+": "+sdk.ToString(e.ErrorMessage))
	}
	return out
}

// List returns the images of a visibility ("PUBLIC", "PRIVATE", "SHARED", "" for all), newest first. With shares
// the accounts that an account's own images are shared with are asked for as well.
func (s *StreamImages) List(ctx context.Context, visibility string, shares bool) ([]StreamImage, error) {
	in := object{}
	if visibility != "" {
		in["Type"] = visibility
	}
	var out []StreamImage
	for {
		page, err := read[appstream.DescribeImagesOutput](ctx, s.clients, "appstream:DescribeImages", s.region, in)
		if err != nil {
			return nil, err
		}
		for i := range page.Images {
			out = append(out, streamImage(&page.Images[i]))
		}
		if sdk.ToString(page.NextToken) == "" {
			break
		}
		in["NextToken"] = *page.NextToken
	}
	if shares {
		for i, img := range out {
			if img.Visibility != "PRIVATE" {
				continue
			}
			var err error
			if out[i].Shared, err = s.Shares(ctx, img.Name); err != nil {
				return nil, err
			}
		}
	}
	// By the dates and not the names, which write the month first.
	slices.SortStableFunc(out, func(a, b StreamImage) int {
		return cmp.Or(b.when().Compare(a.when()), cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}

// when is what "newest" goes by.
func (i StreamImage) when() time.Time {
	if i.Visibility == "PUBLIC" && !i.Released.IsZero() {
		return i.Released
	}
	return i.Created
}

// Image returns an image of the account by its name; false where there is none.
func (s *StreamImages) Image(ctx context.Context, name string) (StreamImage, bool, error) {
	out, err := read[appstream.DescribeImagesOutput](ctx, s.clients, "appstream:DescribeImages", s.region, object{"Names": []string{name}})
	if Code(err) == appstreamGone || err == nil && len(out.Images) == 0 {
		return StreamImage{}, false, nil
	}
	if err != nil {
		return StreamImage{}, false, err
	}
	return streamImage(&out.Images[0]), true, nil
}

// own is Image for what has to be there and to belong to the account.
func (s *StreamImages) own(ctx context.Context, name string) (StreamImage, error) {
	img, ok, err := s.Image(ctx, name)
	switch {
	case err != nil:
		return img, err
	case !ok:
		return img, &StreamError{
			Message: fmt.Sprintf("there is no image %q in %s", name, s.region),
			Hint:    "imagebuild appstream list shows the images there are; another account's image is that account's to administer",
		}
	case img.Visibility == "SHARED":
		return img, &StreamError{Message: fmt.Sprintf("the image %q is another account's, shared with this one", name), Hint: "use credentials of the account that owns it: " + img.ARN}
	case img.Visibility == "PUBLIC":
		return img, &StreamError{Message: fmt.Sprintf("the image %q is AWS's own", name), Hint: "only an account's own images can be shared, copied, updated, exported and deleted"}
	}
	return img, nil
}

// A StreamError is why an image cannot be administered as asked, and what to do about it.
type StreamError struct {
	Message string
	Hint    string // "" where there is nothing to say
	Cause   error  // nil where no call failed
}

func (e *StreamError) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

// Unwrap is the failed call.
func (e *StreamError) Unwrap() error { return e.Cause }

// Await waits until an image is AVAILABLE. States it does not know are still going. An image that is not there yet
// is waited for a while; one that FAILED is an error with its reasons.
func (s *StreamImages) Await(ctx context.Context, name string, patience time.Duration) (StreamImage, error) {
	var last string
	began := time.Now()
	for {
		img, ok, err := s.Image(ctx, name)
		if err != nil {
			return img, err
		}
		waited := time.Since(began)
		switch {
		case ok && img.State == "AVAILABLE":
			return img, nil
		case ok && img.State == "FAILED":
			return img, &StreamError{
				Message: fmt.Sprintf("the image %s in %s FAILED: %s", name, s.region, strings.Join(append([]string{cmp.Or(img.Reason, "no reason was given")}, img.Errors...), "; ")),
				Hint:    "it uses up one of the account's images: imagebuild appstream delete " + name,
			}
		case !ok && waited > hidden, waited > patience:
			return img, &StreamError{
				Message: fmt.Sprintf("the image %s in %s is %s after %s", name, s.region, cmp.Or(img.State, "not there"), waited.Round(time.Second)),
				Hint:    "run the same command again to go on waiting",
			}
		}
		if state := cmp.Or(img.State, "not there yet"); state != last {
			last = state
			s.say("%s in %s is %s", name, s.region, state)
		}
		if err := sleep(ctx, s.interval); err != nil {
			return img, err
		}
	}
}

// gone waits until an image is no more.
func (s *StreamImages) gone(ctx context.Context, name string) error {
	for began := time.Now(); ; {
		img, ok, err := s.Image(ctx, name)
		switch {
		case err != nil:
			return err
		case !ok:
			return nil
		case time.Since(began) > deleteBound:
			return &StreamError{Message: fmt.Sprintf("the image %s is still %s", name, img.State), Hint: "run the same command again"}
		}
		if err := sleep(ctx, s.interval); err != nil {
			return err
		}
	}
}

// tags are those of a resource.
func (s *StreamImages) tags(ctx context.Context, arn string) (map[string]string, error) {
	out, err := read[appstream.ListTagsForResourceOutput](ctx, s.clients, "appstream:ListTagsForResource", s.region, object{"ResourceArn": arn})
	if err != nil {
		return nil, err
	}
	return out.Tags, nil
}

// do makes a call whose answer does not matter.
func do[Out any](ctx context.Context, s *StreamImages, operation string, in object) error {
	_, err := read[Out](ctx, s.clients, planner.Op("appstream:"+operation), s.region, in)
	return quotaNamed(err)
}
