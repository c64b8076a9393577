package main

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/internal/iampolicy"
	"github.com/org/imagebuild-action/internal/permissions"
	"github.com/org/imagebuild-action/planner"
)

// iamFlags say whose roles are wanted and in which form.
type iamFlags struct {
	roles                                    []string
	format, account, repository, environment string
}

func (p *program) iamCommand() *cobra.Command {
	g := &planning{p: p, offline: true}
	f := iamFlags{format: "text"}
	c := &cobra.Command{
		Use: "iam [PATH]", Short: "Print the IAM roles that a configuration needs, with the reason of every action", Args: cobra.MaximumNArgs(1),
		Long: "iam prints what each role must be allowed for the configuration at PATH, and no more: the roles that imagebuild\n" +
			"itself works under (plan, build, gc), those of the instances and services it hands roles to, and their trust\n" +
			"policies. It asks nobody and needs no credentials.",
		RunE: func(c *cobra.Command, args []string) (err error) {
			g.path = pathArg(args)
			write := iamFormats[f.format]
			if f.account != "" {
				if _, err = accountOf(f.account); err != nil {
					return err
				}
			}
			defer func() { err = errors.Join(err, g.close()) }()
			plan, err := g.plan(c.Context())
			if err != nil {
				return err
			}
			doc, err := p.iamDocument(plan, f)
			if err != nil {
				return err
			}
			p.warnOfPlaceholders(doc, f.format)
			cover := redacted
			if f.format == "json" {
				cover = redactedJSON
			}
			return cover(p.stdout, g.cfg, func(w io.Writer) error { return write(w, doc) })
		},
	}
	g.conf.add(c)
	c.Flags().StringSliceVar(&f.roles, "role", nil, "print these `roles` alone: plan, build, gc, instance, …, and appstream-admin, which is for imagebuild appstream; may be repeated")
	choose(c, &f.format, "format", "how to print the roles", "text", "json", "terraform")
	c.Flags().StringVar(&f.account, "account", "", "the `account` of the roles, 12 digits (default: any, as * in ARNs)")
	c.Flags().StringVar(&f.repository, "repository", "", "whose workflows assume the roles, `OWNER/NAME` (default: GITHUB_REPOSITORY)")
	c.Flags().StringVar(&f.environment, "environment", "production", "the GitHub `environment` that jobs which build run in")
	return c
}

// An iamDocument is all that iam prints; its JSON is part of the interface.
type iamDocument struct {
	Region  string    `json:"region"`
	Account *string   `json:"account"` // null for any
	Roles   []iamRole `json:"roles"`
	// Provider is the account's identity provider that jobs of GitHub Actions assume roles through; nil where no role is theirs.
	Provider *iamProvider `json:"identity_provider,omitempty"`
	// Buckets are those that machines are worked in through.
	Buckets []iamBucket `json:"buckets,omitempty"`
}

// An iamBucket is a bucket with the policy that it needs.
type iamBucket struct {
	Bucket  string             `json:"bucket"`
	Policy  iampolicy.Document `json:"policy"`
	Reasons []string           `json:"reasons"`
}

// An iamRole is one role with everything that makes it.
type iamRole struct {
	Role    string   `json:"role"`
	Name    string   `json:"name,omitempty"` // what the configuration calls it
	Purpose string   `json:"purpose"`
	Managed []string `json:"managed_policies,omitempty"`
	// Trust holds one policy, or of roles that jobs assume two: for either form of the subject.
	Trust    []iamTrust           `json:"trust"`
	Policies []iampolicy.Document `json:"policies"`
	Sizes    []int                `json:"sizes"` // of policies, in characters
	Grants   []iamGrant           `json:"grants"`
}

type iamTrust struct {
	For    string             `json:"for"`
	Policy iampolicy.Document `json:"policy"`
}

type iamGrant struct {
	Action    string               `json:"action"`
	Resources []string             `json:"resources"`
	Condition iampolicy.Conditions `json:"condition,omitempty"`
	Reasons   []string             `json:"reasons"`
}

