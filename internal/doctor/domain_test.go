package doctor_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/tools/txtar"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/doctor"
	"github.com/org/imagebuild-action/internal/permissions"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

// joined is a machine and a fleet that join a domain whose directory config is made elsewhere.
const joined = `
appstream_image_builder "office" {
  base_image         = "AppStream-WinServer2022-"
  instance_type      = "stream.standard.large"
  subnet_id          = "subnet-0123456789abcdef0"
  security_group_ids = ["sg-0123456789abcdef0"]
  domain_join_info {
    directory_name                         = "corp.example.com"
    organizational_unit_distinguished_name = "OU=AppStream,DC=corp,DC=example,DC=com"
  }
  communicator = "winrm"
  winrm {
    username           = "CORP\\builder"
    password           = "ssm:/password"
    trust_on_first_use = true
  }
  application "notes" {
    path = "C:\\Apps\\notes.exe"
  }
}
appstream_fleet "office" {
  image_name    = "office"
  instance_type = "stream.standard.large"
  compute_capacity {
    desired_instances = 1
  }
  domain_join_info {
    directory_name                         = "corp.example.com"
    organizational_unit_distinguished_name = "OU=AppStream,DC=corp,DC=example,DC=com"
  }
  vpc_config {
    subnet_ids         = ["subnet-0123456789abcdef0"]
    security_group_ids = ["sg-0123456789abcdef0"]
  }
}
`

// directoryHere is the directory config as a part of the configuration.
const directoryHere = `
variable "join_password" {
  type      = string
  sensitive = true
  default   = "ssm:/join"
}
appstream_directory_config "corp" {
  directory_name                          = "corp.example.com"
  organizational_unit_distinguished_names = ["OU=AppStream,DC=corp,DC=example,DC=com"]
  service_account_credentials {
    account_name     = "CORP\\join"
    account_password = var.join_password
  }
}
`

// A cloud answers each call with JSON, or with an error's code. What it does not know may not be asked.
type cloud map[planner.Op]string

func (c cloud) Call(_ context.Context, op planner.Op, region string, in json.RawMessage) (json.RawMessage, error) {
	answer, ok := c[op]
	if strings.Contains(string(in), `"NextToken":"2"`) {
		answer = c[op+" page 2"]
	}
	for asked, special := range c {
		if about, of := strings.CutPrefix(string(asked), string(op)+" of "); of && strings.Contains(string(in), about) {
			answer, ok = special, true
		}
	}
	if !ok {
		answer = "AccessDenied"
	}
	if !strings.HasPrefix(answer, "{") {
		return nil, &aws.CallError{Op: op, Region: region, Code: answer, Message: "it says."}
	}
	return json.RawMessage(answer), nil
}

// inOrder is an account in which the machine can join.
func inOrder() cloud {
	return cloud{
		"appstream:DescribeDirectoryConfigs": `{"DirectoryConfigs": [{"DirectoryName": "corp.example.com", "OrganizationalUnitDistinguishedNames": ["ou=appstream,DC=corp,DC=example,DC=com"],
			"ServiceAccountCredentials": {"AccountName": "CORP\\join"}}]}`,
		"ec2:DescribeSubnets":        `{"Subnets": [{"SubnetId": "subnet-0123456789abcdef0", "VpcId": "vpc-1", "AvailableIpAddressCount": 200}]}`,
		"ec2:DescribeSecurityGroups": `{"SecurityGroups": [{"GroupId": "sg-0123456789abcdef0", "VpcId": "vpc-1"}]}`,
		"ec2:DescribeVpcs":           `{"Vpcs": [{"VpcId": "vpc-1", "DhcpOptionsId": "dopt-1"}]}`,
		"ec2:DescribeDhcpOptions": `{"DhcpOptions": [{"DhcpConfigurations": [{"Key": "domain-name", "Values": [{"Value": "corp.example.com"}]},
			{"Key": "domain-name-servers", "Values": [{"Value": "10.0.0.10"}, {"Value": "10.0.1.10"}]}]}]}`,
		"iam:GetRole":                     `{"Role": {}}`,
		"servicequotas:GetServiceQuota":   `{"Quota": {"Value": 10}}`,
		"appstream:DescribeImages":        `{"Images": [{}, {}, {}, {}, {}], "NextToken": "2"}`,
		"appstream:DescribeImages page 2": `{"Images": [{}, {}, {}, {}, {}]}`,
		"appstream:DescribeImageBuilders": `{"ImageBuilders": [{}]}`,
		"appstream:DescribeFleets":        `{"Fleets": []}`,
	}
}

