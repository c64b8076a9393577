package aws_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/sandbox"
)

const issuerURL = "https://token.actions.githubusercontent.com"

// An issuer signs tokens as GitHub does, for a sandbox that knows its keys.
type issuer struct {
	key    *ecdsa.PrivateKey
	minted []string
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{key: key}
}

// token is what WebIdentity.Token is: a token of five minutes.
func (i *issuer) token(sub, aud string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		now := time.Now()
		raw, err := json.Marshal(map[string]any{
			"iss": issuerURL, "sub": sub, "aud": aud, "jti": strconv.Itoa(len(i.minted)),
			"iat": now.Unix(), "nbf": now.Add(-10 * time.Minute).Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		})
		if err != nil {
			return "", err
		}
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.key, KeyID: "1"}}, nil)
		if err != nil {
			return "", err
		}
		signed, err := signer.Sign(raw)
		if err != nil {
			return "", err
		}
		token, err := signed.CompactSerialize()
		i.minted = append(i.minted, token)
		return token, err
	}
}

func (i *issuer) trusted(t *testing.T) sandbox.Issuer {
	t.Helper()
	raw, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: "1"}}})
	if err != nil {
		t.Fatal(err)
	}
	return sandbox.Issuer{URL: issuerURL, Keys: raw}
}

// inside hands requests to a server in this process, so that a false clock goes on while they wait.
type inside struct{ http.Handler }

func (h inside) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	in.Host, in.RequestURI = "127.0.0.1", r.URL.RequestURI() // the sandbox answers to its own names alone
	if in.Body == nil {
		in.Body = http.NoBody
	}
	in.Header.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, in)
	return w.Result(), nil
}

// trusts is a role with a trust policy for one subject, or for one role.
func trusts(t *testing.T, name, statement string) sandbox.Role {
	t.Helper()
	r, err := sandbox.ParseRole(fmt.Appendf(nil, `{"RoleName": %q, "MaxSessionDuration": 3600, "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [%s]}}`, name, statement))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const (
	github = `{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
		"Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
		"Condition": {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com", "token.actions.githubusercontent.com:sub": "repo:o/r:environment:prod"}}}`
	ofBuild = `{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {"AWS": "arn:aws:iam::123456789012:role/build"},
		"Condition": {"StringEquals": {"sts:ExternalId": "x-1"}}}`
)

func openSandbox(t *testing.T, o sandbox.Options) *sandbox.Server {
	t.Helper()
	o.Dir, o.Root, o.Region, o.Account = t.TempDir(), "none", region, account
	server, err := sandbox.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// TestBuildOutlivesItsCredentials: five hours of building on sessions of fifteen minutes and tokens of
// five, through the real SDK, against an STS that verifies each of them and fails now and then.
func TestBuildOutlivesItsCredentials(t *testing.T) {
	for name, chain := range map[string][]string{"one role": nil, "chain": {"deploy"}} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			synctest.Test(t, func(t *testing.T) {
				server := openSandbox(t, sandbox.Options{
					Issuers: []sandbox.Issuer{i.trusted(t)}, Roles: []sandbox.Role{trusts(t, "build", github), trusts(t, "deploy", ofBuild)},
					StageTimes: map[string]time.Duration{"BUILDING": 5 * time.Hour},
					Faults: []sandbox.Fault{
						{Operation: "AssumeRoleWithWebIdentity", First: 4, Count: 3, Code: "IDPCommunicationError"},
						// Credentials that end before their time, as they do for a clock that is slow.
						{Operation: "CreateComponent", Count: 1, Code: "ExpiredTokenException", Status: http.StatusForbidden},
						{Operation: "GetImage", First: 9, Count: 1, Code: "ExpiredTokenException", Status: http.StatusForbidden},
						{Operation: "AssumeRoleWithWebIdentity", First: 12, Count: 14, Code: "AccessDenied", Status: http.StatusForbidden},
					},
				})
				defer server.Close() //nolint:errcheck // what it has to say is not asked here
				masked := map[string]bool{}
				c, err := aws.New(t.Context(), aws.Config{
					Region: region, Endpoint: "http://aws.invalid", HTTP: &http.Client{Transport: inside{server}},
					Identity: &aws.WebIdentity{
						Token: i.token("repo:o/r:environment:prod", "sts.amazonaws.com"), Role: "build", Account: account, Chain: chain,
						ExternalID: "x-1", Duration: 15 * time.Minute, Session: "imagebuild-1-1", AllowedAccounts: []string{account},
						Tags: []aws.SessionTag{{Key: "Repository", Value: "o/r"}, {Key: "Branch", Value: strings.Repeat("a!", 1500), Droppable: true}},
					},
					OnCredentials: func(keyID, _, _ string) { masked[keyID] = true },
				})
				if err != nil {
					t.Fatal(err)
				}
				p := plan(t, c, map[string]string{"main.ib.hcl": fmt.Sprintf(staged, "hello", "aws:amazon-linux-2023-x86")})
				r := carryOut(t.Context(), p, c.Driver(aws.Options{Run: "1", Interval: time.Minute}))
				if r.err != nil {
					t.Fatal(r.err)
				}
				if r.took < 5*time.Hour || !strings.HasPrefix(fmt.Sprint(r.finished["image.web"].Outputs["ami"]), "ami-") {
					t.Errorf("took %v, made %v", r.took, r.finished["image.web"].Outputs)
				}
				asked := server.Calls()["sts:AssumeRoleWithWebIdentity"]
				if asked < 20 || asked > 60 {
					t.Errorf("the role was assumed %d times", asked)
				}
				if distinct := slices.Compact(slices.Sorted(slices.Values(i.minted))); len(distinct) != asked {
					t.Errorf("%d tokens for %d calls", len(distinct), asked)
				}
				if _, arn, err := c.Identity(t.Context()); err != nil || !strings.HasSuffix(arn, "/imagebuild-1-1") {
					t.Errorf("the caller is %s, %v", arn, err)
				}
				for _, call := range r.events {
					if s := fmt.Sprint(call); strings.Contains(s, "ExpiredToken") {
						t.Error(s)
					}
				}
				if len(masked) < 20 {
					t.Errorf("%d keys were masked", len(masked))
				}
			})
		})
	}
}

