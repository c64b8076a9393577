package main

import (
	"context"
	"slices"

	"github.com/org/imagebuild-action/internal/github"
	"github.com/org/imagebuild-action/internal/report"
)

// asked are the events that do not tell which pull request their commit belongs to, and are about one all the
// same. A schedule is about none, though the commit that it finds came with one.
var asked = []string{"push", "workflow_run"} //nolint:gochecknoglobals // a table, never written

// A conversation is the pull request that a step tells of its command.
type conversation struct {
	comments *github.Comments
	number   int  // 0 for none
	gone     bool // there is none to write, and if that is surprising, it was said
}

// converse finds the pull request and what is needed to write to it.
func (a *action) converse(ctx context.Context) {
	a.talk.gone = true
	if a.in["comment"] == string(github.CommentOff) || a.in["github-token"] == "" {
		return
	}
	if (a.env.Fork || a.env.Dependabot) && !slices.Contains(privileged, a.env.Event) {
		return // the token only reads, as was said
	}
	client, err := a.client()
	if err != nil {
		a.notice("There is no comment", err)
		return
	}
	a.talk.number = a.env.PullRequest
	if a.talk.number == 0 && slices.Contains(asked, a.env.Event) {
		if a.talk.number, err = client.FindPullRequest(ctx); err != nil {
			a.notice("The pull request of this commit is not known", err)
		}
	}
	if a.talk.number == 0 {
		a.commands.Debug("There is no pull request to comment on.")
		return
	}
	a.talk.gone = false
	a.talk.comments = client.Comments(github.CommentMode(a.in["comment"]), "")
}

// client speaks to GitHub about the job's repository.
func (a *action) client() (*github.Client, error) {
	return github.NewClient(a.env, github.ClientOptions{Token: a.in["github-token"], Redact: a.commands.Redact})
}

// remark is the comment that documents make. One that is there already is kept up to date also where there would be no
// new one.
func (a *action) remark(docs func() []*report.Document) github.Comment {
	leg := a.leg
	if a.in["command"] == "report" {
		leg = ""
	}
	c := github.Comment{
		PullRequest: a.talk.number, Key: a.key(), Section: leg,
		Order: github.Order{Run: a.env.RunID, Attempt: a.env.RunAttempt, Seq: a.p.now().UnixMilli()},
		SHA:   a.env.Head, Body: func(bytes int) string { return report.Comment(docs(), bytes) },
	}
	if leg != "" {
		c.Title, c.Short = "## imagebuild", report.Comment(docs(), shortSection)
	}
	return c
}

// shortSection is the length of what takes a section's place where all of them are too long together.
const shortSection = 300

// comment brings documents into the pull request.
func (a *action) comment(ctx context.Context, docs []*report.Document) {
	if a.talk.gone {
		return
	}
	c := a.remark(func() []*report.Document { return docs })
	c.Keep, c.Live = a.in["command"] == "build", a.hurried
	switch a.in["comment-on"] {
	case "changes":
		c.Existing = !report.ExitFailed(docs) && !slices.ContainsFunc(docs, changed)
	case "failure":
		c.Existing = !report.ExitFailed(docs)
	}
	if len(docs) == 1 {
		c.Plan = docs[0].PlanDigest
	}
	posted, err := a.talk.comments.Upsert(ctx, c)
	if err != nil {
		a.notice("The comment is not up to date", err)
		return
	}
	if posted.URL != "" {
		a.notice("comment-url is missing", a.out.set("comment-url", posted.URL))
	}
	if posted.Superseded {
		a.commands.Notice("The comment tells of a newer run already, and was left alone.")
	}
}

// progress begins to follow a run: the comment is kept up to date, and so is what the step after this one would tell of
// it. It returns what tells that something changed.
func (a *action) progress(ctx context.Context) func(func() *report.Document) func() {
	return func(now func() *report.Document) func() {
		a.remember(now())
		if a.talk.gone || a.in["comment-on"] != "always" {
			return func() {}
		}
		live := a.talk.comments.Live()
		running, stop := context.WithCancel(ctx)
		over := make(chan struct{})
		go func() {
			defer close(over)
			a.notice("The comment was not kept up to date", live.Run(running))
		}()
		a.settled = func() { stop(); <-over }
		return func() {
			live.Show(a.remark(func() []*report.Document {
				d := now()
				a.remember(d)
				return []*report.Document{d}
			}))
		}
	}
}
