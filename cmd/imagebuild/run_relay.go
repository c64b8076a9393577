package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/org/imagebuild-action/executor/aws"
)

// serveS3 gives S3Download and S3Upload a way to S3 with the caller's credentials: a relay on
// loopback, below a path that nobody can guess. Where another S3 is configured there is no need for it.
func (x *execution) serveS3(ctx context.Context) (stop func(), err error) {
	if x.job.S3Endpoint != "" || !x.credentials {
		return func() {}, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("making a way to S3: %w", err)
	}
	secret := "/" + rand.Text()
	server := &http.Server{
		Handler:           http.StripPrefix(secret, aws.Relay(x.aws.connected)),
		ReadHeaderTimeout: time.Minute,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	var done sync.WaitGroup
	done.Go(func() {
		if failed := server.Serve(listener); !errors.Is(failed, http.ErrServerClosed) {
			fmt.Fprintf(x.p.stderr, "warning: the way to S3 is closed: %v\n", failed)
		}
	})
	x.job.S3Endpoint = "http://" + listener.Addr().String() + secret
	return func() {
		_ = server.Close() // nobody is left who could be answered
		done.Wait()
	}, nil
}

// connected is connect with its result.
func (c *runClients) connected(ctx context.Context) (*aws.Clients, error) {
	if err := c.connect(ctx); err != nil {
		return nil, fmt.Errorf("S3 is unsupported without credentials: %w", err)
	}
	return c.clients, nil
}

// An isolatedResolver answers documents that are kept from the caller's credentials.
type isolatedResolver struct{}

var errIsolated = errors.New("documents in a root of their own are kept from AWS and its credentials; --with-credentials lets them in")

// Parameter implements component.Resolver.
func (isolatedResolver) Parameter(_ context.Context, name string) (value string, secret bool, err error) {
	return "", false, fmt.Errorf("the SSM parameter %s: %w", name, errIsolated)
}

// Document implements component.Resolver.
func (isolatedResolver) Document(_ context.Context, address, _ string) (string, error) {
	return "", fmt.Errorf("the document %s: %w", address, errIsolated)
}
