package sandbox

import "maps"

func (a *appStream) tagAnswers() map[string]answer {
	return map[string]answer{
		"TagResource":         a.tag,
		"UntagResource":       a.untag,
		"ListTagsForResource": a.listTags,
	}
}

// tagged is the caller's resource that the call names.
func (a *appStream) tagged(c *call) (*streamResource, error) {
	arn := text(c.in, "ResourceArn")
	r := a.byARN(arn)
	if r == nil || r.Account != c.account {
		return nil, fail("ResourceNotFoundException", "The resource %s does not exist.", arn)
	}
	return r, nil
}

func (a *appStream) tag(c *call) (object, error) {
	r, err := a.tagged(c)
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	maps.Copy(tags, r.Tags)
	maps.Copy(tags, tagsOf(c.in["Tags"]))
	if len(tags) > maxTags {
		return nil, fail("LimitExceededException", "A resource can have at most this number of tags: %d", maxTags)
	}
	r.Tags = tags
	a.save(r)
	return object{}, nil
}

func (a *appStream) untag(c *call) (object, error) {
	r, err := a.tagged(c)
	if err != nil {
		return nil, err
	}
	for _, k := range texts(c.in, "TagKeys") {
		delete(r.Tags, k)
	}
	a.save(r)
	return object{}, nil
}

func (a *appStream) listTags(c *call) (object, error) {
	r, err := a.tagged(c)
	if err != nil {
		return nil, err
	}
	tags := object{}
	for k, v := range r.Tags {
		tags[k] = v
	}
	return object{"Tags": tags}, nil
}
