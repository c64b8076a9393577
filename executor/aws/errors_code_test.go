package aws_test

import (
	"encoding/json"
	"testing"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/sandbox"
	"github.com/org/imagebuild-action/planner"
)

// Some services, and gateways before them, put a namespace before a code or its URI after it. In every protocol, in
// headers and bodies, the code is the bare one, so that throttling is retried and hints appear.
func TestCodesComeWithNamespaces(t *testing.T) {
	for op, in := range map[planner.Op]string{
		"imagebuilder:ListImages":       `{}`, // REST JSON
		"ssm:GetParameter":              `{"Name": "/x"}`,
		"logs:GetLogEvents":             `{"logGroupName": "g", "logStreamName": "s"}`,
		"secretsmanager:GetSecretValue": `{"SecretId": "x"}`,
		"servicequotas:GetServiceQuota": `{"ServiceCode": "imagebuilder", "QuotaCode": "L-1"}`,
		"tagging:GetResources":          `{}`,
		"appstream:DescribeImages":      `{}`, // CBOR
		"appstream:StartFleet":          `{"Name": "x"}`,
		"sts:GetCallerIdentity":         `{}`, // query XML
		"iam:GetRole":                   `{"RoleName": "x"}`,
		"ec2:DescribeImages":            `{}`,              // EC2's
		"s3:ListObjectsV2":              `{"Bucket": "x"}`, // REST XML
	} {
		for _, code := range []string{
			"ThrottlingException", "com.amazon.coral.availability#ThrottlingException",
			"ThrottlingException:http://internal.amazon.com/coral/com.amazon.coral.availability/",
			"com.amazon.coral.availability#ThrottlingException:http://internal.amazon.com/coral/a#b",
		} {
			t.Run(string(op)+" "+code, func(t *testing.T) {
				c := faulty(t, sandbox.Fault{Operation: string(op), Code: code, Count: -1})
				_, err := c.Call(t.Context(), op, "", json.RawMessage(in))
				if aws.Code(err) != "ThrottlingException" {
					t.Errorf("%v", err)
				}
				if class := aws.Classify(err); class == nil || class.Name != "throttled" {
					t.Errorf("class %+v of %v", class, err)
				}
			})
		}
	}
}

// faulty is connected to a sandbox that runs nothing and answers with faults.
func faulty(t *testing.T, faults ...sandbox.Fault) *aws.Clients {
	t.Helper()
	server, err := sandbox.Open(t.Context(), sandbox.Options{Dir: t.TempDir(), Root: "none", Region: region, Account: account, Faults: faults})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if closeErr := server.Close(); closeErr != nil {
			t.Error(closeErr)
		}
	})
	url, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c, err := aws.New(t.Context(), aws.Config{Region: region, Endpoint: url, KeyID: "sandbox", SecretKey: "sandbox"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
