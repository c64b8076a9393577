package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"golang.org/x/tools/txtar"

	"github.com/org/imagebuild-action/internal/rehearsal"
	"github.com/org/imagebuild-action/internal/report"
)

func rehearsedDocument(t *testing.T) *report.Document {
	t.Helper()
	results := rehearsed()
	a := about("test")
	a.Files = newFixture().Graph.Config.Files
	log := report.NewTail(10, nil)
	log.Add("Stdout: installing\nStderr: last line")
	return report.RehearsalDocument(results, map[*rehearsal.Build]*report.Tail{results[0].Build: log}, a)
}

// The comments of all cases, each a file of its own that GitHub shows as it will be seen.
func TestComments(t *testing.T) {
	for _, c := range documentCases(t) {
		got := report.Comment(c.docs, report.MaxComment)
		goldenFile(t, filepath.Join("comments", c.name+".md"), got)
		checkMarkdown(t, c.name, got, report.MaxComment)
	}
	long := documentCases(t)[4]
	goldenFile(t, filepath.Join("comments", "too-long-table.md"), report.Comment(long.docs, 22_000))
	goldenFile(t, filepath.Join("comments", "too-long-counts.md"), report.Comment(long.docs, 1_000))
}

// goldenFile compares got with a file of testdata, or writes it with -update.
func goldenFile(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not as it was:\n%s", path, got)
	}
}

// What the other sinks show of the cases.
func TestDocumentSinks(t *testing.T) {
	var parts []txtar.File
	for _, c := range documentCases(t) {
		if c.name == "too-long" || strings.HasPrefix(c.name, "hostile") {
			continue
		}
		parts = append(parts, part(t, c.name+"/text", func(w io.Writer) error { return report.DocumentsText(w, c.docs, report.TextOptions{Width: 120}) }),
			part(t, c.name+"/check", func(w io.Writer) error {
				out := report.NewCheckOutput(c.docs)
				_, err := fmt.Fprintf(w, "%s\n%s\n", out.Conclusion, out.Title)
				for _, a := range out.Annotations {
					raw, jsonErr := json.Marshal(a)
					if jsonErr != nil {
						return jsonErr
					}
					fmt.Fprintf(w, "%s\n", raw)
				}
				return err
			}))
	}
	golden(t, "documents", parts...)
}

// ours are the tags a comment is made of, whole.
var ours = regexp.MustCompile(`^(</?(details|summary|code|sub)>|<details open>|<br>)$`)

var tag = regexp.MustCompile(`<[^>]*>`)

// checkMarkdown parses a comment as GitHub does, and fails where anything in it is not ours: HTML,
// a link, an image, a mention, a reference to an issue; where a tag or a fence is left open; where it is longer than its budget.
func checkMarkdown(t *testing.T, name, comment string, budget int) {
	t.Helper()
	if len(comment) > budget || !utf8.ValidString(comment) {
		t.Fatalf("%s: %d bytes for a budget of %d, UTF-8 %v", name, len(comment), budget, utf8.ValidString(comment))
	}
	source := []byte(comment)
	md := goldmark.New(goldmark.WithExtensions(extension.GFM))
	root := md.Parser().Parse(text.NewReader(source))
	var open []string
	html := func(raw string) {
		if rest := strings.TrimSpace(tag.ReplaceAllString(raw, "")); strings.ContainsAny(rest, "<>") {
			t.Fatalf("%s: broken tags: %q", name, raw)
		}
		for _, x := range tag.FindAllString(raw, -1) {
			if !ours.MatchString(x) {
				t.Fatalf("%s: HTML that is not ours: %q\n%s", name, x, comment)
			}
			word := strings.Fields(strings.Trim(x, "</>"))[0]
			switch {
			case word == "br":
			case !strings.HasPrefix(x, "</"):
				open = append(open, word)
			case len(open) == 0 || open[len(open)-1] != word:
				t.Fatalf("%s: %s closes %q\n%s", name, x, open, comment)
			default:
				open = open[:len(open)-1]
			}
		}
	}
	err := ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.RawHTML:
			html(string(n.Segments.Value(source)))
		case *ast.HTMLBlock:
			html(string(n.Lines().Value(source)))
			if n.HasClosure() {
				html(string(n.ClosureLine.Value(source)))
			}
		case *ast.Link:
			if !ourLink(string(n.Destination)) {
				t.Fatalf("%s: a link to %q\n%s", name, n.Destination, comment)
			}
		case *ast.AutoLink:
			t.Fatalf("%s: a link made of %q", name, n.URL(source))
		case *ast.Image:
			t.Fatalf("%s: an image from %q", name, n.Destination)
		case *ast.FencedCodeBlock:
			if last := n.Lines().Len(); last > 0 {
				if after := source[n.Lines().At(last-1).Stop:]; !bytes.HasPrefix(after, []byte("```")) {
					t.Fatalf("%s: a fence is not closed before %q", name, after[:min(len(after), 20)])
				}
			}
			return ast.WalkSkipChildren, nil
		case *ast.CodeBlock, *ast.CodeSpan, *extast.TaskCheckBox:
			t.Fatalf("%s: %s is not ours", name, n.Kind())
		case *ast.Text:
			checkProse(t, name, string(n.Segment.Value(source)))
		}
		return ast.WalkContinue, nil
	})
	if err != nil || len(open) > 0 {
		t.Fatalf("%s: %v, left open: %q\n%s", name, err, open, comment)
	}
}

