package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/internal/sandbox"
	"github.com/org/imagebuild-action/planner"
)

// A staging serves the files that a build would find in S3 while components run here.
type staging struct {
	server   *sandbox.Server
	endpoint string
}

// stageFiles puts the staged files of a graph into an S3 on loopback.
func (p *program) stageFiles(ctx context.Context, g *planner.Graph, region string) (s *staging, err error) {
	server, err := p.openSandbox(ctx, sandbox.Options{Root: component.RootNone, Region: region})
	if err != nil {
		return nil, err
	}
	s = &staging{server: server}
	if s.endpoint, err = server.Listen("127.0.0.1:0"); err != nil {
		return nil, &exit{status: statusFailed, err: errors.Join(fmt.Errorf("serving staged files: %w", err), s.close())}
	}
	for _, n := range g.Nodes {
		if n.Kind.Naming != planner.ContentKey || n.Content == nil {
			continue
		}
		if err := s.put(ctx, n); err != nil {
			return nil, &exit{status: statusFailed, err: errors.Join(fmt.Errorf("serving %s: %w", n.Addr, err), s.close())}
		}
	}
	return s, nil
}

func (s *staging) put(ctx context.Context, n *planner.Node) error {
	bucket, _ := n.Known["bucket"].(string)
	key, _ := n.Known["key"].(string)
	body, err := n.Content.Open()
	if err != nil {
		return err
	}
	defer body.Close() //nolint:errcheck // it was only read
	parts := strings.Split(key, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	// S3 wants to know the length beforehand, and an archive is not known before it is packed.
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, s.endpoint+"/"+url.PathEscape(bucket)+"/"+strings.Join(parts, "/"), strings.NewReader(string(raw)))
	if err != nil {
		return err
	}
	answer, err := (&http.Client{Transport: &http.Transport{}}).Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // it was only read
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the local S3 answered %s", answer.Status)
	}
	return nil
}

func (s *staging) close() error { return s.server.Close() }
