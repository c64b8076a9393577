package aws

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"

	smithy "github.com/aws/smithy-go"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
)

// Codes of what kept a role from being assumed, beside AWS's own.
const (
	// TokenUnavailable: there was no web identity token to be had.
	TokenUnavailable = "TokenUnavailable"
	// AccountNotAllowed: the role works in an account that was not allowed.
	AccountNotAllowed = "AccountNotAllowed"
)

const packedTooLarge = "PackedPolicyTooLarge"

// An IdentityError is why AWS cannot be called as the identity that was asked for.
type IdentityError struct {
	Op        planner.Op // "" where nothing was called
	Role      string     // the ARN of the role that was to be assumed
	Code      string     // AWS's error code, or one of this package's
	Message   string
	RequestID string
	// Issuer, Subject and Audience are the claims iss, sub and aud of the token, unverified; "" without one.
	Issuer, Subject, Audience string

	hint    string
	passing bool // it may pass by itself
	err     error
}

func (e *IdentityError) Error() string {
	s := e.Code + ": " + e.Message
	if e.Op != "" {
		s = string(e.Op) + ": " + s
	}
	if e.RequestID != "" {
		s += " (request " + e.RequestID + ")"
	}
	return s
}

// Unwrap is the SDK's error, or the one of the token's source.
func (e *IdentityError) Unwrap() error { return e.err }

// Hint says what to do about it: sentences.
func (e *IdentityError) Hint() string {
	said := []string{e.hint}
	var facts []string
	for _, f := range []struct{ name, value string }{{"role", e.Role}, {"sub", e.Subject}, {"aud", e.Audience}, {"iss", e.Issuer}} {
		if f.value != "" {
			facts = append(facts, fmt.Sprintf("%s %q", f.name, f.value))
		}
	}
	if len(facts) > 0 {
		said = append(said, "Asked with "+strings.Join(facts, ", ")+".")
	}
	return strings.TrimSpace(strings.Join(said, " "))
}

// An identityHint is what to do about one way in which assuming a role fails. AWS uses one code for
// several ways, so its text is looked at too; only what is said to people depends on that, and
// whether it is worth another try.
type identityHint struct {
	code    string // without the ending Exception
	text    *regexp.Regexp
	passing bool
	hint    string
}

