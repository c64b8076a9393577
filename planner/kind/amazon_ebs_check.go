package kind

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
)

// prepare checks what Packer checks before it builds.
func (t *ebs) prepare() {
	t.checkMachine()
	t.checkPlacement()
	t.checkSpot()
	t.checkConnection()
	t.checkKeys()
	t.checkFastLaunch()
}

// word is an argument's text; "" where it is not given, or not known.
func (t *ebs) word(name string) string {
	s, _ := t.body.Attrs[name].V.(string)
	return s
}

// both reports two arguments of which one may be given.
func (t *ebs) both(rule, one, other string) bool {
	_, first := t.given(one)
	v, second := t.given(other)
	if first && second {
		t.rule(rule, v.Range, "Only one of %s and %s can be given. Remove one of the two.", one, other)
	}
	return first && second
}

// among reports a value that is none of a list.
func (t *ebs) among(rule, title string, v dsl.Value, values ...string) {
	s, isText := v.V.(string)
	if isText && s != "" && !slices.Contains(values, s) {
		t.rule(rule, v.Range, "%s can't be %q: it is one of %s.", title, s, strings.Join(values, ", "))
	}
}

func (t *ebs) checkMachine() {
	_, typed := t.given("instance_type")
	if _, spot := t.given("spot_instance_types"); !typed && !spot {
		t.rule("pk-instance-type", t.body.At("instance_type"), `A source needs instance_type, such as instance_type = "t3.medium", or spot_instance_types.`)
	}
	t.both("pk-instance-type", "instance_type", "spot_instance_types")
	t.both("pk-user-data", "user_data", "user_data_file")
	t.both("pk-security-group", "security_group_id", "security_group_ids")
	for _, n := range t.body.Of("metadata_options") {
		a := n.Body.Attrs
		t.among("pk-metadata-options", "http_endpoint", a["http_endpoint"], "enabled", "disabled")
		t.among("pk-metadata-options", "http_tokens", a["http_tokens"], "optional", "required")
		t.among("pk-metadata-options", "instance_metadata_tags", a["instance_metadata_tags"], "enabled", "disabled")
		d := ebsDevice{attrs: a}
		if hops, given := d.number("http_put_response_hop_limit"); given && hops != 0 && (hops < 1 || hops > 64) {
			t.rule("pk-metadata-options", a["http_put_response_hop_limit"].Range, "http_put_response_hop_limit must be 1 to 64.")
		}
	}
	t.among("pk-shutdown-behavior", "shutdown_behavior", t.body.Attrs["shutdown_behavior"], "stop", "terminate")
	if !t.both("pk-capacity-reservation", "capacity_reservation_id", "capacity_reservation_group_arn") {
		t.both("pk-capacity-reservation", "capacity_reservation_id", "capacity_reservation_preference")
		t.both("pk-capacity-reservation", "capacity_reservation_group_arn", "capacity_reservation_preference")
	}
	t.among("pk-capacity-reservation", "capacity_reservation_preference", t.body.Attrs["capacity_reservation_preference"], "none", "open")
	cidrs := t.body.Attrs["temporary_security_group_source_cidrs"]
	list, _ := cidrs.V.([]any)
	for _, c := range list {
		s, isText := c.(string)
		if _, err := netip.ParsePrefix(s); isText && err != nil {
			t.rule("pk-source-cidr", cidrs.Range, `%q is no CIDR block. Write an address and a length, such as "203.0.113.0/24".`, s)
		}
	}
}

func (t *ebs) checkPlacement() {
	tenancy := t.body.Attrs["tenancy"]
	for _, n := range t.body.Of("placement") {
		a := n.Body.Attrs
		own, set := n.Body.Attr("tenancy")
		if set && own.V != "" {
			if tenancy.V != nil && tenancy.V != "" {
				t.rule("pk-tenancy", own.Range, "Only one of tenancy and placement.tenancy can be given. Remove tenancy, which is deprecated.")
			}
			tenancy = own
		}
		host, group := a["host_id"], a["host_resource_group_arn"]
		hasHost, hasGroup := host.V != nil && host.V != "", group.V != nil && group.V != ""
		if hasHost && hasGroup {
			t.rule("pk-host", group.Range, "Only one of host_id and host_resource_group_arn can be given. Remove one of the two.")
		}
		if s, isText := own.V.(string); (hasHost || hasGroup) && isText && s != "" && s != "host" {
			t.rule("pk-host", own.Range, `A host needs tenancy = "host", not %q.`, s)
		}
	}
	t.among("pk-tenancy", "tenancy", tenancy, "default", "dedicated", "host")
}

var spotStrategies = []string{"lowest-price", "diversified", "capacity-optimized", "capacity-optimized-prioritized", "price-capacity-optimized"}

