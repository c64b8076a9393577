package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/internal/sandbox"
)

// sandboxAccount owns everything in the sandbox; AWS's own documentation uses the same number.
const sandboxAccount = "123456789012"

// A target is the AWS that a configuration is compared with and built on: an account, the sandbox,
// or, without clients, none.
type target struct {
	clients *aws.Clients // nil when planning without AWS
	account string       // "" without AWS
	server  *sandbox.Server
	systems *systems    // what stands in there for parent images; nil where --root says it
	root    *chosenRoot // what the sandbox runs components in; nil without one
	// why is why there are no clients, nil where nobody needs to know.
	why error
}

// offline reports whether there is no AWS to ask.
func (t *target) offline() bool { return t.clients == nil }

// close ends the sandbox where there is one.
func (t *target) close() error {
	if t == nil || t.server == nil {
		return nil
	}
	return errors.Join(t.server.Close(), t.root.close(), t.systems.close())
}

// connect finds the AWS that is meant. Credentials that are missing are an error only where they are needed.
func (p *program) connect(ctx context.Context, region string, f targetFlags) (*target, error) {
	if f.wanted() {
		return p.connectSandbox(ctx, region, f)
	}
	clients, err := aws.New(ctx, p.awsConfig(region))
	if err != nil {
		return nil, fmt.Errorf("setting up AWS: %w", err)
	}
	ask, stop := context.WithTimeout(ctx, p.identityWait())
	defer stop()
	account, _, err := clients.Identity(ask)
	if err != nil {
		return nil, unidentified(err)
	}
	return &target{clients: clients, account: account}, nil
}

// credentials is why there are none to call AWS with, nil where there are.
func (p *program) credentials(ctx context.Context, region string) error {
	clients, err := aws.New(ctx, p.awsConfig(region))
	if err != nil {
		return fmt.Errorf("setting up AWS: %w", err)
	}
	ask, stop := context.WithTimeout(ctx, p.identityWait())
	defer stop()
	return clients.Credentials(ask)
}

// unidentified is why AWS did not say who is calling. Where there is nobody, nobody was asked.
func unidentified(err error) error {
	if aws.Code(err) == aws.NoCredentials {
		return err
	}
	return fmt.Errorf("asking AWS who is calling: %w", err)
}

// awsConfig says which AWS is spoken to where nobody names a sandbox, and as whom.
func (p *program) awsConfig(region string) aws.Config {
	return aws.Config{Region: region, Identity: p.identity, OnCredentials: p.onCredentials}
}

// identityWait is how long AWS may take to say who is calling. Roles that were asked for are tried
// again; a laptop without credentials must not wait for an instance metadata service that is not there.
func (p *program) identityWait() time.Duration {
	if p.identity != nil {
		return time.Minute
	}
	return 5 * time.Second
}

func (p *program) connectSandbox(ctx context.Context, region string, f targetFlags) (*target, error) {
	if err := knownNetwork(f.network); err != nil {
		return nil, err
	}
	root, err := p.chooseRoot(ctx, f.root)
	if err != nil {
		return nil, err
	}
	var stand *systems
	options := sandbox.Options{Dir: f.sandboxDir, Root: root.Kind, Base: root.Base, BaseName: root.BaseName, Network: f.network, Region: region, Account: sandboxAccount}
	if f.root == component.RootAuto {
		stand = newSystems(p)
		options.System = stand.find
	}
	server, err := p.openSandbox(ctx, options)
	if err != nil {
		return nil, errors.Join(err, root.close())
	}
	t := &target{server: server, account: sandboxAccount, root: root, systems: stand}
	url, err := server.Listen("127.0.0.1:0")
	if err == nil {
		t.clients, err = aws.New(ctx, aws.Config{Region: region, Endpoint: url, KeyID: "sandbox", SecretKey: "sandbox"})
	}
	if err != nil {
		return nil, fmt.Errorf("starting the sandbox: %w", errors.Join(err, t.close()))
	}
	return t, nil
}
