// Package permissions says which IAM roles one configuration needs and what each of them must be
// allowed, no more, with the reason of every action.
//
// It is pure: a graph goes in, roles come out. What AWS calls an action, on what it works and what it
// needs besides is AWS's own reference, embedded (reference.json). It refuses to know how calls are
// made and what an account already has; see executor/aws and imagebuild doctor.
package permissions

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/iampolicy"
	"github.com/org/imagebuild-action/planner"
)

// A Place is whose account and which region the roles are for.
type Place struct {
	Region  string
	Account string // 12 digits; "" stands for any, as * in ARNs
}

func (p Place) partition() string { return awsmodel.PartitionOf(p.Region) }

func (p Place) account() string { return cmp.Or(p.Account, "*") }

// arn is the ARN of a resource of the place.
func (p Place) arn(service, resource string) string {
	return awsmodel.ARN{Partition: p.partition(), Service: service, Region: p.Region, Account: p.account(), Resource: resource}.String()
}

// iam is the ARN of something of IAM, which has no regions.
func (p Place) iam(resource string) string {
	return awsmodel.ARN{Partition: p.partition(), Service: "iam", Account: p.account(), Resource: resource}.String()
}

// A Role is a role that the configuration needs, for the program or for a service.
type Role struct {
	// Name is "plan", "build", "gc", "instance", "execution", "lifecycle", "export", "appstream-machine", "appstream-import",
	// "appstream-export" or "appstream-admin".
	Name    string
	Purpose string // a sentence: who works under it, and when
	// Called is the name that the configuration calls it by; "" where it calls it by none.
	Called string
	// Service may assume it: "ec2.amazonaws.com"; "" for roles of the program itself, which GitHub's tokens assume.
	Service string
	// Managed are ARNs of AWS's own policies that it needs.
	Managed []string
	Grants  []Grant
}

// A Grant allows one action.
type Grant struct {
	Action    string
	Resources []string // sorted; "*" where AWS knows no resource of the action
	Condition iampolicy.Conditions
	Reasons   []string // sorted noun phrases and sentences: what of the configuration needs it
}

// A collector gathers the grants of one role.
type collector struct {
	place  Place
	grants map[string]*Grant // by action and condition
}

func newCollector(p Place) *collector { return &collector{place: p, grants: map[string]*Grant{}} }

// allow adds an action on resources.
func (c *collector) allow(action, reason string, on []string, when iampolicy.Conditions) {
	if len(on) == 0 {
		return
	}
	key := action + "\n" + conditionKey(when)
	g := c.grants[key]
	if g == nil {
		g = &Grant{Action: action, Condition: when}
		c.grants[key] = g
	}
	for _, r := range on {
		if !slices.Contains(g.Resources, r) {
			g.Resources = append(g.Resources, r)
		}
	}
	if !slices.Contains(g.Reasons, reason) {
		g.Reasons = append(g.Reasons, reason)
	}
}

// sorted are the grants, what other resources cover taken away.
func (c *collector) sorted() []Grant {
	var out []Grant
	for _, key := range slices.Sorted(maps.Keys(c.grants)) {
		g := *c.grants[key]
		slices.Sort(g.Reasons)
		g.Resources = distinct(g.Resources)
		out = append(out, g)
	}
	return out
}

// distinct sorts patterns and drops those that another one matches.
func distinct(patterns []string) []string {
	slices.Sort(patterns)
	patterns = slices.Compact(patterns)
	return slices.DeleteFunc(slices.Clone(patterns), func(p string) bool {
		return slices.ContainsFunc(patterns, func(q string) bool {
			fixed, _, open := strings.Cut(q, "*")
			return open && q != p && strings.HasPrefix(p, fixed) && iampolicy.Match(q, p)
		})
	})
}

func conditionKey(c iampolicy.Conditions) string {
	var b strings.Builder
	for _, op := range slices.Sorted(maps.Keys(c)) {
		for _, k := range slices.Sorted(maps.Keys(c[op])) {
			b.WriteString(op + " " + k + " " + strings.Join(c[op][k], ",") + "\n")
		}
	}
	return b.String()
}

// Of are the roles that a configuration needs. The graph need not be sealed.
func Of(g *planner.Graph, p Place) []Role {
	s := newScope(g, p)
	roles := []Role{s.plan(), s.build(), s.gc()}
	return slices.DeleteFunc(append(roles, s.services()...), func(r Role) bool { return len(r.Grants) == 0 && len(r.Managed) == 0 })
}
