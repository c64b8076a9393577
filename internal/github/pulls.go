package github

import (
	"context"
	"strings"

	api "github.com/google/go-github/v60/github"
)

// PullRequest is what is known of a pull request.
type PullRequest struct {
	Number int
	// Open is false once it is merged or closed. It can still be commented.
	Open, Merged bool
	// HeadSHA is its newest commit, MergeSHA the merge on the base branch once it is merged.
	HeadSHA, MergeSHA string
	// HeadRepository is owner/name; empty where the fork was deleted.
	HeadRepository string
	HeadRef        string
}

// FindPullRequest returns the number of the pull request this run is about, 0 where there is none, which is usual for
// schedules and branches. What the event does not tell, GitHub is asked for: which pull requests hold the head commit;
// the one it was merged by comes first, then the one it is the head of, an open one before others.
func (c *Client) FindPullRequest(ctx context.Context) (int, error) {
	if c.env.PullRequest != 0 || c.env.Head == "" {
		return c.env.PullRequest, nil
	}
	const what = "the pull request of this commit"
	prs, err := c.containing(ctx, c.env.Head)
	if err != nil && status(err) != 404 && status(err) != 422 {
		return 0, told(what, "pull-requests: read", err)
	}
	if n := chosen(prs, c.env.Head); n != 0 {
		return n, nil
	}
	run := c.env.Payload.WorkflowRun
	owner, _, ok := strings.Cut(run.HeadRepository.FullName, "/")
	if !ok || run.HeadBranch == "" || !c.env.Fork {
		return 0, nil
	}
	// The commits of a fork belong to no pull request of this repository that way.
	opts := &api.PullRequestListOptions{State: "all", Head: owner + ":" + run.HeadBranch, ListOptions: api.ListOptions{PerPage: pageSize}}
	prs, _, err = c.api.PullRequests.List(ctx, c.env.Repository.Owner, c.env.Repository.Name, opts)
	if err != nil {
		return 0, told(what, "pull-requests: read", err)
	}
	return chosen(prs, run.HeadSHA), nil
}

const pageSize = 100

func (c *Client) containing(ctx context.Context, sha string) ([]*api.PullRequest, error) {
	opts := &api.ListOptions{PerPage: pageSize}
	prs, _, err := c.api.PullRequests.ListPullRequestsWithCommit(ctx, c.env.Repository.Owner, c.env.Repository.Name, sha, opts)
	return prs, err
}

// chosen is the pull request a commit is the merge or the head of, the open one first.
func chosen(prs []*api.PullRequest, sha string) int {
	for _, is := range []func(*api.PullRequest) bool{
		func(p *api.PullRequest) bool { return p.MergedAt != nil && p.GetMergeCommitSHA() == sha },
		func(p *api.PullRequest) bool { return p.GetState() == "open" && p.GetHead().GetSHA() == sha },
		func(p *api.PullRequest) bool { return p.GetHead().GetSHA() == sha },
	} {
		for _, p := range prs {
			if is(p) {
				return p.GetNumber()
			}
		}
	}
	return 0
}

// PullRequest reads a pull request.
func (c *Client) PullRequest(ctx context.Context, number int) (PullRequest, error) {
	p, _, err := c.api.PullRequests.Get(ctx, c.env.Repository.Owner, c.env.Repository.Name, number)
	if err != nil {
		return PullRequest{}, told("the pull request", "pull-requests: read", err)
	}
	out := PullRequest{
		Number: p.GetNumber(), Open: p.GetState() == "open", Merged: p.GetMerged(),
		HeadSHA: p.GetHead().GetSHA(), HeadRef: p.GetHead().GetRef(), HeadRepository: p.GetHead().GetRepo().GetFullName(),
	}
	if out.Merged {
		out.MergeSHA = p.GetMergeCommitSHA()
	}
	return out, nil
}
