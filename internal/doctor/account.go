package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/iampolicy"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

// regions asks whether the regions that are built in and distributed to are enabled.
func regions(ctx context.Context, e *exam) []report.Check {
	if e.AWS == nil {
		return nil
	}
	want := []string{e.Place.Region}
	for _, n := range e.Graph.Nodes {
		all, _ := n.Input["distributions"].([]any)
		for _, d := range all {
			one, _ := d.(map[string]any)
			if r, ok := one["region"].(string); ok && !slices.Contains(want, r) {
				want = append(want, r)
			}
		}
		if r, ok := n.Input["DestinationRegion"].(string); ok && !slices.Contains(want, r) {
			want = append(want, r)
		}
	}
	var out []report.Check
	for _, region := range want {
		out = append(out, e.region(ctx, region))
	}
	return out
}

func (e *exam) region(ctx context.Context, region string) report.Check {
	const op = "ec2:DescribeRegions"
	name := "region " + region
	out, err := e.call(ctx, op, e.Place.Region, object{"RegionNames": []string{region}, "AllRegions": true})
	switch found := list(out, "Regions"); {
	case aws.Code(err) == "InvalidParameterValue":
		return problem(name, "Correct its name.", "There is no region %s.", region)
	case err != nil:
		return unanswered(name, op, err)
	case len(found) == 0 || text(found[0], "OptInStatus") == "not-opted-in":
		return problem(name, "Enable it in the account's settings, or leave it out.", "The account has not enabled the region.")
	}
	return passed(name, "The account has it.")
}

// instanceProfiles asks for the profiles that instances are started with, and what their roles have.
func instanceProfiles(ctx context.Context, e *exam) []report.Check {
	var out []report.Check
	for _, r := range e.roles {
		if r.Name == "instance" && e.AWS != nil {
			out = append(out, e.profile(ctx, r.Called, r.Managed))
		}
	}
	return out
}

func (e *exam) profile(ctx context.Context, profile string, managed []string) report.Check {
	const op, attached = "iam:GetInstanceProfile", "iam:ListAttachedRolePolicies"
	name := "instance profile " + profile
	out, err := e.call(ctx, op, e.Place.Region, object{"InstanceProfileName": profile})
	if aws.Code(err) == "NoSuchEntity" {
		return problem(name, "Create it with a role: imagebuild iam --role instance --format terraform prints both.", "There is no such instance profile in the account %s.", e.Place.Account)
	}
	if err != nil {
		return unanswered(name, op, err)
	}
	roles := list(sub(out, "InstanceProfile"), "Roles")
	if len(roles) == 0 {
		return problem(name, "Add the role to it.", "It holds no role, so that its instances could do nothing.")
	}
	role := text(roles[0], "RoleName")
	out, err = e.call(ctx, attached, e.Place.Region, object{"RoleName": role})
	if err != nil {
		return unanswered(name, attached, err)
	}
	var missing []string
	have := list(out, "AttachedPolicies")
	for _, m := range managed {
		if !slices.ContainsFunc(have, func(o object) bool { return text(o, "PolicyName") == m }) {
			missing = append(missing, m)
		}
	}
	if len(missing) > 0 {
		return warning(name, "Attach them, or see that other policies of the role allow the same.", "Its role %s lacks %s.", role, strings.Join(missing, ", "))
	}
	if role != profile {
		return warning(name, "Let iam:PassRole name "+role+" in the policy that imagebuild iam prints.", "Its role is called %s.", role)
	}
	return passed(name, "It is there, with its role and AWS's own policies.")
}

// handedRoles asks whether the roles that services work under are there and trust them.
func handedRoles(ctx context.Context, e *exam) []report.Check {
	var out []report.Check
	for _, r := range e.roles {
		if r.Called == "" || r.Name == "instance" || e.AWS == nil {
			continue
		}
		name := r.Name + " role " + r.Called
		trust, _, check := e.trust(ctx, name, r.Called)
		if check != nil {
			out = append(out, *check)
			continue
		}
		d, err := trust.Decide(iampolicy.Request{
			Action: "sts:AssumeRole", Principal: iampolicy.Principal{"Service": {r.Service}},
			Context: map[string][]string{"aws:SourceAccount": {e.Place.Account}, "sts:ExternalId": {"vmimport"}},
		})
		switch {
		case err != nil:
			out = append(out, unknown(name, "Compare it with the one that imagebuild iam prints.", "Its trust policy cannot be judged: %v.", err))
		case !d.Allowed:
			out = append(out, problem(name, "Give it the trust policy that imagebuild iam prints.", "It does not trust %s.", r.Service))
		default:
			out = append(out, passed(name, "It is there and trusts %s.", r.Service))
		}
	}
	return out
}

// A serviceRole is one that a service has of its own in each account.
type serviceRole struct {
	// prefix is what the creates begin with that need it.
	prefix, role string
	// missing is what comes of it when it is not there.
	missing func(name string) report.Check
}

