package permissions_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/permissions"
	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

func compile(t *testing.T, text string) *planner.Graph {
	t.Helper()
	cfg, diags := dsl.Load(dsl.Host{
		FS: fstest.MapFS{"main.ib.hcl": {Data: []byte(text)}}, Dir: ".", Cwd: ".", Root: "/repository",
		Env: func(string) (string, bool) { return "", false }, Envs: func() []string { return nil },
	}, dsl.Options{Types: kind.BlockTypes(), Version: "0.1.0"})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	g, diags := planner.Compile(cfg, kind.All(), "eu-west-1")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return g
}

func roles(t *testing.T, text string) map[string]permissions.Role {
	t.Helper()
	out := map[string]permissions.Role{}
	for _, r := range permissions.Of(compile(t, text), permissions.Place{Region: "eu-west-1", Account: "123456789012"}) {
		out[r.Name] = r
	}
	return out
}

// line is one grant, as a test writes it.
func line(g permissions.Grant) string {
	var b strings.Builder
	b.WriteString(g.Action + " on " + strings.Join(g.Resources, " "))
	for op, keys := range g.Condition {
		for key, values := range keys {
			fmt.Fprintf(&b, " if %s %s %s", key, op, strings.Join(values, ","))
		}
	}
	return b.String()
}

func wants(t *testing.T, r permissions.Role, lines ...string) {
	t.Helper()
	var have []string
	for _, g := range r.Grants {
		have = append(have, line(g))
	}
	for _, want := range lines {
		if !slices.Contains(have, want) {
			t.Errorf("the %s role lacks %q; it has\n%s", r.Name, want, strings.Join(have, "\n"))
		}
	}
}

const everything = `
data "amazon-parameterstore" "subnet" {
  name = "/net/subnet"
}
imagebuild {
  staging {
    bucket = "staging"
    prefix = "images/"
  }
}
staged_file "motd" {
  content = "hello"
}
component "base" {
  name       = "My Base"
  platform   = "Linux"
  kms_key_id = "arn:aws:kms:eu-west-1:123456789012:key/k"
  uri        = staged_file.motd
}
image_recipe "web" {
  parent_image = "ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
  components   = [component.base, "aws:update-linux", "arn:aws:imagebuilder:eu-west-1:210987654321:component/shared/1.0.0"]
}
infrastructure_configuration "small" {
  instance_profile_name = "builder"
  sns_topic_arn         = "arn:aws:sns:eu-west-1:123456789012:images"
  logging {
    s3_logs {
      s3_bucket_name = "logs"
      s3_key_prefix  = "builds"
    }
  }
}
distribution_configuration "all" {
  distribution {
    region = "eu-central-1"
    launch_template_configuration {
      launch_template_id = "lt-0123456789abcdef0"
    }
    s3_export_configuration {
      role_name         = "vmimport"
      disk_image_format = "VMDK"
      s3_bucket         = "exports"
    }
  }
}
image "web" {
  image_recipe_arn                 = image_recipe.web
  infrastructure_configuration_arn = infrastructure_configuration.small
  distribution_configuration_arn   = distribution_configuration.all
  execution_role                   = "arn:aws:iam::123456789012:role/executor"
}
`