func (t *ebs) checkSpot() {
	price := t.word("spot_price")
	spot := price != "" && price != "0"
	for _, name := range []string{"spot_tags", "spot_tag", "fleet_tags", "fleet_tag"} {
		if v, given := t.given(name); given && !spot {
			t.rule("pk-spot-tags", v.Range, `%s are for Spot instances. Write spot_price = "auto", or remove them.`, name)
		}
	}
	for _, name := range []string{"ena_support", "sriov_support"} {
		if t.body.Attrs[name].V == true && spot {
			t.rule("pk-spot-modification", t.body.At(name), "%s changes the instance, which Spot instances don't allow. Start from an AMI that has it, and remove one of the two.", name)
		}
	}
	if n, isNumber := t.body.Attrs["block_duration_minutes"].V.(int64); isNumber && n%60 != 0 {
		t.rule("pk-spot-duration", t.body.At("block_duration_minutes"), "block_duration_minutes must be a multiple of 60.")
	}
	t.among("pk-spot-strategy", "spot_allocation_strategy", t.body.Attrs["spot_allocation_strategy"], spotStrategies...)
	family, _, _ := strings.Cut(t.word("instance_type"), ".")
	for _, name := range []string{"enable_unlimited_credits", "enable_t2_unlimited"} {
		if t.body.Attrs[name].V != true {
			continue
		}
		if !slices.Contains([]string{"t2", "t3", "t3a", "t4g"}, family) {
			t.rule("pk-unlimited-credits", t.body.At(name), "%s needs an instance_type of t2, t3, t3a or t4g.", name)
		}
		if family == "t2" && price != "" {
			t.rule("pk-unlimited-credits", t.body.At(name), "%s can't be used with spot_price. Remove one of the two.", name)
		}
	}
	if t.body.Attrs["enable_nitro_enclave"].V == true && (price != "" || strings.HasPrefix(family, "t")) {
		t.rule("pk-nitro-enclave", t.body.At("enable_nitro_enclave"), "enable_nitro_enclave can be used neither with spot_price nor with a burstable instance_type.")
	}
}

func (t *ebs) checkConnection() {
	a, typ := t.body.Attrs, t.word("communicator")
	t.among("pk-communicator", "communicator", a["communicator"], "ssh", "winrm", "none")
	t.among("pk-ssh-interface", "ssh_interface", a["ssh_interface"], "public_ip", "private_ip", "public_dns", "private_dns", "ipv6", "session_manager")
	if t.word("ssh_interface") == "session_manager" && typ == "winrm" {
		t.rule("pk-session-manager", t.body.At("ssh_interface"), `session_manager doesn't go with the winrm communicator. Write communicator = "ssh", or remove ssh_interface.`)
	}
	_, file := t.given("ssh_private_key_file")
	_, password := t.given("winrm_password")
	pair, paired := t.given("ssh_keypair_name")
	if paired && !file && (typ == "winrm" && !password || typ != "winrm" && a["ssh_agent_auth"].V != true) {
		t.rule("pk-key-pair", pair.Range, "ssh_keypair_name needs ssh_private_key_file, or ssh_agent_auth = true. Add one of them.")
	}
	t.among("pk-key-pair-type", "temporary_key_pair_type", a["temporary_key_pair_type"], "rsa", "ed25519")
	_, access := t.given("access_key")
	if v, secret := t.given("secret_key"); access != secret {
		if access {
			v = a["access_key"]
		}
		t.rule("pk-access-keys", v.Range, "access_key and secret_key must both be given, or neither. Remove them, and use a profile or a role.")
	}
}

