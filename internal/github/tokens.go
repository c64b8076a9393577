package github

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	actions "github.com/sethvargo/go-githubactions"

	"github.com/org/imagebuild-action/internal/neutral"
)

// Tokens asks GitHub for identity tokens of the job. A token lives for 300 seconds and may be asked for any number of
// times while the job runs, so none is kept.
type Tokens struct {
	env    *Environment
	getenv func(string) string
	action *actions.Action
	mask   func(string) bool
}

// NewTokens returns Tokens for the job of env. client may be nil. mask is given each token before anything else sees it.
func NewTokens(env *Environment, getenv func(string) string, client *http.Client, mask func(string) bool) *Tokens {
	if client == nil {
		client = &http.Client{}
	}
	bounded := *client
	if bounded.Timeout == 0 {
		bounded.Timeout = requestTimeout
	}
	return &Tokens{
		env: env, getenv: getenv, mask: mask,
		action: actions.New(actions.WithGetenv(getenv), actions.WithHTTPClient(&bounded)),
	}
}

const (
	requestTimeout = 30 * time.Second
	// Asking again: 12 times in all, the pause doubling from 50 ms to 5 s, half of it random; 25 s together.
	tokenTries    = 12
	firstPause    = 50 * time.Millisecond
	longestPause  = 5 * time.Second
	whatTokensAre = "identity tokens"
)

// Available says whether the job may ask for tokens, and if not an UnavailableError that tells why. It asks nobody.
func (t *Tokens) Available() error {
	if t.getenv("ACTIONS_ID_TOKEN_REQUEST_URL") != "" && t.getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN") != "" {
		return nil
	}
	why := "the job has no permission for them. Add permissions: {id-token: write} to the job. The permissions of a job replace those of the workflow, and a reusable workflow has only those that its caller has too."
	switch {
	case !t.env.Actions:
		why = "this is no step of GitHub Actions."
	case t.env.Dependabot:
		why = "GitHub gives none to runs that Dependabot started. Such a run can be checked and planned, not built."
	case t.env.Fork:
		why = "GitHub gives none to pull requests from forks. Such a pull request can be checked and planned, not built."
	}
	return &UnavailableError{What: whatTokensAre, Why: why}
}

// IdentityToken returns a new token for audience, "sts.amazonaws.com" for AWS. It is masked. Failures that may pass are
// tried again. An UnavailableError says that the job cannot have tokens.
func (t *Tokens) IdentityToken(ctx context.Context, audience string) (string, error) {
	if err := t.Available(); err != nil {
		return "", err
	}
	for try := 1; ; try++ {
		token, err := t.action.GetIDToken(ctx, audience)
		if token != "" {
			t.mask(token)
			return token, nil
		}
		if err == nil {
			err = errors.New("the answer holds no token")
		}
		if failed, ok := errors.AsType[*actions.RequestFailedError](err); ok {
			if told, final := tokenFailure(failed); final {
				return "", told
			}
		}
		if ctx.Err() != nil || try == tokenTries {
			return "", fmt.Errorf("asking GitHub for an identity token, %d times: %w", try, failure(err))
		}
		if err = pause(ctx, backoff(try)); err != nil {
			return "", err
		}
	}
}

// tokenFailure says what an answer means and whether asking again is useless.
func tokenFailure(failed *actions.RequestFailedError) (error, bool) {
	said := failure(failed)
	switch code := failed.StatusCode; {
	case code == http.StatusUnauthorized:
		return fmt.Errorf("asking GitHub for an identity token: the job's own request token was refused (401). It has expired, as it does in jobs that run for a day or more on a runner of one's own, or the job has ended: %w", said), true
	case code == http.StatusForbidden:
		return &UnavailableError{What: whatTokensAre, Why: "GitHub refused the job (403). Its permissions need id-token: write.", Err: said}, true
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code >= http.StatusInternalServerError:
		return said, false
	}
	return fmt.Errorf("asking GitHub for an identity token: %w", said), true
}

// failure is an answer's status and the beginning of its text, harmless.
func failure(err error) error {
	if failed, ok := errors.AsType[*actions.RequestFailedError](err); ok {
		const shown = 200
		return fmt.Errorf("status %d: %s", failed.StatusCode, cut(neutral.Line(failed.Body), shown))
	}
	return err
}

// backoff is how long to wait after a try, counted from 1.
func backoff(try int) time.Duration {
	d := min(firstPause<<min(try-1, 16), longestPause)
	return d/2 + rand.N(d/2+1) // #nosec G404 -- spreads retries
}

// pause waits for d or for the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
