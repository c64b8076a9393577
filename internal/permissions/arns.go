package permissions

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
)

// A scope is a graph and the place it is for.
type scope struct {
	place Place
	graph *planner.Graph
	nodes map[string]*planner.Node
}

func newScope(g *planner.Graph, p Place) *scope {
	s := &scope{place: p, graph: g, nodes: map[string]*planner.Node{}}
	for _, n := range g.Nodes {
		s.nodes[n.Addr.String()] = n
	}
	return s
}

// pattern is the ARN of a node in all its versions and builds, with * for what the plan does not fix.
func (s *scope) pattern(n *planner.Node) string {
	service, _, _ := strings.Cut(string(n.Kind.Create), ":")
	switch {
	case n.Kind.Naming == planner.ContentKey:
		return "arn:" + s.place.partition() + ":s3:::" + cmp.Or(text(n.Input, "Bucket"), "*") + "/" + cmp.Or(keyPrefix(text(n.Input, "Key")), "*")
	case n.Kind.Resource == "":
		return "*"
	}
	resource := n.Kind.Resource
	if before, rest, ok := strings.Cut(resource, "{"); ok {
		member, after, _ := strings.Cut(rest, "}")
		resource = before + cmp.Or(strings.ToLower(text(n.Input, member)), "*") + after
	}
	name := s.name(n)
	if service == "imagebuilder" {
		name = awsmodel.NormalizeName(name)
	}
	if n.Kind.Naming == planner.ContentVersion || n.Kind.Naming == planner.OfRecipe {
		name += "/*"
	}
	switch {
	case n.Kind.Naming != planner.HashedName:
	case service == "appstream" && n.Fixed != "":
		name = "*" // it may be made of variables, and what its retention deletes has other names
	default:
		name += "-*"
	}
	return s.of(n).arn(service, resource+"/"+name)
}

// of is the place that a node is made in: copies, and what belongs to them, are in another region.
func (s *scope) of(n *planner.Node) Place {
	return Place{Region: cmp.Or(n.Region, s.place.Region), Account: s.place.Account}
}

// name is a node's name before anything was appended to it; an image has its recipe's.
func (s *scope) name(n *planner.Node) string {
	for _, member := range n.Kind.Identity {
		if strings.HasPrefix(string(n.Kind.Create), "appstream:") {
			break // what is imported has a name of its own
		}
		switch of := n.Input[member].(type) {
		case dsl.Ref:
			if r := s.nodes[of.Addr.String()]; r != nil {
				return s.name(r)
			}
		case string:
			if arn, err := awsmodel.ParseARN(of); err == nil && n.Kind.Naming == planner.OfRecipe {
				if parts := strings.Split(arn.Resource, "/"); len(parts) > 1 {
					return parts[1]
				}
			}
		}
	}
	known, _ := n.Known["name"].(string)
	return cmp.Or(n.Name, known, text(n.Input, "Name"), text(n.Input, "name"), "*")
}

// referred are the ARNs that a value of an input stands for: a resource of the graph, or what is written.
func (s *scope) referred(v any) []string {
	switch v := v.(type) {
	case dsl.Ref:
		if n := s.nodes[v.Addr.String()]; n != nil {
			return []string{s.pattern(n)}
		}
		if v.Type == planner.LookupType {
			return s.referred(v.Name)
		}
		return nil
	case string:
		if arn, err := awsmodel.ParseARN(v); err == nil {
			return []string{versions(arn)}
		}
	}
	return nil
}

// wildcard are the version numbers that stand for the newest: x.x.x, 1.x.x.
var wildcard = regexp.MustCompile(`/(\d+|x)\.(\d+|x)\.x(/|$)`)

// versions is an ARN of Image Builder in all builds of its version, and in all versions where it asks for the newest.
func versions(a awsmodel.ARN) string {
	if a.Service != "imagebuilder" {
		return a.String()
	}
	if i := wildcard.FindStringIndex(a.Resource); i != nil {
		a.Resource = a.Resource[:i[0]] + "/*"
		return a.String()
	}
	if strings.Count(a.Resource, "/") >= 2 { // kind/name/version, and builds below it
		a.Resource += "*"
	}
	return a.String()
}

// keyPrefix is a key with the hash in it left open: a later commit stores other content.
func keyPrefix(key string) string {
	if i := hash.FindStringIndex(key); i != nil {
		return key[:i[0]] + "*"
	}
	return key
}

var hash = regexp.MustCompile(`[0-9a-f]{64}`)

// object is the ARN of an S3 object or of all below a prefix, and its bucket's.
func (s *scope) object(uri string) (object, bucket string, ok bool) {
	rest, ok := strings.CutPrefix(uri, "s3://")
	name, key, _ := strings.Cut(rest, "/")
	if !ok || name == "" {
		return "", "", false
	}
	bucket = "arn:" + s.place.partition() + ":s3:::" + name
	return bucket + "/" + cmp.Or(key, "*"), bucket, true
}

// role is the ARN of a role that is written as an ARN or by its name.
func (s *scope) role(v any) []string {
	name, ok := v.(string)
	switch {
	case !ok || name == "":
		return nil
	case strings.HasPrefix(name, "arn:"):
		return []string{name}
	}
	return []string{s.place.iam("role/" + name)}
}

func text(o planner.Object, member string) string {
	v, _ := o[member].(string)
	return v
}

// at walks into an input: at(in, "a", "b") is in.a.b. Lists on the way are walked side by side.
func at(v any, path ...string) (out []any) {
	if list, ok := v.([]any); ok {
		for _, e := range list {
			out = append(out, at(e, path...)...)
		}
		return out
	}
	if len(path) == 0 {
		if v == nil {
			return nil
		}
		return []any{v}
	}
	switch m := v.(type) {
	case planner.Object:
		return at(m[path[0]], path[1:]...)
	case map[string]any:
		return at(m[path[0]], path[1:]...)
	}
	return nil
}
