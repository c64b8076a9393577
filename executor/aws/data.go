package aws

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
)

// An answerer looks one sort of data block up.
type answerer func(context.Context, *Clients, *dsl.Block) (map[string]cty.Value, *hcl.Diagnostic)

// answerers are the data blocks that AWS answers, by type.
var answerers = map[string]answerer{ //nolint:gochecknoglobals // a table, never written
	"data.amazon-ami":            newestImage,
	"data.amazon-parameterstore": parameterValue,
}

// Data answers data blocks. What it returns for a block are the block's exports.
func (c *Clients) Data(ctx context.Context) func(*dsl.Block) (map[string]cty.Value, hcl.Diagnostics) {
	return func(b *dsl.Block) (map[string]cty.Value, hcl.Diagnostics) {
		ask, ok := answerers[b.Addr.Type]
		if !ok {
			return nil, hcl.Diagnostics{{
				Severity: hcl.DiagError, Summary: "Unsupported data source", Subject: b.Range.Ptr(),
				Detail: strings.TrimPrefix(b.Addr.Type, "data.") + " cannot be looked up. Use amazon-ami or amazon-parameterstore, or hand the value in as a variable.",
			}}
		}
		values, diag := ask(ctx, c, b)
		if diag != nil {
			return nil, hcl.Diagnostics{diag}
		}
		return values, nil
	}
}

// newestImage is Packer's amazon-ami.
func newestImage(ctx context.Context, c *Clients, b *dsl.Block) (map[string]cty.Value, *hcl.Diagnostic) {
	q := imageQuery{Region: regionOf(c, b)}
	q.Filters, _ = attr[map[string]any](b, "filters")
	q.Owners, _ = attr[[]any](b, "owners")
	q.MostRecent, _ = attr[bool](b, "most_recent")
	q.IncludeDeprecated, _ = attr[bool](b, "include_deprecated")
	image, diag := q.ask(ctx, c, b.Body.At("filters"))
	if diag != nil {
		return nil, diag
	}
	tags := map[string]cty.Value{}
	for _, t := range list(image, "Tags") {
		tags[text(t, "Key")] = cty.StringVal(text(t, "Value"))
	}
	return map[string]cty.Value{
		"id": str(image, "ImageId"), "name": str(image, "Name"), "creation_date": str(image, "CreationDate"),
		"owner": str(image, "OwnerId"), "owner_name": str(image, "ImageOwnerAlias"), "tags": stringMap(tags),
	}, nil
}

// An imageQuery is Packer's question for one AMI: exactly one, or the newest where that is asked for.
// Its JSON is what follows "ami:" in a look-up.
type imageQuery struct {
	Filters           map[string]any `json:"filters"` // several values of one are separated by commas
	Owners            []any          `json:"owners"`
	MostRecent        bool           `json:"most_recent"`
	IncludeDeprecated bool           `json:"include_deprecated"`
	Region            string         `json:"-"`
}

// ask returns the image as DescribeImages tells of it; at is where the question was written.
func (q imageQuery) ask(ctx context.Context, c *Clients, at hcl.Range) (object, *hcl.Diagnostic) {
	in := object{"Owners": q.Owners, "IncludeDeprecated": q.IncludeDeprecated}
	var said []string
	var wanted []any
	for _, name := range slices.Sorted(maps.Keys(q.Filters)) {
		var values []any
		for v := range strings.SplitSeq(fmt.Sprint(q.Filters[name]), ",") {
			values = append(values, strings.TrimSpace(v))
		}
		wanted = append(wanted, object{"Name": name, "Values": values})
		said = append(said, fmt.Sprintf("%s = %v", name, q.Filters[name]))
	}
	if len(wanted) > 0 {
		in["Filters"] = wanted
	}
	out, err := c.answer(ctx, "ec2:DescribeImages", q.Region, in)
	if err != nil {
		return nil, unanswered(at, "for images", err)
	}
	images := list(out, "Images")
	slices.SortFunc(images, func(a, b object) int {
		return strings.Compare(text(b, "CreationDate")+text(b, "ImageId"), text(a, "CreationDate")+text(a, "ImageId"))
	})
	search := fmt.Sprintf("owners %v in %s with %s", q.Owners, q.Region, strings.Join(said, ", "))
	switch {
	case len(images) == 0:
		return nil, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "No image found", Subject: &at,
			Detail: fmt.Sprintf("There is no image of %s. Widen the filters, or check the owners and the region.", search),
		}
	case len(images) > 1 && !q.MostRecent:
		return nil, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Several images found", Subject: &at,
			Detail: fmt.Sprintf("There are %d images of %s. Write most_recent = true to take the newest, %s, or narrow the filters.", len(images), search, text(images[0], "ImageId")),
		}
	}
	return images[0], nil
}

// parameterValue is Packer's amazon-parameterstore.
func parameterValue(ctx context.Context, c *Clients, b *dsl.Block) (map[string]cty.Value, *hcl.Diagnostic) {
	name, _ := attr[string](b, "name")
	decrypt, _ := attr[bool](b, "with_decryption")
	region := regionOf(c, b)
	out, err := c.answer(ctx, "ssm:GetParameter", region, object{"Name": name, "WithDecryption": decrypt})
	if Code(err) == "ParameterNotFound" {
		return nil, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Parameter not found", Subject: b.Body.At("name").Ptr(),
			Detail: fmt.Sprintf("The Systems Manager parameter %q does not exist in %s. Check its name and the region.", name, region),
		}
	}
	if err != nil {
		return nil, unanswered(b.Range, "for the parameter "+name, err)
	}
	p := sub(out, "Parameter")
	version, _ := p["Version"].(int64)
	value := str(p, "Value")
	if text(p, "Type") == "SecureString" && decrypt {
		value = value.Mark(dsl.Sensitive)
	}
	return map[string]cty.Value{"value": value, "version": cty.NumberIntVal(version), "arn": str(p, "ARN")}, nil
}

// regionOf is the region a data block asks in.
func regionOf(c *Clients, b *dsl.Block) string {
	if r, ok := attr[string](b, "region"); ok && r != "" {
		return r
	}
	return c.Region()
}

// attr reads an attribute of one type; lists and maps are as planner.Object has them.
func attr[T any](b *dsl.Block, name string) (T, bool) {
	v, _ := b.Body.Attr(name)
	t, ok := v.V.(T)
	return t, ok
}

func str(o object, member string) cty.Value { return cty.StringVal(text(o, member)) }

func stringMap(m map[string]cty.Value) cty.Value {
	if len(m) == 0 {
		return cty.MapValEmpty(cty.String)
	}
	return cty.MapVal(m)
}
