package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/internal/githubtest"
)

func TestServe(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state.json")
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"-state", state, "-pull", "7", "-event", "pull_request", "-fork", "fork/r"}, w)
	}()
	vars := map[string]string{}
	for lines := bufio.NewScanner(r); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), "=")
		vars[name] = value
		if name == "GITHUB_WORKFLOW_REF" {
			break
		}
	}
	url := strings.TrimSuffix(vars["GITHUB_API_URL"], "/api/v3")
	post := func(path, token, body string, status int) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		raw, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != status {
			t.Errorf("%s: %d %s %v", path, resp.StatusCode, raw, err)
		}
		return string(raw)
	}
	const comments = "/api/v3/repos/o/r/issues/7/comments"
	post(comments, githubtest.TokenWrite, `{"body":"text"}`, http.StatusCreated)
	post(comments, githubtest.TokenWrite, `{}`, http.StatusUnprocessableEntity)
	post(comments, githubtest.TokenWrite, `{"body":"`+strings.Repeat("x", 65537)+`"}`, http.StatusUnprocessableEntity)
	post(comments, githubtest.TokenRead, `{"body":"text"}`, http.StatusForbidden)
	post(comments, "", `{"body":"text"}`, http.StatusUnauthorized)
	if got := post("/_jobs", "", `{"event":"push","environment":"prod"}`, http.StatusOK); !strings.Contains(got, "ACTIONS_ID_TOKEN_REQUEST_TOKEN") {
		t.Error(got)
	}
	if got := post("/_state/pulls", "", `{"Number":8,"HeadSHA":"`+strings.Repeat("2", 40)+`"}`, http.StatusOK); !strings.Contains(got, `"number":8`) {
		t.Error(got)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	raw, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	var st githubtest.State
	if err = json.Unmarshal(raw, &st); err != nil || len(st.Comments) != 1 || st.Comments[0].Body != "text" || st.Comments[0].Login != githubtest.ActionsLogin || len(st.Problems) != 2 {
		t.Errorf("%+v %v", st, err)
	}
}
