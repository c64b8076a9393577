package kind

import (
	"fmt"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel/rules"
	"github.com/org/imagebuild-action/planner"
)

// reservedNames begin the names of AWS's own images, in any case of letters.
var reservedNames = []string{"aws", "appstream", "amazon"}

// maxGivenName is how much of an image's 100 characters is left by the hyphen and the 12 digits of its content.
const maxGivenName = 100 - 1 - 12

// reserved refuses names of images that only Image Assistant would refuse, in a machine that is there already.
func (l *Lowered) reserved(n *planner.Node) {
	for _, r := range reservedNames {
		if strings.HasPrefix(strings.ToLower(n.Name), r) {
			l.fail(l.Ranges["Name"], "Reserved name", fmt.Sprintf("%q would be an image's name, and aws, appstream and amazon begin the names of AWS's own images. Take another one.", n.Name))
			return
		}
	}
}

// A lineage is what the configuration tells of the image that a machine starts from.
type lineage int

const (
	unknownLineage  lineage = iota
	importedLineage         // of an AMI
	nativeLineage           // of one of AppStream's own images
)

// lineageOf follows references from image to image to where the first one came from.
func lineageOf(s *planner.Scope, v any) lineage {
	seen := map[dsl.Addr]bool{}
	for {
		ref, ok := v.(dsl.Ref)
		if !ok {
			return lineageByName(v)
		}
		b, ok := s.Made(ref.Addr, appstreamImages)
		if !ok {
			b, ok = s.Block(ref.Addr)
		}
		if !ok || seen[b.Addr] {
			return unknownLineage
		}
		seen[b.Addr] = true
		if b.Addr.Type == "appstream_image" {
			if _, given := b.Body.Attr("source_ami_id"); given {
				return importedLineage
			}
			return unknownLineage // a WorkSpaces image, of either kind
		}
		v = nil
		for _, from := range []string{"base_image", "image_arn", "image_name", "source_image_name", "existing_image_name"} {
			if next, given := b.Body.Attr(from); given {
				v = next.V
			}
		}
	}
}

// lineageByName is what the name or ARN of an image tells, or the beginning of a name.
func lineageByName(v any) lineage {
	name, _ := v.(string)
	if _, resource, isARN := strings.Cut(name, ":image/"); isARN {
		name = resource
	}
	if strings.HasPrefix(strings.ToLower(name), "appstream-") {
		return nativeLineage
	}
	return unknownLineage
}

// imageType is what a lineage makes of an image, in AWS's word; "" where it tells nothing.
func (l lineage) imageType() string {
	switch l {
	case importedLineage:
		return rules.CustomImage
	case nativeLineage:
		return rules.NativeImage
	case unknownLineage:
	}
	return ""
}

// family holds the instance type against the image: imported images have families of their own. An image that is not made
// here is looked up when AWS can be asked.
func (l *Lowered) family(s *planner.Scope, body *dsl.Body) {
	typ, _ := l.Input["InstanceType"].(string)
	for _, from := range []string{"base_image", "image_name", "image_arn"} {
		image, given := body.Attr(from)
		if !given {
			continue
		}
		if detail, advice := rules.FamilyMistake("", lineageOf(s, image.V).imageType(), typ); detail != "" {
			l.Diags = append(l.Diags, planner.RuleDiagnostic("as-image-family", l.Ranges["InstanceType"], detail+". "+advice))
		}
	}
}

// joins holds the organizational unit against those of the directory configuration it refers to.
func (l *Lowered) joins(s *planner.Scope) {
	const member = "DomainJoinInfo.OrganizationalUnitDistinguishedName"
	join, _ := l.Input["DomainJoinInfo"].(map[string]any)
	unit, _ := join["OrganizationalUnitDistinguishedName"].(string)
	ref, ok := join["DirectoryName"].(dsl.Ref)
	if !ok || unit == "" {
		return
	}
	directory, ok := s.Block(ref.Addr)
	if !ok {
		return
	}
	v, _ := directory.Body.Attr("organizational_unit_distinguished_names")
	units, ok := v.V.([]any)
	if !ok || slices.ContainsFunc(units, func(u any) bool {
		known, isText := u.(string)
		return !isText || strings.EqualFold(known, unit)
	}) {
		return
	}
	l.fail(l.Ranges[member], "Organizational unit not in the directory configuration", fmt.Sprintf("%s does not list %q, and machines join only the units it lists. Add it there.", ref.Addr, unit))
}
