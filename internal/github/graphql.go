package github

import (
	"context"
	"errors"
	"net/http"
)

const (
	viewerQuery      = `query { viewer { login } }`
	minimizeMutation = `mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) { minimizedComment { isMinimized } } }`
)

// graphQL sends a query and decodes the answer's data into out, which may be nil.
func (c *Client) graphQL(ctx context.Context, query string, variables map[string]any, out any) error {
	body := map[string]any{"query": query}
	if variables != nil {
		body["variables"] = variables
	}
	req, err := c.api.NewRequest(http.MethodPost, c.env.GraphQLURL, body)
	if err != nil {
		return err
	}
	answer := struct {
		Data   any `json:"data"`
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}{Data: out}
	if _, err = c.api.Do(ctx, req, &answer); err != nil {
		return err
	}
	if len(answer.Errors) > 0 {
		return errors.New(answer.Errors[0].Message)
	}
	return nil
}

// viewer is the login the token acts as: github-actions[bot] for a job's own. The REST call for it refuses the
// tokens of apps.
func (c *Client) viewer(ctx context.Context) (string, error) {
	var data struct {
		Viewer struct {
			Login string `json:"login"`
		} `json:"viewer"`
	}
	err := c.graphQL(ctx, viewerQuery, nil, &data)
	return data.Viewer.Login, err
}

// minimize folds a comment as outdated.
func (c *Client) minimize(ctx context.Context, nodeID string) error {
	return c.graphQL(ctx, minimizeMutation, map[string]any{"id": nodeID}, nil)
}
