package kind

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// An ebs is one amazon-ebs source on its way to becoming one for EC2 Image Builder.
type ebs struct {
	arguments
	scope *planner.Scope
	out   *dsl.Body
	ami   *dsl.Body // ami_distribution_configuration

	build   string    // what Packer calls build_name
	regions []written // that the AMI goes to, the one it is built in first; empty where that is not known
}

// rule reports what breaks one of Packer's rules.
func (t *ebs) rule(id string, at hcl.Range, detail string, args ...any) {
	t.diags = append(t.diags, planner.RuleDiagnostic(id, at, fmt.Sprintf(detail, args...)))
}

// built is the region that is built in; "" where it is not known.
func (t *ebs) built() string {
	if len(t.regions) == 0 {
		return ""
	}
	return t.regions[0].s
}

// translate reads a source of Packer's amazon-ebs as what it means to EC2 Image Builder.
func (e *expansion) translate(u sourceUse) sourceUse {
	t := &ebs{arguments: arguments{body: u.body}, scope: e.scope, build: u.local}
	t.out = &dsl.Body{Attrs: map[string]dsl.Value{}, Range: u.body.Range}
	t.ami = &dsl.Body{Attrs: map[string]dsl.Value{}, Range: u.body.Range}
	t.unsupported()
	t.withoutEffect()
	t.regions = t.goesTo()
	t.prepare()
	t.rename(map[string]string{
		"iam_instance_profile": "instance_profile_name", "subnet_id": "subnet_id", "security_group_ids": "security_group_ids",
		"ssh_keypair_name": "key_pair", "spot_instance_types": "instance_types", "source_ami": "parent_image",
		"execution_role": "execution_role",
	})
	t.single("instance_type", "instance_types")
	t.single("security_group_id", "security_group_ids")
	t.parent()
	t.devices()
	t.machine()
	t.userData()
	t.tags()
	t.distribute()
	if c, ok := t.str("communicator"); ok && c.s == "winrm" {
		t.out.Attrs["platform"] = dsl.Value{V: windows, Range: c.at}
	}
	for _, d := range t.diags {
		e.report(d)
	}
	u.body = t.out
	return u
}

// set gives an argument of the new source, unless it is empty: AWS takes no empty lists.
func (t *ebs) set(name string, v dsl.Value) {
	switch x := v.V.(type) {
	case nil:
		return
	case []any:
		if len(x) == 0 {
			return
		}
	case map[string]any:
		if len(x) == 0 {
			return
		}
	case string:
		if x == "" {
			return
		}
	}
	t.out.Attrs[name] = v
}

func (t *ebs) rename(names map[string]string) {
	for _, from := range sortedKeys(names) {
		if v, ok := t.body.Attr(from); ok {
			t.set(names[from], v)
		}
	}
}

// single makes a list of one.
func (t *ebs) single(from, to string) {
	if v, ok := t.body.Attr(from); ok && v.V != "" {
		t.set(to, dsl.Value{V: []any{v.V}, Range: v.Range})
	}
}

// nestedBlock makes a nested block of those attributes that are given.
func nestedBlock(typ string, at hcl.Range, attrs map[string]dsl.Value) *dsl.Nested {
	body := &dsl.Body{Attrs: map[string]dsl.Value{}, Range: at}
	for name, v := range attrs {
		if v.V != nil && v.V != "" {
			body.Attrs[name] = v
		}
	}
	if len(body.Attrs) == 0 {
		return nil
	}
	return &dsl.Nested{Type: typ, Body: body, Range: at}
}

func (t *ebs) block(n *dsl.Nested) {
	if n != nil {
		t.out.Blocks = append(t.out.Blocks, n)
	}
}

// parent turns source_ami_filter into the question which image it finds today.
func (t *ebs) parent() {
	filters := t.body.Of("source_ami_filter")
	if len(filters) == 0 {
		return
	}
	if v, ok := t.body.Attr("source_ami"); ok && v.V != "" {
		t.fail(filters[0].Range, "Conflicting arguments", "A source has source_ami or source_ami_filter, not both.")
		return
	}
	question := map[string]any{}
	for name, v := range filters[0].Body.Attrs {
		if _, isRef := v.V.(dsl.Ref); isRef || v.V == nil {
			continue
		}
		question[name] = v.V
	}
	if question["owners"] == nil {
		t.fail(filters[0].Range, "Missing required argument", "source_ami_filter needs owners, so that nobody else's image is taken: [\"amazon\"], [\"self\"] or account ids.")
		return
	}
	// A map of plain values always has a JSON form.
	text, err := json.Marshal(question)
	if err != nil {
		t.fail(filters[0].Range, "Wrong filter", "The filter cannot be written down: %s.", err)
		return
	}
	t.out.Attrs["parent_image"] = dsl.Value{V: planner.Question("ami:" + string(text)), Range: filters[0].Range}
}

