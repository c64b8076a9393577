package permissions

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/org/imagebuild-action/internal/iampolicy"
)

// GitHubIssuer is who signs the tokens of github.com's Actions.
const GitHubIssuer = "https://token.actions.githubusercontent.com"

// DefaultAudience is what tokens are for where nobody says: AWS's own name in GitHub's documentation.
const DefaultAudience = "sts.amazonaws.com"

// A Repository is whose workflows assume a role.
type Repository struct {
	Owner, Name     string
	OwnerID, NameID string // GitHub's numbers; "" where they are not known
	Issuer          string // "" is GitHubIssuer
	Audience        string // "" is sts.amazonaws.com
}

// Subjects are the forms that GitHub gives sub for one kind of job: the classic one, and the one with numbers
// that repositories have by default which were made, renamed or transferred since 15 July 2026. rest is what
// follows the repository: "pull_request", "environment:production", "ref:refs/heads/main".
func (r Repository) Subjects(rest string) (classic, immutable string) {
	owner, name := cmp.Or(r.Owner, "OWNER"), cmp.Or(r.Name, "REPOSITORY")
	return fmt.Sprintf("repo:%s/%s:%s", owner, name, rest),
		fmt.Sprintf("repo:%s@%s/%s@%s:%s", owner, cmp.Or(r.OwnerID, "OWNER_ID"), name, cmp.Or(r.NameID, "REPOSITORY_ID"), rest)
}

func (r Repository) host() string {
	return strings.TrimPrefix(cmp.Or(r.Issuer, GitHubIssuer), "https://")
}

// Provider is the ARN of the account's OpenID Connect provider for the repository's jobs.
func (r Repository) Provider(p Place) string {
	return fmt.Sprintf("arn:%s:iam::%s:oidc-provider/%s", p.partition(), cmp.Or(p.Account, "ACCOUNT"), r.host())
}

// Trust is the trust policy of a role that jobs with these subjects assume. sub is compared as a whole: patterns let
// in what nobody thought of.
func (r Repository) Trust(p Place, subjects ...string) iampolicy.Document {
	host := r.host()
	return iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{{
		Effect: "Allow", Action: iampolicy.Strings{"sts:AssumeRoleWithWebIdentity"},
		Principal: iampolicy.Principal{"Federated": {r.Provider(p)}},
		Condition: iampolicy.Conditions{"StringEquals": {
			host + ":aud": {cmp.Or(r.Audience, DefaultAudience)},
			host + ":sub": subjects,
		}},
	}}}
}

// ServiceTrust is the trust policy of a role that a service assumes, in this account alone where it is known.
func (r Role) ServiceTrust(p Place) iampolicy.Document {
	s := iampolicy.Statement{
		Effect: "Allow", Action: iampolicy.Strings{"sts:AssumeRole"}, Principal: iampolicy.Principal{"Service": {r.Service}},
	}
	switch {
	case r.Service == vmieService:
		s.Condition = iampolicy.Conditions{"StringEquals": {"sts:ExternalId": {"vmimport"}}}
	case r.Service == appstreamService && p.Account != "":
		s.Condition = iampolicy.Conditions{"StringEquals": {"aws:SourceAccount": {p.Account}}}
	}
	return iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{s}}
}
