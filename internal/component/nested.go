package component

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxNesting is how many documents may be nested below the one that was run (user guide, "ExecuteDocument").
	maxNesting = 3
	// maxDocument bounds a nested document; Image Builder takes 64 KiB ("Component size", quotas).
	maxDocument = 1 << 20
	// maxNestedSteps bounds the nested steps whose results one step reports; of more, only the counts are.
	maxNestedSteps = 2000
)

// executeDocument runs another document as an operation of this step.
func executeDocument(ctx context.Context, s *stepRun, in Input) (map[string]string, error) {
	child, err := s.child(ctx, in)
	if err != nil {
		return nil, err
	}
	child.resume = s.takeNested()
	if child.resume != nil {
		child.job = child.resume.Job
	}
	child.nest(ctx)
	if child.stop != nil {
		s.stop = &frame{Decided: true, Iteration: s.index, Done: s.result.Nested, Nested: child.state()}
		return nil, errReboot
	}
	s.keepNested(child.result)
	r := child.result
	out := map[string]string{
		"executedStepCount": strconv.Itoa(r.ExecutedSteps), "failedStepCount": strconv.Itoa(r.Failed),
		"ignoredFailedStepCount": strconv.Itoa(r.IgnoredFailed), "executionId": executionID(),
		"failureMessage": r.FailureMessage, "logUrl": "", "status": string(r.Status),
	}
	if r.Status == Failed {
		return out, errors.New(r.FailureMessage)
	}
	return out, nil
}

// child is a runner for the document that a step names. What it does shows as part of this run.
func (s *stepRun) child(ctx context.Context, in Input) (*runner, error) {
	jd, id, err := s.nestedDocument(ctx, in.text("document"), in.text("document-s3-bucket-owner"))
	if err != nil {
		return nil, err
	}
	chain := s.chain
	if len(chain) == 0 {
		chain = []string{s.identity()}
	}
	if slices.Contains(chain, id) {
		return nil, fmt.Errorf("the document %s runs itself: %s", id, strings.Join(append(slices.Clone(chain), id), " runs "))
	}
	if len(chain) > maxNesting {
		return nil, fmt.Errorf("the document %s is nested more than %d levels deep: %s", id, maxNesting, strings.Join(chain, " runs "))
	}
	jd.Parameters, _ = in["parameters"].(map[string]string)
	job := s.job
	job.Documents, job.Phases = []JobDocument{jd}, nil
	for name := range strings.SplitSeq(in.text("phases"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			job.Phases = append(job.Phases, name)
		}
	}
	c := *s.runner
	c.job, c.result, c.chain, c.depth = job, &Result{Status: Success}, append(slices.Clone(chain), id), s.depth+1
	c.stop, c.resume = nil, nil
	if s.step.DisableLogging {
		c.emit = quietly(s.emit)
	}
	return &c, nil
}

// quietly passes events on without what they would put into a log.
func quietly(emit func(Event)) func(Event) {
	return func(e Event) {
		if e.Line != "" {
			return
		}
		if e.Result != nil {
			bare := *e.Result
			bare.Inputs, bare.Outputs, bare.Stderr = nil, nil, ""
			e.Result = &bare
		}
		emit(e)
	}
}

// identity is what tells a document from others in a chain of nested ones.
func (d *documentRun) identity() string {
	if d.ARN != "" {
		return d.ARN
	}
	if d.Path != "" {
		return realPath(d.Path)
	}
	return d.Name
}

func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return filepath.Clean(path)
}

// nestedDocument reads a document: a file of the root, an object of S3, or a component by its ARN.
func (s *stepRun) nestedDocument(ctx context.Context, name, owner string) (jd JobDocument, id string, err error) {
	jd = JobDocument{Name: filepath.Base(name)}
	switch {
	case name == "":
		return jd, "", errors.New("the input document is empty")
	case strings.HasPrefix(name, "arn:"):
		jd.ARN, jd.Name = name, name
		if text, known := s.job.Components[name]; known {
			jd.Source = text
			return jd, name, nil
		}
		jd.Source, err = s.askDocument(ctx, name, "")
		return jd, name, err
	case strings.HasPrefix(name, "s3://"):
		if s.job.S3Endpoint != "" {
			jd.Source, err = s.objectText(ctx, name, owner)
		} else {
			jd.Source, err = s.askDocument(ctx, name, owner)
		}
		return jd, name, err
	}
	jd.Path = s.beside(name)
	jd.Source, err = documentText(jd.Path)
	return jd, realPath(jd.Path), err
}

// beside is the path of a document that this one names: a relative one starts where this one lies.
func (s *stepRun) beside(name string) string {
	if filepath.IsAbs(name) || s.Path == "" {
		return s.path(name)
	}
	return filepath.Join(filepath.Dir(s.Path), name)
}

func (s *stepRun) askDocument(ctx context.Context, name, owner string) (string, error) {
	a, err := s.asker.ask(ctx, question{Kind: documentQuestion, Name: name, Owner: owner})
	if errors.Is(err, errNobody) {
		return "", fmt.Errorf("the document %s cannot be fetched: this run was given nobody to ask for it", name)
	}
	if err != nil {
		return "", fmt.Errorf("fetching the document %s: %w", name, err)
	}
	return a.Value, nil
}

func documentText(path string) (string, error) {
	if err := regular(path); err != nil {
		return "", err
	}
	f, err := os.Open(path) //nolint:gosec // the document names the documents it runs
	if err != nil {
		return "", fmt.Errorf("reading the document: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	return boundedText(f, path)
}

func boundedText(r io.Reader, name string) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return "", fmt.Errorf("reading the document %s: %w", name, err)
	}
	if len(raw) > maxDocument {
		return "", fmt.Errorf("the document %s is larger than %d KiB", name, maxDocument>>10)
	}
	return string(raw), nil
}

// nest runs the one document of a nested runner.
func (r *runner) nest(ctx context.Context) {
	if r.resume != nil {
		r.result = &r.resume.Result
	}
	docs := r.load()
	if r.result.Status != Failed || r.resume != nil {
		r.each(ctx, docs)
	}
}

// keepNested adds a nested run to the step's result.
func (s *stepRun) keepNested(r *Result) {
	n := 0
	for _, have := range s.result.Nested {
		n += len(have.Steps)
	}
	kept := *r
	if n+len(kept.Steps) > maxNestedSteps {
		kept.Steps = nil
	}
	s.result.Nested = append(s.result.Nested, &kept)
}

// executionID is a random UUID (RFC 9562, version 4), as AWSTOE gives every run one.
func executionID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
