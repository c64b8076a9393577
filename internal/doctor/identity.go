package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/iampolicy"
	"github.com/org/imagebuild-action/internal/report"
)

// credentials says as whom AWS is called.
func credentials(_ context.Context, e *exam) []report.Check {
	const name = "credentials"
	if e.AWS != nil {
		return []report.Check{passed(name, "%s, from %s.", e.ARN, e.Source)}
	}
	if e.Why == nil {
		return []report.Check{unknown(name, "", "AWS was not to be asked.")}
	}
	hint := "Configure a profile, set the AWS_* variables, or name a role to assume."
	if h, ok := errors.AsType[interface {
		error
		Hint() string
	}](e.Why); ok && h.Hint() != "" {
		hint = h.Hint()
	}
	return []report.Check{problem(name, hint, "%v.", e.Why)}
}

// identityToken says whether the job can have tokens, and what they say.
func identityToken(_ context.Context, e *exam) []report.Check {
	const name = "identity token"
	j := e.Job
	switch {
	case j == nil:
		return []report.Check{unknown(name, "Run it in a job to have its token looked at.", "This is no job of GitHub Actions.")}
	case j.Unavailable != nil && (j.Fork || j.Dependabot):
		return []report.Check{warning(name, "Nothing to do: such runs are planned without credentials, and nothing is built.", "A pull request from a fork or of Dependabot gets no token, by design.")}
	case j.Unavailable != nil:
		return []report.Check{problem(name, "Add permissions: id-token: write to the job.", "%v", j.Unavailable)}
	case j.Claims == nil:
		return []report.Check{problem(name, "Run the job again.", "GitHub gave none: %v.", j.Refused)}
	}
	var said []string
	for _, claim := range []string{"sub", "aud", "iss", "repository_id", "environment", "job_workflow_ref"} {
		if v := j.Claims[claim]; len(v) > 0 && v[0] != "" {
			said = append(said, fmt.Sprintf("%s %q", claim, strings.Join(v, ", ")))
		}
	}
	return []report.Check{passed(name, "The job's token has %s.", strings.Join(said, ", "))}
}

// trustPolicy holds the token against the role's trust policy.
func trustPolicy(ctx context.Context, e *exam) []report.Check {
	const name = "trust policy"
	switch {
	case e.Role == "":
		return nil
	case e.Job == nil || e.Job.Claims == nil:
		return []report.Check{unknown(name, "", "Without a token nothing can be held against the trust policy of %s.", e.Role)}
	case e.AWS == nil:
		return []report.Check{unknown(name, "Compare the role's trust policy with those printed here.", "AWS cannot be asked for the trust policy of %s.", e.Role)}
	}
	trust, _, check := e.trust(ctx, name, e.Role)
	if check != nil {
		return []report.Check{*check}
	}
	host := ""
	if iss := e.Job.Claims["iss"]; len(iss) > 0 {
		host = strings.TrimPrefix(iss[0], "https://")
	}
	r := iampolicy.Request{
		Action: "sts:AssumeRoleWithWebIdentity", Context: map[string][]string{},
		Principal: iampolicy.Principal{"Federated": {"arn:" + partitionOf(e.ARN) + ":iam::" + e.Place.Account + ":oidc-provider/" + host}},
	}
	for claim, values := range e.Job.Claims {
		if len(values) > 0 && values[0] != "" {
			r.Context[host+":"+claim] = values
		}
	}
	d, err := trust.Decide(r)
	switch {
	case err != nil:
		return []report.Check{unknown(name, "Compare it with those printed here.", "The trust policy of %s cannot be judged: %v.", e.Role, err)}
	case d.Allowed:
		return []report.Check{passed(name, "%s trusts this job.", e.Role)}
	case d.Denied != "":
		return []report.Check{problem(name, "Take the denial away, or let it name other jobs.", "%s denies this job, by %s.", e.Role, d.Denied)}
	case len(d.Unmet) > 0:
		return []report.Check{problem(name, "Let the condition hold the value that the token has, or take one of the policies printed here.", "%s does not trust this job: %s.", e.Role, strings.Join(d.Unmet, "; "))}
	}
	return []report.Check{problem(name, "Take one of the policies printed here.", "%s trusts no job of %s at all.", e.Role, host)}
}

func partitionOf(arn string) string {
	parts := strings.SplitN(arn, ":", 3)
	if len(parts) < 2 || parts[1] == "" {
		return "aws"
	}
	return parts[1]
}

