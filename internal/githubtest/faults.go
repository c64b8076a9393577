package githubtest

import (
	"net/http"
	"strings"
)

// Fault makes requests fail.
type Fault struct {
	// Method and Path say which: an empty one is any, Path a part of the path.
	Method, Path string
	// Skip is how many such requests go well first, Times how many fail then; 0 is all.
	Skip, Times int
	// Status is the answer's. 0 with After is the behaviour's own.
	Status int
	Header map[string]string
	// Message is that of the answer, Body all of it where there is no message.
	Message, Body string
	// After carries the request out before the answer is lost.
	After bool

	seen int
}

// Fail adds a fault. The first that fits a request decides.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// faulty answers with a fault or by do.
func (s *Server) faulty(c *call, do func() reply) reply {
	f := s.fault(c)
	if f == nil {
		return do()
	}
	if f.After {
		do()
	}
	rep := reply{status: f.Status, body: []byte(f.Body), header: http.Header{}}
	if f.Message != "" {
		rep.body = failure(f.Status, f.Message).body
	}
	for k, v := range f.Header {
		rep.header.Set(k, v)
	}
	c.in = nil
	return rep
}

func (s *Server) fault(c *call) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var first *Fault
	for _, f := range s.faults {
		if f.Method != "" && f.Method != c.Method || !strings.Contains(c.URL.Path, f.Path) {
			continue
		}
		f.seen++
		if first == nil && f.seen > f.Skip && (f.Times == 0 || f.seen <= f.Skip+f.Times) {
			first = f
		}
	}
	return first
}
