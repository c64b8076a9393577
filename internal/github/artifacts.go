package github

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/org/imagebuild-action/internal/neutral"
)

// Artifacts uploads artifacts of the run, as @actions/artifact does: through a service of the runner that GitHub does
// not document and GitHub Enterprise Server does not have. A run goes on without it.
type Artifacts struct {
	env    *Environment
	getenv func(string) string
	http   *http.Client
	mask   func(string) bool
}

// NewArtifacts returns the artifacts of env's run. base is nil for the usual transport. mask is given the signatures of
// the URLs that are written to.
func NewArtifacts(env *Environment, getenv func(string) string, base http.RoundTripper, mask func(string) bool) *Artifacts {
	return &Artifacts{env: env, getenv: getenv, mask: mask, http: &http.Client{Transport: newTransport(base, "")}}
}

// ArtifactFile is a file of an artifact.
type ArtifactFile struct {
	// Name is its path inside, with slashes.
	Name string
	// Path is the file to read; where it is empty, Content is what the file holds.
	Path    string
	Content []byte
}

// Artifact is an artifact of a run.
type Artifact struct {
	ID   int64
	Name string
	// Size is the bytes of the zip, Digest "sha256:" and its sum in hexadecimal.
	Size   int64
	Digest string
	// URL is the page it can be downloaded from.
	URL string

	RunID   int64
	HeadSHA string
	// Foreign says that a run of a fork uploaded it: its content is whoever's.
	Foreign bool
	Expired bool
}

const (
	artifactsWhat   = "artifacts"
	artifactService = "twirp/github.actions.results.api.v1.ArtifactService/"
	// artifactVersion is the least that the service takes, which all servers know.
	artifactVersion = 4
	forbiddenInName = "\":<>|*?\\/\r\n"
	nameLimit       = 255
	uploadTimeout   = 5 * time.Minute
)

// Available says whether the runner offers artifacts, and if not an UnavailableError.
func (a *Artifacts) Available() error {
	if a.getenv("ACTIONS_RESULTS_URL") == "" || a.getenv("ACTIONS_RUNTIME_TOKEN") == "" {
		return &UnavailableError{What: artifactsWhat, Why: "the runner offers no service for them, as on GitHub Enterprise Server. Files that are left in the workspace can be uploaded by a later step."}
	}
	return nil
}

// Upload makes an artifact of files. A run has one artifact of a name, over all of its attempts.
func (a *Artifacts) Upload(ctx context.Context, name string, files []ArtifactFile) (Artifact, error) {
	if err := a.Available(); err != nil {
		return Artifact{}, err
	}
	if name == "" || len(name) > nameLimit || strings.ContainsAny(name, forbiddenInName) || neutral.Line(name) != name {
		return Artifact{}, fmt.Errorf("%q cannot be the name of an artifact: it has 1 to %d characters, and none of \" : < > | * ? \\ /", neutral.Line(name), nameLimit)
	}
	ctx, cancel := context.WithTimeout(ctx, uploadTimeout)
	defer cancel()
	run, job, err := runtimeScope(a.getenv("ACTIONS_RUNTIME_TOKEN"))
	if err != nil {
		return Artifact{}, err
	}
	archive, err := pack(a.env.Temp, files)
	if err != nil {
		return Artifact{}, fmt.Errorf("packing the artifact %s: %w", name, err)
	}
	defer archive.remove()
	scope := map[string]any{"workflow_run_backend_id": run, "workflow_job_run_backend_id": job, "name": name}
	id, err := a.send(ctx, scope, archive)
	if err != nil {
		return Artifact{}, fmt.Errorf("uploading the artifact %s: %w", name, err)
	}
	return Artifact{
		ID: id, Name: name, Size: archive.size, Digest: archive.digest, RunID: a.env.RunID, HeadSHA: a.env.Head,
		URL: fmt.Sprintf("%s/%s/actions/runs/%d/artifacts/%d", a.env.ServerURL, a.env.Repository, a.env.RunID, id),
	}, nil
}

