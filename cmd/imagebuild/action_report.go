package main

import (
	"cmp"
	"context"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/github"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

// documentName is the file in the home directory that holds what was told last, for the step after.
const documentName = "report.json"

// reporter takes what the command tells.
func (a *action) reporter(ctx context.Context) *reporter {
	return &reporter{
		about: a.about(), logLines: a.in.logLines(),
		plan: a.planned, progress: a.progress(ctx),
		tell:   func(d *report.Document) { a.doc = d },
		kept:   func(dir string) { a.logs = dir },
		parted: func(layers string) error { return a.out.set("matrix", layers) },
	}
}

// about is what every document says of where it comes from.
func (a *action) about() report.About {
	e := a.env
	about := report.About{
		Command: a.in["command"], Version: version, Leg: a.leg, Path: filepath.ToSlash(filepath.Clean(a.in["path"])),
		Region: a.in["aws-region"],
		Source: report.Source{
			Server: e.ServerURL, Repository: e.Repository.String(), SHA: e.Head,
			Run: e.RunID, Attempt: int(e.RunAttempt), Job: e.CheckRunID,
		},
	}
	for _, name := range secretVariables {
		if v, ok := a.p.lookupEnv(name); ok && v != "" {
			about.Secrets = append(about.Secrets, v)
		}
	}
	return about
}

// publish brings what the command came to to everywhere it is shown. What cannot be reached is a notice:
// the result is the command's, not that of telling it.
func (a *action) publish(ctx context.Context) {
	a.setOutputs()
	if a.doc == nil {
		a.writeOutputs()
		return
	}
	a.remember(a.doc)
	docs := []*report.Document{a.doc}
	for _, n := range report.Annotations(docs, report.MaxAnnotations) {
		a.commands.Annotate(annotation(n))
	}
	a.notice("The report was not written to the workspace", a.writeReport(a.doc.JSON()))
	a.deliver(ctx, docs)
	a.writeOutputs()
}

// notice tells of what could not be done. What GitHub does not offer to this job says so itself.
func (a *action) notice(what string, err error) {
	switch {
	case err == nil:
	case github.Unavailable(err) != nil:
		a.commands.Notice(a.commands.Redact(sentence(err.Error())))
	default:
		a.commands.Notice(a.commands.Redact(what + ": " + sentence(err.Error())))
	}
}

func sentence(s string) string { return strings.TrimSuffix(s, ".") + "." }

func annotation(a report.Annotation) github.Annotation {
	return github.Annotation{
		Level: map[report.Severity]github.Level{report.Error: github.Failure, report.Warning: github.Warning, report.Notice: github.Notice}[a.Severity],
		Path:  a.File, Line: a.Line, EndLine: a.EndLine, Column: a.Column, EndColumn: a.EndColumn, Title: a.Title, Message: a.Message,
	}
}

// remember keeps a document for the step after.
func (a *action) remember(d *report.Document) {
	raw, err := d.JSON()
	if err == nil {
		err = writePrivate(a.home(documentName), raw)
	}
	if err != nil {
		a.commands.Debug("The report was not kept for the step after: " + err.Error())
	}
}

// writeReport leaves what was told, as JSON, in the workspace.
func (a *action) writeReport(raw []byte, err error) error {
	if err != nil {
		return err
	}
	name := ownDirectory + "/report-" + a.mark() + ".json"
	if err := a.write(name, raw); err != nil {
		return err
	}
	return a.out.set("report", name)
}

// setOutputs makes the outputs of what is known so far.
func (a *action) setOutputs() {
	if a.planDigest != "" {
		a.notice("plan-digest is missing", a.out.set("plan-digest", a.planDigest))
	}
	if len(a.plan) > 0 {
		a.notice("plan-json is missing", a.out.set("plan-json", strings.TrimSpace(string(a.plan))))
	}
	if a.doc == nil {
		return
	}
	a.notice("changed is missing", a.out.set("changed", strconv.FormatBool(changed(a.doc))))
	a.setImages(imageOutputs(a.doc))
}

func (a *action) setImages(images map[string]imageOutput, amis map[string]map[string]string, streams map[string]streamOutput) {
	for name, value := range map[string]any{"images": images, "ami-ids": amis, "appstream-images": streams} {
		a.notice(name+" is missing", a.out.setJSON(name, value))
	}
}

func (a *action) writeOutputs() {
	a.notice("Not all outputs are there", a.out.write(a.files.Output))
}

// changed reports whether anything is to be done, or was.
func changed(d *report.Document) bool {
	for i := range d.Resources {
		r := &d.Resources[i]
		switch {
		case r.Status == executor.Applied:
			return true
		case r.Status == "" && r.Verb != planner.None && r.Verb != planner.Later && r.Verb != "":
			return true
		}
	}
	return false
}

// An imageOutput is one image in the output images.
type imageOutput struct {
	ARN     string            `json:"arn,omitempty"`
	Status  string            `json:"status"`
	Version string            `json:"version,omitempty"`
	Digest  string            `json:"digest,omitempty"`
	AMIs    map[string]string `json:"amis,omitempty"` // by region
	Seconds float64           `json:"duration_seconds,omitempty"`
}

// A streamOutput is one AppStream image.
type streamOutput struct {
	Name string `json:"name"`
	ARN  string `json:"arn,omitempty"`
}

// imageOutputs are the images of a document, as far as their ids are what AWS's ids are.
func imageOutputs(d *report.Document) (images map[string]imageOutput, amis map[string]map[string]string, streams map[string]streamOutput) {
	images, amis, streams = map[string]imageOutput{}, map[string]map[string]string{}, map[string]streamOutput{}
	for i := range d.Resources {
		r := &d.Resources[i]
		if !r.Image || !asLabel.MatchString(r.Title) {
			continue
		}
		out := imageOutput{Status: string(cmp.Or(r.Status, executor.Status("planned"))), Digest: r.Digest}
		if asLabel.MatchString(r.Version) {
			out.Version = r.Version
		}
		if awsARN.MatchString(r.ARN) {
			out.ARN = r.ARN
		}
		if !r.Started.IsZero() && !r.Ended.IsZero() {
			out.Seconds = r.Ended.Sub(r.Started).Seconds()
		}
		for _, id := range r.IDs {
			switch {
			case amiID.MatchString(id.ID) && region.MatchString(id.Region):
				if out.AMIs == nil {
					out.AMIs = map[string]string{}
				}
				out.AMIs[id.Region] = id.ID
			case strings.HasPrefix(r.Kind, "appstream") && asLabel.MatchString(id.ID):
				streams[r.Address] = streamOutput{Name: id.ID, ARN: out.ARN}
			}
		}
		images[r.Title] = out
		if len(out.AMIs) > 0 {
			amis[r.Title] = out.AMIs
		}
	}
	return images, amis, streams
}
