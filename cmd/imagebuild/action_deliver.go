package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/org/imagebuild-action/internal/github"
	"github.com/org/imagebuild-action/internal/report"
)

// deliver brings documents to GitHub: the artifact first, since the rest links to it, then what people look at. After
// an interruption there is time for the comment alone.
func (a *action) deliver(ctx context.Context, docs []*report.Document) {
	if !a.hurried {
		a.upload(ctx, docs)
	}
	a.notice("There is no summary", a.files.Summary(a.commands.Redact(report.Summary(docs))))
	a.comment(ctx, docs)
	if !a.hurried && a.in.is("check") {
		a.checkRun(ctx, docs)
	}
}

// artifactPrefix begins the names of the action's artifacts. What follows is a leg's mark and the attempt: a run has
// one artifact of a name over all of its attempts.
const artifactPrefix = "imagebuild-"

func (a *action) artifactName() string {
	return fmt.Sprintf("%s%s-%s-%d", artifactPrefix, a.in["command"], a.mark(), a.env.RunAttempt)
}

// upload makes the artifact: the report as JSON and as a page, the plan, the whole logs and the events.
func (a *action) upload(ctx context.Context, docs []*report.Document) {
	if !a.in.is("artifact") {
		return
	}
	service := github.NewArtifacts(a.env, a.p.getenv(), nil, a.commands.Mask)
	if err := service.Available(); err != nil {
		a.notice("", err)
		return
	}
	files, err := a.artifactFiles(docs)
	if err != nil {
		a.notice("There is no artifact", err)
		return
	}
	made, err := service.Upload(ctx, a.artifactName(), files)
	if err != nil {
		a.notice("There is no artifact", err)
		return
	}
	for _, d := range docs {
		d.Source.Artifact = made.URL
	}
}

func (a *action) artifactFiles(docs []*report.Document) ([]github.ArtifactFile, error) {
	raw, err := report.JSON(docs)
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	if err = report.HTML(&page, docs); err != nil {
		return nil, err
	}
	files := []github.ArtifactFile{{Name: "report.json", Content: raw}, {Name: "report.html", Content: page.Bytes()}}
	if a.planFile != "" {
		files = append(files, github.ArtifactFile{Name: "plan.json", Path: a.planFile})
	} else if len(a.plan) > 0 {
		files = append(files, github.ArtifactFile{Name: "plan.json", Content: a.plan})
	}
	if a.logs == "" {
		return files, nil
	}
	entries, err := os.ReadDir(a.logs)
	if err != nil {
		return nil, fmt.Errorf("listing the logs: %w", err)
	}
	for _, e := range entries {
		if e.Type() == fs.FileMode(0) {
			files = append(files, github.ArtifactFile{Name: "logs/" + e.Name(), Path: filepath.Join(a.logs, e.Name())})
		}
	}
	return files, nil
}

// checkRun makes a check run of the result, and puts it into a line on the job's own.
func (a *action) checkRun(ctx context.Context, docs []*report.Document) {
	client, err := a.client()
	if err != nil {
		a.notice("There is no check run", err)
		return
	}
	out := report.NewCheckOutput(docs)
	k := github.CheckRun{
		Name: "imagebuild " + a.in["command"], HeadSHA: a.env.Head, Conclusion: out.Conclusion, DetailsURL: a.env.JobURL(),
		Title: out.Title, Summary: out.Summary, Text: out.Text,
	}
	if a.leg != "" {
		k.Name += " (" + report.Neutral(a.leg) + ")"
	}
	for _, n := range out.Annotations {
		k.Annotations = append(k.Annotations, annotation(n))
	}
	_, err = client.CreateCheck(ctx, k)
	if err == nil && a.env.CheckRunID > 0 {
		err = client.TitleJob(ctx, out.Title, out.Summary)
	}
	a.notice("There is no check run", err)
}
