package githubtest

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// artifact is an artifact on its way (no final) or finished.
type artifact struct {
	id        int64
	run       int64
	job, name string
	signature string
	zip       []byte
	final     bool
	digest    string
	expired   bool
}

// Artifact is a finished artifact. Zip is what was uploaded.
type Artifact struct {
	ID, RunID int64
	Name      string
	Zip       []byte `json:"-"`
	Digest    string
}

// Artifacts returns the finished artifacts, oldest first.
func (s *Server) Artifacts() []Artifact {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.finished()
}

func (s *Server) finished() []Artifact {
	out := []Artifact{}
	for _, a := range s.state.artifacts {
		if a.final {
			out = append(out, Artifact{ID: a.id, RunID: a.run, Name: a.name, Zip: a.zip, Digest: a.digest})
		}
	}
	return out
}

// AddArtifact makes a finished artifact, of any bytes.
func (s *Server) AddArtifact(run int64, name string, zip []byte) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := sha256.Sum256(zip)
	a := &artifact{id: s.id(), run: run, name: name, signature: rand.Text(), zip: zip, final: true, digest: "sha256:" + hex.EncodeToString(sum[:])}
	s.state.artifacts = append(s.state.artifacts, a)
	return a.id
}

const (
	twirpService  = "/twirp/github.actions.results.api.v1.ArtifactService/"
	oldestVersion = 4
	forbiddenName = "\":<>|*?\\/\r\n"
)

// artifactRequest is what both calls of the service say.
type artifactRequest struct {
	Run     string          `json:"workflow_run_backend_id"`
	Job     string          `json:"workflow_job_run_backend_id"`
	Name    string          `json:"name"`
	Version int             `json:"version"`
	Size    string          `json:"size"`
	Hash    string          `json:"hash"`
	Expires json.RawMessage `json:"expires_at"`
	Mime    json.RawMessage `json:"mime_type"`
}

func twirpError(status int, code, text string) reply {
	return reply{status: status, body: object{"code": code, "msg": text}}
}