// packerKey is what Packer takes for a KMS key.
var packerKey = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(arn:aws(-[a-z]{2}(-gov)?)?:kms:([a-z]{2}-(gov-)?[a-z]+-\d)?:(\d{12}):(key/(mrk-)?[a-f0-9]+[a-f0-9-]+|alias/[a-zA-Z0-9:/_-]+)|(mrk-)?[a-f0-9]+[a-f0-9-]+|alias/[a-zA-Z0-9:/_-]+)$`)
})

// checkKeys checks keys against regions, encryption and sharing.
func (t *ebs) checkKeys() {
	encrypt := t.body.Attrs["encrypt_boot"].V == true
	own, hasOwn := t.given("kms_key_id")
	keys := t.mapping("region_kms_key_ids")
	at := t.body.At("region_kms_key_ids")
	all := map[string]written{}
	if s, isText := own.V.(string); hasOwn && isText {
		all["kms_key_id"] = written{s, own.Range}
	}
	blank := false
	for region, k := range keys {
		blank = blank || k.s == ""
		if k.s != "" {
			all[region] = k
		}
	}
	if (hasOwn || len(all) > 0) && !encrypt {
		if hasOwn {
			at = own.Range
		}
		t.rule("pk-kms-unencrypted", at, "kms_key_id and region_kms_key_ids need encrypt_boot = true. Add it, or remove the keys: nothing would be encrypted.")
	}
	for _, name := range sortedKeys(all) {
		if k := all[name]; !packerKey().MatchString(k.s) {
			t.rule("pk-kms-key", k.at, "%q is no KMS key. Write a key id, alias/NAME, or the ARN of a key or an alias.", k.s)
		}
	}
	t.checkKeyRegions(keys)
	t.checkSharing(keys, encrypt, hasOwn, blank)
}

// checkKeyRegions wants a key for each region that the AMI is copied to, or for none.
func (t *ebs) checkKeyRegions(keys map[string]written) {
	if len(keys) == 0 {
		return
	}
	var regions []string
	for _, r := range t.list("ami_regions") {
		if _, ok := keys[r.s]; !ok && !slices.Contains(regions, r.s) {
			t.rule("pk-kms-region", r.at, "%s is in ami_regions, and not in region_kms_key_ids. Add a key for it, or \"\" for the region's default key.", r.s)
		}
		regions = append(regions, r.s)
	}
	for _, region := range sortedKeys(keys) {
		if !slices.Contains(regions, region) {
			t.rule("pk-kms-region", keys[region].at, "%s is in region_kms_key_ids, and not in ami_regions. Add it there, or remove its key.", region)
		}
	}
}

// checkSharing refuses to share what a default key encrypts.
func (t *ebs) checkSharing(keys map[string]written, encrypt, own, blank bool) {
	var shared dsl.Value
	for _, name := range []string{"ami_users", "ami_org_arns", "ami_ou_arns", "snapshot_users"} {
		if v, given := t.given(name); given && shared.V == nil {
			shared = v
		}
	}
	if shared.V == nil || !encrypt {
		return
	}
	if !own && len(keys) == 0 || blank {
		t.rule("pk-shared-default-key", shared.Range, "An AMI encrypted with the default KMS key can't be shared. Name a key in kms_key_id, and one for each region of ami_regions in region_kms_key_ids.")
		return
	}
	for i, r := range t.regions {
		if _, ok := keys[r.s]; !ok && i > 0 { // of the region built in, ib-shared-default-key speaks
			t.rule("pk-shared-copy-key", r.at, "The AMI in %s is encrypted with that region's default key, so it can't be shared. Add region_kms_key_ids = { %s = \"alias/NAME\" }.", r.s, r.s)
		}
	}
}

func (t *ebs) checkFastLaunch() {
	for _, n := range t.body.Of("fast_launch") {
		d := ebsDevice{attrs: n.Body.Attrs}
		if v, given := d.number("max_parallel_launches"); given && v != 0 && v < 6 {
			t.rule("pk-fast-launch", d.attrs["max_parallel_launches"].Range, "max_parallel_launches must be at least 6.")
		}
		if v, given := d.number("target_resource_count"); given && v < 0 {
			t.rule("pk-fast-launch", d.attrs["target_resource_count"].Range, "target_resource_count must be at least 1.")
		}
		seen := map[any]bool{}
		if t.checkTemplate(n.Body.Attrs, n.Range) {
			seen[t.built()] = true
		}
		for _, of := range n.Body.Of("region_launch_templates") {
			region := of.Body.Attrs["region"]
			name, isText := region.V.(string)
			if !isText {
				continue
			}
			if seen[name] {
				t.rule("pk-fast-launch", region.Range, "The launch template of %s is given twice. Remove one of the two.", name)
			}
			seen[name] = true
			if of.Body.Attrs["enable_fast_launch"].V != false {
				t.checkTemplate(of.Body.Attrs, of.Range)
			}
			if !slices.ContainsFunc(t.regions, func(w written) bool { return w.s == name }) {
				t.rule("pk-fast-launch-region", region.Range, "The AMI isn't copied to %s. Add it to ami_regions, or remove its launch template.", name)
			}
		}
	}
}

// checkTemplate checks how a launch template is named; false where none is.
func (t *ebs) checkTemplate(a map[string]dsl.Value, at hcl.Range) bool {
	said := func(name string) bool { return a[name].V != nil && a[name].V != "" && a[name].V != int64(0) }
	id, name, version := said("template_id"), said("template_name"), said("template_version")
	switch d := (ebsDevice{attrs: a}); {
	case id && name:
		t.rule("pk-fast-launch", a["template_name"].Range, "Only one of template_id and template_name can be given. Remove one of the two.")
	case version && !id && !name:
		t.rule("pk-fast-launch", a["template_version"].Range, "template_version needs template_id or template_name.")
	default:
		if n, given := d.number("template_version"); given && n < 0 {
			t.rule("pk-fast-launch", at, "template_version must be at least 1.")
		}
	}
	return id || name || version
}
