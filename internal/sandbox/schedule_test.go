package sandbox_test

import (
	"testing"
	"time"

	"github.com/org/imagebuild-action/internal/sandbox"
)

func TestNextRun(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	created := time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC)  // a Thursday
	after := time.Date(2026, 10, 1, 12, 30, 30, 0, time.UTC) // half an hour after noon
	for _, tt := range []struct {
		expression string
		zone       *time.Location
		want       string // in UTC; "" for never
	}{
		{"cron(0 6 ? * MON *)", time.UTC, "2026-10-05T06:00:00Z"},
		{"cron(0 6 ? * MON *)", berlin, "2026-10-05T04:00:00Z"},
		{"cron(45 12 * * ? *)", time.UTC, "2026-10-01T12:45:00Z"},
		{"cron(30 12 * * ? *)", time.UTC, "2026-10-02T12:30:00Z"},
		{"cron(0/15 * * * ? *)", time.UTC, "2026-10-01T12:45:00Z"},
		{"cron(0 0 L * ? *)", time.UTC, "2026-10-31T00:00:00Z"},
		{"cron(0 0 LW * ? *)", time.UTC, "2026-10-30T00:00:00Z"},
		{"cron(0 0 3W * ? *)", time.UTC, "2026-10-02T00:00:00Z"},
		{"cron(0 0 ? * 6L *)", time.UTC, "2026-10-30T00:00:00Z"},
		{"cron(0 0 ? * TUE#2 *)", time.UTC, "2026-10-13T00:00:00Z"},
		{"cron(0 0 ? * FRI-MON *)", time.UTC, "2026-10-02T00:00:00Z"},
		{"cron(0 0 29 FEB ? *)", time.UTC, "2028-02-29T00:00:00Z"},
		{"cron(0 0 1 JAN ? 2026)", time.UTC, ""},
		{"rate(1 day)", time.UTC, "2026-10-02T08:00:00Z"},
		{"rate(90 minutes)", time.UTC, "2026-10-01T14:00:00Z"},
	} {
		got := ""
		if next := sandbox.NextRun(tt.expression, tt.zone, created, after); !next.IsZero() {
			got = next.UTC().Format(time.RFC3339)
		}
		if got != tt.want {
			t.Errorf("%s in %s: %s, want %s", tt.expression, tt.zone, got, tt.want)
		}
	}
}
