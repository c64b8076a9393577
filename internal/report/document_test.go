package report_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/org/imagebuild-action/internal/report"
)

func source() report.Source {
	return report.Source{
		Server: "https://github.com", Repository: "octo-org/images", SHA: "0123456789abcdef0123456789abcdef01234567",
		Run: 1234567, Attempt: 2, Job: 7654321, Step: 4, Artifact: "https://github.com/octo-org/images/actions/runs/1234567/artifacts/99",
	}
}

func about(command string) report.About {
	return report.About{Command: command, Path: "examples/web", Version: "v1.2.3", Source: source()}
}

func failedRun() *report.Document {
	return report.RunDocument(folded(webPlan(), report.Meta{}, webEvents()), time.Time{}, about("build"))
}

// What is written is read again as it was.
func TestDocumentBothWays(t *testing.T) {
	for name, d := range map[string]*report.Document{
		"plan": report.PlanDocument(webPlan(), nil, about("plan")), "run": failedRun(),
		"hostile": report.PlanDocument(hostilePlan(), nil, about("plan")),
	} {
		raw, err := d.JSON()
		if err != nil {
			t.Fatal(name, err)
		}
		back, err := report.ReadDocument(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(name, err)
		}
		if !reflect.DeepEqual(d, back) {
			t.Errorf("%s: wrote\n%+v\nread\n%+v", name, d, back)
		}
	}
}

func TestDocumentReaderRefuses(t *testing.T) {
	for what, c := range map[string]struct{ text, want string }{
		"nothing":             {``, "EOF"},
		"another version":     {`{"format_version":"2.0","command":"plan","outcome":"succeeded"}`, `its format_version is "2.0"`},
		"an unknown field":    {`{"format_version":"1.0","command":"plan","outcome":"succeeded","html":"<b>"}`, `unknown field "html"`},
		"an unknown outcome":  {`{"format_version":"1.0","command":"plan","outcome":"fine"}`, `Outcome cannot be "fine"`},
		"no outcome":          {`{"format_version":"1.0","command":"plan"}`, `Outcome cannot be ""`},
		"no command":          {`{"format_version":"1.0","outcome":"succeeded"}`, "command is missing"},
		"an unknown verb":     {`{"format_version":"1.0","command":"plan","outcome":"succeeded","resources":[{"address":"a.b","kind":"a","title":"b","verb":"burn"}]}`, `Verb cannot be "burn"`},
		"a negative number":   {`{"format_version":"1.0","command":"plan","outcome":"succeeded","source":{"run":-1}}`, "Run is -1"},
		"a huge duration":     {`{"format_version":"1.0","command":"plan","outcome":"succeeded","estimate":{"seconds":1e300}}`, "Seconds is 1e+300"},
		"a log of less lines": {`{"format_version":"1.0","command":"plan","outcome":"succeeded","resources":[{"address":"a.b","kind":"a","title":"b","log":{"lines":["x"],"total":0}}]}`, "more lines of its log"},
		"a second document":   {`{"format_version":"1.0","command":"plan","outcome":"succeeded"}{}`, "behind its end"},
		"a long text":         {`{"format_version":"1.0","command":"` + strings.Repeat("x", 1<<20+1) + `","outcome":"succeeded"}`, "longer than"},
	} {
		d, err := report.ReadDocument(strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v; want an error with %q", what, d, err, c.want)
		}
	}
}
