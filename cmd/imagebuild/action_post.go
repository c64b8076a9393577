package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/report"
)

// postBudget is how long cleaning up may take: the runner cuts everything off 5 minutes after a cancellation.
const postBudget = 4 * time.Minute

// post is the step after: it does what an interrupted or killed step left undone. After a step that came
// to its end there is nothing to do, and it asks nobody.
func (a *action) post(ctx context.Context) error {
	l, ok, err := a.recall()
	if err != nil {
		a.commands.Warning(err.Error())
		return told(statusFailed)
	}
	if !ok || l.Settled {
		return nil
	}
	ctx, done := context.WithTimeout(ctx, postBudget)
	defer done()
	canceled, err := a.cancelLeft(ctx, l)
	for _, arn := range canceled {
		a.say("Cancelled " + arn + ", which the step before had begun.")
	}
	if err != nil {
		a.commands.Warning("Not everything could be cleaned up: " + sentence(err.Error()) + " imagebuild gc --run " + l.Run + " does it later.")
	}
	a.settleHead(ctx)
	a.converse(ctx)
	a.tellEnd(ctx, canceled, err)
	if err != nil {
		return told(statusFailed)
	}
	l.Settled = true
	if err := a.keep(l); err != nil {
		a.commands.Notice(err.Error())
	}
	return nil
}

// cancelLeft ends the builds that go on, with credentials of its own.
func (a *action) cancelLeft(ctx context.Context, l ledger) ([]string, error) {
	if executor.OnCancel(l.OnCancel) != executor.CancelBuilds || len(l.Images) == 0 && !l.Machines {
		return nil, nil
	}
	p := *a.p
	p.identity, p.onCredentials = a.identity(), a.mask
	clients, err := aws.New(ctx, p.awsConfig(l.Region))
	if err != nil {
		return nil, fmt.Errorf("setting up AWS: %w", err)
	}
	account, _, err := clients.Identity(ctx)
	if err != nil {
		return nil, unidentified(err)
	}
	if account != l.Account {
		return nil, fmt.Errorf("the credentials are those of account %s, and the builds are in %s", account, l.Account)
	}
	canceled, err := clients.CancelRun(ctx, l.Region, l.Run, l.Images)
	if !l.Machines {
		return canceled, err
	}
	removed, failed := clients.RemoveRun(ctx, l.Region, l.Run)
	for _, name := range removed {
		canceled = append(canceled, "image builder "+name)
	}
	return canceled, errors.Join(err, failed)
}

// tellEnd brings what was told while the run went on to its end.
func (a *action) tellEnd(ctx context.Context, canceled []string, failed error) {
	raw, err := readFile(a.home(documentName), largestPlan)
	if err != nil {
		return // nothing was told yet
	}
	doc, err := report.ReadDocument(bytes.NewReader(raw))
	if err != nil {
		a.commands.Notice("What the step before had found cannot be read: " + err.Error())
		return
	}
	if doc.Outcome == report.Running {
		doc.Outcome, doc.Ended = report.Interrupted, a.p.now()
	}
	found := report.Finding{Severity: report.Notice, Summary: "Cancelled", Detail: "The job ended before the run did."}
	if n := len(canceled); n > 0 {
		found.Detail += fmt.Sprintf(" %s that went on %s cancelled.", count(n, "build"), was(n))
	}
	if failed != nil {
		found.Severity, found.Detail = report.Warning, found.Detail+" Not everything could be cleaned up: "+a.commands.Redact(failed.Error())
	}
	doc.Findings = append(doc.Findings, found)
	a.doc = doc
	a.deliver(ctx, []*report.Document{doc})
}

func was(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}
