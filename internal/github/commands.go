package github

import (
	"crypto/rand"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	actions "github.com/sethvargo/go-githubactions"

	"github.com/org/imagebuild-action/internal/neutral"
)

// Commands writes workflow commands. It owns its writer, the step's standard output: all that the step prints
// goes through it, so that commands and foreign lines cannot mix.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
type Commands struct {
	mu  sync.Mutex
	w   io.Writer
	err error
	// stopped is the token that makes the runner listen again; empty while it listens.
	stopped string
	masked  []string
}

// NewCommands returns Commands that write to w.
func NewCommands(w io.Writer) *Commands { return &Commands{w: w} }

// Err is the first failure to write. After it nothing is written.
func (c *Commands) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// shortestMask is the fewest bytes of a secret that is masked: masking "a" would make the log unreadable and
// drop every output that contains it.
const shortestMask = 4

// commonWords are values of secrets that would hide more than the secret.
var commonWords = []string{"true", "false", "null", "none", "test", "main", "latest", "default", "admin", "root", "user", "password", "secret"}

// Mask makes the runner hide a secret, and each line of one with several, in logs, summaries and annotations.
// It says whether there was anything to hide: blank, short and common values are not, since a job's output that
// contains a masked value is dropped. What goes through the API the runner does not see: see Redact.
func (c *Commands) Mask(secret string) bool {
	lines := strings.FieldsFunc(secret, func(r rune) bool { return r == '\n' || r == '\r' })
	if len(lines) > 1 {
		lines = append([]string{secret}, lines...)
	}
	done := false
	for _, l := range lines {
		l = strings.TrimSpace(l)
		if len(l) < shortestMask || slices.Contains(commonWords, strings.ToLower(l)) {
			continue
		}
		done = true
		c.mu.Lock()
		if !slices.Contains(c.masked, l) {
			c.masked = append(c.masked, l)
			slices.SortStableFunc(c.masked, func(a, b string) int { return len(b) - len(a) })
			c.issue("add-mask", nil, l)
		}
		c.mu.Unlock()
	}
	return done
}

// Redact writes *** for every masked secret in s, as the runner does in its log.
func (c *Commands) Redact(s string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.masked {
		s = strings.ReplaceAll(s, m, "***")
	}
	return s
}

// Group begins a part of the log that can be folded. Groups do not nest: a second one ends the first.
func (c *Commands) Group(title string) { c.command("group", nil, neutral.Line(title)) }

// EndGroup ends the group.
func (c *Commands) EndGroup() { c.command("endgroup", nil, "") }

// Debug is shown when the user asked for debug logging.
func (c *Commands) Debug(text string) { c.command("debug", nil, joined(text)) }

// Notice is an annotation without a place.
func (c *Commands) Notice(text string) { c.Annotate(Annotation{Level: Notice, Message: text}) }

// Warning is like Notice.
func (c *Commands) Warning(text string) { c.Annotate(Annotation{Level: Warning, Message: text}) }

// Error is like Notice. It does not end or fail the step.
func (c *Commands) Error(text string) { c.Annotate(Annotation{Level: Failure, Message: text}) }

// Annotate shows a finding at its line. Of each level the runner takes the first 10 of a step: callers rank.
func (c *Commands) Annotate(a Annotation) {
	p := actions.CommandProperties{}
	a = a.settled()
	for name, n := range map[string]int{"line": a.Line, "endLine": a.EndLine, "col": a.Column, "endColumn": a.EndColumn} {
		if n > 0 {
			p[name] = strconv.Itoa(n)
		}
	}
	if a.Path != "" {
		p["file"] = a.Path
	}
	if a.Title != "" {
		p["title"] = a.Title
	}
	c.command(a.Level.command(), p, a.Message)
}

func (c *Commands) command(name string, p actions.CommandProperties, data string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.issue(name, p, data)
}

// issue makes the runner listen and writes a command. c.mu is held.
func (c *Commands) issue(name string, p actions.CommandProperties, data string) {
	c.listen()
	cmd := actions.Command{Name: name, Properties: p, Message: data}
	c.write(cmd.String() + "\n")
}

// listen ends the time in which the runner ignores commands. c.mu is held.
func (c *Commands) listen() {
	if c.stopped != "" {
		c.write("::" + c.stopped + "::\n")
		c.stopped = ""
	}
}

// ignore makes the runner ignore commands until listen. Nobody who writes log lines can know the token.
// c.mu is held.
func (c *Commands) ignore() {
	if c.stopped == "" {
		c.stopped = rand.Text()
		cmd := actions.Command{Name: "stop-commands", Message: c.stopped}
		c.write(cmd.String() + "\n")
	}
}

func (c *Commands) write(s string) {
	if c.err == nil {
		_, c.err = io.WriteString(c.w, s)
	}
}

// joined makes every line of a text harmless and keeps the lines apart; the command escapes their ends.
func joined(s string) string { return strings.Join(neutral.Lines(s), "\n") }

// cut shortens s to at most n bytes on the border of a character, saying so with an ellipsis.
func cut(s string, n int) string {
	const ellipsis = "…"
	if len(s) <= n {
		return s
	}
	n -= len(ellipsis)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:max(n, 0)] + ellipsis
}
