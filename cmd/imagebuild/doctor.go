package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/internal/doctor"
	"github.com/org/imagebuild-action/internal/github"
	"github.com/org/imagebuild-action/internal/permissions"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

// doctorFlags are doctor's own.
type doctorFlags struct {
	json                                          bool
	duty, role, audience, repository, environment string
}

func (p *program) doctorCommand() *cobra.Command {
	g := &planning{p: p, command: "doctor"}
	f := doctorFlags{duty: "build"}
	c := &cobra.Command{
		Use: "doctor [PATH]", Short: "Check everything that a build needs before money is spent", Args: cobra.MaximumNArgs(1),
		Long: "doctor asks whether the configuration at PATH can be planned and built as it is called here: identity token and\n" +
			"trust policy, credentials and their permissions, regions, instance profile, roles, quotas, bucket, base images,\n" +
			"and the repository's workflow files. It changes nothing. It prints trust policies that fit, and ends with\n" +
			"status 1 when there is a problem.",
		RunE: func(c *cobra.Command, args []string) (err error) {
			g.path = pathArg(args)
			defer func() { err = errors.Join(err, g.close()) }()
			return p.doctor(c.Context(), g, f)
		},
	}
	g.conf.add(c)
	g.tgt.add(c)
	c.Flags().BoolVar(&g.offline, "offline", false, "ask AWS nothing, also where there are credentials")
	c.Flags().BoolVar(&f.json, "json", false, "write the checks and trust policies as JSON to standard output")
	choose(c, &f.duty, "for", "what the caller will do", "plan", "build")
	c.Flags().StringVar(&f.role, "role", "", "the `role` that the job's token is for, whose trust policy is looked at (default: the action's role-to-assume, then AWS_ROLE_ARN)")
	c.Flags().StringVar(&f.audience, "audience", "sts.amazonaws.com", "the `audience` of the job's token")
	c.Flags().StringVar(&f.repository, "repository", "", "whose workflows assume the role, `OWNER/NAME` (default: GITHUB_REPOSITORY)")
	c.Flags().StringVar(&f.environment, "environment", "production", "the GitHub `environment` that jobs which build run in")
	g.addReport(c)
	return c
}

// doctor plans offline, so that a configuration can be examined whose roles are not right yet.
func (p *program) doctor(ctx context.Context, g *planning, f doctorFlags) error {
	wanted := g.offline
	g.offline, g.callsAWS = true, !wanted && !g.tgt.wanted()
	tgt := g.tgt
	g.tgt = targetFlags{}
	plan, err := g.plan(ctx)
	if err != nil {
		return err
	}
	repository, err := p.repository(f.repository)
	if err != nil {
		return err
	}
	patient := doctor.Patient{Place: permissions.Place{Region: g.region}, Graph: plan.Graph, For: f.duty, Role: p.roleToAssume(f)}
	if patient.Job, err = p.job(ctx, f.audience); err != nil {
		return err
	}
	if patient.Workflows, err = g.workflows(); err != nil {
		return &exit{status: statusFailed, err: fmt.Errorf("reading the workflow files: %w", err)}
	}
	if !wanted {
		g.tgt = tgt
		g.target, patient.Why = p.connect(ctx, g.region, tgt)
		if patient.Why == nil {
			if err := g.standIn(plan.Graph); err != nil {
				return &exit{status: statusFailed, err: err}
			}
			patient.AWS, patient.Place.Account = g.target.clients, g.target.account
			patient.Source, patient.ARN, patient.Why = g.target.caller(ctx)
			patient.LookUps = func(ctx context.Context) hcl.Diagnostics {
				_, diags := g.target.clients.Facts(ctx, plan.Graph)
				return diags
			}
			patient.Secrets = func(ctx context.Context) hcl.Diagnostics {
				return g.target.clients.MissingSecrets(ctx, plan.Graph, nil)
			}
		}
	}
	if ctx.Err() != nil {
		return told(statusInterrupted)
	}
	found := diagnosis{Checks: doctor.Examine(ctx, patient), TrustPolicies: trustPolicies(patient, repository, f)}
	if p.reporter != nil {
		p.reporter.tell(report.ChecksDocument(found.Checks, p.reporter.of(g, g.command)))
	}
	if err := p.writeDiagnosis(g, plan, found, f.json); err != nil {
		return &exit{status: statusFailed, err: err}
	}
	switch {
	case ctx.Err() != nil:
		return told(statusInterrupted)
	case doctor.Failed(found.Checks):
		return told(statusFailed)
	}
	return nil
}

// caller says who is calling, and where the credentials come from.
func (t *target) caller(ctx context.Context) (source, arn string, err error) {
	if _, arn, err = t.clients.Identity(ctx); err == nil {
		source, err = t.clients.Source(ctx)
	}
	return source, arn, err
}

// roleToAssume is the role that the job's token is for.
func (p *program) roleToAssume(f doctorFlags) string {
	if f.role != "" {
		return f.role
	}
	if p.identity != nil {
		return p.identity.Role
	}
	role, _ := p.lookupEnv("AWS_ROLE_ARN")
	return role
}

