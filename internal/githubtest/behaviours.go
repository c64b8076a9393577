package githubtest

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// behaviour is what an operation does, with s.mu held, and the permission it needs.
type behaviour struct {
	permission string
	do         func(*Server, *call) reply
}

// behaviours are the operations this GitHub carries out, by their names in the description.
var behaviours = map[string]behaviour{
	"issues/list-comments":                            {"pull-requests: read", listComments},
	"issues/create-comment":                           {"pull-requests: write", createComment},
	"issues/get-comment":                              {"pull-requests: read", getComment},
	"issues/update-comment":                           {"pull-requests: write", updateComment},
	"issues/delete-comment":                           {"pull-requests: write", deleteComment},
	"repos/list-pull-requests-associated-with-commit": {"pull-requests: read", listCommitPulls},
	"pulls/list":                                      {"pull-requests: read", listPulls},
	"pulls/get":                                       {"pull-requests: read", getPull},
	"repos/get-collaborator-permission-level":         {"contents: read", getPermission},
	"repos/get":                                       {"contents: read", getRepository},
	"users/get-authenticated":                         {"", getUser},
	"checks/create":                                   {"checks: write", createCheck},
	"checks/update":                                   {"checks: write", updateCheck},
	"checks/get":                                      {"checks: read", getCheck},
	"checks/list-for-ref":                             {"checks: read", listChecks},
	"actions/list-workflow-run-artifacts":             {"actions: read", listArtifacts},
	"actions/get-artifact":                            {"actions: read", getArtifact},
	"actions/download-artifact":                       {"actions: read", downloadArtifact},
}

// number is a parameter of the path. The description has said that it is one.
func (c *call) number(name string) int {
	n, _ := strconv.Atoi(c.in.PathParams[name])
	return n
}

const (
	usualPage   = 30
	largestPage = 100
)

// pageOf is the part of a list a request asks for, and the Link header.
func (s *Server) pageOf(c *call, items []any) ([]any, http.Header) {
	q := c.URL.Query()
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(q.Get(name)); err == nil && n > 0 {
			return n
		}
		return otherwise
	}
	size, page := min(number("per_page", usualPage), largestPage), number("page", 1)
	from, to := min((page-1)*size, len(items)), min(page*size, len(items))
	h := http.Header{}
	if to < len(items) {
		next := url.URL{Path: c.URL.Path}
		q.Set("page", strconv.Itoa(page+1))
		next.RawQuery = q.Encode()
		last := (len(items) + size - 1) / size
		h.Set("Link", fmt.Sprintf(`<%s%s>; rel="next", <%s%s>; rel="last"`, s.o.URL, next.String(), s.o.URL, strings.Replace(next.String(), "page="+strconv.Itoa(page+1), "page="+strconv.Itoa(last), 1)))
	}
	return append([]any{}, items[from:to]...), h
}

func (s *Server) page(c *call, items []any) reply {
	part, h := s.pageOf(c, items)
	return reply{status: http.StatusOK, header: h, body: part}
}

func getUser(s *Server, c *call) reply {
	if c.who.bot() {
		return failure(http.StatusForbidden, "Resource not accessible by integration")
	}
	return reply{status: http.StatusOK, body: s.model.filled("public-user", object{"login": c.who.Login, "id": loginID(c.who.Login), "type": "User", "user_view_type": "public"})}
}

func getRepository(s *Server, _ *call) reply {
	return reply{status: http.StatusOK, body: s.model.filled("full-repository", s.repository())}
}

func (s *Server) repository() object {
	return object{
		"id": s.o.RepoID, "name": s.o.Repo, "full_name": s.o.Owner + "/" + s.o.Repo, "default_branch": "main",
		"owner": object{"login": s.o.Owner, "id": s.o.OwnerID, "type": "User"},
	}
}

// SetRole gives a user a role in the repository: admin, write, read, none.
func (s *Server) SetRole(login, role string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.roles[login] = role
}

func getPermission(s *Server, c *call) reply {
	login := c.in.PathParams["username"]
	role, ok := s.state.roles[login]
	if !ok {
		role = "read"
	}
	return reply{status: http.StatusOK, body: s.model.filled("repository-collaborator-permission", object{
		"permission": role, "role_name": role,
		"user": s.model.filled("simple-user", object{"login": login, "id": loginID(login), "type": "User"}),
	})}
}
