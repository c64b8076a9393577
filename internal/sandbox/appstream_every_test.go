package sandbox_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/sandbox"
)

// example is an input of a shape that the model allows; optional says whether members that may be left out are there.
func example(sh *awsmodel.Shape, member string, optional bool) any {
	switch sh.Type {
	case "structure":
		out := map[string]any{}
		for _, m := range sh.Members {
			if optional || m.Required {
				out[m.Name] = example(m.Shape, m.Name, optional)
			}
		}
		return out
	case "list":
		return []any{example(sh.Element, member, optional)}
	case "map":
		return map[string]any{"team": "web"}
	case "boolean":
		return false
	case "integer", "long":
		return 1
	}
	if slices.Contains(sh.Enum, "USERPOOL") {
		return "USERPOOL"
	}
	if len(sh.Enum) > 0 {
		return sh.Enum[0]
	}
	for shape, text := range map[string]string{
		"Arn": "arn:aws:appstream:eu-west-1:123456789012:" + kindOf(member) + "/x1", "AwsAccountId": "210987654321", "PhotonAmiId": "ami-0123456789abcdef0",
		"WorkspaceImageId": "wsi-012345678", "UUID": "01234567-89ab-cdef-0123-456789abcdef", "InstanceType": "GeneralPurpose.t3.large",
		"EmbedHostDomain": "example.com", "S3BucketArn": "arn:aws:s3:::bucket", "UrlPattern": "*", "UsbDeviceFilterString": "a,b,c,d,1,1,0,0",
		"DirectoryName": "corp.example.com", "OrganizationalUnitDistinguishedName": "OU=AppStream,DC=corp,DC=example,DC=com",
		"S3Bucket": "bucket", "RegionName": "eu-central-1", "AmiName": "name", "StreamingUrlUserId": "user",
	} {
		if sh.Name == shape {
			return text
		}
	}
	if member == "InstanceType" {
		return "stream.standard.medium"
	}
	if member == "BillingPeriod" {
		return "2026-10"
	}
	return "x1"
}

func kindOf(member string) string {
	switch member {
	case "AppBlockArn":
		return "app-block"
	case "ApplicationArn":
		return "application"
	case "ImageArn":
		return "image"
	}
	return "stack"
}

// TestStreamEveryOperation calls all 89 operations: on nothing, then with everything that can be made being there,
// with the least and with the most that the model allows. Each is answered with an output of its model or an error
// of its model; the fixture watches over the latter.
func TestStreamEveryOperation(t *testing.T) {
	f := start(t, sandbox.Options{})
	model, err := awsmodel.Get("appstream")
	if err != nil {
		t.Fatal(err)
	}
	var ops []*awsmodel.Operation
	for op := range model.Operations() {
		ops = append(ops, op)
		if !sandbox.StreamAnswered(op.Name) {
			t.Errorf("%s has no behaviour", op.Name)
		}
	}
	if len(ops) != 89 {
		t.Errorf("the model has %d operations", len(ops))
	}
	rank := func(op *awsmodel.Operation) int {
		for i, prefix := range []string{"CreateStack", "CreateAppBlock", "Create", "", "Delete"} {
			if prefix != "" && strings.HasPrefix(op.Name, prefix) {
				return i
			}
		}
		return 3
	}
	slices.SortStableFunc(ops, func(a, b *awsmodel.Operation) int { return rank(a) - rank(b) })
	done := map[string]bool{}
	for _, optional := range []bool{false, true, false} {
		for _, op := range ops {
			in := example(op.Input, "", optional)
			if found := op.CheckShape(in.(map[string]any)); len(found) > 0 {
				t.Fatalf("%s: the example is refused: %+v", op.Name, found[0])
			}
			body, err := json.Marshal(in)
			if err != nil {
				t.Fatal(err)
			}
			status, header, answer := f.post("/", "PhotonAdminProxyService."+op.Name, string(body))
			switch {
			case status == http.StatusOK:
				done[op.Name] = true
			case header.Get("X-Amzn-Errortype") == "InternalFailure" || status >= 500:
				t.Errorf("%s: %d %s", op.Name, status, answer)
			}
		}
	}
	t.Logf("%d operations have succeeded", len(done))
	if len(done) < 54 {
		t.Errorf("only %d operations have succeeded: %v", len(done), done)
	}
}
