package githubtest

import (
	"maps"
	"net/http"
	"time"
	"unicode/utf16"
)

// check is a check run as it was written.
type check struct {
	id          int64
	app         string
	fields      object
	output      object
	annotations []any
}

// CheckRun is a check run as it stands.
type CheckRun struct {
	ID                                       int64
	Name, HeadSHA, Status, Conclusion, Title string
	Summary, Text                            string
	Annotations                              []map[string]any
}

// CheckRuns returns all check runs, oldest first.
func (s *Server) CheckRuns() []CheckRun {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.checkRuns()
}

func (s *Server) checkRuns() []CheckRun {
	out := []CheckRun{}
	for _, k := range s.state.checks {
		r := CheckRun{ID: k.id, Name: text(k.fields["name"]), HeadSHA: text(k.fields["head_sha"]), Status: text(k.fields["status"]), Conclusion: text(k.fields["conclusion"])}
		r.Title, r.Summary, r.Text = text(k.output["title"]), text(k.output["summary"]), text(k.output["text"])
		for _, a := range k.annotations {
			r.Annotations = append(r.Annotations, a.(object))
		}
		out = append(out, r)
	}
	return out
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// AddCheckRun makes the check run that a job has, and returns its id.
func (s *Server) AddCheckRun(name, headSHA string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := &check{id: s.id(), fields: object{"name": name, "head_sha": headSHA, "status": "in_progress"}}
	s.state.checks = append(s.state.checks, k)
	return k.id
}

// outputLimit is what GitHub takes of a summary and of a text.
const outputLimit = 65535

// write takes over what a request says. Annotations are appended to those of earlier requests.
func (k *check) write(in object) (reply, bool) {
	out, _ := in["output"].(object)
	for _, name := range []string{"summary", "text"} {
		if len(utf16.Encode([]rune(text(out[name])))) > outputLimit {
			return failure(http.StatusUnprocessableEntity, name+" exceeds a maximum bytesize of 65535"), false
		}
	}
	if in["conclusion"] != nil {
		in["status"] = "completed"
	}
	if in["status"] == "completed" && in["conclusion"] == nil && k.fields["conclusion"] == nil {
		return failure(http.StatusUnprocessableEntity, "Invalid request. a completed check run needs a conclusion"), false
	}
	for _, a := range list(out["annotations"]) {
		o, _ := a.(object)
		_, column := o["start_column"]
		if column && o["start_line"] != o["end_line"] {
			return failure(http.StatusUnprocessableEntity, "start_column and end_column may be given only when start_line and end_line are equal"), false
		}
		k.annotations = append(k.annotations, a)
	}
	for name, v := range in {
		if name != "output" {
			k.fields[name] = v
		}
	}
	if out != nil {
		k.output = maps.Clone(out)
		delete(k.output, "annotations")
	}
	return reply{}, true
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func (s *Server) showCheck(k *check) object {
	o := object{
		"id": k.id, "name": k.fields["name"], "head_sha": k.fields["head_sha"], "status": k.fields["status"], "conclusion": k.fields["conclusion"],
		"started_at": s.o.Now().UTC().Format(time.RFC3339), "html_url": s.o.URL + "/checks",
		"output": object{"title": k.output["title"], "summary": k.output["summary"], "text": k.output["text"], "annotations_count": len(k.annotations), "annotations_url": s.o.URL + "/"},
	}
	if o["status"] == nil {
		o["status"] = "queued"
	}
	return s.model.filled("check-run", o)
}

func createCheck(s *Server, c *call) reply {
	k := &check{id: s.id(), app: c.who.Login, fields: object{}}
	var in object
	if !c.decode(&in) {
		return failure(http.StatusBadRequest, "Problems parsing JSON")
	}
	if rep, ok := k.write(in); !ok {
		return rep
	}
	s.state.checks = append(s.state.checks, k)
	return reply{status: http.StatusCreated, body: s.showCheck(k)}
}

func (s *Server) findCheck(c *call) *check {
	for _, k := range s.state.checks {
		if k.id == int64(c.number("check_run_id")) {
			return k
		}
	}
	return nil
}

func updateCheck(s *Server, c *call) reply {
	k := s.findCheck(c)
	if k == nil {
		return failure(http.StatusNotFound, "Not Found")
	}
	var in object
	if !c.decode(&in) {
		return failure(http.StatusBadRequest, "Problems parsing JSON")
	}
	if rep, ok := k.write(in); !ok {
		return rep
	}
	return reply{status: http.StatusOK, body: s.showCheck(k)}
}

func getCheck(s *Server, c *call) reply {
	if k := s.findCheck(c); k != nil {
		return reply{status: http.StatusOK, body: s.showCheck(k)}
	}
	return failure(http.StatusNotFound, "Not Found")
}

func listChecks(s *Server, c *call) reply {
	items := []any{}
	for _, k := range s.state.checks {
		if k.fields["head_sha"] == c.in.PathParams["ref"] {
			items = append(items, s.showCheck(k))
		}
	}
	part, h := s.pageOf(c, items)
	return reply{status: http.StatusOK, header: h, body: object{"total_count": len(items), "check_runs": part}}
}
