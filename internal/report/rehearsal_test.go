package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	engine "github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/internal/rehearsal"
	"github.com/org/imagebuild-action/internal/report"
)

// rehearsed are builds that came out in every way there is, with text that tries to be more than text.
func rehearsed() []*rehearsal.Result {
	own := &rehearsal.Component{Name: "web"}
	step := func(phase, name string, status engine.Status, line int) rehearsal.Step {
		return rehearsal.Step{
			StepResult: engine.StepResult{
				Phase: phase, Name: name, Action: "ExecuteBash", Status: status, Start: after(0), End: after(1500 * time.Millisecond),
			},
			Component: own, Origin: at(line, 3, 20),
		}
	}
	failed := step("test", "02-shell", engine.Failed, 4)
	failed.Message, failed.ExitCode, failed.Stderr = "exit status 7", 7, "\x1b[2J]]></failure>\x00\nlast line\n"
	unsupported := step("test", "03-script", engine.Unsupported, 5)
	unsupported.Message = "pwsh is not here"
	build := func(name string, components ...*rehearsal.Component) *rehearsal.Build {
		return &rehearsal.Build{Name: name, Addr: addr("image.web"), Origin: at(1, 1, 10), Components: components}
	}
	managed := &rehearsal.Component{Name: "arn:aws:imagebuilder:eu-west-1:aws:component/update-linux/x.x.x", NotRun: "AWS manages it"}
	return []*rehearsal.Result{
		{
			Build: build("web", own, managed), Status: rehearsal.Failed, Start: after(0), End: after(3 * time.Second),
			Steps: []rehearsal.Step{
				step("build", "01-shell", engine.Success, 2), step("build", "maybe", engine.Skipped, 2),
				step("validate", "01-shell", engine.IgnoredFailure, 3), failed, unsupported,
			},
		},
		{Build: build("base <&\x01>", own), Status: rehearsal.Passed, Start: after(0), End: after(time.Second), Steps: []rehearsal.Step{step("build", "01-shell", engine.Success, 2)}},
		{Build: build("windows"), Status: rehearsal.NotRun, Why: "its components are for Windows, and only those for Linux run here", Start: after(0), End: after(0)},
		{Build: build("broken"), Status: rehearsal.Failed, Why: "the document has no phases", Start: after(0), End: after(0)},
	}
}

func TestRehearsalRenderings(t *testing.T) {
	files := map[string]*hcl.File{}
	golden(
		t, "rehearsal",
		part(t, "text", func(w io.Writer) error {
			for _, r := range rehearsed() {
				if err := report.Rehearsed(w, r, files, report.TextOptions{}); err != nil {
					return err
				}
			}
			return report.RehearsalVerdict(w, rehearsed(), 4*time.Second, report.TextOptions{})
		}),
		part(t, "junit.xml", func(w io.Writer) error { return report.JUnit(w, rehearsed()) }),
	)
}

// TestJUnitIsXML reads the report back: it is well-formed whatever the text, and its counts are those of its cases.
func TestJUnitIsXML(t *testing.T) {
	var b bytes.Buffer
	if err := report.JUnit(&b, rehearsed()); err != nil {
		t.Fatal(err)
	}
	type problem struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	var got struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Skipped  int `xml:"skipped,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string   `xml:"name,attr"`
				Line    int      `xml:"line,attr"`
				Failure *problem `xml:"failure"`
				Error   *problem `xml:"error"`
				Skipped *problem `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	tests, failures, failed, skipped := 0, 0, 0, 0
	for _, s := range got.Suites {
		for _, c := range s.Cases {
			tests++
			switch {
			case c.Failure != nil:
				failures++
			case c.Error != nil:
				failed++
			case c.Skipped != nil:
				skipped++
			}
		}
	}
	if got.Tests != tests || got.Failures != failures || got.Errors != failed || got.Skipped != skipped || tests != 9 || failures != 2 || failed != 1 || skipped != 4 {
		t.Errorf("the counts are %d, %d, %d, %d; the cases %d, %d, %d, %d", got.Tests, got.Failures, got.Errors, got.Skipped, tests, failures, failed, skipped)
	}
	failure := got.Suites[0].Cases[3]
	if failure.Line != 4 || failure.Failure == nil || !strings.Contains(failure.Failure.Text, "]]></failure>") || strings.ContainsAny(failure.Failure.Text, "\x1b\x00") {
		t.Errorf("the failure is %+v", failure)
	}
}

func TestRehearsalLines(t *testing.T) {
	r := rehearsed()[0]
	line, err := report.RehearsalLine(rehearsal.Event{Kind: rehearsal.StepFinished, Time: after(0), Build: r.Build, Step: &r.Steps[3]})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Event, Build, Status, Step, Stderr string
		Seconds                            float64
		Origin                             struct{ Line int }
	}
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatal(err)
	}
	if got.Event != "stepFinished" || got.Status != "failed" || got.Seconds != 1.5 || got.Origin.Line != 4 || !strings.Contains(got.Stderr, "last line") {
		t.Errorf("the record is %s", line)
	}
	if strings.Count(line, "\n") != 1 || strings.ContainsAny(line, "\x1b\x00") {
		t.Errorf("the record is not one harmless line: %q", line)
	}
}
