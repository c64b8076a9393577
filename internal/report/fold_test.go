package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/internal/report"
)

// A nav tells as dsl's files do which block a byte is in, by a table.
type nav struct{ headers, names []string }

const navBlock = 64 // bytes of each block

func (n nav) ContextString(offset int) string { return n.headers[offset/navBlock] }
func (n nav) BlockName(offset int) string     { return n.names[offset/navBlock] }

// alike is a file of blocks with one misspelt argument each, and what is said of them.
func alike(names []string, detail func(name string) string) (map[string]*hcl.File, hcl.Diagnostics) {
	var src strings.Builder
	var n nav
	var diags hcl.Diagnostics
	for i, name := range names {
		block := fmt.Sprintf("source \"x\" %q {\n  regoins = 1\n}\n", name)
		at := src.Len() + strings.Index(block, "regoins")
		src.WriteString(block + strings.Repeat("#", navBlock-len(block)-1) + "\n")
		n.headers, n.names = append(n.headers, fmt.Sprintf("source \"x\" %q", name)), append(n.names, name)
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Unsupported argument", Detail: detail(name),
			Subject: &hcl.Range{Filename: "a.hcl", Start: hcl.Pos{Line: 4*i + 2, Column: 3, Byte: at}, End: hcl.Pos{Line: 4*i + 2, Column: 10, Byte: at + 7}},
		})
	}
	return map[string]*hcl.File{"a.hcl": {Bytes: []byte(src.String()), Nav: n}}, diags
}

