package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A scheduleProblem says what is wrong with a schedule expression, and what to write instead.
type scheduleProblem struct{ detail, advice string }

// checkSchedule judges cron(…) and rate(…) expressions as the Image Builder User Guide defines
// them ("Cron expressions in Image Builder"): six fields, one of the two days being "?".
func checkSchedule(expr string) *scheduleProblem {
	kind, rest, ok := strings.Cut(expr, "(")
	inner, closed := strings.CutSuffix(rest, ")")
	if !ok || !closed || kind != "cron" && kind != "rate" {
		return &scheduleProblem{
			"It is neither cron(…) nor rate(…)",
			`Write six fields in cron(…), as in "cron(0 2 ? * sun *)", or "rate(7 days)".`,
		}
	}
	if kind == "rate" {
		return checkRate(inner)
	}
	return checkCron(inner)
}

func checkRate(inner string) *scheduleProblem {
	advice := `Write a number and a unit, as in "rate(1 day)" or "rate(12 hours)".`
	value, unit, ok := strings.Cut(inner, " ")
	n, err := strconv.Atoi(value)
	if !ok || err != nil || n < 1 || digits(value) != len(value) {
		return &scheduleProblem{"A rate is a whole number from 1 and a unit", advice}
	}
	single, plural := []string{"minute", "hour", "day"}, []string{"minutes", "hours", "days"}
	switch {
	case n == 1 && slices.Contains(plural, unit):
		return &scheduleProblem{"With the number 1 the unit is singular", "Write rate(1 " + strings.TrimSuffix(unit, "s") + ")."}
	case n != 1 && slices.Contains(single, unit):
		return &scheduleProblem{"With numbers above 1 the unit is plural", fmt.Sprintf("Write rate(%d %ss).", n, unit)}
	case !slices.Contains(single, unit) && !slices.Contains(plural, unit):
		return &scheduleProblem{"The units of a rate are minutes, hours and days", advice}
	}
	return nil
}

// A cronField is one of the six.
type cronField struct {
	name        string
	least, most int
	names       []string // words for the numbers from least on
	special     string   // of ? L W #, those that it may hold
}

var cronFields = []cronField{
	{"minutes", 0, 59, nil, ""},
	{"hours", 0, 23, nil, ""},
	{"day of month", 1, 31, nil, "?LW"},
	{"month", 1, 12, []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}, ""},
	{"day of week", 1, 7, []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}, "?L#"},
	{"year", 1970, 2199, nil, ""},
}

// Places of the two days among the fields.
const (
	dayOfMonth = 2
	dayOfWeek  = 4
)

func checkCron(inner string) *scheduleProblem {
	parts := strings.Fields(inner)
	if len(parts) != len(cronFields) {
		return &scheduleProblem{
			fmt.Sprintf("A cron expression has six fields, and this has %d", len(parts)),
			"Write minutes, hours, day of month, month, day of week and year; one of the two days is ?.",
		}
	}
	for i, f := range cronFields {
		if p := f.check(parts[i]); p != nil {
			return p
		}
	}
	if (parts[dayOfMonth] == "?") == (parts[dayOfWeek] == "?") {
		detail := "One of day of month and day of week must be ?, and neither is"
		if parts[dayOfMonth] == "?" {
			detail = "Only one of day of month and day of week can be ?, and both are"
		}
		fixed := slices.Clone(parts)
		if fixed[dayOfWeek] == "*" || fixed[dayOfWeek] == "?" {
			fixed[dayOfMonth] = strings.Replace(fixed[dayOfMonth], "?", "*", 1)
			fixed[dayOfWeek] = "?"
		} else {
			fixed[dayOfMonth] = "?"
		}
		return &scheduleProblem{detail, `Write "cron(` + strings.Join(fixed, " ") + `)".`}
	}
	return nil
}

// check judges one field: items with commas between them.
func (f *cronField) check(field string) *scheduleProblem {
	for item := range strings.SplitSeq(field, ",") {
		if !f.item(item, item == field) {
			return &scheduleProblem{
				fmt.Sprintf("%q is no %s of a cron expression", field, f.name),
				"Write " + f.allowed() + ".",
			}
		}
	}
	return nil
}

func (f *cronField) allowed() string {
	s := fmt.Sprintf("numbers from %d to %d", f.least, f.most)
	if f.names != nil {
		s += " or " + f.names[0] + " to " + f.names[len(f.names)-1]
	}
	s += " with , - * and / between them"
	if f.special != "" {
		s += ", or one of " + strings.Join(strings.Split(f.special, ""), " ")
	}
	return s
}

// item judges one item; alone says that the field holds no other.
func (f *cronField) item(s string, alone bool) bool {
	switch {
	case s == "?":
		return alone && strings.Contains(f.special, "?")
	case strings.ContainsAny(s, "L#") || strings.HasSuffix(s, "W"):
		if f.names == nil || strings.Contains(f.special, "#") {
			return f.specialItem(s)
		}
	}
	base, step, stepped := strings.Cut(s, "/")
	if stepped {
		n, err := strconv.Atoi(step)
		if err != nil || digits(step) != len(step) || n < 1 || n > f.most {
			return false
		}
	}
	if base == "*" {
		return true
	}
	low, high, isRange := strings.Cut(base, "-")
	from, ok := f.number(low)
	if !ok || !isRange {
		return ok
	}
	to, ok := f.number(high)
	// A week has no end: mon-sun is written though sunday is its first day.
	return ok && (from <= to || strings.Contains(f.special, "#"))
}

// specialItem judges the forms of the two days: L, LW, 15W, L-3, 6L, 3#2.
func (f *cronField) specialItem(s string) bool {
	weekday := strings.Contains(f.special, "#")
	if day, nth, ok := strings.Cut(s, "#"); ok {
		_, valid := f.number(day)
		n, err := strconv.Atoi(nth)
		return weekday && valid && err == nil && n >= 1 && n <= 5
	}
	if !strings.Contains(f.special, "L") {
		return false
	}
	if s == "L" {
		return true
	}
	if weekday {
		day, ok := strings.CutSuffix(s, "L")
		_, valid := f.number(day)
		return ok && valid
	}
	if s == "LW" {
		return true
	}
	if before, ok := strings.CutPrefix(s, "L-"); ok {
		n, valid := f.number(before)
		return valid && n < f.most
	}
	day, ok := strings.CutSuffix(s, "W")
	_, valid := f.number(day)
	return ok && valid
}

// number reads a number within the field's range, or one of its words in any case.
func (f *cronField) number(s string) (int, bool) {
	if i := slices.Index(f.names, strings.ToLower(s)); i >= 0 {
		return f.least + i, true
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && digits(s) == len(s) && n >= f.least && n <= f.most
}
