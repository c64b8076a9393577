package report_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/net/html"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

func htmlOf(t *testing.T, docs ...*report.Document) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.HTML(&b, docs); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The page's elements and attributes are its own, whatever the documents hold.
func TestPageIsOurs(t *testing.T) {
	tags := regexp.MustCompile(`^(html|head|meta|title|style|body|h[123]|ul|li|a|section|p|strong|div|table|thead|tbody|tr|t[hd]|code|pre|br|details|summary|span)$`)
	for i, s := range hostile {
		page := htmlOf(t, filled(s, hostile[(i+5)%len(hostile)]), filled("x", s))
		root, err := html.Parse(strings.NewReader(page))
		if err != nil {
			t.Fatal(err)
		}
		for n := range root.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if !tags.MatchString(n.Data) {
				t.Fatalf("%q: an element %s", s, n.Data)
			}
			for _, a := range n.Attr {
				switch {
				case a.Key == "href" && (ourLink(a.Val) || regexp.MustCompile(`^#d\d$`).MatchString(a.Val)):
				case n.Data == "meta", n.Data == "html", a.Key == "class", a.Key == "id", a.Key == "open":
				default:
					t.Fatalf("%q: an attribute %s=%q", s, a.Key, a.Val)
				}
			}
		}
		if strings.ContainsAny(page, "\x1b\x07\u202e\u2028") || strings.Contains(page, "##[") {
			t.Errorf("%q: a character that acts on a terminal or a runner", s)
		}
	}
}

// A page has the whole log, a comment its end.
func TestPageHasWholeLogs(t *testing.T) {
	d := longRun()
	if page := htmlOf(t, d); strings.Count(page, "line 1: xxx") != 80 || strings.Count(page, "line 200: xxx") != 80 {
		t.Errorf("the page has %d first lines of logs", strings.Count(page, "line 1: xxx"))
	}
	if comment := report.Comment([]*report.Document{d}, report.MaxComment); !strings.Contains(comment, "Left out since there is no room for it: ") || !strings.Contains(comment, "artifacts/99") {
		t.Errorf("the comment does not say what is missing:\n%s", comment)
	}
}

func TestAnnotations(t *testing.T) {
	d := failedRun()
	for i := range 30 {
		p := &report.Place{File: "./web.ib.hcl", Line: i + 1, Column: 2, EndLine: i + 1, EndColumn: 5}
		d.Findings = append(d.Findings, report.Finding{Severity: report.Warning, Summary: "Old", Detail: strconv.Itoa(i) + strings.Repeat("é", 5000), Place: p})
		d.Findings = append(d.Findings, report.Finding{Severity: report.Error, Summary: "Wrong\n::error::x", Detail: strconv.Itoa(i), Place: p})
	}
	d.Findings = append(d.Findings, report.Finding{Severity: report.Notice, Summary: "Elsewhere", Place: &report.Place{File: "../x", Line: 1}})
	d.Findings = append(d.Findings, report.Finding{Severity: report.Notice, Summary: "An argument", Place: &report.Place{File: "-var size", Line: 1}})
	got := report.Annotations([]*report.Document{d, d}, report.MaxAnnotations) // what two legs say alike counts once
	if len(got) != 22 {
		t.Fatalf("%d annotations: %+v", len(got), got)
	}
	if got[0].Title != "Call refused by AWS" || got[1].Title != "Build step failed" || got[2].Title != "Wrong::error::x" && !strings.HasPrefix(got[2].Title, "Wrong") {
		t.Errorf("the order is %q, %q, %q", got[0].Title, got[1].Title, got[2].Title)
	}
	if last := got[9]; last.Title != "And 23 more" || last.File != "" {
		t.Errorf("the last of the errors is %+v", last)
	}
	for _, a := range got {
		if strings.ContainsAny(a.Title, "\n\r") || len(a.Title) > 255 || len(a.Message) > 4096 {
			t.Errorf("%q is too long or has lines", a.Title)
		}
		if a.File != "" && (a.File != "web.ib.hcl" || a.Line < 1 || a.EndLine < a.Line || a.EndColumn < a.Column) {
			t.Errorf("%+v is nowhere in the repository", a)
		}
	}
	if w := got[10]; w.Line != 1 || w.Column != 2 || w.EndColumn != 4 {
		t.Errorf("columns of %+v: the end is the last character's", w)
	}
}