// TestDomain holds what is found of a domain that machines join, and of AppStream's account, against a golden.
func TestDomain(t *testing.T) {
	const units = `"OrganizationalUnitDistinguishedNames": ["OU=Other,DC=corp,DC=example,DC=com", "OU=AppStream, DC=corp, DC=example, DC=com"]`
	fleetless, _, _ := strings.Cut(joined, `appstream_fleet "office"`)
	netless, _, _ := strings.Cut(joined, "  vpc_config")
	cases := []struct {
		name, configuration string
		change              cloud
	}{
		{"in order", joined, nil},
		{"made here", directoryHere + joined, cloud{"appstream:DescribeDirectoryConfigs": "ResourceNotFoundException"}},
		{"no directory", joined, cloud{"appstream:DescribeDirectoryConfigs": "ResourceNotFoundException"}},
		{"another unit, and one with spaces", joined, cloud{"appstream:DescribeDirectoryConfigs": `{"DirectoryConfigs": [{` + units + `, "ServiceAccountCredentials": {"AccountName": "join"}}]}`}},
		{"no service account", joined, cloud{"appstream:DescribeDirectoryConfigs": `{"DirectoryConfigs": [{"OrganizationalUnitDistinguishedNames": ["OU=AppStream,DC=corp,DC=example,DC=com"]}]}`}},
		{"a fleet in no subnet", netless + "}\n", nil},
		{"no such subnet and group", joined, cloud{"ec2:DescribeSubnets": "InvalidSubnetID.NotFound", "ec2:DescribeSecurityGroups": "InvalidGroup.NotFound"}},
		{"a full subnet, and a group of another VPC", joined, cloud{
			"ec2:DescribeSubnets":        `{"Subnets": [{"SubnetId": "subnet-0123456789abcdef0", "VpcId": "vpc-1", "AvailableIpAddressCount": 0}]}`,
			"ec2:DescribeSecurityGroups": `{"SecurityGroups": [{"GroupId": "sg-0123456789abcdef0", "VpcId": "vpc-2"}]}`,
		}},
		{"name servers of AWS", joined, cloud{"ec2:DescribeDhcpOptions": `{"DhcpOptions": [{"DhcpConfigurations": [{"Key": "domain-name-servers", "Values": [{"Value": "AmazonProvidedDNS"}]}]}]}`}},
		{"no DHCP options", joined, cloud{"ec2:DescribeVpcs": `{"Vpcs": [{"VpcId": "vpc-1", "DhcpOptionsId": "default"}]}`}},
		{"no service roles", joined, cloud{"iam:GetRole": "NoSuchEntity"}},
		{"no fleet", fleetless, cloud{"iam:GetRole of Scaling": "NoSuchEntity"}},
		{"nobody may ask", joined, cloud{
			"appstream:DescribeDirectoryConfigs": "AccessDeniedException", "ec2:DescribeSubnets": "UnauthorizedOperation", "ec2:DescribeSecurityGroups": "UnauthorizedOperation",
		}},
	}
	var got txtar.Archive
	for _, tt := range cases {
		c := inOrder()
		maps.Copy(c, tt.change)
		p := doctor.Patient{AWS: c, ARN: "arn:aws:iam::123456789012:root", Place: permissions.Place{Region: region, Account: account}, Graph: graphOf(t, tt.configuration), For: "build"}
		got.Files = append(got.Files, txtar.File{Name: tt.name, Data: []byte(render(streaming(doctor.Examine(t.Context(), p))))})
	}
	offline := doctor.Patient{Place: permissions.Place{Region: region}, Graph: graphOf(t, directoryHere+joined), For: "build"}
	got.Files = append(got.Files, txtar.File{Name: "offline", Data: []byte(render(streaming(doctor.Examine(t.Context(), offline))))})
	golden(t, "domain.txtar", &got)
}

// streaming leaves out what is asked for every configuration.
func streaming(checks []report.Check) []report.Check {
	return slices.DeleteFunc(checks, func(c report.Check) bool {
		return slices.ContainsFunc([]string{"credentials", "identity token", "region ", "permissions"}, func(p string) bool { return strings.HasPrefix(c.Name, p) })
	})
}

// TestLookUpsThatNobodyAnswered: a connection that failed tells nothing of what is looked up, and what AWS refused is a problem.
func TestLookUpsThatNobodyAnswered(t *testing.T) {
	for code, want := range map[string]report.CheckOutcome{aws.ConnectionFailed: report.CheckSkipped, "ParameterNotFound": report.CheckFailed, "AccessDenied": report.CheckFailed} {
		p := doctor.Patient{AWS: cloud{}, Place: permissions.Place{Region: region}, Graph: graphOf(t, joined), LookUps: func(context.Context) hcl.Diagnostics {
			return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "No answer from AWS", Detail: code, Extra: error(&aws.CallError{Code: code})}}
		}}
		checks := doctor.Examine(t.Context(), p)
		i := slices.IndexFunc(checks, func(c report.Check) bool { return c.Name == "look-ups" })
		if i < 0 || checks[i].Outcome != want {
			t.Errorf("%s: %+v", code, checks)
		}
	}
}
