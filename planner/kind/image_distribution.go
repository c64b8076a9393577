package kind

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/planner"
)

// distributeImage brings an image that is AVAILABLE to where its configuration wants it. DistributeImage
// works under an execution role (API Reference, DistributeImage).
func distributeImage(n *planner.Node, have *planner.Observed) (planner.Mending, hcl.Diagnostics) {
	drift := driftOf(have)
	m := planner.Mending{Lacks: drift.says(have)}
	var diags hcl.Diagnostics
	fail := func(severity hcl.DiagnosticSeverity, summary, detail string) {
		diags = append(diags, &hcl.Diagnostic{Severity: severity, Summary: summary, Detail: detail, Subject: n.Origin.Ptr()})
	}
	if len(drift.refused) > 0 {
		fail(hcl.DiagError, "Distribution of an existing image can't be changed", fmt.Sprintf(
			"%s is AVAILABLE, and its distribution changed in what AWS can't change on an image that exists: %s. Build the image again with --rebuild.",
			n.Title(), strings.Join(drift.refused, "; ")))
		return m, diags
	}
	if len(drift.stays) > 0 {
		detail := fmt.Sprintf("The distribution of %s no longer has what AWS holds already: %s.", n.Title(), strings.Join(drift.stays, "; "))
		if len(drift.byHand) > 0 {
			detail += " If nothing uses it, delete it: " + strings.Join(drift.byHand, "; ")
		}
		fail(hcl.DiagWarning, "Left in place", detail)
	}
	if !drift.distributes(have) {
		m.Retag = &planner.Retag{Add: map[string]string{planner.TagDistribution: cmp.Or(have.Distributed.Want, planner.Undistributed)}}
		return m, diags
	}
	if n.Input["containerRecipeArn"] != nil && have.Undone() {
		fail(hcl.DiagWarning, "Image not distributed", fmt.Sprintf(
			"A pull request built %s, so it is only in the repository of its recipe. DistributeImage doesn't take container images: build it again with --rebuild to distribute it.", n.Title()))
		return m, diags
	}
	role, ok := n.Input["executionRole"]
	if !ok {
		if have.Undone() {
			fail(hcl.DiagWarning, "Image not distributed", fmt.Sprintf(
				"A pull request built %s, so it stayed where it was built: no copies in other regions, nothing shared, no parameter or launch template set. %s.", n.Title(), needsRole))
		} else {
			fail(hcl.DiagError, "Distribution needs a role", fmt.Sprintf("%s is AVAILABLE, but %s. %s.", n.Title(), m.Lacks, needsRole))
		}
		return m, diags
	}
	m.Op, m.Args = "imagebuilder:DistributeImage", planner.Object{"sourceImage": have.Outputs["arn"], "executionRole": role}
	for _, member := range []string{"distributionConfigurationArn", "loggingConfiguration", "tags"} {
		if v, given := n.Input[member]; given {
			m.Args[member] = v
		}
	}
	return m, diags
}

const containerMember = "containerDistributionConfiguration"

const needsRole = "DistributeImage changes that without another build, and works under a role: write execution_role = \"…\" where the image is described, or build the image again with --rebuild"

// A drift is what differs between how an image was distributed and how it is to be.
type drift struct {
	added   []string // DistributeImage does it
	stays   []string // nothing takes it away, or gc does
	byHand  []string // commands that take away what gc doesn't
	refused []string // AWS does not change it on an image that exists
	shared  []string // regions in which others are to be able to launch it
}

// distributes reports whether DistributeImage has something to do.
func (d *drift) distributes(have *planner.Observed) bool {
	return len(d.added) > 0 || len(have.Missing) > 0 || have.Undone()
}

// says is the drift as the end of a sentence: "not in eu-central-1".
func (d *drift) says(have *planner.Observed) string {
	var says []string
	if len(have.Missing) > 0 {
		says = append(says, "not in "+strings.Join(have.Missing, ", "))
	}
	if have.Undone() {
		says = []string{"not distributed: a pull request built it"}
	}
	for _, region := range d.shared {
		says = append(says, "launch permissions changed in "+region)
	}
	says = append(says, d.added...)
	says = append(says, d.stays...)
	if len(says) == 0 && have.Distributed != nil {
		says = append(says, "its distribution configuration is another of the same content")
	}
	return strings.Join(says, "; ")
}

