package github

import (
	"crypto/rand"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"unicode/utf16"
)

const (
	// OutputsLimit is how many bytes all outputs of a job may have, counted as UTF-16.
	OutputsLimit = 1 << 20
	// SummaryLimit is how many bytes a step's summary may have. A larger one is not shown at all.
	SummaryLimit = 1 << 20
)

// Files writes the files through which a step tells the runner values. They are read when the step has ended, also
// when it failed.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#environment-files
type Files struct {
	output, state, summary string

	mu      sync.Mutex
	written int
}

// NewFiles returns the files the environment names. Outside of Actions none is named, and writing is an UnavailableError.
func NewFiles(getenv func(string) string) *Files {
	return &Files{output: getenv("GITHUB_OUTPUT"), state: getenv("GITHUB_STATE"), summary: getenv("GITHUB_STEP_SUMMARY")}
}

var fileCommandName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,99}$`)

// Output sets an output of the step. name is letters, digits, "-" and "_".
func (f *Files) Output(name, value string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	size := 2 * (len(utf16.Encode([]rune(name))) + len(utf16.Encode([]rune(value))))
	if f.written+size > OutputsLimit {
		return fmt.Errorf("output %s has %d bytes, more than is left of the %d bytes a job's outputs may have", name, size, OutputsLimit)
	}
	if err := set(f.output, "step outputs", name, value); err != nil {
		return err
	}
	f.written += size
	return nil
}

// State keeps a value for the post step of the same action, where it is the variable STATE_<name>.
func (f *Files) State(name, value string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return set(f.state, "state for the post step", name, value)
}

// set appends name and value between random delimiters. Nothing else than the value can stand between
// them: a value that holds the delimiter is refused.
func set(path, what, name, value string) error {
	if !fileCommandName.MatchString(name) {
		return fmt.Errorf("%q is not the name of a value: letters, digits, - and _", name)
	}
	delimiter := "imagebuild_" + rand.Text()
	if strings.Contains(value, delimiter) {
		return fmt.Errorf("the value of %s holds its own delimiter", name)
	}
	return appendTo(path, what, name+"<<"+delimiter+"\n"+value+"\n"+delimiter+"\n")
}

// Summary appends Markdown to the job's summary. What would take it over SummaryLimit is refused whole, since the
// runner would then show nothing; an error says by how much.
func (f *Files) Summary(markdown string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.summary == "" {
		return noFile("job summaries")
	}
	var have int64
	if info, err := os.Stat(f.summary); err == nil {
		have = info.Size()
	}
	if !strings.HasSuffix(markdown, "\n") {
		markdown += "\n"
	}
	if size := have + int64(len(markdown)); size > SummaryLimit {
		return fmt.Errorf("the summary would have %d bytes, more than the %d a step may have", size, SummaryLimit)
	}
	return appendTo(f.summary, "job summaries", markdown)
}

func noFile(what string) error {
	return &UnavailableError{What: what, Why: "this is no step of GitHub Actions, or the runner named no file for them."}
}

func appendTo(path, what, text string) error {
	if path == "" {
		return noFile(what)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644) // #nosec G302 G304 -- later steps read the file the runner names, as other users
	if err != nil {
		return fmt.Errorf("writing %s: %w", what, err)
	}
	if _, err = f.WriteString(text); err != nil {
		_ = f.Close()
		return fmt.Errorf("writing %s: %w", what, err)
	}
	if err = f.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", what, err)
	}
	return nil
}