func drawn(t *testing.T, files map[string]*hcl.File, diags hcl.Diagnostics, o report.TextOptions) string {
	t.Helper()
	b := &strings.Builder{}
	if err := report.Diagnostics(b, files, diags, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What several blocks have wrong alike is said once, whatever the blocks are called.
func TestDiagnosticsFold(t *testing.T) {
	names := []string{"web", "api", "db", "queue", "a"}
	files, diags := alike(names, func(name string) string { return `source.x.` + name + `["k"] has no "regoins".` })
	want := `Error: Unsupported argument

  on a.hcl line 2, in source "x" "web":
   2:   regoins = 1
        ^^^^^^^

source.x.web["k"] has no "regoins".

Also at a.hcl:6, a.hcl:10 and 2 more. Show every one with --all.

`
	if got := drawn(t, files, diags, report.TextOptions{}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := drawn(t, files, diags[:3], report.TextOptions{}); !strings.HasSuffix(got, "\n\nAlso at a.hcl:6 and a.hcl:10.\n\n") {
		t.Errorf("three of a kind:\n%s", got)
	}
	if got := drawn(t, files, diags, report.TextOptions{All: true}); strings.Count(got, "Error: ") != 5 || strings.Contains(got, "Also") {
		t.Errorf("all:\n%s", got)
	}
}

// Findings that differ in more than the names of their blocks are several.
func TestDifferentDiagnosticsStay(t *testing.T) {
	i := 0
	files, diags := alike([]string{"a", "b", "c"}, func(string) string {
		i++
		return fmt.Sprintf("There is no block component.x%d.", i)
	})
	if got := drawn(t, files, diags, report.TextOptions{}); strings.Count(got, "Error: ") != 3 {
		t.Errorf("folded:\n%s", got)
	}
}

// However many different findings there are, a terminal shows a screen of them, mistakes first, and counts the rest.
func TestManyDiagnosticsAreCounted(t *testing.T) {
	i := 0
	files, diags := alike(strings.Fields(strings.Repeat("n ", 1000)), func(string) string {
		i++
		return fmt.Sprintf("The %dth.", i)
	})
	for _, d := range diags[:500] {
		d.Severity = hcl.DiagWarning
	}
	got := drawn(t, files, diags, report.TextOptions{Width: 100})
	if strings.Count(got, "\n") > 100 || !strings.HasPrefix(got, "Error: ") || !strings.HasSuffix(got, "490 more errors and 500 more warnings. Show every one with --all.\n\n") {
		t.Errorf("%d lines:\n%s", strings.Count(got, "\n"), got)
	}
	if got = drawn(t, files, diags, report.TextOptions{All: true}); strings.Count(got, "Unsupported argument") != 1000 {
		t.Errorf("with --all %d are shown", strings.Count(got, "Unsupported argument"))
	}
}

// Files are called as the reader opens them, also inside a sentence; a range without a file has no line.
func TestDiagnosticsAreWhereTheReaderStands(t *testing.T) {
	files, diags := alike([]string{"a"}, func(string) string { return "It was written at a.hcl:7,1 already, and not at b.hcl:7." })
	diags = append(
		diags,
		&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "No configuration", Subject: &hcl.Range{Filename: ".", Start: hcl.InitialPos, End: hcl.InitialPos}},
		&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Elsewhere", Subject: &hcl.Range{Filename: "c.yml", Start: hcl.Pos{Line: 3, Column: 1}, End: hcl.Pos{Line: 3, Column: 2, Byte: 1}}},
	)
	got := drawn(t, files, diags, report.TextOptions{Path: func(name string) string { return "../x/" + name }})
	want := `Error: Unsupported argument

  on ../x/a.hcl line 2, in source "x" "a":
   2:   regoins = 1
        ^^^^^^^

It was written at ../x/a.hcl:7,1 already, and not at b.hcl:7.

Error: No configuration

Error: Elsewhere

  on ../x/c.yml line 3

`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A line of a megabyte is quoted around what is wrong in it.
func TestLongLinesAreCut(t *testing.T) {
	src := strings.Repeat("x", 1<<20) + "BAD" + strings.Repeat("y", 1<<20)
	at := hcl.Range{Filename: "a.hcl", Start: hcl.Pos{Line: 1, Column: 1<<20 + 1, Byte: 1 << 20}, End: hcl.Pos{Line: 1, Column: 1<<20 + 4, Byte: 1<<20 + 3}}
	got := drawn(t, map[string]*hcl.File{"a.hcl": {Bytes: []byte(src)}}, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Bad", Subject: &at}}, report.TextOptions{})
	lines := strings.Split(got, "\n")
	if !strings.Contains(lines[3], "xBADy") || len([]rune(lines[3])) > 420 || strings.TrimLeft(lines[4], " ") != "^^^" {
		t.Errorf("%d: %s", len(got), got)
	}
	before, _, _ := strings.Cut(lines[3], "BAD")
	if strings.Index(lines[4], "^") != len([]rune(before)) {
		t.Errorf("the caret is elsewhere:\n%s", got)
	}
}

// A comment, annotations and the text of a report say once what many blocks have wrong alike; the JSON has each.
func TestFindingsFold(t *testing.T) {
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprintf("s%d", i)
	}
	files, diags := alike(names, func(name string) string { return "source.x." + name + " is wrong." })
	d := report.MistakesDocument(diags, report.About{Command: "validate", Files: files})
	if len(d.Findings) != 1000 || d.Findings[9].Quote[0] != "  regoins = 1" {
		t.Fatalf("%d findings: %+v", len(d.Findings), d.Findings[9])
	}
	docs := []*report.Document{d}
	comment := report.Comment(docs, report.MaxComment)
	if strings.Count(comment, "is wrong") != 1 || !strings.Contains(comment, "Also at <code>a.hcl:6</code>, <code>a.hcl:10</code> and 997 more.") || strings.Contains(comment, "Left out") {
		t.Errorf("the comment:\n%s", comment)
	}
	annotations := report.Annotations(docs, report.MaxAnnotations)
	if len(annotations) != 1 || annotations[0].Line != 2 || annotations[0].Message != "source.x.s0 is wrong.\nAlso at a.hcl:6, a.hcl:10 and 997 more." {
		t.Errorf("annotations: %+v", annotations)
	}
	b := &strings.Builder{}
	if err := report.DocumentsText(b, docs, report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if strings.Count(b.String(), "is wrong") != 1 || !strings.Contains(b.String(), "Also at a.hcl:6, a.hcl:10 and 997 more.") {
		t.Errorf("the text:\n%s", b)
	}
	if page := htmlOf(t, d); strings.Count(page, "is wrong") != 1 || strings.Count(page, "<code>a.hcl:") != 1000 {
		t.Errorf("the page has %d places", strings.Count(page, "<code>a.hcl:"))
	}
}

// Images that failed for one reason, each with a request of its own, are one failure.
func TestFailuresFold(t *testing.T) {
	d := &report.Document{Command: "build", Outcome: report.Failed}
	for i := range 752 {
		address := fmt.Sprintf("image.web%d", i)
		d.Resources = append(d.Resources, report.Resource{Address: address, Title: fmt.Sprintf("web%d", i), Image: true, Failure: &report.Failure{
			Summary: "Call refused by AWS", Code: "LimitExceededException", RequestID: fmt.Sprintf("4f7e-%d", i), Operation: "CreateImage",
			Message: fmt.Sprintf("Too many builds for %s.", address), Place: &report.Place{File: "a.hcl", Line: i + 1},
		}})
	}
	docs := []*report.Document{d}
	if got := report.Annotations(docs, 10); len(got) != 1 || !strings.Contains(got[0].Message, "The same for image.web1, image.web2 and 749 more.") {
		t.Errorf("annotations: %+v", got)
	}
	if got := report.Comment(docs, report.MaxSummary); strings.Count(got, "AWS answered") != 1 || !strings.Contains(got, "The same for <code>image.web1</code>, <code>image.web2</code> and 749 more.") {
		t.Errorf("comment:\n%s", got[max(0, len(got)-3000):])
	}
}

// BenchmarkManyFindings draws 10,000 mistakes, alike and different, as text with and without --all, as a comment and as annotations.
func BenchmarkManyFindings(b *testing.B) {
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprintf("s%d", i)
	}
	files, same := alike(names, func(name string) string { return "source.x." + name + " is wrong." })
	_, different := alike(names, func(name string) string { return "It is not x" + name })
	for b.Loop() {
		for _, diags := range []hcl.Diagnostics{same, different} {
			for _, all := range []bool{false, true} {
				if err := report.Diagnostics(&strings.Builder{}, files, diags, report.TextOptions{All: all, Width: 100}); err != nil {
					b.Fatal(err)
				}
			}
			docs := []*report.Document{report.MistakesDocument(diags, report.About{Command: "validate", Files: files})}
			report.Comment(docs, report.MaxComment)
			report.Annotations(docs, report.MaxAnnotations)
		}
	}
}

// Failures whose messages quote another ARN, id or request each are the same finding; of another kind of resource, or about
// a name that only looks like an id, they aren't.
func TestIdentitiesFold(t *testing.T) {
	for _, tt := range []struct {
		name string
		a, b string
		same bool
	}{
		{"arns", "component arn:aws:imagebuilder:eu-west-1:123456789012:component/a/1.0.0/1 isn't allowed.", "component arn:aws:imagebuilder:us-east-1:123456789012:component/zz/2.0.0/7 isn't allowed.", true},
		{"quoted", `no "arn:aws-cn:s3:::bucket/a".`, `no "arn:aws-cn:s3:::bucket/b".`, true},
		{"kinds of resource", "no arn:aws:iam::123456789012:role/a", "no arn:aws:iam::123456789012:instance-profile/a", false},
		{"services", "no arn:aws:sns:eu-west-1:123456789012:a", "no arn:aws:sqs:eu-west-1:123456789012:a", false},
		{"ids", "The image id '[ami-0123456789abcdef0]' does not exist", "The image id '[ami-0fedcba9876543210]' does not exist", true},
		{"old ids", "no subnet-1a2b3c4d", "no subnet-4d3c2b1a", true},
		{"kinds of id", "no subnet-1a2b3c4d", "no sg-1a2b3c4d", false},
		{"requests", "failed (3f1c7e9a-0b2d-4c5e-8f6a-123456789abc)", "failed (9a8b7c6d-0b2d-4c5e-8f6a-cba987654321)", true},
		{"names", "no web-server", "no api-server", false},
		{"numbers", "exit status 7", "exit status 8", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files, diags := alike([]string{"one", "two"}, func(name string) string {
				if name == "one" {
					return tt.a
				}
				return tt.b
			})
			got := drawn(t, files, diags, report.TextOptions{})
			if said := strings.Contains(got, "Also at a.hcl:6."); said != tt.same {
				t.Errorf("folded is %t:\n%s", said, got)
			}
		})
	}
}

// A value that nobody reads to its end is cut, wherever a sentence has it; what is shorter is whole.
func TestLongValuesAreCut(t *testing.T) {
	for _, tt := range []struct {
		name, detail string
		whole        bool
	}{
		{"400 characters", strings.Repeat("x", 400), true},
		{"401 characters", strings.Repeat("x", 401), false},
		{"in a sentence", `There is no "` + strings.Repeat("y", 5000) + `" here.`, false},
		{"many words", strings.Repeat("word ", 2000), false},
		{"a long sentence", strings.Repeat("word ", 300), true},
		{"wide characters", strings.Repeat("日", 600), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files, diags := alike([]string{"one"}, func(string) string { return tt.detail })
			got := drawn(t, files, diags, report.TextOptions{All: true})
			if whole := strings.Contains(strings.ReplaceAll(got, "\n", " "), strings.TrimSpace(tt.detail)); whole != tt.whole {
				t.Errorf("whole is %t:\n%.600s", whole, got)
			}
			longest := 0
			for w := range strings.FieldsSeq(got) {
				longest = max(longest, len([]rune(w)))
			}
			if longest > 401 || len([]rune(got)) > 5000 || strings.Contains(got, "\ufffd") {
				t.Errorf("a word of %d characters in a text of %d", longest, len([]rune(got)))
			}
			if !tt.whole && !strings.Contains(got, "…") {
				t.Errorf("nothing says that it was cut:\n%.600s", got)
			}
		})
	}
}
