package awsmodel_test

import (
	"testing"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

func TestSnake(t *testing.T) {
	for in, want := range map[string]string{
		"name": "name", "s3BucketName": "s3_bucket_name", "s3Logs": "s3_logs", "IamRoleArn": "iam_role_arn",
		"sourceImageARN": "source_image_arn", "terminateInstanceOnFailure": "terminate_instance_on_failure",
		"VPCConfig": "vpc_config", "AMIs": "amis", "targetARNs": "target_arns", "ebs": "ebs",
		"supportedOsVersions": "supported_os_versions", "OSVersion": "os_version", "": "",
	} {
		if got := awsmodel.Snake(in); got != want {
			t.Errorf("Snake(%q) = %q, want %q", in, got, want)
		}
	}
	// Two members of one structure must not become one attribute.
	for _, service := range []string{"imagebuilder", "appstream"} {
		for op := range get(t, service).Operations() {
			if op.Input == nil {
				continue
			}
			seen := map[string]string{}
			for _, m := range op.Input.Members {
				s := awsmodel.Snake(m.Name)
				if other, dup := seen[s]; dup {
					t.Errorf("%s: %s and %s are both %s", op.Name, other, m.Name, s)
				}
				seen[s] = m.Name
			}
		}
	}
}

func TestSingular(t *testing.T) {
	for in, want := range map[string]string{
		"block_device_mappings": "block_device_mapping", "components": "component", "distributions": "distribution",
		"policies": "policy", "addresses": "address", "status": "status", "access": "access", "patches": "patch",
		"boxes": "box", "tag": "tag", "workflows": "workflow", "licenses": "license", "analysis": "analysis",
	} {
		if got := awsmodel.Singular(in); got != want {
			t.Errorf("Singular(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNormalizeName(t *testing.T) {
	for in, want := range map[string]string{
		"My Component_v2": "my-component-v2", "My_Recipe": "my-recipe", "my recipe": "my-recipe", "web": "web",
	} {
		if got := awsmodel.NormalizeName(in); got != want {
			t.Errorf("NormalizeName(%q) = %q, want %q", in, got, want)
		}
	}
}
