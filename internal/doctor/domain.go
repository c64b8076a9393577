package doctor

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/awsmodel/rules"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

// A domain is an Active Directory that machines of AppStream join, in one region (AppStream Administration Guide,
// "Using Active Directory").
type domain struct {
	name, region string
	joining      []*planner.Node
}

// domains looks at what must be there before machines can join their domain, and says what no call can tell.
func domains(ctx context.Context, e *exam) []report.Check {
	var out []report.Check
	var nets []string
	for _, d := range e.domains() {
		out = append(out, e.directory(ctx, d)...)
		for _, n := range d.joining {
			net := networkOf(n)
			if e.AWS == nil || slices.Contains(nets, d.region+net.key()) {
				continue
			}
			nets = append(nets, d.region+net.key())
			out = append(out, e.network(ctx, d, n)...)
		}
		out = append(out, toCheck(d))
	}
	return out
}

// domains are those that the configuration's machines join, in the order of the graph.
func (e *exam) domains() []*domain {
	var out []*domain
	for _, n := range e.Graph.Nodes {
		join := inner(n.Input["DomainJoinInfo"])
		name := e.directoryName(join["DirectoryName"])
		if name == "" {
			continue
		}
		region := cmp.Or(n.Region, e.Place.Region)
		i := slices.IndexFunc(out, func(d *domain) bool { return strings.EqualFold(d.name, name) && d.region == region })
		if i < 0 {
			i = len(out)
			out = append(out, &domain{name: name, region: region})
		}
		out[i].joining = append(out[i].joining, n)
	}
	return out
}

// directoryName is what a machine names as its directory: text, or a block of the configuration.
func (e *exam) directoryName(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case dsl.Ref:
		for _, n := range e.Graph.Nodes {
			if n.Addr == v.Addr {
				known, _ := n.Known["name"].(string)
				return cmp.Or(known, text(object(n.Input), "DirectoryName"))
			}
		}
	}
	return ""
}

// directory looks at what AppStream knows of a domain, or will once the configuration was carried out.
func (e *exam) directory(ctx context.Context, d *domain) []report.Check {
	const op = "appstream:DescribeDirectoryConfigs"
	name := "directory " + d.name
	where := "This configuration makes it"
	var config object
	for _, n := range e.Graph.Nodes {
		if n.Kind.Create == "appstream:CreateDirectoryConfig" && cmp.Or(n.Region, e.Place.Region) == d.region && strings.EqualFold(e.directoryName(dsl.Ref{Addr: n.Addr}), d.name) {
			config = object(n.Input)
		}
	}
	if config == nil {
		if e.AWS == nil {
			return nil
		}
		out, err := e.call(ctx, op, d.region, object{"DirectoryNames": []string{d.name}})
		switch found := list(out, "DirectoryConfigs"); {
		case aws.Code(err) == "ResourceNotFoundException", err == nil && len(found) == 0:
			return []report.Check{problem(name, "Write it as an appstream_directory_config, or make it in the AppStream console.", "AppStream has no directory config of this name in %s.", d.region)}
		case err != nil:
			return []report.Check{unanswered(name, op, err)}
		default:
			config, where = found[0], "It is there"
		}
	}
	return d.hold(name, where, config)
}

// hold holds a directory config against the machines that join by it.
func (d *domain) hold(name, where string, config object) []report.Check {
	units := texts(config["OrganizationalUnitDistinguishedNames"])
	var out []report.Check
	for _, unit := range units {
		if mistake, hint := rules.UnitMistake(unit); mistake != "" {
			out = append(out, problem(name, hint, "%s: %q.", mistake, unit))
		}
	}
	for _, n := range d.joining {
		unit := text(inner(n.Input["DomainJoinInfo"]), "OrganizationalUnitDistinguishedName")
		switch {
		case unit == "":
			out = append(out, warning(name, "Write organizational_unit_distinguished_name.", "%s names no organizational unit, and the container Computers cannot be used.", n.Addr))
		case !slices.ContainsFunc(units, func(u string) bool { return strings.EqualFold(u, unit) }):
			out = append(out, problem(name, "Add it to the directory config, or name one that it has.", "%s joins %q, and the directory config has %q.", n.Addr, unit, units))
		}
	}
	account := text(inner(config["ServiceAccountCredentials"]), "AccountName")
	switch {
	case account == "":
		out = append(out, problem(name, "Give it service_account_credentials.", "It names no service account to join machines with."))
	case !strings.ContainsAny(account, `\@`):
		out = append(out, warning(name, `Write it with its domain: CORP\account.`, "Its service account %q names no domain.", account))
	}
	if len(out) == 0 {
		out = append(out, passed(name, "%s, with the organizational units that machines join, and the service account %s.", where, account))
	}
	return out
}

// toCheck are the conditions of joining a domain that no call of AWS tells of.
func toCheck(d *domain) report.Check {
	sentences := []string{
		"the service account may create computer objects in the organizational unit, change and reset their passwords and write their descriptions, and its password is valid",
		"the domain is no Simple AD",
		"security groups and network ACLs let machines reach the domain controllers",
	}
	for _, n := range d.joining {
		if n.Work != nil && n.Work.Communicator.Type == "winrm" {
			sentences = append(sentences, "a group policy of the organizational unit, or the base image, sets WinRM up and makes the user of the communicator an administrator of the machines")
			break
		}
	}
	return unknown("domain "+d.name, "See that "+strings.Join(sentences, "; that ")+".", "AWS can be asked for none of the following.")
}

// inner is an object inside of an input, whichever way it was written; nil for none.
func inner(v any) object {
	switch v := v.(type) {
	case planner.Object:
		return object(v)
	case object:
		return v
	}
	return nil
}

// texts are the strings of a list.
func texts(v any) (out []string) {
	all, _ := v.([]any)
	for _, one := range all {
		if s, ok := one.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
