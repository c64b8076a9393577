package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// TextOptions say what the reader's terminal is like.
type TextOptions struct {
	// Color allows terminal colour sequences. Whether NO_COLOR is set or a terminal is there is the caller's to know.
	Color bool
	// Width is how many columns there are; 0 is no limit.
	Width int
	// All shows every finding, however many there are and however alike.
	All bool
	// Path is how the reader opens a file that the configuration's repository calls so; nil leaves names as they are.
	Path func(name string) string
}

func (o TextOptions) path(name string) string {
	if o.Path == nil {
		return name
	}
	return o.Path(name)
}

// A shade is the parameter of a terminal's colour sequence (ECMA-48 SGR).
type shade string

const (
	bold   shade = "1"
	faint  shade = "2"
	red    shade = "31"
	green  shade = "32"
	yellow shade = "33"
	cyan   shade = "36"
)

func (o TextOptions) paint(s string, c shade) string {
	if !o.Color || s == "" || c == "" {
		return s
	}
	return "\x1b[" + string(c) + "m" + s + "\x1b[0m"
}

// symbol is how a verb stands at the beginning of a line.
func symbol(v planner.Verb) string {
	switch v {
	case planner.Create:
		return "+"
	case planner.Update:
		return "~"
	case planner.Delete:
		return "-"
	case planner.Wait:
		return ">"
	case planner.None:
		return "="
	case planner.Later:
		return "."
	}
	return "?"
}

func verbShade(v planner.Verb) shade {
	switch v {
	case planner.Create:
		return green
	case planner.Update:
		return yellow
	case planner.Delete:
		return red
	case planner.Wait:
		return cyan
	case planner.None, planner.Later:
		return faint
	}
	return ""
}

func statusShade(s executor.Status) shade {
	switch s {
	case executor.Applied:
		return green
	case executor.Failed:
		return red
	case executor.Skipped, executor.Canceled:
		return yellow
	case executor.Unchanged:
		return faint
	}
	return ""
}

// short writes a duration as a person says it: 0.4s, 12s, 3m05s, 1h02m.
func short(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}

// ticking is short without fractions, for a number that is redrawn while it grows.
func ticking(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%ds", max(0, int(d.Seconds())))
	}
	return short(d)
}

// wrap breaks s at spaces to lines of at most n columns; n below 1 is no limit.
func wrap(s string, n int) []string {
	if n < 1 || columns(s) <= n {
		return []string{s}
	}
	var out []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		switch {
		case line == "":
			line = word
		case columns(line)+1+columns(word) <= n:
			line += " " + word
		default:
			out, line = append(out, line), word
		}
	}
	return append(out, line)
}

// count says a number of things: 1 image, 2 images.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// write hands over what a renderer made, in one piece.
func write(w io.Writer, b *strings.Builder) error {
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
