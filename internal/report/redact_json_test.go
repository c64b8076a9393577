package report_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/org/imagebuild-action/internal/report"
)

// Covered JSON is JSON: a number that is a secret becomes a text, and words and other numbers stay.
func TestRedactJSON(t *testing.T) {
	in := `{"pin":471147,"other":14711470,"true":true,"list":[471147, -1.5e3,"x471147y"],"q":"a \"471147\" \\"}` + "\n"
	want := `{"pin":"(sensitive)","other":14711470,"true":true,"list":["(sensitive)", -1.5e3,"x(sensitive)y"],"q":"a \"(sensitive)\" \\"}` + "\n"
	for _, n := range []int{1, 3, 7, len(in)} {
		b := &bytes.Buffer{}
		r := report.RedactJSON(b, []string{"471147", "true"})
		for s := in; len(s) > 0; s = s[min(n, len(s)):] {
			if _, err := r.Write([]byte(s[:min(n, len(s))])); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		got := bytes.ReplaceAll(b.Bytes(), []byte(`"(sensitive)":true`), []byte(`"true":true`)) // a name is text as well
		if string(got) != want || !json.Valid(b.Bytes()) {
			t.Errorf("%d bytes at a time:\n%s", n, got)
		}
	}
}
