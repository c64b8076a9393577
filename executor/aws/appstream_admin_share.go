package aws

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/appstream"
)

// Shares are the accounts that may use an image, by account.
func (s *StreamImages) Shares(ctx context.Context, name string) ([]StreamShare, error) {
	found, err := s.clients.all(ctx, "appstream:DescribeImagePermissions", s.region, object{"Name": name})
	if err != nil {
		return nil, err
	}
	out := make([]StreamShare, len(found))
	for i, p := range found {
		may := allowances(p)
		out[i] = StreamShare{Account: text(p, "sharedAccountId"), Fleet: may["allowFleet"] == true, Builder: may["allowImageBuilder"] == true}
	}
	slices.SortFunc(out, func(a, b StreamShare) int { return cmp.Compare(a.Account, b.Account) })
	return out, nil
}

// A ShareChange is what is to become of one account's permissions.
type ShareChange struct {
	Account string       `json:"account"`
	Verb    string       `json:"verb"` // share, change, unshare, none
	From    *StreamShare `json:"from,omitempty"`
	To      *StreamShare `json:"to,omitempty"`
}

// Starves reports whether the account's fleets on the image lose their instances: AppStream sets their desired
// capacity to zero. Sessions that are open go on.
func (c ShareChange) Starves() bool {
	return c.From != nil && c.From.Fleet && (c.To == nil || !c.To.Fleet)
}

// PlanShares compares the shares that an image should have with those it has. Exclusive takes away all others.
func (s *StreamImages) PlanShares(ctx context.Context, name string, want []StreamShare, exclusive bool) ([]ShareChange, error) {
	img, err := s.own(ctx, name)
	if err != nil {
		return nil, err
	}
	if img.State != "AVAILABLE" {
		return nil, &StreamError{Message: fmt.Sprintf("the image %s is %s", name, img.State), Hint: "only AVAILABLE images can be shared"}
	}
	for _, w := range want {
		if strings.Contains(img.ARN, ":"+w.Account+":") {
			return nil, &StreamError{Message: "the image is in the account " + w.Account + " itself", Hint: "an account needs no permission for its own images; name another account"}
		}
	}
	have, err := s.Shares(ctx, name)
	if err != nil {
		return nil, err
	}
	return shareChanges(have, want, exclusive), nil
}

func shareChanges(have, want []StreamShare, exclusive bool) []ShareChange {
	var out []ShareChange
	for _, w := range want {
		c := ShareChange{Account: w.Account, Verb: "share", To: &w}
		if i := slices.IndexFunc(have, func(h StreamShare) bool { return h.Account == w.Account }); i >= 0 {
			c.From, c.Verb = &have[i], "change"
			if have[i] == w {
				c.Verb = "none"
			}
		}
		out = append(out, c)
	}
	for _, h := range have {
		if exclusive && !slices.ContainsFunc(want, func(w StreamShare) bool { return w.Account == h.Account }) {
			out = append(out, ShareChange{Account: h.Account, Verb: "unshare", From: &h})
		}
	}
	slices.SortFunc(out, func(a, b ShareChange) int { return cmp.Compare(a.Account, b.Account) })
	return out
}

// PlanUnshares is PlanShares for accounts that should have no permission; none given are all.
func (s *StreamImages) PlanUnshares(ctx context.Context, name string, accounts []string) ([]ShareChange, error) {
	if _, err := s.own(ctx, name); err != nil {
		return nil, err
	}
	have, err := s.Shares(ctx, name)
	if err != nil {
		return nil, err
	}
	var out []ShareChange
	for _, h := range have {
		if len(accounts) == 0 || slices.Contains(accounts, h.Account) {
			out = append(out, ShareChange{Account: h.Account, Verb: "unshare", From: &h})
		}
	}
	for _, a := range accounts {
		if !slices.ContainsFunc(have, func(h StreamShare) bool { return h.Account == a }) {
			out = append(out, ShareChange{Account: a, Verb: "none"})
		}
	}
	slices.SortFunc(out, func(a, b ShareChange) int { return cmp.Compare(a.Account, b.Account) })
	return out, nil
}

// Reshare carries changes out, one call for each account.
func (s *StreamImages) Reshare(ctx context.Context, name string, changes []ShareChange) error {
	for _, c := range changes {
		if c.Verb == "none" {
			continue
		}
		if err := s.reshare(ctx, name, c); err != nil {
			return err
		}
	}
	return nil
}

func (s *StreamImages) reshare(ctx context.Context, name string, c ShareChange) error {
	in := object{"Name": name, "SharedAccountId": c.Account}
	if c.To == nil {
		err := do[appstream.DeleteImagePermissionsOutput](ctx, s, "DeleteImagePermissions", in)
		if Code(err) == appstreamGone { // another run was faster
			err = nil
		}
		return err
	}
	in["ImagePermissions"] = object{"allowFleet": c.To.Fleet, "allowImageBuilder": c.To.Builder}
	return do[appstream.UpdateImagePermissionsOutput](ctx, s, "UpdateImagePermissions", in)
}
