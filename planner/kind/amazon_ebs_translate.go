package kind

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

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
}

// translate reads a source of Packer's amazon-ebs as what it means to EC2 Image Builder.
func (e *expansion) translate(u sourceUse) sourceUse {
	t := &ebs{arguments: arguments{body: u.body}, scope: e.scope}
	t.out = &dsl.Body{Attrs: map[string]dsl.Value{}, Range: u.body.Range}
	t.ami = &dsl.Body{Attrs: map[string]dsl.Value{}, Range: u.body.Range}
	t.unsupported()
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

// unsupported refuses what cannot be done, and names once what has no meaning.
func (t *ebs) unsupported() {
	for _, name := range ebsUnsupported() {
		if v, ok := t.body.Attr(name); ok && v.V != false && v.V != "" {
			t.fail(v.Range, "Unsupported argument", "EC2 Image Builder cannot do what %q asks for. Remove it, and do that in a step of the workflow after the build.", name)
		}
	}
	for _, name := range ebsUnsupportedBlocks() {
		for _, n := range t.body.Of(name) {
			t.fail(n.Range, "Unsupported block", "%q cannot be used for EC2 Image Builder. Write the id that is meant, or take it from a variable.", name)
		}
	}
	var names []string
	at := t.body.Range
	for _, name := range ebsIgnored() {
		if v, ok := t.body.Attr(name); ok && v.V != "" {
			if len(names) == 0 {
				at = v.Range
			}
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		t.warn(at, "Arguments without effect",
			"EC2 Image Builder starts the machine and runs the steps as root or SYSTEM, with credentials of this run and without SSH. These arguments of the source have no effect: %s.",
			strings.Join(names, ", "))
	}
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

// devices turns the volumes of the machine and of the AMI into the recipe's.
func (t *ebs) devices() {
	encrypt, key := t.truth("encrypt_boot"), t.body.Attrs["kms_key_id"]
	mapped := false
	for _, n := range t.body.Blocks {
		if n.Type != "launch_block_device_mappings" && n.Type != "ami_block_device_mappings" {
			continue
		}
		mapped = true
		a := n.Body.Attrs
		m := nestedBlock("block_device_mapping", n.Range, map[string]dsl.Value{"device_name": a["device_name"], "virtual_name": a["virtual_name"]})
		if m == nil {
			t.fail(n.Range, "Missing required argument", "%q needs device_name: \"/dev/xvda\", \"/dev/sda1\".", n.Type)
			continue
		}
		if v, ok := n.Body.Attr("no_device"); ok && v.V == true {
			m.Body.Attrs["no_device"] = dsl.Value{V: "", Range: v.Range} // the only value AWS takes
			t.block(m)
			continue
		}
		volume := map[string]dsl.Value{}
		for _, name := range []string{"volume_size", "volume_type", "iops", "throughput", "encrypted", "kms_key_id", "snapshot_id", "delete_on_termination"} {
			volume[name] = a[name]
		}
		if encrypt {
			volume["encrypted"] = dsl.Value{V: true, Range: t.body.At("encrypt_boot")}
			if volume["kms_key_id"].V == nil {
				volume["kms_key_id"] = key
			}
		}
		if b := nestedBlock("ebs", n.Range, volume); b != nil {
			m.Body.Blocks = append(m.Body.Blocks, b)
		}
		t.block(m)
	}
	if encrypt && !mapped {
		t.fail(t.body.At("encrypt_boot"), "Device not known", "To encrypt the root volume its device must be known. Add launch_block_device_mappings { device_name = \"/dev/xvda\" }.")
	}
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

// tags go to the AMI and to what AWS keeps about it; run_tags to the machine.
func (t *ebs) tags() {
	tags := t.tagsOf("tags", "tag")
	t.set("tags", tags)
	t.set("ami_tags", tags)
	t.set("resource_tags", t.tagsOf("run_tags", "run_tag"))
	if m, ok := tags.V.(map[string]any); ok && len(m) > 0 {
		t.ami.Attrs["ami_tags"] = tags
	}
}

// tagsOf joins a map and blocks of tags. Values that Packer would only render during the build are
// left out: nobody renders them here.
func (t *ebs) tagsOf(attr, block string) dsl.Value {
	v, _ := t.body.Attr(attr)
	out := dsl.Value{V: map[string]any{}, Range: v.Range, Elems: v.Elems}
	all, _ := out.V.(map[string]any)
	given, _ := v.V.(map[string]any)
	var late []string
	var first hcl.Range
	add := func(key string, value any, at hcl.Range) {
		if out.Range == (hcl.Range{}) {
			out.Range = at
		}
		s, ok := value.(string)
		if !ok || !strings.Contains(s, "{{") {
			all[key] = value
			return
		}
		if len(late) == 0 {
			first = at
		}
		late = append(late, key)
	}
	for _, key := range sortedKeys(given) {
		add(key, given[key], v.At(key))
	}
	for _, n := range t.body.Of(block) {
		if key, ok := n.Body.Attrs["key"].V.(string); ok {
			add(key, n.Body.Attrs["value"].V, n.Range)
		}
	}
	if len(late) > 0 {
		t.warn(first, "Tags left out", "The values of these tags are templates that only Packer renders: %s.", strings.Join(late, ", "))
	}
	return out
}

// distribute turns what is said about the AMI and its regions into distributions.
func (t *ebs) distribute() {
	if name, ok := t.str("ami_name"); ok && name.s != "" {
		t.ami.Attrs["name"] = dsl.Value{V: ebsName(name.s), Range: name.at}
	}
	if d, ok := t.str("ami_description"); ok && d.s != "" && !strings.Contains(d.s, "{{") {
		t.ami.Attrs["description"] = dsl.Value{V: d.s, Range: d.at}
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
	regions := t.regions()
	for _, r := range regions {
		ami := &dsl.Body{Attrs: maps.Clone(t.ami.Attrs), Range: t.ami.Range, Blocks: t.ami.Blocks}
		keys := t.mapping("region_kms_key_ids")
		if k, ok := keys[r.s]; ok && k.s != "" {
			ami.Attrs["kms_key_id"] = dsl.Value{V: k.s, Range: k.at}
		}
		t.block(&dsl.Nested{Type: "distribution", Range: r.at, Body: &dsl.Body{
			Range: r.at, Attrs: map[string]dsl.Value{"region": {V: r.s, Range: r.at}},
			Blocks: append([]*dsl.Nested{{Type: "ami_distribution_configuration", Body: ami, Range: r.at}}, t.fastLaunch(r.s, regions[0].s)...),
		}})
	}
}

// regions are the one that is built in and those that the AMI is copied to.
func (t *ebs) regions() []written {
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

var (
	ebsTime = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`\{\{\s*(timestamp|isotime|strftime)\b[^}]*\}\}`)
	})
	ebsChars = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^-_A-Za-z0-9 .:]`) })
)

// ebsName makes an AMI's name one that Image Builder takes: it must hold the build's date, which
// stands where Packer put a time, or at the end.
func ebsName(name string) string {
	const date = "{{ imagebuilder:buildDate }}"
	parts := ebsTime().Split(name, 2)
	for i := range parts {
		parts[i] = ebsChars().ReplaceAllString(ebsTime().ReplaceAllString(parts[i], ""), "-")
	}
	if len(parts) == 1 {
		return parts[0][:min(len(parts[0]), 98)] + " " + date
	}
	room := 99
	parts[0] = parts[0][:min(len(parts[0]), room)]
	parts[1] = parts[1][:min(len(parts[1]), room-len(parts[0]))]
	return parts[0] + date + parts[1]
}