// TestEveryPartHasItsGrant: each thing that a configuration can name leads to its action, scoped to it.
func TestEveryPartHasItsGrant(t *testing.T) {
	r := roles(t, everything)
	wants(t, r["plan"],
		"ssm:GetParameters on arn:aws:ssm:eu-west-1::parameter/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
		"ssm:GetParameter on arn:aws:ssm:eu-west-1:123456789012:parameter/net/subnet",
		"imagebuilder:GetComponent on arn:aws:imagebuilder:eu-west-1:123456789012:component/my-base/* arn:aws:imagebuilder:eu-west-1:aws:component/update-linux/*",
		"s3:GetObject on arn:aws:s3:::staging/images/*", "s3:ListBucket on arn:aws:s3:::staging",
	)
	wants(t, r["build"],
		"imagebuilder:CreateComponent on arn:aws:imagebuilder:eu-west-1:123456789012:component/my-base/* if aws:RequestTag/imagebuild:digest Null false",
		"imagebuilder:GetComponent on arn:aws:imagebuilder:eu-west-1:123456789012:component/my-base/* arn:aws:imagebuilder:eu-west-1:210987654321:component/shared/1.0.0* arn:aws:imagebuilder:eu-west-1:aws:component/update-linux/*",
		"kms:GenerateDataKey on arn:aws:kms:eu-west-1:123456789012:key/k",
		"iam:PassRole on arn:aws:iam::123456789012:role/builder if iam:PassedToService StringEquals ec2.amazonaws.com",
		"iam:PassRole on arn:aws:iam::123456789012:role/executor if iam:PassedToService StringEquals imagebuilder.amazonaws.com",
		"iam:PassRole on arn:aws:iam::123456789012:role/vmimport if iam:PassedToService StringEquals vmie.amazonaws.com",
		"iam:GetInstanceProfile on arn:aws:iam::123456789012:instance-profile/builder",
		"sns:Publish on arn:aws:sns:eu-west-1:123456789012:images",
		"ec2:CreateLaunchTemplateVersion on arn:aws:ec2:*:123456789012:launch-template/lt-0123456789abcdef0",
		"imagebuilder:DistributeImage on arn:aws:imagebuilder:eu-west-1:123456789012:image/web/*",
		"imagebuilder:CancelImageCreation on arn:aws:imagebuilder:eu-west-1:123456789012:image/web/* if aws:ResourceTag/imagebuild:digest Null false",
		"logs:GetLogEvents on arn:aws:logs:eu-west-1:123456789012:log-group:/aws/imagebuilder/web:*",
		"s3:PutObject on arn:aws:s3:::staging/images/*", "s3:ListBucket on arn:aws:s3:::exports arn:aws:s3:::staging",
		"iam:CreateServiceLinkedRole on arn:aws:iam::123456789012:role/aws-service-role/imagebuilder.amazonaws.com/AWSServiceRoleForImageBuilder if iam:AWSServiceName StringEquals imagebuilder.amazonaws.com",
	)
	wants(t, r["gc"],
		"imagebuilder:DeleteImage on arn:aws:imagebuilder:eu-west-1:123456789012:image/* if aws:ResourceTag/imagebuild:digest Null false",
		"ec2:DeregisterImage on arn:aws:ec2:*::image/* if aws:ResourceTag/CreatedBy StringEquals EC2 Image Builder",
		"s3:DeleteObject on arn:aws:s3:::staging/images/*", "tag:GetResources on *",
	)
	wants(t, r["instance"],
		"s3:GetObject on arn:aws:s3:::staging/images/*", "s3:PutObject on arn:aws:s3:::logs/builds/*", "kms:Decrypt on arn:aws:kms:eu-west-1:123456789012:key/k",
	)
	if got := r["instance"]; got.Called != "builder" || !slices.Contains(got.Managed, "AmazonSSMManagedInstanceCore") {
		t.Errorf("the instance role is %+v", got)
	}
	if got := r["execution"]; got.Called != "arn:aws:iam::123456789012:role/executor" || got.Service != "imagebuilder.amazonaws.com" {
		t.Errorf("the execution role is %+v", got)
	}
	if got := r["export"].ServiceTrust(permissions.Place{}); got.Statement[0].Condition["StringEquals"]["sts:ExternalId"][0] != "vmimport" {
		t.Errorf("the export role trusts by %+v", got)
	}
	for _, role := range r {
		for _, g := range role.Grants {
			if len(g.Reasons) == 0 || permissions.Level(g.Action) == "" {
				t.Errorf("%s: %s has the reasons %q", role.Name, g.Action, g.Reasons)
			}
		}
	}
}

