package report

import (
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var (
	hostName       = regexp.MustCompile(`^[A-Za-z0-9.-]+(:\d{1,5})?$`)
	repositoryName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$`)
	commitSHA      = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)
)

// repository is the address of the repository, "" where the source does not say what can be one: a
// document comes from another job, and no link may lead elsewhere.
func (s Source) repository() string {
	u, err := url.Parse(s.Server)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || s.Server != u.Scheme+"://"+u.Host || !repositoryName.MatchString(s.Repository) {
		return ""
	}
	if !hostName.MatchString(u.Host) || strings.HasSuffix(s.Repository, "/.") || strings.HasSuffix(s.Repository, "/..") {
		return ""
	}
	return s.Server + "/" + s.Repository
}

// commit is the commit's address.
func (s Source) commit() string {
	if r := s.repository(); r != "" && commitSHA.MatchString(s.SHA) {
		return r + "/commit/" + s.SHA
	}
	return ""
}

// given are what the names of places begin with that stand in no file: arguments, and variables of the environment.
var given = []string{"-var", "IB_VAR_", "PKR_VAR_"} //nolint:gochecknoglobals // a table, never written

// committed reports whether a place is in a file of the repository, which has a page and can be annotated.
func (p *Place) committed() bool {
	return p != nil && filepath.IsLocal(p.File) &&
		!slices.ContainsFunc(given, func(prefix string) bool { return strings.HasPrefix(p.File, prefix) })
}

// blob is the address of a place in the configuration as it was built.
func (s Source) blob(p *Place) string {
	r := s.repository()
	if r == "" || !commitSHA.MatchString(s.SHA) || !p.committed() || p.File != path.Clean(p.File) {
		return ""
	}
	out := r + "/blob/" + s.SHA + "/" + escapedPath(p.File)
	switch {
	case p.Line < 1:
	case p.EndLine > p.Line:
		out += fmt.Sprintf("#L%d-L%d", p.Line, p.EndLine)
	default:
		out += fmt.Sprintf("#L%d", p.Line)
	}
	return out
}

// escapedPath leaves no character in a path that Markdown or HTML could take for its own.
func escapedPath(p string) string {
	var b strings.Builder
	for i := range len(p) {
		if c := p[i]; alphanumeric(c) || c == '/' || c == '.' || c == '-' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// run is the address of the run's attempt.
func (s Source) run() string {
	r := s.repository()
	if r == "" || s.Run < 1 {
		return ""
	}
	if s.Attempt > 0 {
		return fmt.Sprintf("%s/actions/runs/%d/attempts/%d", r, s.Run, s.Attempt)
	}
	return fmt.Sprintf("%s/actions/runs/%d", r, s.Run)
}

// job is the address of the job's log, at the step where that is known.
func (s Source) job() string {
	r := s.repository()
	if r == "" || s.Run < 1 || s.Job < 1 {
		return ""
	}
	out := fmt.Sprintf("%s/actions/runs/%d/job/%d", r, s.Run, s.Job)
	if s.Step > 0 {
		out += fmt.Sprintf("#step:%d:1", s.Step)
	}
	return out
}

// artifact is the address of the full report: one of this repository's runs, or nothing.
func (s Source) artifact() string {
	r := s.repository()
	if r == "" || !strings.HasPrefix(s.Artifact, r+"/actions/runs/") {
		return ""
	}
	rest := strings.TrimPrefix(s.Artifact, r)
	if strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz0123456789/") != "" {
		return ""
	}
	return s.Artifact
}

// link is Markdown for text, which is Markdown already, leading to address; text alone where there is none.
func link(text, address string) string {
	if address == "" {
		return text
	}
	return "[" + text + "](" + address + ")"
}