// TestIdentityErrorsAreHints: each way of being refused says what to do, with the token's claims.
func TestIdentityErrorsAreHints(t *testing.T) {
	i, stranger := newIssuer(t), newIssuer(t)
	ok := i.token("repo:o/r:environment:prod", "sts.amazonaws.com")
	for name, tt := range map[string]struct {
		change func(*aws.WebIdentity)
		code   string
		hints  []string
		tries  int
	}{
		"subject":  {change: func(w *aws.WebIdentity) { w.Token = i.token("repo:o@1/r@2:pull_request", "sts.amazonaws.com") }, code: "AccessDenied", hints: []string{`sub "repo:o@1/r@2:pull_request"`, `aud "sts.amazonaws.com"`, `role "arn:aws:iam::123456789012:role/build"`, "repo:OWNER@ID/NAME@ID"}, tries: 1},
		"audience": {change: func(w *aws.WebIdentity) { w.Token = i.token("repo:o/r:environment:prod", "https://github.com/o") }, code: "InvalidIdentityToken", hints: []string{"client ids", `aud "https://github.com/o"`}, tries: 1},
		"forged":   {change: func(w *aws.WebIdentity) { w.Token = stranger.token("repo:o/r:environment:prod", "sts.amazonaws.com") }, code: "InvalidIdentityToken", hints: []string{"must come from the issuer"}, tries: 1},
		"duration": {change: func(w *aws.WebIdentity) { w.Duration = 2 * time.Hour }, code: "ValidationError", hints: []string{"raise the role's maximum session duration"}, tries: 1},
		"chain":    {change: func(w *aws.WebIdentity) { w.Chain = []string{"deploy"}; w.ExternalID = "other" }, code: "AccessDenied", hints: []string{"external id", `role "arn:aws:iam::123456789012:role/deploy"`}, tries: 1},
		"tags": {change: func(w *aws.WebIdentity) {
			w.Chain = []string{"deploy"}
			w.Tags = []aws.SessionTag{{Key: "K", Value: strings.Repeat("v", 3000)}, {Key: "L", Value: "v"}}
			w.Policy = long
		}, code: "PackedPolicyTooLarge", hints: []string{"shorten the policy"}, tries: 1},
		"account": {change: func(w *aws.WebIdentity) { w.AllowedAccounts = []string{"210987654321"} }, code: aws.AccountNotAllowed, hints: []string{"allow its account"}, tries: 1},
		"no token": {change: func(w *aws.WebIdentity) {
			w.Token = func(context.Context) (string, error) { return "", errors.New("no request URL") }
		}, code: aws.TokenUnavailable, hints: []string{"id-token: write", "forks and from Dependabot"}},
		"transient": {change: func(w *aws.WebIdentity) { w.Role = "arn:aws:iam::123456789012:role/hiccup" }, code: "IDPCommunicationError", hints: []string{"passes by itself"}, tries: 12},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var faults []sandbox.Fault
				if name == "transient" {
					faults = []sandbox.Fault{{Operation: "AssumeRoleWithWebIdentity", Count: -1, Code: "IDPCommunicationError"}}
				}
				server := openSandbox(t, sandbox.Options{
					Issuers: []sandbox.Issuer{i.trusted(t)}, Roles: []sandbox.Role{trusts(t, "build", github), trusts(t, "deploy", ofBuild)}, Faults: faults,
				})
				defer server.Close() //nolint:errcheck // what it has to say is not asked here
				w := &aws.WebIdentity{Token: ok, Role: "build", Account: account, ExternalID: "x-1"}
				tt.change(w)
				c, err := aws.New(t.Context(), aws.Config{Region: region, Endpoint: "http://aws.invalid", HTTP: &http.Client{Transport: inside{server}}, Identity: w})
				if err != nil {
					t.Fatal(err)
				}
				_, _, err = c.Identity(t.Context())
				e, known := errors.AsType[*aws.IdentityError](err)
				if !known || e.Code != tt.code || aws.Code(err) != tt.code {
					t.Fatalf("got %v, want %s", err, tt.code)
				}
				for _, h := range tt.hints {
					if !strings.Contains(e.Hint(), h) {
						t.Errorf("the hint %q does not say %q", e.Hint(), h)
					}
				}
				if n := server.Calls()["sts:AssumeRoleWithWebIdentity"]; n != tt.tries {
					t.Errorf("%d tries, want %d", n, tt.tries)
				}
			})
		})
	}
}