func TestCheckOutput(t *testing.T) {
	d := longRun()
	d.Resources[0].Reason = strings.Repeat("long ", 100_000)
	for i := range 200 {
		d.Findings = append(d.Findings, report.Finding{Severity: []report.Severity{report.Error, report.Warning}[i%2], Summary: strconv.Itoa(i)})
	}
	out := report.NewCheckOutput([]*report.Document{d})
	if out.Conclusion != "failure" || len(out.Title) > 255 || len(out.Summary) > 65_535 || len(out.Text) > 65_535 || len(out.Annotations) > 50 {
		t.Errorf("%q, title %d, summary %d, text %d, %d annotations", out.Conclusion, len(out.Title), len(out.Summary), len(out.Text), len(out.Annotations))
	}
	checkMarkdown(t, "summary", out.Summary, 65_535)
	checkMarkdown(t, "text", out.Text, 65_535)
	if none := report.NewCheckOutput(nil); none.Conclusion != "neutral" {
		t.Errorf("without reports it concludes %+v", none)
	}
}

// No sink shows a secret, wherever it stood, also where a long line of a log was cut in its middle.
func TestDocumentSecrets(t *testing.T) {
	for _, secret := range []string{"s3cr3t-token", `a"b'c\d&<e>`, "first line\nsecond line of it"} {
		f := newFixture()
		f.add(secret, "because of "+secret, change("image.x", image, planner.Create, planner.Object{"name": secret}))
		f.Diags = hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: secret, Detail: "about " + secret}}
		r := folded(f.Plan, report.Meta{Secrets: []string{secret}}, []executor.Event{
			executor.Started{Addr: addr("image.x"), At: after(0), Verb: planner.Create},
			executor.Log{Addr: addr("image.x"), At: after(0), Line: strings.Repeat("x", 1995) + secret},
			executor.Finished{Addr: addr("image.x"), At: after(time.Second), Status: executor.Failed, Err: &executor.Failure{Message: secret, Step: "a", Phase: "build", Stderr: "x\n" + secret + "\ny"}},
		})
		a := about("build")
		a.Secrets, a.Path, a.Leg = []string{secret}, secret, secret
		docs := []*report.Document{report.RunDocument(r, time.Time{}, a)}
		raw, err := docs[0].JSON()
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if err := report.DocumentsText(&text, docs, report.TextOptions{}); err != nil {
			t.Fatal(err)
		}
		for sink, out := range map[string]string{"json": string(raw), "comment": report.Comment(docs, report.MaxComment), "page": htmlOf(t, docs...), "text": text.String()} {
			for _, piece := range append(strings.Split(secret, "\n"), secret[:6]) {
				if strings.Contains(out, piece) {
					t.Errorf("%s holds %q of %q", sink, piece, secret)
				}
			}
			if !strings.Contains(out, "sensitive") {
				t.Errorf("%s does not say that something is covered", sink)
			}
		}
	}
}

// The attempts of a run are merged job by job.
func TestMerge(t *testing.T) {
	leg := func(name string, run int64, attempt int, o report.Outcome) *report.Document {
		return &report.Document{FormatVersion: report.DocumentFormat, Command: "build", Leg: name, Outcome: o, Source: report.Source{Run: run, Attempt: attempt}}
	}
	got := report.Merge([]*report.Document{
		leg("b", 1, 1, report.Failed), leg("a", 1, 1, report.Succeeded), leg("b", 1, 2, report.Succeeded), leg("c", 0, 0, report.Succeeded), leg("c", 0, 0, report.Succeeded),
	})
	if stopped := report.Merge([]*report.Document{leg("a", 1, 1, report.Running)}); stopped[0].Outcome != report.Interrupted || !report.ExitFailed(stopped) {
		t.Errorf("a job that never told its end is %s", stopped[0].Outcome)
	}
	var names []string
	for _, d := range got {
		names = append(names, fmt.Sprintf("%s%d", d.Leg, d.Source.Attempt))
	}
	if s := strings.Join(names, " "); s != "a1 b2 c0 c0" || report.ExitFailed(got) {
		t.Errorf("merged %s, failed %v", s, report.ExitFailed(got))
	}
}

func FuzzReadDocument(f *testing.F) {
	for _, d := range []*report.Document{failedRun(), mistakes(), checked()} {
		raw, err := d.JSON()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`[{"format_version":"1.0","command":"x","outcome":"running","started":"2026-01-01T00:00:00Z","resources":[{"address":"a","kind":"","title":""}]}]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		docs, err := report.ReadDocuments(bytes.NewReader(raw))
		if err != nil {
			return
		}
		again, err := report.JSON(docs)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := report.ReadDocuments(bytes.NewReader(again)); err != nil {
			t.Fatalf("what was read cannot be written and read: %v", err)
		}
		if comment := report.Comment(docs, 20_000); len(comment) > 20_000 {
			t.Fatalf("a comment of %d bytes", len(comment))
		}
		report.NewCheckOutput(docs)
	})
}
