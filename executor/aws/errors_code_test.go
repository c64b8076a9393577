package aws_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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

// Each code has a hint of its own that says what to do; those that know nothing say nothing.
func TestHintsOfCodes(t *testing.T) {
	for _, tt := range []struct {
		op      planner.Op
		code    string
		status  int
		message string
		want    string // of the hint; "" for none
	}{
		{"imagebuilder:CreateImage", "ExpiredTokenException", 403, "", "expired"},
		{"ec2:DescribeImages", "RequestExpired", 400, "", "expired"},
		{"s3:PutObject", "RequestTimeTooSkewed", 403, "", "clock"},
		{"sts:GetCallerIdentity", "SignatureDoesNotMatch", 403, "Signature expired: 20261201T030000Z is now earlier than 20261201T033000Z", "clock"},
		{"imagebuilder:ListImages", "InvalidSignatureException", 403, "Signature not yet current: 20261201T043000Z is still later than 20261201T034500Z", "clock"},
		{"imagebuilder:ListImages", "InvalidSignatureException", 403, "The request signature we calculated does not match the signature you provided.", "AWS_SECRET_ACCESS_KEY"},
		{"imagebuilder:ListImages", "UnrecognizedClientException", 403, "", "AWS_ACCESS_KEY_ID"},
		{"imagebuilder:GetImage", "InternalFailure", 500, "", "error of its own"},
		{"imagebuilder:GetImage", "SomethingNew", 503, "", "error of its own"},
		{"imagebuilder:CreateComponent", "AccessDeniedException", 403, "", "imagebuild iam"},
		{"imagebuilder:CreateComponent", "ForbiddenException", 403, "", "imagebuild iam"},
		{"ec2:CreateImage", "UnauthorizedOperation", 403, "", "imagebuild iam"},
		{"imagebuilder:CreateComponent", "ServiceQuotaExceededException", 402, "", `"Components"`},
		{"imagebuilder:CreateImagePipeline", "ServiceQuotaExceededException", 402, "", "aws service-quotas list-service-quotas --service-code imagebuilder"},
		{"ec2:RunInstances", "VcpuLimitExceeded", 400, "", "L-1216C47A"},
		{"appstream:CreateStack", "LimitExceededException", 400, "", "L-A8B8B901"},
		{"ssm:GetParameter", "ThrottlingException", 400, "", "throttl"},
		{"imagebuilder:GetImage", "ResourceNotFoundException", 404, "", ""},
	} {
		err := &aws.CallError{Op: tt.op, Region: region, Code: tt.code, Status: tt.status, Message: tt.message}
		if hint := err.Hint(); !strings.Contains(hint, tt.want) || (hint == "") != (tt.want == "") {
			t.Errorf("%s %s: %q, want %q", tt.op, tt.code, hint, tt.want)
		}
	}
}

// What AWS names nothing of is named by what was asked.
func TestWhatIsMissingIsNamed(t *testing.T) {
	c := faulty(t)
	for op, tt := range map[planner.Op]struct{ in, want string }{
		"ssm:GetParameter":              {`{"Name": "/cad/password"}`, `the parameter "/cad/password" doesn't exist in eu-west-1`},
		"secretsmanager:GetSecretValue": {`{"SecretId": "cad/join"}`, `the secret "cad/join" doesn't exist in eu-west-1`},
	} {
		_, err := c.Call(t.Context(), op, "", json.RawMessage(tt.in))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", op, err)
		}
	}
}

// A create that is answered without an ARN has made what nobody can name: that is said, and nothing goes on with it.
func TestCreatesAnsweredWithNothing(t *testing.T) {
	for _, operation := range []string{"CreateImage", "CreateComponent", "CreateImageRecipe", "CreateInfrastructureConfiguration"} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.always = func(op string, _ object) (object, *refusal) {
				if op == operation {
					return object{}, nil
				}
				return nil, nil
			}
			c := f.clients(t)
			r := carryOut(t.Context(), plan(t, c, level2(1)), c.Driver(aws.Options{}))
			if r.err == nil || !strings.Contains(r.err.Error(), "MissingOutput: AWS accepted imagebuilder:"+operation+" and didn't answer with an ARN") {
				t.Errorf("%s: %v", operation, r.err)
			}
		})
	}
}

// A token that expires while an image is built ends the waiting alone: that is said, and how to wait again.
func TestTokenExpiresInMidBuild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.clients(t)
		begun := time.Now()
		f.always = func(op string, _ object) (object, *refusal) {
			if time.Since(begun) > time.Minute && (op == "GetImage" || op == "ListImageBuildVersions") {
				return nil, &refusal{403, "ExpiredTokenException", "The security token included in the request is expired"}
			}
			return nil, nil
		}
		r := carryOut(t.Context(), plan(t, c, level2(1)), c.Driver(aws.Options{}))
		for _, want := range []string{"ExpiredTokenException", "Get new ones", "The build of arn:", "goes on in AWS", "waits for it again"} {
			if r.err == nil || !strings.Contains(r.err.Error(), want) {
				t.Errorf("%q is not in %v", want, r.err)
			}
		}
	})
}