var reference = regexp.MustCompile(`@[A-Za-z0-9]|#\d|(?i:gh-\d)`)

// checkProse looks for what GitHub makes links of after Markdown is done with. Entities are
// resolved by then.
func checkProse(t *testing.T, name, s string) {
	t.Helper()
	if reference.MatchString(unescape(s)) {
		t.Fatalf("%s: a mention or a reference in %q", name, s)
	}
}

func unescape(s string) string {
	return regexp.MustCompile(`&#(\d+);`).ReplaceAllStringFunc(s, func(e string) string {
		var n int
		if _, err := fmt.Sscanf(e, "&#%d;", &n); err != nil {
			return e
		}
		return string(rune(n))
	})
}

func ourLink(to string) bool {
	for _, prefix := range []string{"/blob/0123456789abcdef0123456789abcdef01234567/", "/commit/0123456789abcdef0123456789abcdef01234567", "/actions/runs/1234567"} {
		if strings.HasPrefix(to, "https://github.com/octo-org/images"+prefix) {
			return !strings.ContainsAny(to, " <>\"'`|")
		}
	}
	return false
}

// Whatever the budget, the comment is whole.
func TestCommentBudgets(t *testing.T) {
	cases := documentCases(t)
	for _, budget := range []int{-1, 0, 1, 20, 60, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 102_400} {
		for _, c := range cases {
			got := report.Comment(c.docs, budget)
			checkMarkdown(t, fmt.Sprintf("%s at %d", c.name, budget), got, max(0, budget))
			if len(got) < budget-100 && budget > 800 && len(got) < 200 {
				t.Errorf("%s at %d: no more than %q", c.name, budget, got)
			}
		}
	}
}

func FuzzComment(f *testing.F) {
	for i, s := range hostile {
		f.Add(s, hostile[(i+7)%len(hostile)], 100*i*i)
	}
	f.Fuzz(func(t *testing.T, one, two string, budget int) {
		if len(one) > 1<<16 || len(two) > 1<<16 || budget > 1<<20 {
			return
		}
		checkMarkdown(t, "fuzzed", report.Comment([]*report.Document{filled(one, two)}, budget), max(0, budget))
		checkMarkdown(t, "fuzzed legs", report.Comment([]*report.Document{filled(two, one), filled(one, one)}, budget), max(0, budget))
	})
}

// filled is a document with the texts wherever there is text.
func filled(one, two string) *report.Document {
	p := &report.Place{File: one, Line: 3, Column: 1, EndLine: 3, EndColumn: 9}
	fail := &report.Failure{
		Summary: one, Message: two, Code: one, RequestID: two, Operation: one, Component: two, Phase: one, Step: two, Action: one, ExitStatus: two,
		Stderr: strings.Split(one+"\n"+two, "\n"), Place: p, Quote: []string{two, one}, FullLog: two,
	}
	r := func(address string) report.Resource {
		return report.Resource{
			Address: address, Kind: one, Build: two, Title: one, Image: true, Label: two, Version: one, Digest: two, Verb: "create", Reason: one, Regions: []string{two, one},
			Needs: []string{one, two}, Origin: p, Status: "failed", Outcome: two, State: one, Step: two, ARN: one, IDs: []report.ID{{Region: one, ID: two}}, Remark: one, Why: two,
			Failure: fail, Steps: []report.Step{{Component: one, Phase: two, Name: one, Outcome: two, Why: one, Failed: true}}, Log: &report.Log{Lines: []string{one, two, one + two}, Total: 30},
		}
	}
	s := source()
	s.Step = 0
	other := r(two)
	other.Failure, other.Status, other.Image = nil, "", false
	return &report.Document{
		FormatVersion: report.DocumentFormat, Command: one, Outcome: report.Failed, Leg: two, Path: one, Version: two, Region: one, Account: two, PlanDigest: one, Source: s,
		Resources: []report.Resource{r(one), other}, Checks: []report.Check{{Name: one, Outcome: report.CheckFailed, Detail: two, Hint: one}},
		Findings: []report.Finding{{Severity: report.Error, Summary: one, Detail: two, Place: p, Quote: []string{one, two}}, {Severity: report.Warning, Summary: two, Detail: one, Place: p}},
		Estimate: &report.Estimate{Builds: []report.BuildMachine{{Image: one, Types: []string{two}}}, Images: []report.RegionCount{{Region: one, Count: 2}}},
	}
}
