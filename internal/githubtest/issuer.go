package githubtest

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	keyID = "githubtest"
	// tokenLife is how long GitHub's identity tokens live; notBefore how long before their time they begin to.
	tokenLife = 300 * time.Second
	notBefore = 600 * time.Second
	keyBits   = 2048
)

// signingKey is one for the process: making one takes a while.
var signingKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, keyBits) })

func sign(claims any) (string, error) {
	key, err := signingKey()
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: keyID}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

// Issuer is the issuer of identity tokens: they can be verified by what stands under its well-known addresses.
func (s *Server) Issuer() string { return s.o.URL }

// mint answers a job's request for an identity token.
func (s *Server) mint(c *call) reply {
	_, token, _ := strings.Cut(c.Header.Get("Authorization"), " ")
	s.mu.Lock()
	j, ok := s.jobs[token]
	s.mu.Unlock()
	switch {
	case !ok:
		return failure(http.StatusUnauthorized, "Bad credentials")
	case c.URL.Query().Get("api-version") == "":
		return failure(http.StatusBadRequest, "api-version is missing")
	}
	audience := c.URL.Query().Get("audience")
	if audience == "" {
		audience = "https://github.com/" + s.o.Owner
	}
	signed, err := s.IdentityToken(j, audience)
	if err != nil {
		return failure(http.StatusInternalServerError, err.Error())
	}
	return reply{status: http.StatusOK, body: object{"count": len(signed), "value": signed}}
}

// IdentityToken is a token of a job.
func (s *Server) IdentityToken(j Job, audience string) (string, error) {
	j = j.settled()
	now := s.o.Now()
	repo := s.o.Owner + "/" + s.o.Repo
	workflow := repo + "/.github/workflows/build.yml@" + j.Ref
	claims := object{
		"iss": s.Issuer(), "aud": audience, "sub": s.subject(j), "jti": rand.Text(),
		"iat": now.Unix(), "nbf": now.Add(-notBefore).Unix(), "exp": now.Add(tokenLife).Unix(),
		"repository": repo, "repository_id": digits(s.o.RepoID), "repository_owner": s.o.Owner, "repository_owner_id": digits(s.o.OwnerID),
		"repository_visibility": "private", "ref": j.Ref, "ref_type": "branch", "sha": j.SHA, "event_name": j.Event,
		"actor": j.Actor, "actor_id": digits(loginID(j.Actor)), "run_id": digits(j.RunID), "run_number": digits(j.RunNumber), "run_attempt": digits(j.RunAttempt),
		"workflow": "build", "workflow_ref": workflow, "workflow_sha": j.SHA, "job_workflow_ref": workflow, "job_workflow_sha": j.SHA,
		"runner_environment": "github-hosted", "head_ref": "", "base_ref": "", "ref_protected": "false",
	}
	if j.Environment != "" {
		claims["environment"] = j.Environment
	}
	return sign(claims)
}

func digits(n int64) string { return strconv.FormatInt(n, 10) }

// subject is the sub of a job: its environment before its event before its ref, a colon in a value escaped.
func (s *Server) subject(j Job) string {
	repo := s.o.Owner + "/" + s.o.Repo
	if j.Immutable {
		repo = fmt.Sprintf("%s@%d/%s@%d", s.o.Owner, s.o.OwnerID, s.o.Repo, s.o.RepoID)
	}
	escaped := strings.NewReplacer(":", "%3A").Replace
	switch {
	case j.Environment != "":
		return "repo:" + repo + ":environment:" + escaped(j.Environment)
	case strings.HasPrefix(j.Event, "pull_request"):
		return "repo:" + repo + ":pull_request"
	}
	return "repo:" + repo + ":ref:" + escaped(j.Ref)
}

// issuer answers whoever verifies tokens.
func (s *Server) issuer(c *call) reply {
	switch c.URL.Path {
	case "/.well-known/openid-configuration":
		return reply{status: http.StatusOK, body: object{
			"issuer": s.Issuer(), "jwks_uri": s.Issuer() + "/.well-known/jwks",
			"subject_types_supported": []string{"public", "pairwise"}, "response_types_supported": []string{"id_token"},
			"id_token_signing_alg_values_supported": []string{"RS256"}, "scopes_supported": []string{"openid"},
		}}
	case "/.well-known/jwks":
		key, err := signingKey()
		if err != nil {
			return failure(http.StatusInternalServerError, err.Error())
		}
		return reply{status: http.StatusOK, body: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: keyID, Algorithm: string(jose.RS256), Use: "sig"}}}}
	}
	return failure(http.StatusNotFound, "Not Found")
}
