package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// An Issuer is an OpenID Connect provider of the account: whose web identity tokens STS believes.
type Issuer struct {
	// URL is what tokens have as iss: "https://token.actions.githubusercontent.com".
	URL string
	// Audiences are the client ids that the provider lists; none is sts.amazonaws.com.
	Audiences []string
	// Keys is the issuer's JSON Web Key Set. Without it, it is fetched from where URL's discovery document says.
	Keys []byte
}

// issuerTimeout bounds fetching an issuer's keys.
const issuerTimeout = 10 * time.Second

// tokenAlgorithms are those that AWS takes.
func tokenAlgorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512}
}

// keyRing keeps the keys of issuers by URL.
type keyRing struct {
	mu   sync.Mutex
	keys map[string]jose.JSONWebKeySet
}

// of returns an issuer's keys; a key id that is not among those known makes them be fetched anew.
func (k *keyRing) of(ctx context.Context, i Issuer, kid string) (jose.JSONWebKeySet, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	known, ok := k.keys[i.URL]
	if ok && (kid == "" || len(known.Key(kid)) > 0) {
		return known, nil
	}
	raw := i.Keys
	if raw == nil {
		var err error
		if raw, err = discover(ctx, i.URL); err != nil {
			return known, err
		}
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(raw, &set); err != nil {
		return known, fmt.Errorf("reading the keys of %s: %w", i.URL, err)
	}
	if k.keys == nil {
		k.keys = map[string]jose.JSONWebKeySet{}
	}
	k.keys[i.URL] = set
	return set, nil
}

// discover fetches the keys that an issuer publishes.
func discover(ctx context.Context, issuer string) ([]byte, error) {
	ctx, stop := context.WithTimeout(ctx, issuerTimeout)
	defer stop()
	raw, err := download(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return nil, err
	}
	var about struct {
		JWKS string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(raw, &about); err != nil || about.JWKS == "" {
		return nil, fmt.Errorf("the discovery document of %s names no jwks_uri", issuer)
	}
	return download(ctx, about.JWKS)
}

func download(ctx context.Context, url string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // it was read, or it is of no use
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", url, res.Status)
	}
	return io.ReadAll(io.LimitReader(res.Body, 1<<20))
}

// verified reads a token's claims and holds it against the issuers of the account: who signed it, for
// whom, and when. Without issuers the claims are believed as they stand.
func (s *Server) verified(ctx context.Context, token string, now time.Time) (claims, error) {
	c, err := webIdentity(token, now)
	if err != nil || len(s.opts.Issuers) == 0 {
		return c, err
	}
	i := slices.IndexFunc(s.opts.Issuers, func(i Issuer) bool { return i.URL == c.Iss })
	if i < 0 {
		return c, fail("InvalidIdentityToken", "No OpenIDConnect provider found in your account for %s", c.Iss)
	}
	issuer := s.opts.Issuers[i]
	signed, err := jwt.ParseSigned(token, tokenAlgorithms())
	if err != nil {
		return c, fail("InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	keys, err := s.keys.of(ctx, issuer, signed.Headers[0].KeyID)
	if err != nil {
		s.opts.Log("keys of " + issuer.URL + ": " + err.Error())
		return c, fail("InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements")
	}
	var proved jwt.Claims
	if err = signed.Claims(keys, &proved); err != nil {
		return c, fail("InvalidIdentityToken", "The token's signature could not be verified with the keys of %s.", issuer.URL)
	}
	allowed := issuer.Audiences
	if len(allowed) == 0 {
		allowed = []string{"sts.amazonaws.com"}
	}
	err = proved.ValidateWithLeeway(jwt.Expected{Issuer: issuer.URL, AnyAudience: allowed, Time: now}, 0)
	switch {
	case errors.Is(err, jwt.ErrInvalidAudience):
		return c, fail("InvalidIdentityToken", "Incorrect token audience")
	case err != nil: // its end was looked at already
		return c, fail("InvalidIdentityToken", "Token is not valid: %s", strings.TrimPrefix(err.Error(), "go-jose/go-jose/jwt: "))
	}
	return c, nil
}
