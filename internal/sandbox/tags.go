package sandbox

import (
	"encoding/json"
	"maps"
)

// maxTags is AWS's limit of tags on one resource.
const maxTags = 50

func (ib *imageBuilder) tagged(c *call) (*resource, error) {
	arn := text(c.in, "resourceArn")
	r := ib.db.exact(arn)
	if r == nil {
		return nil, notFound(arn)
	}
	return r, nil
}

func (ib *imageBuilder) listTags(c *call) (object, error) {
	r, err := ib.tagged(c)
	if err != nil {
		return nil, err
	}
	tags, _ := at(r.Body, "tags").(object)
	return object{"tags": with(tags, nil)}, nil
}

func (ib *imageBuilder) tagResource(c *call) (object, error) {
	r, err := ib.tagged(c)
	if err != nil {
		return nil, err
	}
	old, _ := at(r.Body, "tags").(object)
	add, _ := at(c.in, "tags").(object)
	tags := with(old, nil)
	maps.Copy(tags, add)
	if len(tags) > maxTags {
		return nil, fail("InvalidParameterException",
			"The value supplied for parameter 'tags' is not valid. A resource can have at most %d tags.", maxTags)
	}
	return ib.retag(r, tags)
}

func (ib *imageBuilder) untagResource(c *call) (object, error) {
	r, err := ib.tagged(c)
	if err != nil {
		return nil, err
	}
	old, _ := at(r.Body, "tags").(object)
	return ib.retag(r, without(old, texts(c.in, "tagKeys")...))
}

func (ib *imageBuilder) retag(r *resource, tags object) (object, error) {
	if r.managed {
		return nil, fail("InvalidParameterException", "The resource '%s' belongs to AWS and cannot be tagged.", r.ARN)
	}
	r.Body = with(r.Body, object{"tags": tags})
	ib.db.save(r)
	return object{}, nil
}

// policied is a kind that can be shared by a resource policy, with other accounts of the sandbox.
type policied struct{ typ, name, argument string }

func (ib *imageBuilder) getPolicy(p policied) answer {
	return func(c *call) (object, error) {
		arn := text(c.in, p.argument)
		r := ib.db.exact(arn)
		if r == nil || r.ref.kind != p.name || r.Policy == "" {
			return nil, notFound(arn)
		}
		return object{"policy": r.Policy}, nil
	}
}

func (ib *imageBuilder) putPolicy(p policied) answer {
	return func(c *call) (object, error) {
		arn := text(c.in, p.argument)
		r := ib.db.exact(arn)
		if r == nil || r.ref.kind != p.name || r.managed {
			return nil, notFound(arn)
		}
		policy := text(c.in, "policy")
		var doc object
		if err := json.Unmarshal([]byte(policy), &doc); err != nil || doc["Statement"] == nil {
			return nil, invalid("policy", "A policy is a JSON object with a Statement.")
		}
		r.Policy = policy
		ib.db.save(r)
		return object{p.argument: arn}, nil
	}
}