func (p *program) iamDocument(plan *planner.Plan, f iamFlags) (*iamDocument, error) {
	place := permissions.Place{Region: plan.Graph.Region, Account: f.account}
	doc := &iamDocument{Region: place.Region}
	if f.account != "" {
		doc.Account = &f.account
	}
	repository, err := p.repository(f.repository)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	roles := permissions.Of(plan.Graph, place)
	if slices.Contains(f.roles, permissions.AdminRole) { // which administers images whatever the configuration is
		roles = append(roles, permissions.Admin(plan.Graph, place))
	}
	for _, r := range roles {
		known[r.Name] = true
		if len(f.roles) > 0 && !slices.Contains(f.roles, r.Name) {
			continue
		}
		doc.Roles = append(doc.Roles, newIAMRole(r, place, repository, f.environment))
		if r.Service == "" {
			doc.Provider = newIAMProvider(place, repository)
		}
	}
	for _, name := range f.roles {
		if !known[name] {
			return nil, mistake("it needs "+strings.Join(sortedNames(known), ", "), "this configuration needs no role %q", name)
		}
	}
	if len(f.roles) == 0 || slices.Contains(f.roles, permissions.MachineRole) {
		for _, b := range permissions.Buckets(plan.Graph, place) {
			doc.Buckets = append(doc.Buckets, iamBucket{b.Name, b.Policy, b.Reasons})
		}
	}
	return doc, nil
}

func newIAMRole(r permissions.Role, place permissions.Place, repository permissions.Repository, environment string) iamRole {
	out := iamRole{Role: r.Name, Name: r.Called, Purpose: r.Purpose, Managed: r.Managed, Policies: append([]iampolicy.Document{}, r.Documents()...), Sizes: []int{}, Grants: []iamGrant{}}
	for _, d := range out.Policies {
		out.Sizes = append(out.Sizes, d.Size())
	}
	for _, g := range r.Grants {
		out.Grants = append(out.Grants, iamGrant{g.Action, g.Resources, g.Condition, g.Reasons})
	}
	if r.Service != "" {
		out.Trust = []iamTrust{{"the service " + r.Service, r.ServiceTrust(place)}}
		return out
	}
	rest := "environment:" + environment
	if r.Name == "plan" {
		rest = "pull_request"
	}
	out.Trust = bothTrusts(repository, place, rest)
	return out
}

// bothTrusts are trust policies for either form of the subject.
func bothTrusts(r permissions.Repository, place permissions.Place, rest string) []iamTrust {
	classic, immutable := r.Subjects(rest)
	return []iamTrust{
		{"repositories made before 15 July 2026, and not renamed or transferred since", r.Trust(place, classic)},
		{"all other repositories, whose subjects have numbers", r.Trust(place, immutable)},
	}
}

// repository is whose workflows are meant: the flag's, or the one that this runs for.
func (p *program) repository(flag string) (permissions.Repository, error) {
	env := func(name string) string { v, _ := p.lookupEnv(name); return v }
	full := env("GITHUB_REPOSITORY")
	if flag != "" && flag != full {
		owner, name, ok := strings.Cut(flag, "/")
		if !ok || owner == "" || name == "" || strings.Contains(name, "/") {
			return permissions.Repository{}, mistake("write OWNER/NAME", "%q is no repository", flag)
		}
		return permissions.Repository{Owner: owner, Name: name}, nil
	}
	owner, name, _ := strings.Cut(full, "/")
	return permissions.Repository{Owner: owner, Name: name, OwnerID: env("GITHUB_REPOSITORY_OWNER_ID"), NameID: env("GITHUB_REPOSITORY_ID")}, nil
}

func sortedNames(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// iamFormats are the forms that roles are printed in.
var iamFormats = map[string]func(io.Writer, *iamDocument) error{
	"text": writeIAMText, "json": writeIAMJSON, "terraform": writeIAMTerraform,
}

func writeIAMJSON(w io.Writer, doc *iamDocument) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(doc)
}
