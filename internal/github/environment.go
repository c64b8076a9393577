package github

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Environment is what the runner tells a step about itself. Zero members were not told.
type Environment struct {
	// Actions says that this is a step of GitHub Actions at all.
	Actions bool
	// Event is the name of the event: push, pull_request, workflow_run.
	Event   string
	Payload Payload

	Repository Repository
	// SHA is GITHUB_SHA: for a pull request the merge commit, which no status, check or comment belongs to.
	SHA string
	// Head is the commit people know: the pull request's head, the workflow run's, else SHA.
	Head string
	// Ref is GITHUB_REF in full: refs/heads/main, refs/pull/7/merge.
	Ref string

	// RunID grows from run to run of a repository; RunAttempt counts from 1.
	RunID, RunAttempt, RunNumber int64
	// Job is the key of the job in the workflow file.
	Job string
	// CheckRunID is the job's own check run. The runner puts it into no variable: an input whose
	// default is ${{ job.check_run_id }} brings it, and the caller sets it.
	CheckRunID int64
	// Workflow is its display name; WorkflowRef its file with the ref: o/r/.github/workflows/w.yml@refs/heads/main.
	Workflow, WorkflowRef string
	// Actor started the run first; TriggeringActor started this attempt.
	Actor, TriggeringActor string

	// The URLs have no slash at the end. They differ on GitHub Enterprise Server and with data residency.
	ServerURL, APIURL, GraphQLURL string
	// Workspace is the root of the checked-out repository; Temp is emptied after the job.
	Workspace, Temp string

	// PullRequest is the number the payload or the ref names, 0 where neither does (see Client.FindPullRequest).
	PullRequest int
	// Fork says that the commit comes from another repository: no secrets, no identity token, a token that only reads.
	Fork bool
	// Dependabot says that GitHub runs this as it runs forks: no secrets, a token that only reads. It does so after some
	// events alone, and only where Dependabot itself caused the run.
	Dependabot bool
	// Debug says that the user asked for debug logging.
	Debug bool
}

// Repository is a repository and who owns it. The ids outlive renaming.
type Repository struct {
	Owner, Name string
	ID, OwnerID int64
	// DefaultBranch is empty where the payload does not tell it.
	DefaultBranch string
	Private       bool
}

// String returns owner/name.
func (r Repository) String() string {
	if r.Owner == "" {
		return ""
	}
	return r.Owner + "/" + r.Name
}

// ReadEnvironment reads the variables the runner sets and the event's payload. Outside of GitHub Actions it returns
// what there is, with Actions false. Errors are about values that cannot be what the runner writes, and
// payloads that cannot be read; what could be read is returned with them.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/variables
func ReadEnvironment(getenv func(string) string) (*Environment, error) {
	e := &Environment{
		Actions: getenv("GITHUB_ACTIONS") == "true", Event: getenv("GITHUB_EVENT_NAME"),
		SHA: getenv("GITHUB_SHA"), Ref: getenv("GITHUB_REF"), Job: getenv("GITHUB_JOB"),
		Workflow: getenv("GITHUB_WORKFLOW"), WorkflowRef: getenv("GITHUB_WORKFLOW_REF"),
		Actor: getenv("GITHUB_ACTOR"), TriggeringActor: getenv("GITHUB_TRIGGERING_ACTOR"),
		Workspace: getenv("GITHUB_WORKSPACE"), Temp: getenv("RUNNER_TEMP"),
		Debug: getenv("RUNNER_DEBUG") == "1",
	}
	var errs []error
	e.Repository.Owner, e.Repository.Name, _ = strings.Cut(getenv("GITHUB_REPOSITORY"), "/")
	for _, n := range []struct {
		name string
		to   *int64
	}{
		{"GITHUB_RUN_ID", &e.RunID},
		{"GITHUB_RUN_ATTEMPT", &e.RunAttempt},
		{"GITHUB_RUN_NUMBER", &e.RunNumber},
		{"GITHUB_REPOSITORY_ID", &e.Repository.ID},
		{"GITHUB_REPOSITORY_OWNER_ID", &e.Repository.OwnerID},
	} {
		if v := getenv(n.name); v != "" {
			id, err := strconv.ParseInt(v, 10, 64)
			if err != nil || id < 0 {
				errs = append(errs, fmt.Errorf("%s is %q, not a number", n.name, v))
				continue
			}
			*n.to = id
		}
	}
	for _, u := range []struct {
		name, otherwise string
		to              *string
	}{
		{"GITHUB_SERVER_URL", "https://github.com", &e.ServerURL},
		{"GITHUB_API_URL", "https://api.github.com", &e.APIURL},
		{"GITHUB_GRAPHQL_URL", "", &e.GraphQLURL},
	} {
		v, err := serverURL(getenv(u.name), u.otherwise)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", u.name, err))
		}
		*u.to = v
	}
	if e.GraphQLURL == "" {
		e.GraphQLURL = graphQLURL(e.APIURL)
	}
	if path := getenv("GITHUB_EVENT_PATH"); path != "" {
		p, err := readPayload(path)
		if err != nil {
			errs = append(errs, err)
		}
		e.Payload = p
	}
	e.resolve()
	return e, errors.Join(errs...)
}