// machine is what else is said about the machine that builds.
func (t *ebs) machine() {
	for _, n := range t.body.Of("metadata_options") {
		t.block(nestedBlock("instance_metadata_options", n.Range, map[string]dsl.Value{
			"http_tokens": n.Body.Attrs["http_tokens"], "http_put_response_hop_limit": n.Body.Attrs["http_put_response_hop_limit"],
		}))
	}
	place := map[string]dsl.Value{"availability_zone": t.body.Attrs["availability_zone"], "tenancy": t.body.Attrs["tenancy"]}
	at := t.body.Range
	for _, n := range t.body.Of("placement") {
		at = n.Range
		maps.Copy(place, n.Body.Attrs)
	}
	t.block(nestedBlock("placement", at, place))
}

func (t *ebs) userData() {
	text, given := t.str("user_data")
	if name, ok := t.str("user_data_file"); ok {
		src, d := readFile(t.scope.Config.Host, name, 16<<10)
		if d != nil {
			t.diags = append(t.diags, d)
			return
		}
		text, given = written{string(src), name.at}, true
	}
	if given && text.s != "" {
		t.block(nestedBlock("additional_instance_configuration", text.at, map[string]dsl.Value{
			"user_data_override": {V: base64.StdEncoding.EncodeToString([]byte(text.s)), Range: text.at},
		}))
	}
}

// distribute turns what is said about the AMI and its regions into distributions. The key of the region that is
// built in is the recipe's: see devices.
func (t *ebs) distribute() {
	t.amiName()
	if d, ok := t.str("ami_description"); ok && d.s != "" {
		if text, ok := t.render(d.s); ok {
			t.ami.Attrs["description"] = dsl.Value{V: text, Range: d.at}
		} else {
			t.rule("pk-template-late", d.at, "ami_description holds a template that only Packer fills in during a build, so the AMI gets no description. "+
				"Use variables and locals instead.")
		}
	}
	share := map[string]dsl.Value{}
	for from, to := range map[string]string{"ami_users": "user_ids", "ami_groups": "user_groups", "ami_org_arns": "organization_arns", "ami_ou_arns": "organizational_unit_arns"} {
		if v, ok := t.body.Attr(from); ok {
			if list, isList := v.V.([]any); isList && len(list) > 0 {
				share[to] = v
			}
		}
	}
	if n := nestedBlock("launch_permission", t.body.Range, share); n != nil {
		t.ami.Blocks = append(t.ami.Blocks, n)
	}
	keys := t.mapping("region_kms_key_ids")
	for _, r := range t.regions {
		ami := &dsl.Body{Attrs: maps.Clone(t.ami.Attrs), Range: t.ami.Range, Blocks: t.ami.Blocks}
		if k, ok := keys[r.s]; ok && k.s != "" && r.s != t.built() {
			ami.Attrs["kms_key_id"] = dsl.Value{V: k.s, Range: k.at}
		}
		t.block(&dsl.Nested{Type: "distribution", Range: r.at, Body: &dsl.Body{
			Range: r.at, Attrs: map[string]dsl.Value{"region": {V: r.s, Range: r.at}},
			Blocks: append([]*dsl.Nested{{Type: "ami_distribution_configuration", Body: ami, Range: r.at}}, t.fastLaunch(r.s, t.built())...),
		}})
	}
}

// goesTo are the regions: the one that is built in and those that the AMI is copied to.
func (t *ebs) goesTo() []written {
	region, given := t.str("region")
	switch {
	case !given || region.s == "":
		region = written{t.scope.Region, t.body.Range}
	case t.scope.Region != "" && t.scope.Region != region.s:
		t.fail(region.at, "Another region", "The source is built in %s, and this run builds in %s. Run it with --region %s, or make both the same.", region.s, t.scope.Region, region.s)
	}
	if region.s == "" {
		t.fail(t.body.Range, "Region not known", "The source names no region to build in. Write region = \"...\", or give --region.")
		return nil
	}
	out := []written{region}
	for _, r := range t.list("ami_regions") {
		if !slices.ContainsFunc(out, func(w written) bool { return w.s == r.s }) {
			out = append(out, r)
		}
	}
	return out
}
