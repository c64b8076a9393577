package rules

import (
	"maps"
	"slices"
)

var infrastructures = []string{"CreateInfrastructureConfiguration", "UpdateInfrastructureConfiguration"}

var infrastructureRules = []Rule{
	{
		ID: "ib-instance-type-blank", Source: "API Reference: an empty text is invalid",
		Says: "An instance type is not empty.",
		on:   on(infrastructures, "instanceTypes[]"), judge: notBlank,
	},
	{
		ID: "ib-subnet-security-groups", Source: "User Guide, infrastructure configuration: a subnet requires security groups",
		Says: "A subnet needs security groups.",
		on:   on(infrastructures, "subnetId"), judge: subnetNeedsGroups,
	},
	{
		ID: "ib-reserved-tags", Source: "API Reference, CreateInfrastructureConfiguration: reserved keys of resourceTags",
		Says: "Image Builder keeps the tag keys CreatedBy, Ec2ImageBuilderArn, Name and Tags of its instances.",
		on:   on(infrastructures, "resourceTags"), judge: reservedTags,
	},
	{
		ID: "ib-placement", Source: "API Reference, Placement",
		Says: "A host or host resource group needs the tenancy host, and only one of them is given.",
		on:   on(infrastructures, "placement"), judge: placement,
	},
}

func subnetNeedsGroups(s *subject) {
	if !filled(object(s.owner)["securityGroupIds"]) {
		s.refuseAs(codeCombination, "", "With subnetId, securityGroupIds must be given too", "Add at least one id to securityGroupIds.")
	}
}

// reservedTags refuses the keys that Image Builder sets on its instances by itself.
func reservedTags(s *subject) {
	for _, k := range slices.Sorted(maps.Keys(object(s.value))) {
		switch k {
		case "CreatedBy", "Ec2ImageBuilderArn", "Name", "Tags":
			s.refuse("."+k, "The key "+k+" is reserved", "Use another key; Image Builder sets this one by itself.")
		}
	}
}

// placement: hosts are for tenancy host, and there is one way to name one.
func placement(s *subject) {
	p := object(s.value)
	if present(p["hostId"]) && present(p["hostResourceGroupArn"]) {
		s.refuseAs(codeCombination, ".hostResourceGroupArn", "Only one of hostId and hostResourceGroupArn can be given", "Keep one of the two.")
	}
	if isUnknown(p["tenancy"]) || text(p["tenancy"]) == "host" {
		return
	}
	for _, k := range []string{"hostId", "hostResourceGroupArn"} {
		if present(p[k]) {
			s.refuseAs(codeCombination, "."+k, "It needs the tenancy host", `Make tenancy "host", or leave `+k+" out.")
		}
	}
}