// job is the job that this runs in; nil outside of GitHub Actions. The token is never shown.
func (p *program) job(ctx context.Context, audience string) (*doctor.Job, error) {
	env, err := github.ReadEnvironment(p.getenv())
	if err != nil {
		return nil, &exit{status: statusFailed, err: fmt.Errorf("reading the job's environment: %w", err)}
	}
	if !env.Actions {
		return nil, nil //nolint:nilnil // there is none
	}
	mask := func(token string) bool {
		if p.onCredentials != nil {
			p.onCredentials("", "", token)
		}
		return true
	}
	tokens := github.NewTokens(env, p.getenv(), nil, mask)
	j := &doctor.Job{Event: env.Event, Fork: env.Fork, Dependabot: env.Dependabot, Unavailable: tokens.Available()}
	if j.Unavailable != nil {
		return j, nil
	}
	token, err := tokens.IdentityToken(ctx, audience)
	var claims github.Claims
	if err == nil {
		claims, err = github.DecodeClaims(token)
	}
	if j.Refused = err; err == nil {
		j.Claims = claimsOf(claims)
	}
	return j, nil
}

// claimsOf are a token's claims as trust policies name them.
func claimsOf(c github.Claims) map[string][]string {
	out := map[string][]string{"aud": c.Audience}
	for name, v := range map[string]string{
		"sub": c.Subject, "iss": c.Issuer, "repository": c.Repository, "repository_owner": c.RepositoryOwner, "ref": c.Ref,
		"environment": c.Environment, "actor": c.Actor, "workflow": c.Workflow, "job_workflow_ref": c.JobWorkflowRef, "event_name": c.EventName,
		"repository_id": number(c.RepositoryID), "repository_owner_id": number(c.RepositoryOwnerID),
	} {
		if v != "" {
			out[name] = []string{v}
		}
	}
	return out
}

// number is an id in digits; "" for none.
func number(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// workflows are the repository's workflow files. One that is larger than any that GitHub takes is left out.
func (g *planning) workflows() ([]doctor.Workflow, error) {
	const largest = 1 << 20
	dir := ".github/workflows"
	entries, err := fs.ReadDir(g.loc.host.FS, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []doctor.Workflow
	for _, e := range entries {
		if ext := path.Ext(e.Name()); !e.Type().IsRegular() || ext != ".yml" && ext != ".yaml" {
			continue
		}
		if info, gone := e.Info(); gone != nil || info.Size() > largest {
			continue
		}
		body, unreadable := readWithin(g.loc.host.FS, path.Join(dir, e.Name()), largest)
		if unreadable != nil {
			return nil, unreadable
		}
		out = append(out, doctor.Workflow{Path: path.Join(dir, e.Name()), Body: body})
	}
	return out, err
}

// A diagnosis is all that doctor prints; its JSON is part of the interface.
type diagnosis struct {
	Checks        []report.Check `json:"checks"`
	TrustPolicies []iamTrust     `json:"trust_policies"`
}

// trustPolicies are policies for the role of this job, or of the job that will do what is examined.
func trustPolicies(patient doctor.Patient, repository permissions.Repository, f doctorFlags) []iamTrust {
	repository.Audience = f.audience
	rest := "environment:" + f.environment
	if f.duty == "plan" {
		rest = "pull_request"
	}
	if j := patient.Job; j != nil && len(j.Claims["sub"]) > 0 {
		sub := j.Claims["sub"][0]
		if iss := j.Claims["iss"]; len(iss) > 0 {
			repository.Issuer = iss[0]
		}
		owner, after, ok := strings.Cut(strings.TrimPrefix(sub, "repo:"), "/")
		if !ok || owner == sub { // the organisation has a form of its own
			return []iamTrust{{"this job", repository.Trust(patient.Place, sub)}}
		}
		_, rest, _ = strings.Cut(after, ":")
	}
	return bothTrusts(repository, patient.Place, rest)
}

func (p *program) writeDiagnosis(g *planning, plan *planner.Plan, found diagnosis, asJSON bool) error {
	cover := redacted
	if asJSON {
		cover = redactedJSON
	}
	return cover(p.stdout, g.cfg, func(w io.Writer) error {
		if asJSON {
			e := json.NewEncoder(w)
			e.SetEscapeHTML(false)
			e.SetIndent("", "  ")
			return e.Encode(found)
		}
		about := report.About{Command: g.command, Path: g.loc.host.Dir, Version: version, Region: plan.Graph.Region, Secrets: g.cfg.Secrets}
		err := report.DocumentsText(w, []*report.Document{report.ChecksDocument(found.Checks, about)}, p.textOptions(p.stdout))
		if err != nil {
			return err
		}
		for _, t := range found.TrustPolicies {
			raw, err := json.MarshalIndent(t.Policy, "", "  ")
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "\nA trust policy for %s:\n", t.For)
			for line := range strings.Lines(string(raw)) {
				fmt.Fprintln(w, report.Neutral(strings.TrimSuffix(line, "\n")))
			}
		}
		return nil
	})
}
