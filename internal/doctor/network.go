package doctor

import (
	"context"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

// providedDNS is the name server of a VPC that knows names of AWS and of the Internet, and none of a domain.
const providedDNS = "AmazonProvidedDNS"

// A network is what a machine is put into.
type network struct{ subnets, groups []string }

func networkOf(n *planner.Node) network {
	vpc := inner(n.Input["VpcConfig"])
	return network{texts(vpc["SubnetIds"]), texts(vpc["SecurityGroupIds"])}
}

func (n network) key() string {
	return strings.Join(n.subnets, ",") + " " + strings.Join(n.groups, ",")
}

// network asks whether machines that join a domain have a way to it: subnet, security groups, and name servers.
func (e *exam) network(ctx context.Context, d *domain, joining *planner.Node) []report.Check {
	n := networkOf(joining)
	if len(n.subnets) == 0 {
		return []report.Check{problem("network of "+d.name, "Write subnet_id or vpc_config.", "%s joins a domain and is in no subnet.", joining.Addr)}
	}
	vpc, out := e.subnets(ctx, d, n.subnets)
	if len(n.groups) > 0 {
		out = append(out, e.groups(ctx, d, n.groups, vpc))
	}
	if vpc != "" {
		out = append(out, e.nameServers(ctx, d, vpc))
	}
	return out
}

// subnets asks for subnets; vpc is the one that they are in, "" where that is not known.
func (e *exam) subnets(ctx context.Context, d *domain, ids []string) (vpc string, out []report.Check) {
	const op = "ec2:DescribeSubnets"
	name := "subnet " + strings.Join(ids, ", ")
	answer, err := e.call(ctx, op, d.region, object{"SubnetIds": ids})
	found := list(answer, "Subnets")
	switch {
	case strings.HasPrefix(aws.Code(err), "InvalidSubnet"):
		return "", []report.Check{problem(name, "Correct it: ids differ from region to region.", "The account has no such subnet in %s.", d.region)}
	case err != nil:
		return "", []report.Check{unanswered(name, op, err)}
	case len(found) == 0:
		return "", []report.Check{problem(name, "Correct it: ids differ from region to region.", "The account has no such subnet in %s.", d.region)}
	}
	vpc = text(found[0], "VpcId")
	for _, s := range found {
		if free, ok := s["AvailableIpAddressCount"].(float64); ok && free == 0 {
			out = append(out, problem(name, "Take another one, or free addresses.", "%s has no address left.", text(s, "SubnetId")))
		}
	}
	if len(out) == 0 {
		out = append(out, passed(name, "It is there, in %s.", vpc))
	}
	return vpc, out
}

// groups asks for security groups, which must be of the machines' VPC.
func (e *exam) groups(ctx context.Context, d *domain, ids []string, vpc string) report.Check {
	const op = "ec2:DescribeSecurityGroups"
	name := "security groups " + strings.Join(ids, ", ")
	answer, err := e.call(ctx, op, d.region, object{"GroupIds": ids})
	found := list(answer, "SecurityGroups")
	other := slices.IndexFunc(found, func(g object) bool { return vpc != "" && text(g, "VpcId") != vpc })
	switch {
	case strings.HasPrefix(aws.Code(err), "InvalidGroup"), err == nil && len(found) < len(ids):
		return problem(name, "Correct them: ids differ from region to region.", "The account has not all of them in %s.", d.region)
	case err != nil:
		return unanswered(name, op, err)
	case other >= 0:
		return problem(name, "Take groups of the subnet's VPC.", "%s is of %s, and the subnet of %s.", text(found[other], "GroupId"), text(found[other], "VpcId"), vpc)
	}
	return passed(name, "They are there.")
}

// nameServers asks where machines of a VPC look names up: a domain is found by its own name servers.
func (e *exam) nameServers(ctx context.Context, d *domain, vpc string) report.Check {
	const ofVPC, ofOptions = "ec2:DescribeVpcs", "ec2:DescribeDhcpOptions"
	name := "name servers of " + vpc
	answer, err := e.call(ctx, ofVPC, d.region, object{"VpcIds": []string{vpc}})
	if err != nil {
		return unanswered(name, ofVPC, err)
	}
	vpcs := list(answer, "Vpcs")
	if len(vpcs) == 0 {
		return unknown(name, "Look at it in the console.", "AWS tells nothing of the VPC.")
	}
	id := text(vpcs[0], "DhcpOptionsId")
	servers := []string{providedDNS} // without options of its own
	if id != "" && id != "default" {
		if answer, err = e.call(ctx, ofOptions, d.region, object{"DhcpOptionsIds": []string{id}}); err != nil {
			return unanswered(name, ofOptions, err)
		}
		servers = dnsOf(list(answer, "DhcpOptions"))
	}
	if len(servers) == 0 || slices.Contains(servers, providedDNS) {
		return warning(name, "Let DHCP options of the VPC name the domain's DNS servers; nothing to do where a rule of Route 53 Resolver forwards "+d.name+" to them.",
			"The VPC's name servers are AWS's own, which do not know %s: machines would end with DOMAIN_JOIN_ERROR_NO_SUCH_DOMAIN.", d.name)
	}
	return passed(name, "They are %s.", strings.Join(servers, ", "))
}

// dnsOf are the name servers that DHCP options name.
func dnsOf(options []object) (out []string) {
	for _, o := range options {
		for _, c := range list(o, "DhcpConfigurations") {
			if text(c, "Key") != "domain-name-servers" {
				continue
			}
			for _, v := range list(c, "Values") {
				out = append(out, text(v, "Value"))
			}
		}
	}
	return out
}
