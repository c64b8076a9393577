package github_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/org/imagebuild-action/internal/github"
)

// hostile are lines that would be obeyed.
var hostile = []string{
	"::set-output name=ami-id::ami-evil", "\u00a0\u2003\u3000::error::x", "ok\r::set-output name=ami::evil", "ok\r\n::add-mask::a",
	"##[set-env name=PATH]x", "text ##[error]x", "a\u0085::error::b", "a\u2028::error::b\u2029::error::c", "a\v::error::b\f::error::c",
	"\x1b]0;t\x07::error::x", "\x1b[31m::error::x", "#\x1b[0m#[error]x", "#\u200d#[error]x", "##\u200b[error]x", "\ufeff::error::x", "\u200d::error::x", "\u034f::error::x",
	"::stop-commands::x", "::x::", "::endgroup::", "##[add-matcher]/etc/passwd", "\x00::error::x", "\xff::error::x", "\xe2\x80", "\xa8::error::x",
	"::error file=a,line=1::x", "::Error::x", " \t::group::x", "##[[error]x", "###[error]x",
}

// relayed is what a runner makes of a hostile log that two processes write in pieces, with our own commands between.
func relayed(tb testing.TB, prefix, log string, size int) *runner {
	tb.Helper()
	var out bytes.Buffer
	c := github.NewCommands(&out)
	c.Group("images")
	one, two := c.Relay(prefix), c.Relay("other")
	for len(log) > 0 {
		n := min(size, len(log))
		for _, r := range []*github.Relay{one, two} {
			if _, err := r.Write([]byte(log[:n])); err != nil {
				tb.Fatal(err)
			}
		}
		log = log[n:]
	}
	c.Notice("between")
	for _, r := range []*github.Relay{one, two} {
		if err := r.Close(); err != nil {
			tb.Fatal(err)
		}
	}
	c.EndGroup()
	if !utf8.Valid(out.Bytes()) {
		tb.Fatal("what is written is not UTF-8")
	}
	r := &runner{}
	r.read(out.String())
	return r
}

// unforged says in what a runner obeyed anything but what we said, with the commands on and with them off.
func unforged(tb testing.TB, r *runner) {
	tb.Helper()
	var names []string
	for _, c := range r.obeyed {
		names = append(names, c.name)
	}
	if got := strings.Join(names, " "); got != "group notice endgroup" || r.stopped != "" {
		tb.Fatalf("the runner obeyed %q, and is stopped by %q", r.obeyed, r.stopped)
	}
	for _, line := range r.shown {
		// Without the second belt, no line may be a command either.
		alone := &runner{}
		alone.line(line)
		if len(alone.obeyed) > 0 || alone.stopped != "" {
			tb.Fatalf("the line %q is a command", line)
		}
	}
}

func TestRelay(t *testing.T) {
	log := strings.Join(hostile, "\n") + "\n" + strings.Join(hostile, "\r\n") + "\n" + strings.Join(hostile, "\r") + strings.Join(hostile, "")
	for _, prefix := range []string{"web-ami", "", "::error::", "##[error]", "\u00a0", "\u200d::add-mask::"} {
		for _, size := range []int{1, 2, 3, 7, 4096, len(log)} {
			t.Run(fmt.Sprintf("%q/%d", prefix, size), func(t *testing.T) { unforged(t, relayed(t, prefix, log, size)) })
		}
	}
}

func TestRelayedText(t *testing.T) {
	var out bytes.Buffer
	c := github.NewCommands(&out)
	r := c.Relay("web")
	for _, s := range []string{"a\r", "\nb\rc\n", "\n", "\x1b[31mred\x1b[0m\tx\n", "no end"} {
		if _, err := r.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	token, _ := strings.CutPrefix(lines[0], "::stop-commands::")
	want := []string{"::stop-commands::" + token, "web | a", "web | b", "web | c", "web | ", "web | red    x", "web | no end", "::" + token + "::", ""}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") || len(token) < 20 {
		t.Errorf("%q", lines)
	}
}

func TestRelayOfALineWithoutEnd(t *testing.T) {
	var out bytes.Buffer
	r := github.NewCommands(&out).Relay("web")
	piece := []byte(strings.Repeat("é##[error]x::", 1000))
	for range 6 << 20 / len(piece) {
		if _, err := r.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	run := &runner{}
	run.read(out.String())
	for _, line := range run.shown {
		if len(line) > 32<<10 || line != "" && !strings.HasPrefix(line, "web | ") {
			t.Fatalf("a line of %d bytes: %.80q", len(line), line)
		}
	}
	if len(run.obeyed) > 0 {
		t.Errorf("%d commands", len(run.obeyed))
	}
}

func FuzzRelay(f *testing.F) {
	for i, s := range hostile {
		f.Add("web", s, i%5+1)
	}
	f.Add("::error::", "x", 1)
	f.Fuzz(func(t *testing.T, prefix, log string, size int) {
		if size < 1 {
			size = 1
		}
		unforged(t, relayed(t, prefix, log, size))
	})
}
