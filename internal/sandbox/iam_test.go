package sandbox_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"github.com/org/imagebuild-action/internal/sandbox"
)

// TestIAM: what can be asked about roles, through the real client.
func TestIAM(t *testing.T) {
	builder, err := sandbox.ParseRole([]byte(`{
		"RoleName": "builder", "ManagedPolicies": ["AmazonSSMManagedInstanceCore"],
		"AssumeRolePolicyDocument": {"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}},
		"Policies": [{"Statement": [
			{"Effect": "Allow", "Action": "imagebuilder:*", "Resource": "*", "Condition": {"Null": {"aws:RequestTag/imagebuild:digest": "false"}}},
			{"Effect": "Deny", "Action": "imagebuilder:Delete*", "Resource": "*"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	f := start(t, sandbox.Options{Roles: []sandbox.Role{builder}})
	c := iam.NewFromConfig(config(f.url, region))
	role := must[*iam.GetRoleOutput](f)(c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("builder")})).Role
	if trust, malformed := url.QueryUnescape(*role.AssumeRolePolicyDocument); malformed != nil || !strings.Contains(trust, `"Service":"ec2.amazonaws.com"`) || *role.Arn != "arn:aws:iam::123456789012:role/builder" {
		t.Errorf("%s trusts %s", *role.Arn, trust)
	}
	_, err = c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("nobody")})
	f.refused(err, "NoSuchEntity", "The role with name nobody cannot be found.")
	linked := must[*iam.GetRoleOutput](f)(c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("AWSServiceRoleForImageBuilder")})).Role
	if *linked.Path != "/aws-service-role/imagebuilder.amazonaws.com/" {
		t.Errorf("path %s", *linked.Path)
	}
	profile := must[*iam.GetInstanceProfileOutput](f)(c.GetInstanceProfile(t.Context(), &iam.GetInstanceProfileInput{InstanceProfileName: aws.String("builder")})).InstanceProfile
	if len(profile.Roles) != 1 || *profile.Roles[0].RoleName != "builder" {
		t.Errorf("the profile holds %+v", profile.Roles)
	}
	attached := must[*iam.ListAttachedRolePoliciesOutput](f)(c.ListAttachedRolePolicies(t.Context(), &iam.ListAttachedRolePoliciesInput{RoleName: aws.String("builder")}))
	if len(attached.AttachedPolicies) != 1 || *attached.AttachedPolicies[0].PolicyArn != "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore" {
		t.Errorf("attached are %+v", attached.AttachedPolicies)
	}
	out := must[*iam.SimulatePrincipalPolicyOutput](f)(c.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: role.Arn, ActionNames: []string{"imagebuilder:CreateComponent", "imagebuilder:DeleteComponent", "ec2:RunInstances"},
		ContextEntries: []iamtypes.ContextEntry{{ContextKeyName: aws.String("aws:RequestTag/imagebuild:digest"), ContextKeyType: iamtypes.ContextKeyTypeEnumString, ContextKeyValues: []string{"x"}}},
	}))
	want := map[string]iamtypes.PolicyEvaluationDecisionType{"imagebuilder:CreateComponent": "allowed", "imagebuilder:DeleteComponent": "explicitDeny", "ec2:RunInstances": "implicitDeny"}
	for _, e := range out.EvaluationResults {
		if e.EvalDecision != want[*e.EvalActionName] {
			t.Errorf("%s is %s, want %s", *e.EvalActionName, e.EvalDecision, want[*e.EvalActionName])
		}
	}
	_, err = c.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("x"), AssumeRolePolicyDocument: aws.String("{}")})
	f.refused(err, "UnsupportedOperation", "The sandbox does not do this: iam:CreateRole")

	q := servicequotas.NewFromConfig(config(f.url, region))
	images := must[*servicequotas.GetServiceQuotaOutput](f)(q.GetServiceQuota(t.Context(), &servicequotas.GetServiceQuotaInput{ServiceCode: aws.String("appstream2"), QuotaCode: aws.String("L-E1182CCA")}))
	if *images.Quota.Value != 10 {
		t.Errorf("%v images", *images.Quota.Value)
	}
	_, err = q.GetServiceQuota(t.Context(), &servicequotas.GetServiceQuotaInput{ServiceCode: aws.String("x"), QuotaCode: aws.String("y")})
	f.refused(err, "NoSuchResourceException")
}
