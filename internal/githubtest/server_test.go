package githubtest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/imagebuild-action/internal/githubtest"
)

const sha = "1111111111111111111111111111111111111111"

func start(t *testing.T, o githubtest.Options) *githubtest.Server {
	t.Helper()
	s, err := githubtest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.SetPullRequest(githubtest.PullRequest{Number: 7, HeadSHA: sha})
	return s
}

type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends a request without a client's help. path has no prefix of the API.
func ask(t *testing.T, s *githubtest.Server, token, request, body string) answer {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	path, query, _ := strings.Cut(path, "?")
	r := &http.Request{Method: method, URL: &url.URL{Scheme: "http", Host: "github.invalid", Path: "/api/v3" + path, RawQuery: query}, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	resp, err := s.RoundTrip(r.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(raw)}
}

const (
	comments = "/repos/o/r/issues/7/comments"
	write    = githubtest.TokenWrite
	read     = githubtest.TokenRead
)

func TestRequestsAreHeldToTheDescription(t *testing.T) {
	s := start(t, githubtest.Options{})
	s.AddCheckRun("build", sha)
	s.AddToken("user", githubtest.Account{Login: "octocat", Permissions: map[string]string{"contents": "read"}})
	s.SetRole("octocat", "admin")
	s.AddArtifact(5, "plan", []byte("zip"))
	annotation := `{"path":"a","start_line":1,"end_line":1,"annotation_level":"failure","message":"m"},`
	check := func(annotations string) string {
		return `{"name":"x","head_sha":"` + sha + `","output":{"title":"t","summary":"s","annotations":[` + strings.TrimSuffix(annotations, ",") + `]}}`
	}
	for _, tt := range []struct {
		token, request, body string
		status               int
		says                 string
	}{
		{write, "POST " + comments, `{"body":"text"}`, 201, `"login":"github-actions[bot]"`},
		{write, "POST " + comments, `{"text":"body"}`, 422, "body"},
		{write, "POST " + comments, `{"body":""}`, 422, "Body cannot be blank"},
		{write, "POST " + comments, `{"body":"` + strings.Repeat("x", 65537) + `"}`, 422, "Body is too long"},
		{write, "POST /repos/o/r/issues/8/comments", `{"body":"text"}`, 404, "Not Found"},
		{write, "POST /repos/o/other/issues/7/comments", `{"body":"text"}`, 404, "Not Found"},
		{read, "POST " + comments, `{"body":"text"}`, 403, "Resource not accessible by integration"},
		{"nobody", "GET " + comments, "", 401, "Bad credentials"},
		{read, "GET " + comments, "", 200, `"body":"text"`},
		{read, "GET " + comments + "?per_page=x", "", 422, "per_page"},
		{read, "GET /repos/o/r/nothing", "", 404, "Not Found"},
		{write, "POST /repos/o/r/check-runs", check(strings.Repeat(annotation, 50)), 201, `"annotations_count":50`},
		{write, "POST /repos/o/r/check-runs", check(strings.Repeat(annotation, 51)), 422, "maximum number of items is 50"},
		{write, "POST /repos/o/r/check-runs", check(strings.Replace(annotation, `"end_line":1`, `"end_line":2,"start_column":1`, 1)), 422, "start_column"},
		{write, "POST /repos/o/r/check-runs", `{"name":"x","head_sha":"` + sha + `","status":"completed"}`, 422, "conclusion"},
		{read, "GET /repos/o/r/commits/" + sha + "/check-runs", "", 200, `"total_count":2`},
		{read, "GET /repos/o/r/commits/" + sha + "/pulls", "", 200, `"number":7`},
		{read, "GET /repos/o/r/pulls/7", "", 200, `"sha":"` + sha},
		{read, "GET /repos/o/r", "", 200, `"full_name":"o/r"`},
		{read, "GET /repos/o/r/collaborators/octocat/permission", "", 200, `"permission":"admin"`},
		{read, "GET /repos/o/r/actions/runs/5/artifacts", "", 200, `"name":"plan"`},
		{read, "GET /repos/o/r/actions/runs/6/artifacts", "", 200, `"total_count":0`},
		{write, "GET /user", "", 403, "Resource not accessible by integration"},
		{"user", "GET /user", "", 200, `"login":"octocat"`},
		{write, "POST /graphql", `{"query":"query { viewer { login } }"}`, 200, `{"viewer":{"login":"github-actions[bot]"}}`},
		{write, "POST /graphql", `{"query":"query { secrets }"}`, 200, `"errors"`},
	} {
		got := ask(t, s, tt.token, tt.request, tt.body)
		if got.status != tt.status || !strings.Contains(got.body, tt.says) {
			t.Errorf("%s by %s: %d %.300s", tt.request, tt.token, got.status, got.body)
		}
	}
	for _, e := range s.Log() {
		if e.Status == http.StatusInternalServerError {
			t.Errorf("%s %s: %s", e.Method, e.Path, e.Problem)
		}
	}
}

func TestPages(t *testing.T) {
	s := start(t, githubtest.Options{})
	for i := range 45 {
		s.AddComment(7, "octocat", fmt.Sprint("text ", i))
	}
	first := ask(t, s, read, "GET "+comments, "")
	if strings.Count(first.body, `"body"`) != 30 || !strings.Contains(first.header.Get("Link"), `page=2>; rel="next"`) {
		t.Errorf("%d %s", strings.Count(first.body, `"body"`), first.header.Get("Link"))
	}
	second := ask(t, s, read, "GET "+comments+"?page=2", "")
	if strings.Count(second.body, `"body"`) != 15 || second.header.Get("Link") != "" {
		t.Errorf("%d %s", strings.Count(second.body, `"body"`), second.header.Get("Link"))
	}
}

func TestListsAreBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, githubtest.Options{Lag: func() time.Duration { return 2 * time.Second }})
		id := s.AddComment(7, "octocat", "first")
		one := fmt.Sprint("GET /repos/o/r/issues/comments/", id)
		seen := func(want string) {
			t.Helper()
			if got := ask(t, s, read, "GET "+comments, ""); strings.Contains(got.body, "first") != (want == "first") || strings.Contains(got.body, "second") != (want == "second") {
				t.Errorf("not %q: %s", want, got.body)
			}
		}
		seen("")
		if got := ask(t, s, read, one, ""); got.status != 200 {
			t.Error("a comment that is asked for is not there")
		}
		time.Sleep(3 * time.Second)
		ask(t, s, write, fmt.Sprint("PATCH /repos/o/r/issues/comments/", id), `{"body":"second"}`)
		seen("first")
		time.Sleep(3 * time.Second)
		ask(t, s, write, fmt.Sprint("DELETE /repos/o/r/issues/comments/", id), "")
		seen("second")
		time.Sleep(3 * time.Second)
		seen("")
	})
}

func TestRateLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, githubtest.Options{RequestsPerHour: 100, SecondaryLimits: true})
		last := answer{}
		for range 81 {
			last = ask(t, s, write, "POST "+comments, `{"body":"text"}`)
		}
		if last.status != 403 || last.header.Get("Retry-After") != "60" || !strings.Contains(last.body, "secondary-rate-limits") {
			t.Errorf("%+v", last)
		}
		time.Sleep(time.Minute)
		if last = ask(t, s, write, "POST "+comments, `{"body":"text"}`); last.status != 201 || last.header.Get("X-Ratelimit-Remaining") != "18" {
			t.Errorf("%+v", last)
		}
		for range 19 {
			last = ask(t, s, write, "GET "+comments, "")
		}
		if last.status != 403 || last.header.Get("X-Ratelimit-Remaining") != "0" || last.header.Get("X-Ratelimit-Reset") != "946688400" {
			t.Errorf("%+v", last)
		}
		time.Sleep(time.Hour)
		if last = ask(t, s, write, "GET "+comments, ""); last.status != 200 {
			t.Errorf("%+v", last)
		}
	})
}