// driftOf compares region by region. Who may launch the AMIs is left to sharing.
func driftOf(have *planner.Observed) *drift {
	d := &drift{}
	seen := have.Distributed
	if seen == nil {
		return d
	}
	was, wanted := byRegion(seen.Was), byRegion(seen.Wanted)
	for _, region := range regionsOf(was, wanted) {
		before, there := was[region]
		after, asked := wanted[region]
		there = there || slices.ContainsFunc(seen.AMIs, func(a planner.SharedAMI) bool { return a.Current && a.Region == region })
		switch {
		case asked && !there && seen.Container:
			d.refused = append(d.refused, "where the container image goes in "+region)
		case asked && !there:
			if !slices.Contains(have.Missing, region) {
				d.added = append(d.added, "not distributed to "+region)
			}
		case there && !asked && region != seen.Home:
			d.staying(have, region)
			d.withdrawn(region, before, nil)
		default:
			d.compare(region, before, after)
		}
		if e := sharingIn(seen, region); e.changes(seen) {
			d.shared = append(d.shared, region)
			d.others(seen, region, before, after)
		}
	}
	return d
}

// staying adds what becomes of an image's copies in a region that was dropped: gc deletes what belongs to a project, and asks for
// its name.
func (d *drift) staying(have *planner.Observed, region string) {
	var by []string
	for _, a := range have.Distributed.AMIs {
		if a.Region == region {
			by = append(by, "aws ec2 deregister-image --region "+region+" --image-id "+a.ID+" --delete-associated-snapshots")
		}
	}
	if len(by) == 0 {
		return
	}
	if project := have.Tags[planner.TagProject]; project != "" {
		d.stays = append(d.stays, "copies in "+region+" stay until imagebuild gc --project "+shellWord(project)+" deletes them")
		return
	}
	d.stays = append(d.stays, "copies in "+region+" stay, since imagebuild gc deletes only what belongs to a project")
	d.byHand = append(d.byHand, by...)
}

// compare adds what differs in one region that both have.
func (d *drift) compare(region string, was, wanted map[string]any) {
	oldAMI, newAMI := inner(was, amiMember), inner(wanted, amiMember)
	for _, m := range []struct{ member, name string }{
		{"name", "AMI name"}, {"description", "AMI description"}, {"amiTags", "AMI tags"}, {"kmsKeyId", "encryption key"},
	} {
		old, want := oldAMI[m.member], newAMI[m.member]
		if m.member == "name" && (old == nil || want == nil) { // one that nobody wrote
			continue
		}
		if !same(old, want) {
			d.added = append(d.added, m.name+" changed in "+region)
		}
	}
	if more := without(words(newAMI["targetAccountIds"]), words(oldAMI["targetAccountIds"])); len(more) > 0 {
		d.added = append(d.added, "no copies in "+region+" for accounts "+strings.Join(more, ", "))
	}
	for _, m := range []struct{ member, name string }{
		{"licenseConfigurationArns", "licenses"},
		{"launchTemplateConfigurations", "launch templates"},
		{"ssmParameterConfigurations", "SSM parameters"},
		{"s3ExportConfiguration", "export to S3"},
		{"fastLaunchConfigurations", "fast launch"},
	} {
		if len(beyond(wanted[m.member], was[m.member])) > 0 {
			d.added = append(d.added, m.name+" changed in "+region)
		}
	}
	if to := wanted[containerMember]; !empty(to) && !same(was[containerMember], to) {
		d.refused = append(d.refused, "where the container image goes in "+region)
	}
	d.withdrawn(region, was, wanted)
}

