package githubtest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// PullRequest is a pull request of the repository.
type PullRequest struct {
	Number           int
	HeadSHA, HeadRef string
	// HeadRepo is owner/name of the fork, empty for a branch of the repository; HeadRepoID its id.
	HeadRepo   string
	HeadRepoID int64
	Author     string
	Title      string
	// MergeSHA is the merge on the base branch; it makes the pull request merged.
	MergeSHA       string
	Closed, Locked bool
	// Commits are those that belong to it besides its head.
	Commits []string
}

type pull struct{ PullRequest }

// SetPullRequest opens a pull request, or changes the one of that number.
func (s *Server) SetPullRequest(p PullRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.HeadRepo == "" {
		p.HeadRepo, p.HeadRepoID = s.o.Owner+"/"+s.o.Repo, s.o.RepoID
	}
	if p.HeadRef == "" {
		p.HeadRef = "topic"
	}
	if p.Author == "" {
		p.Author = "octocat"
	}
	s.state.pulls[p.Number] = &pull{p}
}

func (p *pull) open() bool { return !p.Closed && p.MergeSHA == "" }

func (s *Server) showPull(schema string, p *pull) object {
	owner, name, _ := strings.Cut(p.HeadRepo, "/")
	state := "closed"
	if p.open() {
		state = "open"
	}
	head := object{"full_name": p.HeadRepo, "name": name, "id": p.HeadRepoID, "owner": object{"login": owner, "id": loginID(owner)}}
	o := object{
		"number": p.Number, "id": int64(p.Number), "state": state, "title": p.Title, "user": s.user(p.Author),
		"head": object{"ref": p.HeadRef, "sha": p.HeadSHA, "label": owner + ":" + p.HeadRef, "repo": head, "user": s.user(owner)},
		"base": object{"ref": "main", "sha": strings.Repeat("b", 40), "label": s.o.Owner + ":main", "repo": s.repository(), "user": s.user(s.o.Owner)},
	}
	if p.MergeSHA != "" {
		o["merge_commit_sha"], o["merged_at"] = p.MergeSHA, s.o.Now().UTC().Format(time.RFC3339)
	}
	if schema == "pull-request" {
		o["merged"] = p.MergeSHA != ""
	}
	return s.model.filled(schema, o)
}

func (s *Server) pulls(take func(*pull) bool) []any {
	out := []any{}
	numbers := slices.Sorted(maps.Keys(s.state.pulls))
	slices.Reverse(numbers)
	for _, n := range numbers {
		if p := s.state.pulls[n]; take(p) {
			out = append(out, s.showPull("pull-request-simple", p))
		}
	}
	return out
}

func listCommitPulls(s *Server, c *call) reply {
	sha := c.in.PathParams["commit_sha"]
	return s.page(c, s.pulls(func(p *pull) bool {
		// The commits of a fork are not found from here.
		own := p.HeadRepo == s.o.Owner+"/"+s.o.Repo
		return own && p.HeadSHA == sha || p.MergeSHA == sha || slices.Contains(p.Commits, sha)
	}))
}

func listPulls(s *Server, c *call) reply {
	q := c.URL.Query()
	return s.page(c, s.pulls(func(p *pull) bool {
		owner, _, _ := strings.Cut(p.HeadRepo, "/")
		if h := q.Get("head"); h != "" && h != owner+":"+p.HeadRef {
			return false
		}
		switch q.Get("state") {
		case "all":
			return true
		case "closed":
			return !p.open()
		}
		return p.open()
	}))
}

func getPull(s *Server, c *call) reply {
	p := s.state.pulls[c.number("pull_number")]
	if p == nil {
		return failure(http.StatusNotFound, "Not Found")
	}
	return reply{status: http.StatusOK, body: s.showPull("pull-request", p)}
}