// identityHints are looked through in order. Texts as STS writes them; see also docs/credentials.md.
//
//nolint:gochecknoglobals // a table, never written
var identityHints = []identityHint{
	{code: "AccessDenied", text: regexp.MustCompile(`AssumeRoleWithWebIdentity`), hint: "STS says the same of all of these: the role's trust policy has another sub (an environment: in the job changes it, and repositories made or renamed since 15 July 2026 have numbers in it: repo:OWNER@ID/NAME@ID:…) or another aud; the role's name is misspelt; it is in another account. Compare the trust policy with the token, letter by letter: imagebuild doctor prints one that fits."},
	{code: "AccessDenied", text: regexp.MustCompile(`sts:TagSession`), hint: "The trust policy of a chained role must allow sts:TagSession besides sts:AssumeRole, or the session must have no tags."},
	{code: "AccessDenied", hint: "The trust policy of the role must allow the one before it in the chain, with the external id if it asks for one, and that one's own policy must allow sts:AssumeRole on it."},
	{code: "InvalidIdentityToken", text: regexp.MustCompile(`No OpenIDConnect provider`), hint: "The account of the role has no OpenID Connect provider of this URL: create it there, with the client id of the audience. An enterprise may have an issuer of its own, whose URL ends in its slug."},
	{code: "InvalidIdentityToken", text: regexp.MustCompile(`(?i)incorrect token audience`), hint: "The OpenID Connect provider in the role's account does not list this audience among its client ids: add it, or ask for one that is there (sts.amazonaws.com is usual)."},
	{code: "InvalidIdentityToken", text: regexp.MustCompile(`(?i)retrieve verification key`), passing: true, hint: "AWS could not fetch the issuer's keys. This passes by itself: run it again. A thumbprint in the provider plays no part for GitHub's issuer."},
	{code: "InvalidIdentityToken", hint: "STS did not take the token: it must come from the issuer of the OpenID Connect provider, and unchanged."},
	{code: "IDPCommunicationError", passing: true, hint: "AWS could not reach the issuer of the token. This passes by itself: run it again."},
	{code: "IDPRejectedClaim", hint: "The issuer or the provider rejected the token's claims: compare them with the conditions of the provider and of the role."},
	{code: "ExpiredToken", text: regexp.MustCompile(`(?i)date/time`), passing: true, hint: "The token had ended when STS saw it: it lives five minutes. A new one was fetched for each try, so the clock of this machine or of the issuer is wrong."},
	{code: "ExpiredToken", hint: "The credentials that were to assume the role have ended: get new ones."},
	{code: "ValidationError", text: regexp.MustCompile(`(?i)is invalid|invalid arn|roleArn`), hint: "The role's ARN is malformed: arn:aws:iam::123456789012:role/NAME. An empty secret or variable is the usual cause."},
	{code: "ValidationError", text: regexp.MustCompile(`(?i)role chaining`), hint: "STS limits chained roles to one hour, and so a role that is assumed with the credentials of another: ask for an hour or less. Credentials are refreshed for as long as the build lasts."},
	{code: "ValidationError", text: regexp.MustCompile(`MaxSessionDuration`), hint: "Ask for a shorter duration, or raise the role's maximum session duration. Credentials are refreshed for as long as the build lasts, so an hour is enough."},
	{code: packedTooLarge, hint: "Session policy and tags together are too large: shorten the policy (2,048 characters at most, spaces count), or use managed policies."},
	{code: "MalformedPolicyDocument", hint: "The session policy is not a policy document that IAM can read: check it with aws accessanalyzer validate-policy."},
	{code: "RegionDisabled", hint: "STS is not active in this region: activate it in the account's settings (IAM, Security Token Service), or use another region."},
	{code: TokenUnavailable, hint: "In GitHub Actions the job needs permissions: id-token: write. A job's permissions replace the workflow's; the caller of a reusable workflow must grant it too; and pull requests from forks and from Dependabot never get a token, by design."},
	{code: AccountNotAllowed, hint: "Check which role is assumed, or allow its account."},
}

// failed explains an answer of STS, or that there was none.
func (p *identityProvider) failed(op planner.Op, role, token string, err error) *IdentityError {
	e := &IdentityError{Op: op, Role: role, Code: codeOf(err), Message: err.Error(), err: err}
	if called, ok := errors.AsType[*CallError](callError(op, p.service.cfg.Region, err)); ok {
		e.Message, e.RequestID = called.Message, called.RequestID
		e.passing = Classify(called) != nil
	}
	e.Issuer, e.Subject, e.Audience = unverified(token)
	return explained(e)
}

// tokenError says that no token was to be had. Whoever makes tokens has tried again already.
func tokenError(role string, err error) error {
	e := explained(&IdentityError{Role: role, Code: TokenUnavailable, Message: err.Error(), err: err})
	e.hint = cmp.Or(hintOf(err), e.hint)
	return e
}

// hinted is an error that knows what to do about it.
type hinted interface {
	error
	Hint() string
}

// explained finds the hint of an error.
func explained(e *IdentityError) *IdentityError {
	for _, h := range identityHints {
		// Some of AWS's protocols leave the ending out.
		if h.code == strings.TrimSuffix(e.Code, "Exception") && (h.text == nil || h.text.MatchString(e.Message)) {
			e.hint, e.passing = h.hint, e.passing || h.passing
			break
		}
	}
	return e
}

// codeOf is AWS's error code, or that there was no answer.
func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return awsmodel.ErrorCode(api.ErrorCode())
	}
	return ConnectionFailed
}

// unverified reads a token's claims to show them. What is no token has none.
func unverified(token string) (issuer, subject, audience string) {
	t, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512})
	var c jwt.Claims
	if err != nil || t.UnsafeClaimsWithoutVerification(&c) != nil {
		return "", "", ""
	}
	return c.Issuer, c.Subject, strings.Join(c.Audience, ", ")
}
