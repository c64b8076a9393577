package github

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// payloadLimit bounds the file of an event. GitHub caps payloads at 25 MB.
const payloadLimit = 25 << 20

// Payload is what imagebuild needs of an event. All of it may have been chosen by whoever opened the pull request.
type Payload struct {
	// Action is what happened: opened, synchronize, closed, completed.
	Action string `json:"action"`
	// Number is the pull request's in its own events.
	Number      int                `json:"number"`
	PullRequest payloadPullRequest `json:"pull_request"`
	WorkflowRun payloadWorkflowRun `json:"workflow_run"`
	Issue       payloadIssue       `json:"issue"`
	Comment     payloadComment     `json:"comment"`
	MergeGroup  payloadMergeGroup  `json:"merge_group"`
	Repository  payloadRepository  `json:"repository"`

	present bool
}

type (
	payloadPullRequest struct {
		Number int         `json:"number"`
		State  string      `json:"state"`
		Merged bool        `json:"merged"`
		Title  string      `json:"title"`
		User   payloadUser `json:"user"`
		Head   payloadHead `json:"head"`
		Base   payloadHead `json:"base"`
		// MergeCommitSHA is a test merge while the pull request is open, the merge on the base branch afterwards.
		MergeCommitSHA string `json:"merge_commit_sha"`
	}
	payloadHead struct {
		Ref  string            `json:"ref"`
		SHA  string            `json:"sha"`
		Repo payloadRepository `json:"repo"`
	}
	payloadRepository struct {
		ID            int64       `json:"id"`
		FullName      string      `json:"full_name"`
		DefaultBranch string      `json:"default_branch"`
		Private       bool        `json:"private"`
		Owner         payloadUser `json:"owner"`
	}
	payloadUser struct {
		Login string `json:"login"`
		ID    int64  `json:"id"`
	}
	payloadWorkflowRun struct {
		ID             int64                `json:"id"`
		Event          string               `json:"event"`
		Conclusion     string               `json:"conclusion"`
		HeadSHA        string               `json:"head_sha"`
		HeadBranch     string               `json:"head_branch"`
		HeadRepository payloadRepository    `json:"head_repository"`
		PullRequests   []payloadPullRequest `json:"pull_requests"`
	}
	payloadIssue struct {
		Number int `json:"number"`
		// PullRequest is an object where the issue is one.
		PullRequest json.RawMessage `json:"pull_request"`
	}
	payloadComment struct {
		ID   int64       `json:"id"`
		User payloadUser `json:"user"`
	}
	payloadMergeGroup struct {
		HeadSHA string `json:"head_sha"`
		HeadRef string `json:"head_ref"`
	}
)

// readPayload reads the event's file. Some runners name a file that is not there in a job with a container: that is no event.
func readPayload(path string) (Payload, error) {
	f, err := os.Open(path) // #nosec G304 -- the runner names it
	if os.IsNotExist(err) {
		return Payload{}, nil
	}
	if err != nil {
		return Payload{}, fmt.Errorf("reading the event: %w", err)
	}
	defer func() { _ = f.Close() }()
	p, err := parsePayload(f)
	if err != nil {
		return p, fmt.Errorf("reading the event %s: %w", path, err)
	}
	return p, nil
}

func parsePayload(r io.Reader) (Payload, error) {
	raw, err := io.ReadAll(io.LimitReader(r, payloadLimit+1))
	switch {
	case err != nil:
		return Payload{}, err
	case len(raw) > payloadLimit:
		return Payload{}, fmt.Errorf("it is larger than %d MiB", payloadLimit>>20)
	case len(strings.TrimSpace(string(raw))) == 0:
		return Payload{}, nil
	}
	var p Payload
	if err = json.Unmarshal(raw, &p); err != nil {
		return Payload{}, err
	}
	p.present = true
	return p, nil
}

// number is the pull request a payload names; 0 is none. Several pull requests of a workflow run are told apart by
// their head, which only one of them can have been run for.
func (p *Payload) number(event string) int {
	n := 0
	switch {
	case event == "workflow_run":
		for _, pr := range p.WorkflowRun.PullRequests {
			if pr.Head.SHA == p.WorkflowRun.HeadSHA || len(p.WorkflowRun.PullRequests) == 1 {
				n = pr.Number
				break
			}
		}
	case p.PullRequest.Number != 0:
		n = p.PullRequest.Number
	case strings.HasPrefix(event, "pull_request"):
		n = p.Number
	case event == "issue_comment" && len(p.Issue.PullRequest) > 0 && string(p.Issue.PullRequest) != "null":
		n = p.Issue.Number
	}
	return max(n, 0)
}

// head is the commit an event is about, with the repository it stands in.
func (p *Payload) head(event string) payloadHead {
	switch event {
	case "workflow_run":
		return payloadHead{Ref: p.WorkflowRun.HeadBranch, SHA: p.WorkflowRun.HeadSHA, Repo: p.WorkflowRun.HeadRepository}
	case "merge_group":
		return payloadHead{Ref: p.MergeGroup.HeadRef, SHA: p.MergeGroup.HeadSHA}
	}
	return p.PullRequest.Head
}
