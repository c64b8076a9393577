package github

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Claims are what an identity token says about the job. They are read, not verified: the receiver does that.
//
// https://docs.github.com/en/actions/reference/security/oidc
type Claims struct {
	Subject, Issuer                 string
	Audience                        []string
	Repository, RepositoryOwner     string
	RepositoryID, RepositoryOwnerID int64
	Ref, SHA, EventName, Actor      string
	// Environment is the deployment environment of the job, which takes the ref's place in Subject.
	Environment, Workflow, WorkflowRef, JobWorkflowRef string
	IssuedAt, NotBefore, Expires                       time.Time
}

// DecodeClaims reads the claims of a token. Errors never hold any of the token.
func DecodeClaims(token string) (Claims, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return Claims{}, errors.New("the identity token is not a JWT: it has not three parts")
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return Claims{}, errors.New("the identity token is not a JWT: its claims are not base64")
	}
	var c struct {
		Sub            string      `json:"sub"`
		Iss            string      `json:"iss"`
		Aud            oneOrMore   `json:"aud"`
		Repository     string      `json:"repository"`
		Owner          string      `json:"repository_owner"`
		RepositoryID   stringID    `json:"repository_id"`
		OwnerID        stringID    `json:"repository_owner_id"`
		Ref            string      `json:"ref"`
		SHA            string      `json:"sha"`
		EventName      string      `json:"event_name"`
		Actor          string      `json:"actor"`
		Environment    string      `json:"environment"`
		Workflow       string      `json:"workflow"`
		WorkflowRef    string      `json:"workflow_ref"`
		JobWorkflowRef string      `json:"job_workflow_ref"`
		IssuedAt       numericDate `json:"iat"`
		NotBefore      numericDate `json:"nbf"`
		Expires        numericDate `json:"exp"`
	}
	if err = json.Unmarshal(raw, &c); err != nil {
		return Claims{}, errors.New("the identity token is not a JWT of GitHub: its claims have another form")
	}
	return Claims{
		Subject: c.Sub, Issuer: c.Iss, Audience: c.Aud,
		Repository: c.Repository, RepositoryOwner: c.Owner, RepositoryID: int64(c.RepositoryID), RepositoryOwnerID: int64(c.OwnerID),
		Ref: c.Ref, SHA: c.SHA, EventName: c.EventName, Actor: c.Actor,
		Environment: c.Environment, Workflow: c.Workflow, WorkflowRef: c.WorkflowRef, JobWorkflowRef: c.JobWorkflowRef,
		IssuedAt: c.IssuedAt.time(), NotBefore: c.NotBefore.time(), Expires: c.Expires.time(),
	}, nil
}

// oneOrMore is a string or a list of them (RFC 7519, aud).
type oneOrMore []string

// UnmarshalJSON reads either form.
func (o *oneOrMore) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*o = []string{s}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(o))
}

// stringID is an id that GitHub writes as a string of digits.
type stringID int64

// UnmarshalJSON reads a string of digits or a number.
func (i *stringID) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	if err != nil {
		return fmt.Errorf("not an id: %w", err)
	}
	*i = stringID(n)
	return nil
}

// numericDate is seconds since 1970 (RFC 7519).
type numericDate float64

func (d numericDate) time() time.Time {
	const lastYear = 253402300799 // 9999-12-31, what time.Time can be written as
	if !(d > 0 && d <= lastYear) {
		return time.Time{}
	}
	return time.Unix(int64(d), 0).UTC()
}
