package aws

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	smithy "github.com/aws/smithy-go"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
)

// A WebIdentity says as whom AWS is called: as a role, or as the last of a chain of roles. Credentials
// are refreshed before they end, so that a build may last as long as it likes.
type WebIdentity struct {
	// Token returns a JSON Web Token made anew at each call, which Role is assumed with. Where it is
	// nil, the credentials that the SDK finds assume Role instead.
	Token func(ctx context.Context) (string, error)
	// Audience is what Token asks its issuer for, as hints name it; "" leaves it out.
	Audience string
	// Role is the ARN of a role, or its name where Account is given; "" assumes none.
	Role string
	// Account is the 12-digit account of roles that are given by name alone.
	Account string
	// Chain are further roles, each assumed by the one before it: ARNs or names.
	Chain []string
	// Session names the sessions in CloudTrail: 2 to 64 letters, digits and _+=,.@-; "" is "imagebuild".
	Session string
	// Duration is how long credentials live: 15 minutes to 12 hours, and no more than the role allows.
	// 0 is 1 hour. STS gives chained roles no more than 1 hour whatever is asked for.
	Duration time.Duration
	// Policy is an IAM policy document that the last role's sessions are limited to besides; "" is none.
	Policy string
	// Policies are ARNs of up to ten managed policies of the same effect.
	Policies []string
	// ExternalID is what the trust policies of chained roles may ask for; "" is none.
	ExternalID string
	// Tags are the session tags of chained roles. A web identity's come from its token alone.
	Tags []SessionTag
	// AllowedAccounts are the accounts that may be worked in; none allows every account.
	AllowedAccounts []string
}

// Bounds of a session's life in STS.
const (
	sessionShortest = 15 * time.Minute
	sessionLongest  = 12 * time.Hour
	chainLongest    = time.Hour
)

// Credentials are asked for again between half of this and all of it before they end, so that nothing
// signed with the old ones arrives late, and machines do not all ask at once.
const refreshWindow = 5 * time.Minute

// retryLater is how long credentials that could not be refreshed are used before it is tried again.
const retryLater = 15 * time.Second

const (
	identityTries = 12 // as many as aws-actions/configure-aws-credentials makes
	identityFirst = 50 * time.Millisecond
	identityCap   = 5 * time.Second
)

var (
	roleName    = regexp.MustCompile(`^[\w+=,.@/-]{1,576}$`)
	roleARN     = regexp.MustCompile(`^arn:(aws[a-z-]*):iam::(\d{12}):role/[\w+=,.@/-]{1,576}$`)
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	accountID   = regexp.MustCompile(`^\d{12}$`)
)

// roles are the ARNs of all roles, in the order they are assumed in.
func (w *WebIdentity) roles(region string) ([]string, error) {
	names := w.Chain
	if w.Role != "" {
		names = append([]string{w.Role}, w.Chain...)
	}
	var arns []string
	for _, name := range names {
		switch {
		case roleARN.MatchString(name):
			arns = append(arns, name)
		case !roleName.MatchString(name):
			return nil, fmt.Errorf("%q is neither the ARN of an IAM role nor the name of one", name)
		case !accountID.MatchString(w.Account):
			return nil, fmt.Errorf("the role %q is a name alone: its account is needed, 12 digits, or its whole ARN", name)
		default:
			arns = append(arns, fmt.Sprintf("arn:%s:iam::%s:role/%s", awsmodel.PartitionOf(region), w.Account, name))
		}
	}
	return arns, nil
}

// check finds what STS would refuse whatever the roles allow.
func (w *WebIdentity) check(roles []string, region string) error {
	switch {
	case w.Token != nil && w.Role == "":
		return errors.New("a web identity token is there, and no role to assume with it: name the role")
	case len(roles) > 0 && region == "":
		return errors.New("STS is asked in a region: set AWS_REGION")
	case w.Session != "" && !sessionName.MatchString(w.Session):
		return fmt.Errorf("the session name %q is not 2 to 64 letters, digits and _+=,.@-", w.Session)
	case w.Duration != 0 && (w.Duration < sessionShortest || w.Duration > sessionLongest):
		return fmt.Errorf("credentials live 15 minutes to 12 hours, not %v", w.Duration)
	case len(w.Policies) > 10:
		return fmt.Errorf("a session is limited by at most 10 managed policies, not %d", len(w.Policies))
	}
	for _, a := range w.AllowedAccounts {
		if !accountID.MatchString(a) {
			return fmt.Errorf("the allowed account %q is not 12 digits", a)
		}
	}
	return nil
}

// An identityProvider gives credentials of the configured identity. The SDK's cache stands before it,
// so that nothing here runs twice at once.
type identityProvider struct {
	identity WebIdentity
	roles    []string
	ambient  sdk.CredentialsProvider // what the SDK found; nil for nothing
	service  securityTokens
	use      func(keyID, secret, token string)
	worked   bool      // credentials were had before
	ends     time.Time // when the last role's credentials really end
}

// newIdentity stands between the SDK and the credentials that it found. It makes no call.
func newIdentity(cfg sdk.Config, w *WebIdentity, use func(keyID, secret, token string)) (*sdk.CredentialsCache, error) {
	if w == nil {
		w = &WebIdentity{}
	}
	roles, err := w.roles(cfg.Region)
	if err == nil {
		err = w.check(roles, cfg.Region)
	}
	if err != nil {
		return nil, fmt.Errorf("the identity to call AWS with: %w", err)
	}
	if use == nil {
		use = func(string, string, string) {}
	}
	return sdk.NewCredentialsCache(&identityProvider{
		identity: *w, roles: roles, ambient: cfg.Credentials, service: newSecurityTokens(cfg), use: use,
	}), nil
}

