package github_test

import (
	"bytes"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/internal/github"
)

func TestAnnotations(t *testing.T) {
	for _, tt := range []struct {
		a    github.Annotation
		want obeyed
	}{
		{
			github.Annotation{Level: github.Failure, Path: "a, b:c%.hcl", Line: 3, Column: 5, EndColumn: 9, Title: "100%: a, b", Message: "first\nsecond 50%\r\nthird"},
			obeyed{"error", map[string]string{"file": "a, b:c%.hcl", "line": "3", "endLine": "3", "col": "5", "endColumn": "9", "title": "100%: a, b"}, "first\nsecond 50%\nthird"},
		},
		{github.Annotation{Level: github.Warning, Message: "m"}, obeyed{"warning", map[string]string{}, "m"}},
		{github.Annotation{Path: "a", EndLine: 4, Column: 1, Message: "m"}, obeyed{"notice", map[string]string{"file": "a", "line": "4", "endLine": "4", "col": "1"}, "m"}},
		{github.Annotation{Path: "a", Line: 4, EndLine: 2, Column: 7, EndColumn: 3, Message: "m"}, obeyed{"notice", map[string]string{"file": "a", "line": "4", "endLine": "4", "col": "7"}, "m"}},
		{github.Annotation{Path: "a", Line: 4, EndLine: 6, Column: 7, Message: "m"}, obeyed{"notice", map[string]string{"file": "a", "line": "4", "endLine": "6"}, "m"}},
		{github.Annotation{Line: 4, Message: "m"}, obeyed{"notice", map[string]string{}, "m"}},
		{github.Annotation{Path: "a", Line: -1, Title: "t\n::error::x"}, obeyed{"notice", map[string]string{"file": "a", "title": "t\ufffd::error::x"}, "t\ufffd::error::x"}},
	} {
		var out bytes.Buffer
		github.NewCommands(&out).Annotate(tt.a)
		r := &runner{}
		r.read(out.String())
		if len(r.obeyed) != 1 || r.obeyed[0].name != tt.want.name || r.obeyed[0].data != tt.want.data || !maps.Equal(r.obeyed[0].properties, tt.want.properties) {
			t.Errorf("%+v:\n%s%q", tt.a, out.String(), r.obeyed)
		}
	}
	var out bytes.Buffer
	github.NewCommands(&out).Error(strings.Repeat("é", 5000))
	if n := out.Len(); n > 4200 {
		t.Errorf("a message of %d bytes", n)
	}
}

func TestMasks(t *testing.T) {
	var out bytes.Buffer
	c := github.NewCommands(&out)
	for secret, want := range map[string]bool{"s3cret-value": true, "": false, "abc": false, "  \n ": false, "True": false, "first line\nsecond 100%\ntrue\n": true} {
		if got := c.Mask(secret); got != want {
			t.Errorf("Mask(%q) is %v", secret, got)
		}
	}
	c.Mask("s3cret-value")
	r := &runner{}
	r.read(out.String())
	masks := map[string]int{}
	for _, o := range r.obeyed {
		masks[o.data]++
	}
	if want := map[string]int{"s3cret-value": 1, "first line\nsecond 100%\ntrue": 1, "first line": 1, "second 100%": 1}; !maps.Equal(masks, want) {
		t.Errorf("%v", masks)
	}
	if got := c.Redact("a s3cret-value, second 100% and true"); got != "a ***, *** and true" {
		t.Errorf("%q", got)
	}
}

type broken struct{ n int }

func (b *broken) Write([]byte) (int, error) {
	b.n++
	return 0, errors.New("closed")
}

func TestAClosedOutputIsAnErrorOnce(t *testing.T) {
	w := &broken{}
	c := github.NewCommands(w)
	c.Group("x")
	c.EndGroup()
	_, err := c.Relay("p").Write([]byte("line\n"))
	if c.Err() == nil || err == nil || w.n != 1 {
		t.Errorf("%v %v %d", c.Err(), err, w.n)
	}
}
