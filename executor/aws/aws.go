// Package aws speaks to AWS, and alone imports its SDK: calls by name, what exists, what a name
// stands for, builds followed to their end with their logs.
//
// It refuses to know the language and the kinds of resources. It is given operations and inputs
// in the wire's vocabulary and answers in the same; what must be told apart is told apart by
// operation, never by kind. Credentials stay inside the SDK.
package aws

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/appstream"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/imagebuilder"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
)

// Config says which AWS to speak to, and as whom.
type Config struct {
	Region   string // "" takes what the environment and the profile say
	Profile  string // of the shared configuration files; "" the default one
	Endpoint string // the URL of another AWS, the sandbox; "" is AWS's own
	// KeyID, SecretKey and Token are credentials given outright; where KeyID is "", the SDK's
	// default chain finds them: environment, profiles, web identity, SSO, container, instance.
	KeyID, SecretKey, Token string
	// Identity is the role to call AWS as. nil calls it with what the lines above or the SDK find.
	Identity *WebIdentity
	// OnCredentials is told all credentials, those of roles in between too, before anything else
	// can use them: it keeps them out of logs. It may be called at any time. nil tells nobody.
	OnCredentials func(keyID, secret, token string)
	// HTTP replaces the SDK's HTTP client; nil keeps it.
	HTTP *http.Client
	// CallsPerSecond bounds calls to each service in each region. 0 is the table's bound for AWS
	// itself and none for another endpoint.
	CallsPerSecond float64
}

// Clients are AWS's services, in any region. They are safe for concurrent use.
type Clients struct {
	cfg      sdk.Config
	endpoint bool // another AWS is spoken to
	pace     pacer

	mu      sync.Mutex
	regions map[string]*services
	caller  identity
}

// services are the clients of one region.
type services struct {
	imagebuilder *imagebuilder.Client
	s3           *s3.Client
	logs         *cloudwatchlogs.Client
	ssm          *ssm.Client
	ec2          *ec2.Client
	sts          *sts.Client
	tagging      *resourcegroupstaggingapi.Client
	appstream    *appstream.Client
	secrets      *secretsmanager.Client
	iam          *iam.Client
	quotas       *servicequotas.Client
}

type identity struct{ account, arn string }

// New finds credentials and region. It makes no call to AWS.
func New(ctx context.Context, c Config) (*Clients, error) {
	opts := []func(*config.LoadOptions) error{
		// Retrying is done in one place, by classes that fit these services: the SDK's own would
		// multiply with it, and does not know CallRateLimitExceededException.
		config.WithRetryer(func() sdk.Retryer { return sdk.NopRetryer{} }),
		config.WithAppID("imagebuild"),
	}
	if c.Region != "" {
		opts = append(opts, config.WithRegion(c.Region))
	}
	if c.Profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(c.Profile))
	}
	if c.Endpoint != "" {
		opts = append(opts, config.WithBaseEndpoint(c.Endpoint))
	}
	if c.KeyID != "" {
		opts = append(opts, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(c.KeyID, c.SecretKey, c.Token)))
	}
	opts = append(opts, config.WithLogger(logging.Nop{})) // what matters of it comes as errors; the screen is not the SDK's
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	if c.HTTP != nil { // while loading, a certificate bundle of the environment could not be put into it
		cfg.HTTPClient = c.HTTP
	}
	if cfg.Credentials, err = newIdentity(cfg, c.Identity, c.OnCredentials); err != nil {
		return nil, err
	}
	return &Clients{
		cfg: cfg, endpoint: cfg.BaseEndpoint != nil, regions: map[string]*services{},
		pace: pacer{perSecond: c.CallsPerSecond, free: cfg.BaseEndpoint != nil},
	}, nil
}

// ProfileRegion is the region of the AWS profile that the environment chooses, "" where it names none. It makes no call.
func ProfileRegion(ctx context.Context) (string, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{}))
	if err != nil {
		return "", fmt.Errorf("reading the AWS configuration: %w", err)
	}
	return cfg.Region, nil
}

// Region is the region that is meant where none is named; "" when none is configured.
func (c *Clients) Region() string { return c.cfg.Region }

// in returns the clients of a region, made when they are first asked for.
func (c *Clients) in(region string) *services {
	if region == "" {
		region = c.cfg.Region
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.regions[region]; ok {
		return s
	}
	cfg := c.cfg.Copy()
	cfg.Region = region
	s := &services{
		imagebuilder: imagebuilder.NewFromConfig(cfg),
		// Another AWS has one host name, so buckets cannot be part of it.
		s3:        s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = c.endpoint }),
		logs:      cloudwatchlogs.NewFromConfig(cfg),
		ssm:       ssm.NewFromConfig(cfg),
		ec2:       ec2.NewFromConfig(cfg),
		iam:       iam.NewFromConfig(cfg),
		quotas:    servicequotas.NewFromConfig(cfg),
		sts:       sts.NewFromConfig(cfg),
		tagging:   resourcegroupstaggingapi.NewFromConfig(cfg),
		appstream: appstream.NewFromConfig(cfg),
		secrets:   secretsmanager.NewFromConfig(cfg),
	}
	c.regions[region] = s
	return s
}

// Credentials says why no credentials can be had, nil where some can. Whose they are isn't asked.
func (c *Clients) Credentials(ctx context.Context) error {
	_, err := c.cfg.Credentials.Retrieve(ctx)
	return err
}

// Identity asks AWS who is calling: the account and the ARN. AWS is asked once.
func (c *Clients) Identity(ctx context.Context) (account, arn string, err error) {
	c.mu.Lock()
	known := c.caller
	c.mu.Unlock()
	if known.account != "" {
		return known.account, known.arn, nil
	}
	out, err := read[sts.GetCallerIdentityOutput](ctx, c, "sts:GetCallerIdentity", "", nil)
	if err != nil {
		return "", "", err
	}
	known = identity{sdk.ToString(out.Account), sdk.ToString(out.Arn)}
	c.mu.Lock()
	c.caller = known
	c.mu.Unlock()
	return known.account, known.arn, nil
}
