package rules_test

import (
	"strings"
	"testing"

	"github.com/org/imagebuild-action/internal/awsmodel/rules"
)

func TestScheduleExpressions(t *testing.T) {
	op := operation(t, "CreateImagePipeline")
	check := func(expr string) string {
		in := input(t, base["CreateImagePipeline"])
		in["schedule"] = map[string]any{"scheduleExpression": expr}
		var all []string
		for _, f := range rules.Check(op, in, here) {
			if f.Warning() {
				continue
			}
			if f.Path != "schedule.scheduleExpression" {
				t.Errorf("%s: found at %q", expr, f.Path)
			}
			all = append(all, f.Message+" "+f.Advice)
		}
		return strings.Join(all, "\n")
	}
	for _, expr := range []string{
		"cron(0 2 ? * sun *)", "cron(0 10 * * ? *)", "cron(15 12 * * ? *)", "cron(0 18 ? * MON-FRI *)",
		"cron(0 8 1 * ? *)", "cron(0/15 * * * ? *)", "cron(*/5 8-17 ? * mon-fri 2026-2030)", "cron(0,30 0 L * ? *)",
		"cron(0 0 LW * ? *)", "cron(0 0 15W * ? *)", "cron(0 0 L-3 * ? *)", "cron(0 0 ? * 6L *)", "cron(0 0 ? * tue#2 *)",
		"cron(0 0 ? JAN,JUL 2 2026/2)", "cron(0 0 ? * mon-sun *)", "cron(0  0 * *  ? *)", "rate(1 day)", "rate(12 hours)", "rate(1 minute)",
	} {
		if got := check(expr); got != "" {
			t.Errorf("%s is refused:\n%s", expr, got)
		}
	}
	for expr, want := range map[string]string{
		"0 2 ? * sun *":                    "neither cron(…) nor rate(…)",
		"cron(0 2 ? * sun *":               "neither cron(…) nor rate(…)",
		"at(2026-01-01T00:00:00)":          "neither cron(…) nor rate(…)",
		"cron(0 2 * * sun)":                "has six fields, and this has 5",
		"cron()":                           "has six fields, and this has 0",
		"cron(0 0 0 2 ? * sun *)":          "and this has 8",
		"cron(0 2 * * * *)":                `neither is. Write "cron(0 2 * * ? *)".`,
		"cron(0 2 * * sun *)":              `neither is. Write "cron(0 2 ? * sun *)".`,
		"cron(0 2 ? * ? *)":                `both are. Write "cron(0 2 * * ? *)".`,
		"cron(60 2 ? * sun *)":             `"60" is no minutes of a cron expression`,
		"cron(0 24 ? * sun *)":             `"24" is no hours`,
		"cron(0 0 32 * ? *)":               `"32" is no day of month`,
		"cron(0 0 0 * ? *)":                `"0" is no day of month`,
		"cron(0 0 1 13 ? *)":               `"13" is no month`,
		"cron(0 0 1 juli ? *)":             `"juli" is no month`,
		"cron(0 0 ? * 8 *)":                `"8" is no day of week`,
		"cron(0 0 ? * 0 *)":                `"0" is no day of week`,
		"cron(0 0 ? * mon#6 *)":            `"mon#6" is no day of week`,
		"cron(0 0 ? * 15W *)":              `"15W" is no day of week`,
		"cron(0 0 mon#1 * ? *)":            `"mon#1" is no day of month`,
		"cron(0 0 ? * sun 1969)":           `"1969" is no year`,
		"cron(L 0 ? * sun *)":              `"L" is no minutes`,
		"cron(? 0 ? * sun *)":              `"?" is no minutes`,
		"cron(1-70 0 ? * sun *)":           `"1-70" is no minutes`,
		"cron(30-10 0 ? * sun *)":          `"30-10" is no minutes`,
		"cron(*/0 0 ? * sun *)":            `"*/0" is no minutes`,
		"cron(*/ 0 ? * sun *)":             `"*/" is no minutes`,
		"cron(1,,2 0 ? * sun *)":           `"1,,2" is no minutes`,
		"cron(-1 0 ? * sun *)":             `"-1" is no minutes`,
		"cron(+1 0 ? * sun *)":             `"+1" is no minutes`,
		"cron(0 0 ?,1 * sun *)":            `"?,1" is no day of month`,
		"rate(1 days)":                     "Write rate(1 day).",
		"rate(2 day)":                      "Write rate(2 days).",
		"rate(0 days)":                     "a whole number from 1",
		"rate(-1 days)":                    "a whole number from 1",
		"rate(1.5 days)":                   "a whole number from 1",
		"rate(days)":                       "a whole number from 1",
		"rate(2 weeks)":                    "minutes, hours and days",
		"rate(99999999999999999999 hours)": "a whole number from 1",
	} {
		if got := check(expr); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", expr, got, want)
		}
	}
}
