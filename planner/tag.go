package planner

import (
	"fmt"
	"maps"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// The tags that imagebuild puts on everything taggable.
const (
	TagDigest  = "imagebuild:digest"  // Node.Digest, 64 hex digits
	TagAddress = "imagebuild:address" // TagAddressOf the node
	TagProject = "imagebuild:project" // imagebuild.project, where it is set
	TagRun     = "imagebuild:run"     // which run made it; the executor's
	TagExpires = "imagebuild:expires" // when gc may take it, RFC 3339 in UTC; the executor's
	// TagPullRequest begins the keys of the tags that keep a resource for pull requests: PullRequest.Tag.
	TagPullRequest = "imagebuild:pull-request"
	// TagDistribution is the ARN of the distribution configuration that an image went by, so that a list of images tells
	// which of them are distributed as they are to be; the executor's. It is Undistributed on images that
	// have none, and NotDistributed on those whose distribution a pull request left to its merge.
	TagDistribution = "imagebuild:distribution"
	NotDistributed  = "none"
	Undistributed   = "local"
	// TagSource is the ARN of the build that DistributeImage made another build of, on that other one; the executor's. What
	// it says is how gc knows that the first is superseded. No image has it and TagExpires from the same call.
	TagSource = "imagebuild:source-image"
	// TagRestart is on a fleet that imagebuild stopped for a change, from before it is stopped until it runs again.
	TagRestart = "imagebuild:restart"
	// TagCopying begins the keys of tags on an AppStream image, one for each copy of it that this program began and that has
	// no tags of its own yet. The executor's.
	TagCopying = "imagebuild:copying"
	TagLease   = "imagebuild:lease" // until when the run that works on it is sure to live, RFC 3339; the executor's
)

const (
	tagPrefix = "imagebuild:"
	// maxTags is how many tags AWS takes on one resource (TagMap of the Image Builder model).
	maxTags = 50
	// ownTags is how many of them are kept for the tags above, those of four pull requests among them.
	ownTags = 10
	// maxTagValue is how long a tag's value can be (TagValue of the Image Builder model).
	maxTagValue = 256
)

// TagAddressOf spells an address as a tag's value, where AWS allows letters, digits, spaces and
// _.:/=+-@ only: component.web["a"] is component.web:a.
func TagAddressOf(n *Node) string {
	s := n.Addr.Type + "." + n.Addr.Name
	if n.Addr.Key != "" {
		s += ":" + strings.Trim(n.Addr.Key, `"`)
	}
	s = tagText(s)
	if r := []rune(s); len(r) > maxTagValue {
		return string(r[:maxTagValue])
	}
	return s
}

// LaterTags are the tags of something whose create call takes none, so that they are put on afterwards.
func LaterTags(n *Node) map[string]any {
	tags := map[string]any{TagAddress: TagAddressOf(n), TagDigest: n.Digest}
	if given, ok := n.Settings["tags"].(map[string]any); ok {
		maps.Copy(tags, given)
	}
	return tags
}

// tag adds the tags that are known before any digest is.
func (c *compiler) tag(n *Node) hcl.Diagnostics {
	given, _ := n.Input[n.Kind.tagsMember()].(map[string]any)
	var diags hcl.Diagnostics
	for _, k := range sortedKeys(given) {
		if strings.HasPrefix(k, tagPrefix) {
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: "Reserved tag",
				Detail:  fmt.Sprintf("Tags that begin with %q are set by this program. Rename the tag %q.", tagPrefix, k),
				Subject: n.at(n.Kind.tagsMember() + "." + k).Ptr(),
			})
		}
	}
	if len(given) > maxTags-ownTags {
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Too many tags",
			Detail: fmt.Sprintf("%d tags are given. AWS takes %d on one resource, of which %d are used to find the resource again. Leave at most %d.",
				len(given), maxTags, ownTags, maxTags-ownTags),
			Subject: n.at(n.Kind.tagsMember()).Ptr(),
		})
	}
	tags := make(map[string]any, len(given)+3)
	maps.Copy(tags, given)
	tags[TagAddress] = TagAddressOf(n)
	if p := c.scope.Config.Settings.Project; p != "" {
		tags[TagProject] = p
	}
	n.Input[n.Kind.tagsMember()] = tags
	return diags
}
