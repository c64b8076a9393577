package aws_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/sandbox"
)

// ofEach asks a question for every ARN in an answer.
func ofEach(op string) *question {
	return &question{op: "appstream:" + "ListTagsForResource", in: `{"ResourceArn":"%s"}` + op}
}

// desks is what AWS holds of images, who may use them, and the AMIs made of them.
var desks = append(slices.Clip(streams),
	question{op: "appstream:DescribeImagePermissions", in: `{"Name":"office"}`},
	question{op: "appstream:DescribeImagePermissions", in: `{"Name":"office"}@eu-central-1`},
	question{op: "appstream:DescribeImages", in: `{"Type":"PRIVATE"}@us-west-2`, each: ofEach("@us-west-2")},
	question{op: "ec2:DescribeImages", in: `{"Owners":["self"]}`},
)

const desktopAMI = `
source "imagebuilder" "desktop" {
  parent_image          = "ssm:/aws/service/ami-windows-latest/TPM-Windows_Server-2022-English-Full-Base"
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
}
build {
  name    = "desktop"
  sources = ["source.imagebuilder.desktop"]

  component "aws:update-windows" {}
}
`

const office = desktopAMI + `
appstream_image "office" {
  name          = "office"
  source_ami_id = build.desktop.ami
  iam_role_arn  = "arn:aws:iam::123456789012:role/import"
  tags          = { team = "office" }
}
`

const officeShared = `
appstream_image_permissions "partner" {
  image_name        = appstream_image.office
  shared_account_id = "210987654321"

  image_permissions {
    allow_fleet = true
  }
}
`

const officeCopies = `
appstream_image_copy "frankfurt" {
  source_image_name  = appstream_image.office
  destination_region = "eu-central-1"
  tags               = { team = "office" }
}
appstream_image_copy "oregon" {
  source_image_name  = appstream_image.office
  destination_region = "us-west-2"
}
appstream_image_permissions "frankfurt" {
  image_name        = appstream_image_copy.frankfurt
  region            = "eu-central-1"
  shared_account_id = "210987654321"

  image_permissions {
    allow_fleet         = true
    allow_image_builder = true
  }
}
`

const officeUpdated = `
appstream_updated_image "office" {
  existing_image_name = appstream_image.office
  name                = "office-2"
  tags                = { team = "office" }
}
`

const officeExported = `
appstream_export_image_task "office" {
  image_name   = appstream_image.office
  ami_name     = "office-ami"
  iam_role_arn = "arn:aws:iam::123456789012:role/export"
}
`

// Images are imported, shared, copied, updated and exported whatever happened to the run before: each comes to be once, with its
// tags, and for those that it is meant for alone.
func TestSweepOfStreamImages(t *testing.T) {
	old := slowly()
	old.Faults = []sandbox.Fault{{Operation: "appstream:CreateImportedImage", Count: -1, Effect: "old"}}
	for name, s := range map[string]*sweep{
		"import":  {before: config(desktopAMI), files: config(office), every: 7},
		"share":   {before: config(office), files: config(office + officeShared), every: 7},
		"unshare": {before: config(office + officeShared), files: config(office), every: 7},
		"reshare": {
			before: config(office + officeShared), every: 7,
			files: config(office + strings.ReplaceAll(officeShared, "allow_fleet", "allow_image_builder")),
		},
		"copy":   {before: config(office), files: config(office + officeCopies), every: 11},
		"update": {before: config(office), files: config(office + officeUpdated), every: 7},
		"export": {before: config(office), files: config(office + officeExported), every: 7},
	} {
		t.Run(name, func(t *testing.T) {
			s.state, s.sandbox = desks, old
			s.options = func() aws.Options { return aws.Options{Run: "run1", CallsPerSecond: 1000} }
			s.sweeping(t)
		})
	}
}

func config(text string) map[string]string { return map[string]string{"main.ib.hcl": text} }

// An image is built inside of a machine whatever happened to the run before, and no machine stays.
func TestSweepOfImageBuilders(t *testing.T) {
	s := &sweep{
		files: builderFiles(), state: streams, real: true, every: 13,
		options: func() aws.Options { return quick(&hand{}) },
	}
	s.sweeping(t)
}