// twirp answers the artifact service, which is not described in public.
func (s *Server) twirp(c *call) reply {
	if s.o.WithoutArtifacts {
		return reply{status: http.StatusNotFound, body: []byte("404 page not found")}
	}
	_, token, _ := strings.Cut(c.Header.Get("Authorization"), " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	j, ok := s.jobs[token]
	if !ok {
		return twirpError(http.StatusUnauthorized, "unauthenticated", "token is not valid")
	}
	var in artifactRequest
	d := json.NewDecoder(bytes.NewReader(c.raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil || c.Header.Get("Content-Type") != "application/json" {
		return twirpError(http.StatusBadRequest, "malformed", fmt.Sprint("not a request of this service: ", err))
	}
	if in.Run != strconv.FormatInt(j.RunID, 10) || in.Job != j.Name {
		return twirpError(http.StatusForbidden, "permission_denied", "the token is for another job")
	}
	switch strings.TrimPrefix(c.URL.Path, twirpService) {
	case "CreateArtifact":
		return s.createArtifact(in, j)
	case "FinalizeArtifact":
		return s.finalizeArtifact(in, j)
	}
	return twirpError(http.StatusNotFound, "bad_route", "no such method")
}

func (s *Server) createArtifact(in artifactRequest, j Job) reply {
	if in.Name == "" || strings.ContainsAny(in.Name, forbiddenName) || in.Version < oldestVersion {
		return twirpError(http.StatusBadRequest, "invalid_argument", "the name or the version of the artifact is not valid")
	}
	for _, a := range s.state.artifacts {
		if a.run == j.RunID && a.name == in.Name {
			return twirpError(http.StatusConflict, "already_exists", "an artifact with this name already exists on the workflow run")
		}
	}
	a := &artifact{id: s.id(), run: j.RunID, job: j.Name, name: in.Name, signature: rand.Text()}
	s.state.artifacts = append(s.state.artifacts, a)
	return reply{status: http.StatusOK, body: object{"ok": true, "signed_upload_url": s.blobURL(a)}}
}

func (s *Server) blobURL(a *artifact) string {
	return fmt.Sprintf("%s/_blob/%d?se=2026&sig=%s", s.o.URL, a.id, a.signature)
}

func (s *Server) finalizeArtifact(in artifactRequest, j Job) reply {
	for _, a := range s.state.artifacts {
		if a.run != j.RunID || a.name != in.Name || a.final {
			continue
		}
		sum := sha256.Sum256(a.zip)
		digest := "sha256:" + hex.EncodeToString(sum[:])
		if in.Size != strconv.Itoa(len(a.zip)) || in.Hash != digest {
			return twirpError(http.StatusBadRequest, "invalid_argument", "size or hash are not those of what was uploaded")
		}
		a.final, a.digest = true, digest
		return reply{status: http.StatusOK, body: object{"ok": true, "artifact_id": strconv.FormatInt(a.id, 10)}}
	}
	return twirpError(http.StatusNotFound, "not_found", "there is no such artifact")
}

// blob is the store that signed URLs lead to. It refuses a token that was meant for somebody else, as Azure does.
func (s *Server) blob(c *call) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, _ := strconv.ParseInt(strings.TrimPrefix(c.URL.Path, "/_blob/"), 10, 64)
	for _, a := range s.state.artifacts {
		if a.id != id || a.signature != c.URL.Query().Get("sig") {
			continue
		}
		switch {
		case c.Header.Get("Authorization") != "":
			return reply{status: http.StatusBadRequest, body: []byte("InvalidAuthenticationInfo")}
		case c.Method == http.MethodPut && !a.final:
			if c.Header.Get("X-Ms-Blob-Type") != "BlockBlob" || c.ContentLength != int64(len(c.raw)) {
				return reply{status: http.StatusBadRequest, body: []byte("MissingRequiredHeader")}
			}
			a.zip = c.raw
			return reply{status: http.StatusCreated}
		case c.Method == http.MethodGet && a.final:
			return reply{status: http.StatusOK, header: http.Header{"Content-Type": {"application/zip"}}, body: a.zip}
		}
		return reply{status: http.StatusMethodNotAllowed}
	}
	return reply{status: http.StatusForbidden, body: []byte("AuthenticationFailed")}
}

func (s *Server) showArtifact(a *artifact) object {
	id := strconv.FormatInt(a.id, 10)
	return s.model.filled("artifact", object{
		"id": a.id, "node_id": "A_" + id, "name": a.name, "size_in_bytes": len(a.zip), "digest": a.digest, "expired": a.expired,
		"url": s.repoURL() + "/actions/artifacts/" + id, "archive_download_url": s.repoURL() + "/actions/artifacts/" + id + "/zip",
		"created_at": s.o.Now().UTC().Format(time.RFC3339), "expires_at": s.o.Now().UTC().Format(time.RFC3339), "updated_at": s.o.Now().UTC().Format(time.RFC3339),
		"workflow_run": object{"id": a.run, "repository_id": s.o.RepoID, "head_repository_id": s.o.RepoID, "head_branch": "main", "head_sha": strings.Repeat("a", 40)},
	})
}

func listArtifacts(s *Server, c *call) reply {
	items := []any{}
	for _, a := range s.state.artifacts {
		name := c.URL.Query().Get("name")
		if a.final && a.run == int64(c.number("run_id")) && (name == "" || name == a.name) {
			items = append(items, s.showArtifact(a))
		}
	}
	part, h := s.pageOf(c, items)
	return reply{status: http.StatusOK, header: h, body: object{"total_count": len(items), "artifacts": part}}
}

func (s *Server) findArtifact(c *call) *artifact {
	for _, a := range s.state.artifacts {
		if a.final && a.id == int64(c.number("artifact_id")) {
			return a
		}
	}
	return nil
}

func getArtifact(s *Server, c *call) reply {
	if a := s.findArtifact(c); a != nil {
		return reply{status: http.StatusOK, body: s.showArtifact(a)}
	}
	return failure(http.StatusNotFound, "Not Found")
}

func downloadArtifact(s *Server, c *call) reply {
	a := s.findArtifact(c)
	switch {
	case a == nil:
		return failure(http.StatusNotFound, "Not Found")
	case a.expired:
		return failure(http.StatusGone, "Artifact has expired")
	}
	return reply{status: http.StatusFound, header: http.Header{"Location": {s.blobURL(a)}}}
}