var ownRoles = []serviceRole{ //nolint:gochecknoglobals // a table, never written
	{"imagebuilder:", "AWSServiceRoleForImageBuilder", func(name string) report.Check {
		return warning(name, "Nothing to do where the caller may iam:CreateServiceLinkedRole; else: aws iam create-service-linked-role --aws-service-name imagebuilder.amazonaws.com", "It is not there yet: the first create makes it.")
	}},
	{"appstream:", "AmazonAppStreamServiceAccess", func(name string) report.Check {
		return problem(name, "Open the AppStream console once, or create it with the policy of the same name.", "It is not there, and AppStream makes it only in its console. Builders would end with IAM_SERVICE_ROLE_IS_MISSING.")
	}},
	// Policies that scale fleets are Application Auto Scaling's, and in no configuration.
	{"appstream:CreateFleet", "ApplicationAutoScalingForAmazonAppStreamAccess", func(name string) report.Check {
		return unknown(name, "Nothing to do where no policy scales the fleets; else open the AppStream console once, which makes it.", "It is not there. Only fleets whose capacity follows a scaling policy need it.")
	}},
}

func serviceRoles(ctx context.Context, e *exam) []report.Check {
	const op = "iam:GetRole"
	var out []report.Check
	for _, r := range ownRoles {
		if e.AWS == nil || !e.has(r.prefix) {
			continue
		}
		name := "service role " + r.role
		_, err := e.call(ctx, op, e.Place.Region, object{"RoleName": r.role})
		switch {
		case aws.Code(err) == "NoSuchEntity":
			out = append(out, r.missing(name))
		case err != nil:
			out = append(out, unanswered(name, op, err))
		default:
			out = append(out, passed(name, "It is there."))
		}
	}
	return out
}

// buckets asks for the buckets that files are staged in.
func buckets(ctx context.Context, e *exam) []report.Check {
	var names []string
	for _, n := range e.Graph.Nodes {
		if b, ok := n.Input["Bucket"].(string); ok && n.Kind.Naming == planner.ContentKey && !slices.Contains(names, b) {
			names = append(names, b)
		}
	}
	var out []report.Check
	for _, b := range names {
		if e.AWS != nil {
			out = append(out, e.bucket(ctx, b))
		}
	}
	return out
}

func (e *exam) bucket(ctx context.Context, bucket string) report.Check {
	const op = "s3:HeadBucket"
	name := "staging bucket " + bucket
	_, err := e.call(ctx, op, e.Place.Region, object{"Bucket": bucket})
	failed, _ := errors.AsType[*aws.CallError](err)
	switch {
	case err == nil:
		return passed(name, "It is there.")
	case failed == nil:
		return unanswered(name, op, err)
	case failed.Status == http.StatusNotFound:
		return problem(name, "Create it: aws s3 mb s3://"+bucket, "There is no such bucket.")
	case failed.Status == http.StatusForbidden:
		return problem(name, "Allow the caller s3:ListBucket on it, or choose a name that nobody else has taken.", "The caller may not see it: it may belong to somebody else.")
	case failed.Bucket != "":
		return warning(name, fmt.Sprintf("Move it to %s where that matters: transfer between regions costs.", e.Place.Region), "It is in %s.", failed.Bucket)
	}
	return unanswered(name, op, err)
}

// images asks for the AMIs that recipes are based on by their ids.
func images(ctx context.Context, e *exam) []report.Check {
	const op = "ec2:DescribeImages"
	var out []report.Check
	var seen []string
	for _, n := range e.Graph.Nodes {
		id, _ := n.Input["parentImage"].(string)
		if e.AWS == nil || !strings.HasPrefix(id, "ami-") || slices.Contains(seen, id) {
			continue
		}
		seen = append(seen, id)
		name := "base image " + id
		found, err := e.call(ctx, op, e.Place.Region, object{"ImageIds": []string{id}, "IncludeDeprecated": true})
		switch {
		case strings.HasPrefix(aws.Code(err), "InvalidAMIID"), err == nil && len(list(found, "Images")) == 0:
			out = append(out, problem(name, "Correct it, or share it with the account. Ids differ from region to region.", "There is no such AMI in %s that the account may use.", e.Place.Region))
		case err != nil:
			out = append(out, unanswered(name, op, err))
		default:
			out = append(out, passed(name, "It is there: %s.", text(list(found, "Images")[0], "Name")))
		}
	}
	return out
}

// lookUps asks what the configuration looks up: parameters, newest versions, filters for AMIs.
func lookUps(ctx context.Context, e *exam) []report.Check {
	const name = "look-ups"
	if e.AWS == nil || e.LookUps == nil || len(e.Graph.Lookups) == 0 {
		return nil
	}
	diags := e.LookUps(ctx)
	var out []report.Check
	for _, d := range diags {
		hint := ""
		if d.Subject != nil {
			hint = fmt.Sprintf("See %s, line %d.", d.Subject.Filename, d.Subject.Start.Line)
		}
		if err, ok := d.Extra.(error); ok && aws.Code(err) == aws.ConnectionFailed { // which says nothing of what is looked up
			out = append(out, unknown(name, hint, "%s: %s", d.Summary, d.Detail))
			continue
		}
		out = append(out, problem(name, hint, "%s: %s", d.Summary, d.Detail))
	}
	if len(out) == 0 {
		out = append(out, passed(name, "%d answered.", len(e.Graph.Lookups)))
	}
	return out
}
