package kind

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
)

const distributionConfigurationExample = `
distribution_configuration "europe" {
  regions = ["eu-west-1", "eu-central-1"]

  launch_permission {
    user_ids = ["111122223333"]
  }
}
`

// amiMember is the member of a distribution that says how AMIs go to a region.
const amiMember = "amiDistributionConfiguration"

// distributionConfigurationKind is where images go once they are made.
func distributionConfigurationKind() *planner.Kind {
	const op = "imagebuilder:CreateDistributionConfiguration"
	whole := Derive(Spec{Op: op, Filled: []string{"name", "distributions"}})
	// What is said of all regions at once: a distribution's members beside its region, and of AMIs
	// what has no namesake among them.
	shared := Derive(Spec{Op: op, Shape: "Distribution", Hidden: []string{"region"}})
	ami := Derive(Spec{Op: op, Shape: "AmiDistributionConfiguration", Hidden: []string{"name", "description", "amiTags", "kmsKeyId"}})
	g := whole.with(shared, ami)
	g.attrs = append(g.attrs, dsl.Attr{
		Name: "regions", Type: cty.List(cty.String),
		Doc: "Short for one distribution block each, with the arguments that stand beside it.",
	})
	k := &planner.Kind{
		Name:   "distribution_configuration",
		Block:  block("distribution_configuration", g, "Where images go: regions, accounts, launch templates, parameters.", "arn", "name"),
		Naming: planner.HashedName, Resource: "distribution-configuration",
		Create: op, Read: "imagebuilder:GetDistributionConfiguration",
		List: "imagebuilder:ListDistributionConfigurations", Delete: "imagebuilder:DeleteDistributionConfiguration",
		Outputs: map[string]string{"arn": "distributionConfigurationArn"},
		Example: distributionConfigurationExample,
	}
	k.Lower = func(_ *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		n, l := lowerNamed(whole, planner.HashedName, b)
		l.distribute(b, shared.Lower(b.Body), ami.Lower(b.Body), n.Name)
		return n, l.Diags
	}
	return k
}

// with is the grammar and others beside it; none of what they have is required.
func (g *Grammar) with(others ...*Grammar) *Grammar {
	out := &Grammar{fields: slices.Clone(g.fields), attrs: slices.Clone(g.attrs), blocks: slices.Clone(g.blocks)}
	for _, o := range others {
		for _, f := range o.fields {
			f.required = false
			out.merge(f)
		}
	}
	return out
}

// distribute makes a distribution of each region of the short form, and gives every distribution
// what is said of all of them and it does not say otherwise.
func (l *Lowered) distribute(b *dsl.Block, shared, ami *Lowered, name string) {
	l.Diags = append(append(l.Diags, shared.Diags...), ami.Diags...)
	list, _ := l.Input["distributions"].([]any)
	if v, ok := b.Body.Attr("regions"); ok {
		regions, _ := v.V.([]any)
		if _, written := l.Ranges["distributions"]; !written {
			l.Ranges["distributions"] = v.Range
		}
		for i, region := range regions {
			at := "distributions[" + strconv.Itoa(len(list)) + "]"
			l.Ranges[at], l.Ranges[at+".region"] = v.At(strconv.Itoa(i)), v.At(strconv.Itoa(i))
			list = append(list, map[string]any{"region": region})
		}
	}
	if len(list) == 0 {
		l.fail(b.Range, "No region", fmt.Sprintf("%s says nothing about where images go. Write regions = [\"…\"], or a distribution block for each region.", b.Addr))
		return
	}
	for i, e := range list {
		d, _ := e.(map[string]any)
		at := "distributions[" + strconv.Itoa(i) + "]"
		l.inherit(d, at, shared, false)
		replicaOf(d)
		if len(ami.Input) > 0 {
			inner, ok := d[amiMember].(map[string]any)
			if !ok {
				inner = map[string]any{}
			} else {
				inner = maps.Clone(inner)
			}
			l.inherit(inner, at+"."+amiMember, ami, true)
			d[amiMember] = inner
		}
		l.defaultOutput(d, name)
	}
	l.Input["distributions"] = list
}

// replicaOf names the replica of a multi-Region key in the distribution's region, so that one ARN serves all
// regions: key ID and account are the same in each (KMS Developer Guide, "Multi-Region keys").
func replicaOf(d map[string]any) {
	ami, _ := d[amiMember].(map[string]any)
	key, _ := ami["kmsKeyId"].(string)
	region, _ := d["region"].(string)
	a, err := awsmodel.ParseARN(key)
	if err != nil || a.Service != "kms" || !strings.HasPrefix(a.Resource, "key/mrk-") || region == "" || a.Region == region {
		return
	}
	a.Region = region
	ami = maps.Clone(ami)
	ami["kmsKeyId"], d[amiMember] = a.String(), ami
}

// inherit copies what is said of all distributions where one does not say it itself.
func (l *Lowered) inherit(d map[string]any, at string, from *Lowered, deep bool) {
	for _, m := range sortedKeys(from.Input) {
		if _, own := d[m]; own {
			continue
		}
		d[m] = from.Input[m]
	}
	for path, r := range from.Ranges {
		if _, own := l.Ranges[at+"."+path]; !own {
			l.Ranges[at+"."+path] = r
		}
	}
	if _, own := l.Ranges[at]; deep && !own && len(from.Ranges) > 0 {
		l.Ranges[at] = from.Ranges[sortedKeys(from.Ranges)[0]]
	}
}

// defaultOutput says that a region gets the AMI where nothing else is said: AWS refuses a
// distribution without any output (spec of CreateDistributionConfiguration, "One or more outputs
// should be provided for each region"). The name must hold the build date.
func (l *Lowered) defaultOutput(d map[string]any, name string) {
	const date = " {{ imagebuilder:buildDate }}"
	const longest = 127 // AmiNameString of the Image Builder model
	if len(d) > 1 {
		return
	}
	d[amiMember] = map[string]any{"name": name[:min(len(name), longest-len(date))] + date}
}
