package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/org/imagebuild-action/internal/report"
)

// runReport is the command report: it merges what the legs of a matrix found, and tells of it as one.
func (a *action) runReport(ctx context.Context) error {
	dir, err := os.MkdirTemp(a.env.Temp, "imagebuild-reports-")
	if err != nil {
		return &exit{status: statusFailed, err: fmt.Errorf("making a directory for the reports: %w", err)}
	}
	paths := a.in.lines("reports")
	if len(paths) == 0 {
		paths, err = a.fetchReports(ctx, dir)
	}
	var docs []*report.Document
	if err == nil {
		docs, err = a.readReports(paths)
	}
	err = errors.Join(err, os.RemoveAll(dir))
	if err != nil {
		a.commands.Error(a.commands.Redact(err.Error()))
		return told(statusFailed)
	}
	a.converse(ctx)
	a.publishAll(ctx, docs)
	if report.ExitFailed(docs) {
		return told(statusFailed)
	}
	return nil
}

// fetchReports fetches the artifacts of this run, and of no other: any run may use any name.
func (a *action) fetchReports(ctx context.Context, dir string) ([]string, error) {
	client, err := a.client()
	if err != nil {
		return nil, err
	}
	all, err := client.RunArtifacts(ctx, a.env.RunID)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, artifact := range all {
		if !strings.HasPrefix(artifact.Name, artifactPrefix) || artifact.Expired || artifact.Foreign || strings.HasPrefix(artifact.Name, artifactPrefix+"report-") {
			continue
		}
		to := filepath.Join(dir, strconv.FormatInt(artifact.ID, 10))
		if err := os.Mkdir(to, 0o700); err != nil {
			return nil, err
		}
		if _, err := client.DownloadArtifact(ctx, artifact, to); err != nil {
			return nil, fmt.Errorf("fetching the artifact %q: %w", report.Neutral(artifact.Name), err)
		}
		paths = append(paths, filepath.Join(to, "report.json"))
	}
	return paths, nil
}

func (a *action) readReports(paths []string) ([]*report.Document, error) {
	r := reportReader{left: maxReportBytes}
	for _, path := range paths {
		if !filepath.IsAbs(path) {
			path = filepath.Join(a.p.cwd, path)
		}
		if err := r.read(path); err != nil {
			return nil, err
		}
	}
	docs := report.Merge(r.docs)
	if len(docs) == 0 {
		return nil, errors.New("this run has no reports yet: let the jobs that write them end first (needs:), and upload them (artifact: true)")
	}
	return docs, nil
}

// publishAll tells of several documents as publish does of one.
func (a *action) publishAll(ctx context.Context, docs []*report.Document) {
	images, amis, streams := map[string]imageOutput{}, map[string]map[string]string{}, map[string]streamOutput{}
	some := false
	for _, d := range docs {
		some = some || changed(d)
		i, m, s := imageOutputs(d)
		maps.Copy(images, i)
		maps.Copy(amis, m)
		maps.Copy(streams, s)
	}
	a.notice("changed is missing", a.out.set("changed", strconv.FormatBool(some)))
	a.setImages(images, amis, streams)
	for _, n := range report.Annotations(docs, report.MaxAnnotations) {
		a.commands.Annotate(annotation(n))
	}
	a.notice("The report was not written to the workspace", a.writeReport(report.JSON(docs)))
	a.deliver(ctx, docs)
	a.writeOutputs()
}
