package githubtest

import (
	"net/http"
	"net/http/httptest"
)

// TB is what Start needs of a test.
type TB interface {
	Helper()
	Cleanup(f func())
	Fatal(args ...any)
	Errorf(format string, args ...any)
}

// Start serves a GitHub on loopback until the test ends, which fails when a reply was not what GitHub describes.
func Start(t TB, o Options) *Server {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	s.o.URL = web.URL
	t.Cleanup(func() {
		web.Close()
		for _, e := range s.Log() {
			if e.Status == http.StatusInternalServerError && e.Problem != "" {
				t.Errorf("the fake's reply to %s %s: %s", e.Method, e.Path, e.Problem)
			}
		}
	})
	return s
}

// RoundTrip answers a request without a network, so that it can be used in a bubble of testing/synctest.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	resp := w.Result()
	resp.Request = r
	return resp, nil
}
