package github

import (
	"bytes"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/org/imagebuild-action/internal/neutral"
)

// relayLine is the most bytes of one line that are kept before it is written in parts, so that a log without
// line ends takes no memory.
const relayLine = 16 << 10

// Relay writes foreign text, line by line, so that the runner obeys none of it.
//
// The runner looks for commands in two ways: "::name ::" where a line begins, after any Unicode blank, and
// "##[name]" anywhere. And it takes a bare CR for the end of a line. So each line of any kind begins with the
// prefix, holds no control character and no "##[", and as a second belt commands are off, until a random token, while
// foreign lines are written. Two processes' lines may go through two Relays at once.
type Relay struct {
	c      *Commands
	prefix string

	mu   sync.Mutex
	rest []byte
	// afterCR says that the last line ended with a CR, whose LF may still come.
	afterCR bool
}

// Relay returns a writer of foreign text. prefix goes before every line: the name of what writes. It may be empty for
// text of our own that names things of others: then only a line that would be a command is set off.
func (c *Commands) Relay(prefix string) *Relay {
	return &Relay{c: c, prefix: strings.TrimSpace(neutral.Line(prefix))}
}

// Write writes the lines that are complete.
func (r *Relay) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rest = append(r.rest, p...)
	var out strings.Builder
	from := 0
	for {
		line, next, ok := r.next(from)
		from = next
		if !ok {
			break
		}
		r.line(&out, line)
	}
	r.rest = append(r.rest[:0], r.rest[from:]...)
	return len(p), r.c.foreign(out.String())
}

// Close writes the line that has no end and makes the runner listen again. The Relay may be used again.
func (r *Relay) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out strings.Builder
	if len(r.rest) > 0 {
		r.line(&out, r.rest)
	}
	r.rest, r.afterCR = nil, false
	err := r.c.foreign(out.String())
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	r.c.listen()
	return err
}

// next returns the line that begins at from and where the one after it does; where the line is not complete yet,
// false and where it begins.
func (r *Relay) next(from int) ([]byte, int, bool) {
	if r.afterCR && from < len(r.rest) {
		r.afterCR = false
		if r.rest[from] == '\n' {
			from++
		}
	}
	s := r.rest[from:]
	i := bytes.IndexFunc(s, neutral.LineEnd)
	if (i < 0 || i > relayLine) && len(s) > relayLine {
		n := relayLine
		for n > relayLine-utf8.UTFMax && !utf8.RuneStart(s[n]) {
			n--
		}
		return s[:n], from + n, true
	}
	if i < 0 {
		return nil, from, false
	}
	end, n := utf8.DecodeRune(s[i:])
	r.afterCR = end == '\r'
	return s[:i], from + i + n, true
}

func (r *Relay) line(out *strings.Builder, line []byte) {
	// The joiner, which neutral lets through, is left out by the comparison the runner searches with.
	s := neutral.Line(strings.ReplaceAll(string(line), "\u200d", ""))
	if r.prefix != "" {
		s = r.prefix + " | " + s
	}
	if strings.HasPrefix(strings.TrimLeftFunc(s, invisible), "::") {
		s = "| " + s
	}
	out.WriteString(s + "\n")
}

// invisible is more than what the runner skips where a line begins: Unicode's blanks, and what its comparison leaves out.
func invisible(r rune) bool { return r <= ' ' || r > '~' }

// foreign writes lines while the runner does not listen.
func (c *Commands) foreign(lines string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if lines != "" {
		c.ignore()
		c.write(lines)
	}
	return c.err
}