// TestStreamedImagesHaveTheirGrants: what a plan and a run ask and change of AppStream's images is allowed, in the
// region where each of them is.
func TestStreamedImagesHaveTheirGrants(t *testing.T) {
	r := roles(t, `
source "appstream" "cad" {
  source_ami   = "ami-0123456789abcdef0"
  iam_role_arn = "arn:aws:iam::123456789012:role/AppStreamImport"
  copy_to      = ["us-east-1"]

  share {
    account = "210987654321"
  }
  retention {
    keep = 3
  }
}
`)
	const here, there = "arn:aws:appstream:eu-west-1:123456789012:image/cad-*", "arn:aws:appstream:us-east-1:123456789012:image/*"
	const shared = "arn:aws:appstream:eu-west-1:*:image/* arn:aws:appstream:us-east-1:*:image/*"
	monthly := roles(t, `
appstream_updated_image "office" {
  existing_image_name = "office-"
  name                = "office-2026-02"

  retention {
    keep = 3
  }
}
`)
	const all = "arn:aws:appstream:eu-west-1:123456789012:image/*"
	wants(t, monthly["build"], "appstream:CreateUpdatedImage on "+all+" if aws:RequestTag/imagebuild:digest Null false", "appstream:DeleteImage on "+all, "appstream:TagResource on "+all)
	wants(t, r["plan"], "appstream:ListTagsForResource on *", "appstream:DescribeImagePermissions on "+shared, "appstream:DescribeFleets on *", "ec2:DescribeImages on *")
	wants(t, r["build"], "appstream:DeleteImage on "+here+" "+there, "appstream:UpdateImagePermissions on "+shared, "appstream:DeleteImagePermissions on "+here+" "+there)
}

// TestManyImagesFitIntoPolicies: hundreds of images are allowed by pattern, in documents that IAM takes.
func TestManyImagesFitIntoPolicies(t *testing.T) {
	var b strings.Builder
	for i := range 300 {
		fmt.Fprintf(&b, `
source "imagebuilder" "s%[1]d" {
  parent_image          = "ami-0123456789abcdef0"
  instance_profile_name = "profile-%[1]d"
}
build {
  name    = "image-with-a-long-name-%[1]d"
  sources = ["source.imagebuilder.s%[1]d"]
  provisioner "shell" {
    inline = ["true"]
  }
}
`, i)
	}
	build := roles(t, b.String())["build"]
	for _, g := range build.Grants {
		if g.Action == "ssm:GetParameter" {
			t.Errorf("an AMI's id is taken for a parameter: %v", g.Resources)
		}
	}
	documents := build.Documents()
	for _, d := range documents {
		if d.Size() > permissions.ManagedLimit {
			t.Errorf("a document of %d characters", d.Size())
		}
	}
	if len(documents) > 10 {
		t.Errorf("%d documents", len(documents))
	}
}

// TestTrustPolicies: the subject as a whole, in either form.
func TestTrustPolicies(t *testing.T) {
	r := permissions.Repository{Owner: "org", Name: "images", OwnerID: "1", NameID: "2"}
	classic, immutable := r.Subjects("environment:production")
	if classic != "repo:org/images:environment:production" || immutable != "repo:org@1/images@2:environment:production" {
		t.Errorf("%s, %s", classic, immutable)
	}
	d := r.Trust(permissions.Place{Region: "cn-north-1", Account: "123456789012"}, classic)
	s := d.Statement[0]
	if s.Principal["Federated"][0] != "arn:aws-cn:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" ||
		s.Condition["StringEquals"]["token.actions.githubusercontent.com:sub"][0] != classic {
		t.Errorf("%+v", s)
	}
	if unknown, _ := (permissions.Repository{}).Subjects("pull_request"); unknown != "repo:OWNER/REPOSITORY:pull_request" {
		t.Error(unknown)
	}
}
