package awsmodel

import (
	"maps"
	"slices"
)

var infrastructures = []string{"CreateInfrastructureConfiguration", "UpdateInfrastructureConfiguration"}

var infrastructureRules = []rule{
	{infrastructures, "instanceTypes[]", notBlank, "API Reference: an empty text is invalid"},
	{infrastructures, "subnetId", subnetNeedsGroups, "User Guide, infrastructure configuration: a subnet requires security groups"},
	{infrastructures, "resourceTags", reservedTags, "API Reference, CreateInfrastructureConfiguration: reserved keys of resourceTags"},
	{infrastructures, "placement", placement, "API Reference, Placement"},
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