func serverURL(s, otherwise string) (string, error) {
	if s == "" {
		return otherwise, nil
	}
	u, err := url.Parse(s)
	if err != nil {
		return otherwise, err
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return otherwise, fmt.Errorf("%q is not the URL of a server", s)
	}
	return strings.TrimRight(s, "/"), nil
}

// graphQLURL is where a server of this REST URL has GraphQL: GitHub Enterprise Server has /api/v3 and /api/graphql.
func graphQLURL(rest string) string {
	if base, ok := strings.CutSuffix(rest, "/v3"); ok {
		return base + "/graphql"
	}
	return rest + "/graphql"
}

// resolve settles what several sources tell: payload before ref before variables.
func (e *Environment) resolve() {
	p := &e.Payload
	e.Repository.fill(p.Repository)
	e.PullRequest = p.number(e.Event)
	if e.PullRequest == 0 {
		e.PullRequest = refNumber(e.Ref)
	}
	e.Head = e.SHA
	head := p.head(e.Event)
	if head.SHA != "" {
		e.Head = head.SHA
	}
	e.Fork = e.foreign(head.Repo)
	e.Dependabot = e.Actor == "dependabot[bot]" && slices.Contains(withheld, e.Event)
}

// withheld are the events after which GitHub withholds secrets from runs that Dependabot caused, however often and by
// whomever they are run again. After all others they have what any run has.
//
// https://docs.github.com/en/code-security/dependabot/troubleshooting-dependabot/troubleshooting-dependabot-on-github-actions
var withheld = []string{
	"pull_request", "pull_request_review", "pull_request_review_comment", "push", "create", "deployment", "deployment_status",
}

// foreign says whether a head stands in another repository than this. A deleted fork is told as no repository at
// all in the head of a pull request.
func (e *Environment) foreign(head payloadRepository) bool {
	switch e.Event {
	case "pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment", "workflow_run":
	default:
		return false
	}
	switch {
	case !e.Payload.present:
		return false
	case head.ID != 0 && e.Repository.ID != 0:
		return head.ID != e.Repository.ID
	case head.FullName != "":
		return !strings.EqualFold(head.FullName, e.Repository.String())
	}
	return true
}

func (r *Repository) fill(p payloadRepository) {
	if r.Owner == "" {
		r.Owner, r.Name, _ = strings.Cut(p.FullName, "/")
	}
	if r.ID == 0 {
		r.ID = p.ID
	}
	if r.OwnerID == 0 {
		r.OwnerID = p.Owner.ID
	}
	r.DefaultBranch, r.Private = p.DefaultBranch, p.Private
}

// A merge queue's branch names the last pull request of its group.
var numberInRef = []*regexp.Regexp{
	regexp.MustCompile(`^refs/pull/([1-9][0-9]{0,8})/(?:merge|head)$`),
	regexp.MustCompile(`^refs/heads/gh-readonly-queue/.+/pr-([1-9][0-9]{0,8})-[0-9a-f]+$`),
}

func refNumber(ref string) int {
	for _, re := range numberInRef {
		if m := re.FindStringSubmatch(ref); m != nil {
			// The pattern leaves nothing that could fail.
			n, _ := strconv.Atoi(m[1])
			return n
		}
	}
	return 0
}

// RunURL is the page of the run's attempt, empty where there is no run.
func (e *Environment) RunURL() string {
	if e.RunID == 0 {
		return ""
	}
	return fmt.Sprintf("%s/%s/actions/runs/%d/attempts/%d", e.ServerURL, e.Repository, e.RunID, max(e.RunAttempt, 1))
}

// JobURL is the page of the job where its check run is known, else RunURL.
func (e *Environment) JobURL() string {
	if e.CheckRunID == 0 || e.RunID == 0 {
		return e.RunURL()
	}
	return fmt.Sprintf("%s/%s/actions/runs/%d/job/%d", e.ServerURL, e.Repository, e.RunID, e.CheckRunID)
}
