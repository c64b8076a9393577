// Package doctor asks, before money is spent, whether a configuration can be planned and built as it is called
// here: who is calling, what they may do, what must be there already, and what the workflow files say.
//
// It changes nothing, and refuses to guess: what cannot be asked is said to be unknown. It knows
// nothing of how AWS is reached and how results are shown.
package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/permissions"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

// A Caller makes one call of AWS, in the wire's vocabulary.
type Caller interface {
	Call(ctx context.Context, op planner.Op, region string, in json.RawMessage) (json.RawMessage, error)
}

// A Patient is what is examined.
type Patient struct {
	// AWS is nil where it cannot be asked, for the reason Why.
	AWS Caller
	Why error
	// Source is where the credentials come from, ARN whose they are.
	Source, ARN string
	Place       permissions.Place // the account is "" where AWS cannot be asked
	Graph       *planner.Graph
	// For is the role whose permissions the caller needs: "plan" or "build".
	For string
	// Role is the role that the job's token is for: its ARN or name; "" where none is named.
	Role string
	// Job is the job of GitHub Actions that this runs in; nil outside of it.
	Job *Job
	// LookUps asks what the configuration looks up; nil where that is not to be asked.
	LookUps func(context.Context) hcl.Diagnostics
	// Secrets reports the secrets that a build would read and that do not exist; nil where that is not to be asked.
	Secrets func(context.Context) hcl.Diagnostics
	// Workflows are the repository's workflow files.
	Workflows []Workflow
}

// A Job is a job of GitHub Actions.
type Job struct {
	Event            string
	Fork, Dependabot bool
	// Unavailable is why the job cannot have identity tokens; nil where it can.
	Unavailable error
	// Claims are those of a token: "sub", "aud" …; nil where none could be had, for the reason Refused.
	Claims  map[string][]string
	Refused error
}

// An exam is one examination under way.
type exam struct {
	Patient

	roles []permissions.Role
}

// examinations are asked in this order.
var examinations = []func(context.Context, *exam) []report.Check{ //nolint:gochecknoglobals // a table, never written
	credentials, identityToken, trustPolicy, regions, allowed, instanceProfiles, handedRoles, serviceRoles,
	buckets, domains, images, lookUps, secrets, quotas, workflowFiles,
}

// Examine asks everything that there is to ask. ctx ends it early; what was not asked then is left out.
func Examine(ctx context.Context, p Patient) []report.Check {
	e := &exam{Patient: p, roles: permissions.Of(p.Graph, p.Place)}
	var out []report.Check
	for _, ask := range examinations {
		if ctx.Err() != nil {
			break
		}
		out = append(out, ask(ctx, e)...)
	}
	return out
}

// Failed reports whether there is a problem among the checks.
func Failed(checks []report.Check) bool {
	return slices.ContainsFunc(checks, func(c report.Check) bool { return c.Outcome == report.CheckFailed })
}

func passed(name, detail string, args ...any) report.Check {
	return report.Check{Name: name, Outcome: report.CheckPassed, Detail: fmt.Sprintf(detail, args...)}
}

func warning(name, hint, detail string, args ...any) report.Check {
	return report.Check{Name: name, Outcome: report.CheckWarning, Hint: hint, Detail: fmt.Sprintf(detail, args...)}
}

func problem(name, hint, detail string, args ...any) report.Check {
	return report.Check{Name: name, Outcome: report.CheckFailed, Hint: hint, Detail: fmt.Sprintf(detail, args...)}
}

func unknown(name, hint, detail string, args ...any) report.Check {
	return report.Check{Name: name, Outcome: report.CheckSkipped, Hint: hint, Detail: fmt.Sprintf(detail, args...)}
}

// An object is an answer of AWS.
type object = map[string]any

// call asks AWS one question.
func (e *exam) call(ctx context.Context, op planner.Op, region string, in object) (object, error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	if raw, err = e.AWS.Call(ctx, op, region, raw); err != nil {
		return nil, err
	}
	var out object
	return out, json.Unmarshal(raw, &out)
}

// refusals are the codes with which AWS says that the caller may not ask.
var refusals = []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "ForbiddenException", "Forbidden"} //nolint:gochecknoglobals // a table, never written

// unanswered is a check that AWS did not answer.
func unanswered(name string, op planner.Op, err error) report.Check {
	if code := aws.Code(err); slices.Contains(refusals, code) {
		return unknown(name, "Allow the caller "+string(op)+" to have it checked.", "The caller may not ask: %s was answered %s.", op, code)
	}
	return unknown(name, "Run it again, or look at it in the console.", "Asking failed: %v.", err)
}

// has reports whether something of the configuration is made by a call that begins so.
func (e *exam) has(prefix string) bool {
	return slices.ContainsFunc(e.Graph.Nodes, func(n *planner.Node) bool { return strings.HasPrefix(string(n.Kind.Create), prefix) })
}

func text(o object, member string) string {
	s, _ := o[member].(string)
	return s
}

func sub(o object, member string) object {
	m, _ := o[member].(map[string]any)
	return m
}

func list(o object, member string) (out []object) {
	all, _ := o[member].([]any)
	for _, v := range all {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}
