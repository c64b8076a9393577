package report_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/report"
)

// documentRenderings are all that is made of documents.
var documentRenderings = map[string]func(docs []*report.Document){
	"comment":     func(docs []*report.Document) { report.Comment(docs, report.MaxComment) },
	"summary":     func(docs []*report.Document) { report.Summary(docs) },
	"check":       func(docs []*report.Document) { report.NewCheckOutput(docs) },
	"annotations": func(docs []*report.Document) { report.Annotations(docs, report.MaxAnnotations) },
	"page":        func(docs []*report.Document) { discarded(report.HTML(io.Discard, docs)) },
	"text": func(docs []*report.Document) {
		discarded(report.DocumentsText(io.Discard, docs, report.TextOptions{Width: 100}))
	},
}

func discarded(err error) {
	if err != nil {
		panic(err)
	}
}

// BenchmarkDocument5000 renders the plan of 5,000 nodes for a pull request.
func BenchmarkDocument5000(b *testing.B) {
	p := manyNodes(5_000)
	b.Run("make", func(b *testing.B) {
		for b.Loop() {
			report.PlanDocument(p, nil, report.About{Command: "plan", Secrets: []string{"hunter2secret"}})
		}
	})
	docs := []*report.Document{report.PlanDocument(p, nil, report.About{Command: "plan"})}
	for name, render := range documentRenderings {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				render(docs)
			}
		})
	}
}

// BenchmarkFailures tells of 752 resources that failed, each with a request of its own, in a file of 40,000 lines.
func BenchmarkFailures(b *testing.B) {
	r := failures(752)
	b.Run("run", func(b *testing.B) {
		for b.Loop() {
			discarded(report.RunText(io.Discard, r, report.TextOptions{Width: 100}))
		}
	})
	about := report.About{Command: "build", Files: r.Meta.Files, Secrets: []string{"hunter2secret"}}
	b.Run("make", func(b *testing.B) {
		for b.Loop() {
			report.RunDocument(r, time.Time{}, about)
		}
	})
	docs := []*report.Document{report.RunDocument(r, time.Time{}, about)}
	for name, render := range documentRenderings {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				render(docs)
			}
		})
	}
}

// failures is a run in which n resources were refused by AWS.
func failures(n int) *report.Report {
	p := manyNodes(5_000)
	src := []byte(strings.Repeat("  line = \"of a configuration\"\n", 40_000))
	r := report.New(p, report.Meta{Files: map[string]*hcl.File{"a.hcl": {Bytes: src}}})
	for i, c := range p.Changes[:n] {
		at := hcl.Pos{Line: 50*i + 1, Column: 3, Byte: 1500*i + 2}
		end := at
		end.Column, end.Byte = at.Column+4, at.Byte+4
		c.Origin = hcl.Range{Filename: "a.hcl", Start: at, End: end}
		r.Item(c.Addr).Origin = c.Origin
		r.Fold(executor.Finished{Addr: c.Addr, At: began, Status: executor.Failed, Err: &executor.Failure{
			Operation: "CreateComponent", Code: "ServiceQuotaExceededException", RequestID: fmt.Sprintf("req-%d", i),
			Message: fmt.Sprintf("No more than 1000, so not %s.", c.Addr),
		}})
	}
	return r
}

// A run in which one thing goes wrong 752 times is told on a screen.
func TestManyFailuresAreOne(t *testing.T) {
	r := failures(752)
	b := &bytes.Buffer{}
	discarded(report.RunText(b, r, report.TextOptions{Width: 100}))
	if n := strings.Count(b.String(), "Error: "); n != 1 || !strings.Contains(strings.Join(strings.Fields(b.String()), " "), "and 749 more. Show every one with --all.") {
		t.Errorf("%d errors:\n%.2000s", n, b)
	}
	docs := []*report.Document{report.RunDocument(r, time.Time{}, report.About{Command: "build", Files: r.Meta.Files})}
	if n := strings.Count(report.Comment(docs, report.MaxComment), "AWS answered"); n != 1 {
		t.Errorf("the comment tells it %d times", n)
	}
}
