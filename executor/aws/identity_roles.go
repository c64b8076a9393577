package aws

import (
	"context"
	"strings"
	"time"
	"unicode"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// A SessionTag says something about who assumes a chained role: to CloudTrail and to policies.
type SessionTag struct {
	Key, Value string
	// Droppable is left out when STS finds that policies and tags together are too large.
	Droppable bool
}

// Where credentials come from that are had here; see Clients.Source.
const (
	webIdentitySource = "imagebuild web identity"
	chainedSource     = "imagebuild role chain"
)

// securityTokens is STS before there are credentials, and with credentials of any role.
type securityTokens struct{ cfg sdk.Config }

func newSecurityTokens(cfg sdk.Config) securityTokens {
	cfg = cfg.Copy()
	cfg.Credentials = sdk.AnonymousCredentials{}
	return securityTokens{cfg}
}

// as is STS called with given credentials.
func (s securityTokens) as(c sdk.Credentials) *sts.Client {
	cfg := s.cfg.Copy()
	cfg.Credentials = credentials.StaticCredentialsProvider{Value: c}
	return sts.NewFromConfig(cfg)
}

func (s securityTokens) caller(ctx context.Context, c sdk.Credentials) (account, arn string, err error) {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	out, err := s.as(c).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", "", err
	}
	return sdk.ToString(out.Account), sdk.ToString(out.Arn), nil
}

// assumeWeb assumes a role with a token that is made for this one call: it lives five minutes, and
// STS may have seen the last one.
func (p *identityProvider) assumeWeb(ctx context.Context, role string, last bool) (sdk.Credentials, error) {
	const op = "sts:AssumeRoleWithWebIdentity"
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	jwt, err := p.identity.Token(ctx)
	if err != nil {
		return sdk.Credentials{}, tokenError(role, err)
	}
	in := &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: &role, RoleSessionName: p.session(), WebIdentityToken: &jwt, DurationSeconds: p.seconds(last, sessionLongest),
	}
	if last {
		in.Policy, in.PolicyArns = p.policies()
	}
	out, err := sts.NewFromConfig(p.service.cfg).AssumeRoleWithWebIdentity(ctx, in)
	if err != nil {
		return sdk.Credentials{}, p.failed(op, role, jwt, err)
	}
	return session(out.Credentials, webIdentitySource), nil
}

// assumeChained assumes a role with the credentials of another. Tags that can be spared are dropped once.
func (p *identityProvider) assumeChained(ctx context.Context, by sdk.Credentials, role string, last bool) (sdk.Credentials, error) {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	in := &sts.AssumeRoleInput{
		RoleArn: &role, RoleSessionName: p.session(), DurationSeconds: p.seconds(last, chainLongest), Tags: p.tags(true),
	}
	if p.identity.ExternalID != "" {
		in.ExternalId = &p.identity.ExternalID
	}
	if last {
		in.Policy, in.PolicyArns = p.policies()
	}
	client := p.service.as(by)
	out, err := client.AssumeRole(ctx, in)
	if fewer := p.tags(false); err != nil && strings.TrimSuffix(codeOf(err), "Exception") == packedTooLarge && len(fewer) < len(in.Tags) {
		in.Tags = fewer
		out, err = client.AssumeRole(ctx, in)
	}
	if err != nil {
		return sdk.Credentials{}, p.failed("sts:AssumeRole", role, "", err)
	}
	return session(out.Credentials, chainedSource), nil
}

func session(c *types.Credentials, source string) sdk.Credentials {
	return sdk.Credentials{
		AccessKeyID: sdk.ToString(c.AccessKeyId), SecretAccessKey: sdk.ToString(c.SecretAccessKey), SessionToken: sdk.ToString(c.SessionToken),
		CanExpire: true, Expires: sdk.ToTime(c.Expiration), Source: source,
	}
}

func (p *identityProvider) session() *string {
	if p.identity.Session == "" {
		return sdk.String("imagebuild")
	}
	return &p.identity.Session
}

// seconds is how long a session is asked for. Those between are used once.
func (p *identityProvider) seconds(last bool, longest time.Duration) *int32 {
	d := sessionShortest
	if last {
		d = min(p.identity.Duration, longest)
		if d == 0 {
			d = time.Hour
		}
	}
	return sdk.Int32(int32(d / time.Second))
}

func (p *identityProvider) policies() (document *string, arns []types.PolicyDescriptorType) {
	if p.identity.Policy != "" {
		document = &p.identity.Policy
	}
	for _, arn := range p.identity.Policies {
		arns = append(arns, types.PolicyDescriptorType{Arn: &arn})
	}
	return document, arns
}

// tags are the session's tags in values that STS takes; those that are empty say nothing.
func (p *identityProvider) tags(all bool) []types.Tag {
	var out []types.Tag
	for _, t := range p.identity.Tags {
		if v := tagValue(t.Value); v != "" && (all || !t.Droppable) {
			out = append(out, types.Tag{Key: &t.Key, Value: &v})
		}
	}
	return out
}

// tagValue is s with what STS refuses replaced, and cut to its 256 characters.
func tagValue(s string) string {
	r := []rune(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.L, unicode.Z, unicode.N) || strings.ContainsRune("_.:/=+-@", r) {
			return r
		}
		return '_'
	}, s))
	return string(r[:min(len(r), 256)])
}