var long = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":["*"` + strings.Repeat(`,"arn:aws:s3:::bucket"`, 80) + `]}]}`

// TestIdentitiesThatCannotBe are refused before anything is asked.
func TestIdentitiesThatCannotBe(t *testing.T) {
	token := func(context.Context) (string, error) { return "", nil }
	for want, w := range map[string]aws.WebIdentity{
		`the role "build" is a name alone`:                {Token: token, Role: "build"},
		`"build it" is neither the ARN`:                   {Token: token, Role: "build it", Account: account},
		"no role to assume with it":                       {Token: token},
		`the session name "a b"`:                          {Token: token, Role: "build", Account: account, Session: "a b"},
		"credentials live 15 minutes to 12 hours, not 1m": {Token: token, Role: "build", Account: account, Duration: time.Minute},
		`the allowed account "1" is not 12 digits`:        {AllowedAccounts: []string{"1"}},
		"at most 10 managed policies":                     {Token: token, Role: "build", Account: account, Policies: make([]string, 11)},
	} {
		_, err := aws.New(t.Context(), aws.Config{Region: region, Identity: &w})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestRolesByNameAreOfTheRegionsPartition: a name and an account are enough everywhere.
func TestRolesByNameAreOfTheRegionsPartition(t *testing.T) {
	for region, arn := range map[string]string{
		"eu-west-1": "arn:aws:iam::123456789012:role/ci/build", "cn-north-1": "arn:aws-cn:iam::123456789012:role/ci/build", "us-gov-west-1": "arn:aws-us-gov:iam::123456789012:role/ci/build",
	} {
		got, err := aws.Roles(&aws.WebIdentity{Role: "ci/build", Account: account}, region)
		if err != nil || !slices.Equal(got, []string{arn}) {
			t.Errorf("%s: %v, %v", region, got, err)
		}
	}
}

// TestAmbientCredentialsAreNamed: what the environment gives is taken, masked and named.
func TestAmbientCredentialsAreNamed(t *testing.T) {
	server := openSandbox(t, sandbox.Options{})
	t.Cleanup(func() { _ = server.Close() })
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_SESSION_TOKEN", "token")
	var masked []string
	c, err := aws.New(t.Context(), aws.Config{
		Region: region, Endpoint: "http://aws.invalid", HTTP: &http.Client{Transport: inside{server}},
		OnCredentials: func(keyID, secret, token string) { masked = append(masked, keyID, secret, token) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if said, err := c.Source(t.Context()); err != nil || said != "environment variables" {
		t.Errorf("source %q, %v", said, err)
	}
	if _, _, err := c.Identity(t.Context()); err != nil {
		t.Error(err)
	}
	if !slices.Equal(masked, []string{"AKIDEXAMPLE", "secret", "token"}) {
		t.Errorf("masked %q", masked)
	}
}

func TestSessionTagValues(t *testing.T) {
	for in, want := range map[string]string{
		"o/r": "o/r", "dependabot[bot]": "dependabot_bot_", "Größe: 1 + 1 = 2 @ home": "Größe: 1 + 1 = 2 @ home",
		"a\nb`c`": "a_b_c_", strings.Repeat("é", 300): strings.Repeat("é", 256),
	} {
		if got := aws.TagValue(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}
