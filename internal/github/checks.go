package github

import (
	"context"
	"fmt"
	"net/http"
	"unicode/utf8"

	api "github.com/google/go-github/v60/github"

	"github.com/org/imagebuild-action/internal/neutral"
)

const (
	// CheckLimit is how many characters the summary, and the text, of a check run may have.
	CheckLimit = 65535
	// annotationsAtOnce is how many annotations a request may bring; further requests append.
	annotationsAtOnce = 50
	checksWhat        = "check runs"
	checksNeed        = "checks: write"
)

// CheckRun is what stands under the checks of a commit.
type CheckRun struct {
	Name string
	// HeadSHA is the commit, Environment.Head: a check of a merge commit is shown nowhere. Only for a new one.
	HeadSHA string
	// Conclusion is success, failure, neutral, cancelled, skipped, timed_out or action_required; empty while it goes on.
	Conclusion string
	// Title is one line. Summary and Text are Markdown, at most CheckLimit each.
	Title, Summary, Text string
	// Annotations are appended to those that are there. Those without a path have no place there and are left out.
	Annotations []Annotation
	DetailsURL  string
}

// CreateCheck makes a check run and returns its id.
func (c *Client) CreateCheck(ctx context.Context, k CheckRun) (int64, error) {
	first, rest, err := c.outputs(k)
	if err != nil {
		return 0, err
	}
	o := api.CreateCheckRunOptions{Name: cut(neutral.Line(k.Name), titleLimit), HeadSHA: k.HeadSHA, Output: first, Status: new("in_progress"), DetailsURL: optional(k.DetailsURL)}
	if len(rest) == 0 && k.Conclusion != "" {
		o.Status, o.Conclusion = new("completed"), &k.Conclusion
	}
	made, _, err := c.api.Checks.CreateCheckRun(ctx, c.env.Repository.Owner, c.env.Repository.Name, o)
	if err != nil {
		return 0, told(checksWhat, checksNeed, err)
	}
	return made.GetID(), c.patchCheck(ctx, made.GetID(), k, rest)
}

// UpdateCheck changes a check run; k.Annotations are further ones.
func (c *Client) UpdateCheck(ctx context.Context, id int64, k CheckRun) error {
	first, rest, err := c.outputs(k)
	if err != nil {
		return err
	}
	return c.patchCheck(ctx, id, k, append([]*api.CheckRunOutput{first}, rest...))
}

// TitleJob writes a line, and Markdown below it, on the job's own check run, which stands where the pull request lists
// its checks. It needs Environment.CheckRunID.
func (c *Client) TitleJob(ctx context.Context, title, summary string) error {
	if c.env.CheckRunID == 0 {
		return &UnavailableError{What: "a title of the job", Why: "its check run is not known. The input that names it has ${{ job.check_run_id }} by default."}
	}
	return c.UpdateCheck(ctx, c.env.CheckRunID, CheckRun{Title: title, Summary: summary})
}

// patchCheck sends outputs one after the other, and how it ended with the last.
func (c *Client) patchCheck(ctx context.Context, id int64, k CheckRun, outputs []*api.CheckRunOutput) error {
	for i, output := range outputs {
		// go-github always sends a name, which must not be empty.
		body := map[string]any{"output": output}
		if k.DetailsURL != "" {
			body["details_url"] = k.DetailsURL
		}
		if i == len(outputs)-1 && k.Conclusion != "" {
			body["status"], body["conclusion"] = "completed", k.Conclusion
		}
		req, err := c.api.NewRequest(http.MethodPatch, fmt.Sprintf("repos/%s/%s/check-runs/%d", c.env.Repository.Owner, c.env.Repository.Name, id), body)
		if err != nil {
			return err
		}
		if _, err = c.api.Do(ctx, req, nil); err != nil {
			return told(checksWhat, checksNeed, err)
		}
	}
	return nil
}

// outputs are what a check run shows, in as many requests as its annotations need.
func (c *Client) outputs(k CheckRun) (*api.CheckRunOutput, []*api.CheckRunOutput, error) {
	title, summary, text := cut(neutral.Line(c.redact(k.Title)), titleLimit), c.redact(k.Summary), c.redact(k.Text)
	for name, s := range map[string]string{"summary": summary, "text": text} {
		if n := utf8.RuneCountInString(s); n > CheckLimit {
			return nil, nil, fmt.Errorf("the %s of the check run has %d characters, more than %d", name, n, CheckLimit)
		}
	}
	var all []*api.CheckRunAnnotation
	for _, a := range k.Annotations {
		if a.Path != "" {
			all = append(all, c.annotation(a))
		}
	}
	var outputs []*api.CheckRunOutput
	for len(outputs) == 0 || len(all) > 0 {
		n := min(len(all), annotationsAtOnce)
		outputs = append(outputs, &api.CheckRunOutput{Title: &title, Summary: &summary, Text: optional(text), Annotations: all[:n]})
		all = all[n:]
	}
	return outputs[0], outputs[1:], nil
}

func (c *Client) annotation(a Annotation) *api.CheckRunAnnotation {
	a.Message, a.Title = c.redact(a.Message), c.redact(a.Title)
	a = a.settled()
	if a.Line == 0 {
		a.Line, a.EndLine = 1, 1
	}
	out := &api.CheckRunAnnotation{
		Path: &a.Path, StartLine: &a.Line, EndLine: &a.EndLine, AnnotationLevel: new(string(a.Level)),
		Message: &a.Message, Title: optional(a.Title),
	}
	if a.Column > 0 {
		out.StartColumn, out.EndColumn = &a.Column, new(max(a.EndColumn, a.Column))
	}
	return out
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
