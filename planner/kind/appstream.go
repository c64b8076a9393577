package kind

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// The kinds that AppStream's images can come from, in the order a sentence lists them.
var appstreamImages = []string{"appstream_image", "appstream_image_builder", "appstream_updated_image"}

// lowerAppStream lowers a block of a kind whose name is AppStream's: it is compared as it stands. A name that
// the user gives to something that is never changed is the whole name; without one the digest completes it.
func lowerAppStream(g *Grammar, k *planner.Kind, b *dsl.Block) (*planner.Node, *Lowered) {
	l := g.Lower(b.Body)
	n := &planner.Node{Input: l.Input, Ranges: l.Ranges, Known: map[string]any{}, Settings: planner.Object{}}
	member := k.NameMember
	n.Name = b.Addr.Name
	if b.Addr.Key != "" {
		n.Name += "-" + strings.Trim(b.Addr.Key, `"`)
	}
	switch name := l.Input[member].(type) {
	case nil:
		n.Ranges[member] = b.Range
	case string:
		n.Name = name
		if k.Naming == planner.HashedName {
			n.Fixed = name
		}
	case dsl.Ref:
		if k.Naming == planner.NamedAfter {
			return n, l
		}
		l.fail(l.Ranges[member], "Name not known", "A name must be known before anything is made: write it, or build it from variables.")
	}
	if k.Naming == planner.HashedName && n.Fixed == "" && len(n.Name) > maxGivenName {
		l.fail(l.Ranges[member], "Name too long", fmt.Sprintf("%q and the digits of the content that follow it are more than the 100 characters of a name. Take one of at most %d.", n.Name, maxGivenName))
	}
	n.Input[member] = n.Name
	if k.Naming == planner.StableName {
		n.Known["name"] = n.Name
	}
	return n, l
}

// readArguments reads attributes that become no member of the call.
func (l *Lowered) readArguments(body *dsl.Body, read func(*arguments)) {
	a := &arguments{body: body}
	read(a)
	l.Diags = append(l.Diags, a.diags...)
}

// wait puts how long something is waited for among a node's settings; "" leaves the driver its own bound.
func (l *Lowered) wait(n *planner.Node, body *dsl.Body, name string) {
	l.readArguments(body, func(a *arguments) {
		if seconds := a.seconds(name); seconds > 0 {
			n.Settings[name] = int64(seconds)
		}
	})
}

// secretOf is a credential that a plan must not show: a sensitive value, or the name of a place where it is kept.
func (l *Lowered) secretOf(s *planner.Scope, v dsl.Value, what string) (string, bool) {
	text, ok := v.V.(string)
	if !ok {
		if v.V != nil {
			l.fail(v.Range, "Secret not known", what+" must be known when the plan is made: a sensitive variable, \"ssm:/path\" or \"secretsmanager:NAME#key\".")
		}
		return "", false
	}
	if planner.StoredSecret(text) {
		return text, true
	}
	if v.Sensitive || slices.Contains(s.Config.Secrets, text) {
		return text, true
	}
	l.fail(v.Range, "Secret in the open", what+" stands in the configuration for everybody to read. Take it from a variable with sensitive = true, or name where it is kept: "+
		"\"ssm:/path\" or \"secretsmanager:NAME#key\".")
	return "", false
}

// surplusNode is something that is there and goes: it belongs to a node, and is named by what it is called.
func surplusNode(of *planner.Node, k *planner.Kind, name string, call planner.Object) *planner.Node {
	return &planner.Node{
		Addr: dsl.Addr{Type: k.Name, Name: of.Addr.Name, Key: dsl.StringKey(name)}, Kind: k, Input: call, Origin: of.Origin, Group: of.Group,
		Region: of.Region, Ranges: map[string]hcl.Range{}, Known: map[string]any{"name": name},
	}
}