// Retrieve goes the whole way, from a new token to the last role, and tries again what may pass by
// itself. Of what worked before everything may pass.
func (p *identityProvider) Retrieve(ctx context.Context) (sdk.Credentials, error) {
	wait := identityFirst
	for try := 1; ; try++ {
		got, err := p.assumeAll(ctx)
		if err == nil {
			p.worked = true
			return p.early(got), nil
		}
		e, ours := errors.AsType[*IdentityError](err)
		if try == identityTries || !ours || !e.passing && !p.worked {
			return sdk.Credentials{}, err
		}
		if sleep(ctx, wait/2+rand.N(wait/2)) != nil { //nolint:gosec // it spreads calls, it guards nothing
			return sdk.Credentials{}, err
		}
		wait = min(2*wait, identityCap)
	}
}

// early makes credentials of a role end for the cache before they do. What the SDK found has a window of its own.
func (p *identityProvider) early(c sdk.Credentials) sdk.Credentials {
	if len(p.roles) == 0 {
		return c
	}
	p.ends = c.Expires
	window := min(refreshWindow, time.Until(c.Expires)/2)
	c.Expires = c.Expires.Add(-window/2 - rand.N(max(window/2, 1))) //nolint:gosec // as above
	return c
}

// endedCodes are the codes by which services say so: EC2's is RequestExpired.
var endedCodes = []string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"} //nolint:gochecknoglobals // a table, never written

// ended reports whether AWS says that credentials are no longer good. It may say so before their time: this machine's
// clock may be slow, or have stood still.
func ended(err error) bool {
	return slices.Contains(endedCodes, codeOf(err))
}

// renewed reports whether there are others than the credentials that a call was made with.
func (c *Clients) renewed(ctx context.Context, used sdk.Credentials) bool {
	cache, ok := c.cfg.Credentials.(*sdk.CredentialsCache)
	if !ok {
		return false
	}
	now, err := cache.Retrieve(ctx)
	if err == nil && now.SessionToken == used.SessionToken {
		cache.Invalidate()
		now, err = cache.Retrieve(ctx)
	}
	return err == nil && now.SessionToken != used.SessionToken
}

// HandleFailToRefresh keeps credentials that still work when no newer ones can be had.
func (p *identityProvider) HandleFailToRefresh(_ context.Context, old sdk.Credentials, err error) (sdk.Credentials, error) {
	if !old.HasKeys() || !time.Now().Before(p.ends) {
		return sdk.Credentials{}, err
	}
	old.Expires = time.Now().Add(retryLater)
	if p.ends.Before(old.Expires) {
		old.Expires = p.ends
	}
	return old, nil
}

// assumeAll assumes the roles one after another. Nothing sees credentials before they are masked.
func (p *identityProvider) assumeAll(ctx context.Context) (sdk.Credentials, error) {
	got, chain, err := p.first(ctx)
	if err != nil {
		return sdk.Credentials{}, err
	}
	p.use(got.AccessKeyID, got.SecretAccessKey, got.SessionToken)
	for i, role := range chain {
		if got, err = p.assumeChained(ctx, got, role, i == len(chain)-1); err != nil {
			return sdk.Credentials{}, err
		}
		p.use(got.AccessKeyID, got.SecretAccessKey, got.SessionToken)
	}
	if !p.worked {
		err = p.allowed(ctx, got)
	}
	return got, err
}

// first are the credentials that begin the chain, and the roles that follow.
func (p *identityProvider) first(ctx context.Context) (got sdk.Credentials, chain []string, err error) {
	if p.identity.Token != nil {
		got, err = p.assumeWeb(ctx, p.roles[0], len(p.roles) == 1)
		return got, p.roles[1:], err
	}
	if p.ambient == nil {
		return got, nil, explained(&IdentityError{Code: NoCredentials, Message: noCredentials})
	}
	got, err = p.ambient.Retrieve(ctx)
	if op, ok := errors.AsType[*smithy.OperationError](err); ok && slices.Contains([]string{"STS", "SSO"}, op.Service()) {
		// The environment or a profile names a role, and it could not be had.
		refused := p.failed(planner.Op(strings.ToLower(op.Service())+":"+op.Operation()), "", "", err)
		refused.passing = false // a laptop without a network is told at once
		err = refused
	}
	return got, p.roles, err
}

// allowed asks STS whose credentials these are, where only some accounts may be worked in.
func (p *identityProvider) allowed(ctx context.Context, got sdk.Credentials) error {
	if len(p.identity.AllowedAccounts) == 0 {
		return nil
	}
	account, arn, err := p.service.caller(ctx, got)
	if err != nil {
		return p.failed("sts:GetCallerIdentity", "", "", err)
	}
	if slices.Contains(p.identity.AllowedAccounts, account) {
		return nil
	}
	return explained(&IdentityError{
		Op: "sts:GetCallerIdentity", Role: arn, Code: AccountNotAllowed,
		Message: fmt.Sprintf("the credentials are those of account %s, which is not among the accounts that are allowed", account),
	})
}
