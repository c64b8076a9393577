package main

import (
	"context"
	"slices"
	"time"

	"github.com/org/imagebuild-action/internal/github"
	"github.com/org/imagebuild-action/internal/report"
)

// progressEvery is the least time between two edits of a comment while a run goes on: GitHub takes 80
// requests that make content in a minute from everything that uses one token.
const progressEvery = 20 * time.Second

// asked are the events that do not tell which pull request their commit belongs to, and are about one all the
// same. A schedule is about none, though the commit that it finds came with one.
var asked = []string{"push", "workflow_run"} //nolint:gochecknoglobals // a table, never written

// A conversation is the pull request that a step tells of its command.
type conversation struct {
	comments *github.Comments
	number   int // 0 for none
	url      string
	there    bool // a comment was written or edited
	gone     bool // none can be written, which was said
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
	author := ""
	if a.ownToken() {
		author = "github-actions[bot]"
	}
	a.talk.comments = client.Comments(github.CommentMode(a.in["comment"]), author)
}

// ownToken reports whether the token is the job's, whose author is known and which may not ask.
func (a *action) ownToken() bool {
	return len(a.in["github-token"]) > 4 && a.in["github-token"][:4] == "ghs_"
}

// client speaks to GitHub about the job's repository.
func (a *action) client() (*github.Client, error) {
	return github.NewClient(a.env, github.ClientOptions{Token: a.in["github-token"], Redact: a.commands.Redact})
}

// wanted reports whether there is to be a comment on what documents tell.
func (a *action) wanted(docs []*report.Document) bool {
	switch a.in["comment-on"] {
	case "changes":
		return a.talk.there || report.ExitFailed(docs) || slices.ContainsFunc(docs, changed)
	case "failure":
		return a.talk.there || report.ExitFailed(docs)
	}
	return true
}

// comment brings documents into the pull request. Live says that more is to come.
func (a *action) comment(ctx context.Context, docs []*report.Document, live bool) {
	if a.talk.gone || !a.wanted(docs) {
		return
	}
	c := github.Comment{
		PullRequest: a.talk.number, Key: a.key(), Section: a.section(docs),
		Order: github.Order{Run: a.env.RunID, Attempt: a.env.RunAttempt, Seq: a.p.now().UnixMilli()},
		SHA:   a.env.Head, Keep: a.in["command"] == "build" && !live, Live: live,
		Body: func(bytes int) string { return report.Comment(docs, bytes) },
	}
	if c.Section != "" {
		c.Title, c.Short = "## imagebuild", report.Comment(docs, shortSection)
	}
	if len(docs) == 1 {
		c.Plan = docs[0].PlanDigest
	}
	posted, err := a.talk.comments.Upsert(ctx, c)
	if err != nil {
		a.talk.gone = live || github.Unavailable(err) != nil
		a.notice("The comment is not up to date", err)
		return
	}
	a.talk.there = true
	if posted.URL != "" {
		a.talk.url = posted.URL
		a.notice("comment-url is missing", a.out.set("comment-url", posted.URL))
	}
	if posted.Superseded {
		a.commands.Notice("The comment tells of a newer run already, and was left alone.")
	}
}

// shortSection is the length of what takes a section's place where all of them are too long together.
const shortSection = 300

// section is the part of the comment that is this leg's; "" is all of it.
func (a *action) section(docs []*report.Document) string {
	if len(docs) > 1 {
		return ""
	}
	return a.leg
}

// follow keeps the comment up to date while a run goes on: at once, and then when something changed, at most every
// 20 seconds. It returns when ctx ends and nothing is under way.
func follow(ctx context.Context, every time.Duration, changed <-chan struct{}, post func(context.Context)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
		post(ctx)
		wait := time.NewTimer(every)
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
		}
	}
}

// progress begins to follow a run. It returns what tells that something changed.
func (a *action) progress(ctx context.Context) func(func() *report.Document) func() {
	return func(now func() *report.Document) func() {
		changed := make(chan struct{}, 1)
		ctx, stop := context.WithCancel(ctx)
		over := make(chan struct{})
		go func() {
			defer close(over)
			follow(ctx, progressEvery, changed, func(ctx context.Context) {
				d := now()
				a.remember(d)
				a.comment(ctx, []*report.Document{d}, true)
			})
		}()
		a.settled = func() { stop(); <-over }
		return func() {
			select {
			case changed <- struct{}{}:
			default: // one that is not seen yet stands for both
			}
		}
	}
}
