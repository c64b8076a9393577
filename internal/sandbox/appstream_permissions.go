package sandbox

import (
	"maps"
	"slices"
)

// shareQuota is AWS's default number of accounts that an image can be shared with.
const shareQuota = 100

// share sets what another account may do with an image, over what it had.
func (a *appStream) share(c *call) (object, error) {
	r, err := a.shareable(c)
	if err != nil {
		return nil, err
	}
	account := text(c.in, "SharedAccountId")
	old, has := r.Shares[account]
	if !has {
		if err := a.within(len(r.Shares), "image-share", shareQuota); err != nil {
			return nil, err
		}
	}
	s := share{flag(false, c.in, "ImagePermissions", "allowFleet"), flag(false, c.in, "ImagePermissions", "allowImageBuilder")}
	shares := maps.Clone(r.Shares)
	if shares == nil {
		shares = map[string]share{}
	}
	shares[account] = s
	r.Shares = shares
	a.save(r)
	if old.Fleet && !s.Fleet {
		a.starve(r, account)
	}
	return object{}, nil
}

func (a *appStream) unshare(c *call) (object, error) {
	r, err := a.shareable(c)
	if err != nil {
		return nil, err
	}
	account := text(c.in, "SharedAccountId")
	old, has := r.Shares[account]
	if !has {
		return nil, fail("ResourceNotFoundException", "The image %s is not shared with the account %s.", r.Name, account)
	}
	r.Shares = maps.Clone(r.Shares)
	delete(r.Shares, account)
	a.save(r)
	if old.Fleet {
		a.starve(r, account)
	}
	return object{}, nil
}

// starve takes the capacity of an account's fleets on an image that it may no longer use for them. Sessions go on.
func (a *appStream) starve(img *streamResource, account string) {
	for _, f := range a.all(img.Region, account, kindFleet) {
		if text(f.Body, "ImageArn") == img.arn() {
			a.setCapacity(f, 0)
		}
	}
}

// shareable is the caller's image that the call names, when it is AVAILABLE.
func (a *appStream) shareable(c *call) (*streamResource, error) {
	name := text(c.in, "Name")
	r := a.get(c, kindImage, name)
	switch {
	case r == nil:
		return nil, missing(c, kindImage, name)
	case r.state() != "AVAILABLE":
		return nil, unavailable(name, r.state())
	}
	return r, nil
}

func (a *appStream) describeShares(c *call) (object, error) {
	name := text(c.in, "Name")
	r := a.get(c, kindImage, name)
	if r == nil {
		return nil, missing(c, kindImage, name)
	}
	only := texts(c.in, "SharedAwsAccountIds")
	var entries []any
	for _, account := range sortedKeys(r.Shares) {
		if len(only) == 0 || slices.Contains(only, account) {
			entries = append(entries, object{"sharedAccountId": account, "imagePermissions": r.Shares[account].show()})
		}
	}
	out, err := a.page(c, "SharedImagePermissionsList", 500, entries)
	if err != nil {
		return nil, err
	}
	return with(out, object{"Name": name}), nil
}
