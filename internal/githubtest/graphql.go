package githubtest

import (
	"net/http"
	"strconv"
	"strings"
)

// graphql answers the two requests that REST has no way for. Errors come with status 200, as GraphQL has it.
func (s *Server) graphql(c *call) reply {
	if rep, ok := s.authenticate(c); !ok {
		return rep
	}
	var in struct {
		Query     string
		Variables map[string]any
	}
	if c.Method != http.MethodPost || !c.decode(&in) {
		return failure(http.StatusBadRequest, "Problems parsing JSON")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch query := strings.Join(strings.Fields(in.Query), " "); {
	case query == "query { viewer { login } }":
		return reply{status: http.StatusOK, body: object{"data": object{"viewer": object{"login": c.who.Login}}}}
	case strings.HasPrefix(query, "mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED})"):
		return s.minimize(c, in.Variables["id"])
	}
	return graphqlError("this GitHub does not know the query")
}

func graphqlError(text string) reply {
	return reply{status: http.StatusOK, body: object{"data": nil, "errors": []any{object{"type": "FORBIDDEN", "message": text}}}}
}

func (s *Server) minimize(c *call, node any) reply {
	if c.who.Permissions["pull-requests"] != "write" {
		return graphqlError("Resource not accessible by integration")
	}
	id, _ := node.(string)
	n, err := strconv.ParseInt(strings.TrimPrefix(id, "IC_"), 10, 64)
	for _, k := range s.state.comments {
		if err == nil && k.id == n && !k.now().deleted {
			k.minimized = "OUTDATED"
			return reply{status: http.StatusOK, body: object{"data": object{"minimizeComment": object{"minimizedComment": object{"isMinimized": true}}}}}
		}
	}
	return graphqlError("Could not resolve to a node with the global id of '" + id + "'")
}
