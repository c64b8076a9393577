package rules

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
