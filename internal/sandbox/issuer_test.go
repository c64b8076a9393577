package sandbox_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/go-jose/go-jose/v4"

	"github.com/org/imagebuild-action/internal/sandbox"
)

// An issuer signs tokens, and publishes its keys as GitHub does.
type issuer struct {
	*httptest.Server
	key     *rsa.PrivateKey
	kid     string
	fetched int
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{kid: "first"}
	i.rotate(t, "first")
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, i.URL, i.URL+"/keys")
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		i.fetched++
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: i.kid, Algorithm: "RS256", Use: "sig"}}})
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) rotate(t *testing.T, kid string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i.key, i.kid = key, kid
}

// sign makes a token of GitHub's usual claims, changed by others; nil takes one away.
func (i *issuer) sign(t *testing.T, now time.Time, changed map[string]any) string {
	t.Helper()
	claims := map[string]any{
		"iss": i.URL, "aud": "sts.amazonaws.com", "sub": "repo:o/r:environment:prod", "repository_id": "42",
		"iat": now.Unix(), "nbf": now.Add(-10 * time.Minute).Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	maps.Copy(claims, changed)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	raw, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: i.key, KeyID: i.kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(raw)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// role is a role as a file says it, trusting the issuer for one subject.
func role(t *testing.T, i *issuer, name, sub string, seconds int) sandbox.Role {
	t.Helper()
	host := strings.TrimPrefix(i.URL, "http://")
	r, err := sandbox.ParseRole(fmt.Appendf(nil, `{"RoleName": %q, "MaxSessionDuration": %d, "AssumeRolePolicyDocument": {
		"Version": "2012-10-17", "Statement": {
			"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
			"Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/%s"},
			"Condition": {"StringEquals": {"%[3]s:aud": "sts.amazonaws.com"}, "StringLike": {"%[3]s:sub": %[4]q}}}}}`,
		name, seconds, host, sub))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTokensAreVerified: what STS refuses, in the words in which it refuses.
func TestTokensAreVerified(t *testing.T) {
	now := time.Now()
	github, stranger := newIssuer(t), newIssuer(t)
	f := start(t, sandbox.Options{
		Now:     func() time.Time { return now },
		Issuers: []sandbox.Issuer{{URL: github.URL}, {URL: "http://127.0.0.1:1"}},
		Roles:   []sandbox.Role{role(t, github, "apply", "repo:o/r:environment:*", 3600)},
	})
	forged := *github
	forged.key = stranger.key
	for name, tt := range map[string]struct {
		token      string
		role       string
		seconds    int32
		code, text string
	}{
		"good":        {token: github.sign(t, now, nil)},
		"good list":   {token: github.sign(t, now, map[string]any{"aud": []string{"other", "sts.amazonaws.com"}})},
		"forged":      {token: forged.sign(t, now, nil), code: "InvalidIdentityToken", text: "signature could not be verified"},
		"stranger":    {token: stranger.sign(t, now, nil), code: "InvalidIdentityToken", text: "No OpenIDConnect provider found in your account for " + stranger.URL},
		"unreachable": {token: github.sign(t, now, map[string]any{"iss": "http://127.0.0.1:1"}), code: "InvalidIdentityToken", text: "Couldn't retrieve verification key from your identity provider"},
		"audience":    {token: github.sign(t, now, map[string]any{"aud": "https://github.com/o"}), code: "InvalidIdentityToken", text: "Incorrect token audience"},
		"ended":       {token: github.sign(t, now.Add(-time.Hour), nil), code: "ExpiredTokenException", text: "Token expired: current date/time"},
		"early":       {token: github.sign(t, now, map[string]any{"nbf": now.Add(time.Minute).Unix()}), code: "InvalidIdentityToken", text: "Token is not valid: validation failed, token not valid yet (nbf)"},
		"subject":     {token: github.sign(t, now, map[string]any{"sub": "repo:o/r:pull_request"}), code: "AccessDenied", text: "Not authorized to perform sts:AssumeRoleWithWebIdentity"},
		"misspelt":    {token: github.sign(t, now, nil), role: "arn:aws:iam::123456789012:role/aply", code: "AccessDenied", text: "Not authorized to perform sts:AssumeRoleWithWebIdentity"},
		"account":     {token: github.sign(t, now, nil), role: "arn:aws:iam::210987654321:role/apply", code: "AccessDenied"},
		"no arn":      {token: github.sign(t, now, nil), role: "a-role-without-an-arn", code: "ValidationError", text: "Request ARN is invalid"},
		"too long":    {token: github.sign(t, now, nil), seconds: 7200, code: "ValidationError", text: "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
	} {
		in := &sts.AssumeRoleWithWebIdentityInput{RoleArn: aws.String("arn:aws:iam::123456789012:role/apply"), RoleSessionName: aws.String("ci"), WebIdentityToken: &tt.token}
		if tt.role != "" {
			in.RoleArn = &tt.role
		}
		if tt.seconds != 0 {
			in.DurationSeconds = &tt.seconds
		}
		_, err := f.sts.AssumeRoleWithWebIdentity(t.Context(), in)
		switch {
		case tt.code != "":
			t.Log(name)
			f.refused(err, tt.code, tt.text)
		case err != nil:
			t.Errorf("%s: %v", name, err)
		}
	}
	if github.fetched != 1 {
		t.Errorf("the keys were fetched %d times", github.fetched)
	}
	github.rotate(t, "second")
	token := github.sign(t, now, nil)
	must[*sts.AssumeRoleWithWebIdentityOutput](f)(f.sts.AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String("arn:aws:iam::123456789012:role/apply"), RoleSessionName: aws.String("ci"), WebIdentityToken: &token,
	}))
}

// TestChainedRoles: a role that a role assumes, within STS's limits of time, tags and policies.
func TestChainedRoles(t *testing.T) {
	now := time.Now()
	github := newIssuer(t)
	deploy, err := sandbox.ParseRole([]byte(`{"Arn": "arn:aws:iam::210987654321:role/deploy", "MaxSessionDuration": 43200, "AssumeRolePolicyDocument": {
		"Statement": [
			{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::123456789012:role/apply"}, "Condition": {"StringEquals": {"sts:ExternalId": "x-1"}}},
			{"Effect": "Allow", "Action": "sts:TagSession", "Principal": {"AWS": "123456789012"}}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	f := start(t, sandbox.Options{
		Now: func() time.Time { return now }, Issuers: []sandbox.Issuer{{URL: github.URL}},
		Roles: []sandbox.Role{role(t, github, "apply", "repo:o/r:*", 3600), deploy},
	})
	token := github.sign(t, now, nil)
	got := must[*sts.AssumeRoleWithWebIdentityOutput](f)(f.sts.AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String("arn:aws:iam::123456789012:role/apply"), RoleSessionName: aws.String("ci"), WebIdentityToken: &token,
	}))
	cfg := config(f.url, region)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(*got.Credentials.AccessKeyId, *got.Credentials.SecretAccessKey, *got.Credentials.SessionToken)
	f.connect(cfg)
	for name, tt := range map[string]struct {
		change     func(*sts.AssumeRoleInput)
		code, text string
	}{
		"good":        {change: func(*sts.AssumeRoleInput) {}},
		"no id":       {change: func(in *sts.AssumeRoleInput) { in.ExternalId = nil }, code: "AccessDenied", text: "assumed-role/apply/ci is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::210987654321:role/deploy"},
		"two hours":   {change: func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(7200) }, code: "ValidationError", text: "1 hour session limit for roles assumed by role chaining"},
		"no policy":   {change: func(in *sts.AssumeRoleInput) { in.Policy = aws.String("{") }, code: "MalformedPolicyDocument"},
		"many tags":   {change: func(in *sts.AssumeRoleInput) { in.Tags = tags(10) }, code: "PackedPolicyTooLarge"},
		"long policy": {change: func(in *sts.AssumeRoleInput) { in.Policy = aws.String(strings.Repeat(" ", 2048) + allowAll) }, code: "ValidationError"},
	} {
		in := &sts.AssumeRoleInput{
			RoleArn: aws.String("arn:aws:iam::210987654321:role/deploy"), RoleSessionName: aws.String("ci"), ExternalId: aws.String("x-1"),
			Policy: aws.String(allowAll), Tags: tags(1),
		}
		tt.change(in)
		out, err := f.sts.AssumeRole(t.Context(), in)
		switch {
		case tt.code != "":
			t.Log(name)
			f.refused(err, tt.code, tt.text)
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case *out.PackedPolicySize < 1 || *out.PackedPolicySize > 100: //nolint:staticcheck // what older clients read
			t.Errorf("the packed policy is %d %%", *out.PackedPolicySize) //nolint:staticcheck // what older clients read
		}
	}
}

const allowAll = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

func tags(n int) (out []types.Tag) {
	for i := range n {
		out = append(out, types.Tag{Key: aws.String(fmt.Sprint("Key", i)), Value: aws.String(strings.Repeat("v", 250))})
	}
	return out
}
