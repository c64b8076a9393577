package github

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	api "github.com/google/go-github/v60/github"

	"github.com/org/imagebuild-action/internal/neutral"
)

// Client speaks to GitHub's API about one repository, the job's own.
type Client struct {
	env       *Environment
	api       *api.Client
	transport *transport
	redact    func(string) string
}

// ClientOptions say how a Client speaks.
type ClientOptions struct {
	// Token is the job's GITHUB_TOKEN or another one.
	Token string
	// Transport is nil for the usual one.
	Transport http.RoundTripper
	// Redact covers secrets in all text that is sent, since the runner masks its own log alone. Commands.Redact is one.
	Redact func(string) string
}

// NewClient returns a Client for the repository of env, at the URLs of env.
func NewClient(env *Environment, o ClientOptions) (*Client, error) {
	switch {
	case env.Repository.Owner == "" || env.Repository.Name == "":
		return nil, &UnavailableError{What: "GitHub's API", Why: "no repository is named: GITHUB_REPOSITORY is not owner/name."}
	case o.Token == "":
		return nil, &UnavailableError{What: "GitHub's API", Why: "there is no token. The input github-token has ${{ github.token }} by default."}
	}
	base, err := url.Parse(env.APIURL + "/")
	if err != nil {
		return nil, fmt.Errorf("the URL of GitHub's API: %w", err)
	}
	c := &Client{env: env, redact: o.Redact}
	c.transport = newTransport(o.Transport, o.Token, env.APIURL, env.GraphQLURL)
	c.api = api.NewClient(&http.Client{Transport: c.transport})
	c.api.BaseURL = base
	c.api.UserAgent = "imagebuild"
	if c.redact == nil {
		c.redact = func(s string) string { return s }
	}
	return c, nil
}

// status is the HTTP status of a failed call, 0 where there was no answer.
func status(err error) int {
	if failed, ok := errors.AsType[*api.ErrorResponse](err); ok && failed.Response != nil {
		return failed.Response.StatusCode
	}
	return 0
}

// told turns the refusals that a job lives with into an UnavailableError, and gives others a name. permission is what
// the token needs: "pull-requests: write".
func told(what, permission string, err error) error {
	if err == nil || Unavailable(err) != nil {
		return err
	}
	var primary *api.RateLimitError
	var secondly *api.AbuseRateLimitError
	said := &UnavailableError{What: what, Err: err}
	switch {
	case errors.As(err, &primary):
		said.Why = fmt.Sprintf("the token's %d requests of this hour are used up; there are new ones at %s.", primary.Rate.Limit, primary.Rate.Reset.UTC().Format(time.TimeOnly+" MST"))
		return said
	case errors.As(err, &secondly):
		said.Why = "GitHub asks for fewer requests at once (secondary rate limit)."
		return said
	}
	reason := ""
	if failed, ok := errors.AsType[*api.ErrorResponse](err); ok {
		const shown = 300
		reason = cut(neutral.Line(failed.Message), shown)
	}
	switch status(err) {
	case http.StatusUnauthorized:
		said.Why = fmt.Sprintf("the token was refused (401 %s). A job's token ends with the job, and after 24 hours.", reason)
	case http.StatusForbidden:
		said.Why = fmt.Sprintf("the token may not (403 %s). It needs %s; a pull request from a fork or of Dependabot gets a token that only reads.", reason, permission)
	case http.StatusNotFound, http.StatusGone:
		said.Why = fmt.Sprintf("GitHub has nothing there that the token may see (%d %s). It needs %s.", status(err), reason, permission)
	default:
		return fmt.Errorf("%s: %w", what, err)
	}
	return said
}
