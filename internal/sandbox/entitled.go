package sandbox

import (
	"net/http"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/iampolicy"
)

// entitled refuses calls on what belongs to another account: it may be looked at and built upon where its resource
// policy says so, and changed by its owner alone.
func (ib *imageBuilder) entitled(c *call) error {
	looks := strings.HasPrefix(c.op.Name, "Get") || strings.HasPrefix(c.op.Name, "List") || strings.HasPrefix(c.op.Name, "Create")
	for _, arn := range foreign(c.in, c.account) {
		f, _ := parseRef(arn)
		r := ib.db.exact(arn)
		if r == nil {
			r = ib.db.resolve(arn, f.kind)
		}
		if r == nil || looks && ib.shared(c, r) {
			continue // what is not there is the call's own matter
		}
		return &failure{
			Code: "ForbiddenException", Status: http.StatusForbidden,
			Message: "User: " + c.caller + " is not authorized to perform: imagebuilder:" + c.op.Name + " on resource: " + arn,
		}
	}
	return nil
}

// foreign are the ARNs in an input that are of other accounts, wherever they stand.
func foreign(v any, account string) (out []string) {
	switch v := v.(type) {
	case object:
		for _, k := range sortedKeys(v) {
			out = append(out, foreign(v[k], account)...)
		}
	case []any:
		for _, e := range v {
			out = append(out, foreign(e, account)...)
		}
	case string:
		if f, ok := parseRef(v); ok && f.owner != account && accountID().MatchString(f.owner) {
			out = append(out, v)
		}
	}
	return out
}

// shared is whether another account's resource is open to the caller by its policy.
func (ib *imageBuilder) shared(c *call, r *resource) bool {
	if r.managed || r.ref.owner == c.account || r.Policy == "" {
		return r.managed || r.ref.owner == c.account
	}
	policy, err := iampolicy.Parse([]byte(r.Policy))
	if err != nil {
		return false
	}
	decision, err := policy.Decide(iampolicy.Request{
		Action: "imagebuilder:Get" + kindNamed(r.ref.kind).typ, Resource: r.ARN,
		Principal: iampolicy.Principal{"AWS": {c.account, "arn:" + awsmodel.PartitionOf(c.region) + ":iam::" + c.account + ":root", c.caller}},
	})
	return err == nil && decision.Allowed
}

// sharedWith are a region's resources of one kind that other accounts share with the caller's.
func (ib *imageBuilder) sharedWith(c *call, kind string) (out []*resource) {
	for _, family := range ib.db.families {
		f := family[0].ref
		if f.kind != kind || f.region != c.region || f.owner == c.account || f.owner == "aws" {
			continue
		}
		for _, r := range family {
			if ib.shared(c, r) {
				out = append(out, r)
			}
		}
	}
	return inOrder(out)
}
