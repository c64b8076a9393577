package github

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// transport adds the token to requests for the API's own hosts, and is patient where GitHub asks for patience.
// It never sends the token to where a reply redirects.
//
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
type transport struct {
	base  http.RoundTripper
	token string
	// own are the addresses the token is for.
	own []*url.URL

	mu        sync.Mutex
	remaining int
}

const (
	// patience is the longest single wait that GitHub may ask for; a limit that lasts longer is told as it is.
	patience = 2 * time.Minute
	// secondaryWait is what GitHub asks for where a secondary limit has no header.
	secondaryWait = time.Minute
	apiTries      = 4
	serverPause   = time.Second
	errorBody     = 64 << 10
	noRemaining   = -1
)

func newTransport(base http.RoundTripper, token string, urls ...string) *transport {
	if base == nil {
		base = impatient()
	}
	t := &transport{base: base, token: token, remaining: noRemaining}
	for _, s := range urls {
		if u, err := url.Parse(s); err == nil {
			t.own = append(t.own, u)
		}
	}
	return t
}

// impatient is the usual transport, but for a server that takes a request and never answers.
func impatient() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t = t.Clone()
	t.ResponseHeaderTimeout = requestTimeout
	return t
}

// RoundTrip sends the request, again where that is safe and of use.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	for try := 1; ; try++ {
		r := req.Clone(req.Context())
		if req.Body != nil && try > 1 {
			body, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			r.Body = body
		}
		if t.token != "" && t.api(r.URL) {
			r.Header.Set("Authorization", "Bearer "+t.token)
		}
		resp, err := t.base.RoundTrip(r)
		if err == nil {
			t.note(resp)
		}
		wait, again := after(req.Method, try, resp, err)
		if !again || try == apiTries || wait > patience || req.Body != nil && req.GetBody == nil {
			return resp, err
		}
		if resp != nil {
			_ = resp.Body.Close()
		}
		if perr := pause(req.Context(), wait); perr != nil {
			return nil, fmt.Errorf("waiting for GitHub: %w", perr)
		}
	}
}

// api says whether an address is the API's. On GitHub Enterprise Server it shares its host with what replies lead to.
func (t *transport) api(u *url.URL) bool {
	for _, own := range t.own {
		if strings.EqualFold(own.Scheme, u.Scheme) && strings.EqualFold(own.Host, u.Host) && (u.Path == own.Path || strings.HasPrefix(u.Path, strings.TrimRight(own.Path, "/")+"/")) {
			return true
		}
	}
	return false
}

func (t *transport) note(resp *http.Response) {
	if n, err := strconv.Atoi(resp.Header.Get("X-Ratelimit-Remaining")); err == nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.remaining = n
	}
}

// left is how many requests the hour still has, noRemaining before the first answer.
func (t *transport) left() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.remaining
}

// after says whether a request may be sent again, and how long to wait before.
func after(method string, try int, resp *http.Response, err error) (time.Duration, bool) {
	// A POST whose answer was lost may have been carried out.
	repeatable := method != http.MethodPost
	doubling := serverPause << (try - 1)
	switch {
	case err != nil:
		return doubling, repeatable
	case resp.StatusCode == http.StatusForbidden, resp.StatusCode == http.StatusTooManyRequests:
		return limited(try, resp)
	case resp.StatusCode >= http.StatusInternalServerError && resp.StatusCode != http.StatusNotImplemented:
		return doubling, repeatable
	}
	return 0, false
}

// limited reads what a refusal for its rate asks for. A 403 may also be about permissions: then it says nothing of limits.
func limited(try int, resp *http.Response) (time.Duration, bool) {
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s >= 0 {
		return time.Duration(s) * time.Second, true
	}
	if resp.Header.Get("X-Ratelimit-Remaining") == "0" {
		if s, err := strconv.ParseInt(resp.Header.Get("X-Ratelimit-Reset"), 10, 64); err == nil {
			return max(time.Until(time.Unix(s, 0)), 0) + time.Second, true
		}
	}
	if resp.StatusCode == http.StatusTooManyRequests || secondary(resp) {
		return secondaryWait << (try - 1), true
	}
	return 0, false
}

// secondary says whether a refusal is documented as one of a secondary limit. The body stays readable.
func secondary(resp *http.Response) bool {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, errorBody))
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(raw))
	var said struct {
		URL string `json:"documentation_url"`
	}
	return err == nil && json.Unmarshal(raw, &said) == nil && strings.Contains(said.URL, "secondary-rate-limits")
}