// roleName is the name of a role from its ARN, path and all taken away.
func roleName(role string) string { return role[strings.LastIndexByte(role, '/')+1:] }

// trust reads a role's trust policy and its ARN. A check is returned where it could not be read.
func (e *exam) trust(ctx context.Context, check, role string) (iampolicy.Document, string, *report.Check) {
	const op = "iam:GetRole"
	out, err := e.call(ctx, op, e.Place.Region, object{"RoleName": roleName(role)})
	if aws.Code(err) == "NoSuchEntity" {
		c := problem(check, "Create the role, or correct its name: imagebuild iam prints what it needs.", "There is no role %s in the account %s.", role, e.Place.Account)
		return iampolicy.Document{}, "", &c
	}
	if err != nil {
		c := unanswered(check, op, err)
		return iampolicy.Document{}, "", &c
	}
	raw, err := url.QueryUnescape(text(sub(out, "Role"), "AssumeRolePolicyDocument"))
	var d iampolicy.Document
	if err == nil {
		d, err = iampolicy.Parse([]byte(raw))
	}
	if err != nil {
		c := unknown(check, "Look at it in the console.", "The trust policy of %s cannot be read: %v.", role, err)
		return d, "", &c
	}
	return d, text(sub(out, "Role"), "Arn"), nil
}

// allowed simulates the policies that imagebuild iam prints for the caller.
func allowed(ctx context.Context, e *exam) []report.Check {
	name := "permissions to " + e.For
	if e.AWS == nil {
		return nil
	}
	principal, check := e.principal(ctx, name)
	if check != nil {
		return []report.Check{*check}
	}
	denied := map[string]bool{}
	asked := 0
	for _, r := range e.roles {
		if r.Name != e.For {
			continue
		}
		for _, d := range r.Documents() {
			for _, s := range d.Statement {
				some, err := e.simulate(ctx, principal, s)
				if err != nil {
					return []report.Check{unanswered(name, "iam:SimulatePrincipalPolicy", err)}
				}
				asked += len(s.Action)
				for _, action := range some {
					denied[action] = true
				}
			}
		}
	}
	if len(denied) > 0 {
		return []report.Check{problem(name, "Give it the policy that imagebuild iam --role "+e.For+" prints.",
			"%s may not %s.", principal, strings.Join(slices.Sorted(maps.Keys(denied)), ", "))}
	}
	return []report.Check{passed(name, "%s is allowed all %d actions that the configuration needs, as far as its own policies say.", principal, asked)}
}

// principal is the role or user behind the caller, as IAM simulates it.
func (e *exam) principal(ctx context.Context, name string) (string, *report.Check) {
	_, session, ok := strings.Cut(e.ARN, ":assumed-role/")
	switch {
	case strings.HasSuffix(e.ARN, ":root"):
		c := warning(name, "Use a role: imagebuild iam prints what it needs.", "The account itself is calling (%s): it may do everything.", e.ARN)
		return "", &c
	case !ok:
		return e.ARN, nil
	}
	role, _, _ := strings.Cut(session, "/")
	_, arn, check := e.trust(ctx, name, role) // the session does not tell the role's path
	return arn, check
}

// simulate returns the actions of one statement that IAM would deny.
func (e *exam) simulate(ctx context.Context, principal string, s iampolicy.Statement) ([]string, error) {
	in := object{"PolicySourceArn": principal, "ActionNames": []string(s.Action)}
	var resources []string
	for _, r := range s.Resource {
		if r != "*" { // one resource that the pattern stands for
			r = strings.ReplaceAll(r, "*", "x")
		}
		resources = append(resources, r)
	}
	in["ResourceArns"] = resources
	var entries []any
	for op, keys := range s.Condition {
		for key, values := range keys {
			if op == "Null" { // the key is there, whatever it holds
				values = iampolicy.Strings{"x"}
			}
			entries = append(entries, object{"ContextKeyName": key, "ContextKeyType": "string", "ContextKeyValues": []string(values)})
		}
	}
	if len(entries) > 0 {
		in["ContextEntries"] = entries
	}
	var denied []string
	for {
		out, err := e.call(ctx, "iam:SimulatePrincipalPolicy", e.Place.Region, in)
		if err != nil {
			return nil, err
		}
		for _, r := range list(out, "EvaluationResults") {
			if text(r, "EvalDecision") != "allowed" {
				denied = append(denied, text(r, "EvalActionName"))
			}
		}
		if in["Marker"] = text(out, "Marker"); in["Marker"] == "" {
			return denied, nil
		}
	}
}
