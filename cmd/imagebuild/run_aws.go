package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/planner"
)

// runClients are the calls to AWS that a run of documents may need. Nothing is asked of AWS before
// something needs it: most documents never do.
type runClients struct {
	p       *program
	mu      sync.Mutex // documents ask from several places at once
	clients *aws.Clients
}

func newRunClients(p *program) *runClients { return &runClients{p: p} }

// connect finds credentials and asks who they belong to, once.
func (c *runClients) connect(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.clients != nil {
		return nil
	}
	ask, stop := context.WithTimeout(ctx, c.p.identityWait())
	defer stop()
	clients, err := aws.New(ask, c.p.awsConfig(""))
	if err != nil {
		return fmt.Errorf("setting up AWS: %w", err)
	}
	if _, _, err := clients.Identity(ask); err != nil {
		return unidentified(err)
	}
	c.clients = clients
	return nil
}

// s3Endpoint is another S3 that this machine was told to use, such as the sandbox's; "" for AWS's own.
func (c *runClients) s3Endpoint() string {
	for _, name := range []string{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"} {
		if url, ok := c.p.lookupEnv(name); ok && url != "" {
			return url
		}
	}
	return ""
}

// Document implements component.Resolver.
func (c *runClients) Document(ctx context.Context, address, owner string) (string, error) {
	if err := c.connect(ctx); err != nil {
		return "", fmt.Errorf("it lies in AWS, and that is unsupported without credentials: %w", err)
	}
	if !isARN(address) {
		raw, err := c.clients.Fetch(ctx, address, owner, maxDocument)
		return string(raw), err
	}
	return c.component(ctx, address)
}

// component reads the document of a component's build version.
func (c *runClients) component(ctx context.Context, arn string) (string, error) {
	in, err := json.Marshal(map[string]string{"componentBuildVersionArn": arn})
	if err != nil {
		return "", err
	}
	region := ""
	if parts := strings.Split(arn, ":"); len(parts) > 3 {
		region = parts[3]
	}
	clients := c.clients
	// AWSTOE's own variable for another Image Builder.
	if url, ok := c.p.lookupEnv("AWSTOE_IMAGEBUILDER_ENDPOINT"); ok && url != "" {
		if clients, err = aws.New(ctx, aws.Config{Endpoint: url}); err != nil {
			return "", fmt.Errorf("setting up AWS: %w", err)
		}
	}
	out, err := clients.Call(ctx, "imagebuilder:GetComponent", region, in)
	if err != nil {
		return "", err
	}
	var answer struct {
		Component struct {
			Data string `json:"data"`
		} `json:"component"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return "", fmt.Errorf("reading the answer: %w", err)
	}
	if answer.Component.Data == "" {
		return "", errors.New("AWS does not show the document of this component, as of those of its managed ones")
	}
	return answer.Component.Data, nil
}

// Parameter implements component.Resolver.
func (c *runClients) Parameter(ctx context.Context, name string) (value string, secret bool, err error) {
	if err = c.connect(ctx); err != nil {
		return "", false, fmt.Errorf("the parameter %s lies in SSM Parameter Store, and that is unsupported without credentials: %w", name, err)
	}
	in, err := json.Marshal(map[string]any{"Name": name, "WithDecryption": true})
	if err != nil {
		return "", false, err
	}
	out, err := c.clients.Call(ctx, "ssm:GetParameter", "", in)
	if err != nil {
		return "", false, err
	}
	var answer struct {
		Parameter struct{ Type, Value string }
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return "", false, fmt.Errorf("reading the answer: %w", err)
	}
	return answer.Parameter.Value, answer.Parameter.Type == "SecureString", nil
}

// call performs one operation with an input made of pairs, and wants no answer.
func (c *runClients) call(ctx context.Context, op planner.Op, region string, in map[string]any) error {
	raw, err := json.Marshal(in)
	if err != nil {
		return err
	}
	_, err = c.clients.Call(ctx, op, region, raw)
	return err
}
