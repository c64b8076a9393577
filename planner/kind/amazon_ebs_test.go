package kind_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

// ebsSpecial are values that mean something, where any text or number won't do.
var ebsSpecial = map[string]string{
	"region": `"eu-central-1"`, "ami_name": `"other-{{timestamp}}"`, "communicator": `"winrm"`, "user_data_file": `"user_data.sh"`,
	"source_ami": `"ami-0123456789abcdef1"`, "ami_regions": `["eu-central-1"]`, "ami_groups": `["all"]`, "tenancy": `"dedicated"`,
	"http_endpoint": `"disabled"`, "instance_metadata_tags": `"enabled"`, "http_tokens": `"required"`, "no_device": "true",
	"virtual_name": `"ephemeral0"`, "encrypted": "true", "host_id": `"h-0123456789abcdef0"`, "owners": `["amazon"]`,
	"kms_key_id": `"alias/packer"`, "device_name": `"/dev/sdg"`, "snapshot_id": `"snap-0123456789abcdef0"`, "volume_type": `"gp2"`, "template_id": `"lt-0123456789abcdef0"`,
	"ami_org_arns": `["arn:aws:organizations::123456789012:organization/o-abcdefghij"]`, "enable_fast_launch": "false",
	"ami_ou_arns": `["arn:aws:organizations::123456789012:ou/o-abcdefghij/ou-abcd-12345678"]`, "volume_size": "30",
	"security_group_ids": `["sg-0123456789abcdef1"]`, "security_group_id": `"sg-0123456789abcdef1"`, "subnet_id": `"subnet-0123456789abcdef0"`,
	"availability_zone": `"eu-west-1a"`,
}

// ebsBeside are the lines without which an argument has nothing to say.
var ebsBeside = map[string]string{
	"skip_ami_run_tags": "  run_tags = { team = \"web\" }\n",
	"fast_launch":       "  communicator = \"winrm\"\n  execution_role = \"ImageBuilderExecution\"\n",
}

// TestNoArgumentOfAmazonEBSIsLost gives every argument and block that the schema takes, one by one: each must change
// what is planned, or be named by an error or a warning.
func TestNoArgumentOfAmazonEBSIsLost(t *testing.T) {
	i := slices.IndexFunc(kind.BlockTypes(), func(b dsl.BlockType) bool { return b.Name == "source" })
	schema := kind.BlockTypes()[i].Variants["amazon-ebs"]
	seen := 0
	for _, a := range schema.Attrs {
		lost(t, a.Name, a.Name, fmt.Sprintf("  %s = %s\n", a.Name, ebsValue(a)), "")
		seen++
	}
	for _, b := range schema.Blocks {
		for _, a := range b.Schema.Attrs {
			lost(t, b.Type+"."+a.Name, a.Name, ebsBlock(b, a.Name), ebsBlock(b, ""))
			seen++
		}
		for _, inner := range b.Schema.Blocks {
			for _, a := range inner.Schema.Attrs {
				within := func(name string) string { return "  " + b.Type + " {\n" + ebsBlock(inner, name) + "  }\n" }
				lost(t, b.Type+"."+inner.Type+"."+a.Name, a.Name, within(a.Name), within(""))
				seen++
			}
		}
	}
	if seen < 150 {
		t.Errorf("only %d arguments were tried", seen)
	}
}

// ebsBlock is a block with what it needs, and one argument more.
func ebsBlock(b dsl.NestedType, name string) string {
	needs := map[string]string{"region": `"eu-west-1"`, "device_name": `"/dev/sdf"`, "volume_size": "20", "key": `"team"`, "name": `"team"`, "value": `"web"`}
	if name == "kms_key_id" {
		needs["encrypted"] = "true"
	}
	if name == "" && (b.Type == "metadata_options" || b.Type == "placement" || strings.HasSuffix(b.Type, "_device_mappings")) {
		return ""
	}
	out := "  " + b.Type + " {\n"
	for _, a := range b.Schema.Attrs {
		switch {
		case a.Name == name:
			out += fmt.Sprintf("    %s = %s\n", a.Name, ebsValue(a))
		case needs[a.Name] != "" && (b.Type != "vault_aws_engine"):
			out += fmt.Sprintf("    %s = %s\n", a.Name, needs[a.Name])
		}
	}
	return out + "  }\n"
}

func ebsValue(a dsl.Attr) string {
	if v, ok := ebsSpecial[a.Name]; ok {
		return v
	}
	switch a.Type {
	case cty.Bool:
		return "true"
	case cty.Number:
		return "7"
	case cty.List(cty.String):
		return `["111122223333"]`
	case cty.Map(cty.String):
		return `{ team = "web" }`
	}
	return `"some"`
}

func lost(t *testing.T, title, name, with, without string) {
	t.Helper()
	block, _, _ := strings.Cut(title, ".")
	plan, diags := ebsPlan(t, ebsBeside[block]+with, name)
	base, _ := ebsPlan(t, ebsBeside[block]+without, name)
	word := regexp.MustCompile(`\b` + name + `\b`)
	named := slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool {
		return word.MatchString(d.Detail) || strings.Contains(d.Detail, block)
	})
	if diags.HasErrors() && !named {
		t.Errorf("%s: %v", title, diags)
	} else if plan == base && !named {
		t.Errorf("%s changes nothing, and nothing is said of it", title)
	}
}

// ebsPlan is the calls that a source with these lines is lowered to, and what is said of it.
func ebsPlan(t *testing.T, lines, without string) (string, hcl.Diagnostics) {
	t.Helper()
	var src strings.Builder
	src.WriteString("source \"amazon-ebs\" \"web\" {\n")
	for _, l := range [][2]string{
		{"region", `"eu-west-1"`},
		{"ami_name", `"web-{{timestamp}}"`},
		{"instance_type", `"m6i.large"`},
		{"source_ami", `"ami-0123456789abcdef0"`},
		{"iam_instance_profile", `"builder"`},
		{"security_group_id", `"sg-0123456789abcdef0"`},
	} {
		if l[0] != without {
			fmt.Fprintf(&src, "  %s = %s\n", l[0], l[1])
		}
	}
	shell := "shell"
	if strings.Contains(lines, "winrm") {
		shell = "powershell"
	}
	src.WriteString(lines + "}\nbuild {\n  name = \"web\"\n  sources = [\"source.amazon-ebs.web\"]\n  provisioner \"" + shell + "\" {\n    inline = [\"echo\"]\n  }\n}\n")
	cfg, diags := loadFS(fstest.MapFS{"main.ib.hcl": {Data: []byte(src.String())}, "user_data.sh": {Data: []byte("#!/bin/sh\n")}})
	g, more := planner.Compile(cfg, kind.All(), "eu-west-1")
	diags = append(diags, more...)
	if g == nil {
		return "", diags
	}
	var b strings.Builder
	for _, n := range g.Nodes {
		text, err := json.Marshal(fmt.Sprintf("%s %v", n.Addr, n.Input))
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
	}
	return b.String(), diags
}
