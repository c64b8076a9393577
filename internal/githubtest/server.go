package githubtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"
)

// Options say which GitHub this is.
type Options struct {
	// Owner, Repo and their ids name the one repository; o/r with the ids 2 and 1 by default.
	Owner, Repo      string
	RepoID, OwnerID  int64
	Now              func() time.Time     // time.Now by default
	URL              string               // where clients reach it, which links and the issuer begin with
	RequestsPerHour  int                  // the primary rate limit of each token; 1000 by default
	SecondaryLimits  bool                 // 80 new things and 900 points a minute
	Lag              func() time.Duration // how far behind a list is; never by default
	Latency          func() time.Duration // how long a request, and then its reply, is under way; not by default
	WithoutArtifacts bool                 // as on GitHub Enterprise Server
}

// Server is a GitHub. It is an http.Handler.
type Server struct {
	o     Options
	model *model

	mu     sync.Mutex
	nextID int64
	tokens map[string]*account
	jobs   map[string]Job
	state  state
	faults []*Fault
	log    []Entry
}

// state is what GitHub keeps.
type state struct {
	pulls     map[int]*pull
	comments  []*comment
	checks    []*check
	artifacts []*artifact
	roles     map[string]string
}

// Entry is a request that was answered.
type Entry struct {
	Method, Path, Login string
	Status              int
	// Problem says in what the request, or the reply of this server, is not what GitHub describes.
	Problem string `json:",omitempty"`
}

// New returns a GitHub with one repository and nothing in it. Tokens are those of accounts (see AddToken): "ghs_write"
// may write all that a job can be permitted, "ghs_read" is what forks get.
func New(o Options) (*Server, error) {
	m, err := loadModel()
	if err != nil {
		return nil, err
	}
	if o.Owner == "" {
		o.Owner, o.Repo, o.RepoID, o.OwnerID = "o", "r", 1, 2
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.RequestsPerHour == 0 {
		o.RequestsPerHour = 1000
	}
	if o.URL == "" {
		o.URL = "http://github.invalid"
	}
	s := &Server{o: o, model: m, nextID: 1000, tokens: map[string]*account{}, jobs: map[string]Job{}}
	s.state.pulls, s.state.roles = map[int]*pull{}, map[string]string{}
	s.AddToken(TokenWrite, Account{Login: ActionsLogin, Permissions: writeAll()})
	s.AddToken(TokenRead, Account{Login: ActionsLogin, Permissions: readAll()})
	return s, nil
}

// URL is where the server is reached.
func (s *Server) URL() string { return s.o.URL }

// Log returns what was asked for, oldest first.
func (s *Server) Log() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Entry(nil), s.log...)
}

// reply is what is answered. body is JSON, or bytes as they are.
type reply struct {
	status int
	header http.Header
	body   any
}

// call is a request on its way.
type call struct {
	*http.Request
	in  *openapi3filter.RequestValidationInput
	raw []byte
	who *account
}

const bodyLimit = 64 << 20

// ServeHTTP answers as GitHub would.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, bodyLimit))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.travel(r)
	c := &call{Request: r, raw: raw}
	rep := s.faulty(c, func() reply { return s.answer(c) }) //nolint:contextcheck // the call carries its request's
	out := encode(rep.body)
	problem := ""
	if c.described(rep.status) {
		if rep.header == nil {
			rep.header = http.Header{}
		}
		if _, isBytes := rep.body.([]byte); !isBytes && rep.body != nil {
			rep.header.Set("Content-Type", "application/json; charset=utf-8")
		}
		if err = checkReply(r.Context(), c.in, rep, out); err != nil {
			problem, rep = err.Error(), failure(http.StatusInternalServerError, "the fake's reply is not GitHub's: "+err.Error())
			out = encode(rep.body)
		}
	}
	s.note(c, rep, problem)
	s.travel(r)
	maps.Copy(w.Header(), rep.header)
	s.rate(c, w.Header())
	if w.Header().Get("Content-Type") == "" && len(out) > 0 {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	w.WriteHeader(rep.status)
	_, _ = w.Write(out) // a client that went away hears nothing
}

// described says whether GitHub's description has to tell what a reply of this status looks like. Of refusals it often
// does in its prose alone.
func (c *call) described(status int) bool {
	return c.in != nil && (status < http.StatusBadRequest || c.in.Route.Operation.Responses.Status(status) != nil)
}

// travel waits while something is under way.
func (s *Server) travel(r *http.Request) {
	if s.o.Latency == nil {
		return
	}
	t := time.NewTimer(s.o.Latency())
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

func (s *Server) note(c *call, rep reply, problem string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := Entry{Method: c.Method, Path: c.URL.Path, Status: rep.status, Problem: problem}
	if c.who != nil {
		e.Login = c.who.Login
	}
	if rep.status == http.StatusUnprocessableEntity && problem == "" {
		e.Problem = message(rep)
	}
	s.log = append(s.log, e)
}

func message(rep reply) string {
	if o, ok := rep.body.(object); ok {
		return fmt.Sprint(o["message"])
	}
	return ""
}

func encode(body any) []byte {
	switch b := body.(type) {
	case nil:
		return nil
	case []byte:
		return b
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return []byte(`{"message":"the reply cannot be written"}`)
	}
	return out.Bytes()
}

func failure(status int, text string) reply {
	return reply{status: status, body: object{"message": text, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status)}}
}

// answer finds what a request is for.
func (s *Server) answer(c *call) reply {
	path := strings.TrimPrefix(c.URL.Path, apiPath)
	for prefix, serve := range map[string]func(*call) reply{
		"/_oidc/token":  s.mint,
		"/.well-known/": s.issuer,
		"/twirp/":       s.twirp,
		"/_blob/":       s.blob,
		"/_state":       s.dump,
		"/_jobs":        s.register,
		"/graphql":      s.graphql,
	} {
		if strings.HasPrefix(path, prefix) {
			return serve(c)
		}
	}
	return s.rest(c)
}

// apiPath is where the REST API is, as on GitHub Enterprise Server: what has a token and what has none are apart on one host.
const apiPath = "/api/v3"

// rest answers a request of the REST API: who, whether described, how often, whether permitted, what.
func (s *Server) rest(c *call) reply {
	if rep, ok := s.authenticate(c); !ok {
		return rep
	}
	inside := c.Clone(c.Context())
	inside.URL.Path = strings.TrimPrefix(c.URL.Path, apiPath)
	c.in = s.model.operation(inside, c.raw)
	if c.in == nil {
		return failure(http.StatusNotFound, "Not Found")
	}
	op := c.in.Route.Operation.OperationID
	b, known := behaviours[op]
	if !known {
		return failure(http.StatusNotImplemented, "this GitHub has no "+op)
	}
	if rep, ok := s.permitted(c, b); !ok {
		return rep
	}
	if err := openapi3filter.ValidateRequest(c.Context(), c.in); err != nil {
		return failure(http.StatusUnprocessableEntity, "Invalid request: "+err.Error())
	}
	if owner, named := c.in.PathParams["owner"]; named && (!strings.EqualFold(owner, s.o.Owner) || !strings.EqualFold(c.in.PathParams["repo"], s.o.Repo)) {
		return failure(http.StatusNotFound, "Not Found")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return b.do(s, c)
}

func (c *call) decode(v any) bool { return json.Unmarshal(c.raw, v) == nil }

func (s *Server) id() int64 {
	s.nextID++
	return s.nextID
}
