package report_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

func folded(p *planner.Plan, m report.Meta, events []executor.Event) *report.Report {
	r := report.New(p, m)
	for _, e := range events {
		r.Fold(e)
	}
	return r
}

func TestRunRenderings(t *testing.T) {
	r := folded(webPlan(), report.Meta{Sandbox: true, Events: "run/events.jsonl", Logs: "run/logs"}, webEvents())
	golden(
		t, "run",
		part(t, "text", func(w io.Writer) error { return report.RunText(w, r, report.TextOptions{}) }),
		part(t, "text-60-columns", func(w io.Writer) error { return report.RunText(w, r, report.TextOptions{Width: 60}) }),
		part(t, "markdown", func(w io.Writer) error { return report.RunMarkdown(w, r) }),
		part(t, "events.jsonl", func(w io.Writer) error {
			j := report.JSONLines(w)
			for _, e := range webEvents() {
				j.Fold(e)
			}
			return j.Err()
		}),
		part(t, "plain-lines", func(w io.Writer) error {
			l := report.NewLive(w, webPlan(), report.LiveOptions{Now: time.Now})
			for _, e := range webEvents() {
				l.Fold(e)
			}
			return l.Close()
		}),
	)
}

func TestRunThatWentWell(t *testing.T) {
	p := webPlan()
	var events []executor.Event
	for i, c := range p.Changes {
		status := executor.Applied
		if c.Verb == planner.None {
			status = executor.Unchanged
		}
		at := after(time.Duration(i) * time.Second)
		events = append(events, executor.Started{Addr: c.Addr, At: at, Verb: c.Verb}, executor.Finished{Addr: c.Addr, At: at.Add(90 * time.Second), Status: status, Outputs: executor.Outputs{"ami": "ami-1"}})
	}
	r := folded(p, report.Meta{}, events)
	b := &strings.Builder{}
	if err := report.RunText(b, r, report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	want := `  base     built                 1m30s  ami-1 eu-west-1
  web      built                 1m30s  ami-1 eu-west-1
  web-arm  built, by another run  1m30s  ami-1 eu-west-1

Done after 1m39s: 7 created, 1 updated, 1 built by another run, 1 unchanged.
`
	if got := b.String(); strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want), " ") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestVerdicts(t *testing.T) {
	f := newFixture()
	c := f.add("", "", change("image.a", image, planner.Create, planner.Object{}))
	for _, v := range []struct {
		status executor.Status
		want   string
	}{
		{executor.Unchanged, "Nothing to do after 0.0s: 1 unchanged."},
		{executor.Canceled, "Interrupted after 0.0s: 1 canceled."},
		{executor.Applied, "Done after 0.0s: 1 created."},
		{executor.Failed, "Failed after 0.0s: 1 failed."},
	} {
		b := &strings.Builder{}
		r := folded(f.Plan, report.Meta{}, []executor.Event{executor.Finished{Addr: c.Addr, At: began, Status: v.status}})
		if err := report.RunText(b, r, report.TextOptions{}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), v.want) {
			t.Errorf("%s: %s", v.status, b.String())
		}
	}
}

