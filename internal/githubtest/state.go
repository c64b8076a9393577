package githubtest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// State is all that GitHub keeps, for assertions outside of Go.
type State struct {
	Comments  []Comment
	CheckRuns []CheckRun
	Artifacts []Artifact
	// Problems are requests, and replies of this server, that are not as GitHub describes them.
	Problems []Entry
	Requests int
}

// State returns all that there is now.
func (s *Server) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := State{Comments: []Comment{}, CheckRuns: s.checkRuns(), Artifacts: s.finished(), Problems: []Entry{}, Requests: len(s.log)}
	for _, n := range slices.Sorted(maps.Keys(s.state.pulls)) {
		st.Comments = append(st.Comments, s.standing(n)...)
	}
	for _, e := range s.log {
		if e.Problem != "" {
			st.Problems = append(st.Problems, e)
		}
	}
	return st
}

// dump answers with the state; POST /_state/pulls with a PullRequest opens one.
func (s *Server) dump(c *call) reply {
	if c.Method == http.MethodPost && strings.TrimSuffix(c.URL.Path, "/") == "/_state/pulls" {
		var p PullRequest
		if err := json.Unmarshal(c.raw, &p); err != nil || p.Number <= 0 {
			return failure(http.StatusBadRequest, "POST a pull request as JSON")
		}
		s.SetPullRequest(p)
		return reply{status: http.StatusOK, body: s.PullRequestEvent(p.Number, "synchronize")}
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(c.URL.Path, "/_state/comments/")); err == nil {
		return reply{status: http.StatusOK, body: s.Comments(n)}
	}
	return reply{status: http.StatusOK, body: s.State()}
}
