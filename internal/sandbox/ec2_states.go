package sandbox

import (
	"net/url"
	"time"
)

// ownImage finds the image of a call that its owner alone may make.
func (s *Server) ownImage(c *call, form url.Values) (*ami, error) {
	id := form.Get("ImageId")
	if !amiID().MatchString(id) {
		return nil, fail("InvalidAMIID.Malformed", "Invalid id: %q (expecting \"ami-...\")", id)
	}
	a := s.db.amis.get(c.region + "/" + id)
	switch {
	case a == nil || !a.visible(c.account):
		return nil, fail("InvalidAMIID.NotFound", "The image id '[%s]' does not exist", id)
	case a.Owner != c.account:
		return nil, fail("AuthFailure", "Not authorized for image:%s", id)
	}
	return a, dryRun(form)
}

// stateOf is one of the calls that deprecate and disable an image, and take that back.
func (s *Server) stateOf(edit func(a *ami, form url.Values, now time.Time) error) func(*call, url.Values) (any, error) {
	return func(c *call, form url.Values) (any, error) {
		a, err := s.ownImage(c, form)
		if err == nil {
			err = edit(a, form, c.now)
		}
		if err != nil {
			return nil, err
		}
		s.db.amis.put(a.Region+"/"+a.ID, a)
		return done(c, c.name), nil
	}
}

// deprecateAt notes from when on an image is deprecated, to the minute as EC2 does.
func deprecateAt(a *ami, form url.Values, now time.Time) error {
	t, err := time.Parse(time.RFC3339, form.Get("DeprecateAt"))
	if err != nil || t.Before(now) || t.After(now.AddDate(10, 0, 0)) {
		return fail("InvalidParameterValue", "The value '%s' for DeprecateAt is no time between now and ten years from now.", form.Get("DeprecateAt"))
	}
	t = t.Round(time.Minute)
	a.Deprecated = &t
	return nil
}

func (s *Server) imageStates() map[string]func(*call, url.Values) (any, error) {
	return map[string]func(*call, url.Values) (any, error){
		"EnableImageDeprecation":  s.stateOf(deprecateAt),
		"DisableImageDeprecation": s.stateOf(func(a *ami, _ url.Values, _ time.Time) error { a.Deprecated = nil; return nil }),
		"DisableImage":            s.stateOf(func(a *ami, _ url.Values, _ time.Time) error { a.Disabled = true; return nil }),
		"EnableImage":             s.stateOf(func(a *ami, _ url.Values, _ time.Time) error { a.Disabled = false; return nil }),
	}
}

// listed is whether DescribeImages shows an image: what is deprecated to others, and what is disabled, only when asked for.
func (a *ami) listed(c *call, form url.Values) bool {
	deprecated := a.Deprecated != nil && !c.now.Before(*a.Deprecated)
	if deprecated && a.Owner != c.account && form.Get("IncludeDeprecated") != "true" {
		return false
	}
	return !a.Disabled || form.Get("IncludeDisabled") == "true"
}
