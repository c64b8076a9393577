package aws

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/internal/awsmodel/rules"
	"github.com/org/imagebuild-action/planner"
)

// A baseQuery is the question for an AppStream image to start from; its JSON is what follows "appstream-image:".
type baseQuery struct {
	Name          string   `json:"name"`
	ARN           string   `json:"arn"`
	Prefix        string   `json:"prefix"`
	Pin           string   `json:"pin"`
	InstanceType  string   `json:"instance_type"`
	Software      []string `json:"software"`
	DisableIMDSV1 bool     `json:"disable_imdsv1"`
	Own           bool     `json:"own"`
	Except        string   `json:"except"`
}

// candidates is how many images a sentence lists.
const candidates = 5

// baseImage answers which image a builder starts from, as an ARN, or which own image is the newest, as a name.
func (f *finder) baseImage(ctx context.Context, l planner.Lookup) {
	var q baseQuery
	_, asked, _ := strings.Cut(l.Addr.Name, ":")
	if err := json.Unmarshal([]byte(asked), &q); err != nil {
		f.fail(&hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Unsupported look-up", Subject: l.Origin.Ptr(),
			Detail: fmt.Sprintf("%q is no question for an image: %v.", l.Addr.Name, err),
		})
		return
	}
	images, err := q.list(ctx, f.clients, f.region)
	if err != nil {
		f.fail(unanswered(l.Origin, "for AppStream images", err))
		return
	}
	chosen, diag := q.choose(images)
	if diag != nil {
		diag.Subject = l.Origin.Ptr()
		f.fail(diag)
	}
	if chosen == nil {
		return
	}
	if wrong := q.unsuitable(chosen, images); wrong != nil {
		wrong.Subject = l.Origin.Ptr()
		f.fail(wrong)
	}
	if q.Own {
		f.answer(l.Addr, text(chosen, "Name"))
	} else {
		f.answer(l.Addr, text(chosen, "Arn"))
	}
}

// list asks for what may be meant, with the names and types that AWS does not let be asked for together.
func (q baseQuery) list(ctx context.Context, c *Clients, region string) ([]object, error) {
	if q.ARN != "" {
		return unlisted(c.all(ctx, "appstream:DescribeImages", region, object{"Arns": []any{q.ARN}}))
	}
	var out []object
	for _, visibility := range []string{"PRIVATE", "SHARED", "PUBLIC"} {
		if q.Own && visibility != "PRIVATE" {
			continue
		}
		found, err := unlisted(c.all(ctx, "appstream:DescribeImages", region, object{"Type": visibility}))
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// unlisted takes "not found" for an empty list.
func unlisted(found []object, err error) ([]object, error) {
	if Code(err) == appstreamGone {
		return nil, nil
	}
	return found, err
}

// choose takes the one image that is meant. Dates decide which is the newest: those in names are written month first,
// so that the order of names misleads.
func (q baseQuery) choose(images []object) (object, *hcl.Diagnostic) {
	if q.Prefix == "" {
		i := slices.IndexFunc(images, func(o object) bool {
			return text(o, "Arn") == q.ARN && q.ARN != "" || text(o, "Name") == q.Name && q.Name != ""
		})
		if i < 0 {
			return nil, &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: "No image found",
				Detail: fmt.Sprintf("There is no AppStream image %s in the region. %s", cmp.Or(q.Name, q.ARN), q.others(images)),
			}
		}
		return images[i], nil
	}
	var fit []object
	for _, image := range images {
		if strings.HasPrefix(text(image, "Name"), q.Prefix) && text(image, "Name") != q.Except && text(image, "State") == available && (q.Own || image["ImageBuilderSupported"] == true) {
			fit = append(fit, image)
		}
	}
	if len(fit) == 0 {
		if q.Own {
			return nil, &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: "No image found",
				Detail: fmt.Sprintf("The account has no AppStream image that is AVAILABLE and whose name begins with %q, beside %q.", q.Prefix, q.Except),
			}
		}
		return nil, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "No image found",
			Detail: fmt.Sprintf("No AppStream image that is AVAILABLE and supports image builders has a name that begins with %q. %s", q.Prefix, q.others(images)),
		}
	}
	newest := slices.MaxFunc(fit, compareReleases)
	if q.Pin == "" || q.Pin == text(newest, "Name") {
		return newest, nil
	}
	i := slices.IndexFunc(images, func(o object) bool { return text(o, "Name") == q.Pin })
	if i < 0 {
		return nil, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Pinned image not found",
			Detail: fmt.Sprintf("There is no AppStream image %s any more. The newest is %s: pin that, or remove pin.", q.Pin, text(newest, "Name")),
		}
	}
	return images[i], &hcl.Diagnostic{
		Severity: hcl.DiagWarning, Summary: "Newer image available",
		Detail: fmt.Sprintf("%s is pinned, and %s is newer. Remove pin, or set it to that, to start from it.", q.Pin, text(newest, "Name")),
	}
}

// compareReleases orders by the date of release, else of creation, then by name.
func compareReleases(a, b object) int {
	return cmp.Or(cmp.Compare(released(a), released(b)), cmp.Compare(text(a, "Name"), text(b, "Name")))
}

func released(image object) string {
	return cmp.Or(text(image, "PublicBaseImageReleasedDate"), text(image, "CreatedTime"))
}

// others lists the newest images of the family that was probably meant.
func (q baseQuery) others(images []object) string {
	family := strings.TrimRight(cmp.Or(q.Prefix, q.Name), "0123456789-")
	if i := strings.Index(family, "-"); i > 0 && len(family) > i+4 {
		family = family[:i+4]
	}
	var fit []object
	for _, image := range images {
		if strings.HasPrefix(text(image, "Name"), family) && text(image, "State") == available {
			fit = append(fit, image)
		}
	}
	slices.SortFunc(fit, func(a, b object) int { return compareReleases(b, a) })
	var names []string
	for _, image := range fit[:min(candidates, len(fit))] {
		names = append(names, text(image, "Name"))
	}
	if len(names) == 0 {
		return "imagebuild appstream list --visibility public lists what there is."
	}
	return "There are: " + strings.Join(names, ", ") + "."
}

// unsuitable refuses an image that no builder can start from, or not on this type of machine. An own image that is
// updated is held against the rules where it is updated.
func (q baseQuery) unsuitable(image object, images []object) *hcl.Diagnostic {
	op, in := "CreateImageBuilder", object{"ImageArn": text(image, "Arn"), "InstanceType": q.InstanceType}
	if q.Own {
		op, in = "CreateUpdatedImage", object{"existingImageName": text(image, "Name")}
	}
	if len(q.Software) > 0 {
		var wanted []any
		for _, s := range q.Software {
			wanted = append(wanted, s)
		}
		in["SoftwaresToInstall"] = wanted
	}
	if q.DisableIMDSV1 {
		in["DisableIMDSV1"] = true
	}
	found := rules.CheckStreamImage(op, in, image)
	if len(found) == 0 {
		return nil
	}
	detail := found[0].Message + ". " + found[0].Advice
	if found[0].Rule.ID == "as-image-state" {
		detail += " Write the beginning of its name, up to the date and with the hyphen before it, to take the newest. " + q.others(images)
	}
	return planner.RuleDiagnostic(found[0].Rule.ID, hcl.Range{}, detail)
}
