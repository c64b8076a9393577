package githubtest

import (
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf16"
)

// commentLimit is what GitHub takes of a body; its description does not say so.
const commentLimit = 65536

// comment is a comment with all its states, since a list can be behind.
type comment struct {
	id        int64
	pull      int
	login     string
	states    []commentState
	minimized string
}

type commentState struct {
	at      time.Time
	body    string
	deleted bool
}

func (c *comment) now() commentState { return c.states[len(c.states)-1] }

// at is the state at a time; false where there was none.
func (c *comment) at(t time.Time) (commentState, bool) {
	for _, st := range slices.Backward(c.states) {
		if !st.at.After(t) {
			return st, !st.deleted
		}
	}
	return commentState{}, false
}

// Comment is a comment as it stands.
type Comment struct {
	ID          int64
	PullRequest int
	Login, Body string
	Minimized   string `json:",omitempty"`
	Edits       int
}

// Comments returns the comments of a pull request that stand, oldest first.
func (s *Server) Comments(pull int) []Comment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.standing(pull)
}

func (s *Server) standing(pull int) []Comment {
	out := []Comment{}
	for _, c := range s.state.comments {
		if n := c.now(); c.pull == pull && !n.deleted {
			out = append(out, Comment{ID: c.id, PullRequest: c.pull, Login: c.login, Body: n.body, Minimized: c.minimized, Edits: len(c.states) - 1})
		}
	}
	return out
}

// AddComment makes somebody comment and returns the comment's id.
func (s *Server) AddComment(pull int, login, body string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.comment(pull, login, body).id
}

func (s *Server) comment(pull int, login, body string) *comment {
	c := &comment{id: s.id(), pull: pull, login: login, states: []commentState{{at: s.o.Now(), body: body}}}
	s.state.comments = append(s.state.comments, c)
	return c
}

func (s *Server) showComment(c *comment, st commentState) object {
	id := strconv.FormatInt(c.id, 10)
	issue := s.repoURL() + "/issues/" + strconv.Itoa(c.pull)
	o := object{
		"id": c.id, "node_id": "IC_" + id, "body": st.body, "user": s.user(c.login),
		"url": s.repoURL() + "/issues/comments/" + id, "issue_url": issue,
		"html_url":   s.o.URL + "/" + s.o.Owner + "/" + s.o.Repo + "/pull/" + strconv.Itoa(c.pull) + "#issuecomment-" + id,
		"created_at": c.states[0].at.UTC().Format(time.RFC3339), "updated_at": st.at.UTC().Format(time.RFC3339),
		"author_association": "NONE",
	}
	if c.minimized != "" {
		o["minimized"] = object{"reason": c.minimized}
	}
	return s.model.filled("issue-comment", o)
}

func (s *Server) repoURL() string { return s.o.URL + apiPath + "/repos/" + s.o.Owner + "/" + s.o.Repo }

func listComments(s *Server, c *call) reply {
	n := c.number("issue_number")
	if s.state.pulls[n] == nil {
		return failure(http.StatusNotFound, "Not Found")
	}
	at := s.o.Now()
	if s.o.Lag != nil {
		at = at.Add(-s.o.Lag())
	}
	items := []any{}
	for _, k := range s.state.comments {
		if st, ok := k.at(at); ok && k.pull == n {
			items = append(items, s.showComment(k, st))
		}
	}
	return s.page(c, items)
}

func createComment(s *Server, c *call) reply {
	n := c.number("issue_number")
	p := s.state.pulls[n]
	switch {
	case p == nil:
		return failure(http.StatusNotFound, "Not Found")
	case p.Locked:
		return failure(http.StatusForbidden, "Unable to create comment because issue is locked.")
	}
	body, rep, ok := c.commentBody()
	if !ok {
		return rep
	}
	k := s.comment(n, c.who.Login, body)
	return reply{status: http.StatusCreated, body: s.showComment(k, k.now())}
}

// commentBody is the body of a request to write a comment, which GitHub counts in characters of JavaScript.
func (c *call) commentBody() (string, reply, bool) {
	var in struct{ Body string }
	if !c.decode(&in) {
		return "", failure(http.StatusBadRequest, "Problems parsing JSON"), false
	}
	what := ""
	switch {
	case in.Body == "":
		what = "Body cannot be blank"
	case len(utf16.Encode([]rune(in.Body))) > commentLimit:
		what = "Body is too long (maximum is 65536 characters)"
	default:
		return in.Body, reply{}, true
	}
	rep := failure(http.StatusUnprocessableEntity, "Validation Failed")
	rep.body.(object)["errors"] = []any{object{"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": what}}
	return "", rep, false
}

func (s *Server) findComment(c *call) *comment {
	id := int64(c.number("comment_id"))
	for _, k := range s.state.comments {
		if k.id == id && !k.now().deleted {
			return k
		}
	}
	return nil
}

func getComment(s *Server, c *call) reply {
	k := s.findComment(c)
	if k == nil {
		return failure(http.StatusNotFound, "Not Found")
	}
	return reply{status: http.StatusOK, body: s.showComment(k, k.now())}
}

func updateComment(s *Server, c *call) reply {
	k := s.findComment(c)
	if k == nil {
		return failure(http.StatusNotFound, "Not Found")
	}
	body, rep, ok := c.commentBody()
	if !ok {
		return rep
	}
	k.states = append(k.states, commentState{at: s.o.Now(), body: body})
	return reply{status: http.StatusOK, body: s.showComment(k, k.now())}
}

func deleteComment(s *Server, c *call) reply {
	k := s.findComment(c)
	if k == nil {
		return failure(http.StatusNotFound, "Not Found")
	}
	k.states = append(k.states, commentState{at: s.o.Now(), deleted: true})
	return reply{status: http.StatusNoContent}
}
