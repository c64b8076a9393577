package rules

import (
	"slices"
	"strconv"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

const lifecyclePages = "User Guide, How lifecycle management rules work for Image Builder image resources"

var policies = []string{"CreateLifecyclePolicy", "UpdateLifecyclePolicy"}

var lifecycleRules = []Rule{
	{
		ID: "ib-lifecycle-selection", Source: "API Reference, LifecyclePolicyResourceSelection",
		Says: "A policy selects by recipes or by tags, not both.",
		on:   on(policies, "resourceSelection"), judge: exactlyOne("recipes", "tagMap"),
	},
	{
		ID: "ib-lifecycle-version", Source: "User Guide, lifecycle policies: wildcards in recipe versions",
		Says: "In a policy's recipe version, only x stands to the right of the first x.",
		on:   on(policies, "resourceSelection.recipes[].semanticVersion"), judge: recipeWildcard,
	},
	{
		ID: "ib-lifecycle-filter", Source: "API Reference, LifecyclePolicyDetailFilter",
		Says: "A filter by AGE needs a unit; a filter by COUNT has neither unit nor retainAtLeast.",
		on:   on(policies, "policyDetails[].filter"), judge: ageOrCount,
	},
	{
		ID: "ib-lifecycle-resources", Source: "API Reference, LifecyclePolicyDetailActionIncludeResources",
		Says: "A policy acts on the resources of its type.",
		on:   on(policies, "policyDetails[].action.includeResources"), judge: includedResources,
	},
	{
		ID: "ib-lifecycle-once", Source: "aws-cdk imagebuilder-alpha, lifecycle-policy.ts: rules may not have duplicate actions; aws/aws-cdk#36152",
		Says: "A policy has one rule for each action: deprecate, disable, delete.",
		on:   on(policies, "policyDetails"), judge: actionsOnce,
	},
	{
		ID: "ib-lifecycle-container-action", Source: lifecyclePages + ": deprecate and disable rules do not apply to container images",
		Says: "A policy for containers only deletes.",
		on:   on(policies, "policyDetails[].action.type"), judge: containersAreDeleted,
	},
	{
		ID: "ib-lifecycle-container-exclusion", Source: "aws-cdk imagebuilder-alpha, lifecycle-policy.ts: AMIs cannot be excluded in a container policy",
		Says: "A policy for containers excludes no AMIs.",
		on:   on(policies, "policyDetails[].exclusionRules.amis"), judge: noAMIsOfContainers,
	},
	{
		ID: "ib-lifecycle-role", Source: "User Guide, Create lifecycle policies: service-linked roles are not compatible with lifecycle policy execution",
		Says: "A policy doesn't run under a service-linked role.",
		on:   on(policies, "executionRole"), judge: noServiceRole,
	},
	{
		ID: "ib-lifecycle-count", Severity: Warning, Source: "User Guide, Create lifecycle policies: only the delete rule is by age or by count",
		Says: "Images are deprecated and disabled by age.",
		on:   on(policies, "policyDetails[]"), judge: countDeletes,
	},
	{
		ID: "ib-lifecycle-retain", Severity: Warning, Source: "API Reference, LifecyclePolicyDetailFilter: retainAtLeast is what a DELETE leaves",
		Says: "Only a delete rule retains a number of images.",
		on:   on(policies, "policyDetails[]"), judge: retainsOnDelete,
	},
	{
		ID: "ib-lifecycle-snapshots", Severity: Warning, Source: "EC2 API Reference, DeleteSnapshot: the snapshot of a registered AMI cannot be deleted",
		Says: "Snapshots are deleted together with their AMIs.",
		on:   on(policies, "policyDetails[].action"), judge: snapshotsWithAMIs,
	},
	{
		ID: "ib-lifecycle-record", Severity: Warning, Source: "aws-samples/amazon-ec2-image-builder-samples, lifecycle: without includeResources a DELETE removes the record alone",
		Says: "A delete rule says which resources it deletes beside the record.",
		on:   on(policies, "policyDetails[].action"), judge: deletesRecordAlone,
	},
	{
		ID: "ib-lifecycle-order", Severity: Warning, Source: lifecyclePages + ": a progressive strategy deprecates, then disables, then deletes",
		Says: "Images are deprecated before they are disabled, and disabled before they are deleted.",
		on:   on(policies, "policyDetails"), judge: progressiveAges,
	},
	{
		ID: "ib-lifecycle-content-version", Severity: Warning, Source: lifecyclePages + ": COUNT and retainAtLeast count per recipe version; docs/architecture.md: imagebuild gives each content a recipe version of its own",
		Says: "A policy doesn't count images of recipes whose version follows from their content.",
	},
	{
		ID: "ib-lifecycle-recipe-type", Source: "aws-cdk imagebuilder-alpha, lifecycle-policy.ts: recipes of a policy are all image recipes or all container recipes, as resourceType says",
		Says: "A policy for AMIs selects image recipes, and one for containers container recipes.",
	},
	{
		ID: "ib-lifecycle-image-tags", Severity: Warning, Source: "API Reference, CreateImagePipeline: imageTags; aws-samples/amazon-ec2-image-builder-samples, lifecycle: tag-scoped policies match what imageTags put on images of scheduled runs",
		Says: "A scheduled pipeline gives its images the tags that a policy selects by.",
	},
}

func actionsOnce(s *subject) {
	first := map[string]int{}
	for i, e := range entries(s.value) {
		typ := text(object(object(e)["action"])["type"])
		if j, dup := first[typ]; dup && typ != "" {
			s.refuseAs(codeCombination, index(i)+".action.type", "It is a second rule with the action "+awsmodel.Printable(typ)+" beside policyDetails"+index(j),
				"Keep one rule for each of DEPRECATE, DISABLE and DELETE; write another policy for the other.")
			continue
		}
		first[typ] = i
	}
}

func (s *subject) ofContainers() bool { return text(s.root["resourceType"]) == "CONTAINER_IMAGE" }

func containersAreDeleted(s *subject) {
	if v := text(s.value); s.ofContainers() && (v == "DEPRECATE" || v == "DISABLE") {
		s.refuseAs(codeCombination, "", "A policy for CONTAINER_IMAGE has no action "+v, "Write DELETE, or change resourceType.")
	}
}

func noAMIsOfContainers(s *subject) {
	if s.ofContainers() {
		s.refuseAs(codeCombination, "", "A policy for CONTAINER_IMAGE excludes no AMIs", "Exclude images by exclusionRules.tagMap, or change resourceType.")
	}
}

func noServiceRole(s *subject) {
	if v := text(s.value); strings.Contains(v, "aws-service-role/") || strings.HasPrefix(v, "AWSServiceRoleFor") {
		s.refuse("", "A service-linked role cannot run lifecycle policies", "Write a role of your own with the policy EC2ImageBuilderLifecycleExecutionPolicy.")
	}
}

// deletes says whether a rule, or an action, deletes; true where it is not known.
func deletes(action any) bool {
	typ := object(action)["type"]
	return isUnknown(action) || isUnknown(typ) || text(typ) == "DELETE"
}

func countDeletes(s *subject) {
	d := object(s.value)
	if text(object(d["filter"])["type"]) == "COUNT" && !deletes(d["action"]) {
		s.refuseAs(codeCombination, ".filter.type", "Only DELETE goes by COUNT", `Make it "AGE", with value and unit.`)
	}
}

func retainsOnDelete(s *subject) {
	d := object(s.value)
	if present(object(d["filter"])["retainAtLeast"]) && !deletes(d["action"]) {
		s.refuseAs(codeCombination, ".filter.retainAtLeast", "Only DELETE retains a number of images", "Leave retainAtLeast out.")
	}
}

func snapshotsWithAMIs(s *subject) {
	include := object(object(s.value)["includeResources"])
	if include["snapshots"] == true && include["amis"] != true && !isUnknown(include["amis"]) {
		s.refuseAs(codeCombination, ".includeResources.snapshots", "EC2 deletes no snapshot of an AMI that is registered", "Write amis = true too.")
	}
}

func deletesRecordAlone(s *subject) {
	a := object(s.value)
	include := a["includeResources"]
	if text(a["type"]) != "DELETE" || isUnknown(include) {
		return
	}
	member, what := "amis", "AMIs and snapshots stay, and cost money"
	if s.ofContainers() {
		member, what = "containers", "container images stay in ECR"
	}
	if in := object(include); in[member] != true && !isUnknown(in[member]) && in["snapshots"] != true {
		s.refuseAs(codeCombination, "", "It deletes Image Builder's record alone: the "+what, "Write include_resources { "+member+" = true }.")
	}
}

// daysIn is a unit in days, as aws-cdk reckons.
var daysIn = map[string]float64{"DAYS": 1, "WEEKS": 7, "MONTHS": 30, "YEARS": 365}

func progressiveAges(s *subject) {
	order := []string{"DEPRECATE", "DISABLE", "DELETE"}
	age := map[string]float64{}
	for i, e := range entries(s.value) {
		d := object(e)
		f := object(d["filter"])
		n, ok := awsmodel.ToNumber(f["value"])
		typ, unit := text(object(d["action"])["type"]), daysIn[text(f["unit"])]
		if !ok || unit == 0 || text(f["type"]) != "AGE" {
			continue
		}
		age[typ] = n * unit
		for _, other := range order {
			later, known := age[other]
			if a, b := slices.Index(order, typ), slices.Index(order, other); known && a >= 0 && (a < b && n*unit > later || a > b && n*unit < later) {
				s.refuseAs(codeCombination, index(i)+".filter.value", typ+" comes after "+number(n)+" "+strings.ToLower(text(f["unit"]))+", and "+other+" after "+strconv.Itoa(int(later))+" days, so that the milder action never takes place",
					"Deprecate first, then disable, then delete.")
			}
		}
	}
}

// recipeWildcard: a policy selects by the wildcards of references, not by those of new recipes.
func recipeWildcard(s *subject) {
	wild := false
	for _, r := range text(s.value) {
		switch {
		case r == 'x':
			wild = true
		case r != '.' && wild:
			s.refuseAs(codeVersion, "", "Behind an x in the version there is a number",
				"Write x in every place to the right of the first x: x.x.x, 1.x.x or 1.2.x.")
			return
		}
	}
	versionNodes(s)
}

func ageOrCount(s *subject) {
	f := object(s.value)
	switch text(f["type"]) {
	case "AGE":
		if !present(f["unit"]) {
			s.refuseAs(codeCombination, ".unit", "A filter by AGE needs a unit", "Give unit: DAYS, WEEKS, MONTHS or YEARS.")
		}
	case "COUNT":
		for _, k := range []string{"unit", "retainAtLeast"} {
			if present(f[k]) {
				s.refuseAs(codeCombination, "."+k, "A filter by COUNT has no "+k, "Leave "+k+` out, or make type "AGE".`)
			}
		}
	}
}

func includedResources(s *subject) {
	refused, of := []string{"containers"}, "AMI_IMAGE"
	switch text(s.root["resourceType"]) {
	case "AMI_IMAGE":
	case "CONTAINER_IMAGE":
		refused, of = []string{"amis", "snapshots"}, "CONTAINER_IMAGE"
	default:
		return
	}
	for _, k := range refused {
		if object(s.value)[k] == true {
			s.refuseAs(codeCombination, "."+k, "A policy for "+of+" has no "+k, "Leave "+k+" out, or change resourceType.")
		}
	}
}
