package report_test

import (
	"strings"
	"testing"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

// A name that is longer than its column has a line of its own: none is cut, and the columns stay where they are.
func TestFinalTableWithLongNames(t *testing.T) {
	names := []string{"web", strings.Repeat("n", 45), strings.Repeat("m", 128), strings.Repeat("日", 60), "short-one"}
	p := &planner.Plan{}
	for _, n := range names {
		p.Changes = append(p.Changes, change("image."+n, image, planner.Create, planner.Object{"name": n}))
	}
	r := report.New(p, report.Meta{})
	for _, c := range p.Changes {
		r.Fold(executor.Started{Addr: c.Addr, At: began, Verb: c.Verb})
		r.Fold(executor.Finished{Addr: c.Addr, At: began, Status: executor.Applied})
	}
	b := &strings.Builder{}
	if err := report.RunText(b, r, report.TextOptions{Width: 80}); err != nil {
		t.Fatal(err)
	}
	table, _, _ := strings.Cut(b.String(), "\n\n")
	built := 0
	for line := range strings.Lines(table) {
		if i := strings.Index(line, "built"); i >= 0 {
			if built++; i != len("  short-one  ") {
				t.Errorf("column %d: %q", i, line)
			}
		}
	}
	if built != len(names) {
		t.Errorf("%d rows of %d:\n%s", built, len(names), table)
	}
	for _, n := range names {
		if !strings.Contains(table, "  "+n) {
			t.Errorf("%q is missing or cut:\n%s", n, table)
		}
	}
}
