package githubtest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Job is a job of a workflow run, as far as its environment and its identity tokens tell.
type Job struct {
	Event string `json:"event"`
	// Payload is the event's; PullRequestEvent makes one.
	Payload map[string]any `json:"payload,omitempty"`
	Ref     string         `json:"ref"`
	SHA     string         `json:"sha"`
	Name    string         `json:"name"`
	// Environment is the deployment environment of the job.
	Environment                  string `json:"environment,omitempty"`
	RunID, RunAttempt, RunNumber int64  `json:",omitempty"`
	Actor                        string `json:"actor,omitempty"`
	// Immutable makes the subject of identity tokens name owner and repository with their ids.
	Immutable bool `json:"immutable,omitempty"`
	// NoIdentity is a job without the permission id-token: write, as every job of a fork is.
	NoIdentity bool `json:"no_identity,omitempty"`
	// NoRuntime is a runner that offers no artifacts.
	NoRuntime bool `json:"no_runtime,omitempty"`
}

func (j Job) settled() Job {
	for _, d := range []struct {
		to        *string
		otherwise string
	}{{&j.Event, "push"}, {&j.Ref, "refs/heads/main"}, {&j.SHA, strings.Repeat("a", 40)}, {&j.Name, "build"}, {&j.Actor, "octocat"}} {
		if *d.to == "" {
			*d.to = d.otherwise
		}
	}
	for _, d := range []struct {
		to        *int64
		otherwise int64
	}{{&j.RunID, 1}, {&j.RunAttempt, 1}, {&j.RunNumber, 1}} {
		if *d.to == 0 {
			*d.to = d.otherwise
		}
	}
	return j
}

// Environ starts a job and returns the variables its runner sets. The event's payload and the files of file commands
// are in dir.
func (s *Server) Environ(dir string, j Job) (map[string]string, error) {
	env, err := s.Variables(j)
	if err != nil {
		return nil, err
	}
	env["GITHUB_WORKSPACE"], env["RUNNER_TEMP"] = dir, dir
	env["GITHUB_EVENT_PATH"] = filepath.Join(dir, "event.json")
	raw, err := json.Marshal(j.Payload)
	if err != nil {
		return nil, err
	}
	if err = os.WriteFile(env["GITHUB_EVENT_PATH"], raw, 0o600); err != nil {
		return nil, err
	}
	for name, file := range map[string]string{"GITHUB_OUTPUT": "output", "GITHUB_STATE": "state", "GITHUB_STEP_SUMMARY": "summary"} {
		env[name] = filepath.Join(dir, file)
		if err = os.WriteFile(env[name], nil, 0o600); err != nil {
			return nil, err
		}
	}
	return env, nil
}

// Variables starts a job and returns the variables its runner sets, but for those that name files.
func (s *Server) Variables(j Job) (map[string]string, error) {
	j = j.settled()
	// On GitHub the token for identity tokens and that for artifacts are the same, too.
	token, err := sign(object{
		"scp": fmt.Sprintf("Actions.Results:%d:%s", j.RunID, j.Name), "jti": rand.Text(),
		"exp": s.o.Now().Add(24 * time.Hour).Unix(), "iss": s.Issuer(),
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.jobs[token] = j
	s.mu.Unlock()
	repo := s.o.Owner + "/" + s.o.Repo
	env := map[string]string{
		"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": j.Event, "GITHUB_REF": j.Ref, "GITHUB_SHA": j.SHA,
		"GITHUB_JOB": j.Name, "GITHUB_ACTOR": j.Actor, "GITHUB_TRIGGERING_ACTOR": j.Actor,
		"GITHUB_REPOSITORY": repo, "GITHUB_REPOSITORY_ID": digits(s.o.RepoID),
		"GITHUB_REPOSITORY_OWNER": s.o.Owner, "GITHUB_REPOSITORY_OWNER_ID": digits(s.o.OwnerID),
		"GITHUB_RUN_ID": digits(j.RunID), "GITHUB_RUN_ATTEMPT": digits(j.RunAttempt), "GITHUB_RUN_NUMBER": digits(j.RunNumber),
		"GITHUB_WORKFLOW": "build", "GITHUB_WORKFLOW_REF": repo + "/.github/workflows/build.yml@" + j.Ref,
		"GITHUB_SERVER_URL": s.o.URL, "GITHUB_API_URL": s.o.URL + apiPath, "GITHUB_GRAPHQL_URL": s.o.URL + "/graphql",
	}
	if !j.NoIdentity {
		env["ACTIONS_ID_TOKEN_REQUEST_URL"] = s.o.URL + "/_oidc/token?api-version=2.0"
		env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = token
	}
	if !j.NoRuntime {
		env["ACTIONS_RESULTS_URL"], env["ACTIONS_RUNTIME_TOKEN"] = s.o.URL+"/", token
	}
	return env, nil
}

// EndJob makes the job's request token worthless, as it is after the job and after a day.
func (s *Server) EndJob(requestToken string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.jobs, requestToken)
}

// PullRequestEvent is the payload of a pull_request event.
func (s *Server) PullRequestEvent(number int, action string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.state.pulls[number]
	if p == nil {
		return nil
	}
	return object{"action": action, "number": number, "pull_request": s.showPull("pull-request", p), "repository": s.model.filled("full-repository", s.repository())}
}

// register starts a job over HTTP and answers with its variables, for runs outside of Go.
func (s *Server) register(c *call) reply {
	var j Job
	if c.Method != http.MethodPost || !c.decode(&j) {
		return failure(http.StatusBadRequest, "POST a job as JSON")
	}
	env, err := s.Variables(j)
	if err != nil {
		return failure(http.StatusInternalServerError, err.Error())
	}
	return reply{status: http.StatusOK, body: env}
}