// send carries out the three calls.
func (a *Artifacts) send(ctx context.Context, scope map[string]any, archive *archive) (int64, error) {
	scope["version"] = artifactVersion
	created, err := a.call(ctx, "CreateArtifact", scope)
	if err != nil {
		return 0, err
	}
	if err = a.put(ctx, created.UploadURL, archive); err != nil {
		return 0, err
	}
	delete(scope, "version")
	scope["size"], scope["hash"] = strconv.FormatInt(archive.size, 10), archive.digest
	final, err := a.call(ctx, "FinalizeArtifact", scope)
	if err != nil {
		return 0, err
	}
	id, err := strconv.ParseInt(final.ID, 10, 64)
	if err != nil {
		return 0, errors.New("the answer names no artifact")
	}
	return id, nil
}

// artifactReply is what the calls answer. GitHub writes the members in either way.
type artifactReply struct{ UploadURL, ID string }

// UnmarshalJSON reads signedUploadUrl and signed_upload_url alike, and ids that are numbers or strings.
func (r *artifactReply) UnmarshalJSON(b []byte) error {
	var members map[string]any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&members); err != nil {
		return err
	}
	for name, v := range members {
		switch strings.ToLower(strings.ReplaceAll(name, "_", "")) {
		case "signeduploadurl":
			r.UploadURL = fmt.Sprint(v)
		case "artifactid":
			r.ID = fmt.Sprint(v)
		}
	}
	return nil
}

const replyLimit = 1 << 20

func (a *Artifacts) call(ctx context.Context, method string, in any) (artifactReply, error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return artifactReply{}, err
	}
	u := strings.TrimRight(a.getenv("ACTIONS_RESULTS_URL"), "/") + "/" + artifactService + method
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u, bytes.NewReader(raw))
	if err != nil {
		return artifactReply{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+a.getenv("ACTIONS_RUNTIME_TOKEN"))
	resp, err := a.http.Do(req)
	if err != nil {
		return artifactReply{}, withoutURL(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err = io.ReadAll(io.LimitReader(resp.Body, replyLimit))
	switch {
	case err != nil:
		return artifactReply{}, err
	case resp.StatusCode == http.StatusNotFound:
		return artifactReply{}, &UnavailableError{What: artifactsWhat, Why: "the server has no service for them, as on GitHub Enterprise Server."}
	case resp.StatusCode != http.StatusOK:
		const shown = 200
		return artifactReply{}, fmt.Errorf("%s: status %d: %s", method, resp.StatusCode, cut(neutral.Line(strings.TrimSpace(string(raw))), shown))
	}
	var out artifactReply
	return out, json.Unmarshal(raw, &out)
}

// put sends the archive to where the service says.
func (a *Artifacts) put(ctx context.Context, to string, archive *archive) error {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("the answer names no place to upload to")
	}
	a.mask(u.Query().Get("sig"))
	body, err := archive.open()
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, to, body)
	if err != nil {
		return withoutURL(err)
	}
	req.ContentLength, req.GetBody = archive.size, archive.open
	req.Header.Set("Content-Type", "application/zip")
	req.Header.Set("X-Ms-Blob-Type", "BlockBlob")
	resp, err := a.http.Do(req)
	if err != nil {
		return withoutURL(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusCreated && resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the store answered with status %d", resp.StatusCode)
	}
	return nil
}

// withoutURL leaves out the URL that net/http puts before its errors: it holds a signature.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// runtimeScope reads the run and the job from the token of the runner, which names them for the service.
func runtimeScope(token string) (run, job string, err error) {
	wrong := errors.New("the runner's token names no run: artifacts cannot be uploaded")
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", "", wrong
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", "", wrong
	}
	var claims struct {
		Scope string `json:"scp"`
	}
	if json.Unmarshal(raw, &claims) != nil {
		return "", "", wrong
	}
	for scope := range strings.FieldsSeq(claims.Scope) {
		if ids, ok := strings.CutPrefix(scope, "Actions.Results:"); ok {
			if run, job, ok = strings.Cut(ids, ":"); ok {
				return run, job, nil
			}
		}
	}
	return "", "", wrong
}