// A diagnostic's text and the configuration it quotes can do nothing to a terminal, and the caret stands right.
// A document that is wrong as a whole is quoted by its first line.
func TestDiagnosticsAreBrief(t *testing.T) {
	src := []byte("a = <<EOT\n" + strings.Repeat("line of a script\n", 1000) + "EOT\n")
	subject := hcl.Range{
		Filename: "a.hcl", Start: hcl.Pos{Line: 1, Column: 5, Byte: 4}, End: hcl.Pos{Line: 1002, Column: 1, Byte: len(src) - 1},
	}
	diags := hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Document too long", Detail: "Split it.", Subject: &subject, Context: &subject}}
	b := &strings.Builder{}
	if err := report.Diagnostics(b, map[string]*hcl.File{"a.hcl": {Bytes: src}}, diags, report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	want := "Error: Document too long\n\n  on a.hcl line 1:\n   1: a = <<EOT\n          ^^^^^\n\nSplit it.\n\n"
	if b.String() != want {
		t.Errorf("%s\nwant:\n%s", b, want)
	}
}

func TestDiagnosticsAreHarmless(t *testing.T) {
	src := []byte("a = \"\x1b[2J\u202e日本\" + bad\r\n\tb = bad\n")
	i := bytes.Index(src, []byte("bad"))
	j := bytes.LastIndex(src, []byte("bad"))
	files := map[string]*hcl.File{"x\x1b.hcl": {Bytes: src}}
	diags := hcl.Diagnostics{
		{Severity: hcl.DiagError, Summary: "Bad\x1b[2J", Detail: "one\rtwo\x07", Subject: &hcl.Range{Filename: "x\x1b.hcl", Start: hcl.Pos{Line: 1, Column: 9, Byte: i}, End: hcl.Pos{Line: 1, Column: 12, Byte: i + 3}}},
		{Severity: hcl.DiagWarning, Summary: "Bad", Subject: &hcl.Range{Filename: "x\x1b.hcl", Start: hcl.Pos{Line: 2, Column: 6, Byte: j}, End: hcl.Pos{Line: 2, Column: 9, Byte: j + 3}}},
		{Severity: hcl.DiagError, Summary: "Elsewhere", Detail: "No source."},
	}
	golden(
		t, "diagnostics",
		part(t, "text", func(w io.Writer) error { return report.Diagnostics(w, files, diags, report.TextOptions{}) }),
	)
	b := &strings.Builder{}
	if err := report.Diagnostics(b, files, diags, report.TextOptions{Color: true, Width: 40}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\x1b[31mError\x1b[0m", "\x1b[1;4mbad\x1b[0m", "\x1b[31m^^^\x1b[0m"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in %q", want, b.String())
		}
	}
	if string(files["x\x1b.hcl"].Bytes) != string(src) {
		t.Error("the file itself was changed")
	}
}

// docs/events.md names every field a record can have, and no other.
func TestEventsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	b := &bytes.Buffer{}
	j := report.JSONLines(b)
	for _, e := range webEvents() {
		j.Fold(e)
	}
	j.Fold(executor.Finished{Addr: addr("image.x"), At: began, Status: executor.Failed, Err: &executor.Failure{LogFile: "f"}})
	fields := map[string]bool{}
	var collect func(prefix string, v any)
	collect = func(prefix string, v any) {
		m, ok := v.(map[string]any)
		if !ok {
			return
		}
		for k, e := range m {
			fields[prefix+k] = true
			if k != "outputs" {
				collect(prefix+k+".", e)
			}
		}
	}
	for s := bufio.NewScanner(b); s.Scan(); {
		var m map[string]any
		if err := json.Unmarshal(s.Bytes(), &m); err != nil {
			t.Fatalf("%v: %s", err, s.Text())
		}
		collect("", m)
	}
	documented := map[string]bool{}
	for line := range strings.Lines(string(doc)) {
		if rest, ok := strings.CutPrefix(line, "| `"); ok {
			name, _, _ := strings.Cut(rest, "`")
			documented[name] = true
		}
	}
	for f := range fields {
		if !documented[f] {
			t.Errorf("docs/events.md does not explain %q", f)
		}
	}
	for d := range documented {
		if !fields[d] {
			t.Errorf("docs/events.md explains %q, which no record has", d)
		}
	}
}

// Whatever a line holds, its record is one line of visible text and yields the same line.
func TestRecordsHoldAnyText(t *testing.T) {
	for _, line := range append(slices.Clone(hostile), "\U000e0041", "\u0085\u009b", "") {
		b := &strings.Builder{}
		j := report.JSONLines(b)
		j.Fold(executor.Log{Addr: addr("image.base"), At: began.In(time.FixedZone("", 3600)), Line: line})
		if s := strings.TrimSuffix(b.String(), "\n"); s != report.Neutral(s) {
			t.Errorf("%q is written as %q", line, s)
		}
		var back struct{ Line, Time string }
		if err := json.Unmarshal([]byte(b.String()), &back); err != nil || back.Line != line || back.Time != "2026-11-21T02:00:00Z" {
			t.Errorf("%q reads back as %+v, %v", line, back, err)
		}
	}
}

func TestRecorderStopsAtTheFirstFailure(t *testing.T) {
	w := &broken{left: 200}
	j := report.JSONLines(w)
	for _, e := range webEvents() {
		j.Fold(e)
	}
	if !errors.Is(j.Err(), errBroken) {
		t.Errorf("err: %v", j.Err())
	}
}

func TestReportKeepsTheEndOfALog(t *testing.T) {
	p := webPlan()
	r := report.New(p, report.Meta{LogLines: 3})
	for i := range 10 {
		r.Fold(executor.Log{Addr: addr("image.base"), At: began, Line: fmt.Sprintf("line %d", i)})
	}
	r.Fold(executor.Log{Addr: addr("image.base"), At: began, Line: strings.Repeat("x", 1<<20)})
	it := r.Item(addr("image.base"))
	if got := it.Log.Last(2); len(got) != 2 || got[0] != "line 9" || len(got[1]) > 10_000 {
		t.Errorf("kept %q", got)
	}
	if it.Log.Total() != 11 || len(it.Log.Last(100)) != 3 {
		t.Errorf("%d of %d lines", len(it.Log.Last(100)), it.Log.Total())
	}
}

func TestReportIsBounded(t *testing.T) {
	r := report.New(webPlan(), report.Meta{})
	line := executor.Log{Addr: addr("image.base"), At: began, Line: strings.Repeat("a line of a log ", 8)}
	retry := executor.Retried{Addr: addr("image.base"), At: began, Err: errBroken}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for range 1_000 {
		r.Fold(line)
	}
	before := heap()
	for range 100_000 {
		r.Fold(line)
		r.Fold(retry)
	}
	if grown := int64(heap()) - int64(before); grown > 1<<20 {
		t.Errorf("100,000 lines made the report %d bytes larger", grown)
	}
	if it := r.Item(addr("image.base")); it.Retried != 100_000 || len(it.Retries) > 10 {
		t.Errorf("%d of %d retries kept", len(it.Retries), it.Retried)
	}
}

func BenchmarkFold(b *testing.B) {
	p := manyNodes(5_000)
	r := report.New(p, report.Meta{})
	e := executor.Log{Addr: addr("image.b0100"), At: began, Line: "a line of a log"}
	for b.Loop() {
		r.Fold(e)
	}
}
