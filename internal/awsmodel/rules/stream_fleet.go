package rules

import (
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// streamFleetRules hold for AppStream's fleets, by their type.
var streamFleetRules = []Rule{
	{
		ID: "as-fleet-disconnect", Source: "API Reference, CreateFleet: DisconnectTimeoutInSeconds, 60 to 36000",
		Says: "A disconnect timeout is 60 to 36000 seconds.",
		on:   on(fleets, "DisconnectTimeoutInSeconds"), judge: seconds(60, 36000, false),
	},
	{
		ID: "as-fleet-idle", Source: "API Reference, CreateFleet: IdleDisconnectTimeoutInSeconds, 0 or 60 to 36000",
		Says: "An idle disconnect timeout is 0 or 60 to 36000 seconds.",
		on:   on(fleets, "IdleDisconnectTimeoutInSeconds"), judge: seconds(60, 36000, true),
	},
	{
		ID: "as-fleet-duration", Source: "API Reference, CreateFleet: MaxUserDurationInSeconds, 600 to 432000",
		Says: "A session lasts 600 to 432000 seconds at most.",
		on:   on(fleets, "MaxUserDurationInSeconds"), judge: seconds(600, 432000, false),
	},
	{
		ID: "as-elastic-platform", Source: "API Reference, CreateFleet: Platform; Administration Guide, create an Elastic fleet",
		Says: "An Elastic fleet has a platform.",
		on:   on([]string{"CreateFleet"}, "FleetType"), judge: elasticNeeds("Platform", "Write platform, such as WINDOWS_SERVER_2022."),
	},
	{
		ID: "as-elastic-network", Source: "API Reference, CreateFleet: VpcConfig is required for Elastic fleets",
		Says: "An Elastic fleet has subnets.",
		on:   on([]string{"CreateFleet"}, "FleetType"), judge: elasticNeeds("VpcConfig", "Write vpc_config with two subnets of different Availability Zones."),
	},
	{
		ID: "as-elastic-subnets", Source: "API Reference, VpcConfig: Elastic fleets require at least two subnets in different Availability Zones",
		Says: "An Elastic fleet has at least two subnets.",
		on:   on(fleets, "VpcConfig.SubnetIds"), judge: elasticSubnets,
	},
	{
		ID: "as-elastic-member", Source: "API Reference, CreateFleet: ComputeCapacity, DomainJoinInfo and MaxSessionsPerInstance are not allowed for Elastic fleets",
		Says: "An Elastic fleet has no capacity, no domain, and no sessions for each instance.",
		on:   on([]string{"CreateFleet"}, ""), judge: elasticForbids,
	},
	{
		ID: "as-elastic-only", Source: "API Reference, CreateFleet: Platform, MaxConcurrentSessions and SessionScriptS3Location are for Elastic fleets",
		Says: "A platform, concurrent sessions and a session script are for Elastic fleets.",
		on:   on([]string{"CreateFleet"}, ""), judge: elasticOnly,
	},
	{
		ID: "as-elastic-type", Severity: Warning, Source: "Administration Guide, AppStream fleet types: Elastic fleets use General Purpose instances",
		Says: "An Elastic fleet uses stream.standard instances.",
		on:   on(fleets, "InstanceType"), judge: elasticType,
	},
	{
		ID: "as-fleet-sessions", Source: "API Reference, ComputeCapacity: DesiredInstances for single-session fleets, DesiredSessions for multi-session fleets",
		Says: "A fleet with max_sessions_per_instance counts sessions, and never both sessions and instances.",
		on:   on(fleets, "ComputeCapacity"), judge: fleetSessions,
	},
	{
		ID: "as-fleet-single-session", Source: "API Reference, ComputeCapacity: DesiredSessions is for multi-session fleets",
		Says: "A fleet without max_sessions_per_instance has no desired_sessions.",
		on:   on([]string{"CreateFleet"}, "ComputeCapacity.DesiredSessions"), judge: singleSessions,
	},
	{
		ID: "as-fleet-sessions-fit", Severity: Warning, Source: "Administration Guide, multi-session fleets: capacity is whole instances",
		Says: "The sessions of a multi-session fleet fill whole instances.",
		on:   on(fleets, "ComputeCapacity.DesiredSessions"), judge: sessionsFit,
	},
	{
		ID: "as-fleet-count", Source: "API Reference, ComputeCapacity: DesiredInstances, and CreateFleet: MaxSessionsPerInstance and MaxConcurrentSessions",
		Says: "A number of instances or sessions is not negative, and sessions are at least 1.",
		on: []site{
			{fleets, "ComputeCapacity.DesiredInstances"}, {fleets, "ComputeCapacity.DesiredSessions"}, {fleets, "MaxSessionsPerInstance"}, {fleets, "MaxConcurrentSessions"},
		},
		judge: fleetCount,
	},
	{
		ID: "as-domain-subnet", Severity: Warning, Source: "Administration Guide, using Active Directory: the directory is reached through the VPC's subnets",
		Says: "Joining a domain needs a subnet.",
		on:   on([]string{"CreateFleet", "CreateImageBuilder"}, "DomainJoinInfo"), judge: domainSubnet,
	},
	{
		ID: "as-domain-unit", Severity: Warning, Source: "API Reference, DomainJoinInfo; Administration Guide, using Active Directory: a directory and a unit of it",
		Says: "Joining a domain needs the directory and the organizational unit.",
		on:   on([]string{"CreateFleet", "CreateImageBuilder"}, "DomainJoinInfo"), judge: domainUnit,
	},
	{
		ID: "as-subnet-once", Severity: Warning, Source: "API Reference, VpcConfig: SubnetIds",
		Says: "A subnet is named once.",
		on:   on(joining, "VpcConfig.SubnetIds"), judge: once("subnet"),
	},
	{
		ID: "as-network-id", Severity: Warning, Source: "API Reference, VpcConfig: identifiers of subnets and security groups",
		Says: "Subnets and security groups are given by their ids.",
		on:   on(joining, "VpcConfig"), judge: networkIDs,
	},
	{
		ID: "as-copy-name", Source: "API Reference, CopyImage: names are unique in an account and region, errors: ResourceAlreadyExistsException", Answer: "ResourceAlreadyExistsException",
		Says: "A copy in the same region has a name of its own.",
		on:   on([]string{"CopyImage"}, ""), judge: copyName,
	},
}

func seconds(least, most float64, zero bool) func(*subject) {
	return func(s *subject) {
		n, ok := awsmodel.ToNumber(s.value)
		if !ok || zero && n == 0 || n >= least && n <= most {
			return
		}
		also := ""
		if zero {
			also = "0, or "
		}
		s.wrong("", "It has "+number(n)+" seconds", "Write "+also+number(least)+" to "+number(most)+".")
	}
}

// isElastic says that a fleet is one; false where its type is not known.
func isElastic(in map[string]any) bool { return text(in["FleetType"]) == "ELASTIC" }

func elasticNeeds(member, advice string) func(*subject) {
	return func(s *subject) {
		if isElastic(s.root) && !present(s.root[member]) {
			s.wrong("", "An Elastic fleet needs "+member, advice)
		}
	}
}

func elasticSubnets(s *subject) {
	if l := entries(s.value); isElastic(s.root) && len(l) < 2 {
		s.wrong("", "An Elastic fleet needs at least two subnets, in different Availability Zones", "Add another subnet.")
	}
}

func elasticForbids(s *subject) {
	in := object(s.value)
	if !isElastic(in) {
		return
	}
	for _, m := range []string{"ComputeCapacity", "DomainJoinInfo", "MaxSessionsPerInstance"} {
		if present(in[m]) {
			s.wrong("."+m, "An Elastic fleet can't have it", "Remove it, or write another fleet_type.")
		}
	}
}

func elasticOnly(s *subject) {
	in := object(s.value)
	if isElastic(in) || isUnknown(in["FleetType"]) {
		return
	}
	for _, m := range []string{"Platform", "MaxConcurrentSessions", "SessionScriptS3Location"} {
		if present(in[m]) {
			s.wrong("."+m, "It is for Elastic fleets alone", `Remove it, or write fleet_type = "ELASTIC".`)
		}
	}
}

func elasticType(s *subject) {
	if t := text(s.value); t != "" && isElastic(s.root) && !strings.HasPrefix(t, "stream.standard.") {
		s.wrong("", "Elastic fleets use stream.standard instances", "Write stream.standard.medium, or another size.")
	}
}

func fleetSessions(s *subject) {
	c, multi := object(s.value), s.root["MaxSessionsPerInstance"]
	switch {
	case present(c["DesiredInstances"]) && present(c["DesiredSessions"]):
		s.wrong(".DesiredSessions", "Only one of DesiredInstances and DesiredSessions can be given", "Keep desired_sessions with max_sessions_per_instance, and desired_instances without.")
	case present(multi) && present(c["DesiredInstances"]):
		s.wrong(".DesiredInstances", "A multi-session fleet counts sessions", "Write desired_sessions instead.")
	}
}

func singleSessions(s *subject) {
	if !present(s.root["MaxSessionsPerInstance"]) && !isElastic(s.root) {
		s.wrong("", "A single-session fleet counts instances", "Write desired_instances instead, or add max_sessions_per_instance.")
	}
}

func sessionsFit(s *subject) {
	sessions, known := awsmodel.ToNumber(s.value)
	each, also := awsmodel.ToNumber(s.root["MaxSessionsPerInstance"])
	if known && also && each >= 1 && int(sessions)%int(each) != 0 {
		s.wrong("", number(sessions)+" sessions don't fill instances of "+number(each), "Write a multiple of max_sessions_per_instance; the rest of the last instance is paid for too.")
	}
}

func fleetCount(s *subject) {
	least := 0.0
	if strings.HasPrefix(s.path(""), "Max") {
		least = 1
	}
	if n, ok := awsmodel.ToNumber(s.value); ok && n < least {
		s.refuse("", "It is "+number(n), "Write at least "+number(least)+".")
	}
}

func domainSubnet(s *subject) {
	if !present(s.root["VpcConfig"]) {
		s.wrong("", "The directory is reached through a subnet, and none is given", "Write vpc_config with a subnet from which the directory can be reached.")
	}
}

func domainUnit(s *subject) {
	in := object(s.value)
	for _, m := range []string{"DirectoryName", "OrganizationalUnitDistinguishedName"} {
		if !present(in[m]) {
			s.wrong("."+m, "Joining a domain needs it", "Write the directory and one of its organizational units.")
		}
	}
}

func networkIDs(s *subject) {
	in := object(s.value)
	for member, prefix := range map[string]string{"SubnetIds": "subnet-", "SecurityGroupIds": "sg-"} {
		for i, e := range entries(in[member]) {
			if v := text(e); v != "" && !strings.HasPrefix(v, prefix) {
				s.refuse("."+member+index(i), awsmodel.Printable(v)+" is not an id", "Write the id, which begins with "+prefix+".")
			}
		}
	}
}

func copyName(s *subject) {
	in := object(s.value)
	name, region := text(in["DestinationImageName"]), text(in["DestinationRegion"])
	if name != "" && name == text(in["SourceImageName"]) && region == s.place.Region && region != "" {
		s.refuse(".DestinationImageName", "The image itself has this name in "+region, "Write another name, or another region.")
	}
}
