package github_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/org/imagebuild-action/internal/github"
	"github.com/org/imagebuild-action/internal/githubtest"
)

// job begins a job and reads its environment.
func job(t *testing.T, s *githubtest.Server, j githubtest.Job) (map[string]string, *github.Environment) {
	t.Helper()
	vars, err := s.Environ(t.TempDir(), j)
	if err != nil {
		t.Fatal(err)
	}
	env, err := github.ReadEnvironment(func(k string) string { return vars[k] })
	if err != nil {
		t.Fatal(err)
	}
	return vars, env
}

// identity is the Tokens of a job; masked is what was masked.
func identity(t *testing.T, s *githubtest.Server, j githubtest.Job) (tokens *github.Tokens, vars map[string]string, masked *[]string) {
	t.Helper()
	vars, env := job(t, s, j)
	getenv := func(k string) string { return vars[k] }
	masked = new([]string)
	mask := func(m string) bool {
		*masked = append(*masked, m)
		return true
	}
	return github.NewTokens(env, getenv, &http.Client{Transport: s}, mask), vars, masked
}

const audience = "sts.amazonaws.com"

func TestTokensAreMintedAnew(t *testing.T) {
	s := fake(t, githubtest.Options{})
	tokens, _, masked := identity(t, s, githubtest.Job{Event: "pull_request", Ref: "refs/pull/7/merge"})
	one, err := tokens.IdentityToken(t.Context(), audience)
	if err != nil {
		t.Fatal(err)
	}
	two, err := tokens.IdentityToken(t.Context(), audience)
	if err != nil || one == two || !slices.Equal(*masked, []string{one, two}) {
		t.Errorf("%v, the same: %v, masked %d", err, one == two, len(*masked))
	}
	c, err := github.DecodeClaims(one)
	if err != nil {
		t.Fatal(err)
	}
	if c.Subject != "repo:o/r:pull_request" || !slices.Equal(c.Audience, []string{audience}) || c.RepositoryID != 1 || c.RepositoryOwnerID != 2 || c.Issuer != s.Issuer() || c.Expires.Sub(c.IssuedAt) != 300*time.Second || c.Ref != "refs/pull/7/merge" {
		t.Errorf("%+v", c)
	}
}

func TestSubjects(t *testing.T) {
	s := fake(t, githubtest.Options{})
	for want, j := range map[string]githubtest.Job{
		"repo:o/r:ref:refs/heads/main":         {},
		"repo:o/r:environment:prod%3Aeu":       {Event: "pull_request", Environment: "prod:eu"},
		"repo:o@2/r@1:ref:refs/tags/v1":        {Ref: "refs/tags/v1", Immutable: true},
		"repo:o@2/r@1:environment:prod":        {Environment: "prod", Immutable: true},
		"repo:o@2/r@1:pull_request":            {Event: "pull_request", Immutable: true},
		"repo:o/r:ref:refs/heads/feature%3A-x": {Ref: "refs/heads/feature:-x"},
	} {
		tokens, _, _ := identity(t, s, j)
		token, err := tokens.IdentityToken(t.Context(), audience)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := github.DecodeClaims(token); err != nil || c.Subject != want || c.Environment != j.Environment {
			t.Errorf("%q, want %q, %v", c.Subject, want, err)
		}
	}
}

// A token is what its issuer's keys say: the sandbox's STS verifies it in the same way.
func TestTokensAreVerifiable(t *testing.T) {
	s := githubtest.Start(t, githubtest.Options{})
	signed, err := s.IdentityToken(githubtest.Job{}, audience)
	if err != nil {
		t.Fatal(err)
	}
	var keys jose.JSONWebKeySet
	getJSON(t, s.URL()+"/.well-known/jwks", &keys)
	parsed, err := jwt.ParseSigned(signed, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	var claims jwt.Claims
	if err = parsed.Claims(keys.Keys[0], &claims); err != nil {
		t.Fatal(err)
	}
	expected := jwt.Expected{Issuer: s.Issuer(), AnyAudience: jwt.Audience{audience}, Time: time.Now()}
	if err = claims.ValidateWithLeeway(expected, 0); err != nil {
		t.Error(err)
	}
	expected.Time = expected.Time.Add(301 * time.Second)
	if err = claims.ValidateWithLeeway(expected, 0); !errors.Is(err, jwt.ErrExpired) {
		t.Error(err)
	}
}

func getJSON(t *testing.T, url string, v any) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err = json.NewDecoder(resp.Body).Decode(v); err != nil {
		t.Fatal(err)
	}
}

func TestTokenFailuresThatPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fake(t, githubtest.Options{})
		for _, f := range []githubtest.Fault{{Status: 503, Body: "busy", Times: 2}, {Skip: 2, Status: 429, Times: 1}, {Skip: 3, Status: 200, Body: `{"count":0,"value":""}`, Times: 1}} {
			f.Path = "/_oidc/"
			s.Fail(f)
		}
		tokens, _, _ := identity(t, s, githubtest.Job{})
		start := time.Now()
		if _, err := tokens.IdentityToken(t.Context(), audience); err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d < 350*time.Millisecond || d > 800*time.Millisecond {
			t.Errorf("it took %v", d)
		}
	})
}

func TestTokenFailuresThatDoNot(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault githubtest.Fault
		want  string
		asked int
	}{
		{"for ever busy", githubtest.Fault{Status: 503, Body: "busy\n::error::x ##[error]y"}, `12 times: status 503: busy` + "\ufffd" + `::error::x ##\[error]y`, 12},
		{"expired", githubtest.Fault{Status: 401, Body: "no"}, "the job's own request token was refused (401). It has expired", 1},
		{"forbidden", githubtest.Fault{Status: 403, Body: "no"}, "id-token: write", 1},
		{"a wrong request", githubtest.Fault{Status: 400, Body: "no"}, "status 400: no", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := fake(t, githubtest.Options{})
				tt.fault.Path = "/_oidc/"
				s.Fail(tt.fault)
				tokens, vars, _ := identity(t, s, githubtest.Job{})
				_, err := tokens.IdentityToken(t.Context(), audience)
				if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), vars["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]) {
					t.Error(err)
				}
				if n := len(s.Log()); n != tt.asked {
					t.Errorf("asked %d times", n)
				}
			})
		})
	}
}

func TestAnEndedJobHasNoTokens(t *testing.T) {
	s := fake(t, githubtest.Options{})
	tokens, vars, _ := identity(t, s, githubtest.Job{})
	s.EndJob(vars["ACTIONS_ID_TOKEN_REQUEST_TOKEN"])
	if _, err := tokens.IdentityToken(t.Context(), audience); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Error(err)
	}
}

func TestJobsWithoutTokens(t *testing.T) {
	s := fake(t, githubtest.Options{})
	s.SetPullRequest(githubtest.PullRequest{Number: 9, HeadSHA: headSHA, HeadRepo: "fork/r", HeadRepoID: 9})
	for want, j := range map[string]githubtest.Job{
		"id-token: write":      {},
		"forks":                {Event: "pull_request", Payload: s.PullRequestEvent(9, "opened")},
		"Dependabot":           {Event: "pull_request", Actor: "dependabot[bot]"},
		"permissions of a job": {Event: "schedule"},
	} {
		j.NoIdentity = true
		tokens, _, _ := identity(t, s, j)
		_, err := tokens.IdentityToken(t.Context(), audience)
		if u := github.Unavailable(err); u == nil || !strings.Contains(u.Why, want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	outside := github.NewTokens(&github.Environment{}, func(string) string { return "" }, nil, func(string) bool { return true })
	if u := github.Unavailable(outside.Available()); u == nil || !strings.Contains(u.Why, "no step of GitHub Actions") {
		t.Error(u)
	}
}

func FuzzClaims(f *testing.F) {
	f.Add("a.eyJzdWIiOiJ4IiwiYXVkIjpbImEiXSwiZXhwIjoxZTIwfQ.c")
	f.Add("..")
	f.Add("a.bnVsbA.c")
	f.Fuzz(func(t *testing.T, token string) {
		c, err := github.DecodeClaims(token)
		if err != nil && len(token) > 8 && strings.Contains(err.Error(), token) {
			t.Fatalf("the error holds the token: %v", err)
		}
		if _, err = c.Expires.MarshalText(); err != nil {
			t.Fatal(err)
		}
	})
}