// withdrawn adds what a region had and is not to have any more.
func (d *drift) withdrawn(region string, was, wanted map[string]any) {
	for _, account := range without(words(inner(was, amiMember)["targetAccountIds"]), words(inner(wanted, amiMember)["targetAccountIds"])) {
		d.stays = append(d.stays, "the copy in "+region+" that belongs to account "+account+" stays until that account deregisters it")
	}
	for _, e := range keyed(was["ssmParameterConfigurations"], wanted["ssmParameterConfigurations"], "parameterName") {
		d.stays = append(d.stays, fmt.Sprintf("parameter %s in %s keeps its value: if nothing reads it, delete it with aws ssm delete-parameter --region %s --name %s", e, region, region, e))
	}
	for _, e := range keyed(was["launchTemplateConfigurations"], wanted["launchTemplateConfigurations"], "launchTemplateId") {
		d.stays = append(d.stays, "launch template "+e+" in "+region+" keeps the version that names the AMI")
	}
	if was["s3ExportConfiguration"] != nil && wanted["s3ExportConfiguration"] == nil {
		d.stays = append(d.stays, "the disk image exported from "+region+" stays in S3")
	}
	if !empty(was[containerMember]) && empty(wanted[containerMember]) {
		repository, _ := inner(inner(was, containerMember), "targetRepository")["repositoryName"].(string)
		d.stays = append(d.stays, "the container image in the repository "+repository+" in "+region+" stays")
	}
	if wanted == nil {
		return // the copies go as a whole
	}
	if gone := without(words(was["licenseConfigurationArns"]), words(wanted["licenseConfigurationArns"])); len(gone) > 0 {
		d.refused = append(d.refused, "licenses of its AMI in "+region+" ("+strings.Join(gone, ", ")+")")
	}
	if was["fastLaunchConfigurations"] != nil && wanted["fastLaunchConfigurations"] == nil {
		d.refused = append(d.refused, "fast launch in "+region+", which only enabled = false turns off")
	}
}

// others adds permissions of copies that belong to other accounts: only those accounts can take them away.
func (d *drift) others(seen *planner.Distributed, region string, was, wanted map[string]any) {
	gone := slices.DeleteFunc(grantsIn(was), func(g planner.Grant) bool { return slices.Contains(grantsIn(wanted), g) })
	for _, copied := range seen.Others {
		if copied.Region == region && len(gone) > 0 {
			d.refused = append(d.refused, fmt.Sprintf("who may launch %s in %s, which belongs to account %s: that account takes it back with aws ec2 modify-image-attribute",
				copied.ID, region, copied.Account))
		}
	}
}

// byRegion are distributions by their regions.
func byRegion(distributions []any) map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, e := range distributions {
		if d, ok := e.(map[string]any); ok {
			region, _ := d["region"].(string)
			out[region] = d
		}
	}
	return out
}

// regionsOf are the regions of two distributions, sorted.
func regionsOf(a, b map[string]map[string]any) []string {
	return slices.Compact(slices.Sorted(slices.Values(append(sortedKeys(a), sortedKeys(b)...))))
}

func inner(m map[string]any, member string) map[string]any {
	out, _ := m[member].(map[string]any)
	return out
}

// texts are the strings of a list.
func words(v any) (out []string) {
	list, _ := v.([]any)
	for _, e := range list {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// without is what one list has beyond another.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}

// same compares two values; what AWS fills in inside of a structure makes no difference.
func same(was, wanted any) bool {
	if empty(was) || empty(wanted) {
		return empty(was) && empty(wanted)
	}
	return planner.Covers(was, wanted) && sameKeys(was, wanted)
}

// sameKeys reports whether maps of free keys, such as tags, have no key more.
func sameKeys(was, wanted any) bool {
	a, ok := was.(map[string]any)
	b, also := wanted.(map[string]any)
	return !ok || !also || len(a) == len(b)
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// beyond are the entries that are wanted and that AWS has not; a structure is a list of one.
func beyond(wanted, was any) (out []any) {
	had := listed(was)
	for _, w := range listed(wanted) {
		if !slices.ContainsFunc(had, func(h any) bool { return planner.Covers(h, w) }) {
			out = append(out, w)
		}
	}
	return out
}

func listed(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	if empty(v) {
		return nil
	}
	return []any{v}
}

// keyed are the names of entries that are not wanted any more.
func keyed(was, wanted any, member string) []string {
	names := func(v any) (out []string) {
		for _, e := range listed(v) {
			m, _ := e.(map[string]any)
			if name, ok := m[member].(string); ok {
				out = append(out, name)
			}
		}
		return out
	}
	return without(names(was), names(wanted))
}
