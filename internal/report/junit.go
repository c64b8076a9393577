package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/internal/rehearsal"
)

// The elements of JUnit's report as its readers agree on them: a suite for each build, a case for each step.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string      `xml:"name,attr"`
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"`
		Errors    int         `xml:"errors,attr"`
		Skipped   int         `xml:"skipped,attr"`
		Time      string      `xml:"time,attr"`
		Timestamp string      `xml:"timestamp,attr,omitempty"`
		File      string      `xml:"file,attr,omitempty"`
		Cases     []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name      string     `xml:"name,attr"`
		Classname string     `xml:"classname,attr"`
		Time      string     `xml:"time,attr"`
		File      string     `xml:"file,attr,omitempty"`
		Line      int        `xml:"line,attr,omitempty"`
		Failure   *junitWhy  `xml:"failure,omitempty"`
		Error     *junitWhy  `xml:"error,omitempty"`
		Skipped   *junitSkip `xml:"skipped,omitempty"`
	}
	junitWhy struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
	junitSkip struct {
		Message string `xml:"message,attr,omitempty"`
	}
)

// JUnit writes the results as JUnit XML. Characters that XML or a terminal cannot bear are replaced.
func JUnit(w io.Writer, results []*rehearsal.Result) error {
	all := junitSuites{Name: "imagebuild test"}
	var took time.Duration
	for _, r := range results {
		s := junitOf(r)
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Skipped += s.Skipped
		took += r.End.Sub(r.Start)
		all.Suites = append(all.Suites, s)
	}
	all.Time = junitTime(took)
	raw, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("encode JUnit report: %w", err)
	}
	if _, err := io.WriteString(w, xml.Header+string(raw)+"\n"); err != nil {
		return fmt.Errorf("write JUnit report: %w", err)
	}
	return nil
}

func junitOf(r *rehearsal.Result) junitSuite {
	s := junitSuite{Name: Neutral(r.Build.Name), Time: junitTime(r.End.Sub(r.Start)), File: Neutral(r.Build.Origin.Filename)}
	if !r.Start.IsZero() {
		s.Timestamp = r.Start.UTC().Format("2006-01-02T15:04:05")
	}
	for _, step := range r.Steps {
		c := junitAt(r, step.Component.Name, step.Origin)
		c.Name, c.Time = Neutral(step.Phase+"/"+step.Name), junitTime(step.End.Sub(step.Start))
		junitOutcome(&c, &step)
		s.Cases = append(s.Cases, c)
	}
	for _, k := range r.Build.Components {
		if k.NotRun != "" {
			c := junitAt(r, componentTitle(k.Name), r.Build.Origin)
			c.Name, c.Skipped = "all steps", &junitSkip{Neutral(k.NotRun)}
			s.Cases = append(s.Cases, c)
		}
	}
	if c, ok := junitWhole(r); ok {
		s.Cases = append(s.Cases, c)
	}
	for _, c := range s.Cases {
		s.Tests++
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
	return s
}

// junitWhole is a case for what no step tells: that a build was not run, or failed outside of its steps.
func junitWhole(r *rehearsal.Result) (junitCase, bool) {
	c := junitAt(r, "", r.Build.Origin)
	c.Name = "build"
	switch {
	case r.Status == rehearsal.NotRun:
		c.Skipped = &junitSkip{Neutral(r.Why)}
	case r.Status == rehearsal.Failed && r.Why != "":
		c.Error = &junitWhy{Neutral(r.Why), "build", junitPlace(r.Build.Origin)}
	default:
		return c, false
	}
	return c, true
}

func junitAt(r *rehearsal.Result, of string, at hcl.Range) junitCase {
	class := r.Build.Name
	if of != "" {
		class += "." + of
	}
	return junitCase{Classname: Neutral(class), Time: junitTime(0), File: Neutral(at.Filename), Line: at.Start.Line}
}

func junitOutcome(c *junitCase, s *rehearsal.Step) {
	switch {
	case s.Failed():
		kind := "failed"
		if s.Status == component.Unsupported {
			kind = "unsupported"
		}
		lines := []string{junitPlace(s.Origin)}
		if strings.TrimSpace(s.Stderr) != "" {
			lines = append(lines, Lines(s.Stderr)...)
		}
		c.Failure = &junitWhy{Neutral(s.Message), kind, strings.Join(lines, "\n")}
	case s.Status == component.Skipped, s.Status == component.NotRun:
		word, _ := stepWord(s)
		c.Skipped = &junitSkip{word}
	case s.Status == component.IgnoredFailure:
		c.Skipped = &junitSkip{Neutral("failed, which the document ignores: " + s.Message)}
	}
}

// junitPlace is where something was written, "web.ib.hcl:12".
func junitPlace(at hcl.Range) string {
	return Neutral(at.Filename) + ":" + strconv.Itoa(at.Start.Line)
}

func junitTime(d time.Duration) string { return strconv.FormatFloat(max(0, d.Seconds()), 'f', 3, 64) }
