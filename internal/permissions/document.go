package permissions

import (
	"slices"
	"strconv"
	"strings"

	"github.com/org/imagebuild-action/internal/iampolicy"
)

// ManagedLimit is how long IAM lets a managed policy be, in characters without white space. A role takes
// ten of them (IAM User Guide, "IAM and AWS STS quotas").
const ManagedLimit = 6144

// manyResources is from how many resources on a statement allows all of their type instead: a
// configuration of hundreds of images would fit into no policy.
const manyResources = 25

// Documents are the role's own policies, as many as IAM's limit makes necessary.
func (r Role) Documents() []iampolicy.Document {
	var out []iampolicy.Document
	for _, s := range r.statements() {
		if n := len(out); n > 0 {
			longer := out[n-1]
			longer.Statement = append(slices.Clone(longer.Statement), s)
			if longer.Size() <= ManagedLimit {
				out[n-1] = longer
				continue
			}
		}
		out = append(out, iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{s}})
	}
	return out
}

// statements are the grants, those together that are alike in resources and condition.
func (r Role) statements() []iampolicy.Statement {
	byTarget := map[string]int{}
	var out []iampolicy.Statement
	for _, g := range r.Grants {
		resources := widened(g.Resources)
		service, _, _ := strings.Cut(g.Action, ":")
		key := strings.Join(resources, " ") + "\n" + conditionKey(g.Condition)
		if resources[0] != "*" || g.Condition != nil { // actions on everything stand together, whatever their service
			key += service
		}
		i, ok := byTarget[key]
		if !ok {
			i = len(out)
			byTarget[key] = i
			out = append(out, iampolicy.Statement{Effect: "Allow", Resource: resources, Condition: g.Condition})
		}
		if !slices.Contains(out[i].Action, g.Action) {
			out[i].Action = append(out[i].Action, g.Action)
		}
	}
	for i := range out {
		out[i].Sid = sid(r.Name) + strconv.Itoa(i+1)
	}
	return out
}

// sid is a name in letters and digits, which is all that IAM takes.
func sid(name string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(name, "-") {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

// widened are the resources, or, where there are too many, patterns of what they have in common.
func widened(resources []string) []string {
	if len(resources) < manyResources {
		return resources
	}
	var out []string
	for _, r := range resources {
		if kind, _, ok := strings.Cut(r, "/"); ok {
			r = kind + "/*"
		}
		out = append(out, r)
	}
	return distinct(out)
}
